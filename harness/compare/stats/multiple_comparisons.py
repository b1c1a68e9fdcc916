"""Corrects p values for the number of comparisons in one report: Holm's step-down procedure, with Tarone's exclusion.

Without it, one of twenty comparisons would be significant by chance alone. Holm 1979, "A simple sequentially rejective multiple
test procedure", Scand. J. Statist. 6; Tarone 1990, "A modified Bonferroni method for discrete data", Biometrics 46.
"""

from __future__ import annotations

from collections.abc import Sequence


def corrected(chances: Sequence[float], least: Sequence[float], alpha: float) -> tuple[list[float], int]:
    """(Holm's corrected p values, how many comparisons count).

    ``least``: the smallest p value that each comparison can give. A comparison that can never be significant does not count
    (Tarone): if k comparisons count, only those with ``least`` of at most alpha / k are among them.
    """
    size = next(k for k in range(1, len(chances) + 2) if sum(chance <= alpha / k for chance in least) <= k)
    counted = sorted((i for i, chance in enumerate(least) if chance <= alpha / size), key=lambda i: chances[i])
    adjusted = [min(1.0, p * size) for p in chances]
    highest = 0.0
    for rank, index in enumerate(counted):
        highest = max(highest, min(1.0, chances[index] * (len(counted) - rank)))
        adjusted[index] = highest
    return adjusted, size
