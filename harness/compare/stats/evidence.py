"""What the paired cells of one measure say, before anything is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
FEWEST_ALIKE = 5
"""So many cases that are all alike leave no spread to fear."""
Interval = tuple[float, float]
Vector = NDArray[np.float64]
Counts = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """One measure on both sides of some cells. ``estimate`` is candidate minus reference in the measure's own unit.

    ``change`` is the estimate on the scale of the margin: pass rates as they are, numbers as a part of the reference (0.1
    is 10% more). ``p``: how often chance alone gives a difference this large. ``p_outside``: how often a change as large as
    the margin would look this small. ``least_p`` is the smallest p that so many cases can give. None: cannot be known.
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
    """Every case differs by exactly as much, or not at all: there is no spread to reckon with."""
    spread: float | None = None
    """Standard deviation of a case's difference, in the measure's own unit."""
    change_spread: float | None = None
    """The same on the scale of the margin."""
    noise: float | None = None
    """The part of the variance of a case's difference that repeats would average away, 0 to 1."""
    prior: int = 0
    """Cases of unknown outcome that the interval was widened by: see ``rates.difference``."""
    sides: tuple[Interval, Interval] | None = None
    """Intervals of reference and candidate by themselves; pass rates only."""

    @property
    def change_ends(self) -> Interval | None:
        """The interval of the change; the change itself, where enough cases differ by exactly as much."""
        if self.constant and self.cases >= FEWEST_ALIKE and self.change is not None:
            return self.change, self.change
        return self.change_interval


def by_case(cases: Counts, *columns: Vector) -> list[Vector]:
    """The sums of each column over the cells of each case; a column of ones counts them."""
    numbers = np.unique(np.asarray(cases), return_inverse=True)[1]
    return [sums(numbers, column) for column in columns]


def sums(groups: NDArray[np.int64], values: Vector) -> Vector:
    """The sum of the values of each group; groups are numbered from 0."""
    return np.asarray(np.bincount(groups, weights=values), np.float64)


def share(part: float, whole: float) -> float | None:
    """How much of a variance another one is, 0 to 1; None where there is nothing to divide."""
    return min(part / whole, 1.0) if whole > 0 else None


def deviation(values: Vector) -> float | None:
    return float(np.std(values, ddof=1)) if values.size > 1 else None
