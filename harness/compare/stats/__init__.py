"""Statistics of paired cells: tests, intervals and verdicts. Pure functions; no clock, no disk.

In: cells that both sides have. Out: evidence, and a verdict: better, worse, same or cannot tell.
May import: ``results``, ``extensions``.

A verdict on a pass rate has a scope. *These cases*: the cases are given and their attempts are the chance, so repeats count. The test
divides each cell's passed attempts between the sides in all ways (with one answer a cell it is McNemar's mid-p test). *Cases like
these*: the case is the unit of chance, and all of its cells and attempts move together. The test flips the sign of whole cases.

Verdicts on numbers are about cases like these. The sign-flip test is exact if both sides have the same shape. Two sides with equal
means but different shapes would raise false alarms in it. So a difference counts only if a second test agrees: Hall's
skewness-corrected t test for numbers, Bonett and Price's interval for pass rates with several answers a case.

Three kinds of claims of a report are wrong in at most 5% of reports each: the pass rate over all cells (corrected over candidates
only), the other measures over all cells, and single suites. *same* is wrong in at most 2.5% of changes as large as the margin. How often
they are wrong is simulated in `tests/simulated.py`; `docs/how-sure.md` shows it, with the limits: no test of a mean can promise more
without knowing the shape (Bahadur and Savage 1956), since a few cases do not show a tail.

Budgets use the interval of one side alone: Clopper and Pearson's for pass rates; for numbers that of `numbers`, with an unseen case
added at either end. Better-known intervals (bootstrap-t, Hall's alone) miss up to three times as often as they state with few cases.

- `cells`: the arrays of the cells that both sides have.
- `evidence`: what the cells of one measure show, before any verdict. Tests and intervals come from the same inversion, or are made
  to agree there.
- `exact`: the exact distribution of a sum of independent steps: flips of cases, divisions of attempts.
- `rates`: pass rates, in both scopes. `numbers`: seconds, tokens, dollars.
- `tails`: how far further cases may scatter. `sign_flip`: the sign-flip test. `skew`: Hall's t test, for differences that are skewed.
- `multiple_comparisons`: the correction over the comparisons of one report.
- `verdict`: better, worse, same or cannot tell, and how many more cases would decide.
- `pass_at_k`: pass@k and pass^k.

numpy and scipy are imported in this package only, and are an extra: without them its import raises UsageError. Import it where a comparison is made, so that a run never waits for it.
"""

from __future__ import annotations

from harness.extensions import check_statistics

check_statistics()

from harness.compare.stats.cells import Measured, Verdicts, side  # noqa: E402 - they import numpy and scipy
from harness.compare.stats.evidence import CONFIDENCE, Interval, PairedEvidence, Scope  # noqa: E402
from harness.compare.stats.numbers import mean_interval, numbers  # noqa: E402
from harness.compare.stats.pass_at_k import pass_all, pass_at  # noqa: E402
from harness.compare.stats.rates import Attempts, clopper_pearson, clustered_wilson, rates, wilson  # noqa: E402
from harness.compare.stats.verdict import Assessment, ComparedMeasure, assess  # noqa: E402

__all__ = [
    "CONFIDENCE",
    "Assessment",
    "Attempts",
    "ComparedMeasure",
    "Interval",
    "Measured",
    "PairedEvidence",
    "Scope",
    "Verdicts",
    "assess",
    "clopper_pearson",
    "clustered_wilson",
    "mean_interval",
    "numbers",
    "pass_all",
    "pass_at",
    "rates",
    "side",
    "wilson",
]
