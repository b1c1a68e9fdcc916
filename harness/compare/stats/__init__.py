"""Statistics of paired cells: tests, intervals and verdicts. Pure functions; no clock, no disk.

In: cells that both sides have. Out: evidence, and a verdict: better, worse, same or cannot tell.
May import: ``results``.

The unit of resampling is the *case*: the cells and attempts of one case are correlated, so every test moves them together. The
null hypothesis is that both sides are the same, so that the sign of each case's difference is as likely to be the other one. The
test is therefore a sign-flip (randomization) test, clustered by case. With one answer a case it is exactly McNemar's test; with
numbers it is the wild cluster bootstrap with Rademacher weights. Two sides with equal means but different shapes would raise
false alarms in it. So a difference counts only if a second test agrees: Hall's skewness-corrected t test for numbers, Bonett
and Price's interval for pass rates with several answers a case.

What is promised, and simulated in `tests/simulated.py`: *better* and *worse* are wrong in at most 5% of reports (family-wise,
after Holm), *same* in at most 2.5% of comparisons. This is exact where both sides have the same shape. Where the shapes differ, it
holds to about one percentage point from 8 cases on (up to 6.7% seen). It does not hold for extreme tails (one answer in fifty is
seven times the typical one) or very unequal numbers of cells in fewer than 50 cases: up to 9%. No test of a mean can promise more
without knowing the shape (Bahadur and Savage 1956), since a few cases do not show a tail. Power is within 8 percentage points of
the best test at 12 cases, 5 at 20, and 3 from 50 on.

Budgets use the interval of one side alone. From 5 cases on, the true mean lies above it in at most 5% for symmetric shapes, 6% for
exponential ones, 10% for a lognormal with standard deviation 1 and 15% with 1.5; below it in at most 5%. Better-known intervals
(bootstrap-t, Hall's alone) miss up to three times as often as they state with 5 to 8 such cases. Cox's interval for a lognormal
is two to four times as wide for uniform numbers.

- `cells`: the arrays of the cells that both sides have.
- `rates`: pass rates. Wilson intervals, McNemar's exact test, Bonett and Price's interval of a difference.
- `numbers`: seconds, tokens, dollars. The wild cluster bootstrap and Hall's t: p values and intervals.
- `evidence`: what the cells of one measure show, before any verdict.
- `sign_flip`: the sign-flip test. `skew`: Hall's t test, for differences that are skewed.
- `multiple_comparisons`: Holm's correction over the comparisons of one report.
- `verdict`: better, worse, same or cannot tell, and how many more cases would decide.
- `pass_at_k`: pass@k and pass^k.

numpy and scipy are imported in this package only. Import it where a comparison is made, so that a run never waits for it.
"""

from __future__ import annotations

from harness.compare.stats.cells import Measured, Verdicts, side
from harness.compare.stats.evidence import CONFIDENCE, Interval, PairedEvidence
from harness.compare.stats.numbers import mean_interval, numbers
from harness.compare.stats.pass_at_k import pass_all, pass_at
from harness.compare.stats.rates import Attempts, clustered_wilson, rates, wilson
from harness.compare.stats.verdict import Assessment, assess

__all__ = [
    "CONFIDENCE",
    "Assessment",
    "Attempts",
    "Interval",
    "Measured",
    "PairedEvidence",
    "Verdicts",
    "assess",
    "clustered_wilson",
    "mean_interval",
    "numbers",
    "pass_all",
    "pass_at",
    "rates",
    "side",
    "wilson",
]
