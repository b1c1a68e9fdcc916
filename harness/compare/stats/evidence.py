"""What the paired cells of one measure show, before any verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_CONSTANT_CASES = 5
"""The fewest cases with equal values for which the interval of a gate or a budget is that value alone."""
Interval = tuple[float, float]
Vector = NDArray[np.float64]
Counts = Sequence[int] | NDArray[np.int64]
Scope = Literal["these cases", "cases like these"]
"""What a verdict is about: only the cases that were asked, whose attempts are the chance; or the cases that could have been asked."""


class Ends(NamedTuple):
    """The confidence interval of a difference in its own unit, and the same on the scale of the margin; None: not known."""

    own: Interval | None
    change: Interval | None


class Typical(NamedTuple):
    """The change of the geometric mean over cases (0.1 is 10% more), and its interval."""

    change: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """One measure on both sides of the paired cells. None: not known.

    ``estimate``: candidate minus reference, in the measure's own unit. ``change``: the estimate on the scale of the margin,
    the same for pass rates, relative to the reference for numbers (0.1 is 10% more). ``p``: two-sided p value of the null
    hypothesis of no difference. ``least_p``: the smallest p value that this number of cases can give. ``ends``: confidence ->
    the interval, which excludes 0 exactly where ``p`` is at most 1 - confidence.
    """

    pairs: int
    cases: int
    reference: float
    candidate: float
    estimate: float
    change: float | None
    margin: float
    scope: Scope
    ends: Callable[[float], Ends] = field(compare=False, repr=False)
    p: float | None = None
    least_p: float = 1.0
    chances: int = 1
    """In how many cases, or attempts at these cases, a rare event could have shown itself: see ``unseen``."""
    constant: bool = False
    """Every case differs by exactly the same amount, which may be 0."""
    spread: float | None = None
    """Standard deviation of a case's difference, in the measure's own unit."""
    cases_apart: float = 0.0
    """Standard deviation of the cases' values on the reference, in the measure's own unit; numbers only."""
    change_spread: float | None = None
    """Standard deviation of a case's difference, on the scale of the margin."""
    noise: float | None = None
    """The fraction of the variance of a case's difference that more attempts would average out, 0 to 1."""
    wider: Callable[[], Vector] | None = field(default=None, compare=False, repr=False)
    """Factors, equally likely, by which the true ``change_spread`` may exceed that of the sample; numbers only."""
    prior: float = 0.0
    """Pseudo-cases that were added to the interval: see ``rates.PRIOR``."""
    sides: tuple[Interval, Interval] | None = None
    """The intervals of the reference and of the candidate, each alone; pass rates only."""
    repeats: Mapping[str, Any] | None = None
    """``k``, and pass@k and pass^k on both sides, where every cell has k attempts or more, several; pass rates only."""
    typical: Callable[[float], Typical] | None = field(default=None, compare=False, repr=False)
    """Confidence -> the change of the geometric mean; numbers only, where all of them are positive."""
    flips: tuple[Vector, NDArray[np.int64]] | None = field(default=None, compare=False, repr=False)
    """The difference of each case, and the case's number; numbers only."""

    @property
    def is_rate(self) -> bool:
        """Whether it compares pass rates, where a higher value is better. Otherwise it compares numbers, where a lower value is better."""
        return self.sides is not None

    @property
    def interval(self) -> Interval | None:
        return self.ends(CONFIDENCE).own

    @property
    def change_interval(self) -> Interval | None:
        return self.ends(CONFIDENCE).change

    def min_cases(self, level: float) -> int:
        """See ``min_cases``; where these cases are given, attempts."""
        return min_cases(level, mid_p=self.flips is None)

    def unseen(self, confidence: float = CONFIDENCE) -> float:
        """The largest share of cases in which a change may occur that no case shows (the rule of three)."""
        return float(1 - (1 - confidence) ** (1 / self.chances))


def min_cases(level: float, *, mid_p: bool) -> int:
    """The fewest cases that can be significant at this level, if all of them differ in the same direction.

    ``mid_p``: the test counts what was observed half, as that of pass rates does; else whole, as that of numbers does.
    """
    return int(np.ceil((0 if mid_p else 1) - np.log2(level)))


def by_case(cases: Counts, *columns: Vector) -> list[Vector]:
    """The sum of each column over the cells of each case; a column of ones counts the cells."""
    numbers = np.unique(np.asarray(cases), return_inverse=True)[1]
    return [sums(numbers, column) for column in columns]


def sums(groups: NDArray[np.int64], values: Vector) -> Vector:
    """The sum of the values of each group; groups are numbered from 0."""
    return np.asarray(np.bincount(groups, weights=values), np.float64)


def variance_share(part: float, whole: float) -> float | None:
    """``part`` as a fraction of ``whole``, at most 1; None where ``whole`` is 0."""
    return min(part / whole, 1.0) if whole > 0 else None


def deviation(values: Vector) -> float | None:
    return float(np.std(values, ddof=1)) if values.size > 1 else None


def agreeing(interval: Interval, estimate: float, *, excludes_zero: bool) -> Interval:
    """The interval, widened or cut so that it holds the estimate, and excludes 0 exactly where the test rejects it."""
    low, high = min(interval[0], estimate), max(interval[1], estimate)
    if not excludes_zero:
        return min(low, 0.0), max(high, 0.0)
    beside = np.sign(estimate) * min(abs(estimate), 1e-9)
    return (max(low, beside), high) if estimate > 0 else (low, min(high, beside))
