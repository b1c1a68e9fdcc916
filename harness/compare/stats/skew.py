"""What flipping signs cannot see: differences that lean to one side, such as long-tailed times beside steady ones.

Flipping signs holds its level where a case's difference could as well have had the other sign: two sides of one kind. Two sides of
equal mean and unlike shape (an exponential beside a constant) alarm up to three times as often. Hall's transformation of Student's t
takes the lean out (Hall 1992, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54): it is monotone and has a
closed inverse, so test and interval are one. Alone it is too bold on long symmetric tails, where flipping signs is exact; hence
`numbers` lets a difference count only where both say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.compare.stats.evidence import Interval, Vector

FEWEST = 3
"""Fewer cases have no skewness."""


@dataclass(frozen=True, slots=True)
class Skewness:
    """An estimate, its standard error, how far its distribution leans (skewness over the root of the cases), degrees of freedom."""

    estimate: float
    error: float
    lean: float
    freedom: int

    def p(self, truth: float) -> float:
        """How often chance gives an estimate at least as far from ``truth``, to either side."""
        return min(1.0, 2 * min(self.below(truth), self.above(truth)))

    def below(self, truth: float) -> float:
        """How often chance gives an estimate this small or smaller, if ``truth`` is so."""
        return float(stdtr(self.freedom, self._straight(truth)))

    def above(self, truth: float) -> float:
        """How often chance gives an estimate this large or larger, if ``truth`` is so."""
        return float(stdtr(self.freedom, -self._straight(truth)))

    def interval(self, confidence: float) -> Interval:
        """Every truth that ``p`` would not refuse."""
        reach = float(stdtrit(self.freedom, (1 + confidence) / 2))
        return self.estimate - self.error * self._bent(reach), self.estimate - self.error * self._bent(-reach)

    def _straight(self, truth: float) -> float:
        """Student's t without its lean."""
        t = (self.estimate - truth) / self.error
        return t + self.lean * t * t / 3 + self.lean**2 * t**3 / 27 + self.lean / 6

    def _bent(self, straight: float) -> float:
        """The t that ``_straight`` came from."""
        if abs(self.lean) < 1e-6:
            return straight - self.lean / 6
        return float(3 / self.lean * (np.cbrt(1 + self.lean * (straight - self.lean / 6)) - 1))


def leaning(estimate: float, residuals: Vector) -> Skewness | None:
    """An estimate that errs by the mean of what each case adds (``residuals``, whose sum is 0); None for too few, or all alike."""
    cases = residuals.size
    widest = float(np.abs(residuals).max(initial=0.0))
    if cases < FEWEST or widest == 0:
        return None
    unit = residuals / widest
    squares = unit * unit
    variance = float(squares.mean())
    skewness = float((squares @ unit) / cases) / variance**1.5 * np.sqrt(cases * (cases - 1)) / (cases - 2)
    error = widest * float(np.sqrt(variance / (cases - 1)))
    return Skewness(estimate, error, float(skewness / np.sqrt(cases)), cases - 1)
