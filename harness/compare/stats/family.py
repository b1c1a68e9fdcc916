"""Many comparisons in one report: one of twenty would be off by chance alone, so each has to be that much surer."""

from __future__ import annotations

from collections.abc import Sequence


def corrected(chances: Sequence[float], least: Sequence[float], alpha: float) -> tuple[list[float], int]:
    """(Holm's corrected p of each, how many comparisons count).

    Those that could never say anything, since their smallest possible p (``least``) is too large, do not burden the others
    (Tarone): with k that count, only a ``least`` of at most alpha / k does.
    """
    size = next(k for k in range(1, len(chances) + 2) if sum(each <= alpha / k for each in least) <= k)
    counted = sorted((i for i, each in enumerate(least) if each <= alpha / size), key=lambda i: chances[i])
    adjusted = [min(1.0, p * size) for p in chances]
    highest = 0.0
    for rank, index in enumerate(counted):
        highest = max(highest, min(1.0, chances[index] * (len(counted) - rank)))
        adjusted[index] = highest
    return adjusted, size
