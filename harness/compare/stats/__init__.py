"""Statistics of paired cells: tests, intervals and verdicts. Pure functions; no clock, no disk.

In: cells that both sides have. Out: evidence, and a verdict: better, worse, same or cannot tell.
May import: ``results``, ``extensions``.

What the tests are stands in `rates`, `numbers` and `multiple_comparisons`; what they promise, and how often they are wrong,
in `docs/how-sure.md`. No test of a mean can promise more without knowing the shape (Bahadur and Savage 1956).

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
