"""Seconds, tokens, dollars on both sides of the same cells.

Two tests: the sign-flip test clustered by case (the wild cluster bootstrap), and Hall's skewness-corrected t test. A difference
counts only if both are significant: the larger p value, and the union of both intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from harness.compare.stats.evidence import (
    CONFIDENCE,
    MIN_CONSTANT_CASES,
    Counts,
    Ends,
    Interval,
    PairedEvidence,
    Typical,
    Vector,
    agreeing,
    by_case,
    deviation,
    sums,
    variance_share,
)
from harness.compare.stats.sign_flip import MAX_GROUPS, flip_interval, flip_p, least_p
from harness.compare.stats.skew import Skewness, skew_corrected
from harness.compare.stats.tails import wider


def numbers(
    cases: Counts,
    reference: Sequence[float] | Vector,
    candidate: Sequence[float] | Vector,
    *,
    margin: float,
    noise: Sequence[float] | Vector | None = None,
    pairs: int | None = None,
) -> PairedEvidence:
    """The evidence on the difference of the means over cells, and on the ratio of these means.

    ``cases``, ``reference``, ``candidate``: the case number and the mean on either side, one entry per cell. ``noise``: the
    variance of each cell's difference that comes from its attempts (nan: one attempt only). ``pairs``: how many attempts both
    sides have; by default one per cell. At least one cell, and finite numbers only.
    """
    was, now = np.asarray(reference, float), np.asarray(candidate, float)
    positive = bool(was.min() > 0 and now.min() > 0)
    owners, owner = np.unique(np.asarray(cases), return_inverse=True)
    logs = np.log(now / was) if positive else np.zeros(was.size)
    before, differences, cells, logs = (sums(owner, column) for column in (was, now - was, np.ones(was.size), logs))
    seen = _Clusters(before, differences, cells)
    constant = float(np.ptp(differences / cells)) <= 1e-12 * float(np.abs(differences / cells).max())
    spreads = (None, None, None) if constant else _spread(seen, noise)
    return PairedEvidence(
        pairs=was.size if pairs is None else pairs,
        cases=cells.size,
        reference=float(was.mean()),
        candidate=float(now.mean()),
        estimate=float(differences.sum() / was.size),
        change=seen.change,
        margin=margin,
        scope="cases like these",
        ends=(lambda _: Ends(None, None)) if constant else cache(seen.ends),
        p=None if constant and not differences.any() else seen.p,
        least_p=least_p(int(np.count_nonzero(differences))),
        chances=cells.size,
        constant=constant,
        spread=spreads[0],
        cases_apart=deviation(before / cells.mean()) or 0.0,
        change_spread=spreads[1],
        noise=spreads[2],
        wider=cache(lambda: wider(before / cells, (before + differences) / cells)),
        typical=_typical(logs, cells) if positive else None,
        flips=(differences, owners),
    )


RATIO_CASES = 30
"""With fewer cases the ratio of the means must differ too, by Hall's test: they show little of a tail, and raise false alarms where the
shapes differ. With more it must where the shapes clearly differ (``WIDER``); elsewhere it would cost 6 percentage points of power."""
WIDER = 2.0
"""Shapes clearly differ if the middle half of one side is so many times as wide as that of the other, in units of their medians.
In more than ``MAX_GROUPS`` cases it matters no more: 5.0% false alarms in 300 cases, lognormal 0.3 against 1."""
TEMPERED = range(RATIO_CASES, 50)
"""With so many cases, one that lies far from all others does not forbid a verdict (see ``Skewness.tempered``). It would cost 7 percentage
points of power where 1 answer in 20 takes 5 times as long. With more cases it costs 2, and steady times would look better than these."""


class _Clusters:
    """Both tests, from the sums over the cells of each case, and its number of cells."""

    def __init__(self, before: Vector, differences: Vector, cells: Vector) -> None:
        self.before, self.differences, self.cells = before, differences, cells
        self.shift, self.ratio = _mean_difference(differences, cells), _log_ratio(before, differences)
        if self.shift and self.ratio and cells.size in TEMPERED:
            self.shift = self.shift.tempered
        both = cells.size < RATIO_CASES or (
            cells.size <= MAX_GROUPS and _wider(before / cells, (before + differences) / cells)
        )
        needed = (self.shift, self.ratio) if both else (self.shift,)
        self.p = max([flip_p(differences), *(estimate.p(0.0) for estimate in needed if estimate)])

    @property
    def change(self) -> float | None:
        """The relative change of the mean; None from 0 to more, and where a number is negative."""
        whole = float(self.before.sum())
        if whole > 0 and self.before.min() >= 0:
            return float(self.differences.sum()) / whole
        return None if self.differences.any() else 0.0

    def ends(self, confidence: float) -> Ends:
        """The union of the intervals of both tests."""
        rejected = self.p <= 1 - confidence + 1e-12
        own = _union(flip_interval(self.differences, self.cells, confidence), self.shift, confidence)
        mean = float(self.differences.sum() / self.cells.sum())
        found = agreeing(own, mean, excludes_zero=rejected) if own else None
        if self.change is None or self.before.sum() <= 0:
            return Ends(found, None)
        logs = self.ratio.interval(confidence) if self.ratio else None
        relative = flip_interval(self.differences, self.before, confidence)
        both = _hull(relative, _from_logarithms(logs) if logs else None)
        return Ends(found, agreeing(both, self.change, excludes_zero=rejected) if both else None)


def _wider(before: Vector, after: Vector) -> bool:
    """Whether the middle half of one side is far wider than that of the other."""
    (low, middle, high), (low_after, middle_after, high_after) = (
        np.percentile(side, (25, 50, 75)) for side in (before, after)
    )
    widths = sorted(((high - low) * abs(middle_after), (high_after - low_after) * abs(middle)))
    return bool(widths[1] > WIDER * widths[0])


def _union(flips: Interval | None, hall: Skewness | None, confidence: float) -> Interval | None:
    return _hull(flips, hall.interval(confidence) if hall else None)


def _hull(flips: Interval | None, other: Interval | None) -> Interval | None:
    """The smallest interval that contains both; None where the sign-flip test has none, or no end."""
    if flips is None or not np.isfinite(flips).all():
        return None
    return (min(flips[0], other[0]), max(flips[1], other[1])) if other else flips


def _typical(logs: Vector, cells: Vector) -> Callable[[float], Typical]:
    """The change of the geometric mean, from the sums over the cells of each case."""

    def of(confidence: float) -> Typical:
        known = flip_interval(logs, cells, confidence) if np.ptp(logs) > 0 else None
        found = _union(known, _mean_difference(logs, cells), confidence)
        return Typical(float(np.expm1(logs.sum() / cells.sum())), _from_logarithms(found) if found else None)

    return of


UNSEEN = 12
"""With this many cases, one more case may lie as far out as the farthest one; with fewer cases farther, with more nearer (see
``mean_interval``)."""


def mean_interval(cases: Counts, values: Sequence[float] | Vector, confidence: float = CONFIDENCE) -> Interval | None:
    """The confidence interval of the mean over cells of one side: that of its difference from 0.

    Few cases do not show the tail. So the interval also contains the intervals with one more case at either end, ``UNSEEN``
    divided by the number of cases times as far from the mean as the farthest case. It is not below 0 if no value is. None for
    too few cases; the mean itself where ``MIN_CONSTANT_CASES`` cases or more are equal.
    """
    found = _against_zero(cases, values)
    if found.constant and found.cases >= MIN_CONSTANT_CASES:
        return found.estimate, found.estimate
    alone = found.ends(confidence).own
    if alone is None:
        return None
    ends = [alone]
    for more in _with_unseen_case(cases, values):
        wider = _against_zero(*more).ends(confidence).own
        ends += [wider] if wider else []
    lows, highs = zip(*ends, strict=True)
    return max(min(lows), min(0.0, *values)), max(highs)


def _against_zero(cases: Counts, values: Sequence[float] | Vector) -> PairedEvidence:
    return numbers(cases, np.zeros(len(values)), values, margin=1.0)


def _with_unseen_case(cases: Counts, values: Sequence[float] | Vector) -> Iterator[tuple[Counts, Vector]]:
    """The cells with one more case of typical size, once below all others, once above all others."""
    totals, cells = by_case(cases, np.asarray(values, float), np.ones(len(values)))
    typical, middle, means = round(cells.mean()), totals.sum() / cells.sum(), totals / cells
    for farthest in (means.min(), means.max()):
        unseen = middle + UNSEEN / means.size * (farthest - middle)
        yield [*cases, *[max(cases) + 1] * typical], np.append(values, [unseen] * typical)


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
        float(np.log1p(differences.mean() / was)), (differences - before * (differences.mean() / was)) / now
    )


def _from_logarithms(logarithms: Interval) -> Interval:
    low, high = np.expm1(logarithms)
    return float(low), float(high)


def _spread(seen: _Clusters, noise: Sequence[float] | Vector | None) -> tuple[float | None, float | None, float | None]:
    """``spread``, ``change_spread`` and ``noise`` of the evidence."""
    typical, before = float(seen.cells.mean()), seen.before
    spread = deviation(seen.differences / typical)
    change = seen.change
    relative = None
    if change is not None and before.sum() > 0:
        relative = deviation((seen.differences - change * before) / before.mean())
    if noise is None or not spread:
        return spread, relative, None
    # A case's difference is a mean over its cells: the noise of each cell counts by the square of its share.
    part = float(np.mean(noise)) / typical
    return spread, relative, None if np.isnan(part) else variance_share(part, spread**2)
