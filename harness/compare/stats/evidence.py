"""What the paired cells of one measure show, before any verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_CONSTANT_CASES = 5
"""The fewest cases with equal values for which the interval is that value alone."""
Interval = tuple[float, float]
Vector = NDArray[np.float64]
Counts = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """One measure on both sides of the paired cells. None: not known.

    ``estimate``: candidate minus reference, in the measure's own unit. ``change``: the estimate on the scale of the margin,
    the same for pass rates, relative to the reference for numbers (0.1 is 10% more). ``p``: two-sided p value of the null
    hypothesis of no difference. ``p_outside``: p value of the null hypothesis that the change is at least as large as the
    margin (an equivalence test). ``least_p``: the smallest p value that this number of cases can give.
    """

    pairs: int
    cases: int
    reference: float
    candidate: float
    estimate: float
    change: float | None
    margin: float
    interval: Interval | None = None
    change_interval: Interval | None = None
    p: float | None = None
    p_outside: float | None = None
    least_p: float = 1.0
    constant: bool = False
    """Every case differs by exactly the same amount, which may be 0: the standard deviation is 0."""
    spread: float | None = None
    """Standard deviation of a case's difference, in the measure's own unit."""
    change_spread: float | None = None
    """Standard deviation of a case's difference, on the scale of the margin."""
    noise: float | None = None
    """The fraction of the variance of a case's difference that more attempts would average out, 0 to 1."""
    prior: int = 0
    """Pseudo-cases that were added to the interval: see ``rates.PRIOR``."""
    sides: tuple[Interval, Interval] | None = None
    """The intervals of the reference and of the candidate, each alone; pass rates only."""

    @property
    def change_ends(self) -> Interval | None:
        """The interval of the change; the change itself where enough cases differ by exactly the same amount."""
        if self.constant and self.cases >= MIN_CONSTANT_CASES and self.change is not None:
            return self.change, self.change
        return self.change_interval


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
