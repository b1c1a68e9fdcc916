"""What a comparison of two sides may claim, and how sure it is. Numbers in, numbers and words out; no clock, no disk.

The unit is the *case*: the cells and attempts of one case hang together, so they move together in every test. Chance is what
would happen if the two sides were the same, that is, if each case's difference could as well have had the other sign. With one
answer a case this is exactly McNemar's test; with numbers it is the wild bootstrap clustered by case.

- `rates`: pass rates. Wilson intervals, the exact test on paired verdicts, the interval of a difference.
- `numbers`: seconds, tokens, dollars. The clustered bootstrap: p and intervals from random halves of the cases.
- `family`: Holm's correction over the comparisons of one report.
- `verdict`: better, worse, same or cannot tell, and how much more it would take.
- `repeats`: pass@k and pass^k.

numpy and scipy are imported in this package only: import it where a comparison is made, never on the way of a run.
"""

from __future__ import annotations

from harness.stats.evidence import CONFIDENCE, Evidence, Interval
from harness.stats.numbers import numbers
from harness.stats.rates import Attempts, rates, wilson
from harness.stats.repeats import pass_all, pass_at
from harness.stats.verdict import Assessment, assess

__all__ = [
    "CONFIDENCE",
    "Assessment",
    "Attempts",
    "Evidence",
    "Interval",
    "assess",
    "numbers",
    "pass_all",
    "pass_at",
    "rates",
    "wilson",
]
