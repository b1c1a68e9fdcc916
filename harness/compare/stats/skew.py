"""Hall's skewness-corrected t test, for skewed differences, such as long-tailed times compared with constant ones.

The sign-flip test keeps its level if each case's difference is symmetric around 0, that is, if both sides have the same shape. Two
sides with equal means and different shapes (an exponential and a constant) raise up to three times as many false alarms. Hall's
transformation of Student's t removes the skewness (Hall 1992, "On the removal of skewness by transformation", J. R. Statist. Soc.
B 54). It is monotone and has a closed inverse, so that test and interval agree. Alone it rejects too often on long symmetric tails,
where the sign-flip test is exact. So `numbers` lets a difference count only if both tests are significant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.compare.stats.evidence import Interval, Vector

MIN_CASES = 3
"""The sample skewness of fewer cases is not defined."""
ONE_CASE = 0.7
"""A larger skewness is that of one case which lies far from all others; 1 is the most that there is."""


@dataclass(frozen=True, slots=True)
class Skewness:
    """An estimate, its standard error, its skewness (sample skewness divided by the root of the cases), degrees of freedom."""

    estimate: float
    error: float
    skew: float
    degrees_of_freedom: int

    @property
    def tempered(self) -> Skewness:
        """The same, but for a skewness that one case alone makes: there the cubic is flat, and hides any difference.

        A skewness of 0.15 asks for a t of 2.3 instead of 2 in the direction that the case makes doubtful.
        """
        return self if abs(self.skew) <= ONE_CASE else replace(self, skew=float(np.copysign(0.15, self.skew)))

    def p(self, truth: float) -> float:
        """The two-sided p value of the null hypothesis that the true value is ``truth``."""
        return float(2 * stdtr(self.degrees_of_freedom, -abs(self._corrected_t(truth))))

    def interval(self, confidence: float) -> Interval:
        """The confidence interval: every true value that ``p`` does not reject."""
        reach = float(stdtrit(self.degrees_of_freedom, (1 + confidence) / 2))
        low, high = (self.estimate - self.error * self._uncorrected_t(end) for end in (reach, -reach))
        return low, high

    def _corrected_t(self, truth: float) -> float:
        """Student's t, with Hall's cubic correction for skewness."""
        t = (self.estimate - truth) / self.error
        return t + self.skew * t * t / 3 + self.skew**2 * t**3 / 27 + self.skew / 6

    def _uncorrected_t(self, corrected: float) -> float:
        """The inverse of ``_corrected_t``: Student's t for a corrected t."""
        if abs(self.skew) < 1e-6:
            return corrected - self.skew / 6
        return float(3 / self.skew * (np.cbrt(1 + self.skew * (corrected - self.skew / 6)) - 1))


def skew_corrected(estimate: float, residuals: Vector) -> Skewness | None:
    """Hall's t for an estimate whose error is the mean of ``residuals``, one per case, with sum 0.

    None for fewer than ``MIN_CASES`` cases, or where all residuals are 0, or so small that their error is.
    """
    cases = residuals.size
    widest = float(np.abs(residuals).max(initial=0.0))
    if cases < MIN_CASES or widest == 0:
        return None
    unit = residuals / widest
    squares = unit * unit
    variance = float(squares.mean())
    skewness = float((squares @ unit) / cases) / variance**1.5 * np.sqrt(cases * (cases - 1)) / (cases - 2)
    error = widest * float(np.sqrt(variance / (cases - 1)))
    if error == 0:
        return None
    return Skewness(estimate, error, float(skewness / np.sqrt(cases)), cases - 1)
