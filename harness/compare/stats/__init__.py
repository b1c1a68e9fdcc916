"""Statistics of paired cells: tests, intervals and verdicts. Pure functions; no clock, no disk.

In: cells that both sides have. Out: evidence, and a verdict: better, worse, same or cannot tell.
May import: ``results``, ``text``, ``extensions``.

What the tests are stands in `rates`, `numbers` and `multiple_comparisons`; what they promise, and how often they are wrong,
in `docs/how-sure.md`. No test of a mean can promise more without knowing the shape (Bahadur and Savage 1956).

numpy and scipy are imported in this package only, and are an extra: without them its import raises UsageError. Import it where a comparison is made, so that a run never waits for it.
"""

from __future__ import annotations

from harness.extensions import check_statistics

check_statistics()
