"""Seconds, tokens, dollars on both sides of the same cells.

Two tests: the sign-flip test clustered by case (the wild cluster bootstrap), and Hall's skewness-corrected t test. A difference
counts only if both are significant: the larger p value, and the union of both intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.compare.stats.evidence import (
    CONFIDENCE,
    MIN_CONSTANT_CASES,
    Counts,
    Interval,
    PairedEvidence,
    Vector,
    by_case,
    deviation,
    variance_share,
)
from harness.compare.stats.sign_flip import central_interval, flip_p, grouped, least_p, sampled_p, subset_sums
from harness.compare.stats.skew import Skewness, skew_corrected


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
    """The evidence on the difference of the means over cells, and on the ratio of these means.

    ``cases``, ``reference``, ``candidate``: the case number and the mean on either side, one entry per cell. ``noise``: the
    variance of each cell's difference that comes from its attempts (nan: one attempt only). ``pairs``: how many attempts both
    sides have; by default one per cell. Raises ValueError for no cells, or for a number that is not finite.
    """
    reference_values, candidate_values = _finite(reference, "reference"), _finite(candidate, "candidate")
    before, differences, cells = by_case(
        cases, reference_values, candidate_values - reference_values, np.ones(reference_values.size)
    )
    whole, change = before.sum(), differences.sum()
    known: dict[str, Any] = {
        "pairs": reference_values.size if pairs is None else pairs,
        "cases": cells.size,
        "reference": float(reference_values.mean()),
        "candidate": float(candidate_values.mean()),
        "estimate": float(change / reference_values.size),
        "change": float(change / whole) if whole > 0 else None if candidate_values.any() else 0.0,
        "margin": margin,
        "least_p": least_p(int(np.count_nonzero(differences))),
    }
    by_cell = differences / cells
    if np.ptp(by_cell) <= 1e-12 * np.abs(by_cell).max():
        p = sampled_p(differences) if differences.any() else None
        return PairedEvidence(**known, p=p, constant=True)
    known |= _spread(before, differences, cells, noise)
    known |= _test_results(before, differences, cells, margin, confidence)
    return PairedEvidence(**known)


UNSEEN = 12
"""With this many cases, one more case may lie as far out as the farthest one; with fewer cases farther, with more nearer (see
``mean_interval``)."""


def mean_interval(cases: Counts, values: Sequence[float] | Vector, confidence: float = CONFIDENCE) -> Interval | None:
    """The confidence interval of the mean over cells of one side: that of its difference from 0.

    Few cases do not show the tail. So the interval also contains the intervals with one more case at either end, ``UNSEEN``
    divided by the number of cases times as far from the mean as the farthest case. It is not below 0 if no value is. None for
    too few cases; the mean itself where ``MIN_CONSTANT_CASES`` cases or more are equal. Raises ValueError as ``numbers``.
    """
    found = _against_zero(cases, values, confidence)
    if found.constant and found.cases >= MIN_CONSTANT_CASES:
        return found.estimate, found.estimate
    if found.interval is None:
        return None
    ends = [found.interval]
    for more in _with_unseen_case(cases, values):
        wider = _against_zero(*more, confidence).interval
        ends += [wider] if wider else []
    lows, highs = zip(*ends, strict=True)
    return max(min(lows), min(0.0, *values)), max(highs)


def _against_zero(cases: Counts, values: Sequence[float] | Vector, confidence: float) -> PairedEvidence:
    return numbers(cases, np.zeros(len(values)), values, margin=1.0, confidence=confidence)


def _with_unseen_case(cases: Counts, values: Sequence[float] | Vector) -> Iterator[tuple[Counts, Vector]]:
    """The cells with one more case of typical size, once below all others, once above all others."""
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


def _test_results(
    before: Vector, differences: Vector, cells: Vector, margin: float, confidence: float
) -> dict[str, object]:
    """The results of both tests: the larger p value, the union of the intervals.

    ``before``, ``differences``, ``cells``: sums over the cells of each case, and how many cells it has.
    """
    shift, ratio = _mean_difference(differences, cells), _log_ratio(before, differences)
    before, differences, cells = grouped(before), grouped(differences), grouped(cells)
    part = subset_sums(differences)
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = part / subset_sums(before)
    p = max([flip_p(part, differences), *(estimate.p(0.0) for estimate in (shift, ratio) if estimate)])
    held = [0.0] if p > 1 - confidence else []
    sign_interval = central_interval(part / subset_sums(cells), confidence)
    found: dict[str, object] = {
        "p": p,
        "interval": _union(sign_interval, shift.interval(confidence) if shift else None, held),
    }
    if before.sum() <= 0:
        return found
    unknown = np.isnan(changes)
    exceeding = max(np.count_nonzero(unknown | (changes >= margin)), np.count_nonzero(unknown | (changes <= -margin)))
    known = None if unknown.any() else central_interval(changes, confidence)
    skew_interval = _from_logarithms(ratio.interval(confidence)) if ratio else None
    return {
        **found,
        "change_interval": _union(known, skew_interval, held),
        "p_outside": max(float((1 + exceeding) / (1 + changes.size)), _p_outside(ratio, margin)),
    }


def _mean_difference(differences: Vector, cells: Vector) -> Skewness | None:
    """Hall's t of the mean difference over cells."""
    mean = differences.sum() / cells.sum()
    return skew_corrected(float(mean), (differences - mean * cells) / cells.mean())


def _log_ratio(before: Vector, differences: Vector) -> Skewness | None:
    """Hall's t of the logarithm of the ratio of the means, whose sign changes if the sides are swapped.

    None where a mean is not positive. It is computed from the differences, since these may be far smaller than the values.
    """
    was, now = before.mean(), before.mean() + differences.mean()
    if was <= 0 or now <= 0:
        return None
    return skew_corrected(
        float(np.log1p(differences.mean() / was)), (differences * was - before * differences.mean()) / (was * now)
    )


def _p_outside(ratio: Skewness | None, margin: float) -> float:
    """The p value of the null hypothesis that the change is at least as large as the margin (two one-sided tests)."""
    if ratio is None:
        return 0.0
    above = ratio.above(float(np.log1p(-margin))) if margin < 1 else 0.0
    return max(ratio.below(float(np.log1p(margin))), above)


def _from_logarithms(logarithms: Interval) -> Interval:
    low, high = np.expm1(logarithms)
    return float(low), float(high)


def _union(sign_interval: Interval | None, skew_interval: Interval | None, held: Sequence[float]) -> Interval | None:
    """The smallest interval that contains both intervals and the values ``held``; None where the sign-flip test has none."""
    ends = [*(sign_interval or ()), *(skew_interval or ()), *held]
    return (min(ends), max(ends)) if sign_interval else None


def _spread(
    before: Vector, differences: Vector, cells: Vector, noise: Sequence[float] | Vector | None
) -> dict[str, float | None]:
    typical = cells.mean()
    spread = deviation(differences / typical)
    change = differences.sum() / before.sum() if before.sum() > 0 else None
    relative = None if change is None else deviation((differences - change * before) / before.mean())
    found = {"spread": spread, "change_spread": relative}
    if noise is not None and spread:
        # A case's difference is a mean over its cells: the noise of each cell counts by the square of its share.
        part = float(np.mean(noise)) / float(typical)
        found["noise"] = None if np.isnan(part) else variance_share(part, spread**2)
    return found
