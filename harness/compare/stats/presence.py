"""Whether one side shows something more often than the other: an exact test, stratified by case, and the claims of a report.

In a stratum (a case) both sides have the same number of answers. If the sides are alike, every way to divide its answers between
them is equally likely, so the number on the reference is hypergeometric. Over strata the numbers add up. With one answer a side
it is McNemar's exact test. Tests that no outcome could make significant do not count in the correction (Tarone 1990, "A modified
Bonferroni method for discrete data", Biometrics 46).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, ndtr, ndtri

Strata = Mapping[tuple[int, int, int], int]
"""(answers a side, how many on the reference show it, how many on the candidate) -> the number of such cases."""
_EXACT = 400
"""The most answers that differ for which the distribution of strata with several answers is added up exactly."""


class Presence(NamedTuple):
    """``p``: two-sided. ``least_p``: the smallest value that it could have had."""

    p: float
    least_p: float


def presence(strata: Strata) -> Presence:
    """The test of no difference between the sides."""
    single = {key: number for key, number in strata.items() if key[0] == 1}
    seen = single.get((1, 1, 0), 0)
    tosses = seen + single.get((1, 0, 1), 0)
    several = {key: number for key, number in strata.items() if key[0] > 1 and 0 < key[1] + key[2] < 2 * key[0]}
    if not several:
        return _binomial(seen, tosses)
    seen += sum(key[1] * number for key, number in several.items())
    if tosses + sum(number * key[0] for key, number in several.items()) > _EXACT:
        return _normal(seen, tosses, several)
    chances = np.ones(1)
    for (answers, reference, candidate), number in several.items():
        one = _hypergeometric(answers, reference + candidate)
        for _ in range(number):
            chances = np.convolve(chances, one)
    for _ in range(tosses):
        chances = np.convolve(chances, [0.5, 0.5])
    least = sum(max(0, key[1] + key[2] - key[0]) * number for key, number in several.items())
    at = seen - least
    return _two_sided(chances[: at + 1].sum(), chances[at:].sum(), min(chances[0], chances[-1]))


def alpha_each(least: Iterable[float], alpha: float = 0.05) -> float:
    """The level of each test so that a report makes a wrong claim with a probability of at most ``alpha``."""
    reachable = sorted(least)
    for tests in range(1, len(reachable) + 1):
        if sum(p <= alpha / tests for p in reachable) <= tests:
            return alpha / tests
    return alpha


def more_pairs(more: int, fewer: int, of: int, level: float) -> int:
    """How many more pairs would decide, if they are like those so far: ``more`` differ in one direction, ``fewer`` in the other."""
    decide = math.ceil(math.log2(2 / level))
    if fewer:
        decide = math.ceil((float(ndtri(1 - level / 2)) * (more + fewer) / (more - fewer)) ** 2)
    return max(1, math.ceil(decide * of / (more + fewer)) - of)


def _binomial(seen: int, tosses: int) -> Presence:
    if not tosses:
        return Presence(1.0, 1.0)
    return _two_sided(bdtrc(tosses - seen - 1, tosses, 0.5), bdtrc(seen - 1, tosses, 0.5), 0.5**tosses)


def _hypergeometric(answers: int, present: int) -> NDArray[np.float64]:
    """The chances of the numbers on the reference, from the smallest possible."""
    values = np.arange(max(0, present - answers), min(answers, present) + 1)
    logs = _choose(answers, values) + _choose(answers, present - values) - _choose(2 * answers, np.array(present))
    found: NDArray[np.float64] = np.exp(logs)
    return found


def _choose(of: int, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = gammaln(of + 1) - gammaln(chosen + 1) - gammaln(of - chosen + 1)
    return found


def _normal(seen: int, tosses: int, several: Strata) -> Presence:
    middle, variance = tosses / 2, tosses / 4
    for (answers, reference, candidate), number in several.items():
        present = reference + candidate
        middle += number * present / 2
        variance += number * present * (2 * answers - present) / (4 * (2 * answers - 1))
    z = max(0.0, abs(seen - middle) - 0.5) / math.sqrt(variance)
    return Presence(min(1.0, 2 * float(ndtr(-z))), 0.0)


def _two_sided(low: float, high: float, least: float) -> Presence:
    return Presence(min(1.0, 2 * float(min(low, high))), min(1.0, 2 * float(least)))
