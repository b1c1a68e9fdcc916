"""Seconds, tokens, dollars on both sides of the same cells: flipped signs of whole cases, and Hall's t. A difference counts where both say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.compare.stats.evidence import (
    CONFIDENCE,
    FEWEST_ALIKE,
    Counts,
    Interval,
    PairedEvidence,
    Vector,
    by_case,
    deviation,
    share,
)
from harness.compare.stats.signs import central, grouped, least_p, parts, reached, sampled_p
from harness.compare.stats.skew import Skewness, leaning


def numbers(
    cases: Counts,
    reference: Sequence[float] | Vector,
    candidate: Sequence[float] | Vector,
    *,
    margin: float,
    confidence: float = CONFIDENCE,
    noise: Sequence[float] | Vector | None = None,
    pairs: int | None = None,
) -> PairedEvidence:
    """Cells by case: which case each belongs to, its mean on either side. The mean over cells, and the ratio of the means.

    ``noise``: the variance of each cell's difference that comes from its attempts (nan: one attempt only). ``pairs``: how many
    attempts both sides have; by default one a cell. Raises ValueError for no cells, or for a number that is not finite.
    """
    one, other = _finite(reference, "reference"), _finite(candidate, "candidate")
    before, moved, cells = by_case(cases, one, other - one, np.ones(one.size))
    whole, change = before.sum(), moved.sum()
    known: dict[str, Any] = {
        "pairs": one.size if pairs is None else pairs,
        "cases": cells.size,
        "reference": float(one.mean()),
        "candidate": float(other.mean()),
        "estimate": float(change / one.size),
        "change": float(change / whole) if whole > 0 else None if other.any() else 0.0,
        "margin": margin,
        "least_p": least_p(int(np.count_nonzero(moved))),
    }
    by_cell = moved / cells
    if np.ptp(by_cell) <= 1e-12 * np.abs(by_cell).max():
        p = sampled_p(moved) if moved.any() else None
        return PairedEvidence(**known, p=p, constant=True)
    known |= _spread(before, moved, cells, noise)
    known |= _chance(before, moved, cells, margin, confidence)
    return PairedEvidence(**known)


UNSEEN = 12
"""Of so many cases the farthest stands for what the next may be; of fewer, one farther out does, of more, one nearer (see ``average``)."""


def average(cases: Counts, values: Sequence[float] | Vector, confidence: float = CONFIDENCE) -> Interval | None:
    """The interval of the mean over cells of one side by itself, as that of its difference from nothing.

    Few cases show too little of a tail: the interval also holds what it would be with one case more at either end, ``UNSEEN``
    over the cases as far out as the farthest seen. What is never below 0 is not on average either. None for too few cases; the
    mean itself where 5 cases or more are all alike. Raises ValueError as ``numbers``.
    """
    found = _alone(cases, values, confidence)
    if found.constant and found.cases >= FEWEST_ALIKE:
        return found.estimate, found.estimate
    if found.interval is None:
        return None
    ends = [found.interval]
    for more in _one_more(cases, values):
        wider = _alone(*more, confidence).interval
        ends += [wider] if wider else []
    lows, highs = zip(*ends, strict=True)
    return max(min(lows), min(0.0, *values)), max(highs)


def _alone(cases: Counts, values: Sequence[float] | Vector, confidence: float) -> PairedEvidence:
    return numbers(cases, np.zeros(len(values)), values, margin=1.0, confidence=confidence)


def _one_more(cases: Counts, values: Sequence[float] | Vector) -> Iterator[tuple[Counts, Vector]]:
    """The cells with those of one case more, of typical size: below all others, above all others."""
    sums, cells = by_case(cases, np.asarray(values, float), np.ones(len(values)))
    typical, middle, means = round(cells.mean()), sums.sum() / cells.sum(), sums / cells
    for farthest in (means.min(), means.max()):
        unseen = middle + UNSEEN / means.size * (farthest - middle)
        yield [*cases, *[max(cases) + 1] * typical], np.append(values, [unseen] * typical)


def _finite(values: Sequence[float] | Vector, side: str) -> Vector:
    found = np.asarray(values, float)
    if not found.size:
        raise ValueError(f"the {side} has no cells")
    if not np.isfinite(found).all():
        raise ValueError(f"the {side} has {found[~np.isfinite(found)][0]}, which is no finite number")
    return found


def _chance(before: Vector, moved: Vector, cells: Vector, margin: float, confidence: float) -> dict[str, object]:
    """Both tests, of signs and of what leans: the larger p, the wider interval. ``moved``: by how much each case differs."""
    shift, ratio = _shift(moved, cells), _ratio(before, moved)
    before, moved, cells = grouped(before), grouped(moved), grouped(cells)
    part = parts(moved)
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = part / parts(before)
    p = max([reached(part, moved), *(each.p(0.0) for each in (shift, ratio) if each)])
    held = [0.0] if p > 1 - confidence else []
    signs = central(part / parts(cells), confidence)
    found: dict[str, object] = {"p": p, "interval": _wider(signs, shift.interval(confidence) if shift else None, held)}
    if before.sum() <= 0:
        return found
    unknown = np.isnan(changes)
    beyond = max(np.count_nonzero(unknown | (changes >= margin)), np.count_nonzero(unknown | (changes <= -margin)))
    known = None if unknown.any() else central(changes, confidence)
    leans = _parts_of_one(ratio.interval(confidence)) if ratio else None
    return {
        **found,
        "change_interval": _wider(known, leans, held),
        "p_outside": max(float((1 + beyond) / (1 + changes.size)), _outside(ratio, margin)),
    }


def _shift(moved: Vector, cells: Vector) -> Skewness | None:
    """The mean difference over cells."""
    mean = moved.sum() / cells.sum()
    return leaning(float(mean), (moved - mean * cells) / cells.mean())


def _ratio(before: Vector, moved: Vector) -> Skewness | None:
    """The logarithm of the ratio of the means: swapping the sides turns its sign. None where a side is nothing.

    Reckoned from the differences, which may be far smaller than what they are differences of.
    """
    was, now = before.mean(), before.mean() + moved.mean()
    if was <= 0 or now <= 0:
        return None
    return leaning(float(np.log1p(moved.mean() / was)), (moved * was - before * moved.mean()) / (was * now))


def _outside(ratio: Skewness | None, margin: float) -> float:
    """How often a change as large as the margin would look this small."""
    if ratio is None:
        return 0.0
    above = ratio.above(float(np.log1p(-margin))) if margin < 1 else 0.0
    return max(ratio.below(float(np.log1p(margin))), above)


def _parts_of_one(logarithms: Interval) -> Interval:
    low, high = np.expm1(logarithms)
    return float(low), float(high)


def _wider(signs: Interval | None, leans: Interval | None, held: Sequence[float]) -> Interval | None:
    """Both intervals in one, with what it has to hold; what the signs do not know stays unknown."""
    ends = [*(signs or ()), *(leans or ()), *held]
    return (min(ends), max(ends)) if signs else None


def _spread(
    before: Vector, moved: Vector, cells: Vector, noise: Sequence[float] | Vector | None
) -> dict[str, float | None]:
    typical = cells.mean()
    spread = deviation(moved / typical)
    change = moved.sum() / before.sum() if before.sum() > 0 else None
    relative = None if change is None else deviation((moved - change * before) / before.mean())
    found = {"spread": spread, "change_spread": relative}
    if noise is not None and spread:
        # A case's difference is a mean over its cells: the noise of each cell counts by the square of its share.
        part = float(np.mean(noise)) / float(typical)
        found["noise"] = None if np.isnan(part) else share(part, spread**2)
    return found
