"""Corrects for the number of comparisons in one report. Without it, one of twenty would be significant by chance alone.

Each comparison gets its corrected p value, and the level at which it was tested, so that an interval of that level agrees with
the verdict. Independent comparisons: Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6,
without those that could never be significant (Tarone 1990, "A modified Bonferroni method for discrete data", Biometrics 46).
Measures of the same cases: the step-down smallest p value over shared signs (Westfall and Young 1993, "Resampling-based multiple testing"),
which does not count one quantity three times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from harness.compare.stats.evidence import PairedEvidence, Vector

SEED = 20_240_229
DRAWS = 9_999
GROUPS = 128
"""More cases than this are flipped in this many groups."""


class Corrected(NamedTuple):
    """``p``: the corrected p value. ``level``: the level at which the p value itself was tested. ``size``: comparisons that count."""

    p: float
    level: float
    size: int


def holm(chances: Sequence[float], least: Sequence[float], alpha: float) -> list[Corrected]:
    """Holm's correction. ``least``: the smallest p value that each comparison can give; if k comparisons count, only those with at most
    alpha / k are among them."""
    size = counting(least, alpha)
    counted = sorted((i for i, chance in enumerate(least) if chance <= alpha / size), key=lambda i: chances[i])
    found = [Corrected(min(1.0, p * size), alpha / size, size) for p in chances]
    highest, level = 0.0, 0.0
    for rank, index in enumerate(counted):
        rest = max(size - rank, 1)
        level = level if highest > alpha else alpha / rest
        highest = max(highest, min(1.0, chances[index] * rest))
        found[index] = Corrected(highest, level, size)
    return found


def counting(least: Sequence[float], alpha: float) -> int:
    """How many comparisons count, at least 1."""
    return next(k for k in range(1, len(least) + 2) if sum(chance <= alpha / k for chance in least) <= k)


def shared_signs(evidence: Sequence[PairedEvidence], alpha: float) -> list[Corrected]:
    """The correction for measures of the same cells. Holm's holds too, so the smaller p value counts."""
    plain = holm([or_one(one.p) for one in evidence], [one.least_p for one in evidence], alpha)
    moving = [at for at, one in enumerate(evidence) if one.flips is not None and one.flips[0].any()]
    if len(moving) < 2:
        return plain
    moving.sort(key=lambda at: or_one(evidence[at].p))
    chances, own = _drawn_chances([evidence[at] for at in moving])
    # over this measure and those with larger p values
    smallest = np.minimum.accumulate(chances[:, ::-1], axis=1)[:, ::-1]
    highest, level, found = 0.0, 0.0, list(plain)
    for at, minima, drawn in zip(moving, smallest.T, own, strict=True):
        p = or_one(evidence[at].p)
        if highest <= alpha:
            rank = max(int(alpha * (1 + DRAWS)) - 1, 0)
            level = min(max(float(np.sort(minima)[rank]) - 0.5 / DRAWS, plain[at].level), alpha)
        as_small = np.count_nonzero(minima <= max(p, drawn) + 1e-9)
        highest = max(highest, p, min((1 + as_small) / (1 + DRAWS), plain[at].p))
        found[at] = Corrected(float(highest), level, plain[at].size)
    return found


def or_one(p: float | None) -> float:
    return 1.0 if p is None else p


@lru_cache(maxsize=4)
def _signs(count: int) -> Vector:
    drawn = np.random.default_rng(SEED).integers(0, 2, (DRAWS, count))
    return np.asarray(2.0 * drawn - 1.0, np.float64)


def _drawn_chances(evidence: Sequence[PairedEvidence]) -> tuple[Vector, Vector]:
    """The p value of each measure under random signs of cases, which all measures share: shape (draws, measures). And that of what was
    seen, by the same draws: with few cases draws and exact counts differ, and equal sums have to be equal."""
    flips = [one.flips for one in evidence if one.flips is not None]
    groups = min(GROUPS, 1 + max(int(cases.max()) for _, cases in flips))
    columns = np.stack(
        [np.bincount(cases % groups, weights=differences, minlength=groups) for differences, cases in flips], axis=1
    )
    signs = np.vstack([_signs(groups), np.ones(groups)])
    sums = np.abs(np.einsum("ij,jk->ik", signs, columns))
    sums += 1e-9 * sums.max(axis=0)  # sums that differ by rounding only are equal
    ordered = np.sort(sums[:-1], axis=0)
    at_least = [
        DRAWS - np.searchsorted(column, values - 2e-9 * column[-1])
        for column, values in zip(ordered.T, sums.T, strict=True)
    ]
    chances = np.asarray(np.stack(at_least, axis=1) / DRAWS, np.float64)
    return chances[:-1], chances[-1]
