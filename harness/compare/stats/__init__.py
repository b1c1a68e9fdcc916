"""What a comparison of two sides may claim, and how sure it is. Numbers in, numbers and words out; no clock, no disk.

In: cells that both sides have. Out: evidence, and a verdict: better, worse, same or cannot tell.
May import: ``results``.

The unit is the *case*: the cells and attempts of one case hang together, so they move together in every test. Chance is what
would happen if the two sides were the same, that is, if each case's difference could as well have had the other sign. With one
answer a case this is exactly McNemar's test; with numbers it is the wild bootstrap clustered by case. Two sides may also differ in
shape and not in mean, and then signs alone raise false alarms; so a difference counts only where a second test agrees: Hall's
skewness-corrected t for numbers, Bonett and Price's interval for pass rates of several answers a case.

What is promised, and simulated in `tests/simulated.py`: *better* and *worse* are wrong at most once in twenty reports (5%, after
Holm), *same* once in forty for each comparison. That is exact where both sides are of one kind. Where their shapes differ it holds to
about a point from 8 cases on (up to 6.7% seen), but not for extreme tails (one answer in fifty seven times the typical one) or very
unequal numbers of cells in fewer than 50 cases: up to 9%. No test of a mean can promise more without knowing the shape (Bahadur and
Savage 1956): what a handful of cases does not show, nobody can see. Power is within 8 points of the best test at 12 cases, 5 at
20 and 3 from 50 on.

The interval of one side by itself, which budgets go by, misses low in at most 5% where its shape is even, in 6% for exponential ones, in
10% for a lognormal of deviation 1, in 15% of 1.5, from 5 cases on; high in at most 5%. Better-known intervals (bootstrap-t, Hall's alone)
miss up to three times as often as they say in 5 to 8 such cases; Cox's, of a lognormal, is two to four times as wide for uniform numbers.

- `cells`: what both sides know of all cells, or of some.
- `rates`: pass rates. Wilson intervals, the exact test on paired verdicts, the interval of a difference.
- `numbers`: seconds, tokens, dollars. The clustered bootstrap: p and intervals from random halves of the cases.
- `evidence`: what the cells of one measure say, before anything is claimed.
- `signs`, `skew`: what flipping signs sees, and what it does not: differences that lean to one side.
- `family`: Holm's correction over the comparisons of one report.
- `verdict`: better, worse, same or cannot tell, and how much more it would take.
- `repeats`: pass@k and pass^k.

numpy and scipy are imported in this package only: import it where a comparison is made, never on the way of a run.
"""

from __future__ import annotations

from harness.compare.stats.cells import Measured, Verdicts, side
from harness.compare.stats.evidence import CONFIDENCE, Interval, PairedEvidence
from harness.compare.stats.numbers import average, numbers
from harness.compare.stats.rates import Attempts, clustered, rates, wilson
from harness.compare.stats.repeats import pass_all, pass_at
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
    "average",
    "clustered",
    "numbers",
    "pass_all",
    "pass_at",
    "rates",
    "side",
    "wilson",
]
