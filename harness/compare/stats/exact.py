"""The exact distribution of a sum of independent steps of whole size, such as the flips of cases or the ways to divide attempts.

The product of the characteristic functions of the steps is that of their sum; its inverse Fourier transform is the distribution.
The p values are mid-p: the observed outcome counts half. With one answer a case and side this is McNemar's mid-p test, which keeps
its level within one percentage point and sees more than the exact one (Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri

from harness.compare.stats.evidence import Vector

MOST = 2**18
"""The largest range of a sum whose distribution is computed; that of a longer sum is normal."""


class Steps(NamedTuple):
    """``times`` independent steps, each one of these whole sizes with these probabilities."""

    sizes: NDArray[Any]
    chances: Vector
    times: int


class Tail(NamedTuple):
    """The two-sided mid-p value, the smallest one that any sum could have had, and the probability of the very sum observed."""

    p: float
    least: float
    at: float = 0.0


def tail(observed: int, steps: Iterable[Steps]) -> Tail:
    """How unusual the observed sum is."""
    every = list(steps)
    moving = [step for step in every if step.sizes.size > 1]
    if not moving:
        return Tail(1.0, 1.0, 1.0)
    observed -= sum(int(step.sizes[0]) * step.times for step in every if step.sizes.size == 1)
    unit = int(np.gcd.reduce([int(np.gcd.reduce(step.sizes - step.sizes[0])) for step in moving]))
    lowest = sum(int(step.sizes.min()) * step.times for step in moving)
    reach = sum(int(np.ptp(step.sizes)) * step.times for step in moving) // unit
    if reach > MOST:
        return _normal(observed, moving)
    chances = _distribution(moving, unit, reach)
    at = (observed - lowest) // unit
    below, above = chances[:at].sum(), chances[at + 1 :].sum()
    least = min(_extreme(moving, np.argmin), _extreme(moving, np.argmax))
    p = float(np.clip(2 * min(below, above) + chances[at], max(least, 1e-15), 1.0))
    return Tail(p, least, float(chances[at]))


def _distribution(steps: Sequence[Steps], unit: int, reach: int) -> Vector:
    """The probability of each sum, from the smallest one, in steps of ``unit``."""
    length = 1 << (reach + 1).bit_length()
    angles = -2j * np.pi / length * np.arange(length // 2 + 1)
    product = np.ones(angles.size, np.complex128)
    for sizes, chances, times in steps:
        product *= (np.exp(np.outer((sizes - sizes.min()) // unit, angles)) * chances[:, None]).sum(axis=0) ** times
    return np.maximum(np.fft.irfft(product, n=length)[: reach + 1], 0.0)


def _extreme(steps: Sequence[Steps], which: Callable[[NDArray[Any]], Any]) -> float:
    """The probability of the smallest or of the largest sum."""
    return float(np.exp(sum(step.times * np.log(step.chances[which(step.sizes)]) for step in steps)))


def _normal(observed: int, steps: Iterable[Steps]) -> Tail:
    """The same for a sum of very many steps, which is about normal."""
    middle = variance = 0.0
    for sizes, chances, times in steps:
        mean = float(chances @ sizes)
        middle += times * mean
        variance += times * float(chances @ (sizes - mean) ** 2)
    return Tail(float(2 * ndtr(-abs(observed - middle) / np.sqrt(variance))) if variance > 0 else 1.0, 0.0)


def flips(differences: NDArray[np.int64]) -> list[Steps]:
    """The steps of a sum of differences, each with either sign."""
    sizes, times = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    even = np.array([0.5, 0.5])
    return [Steps(np.array([-size, size]), even, int(number)) for size, number in zip(sizes, times, strict=True)]


def divisions(judged: NDArray[np.int64], passed: NDArray[np.int64], unit: int) -> list[Steps]:
    """The steps of the sum of the cells' differences, if each cell's passed attempts were divided between the sides by chance.

    ``judged``, ``passed``: shape (2, cells), reference and candidate. ``unit``: differences are in units of 1 / ``unit``,
    rounded. The number on the candidate is hypergeometric, so this is the exact stratified test; the
    Cochran-Mantel-Haenszel test is its normal approximation.
    """
    columns = (judged[0], judged[1], passed.sum(axis=0))
    base = int(max(column.max() for column in columns)) + 1
    keys, times = np.unique((columns[0] * base + columns[1]) * base + columns[2], return_counts=True)
    return [
        division(int(key // base // base), int(key // base % base), int(key % base), unit, int(number))
        for key, number in zip(keys, times, strict=True)
    ]


def division(reference: int, candidate: int, passed: int, unit: int, times: int) -> Steps:
    """The same for ``times`` cells that all have these numbers of attempts on either side, and ``passed`` attempts on both together."""
    after = np.arange(max(0, passed - reference), min(candidate, passed) + 1)
    logs = _choose(candidate, after) + _choose(reference, passed - after)
    chances = np.exp(logs - _choose(reference + candidate, np.array(passed)))
    sizes = np.rint(unit * (after / candidate - (passed - after) / reference)).astype(np.int64)
    return Steps(sizes, chances, times)


def _choose(of: int, chosen: NDArray[np.int64]) -> Vector:
    return np.asarray(gammaln(of + 1) - gammaln(chosen + 1) - gammaln(of - chosen + 1), np.float64)


# --- whether one side shows something more often ----------------------------------------------------------
#
# In a stratum (a case) both sides have the same number of answers. The observed outcome counts whole, so that no claim is too frequent.
# With one answer a side it is McNemar's exact test.


Strata = Mapping[tuple[int, int, int], int]
"""(answers a side, how many on the reference show it, how many on the candidate) -> the number of such cases."""


def presence(strata: Strata) -> Tail:
    """The test of no difference between the sides."""
    more = sum((candidate - reference) * number for (_, reference, candidate), number in strata.items())
    steps = [
        division(answers, answers, reference + candidate, answers, number)
        for (answers, reference, candidate), number in strata.items()
    ]
    found = tail(more, steps)
    return Tail(min(1.0, found.p + found.at), min(1.0, 2 * found.least))


def more_pairs(more: int, fewer: int, of: int, level: float) -> int:
    """How many more pairs would decide, if they are like those so far: ``more`` differ in one direction, ``fewer`` in the other."""
    decide = math.ceil(math.log2(2 / level))
    if fewer:
        decide = math.ceil((float(ndtri(1 - level / 2)) * (more + fewer) / (more - fewer)) ** 2)
    return max(1, math.ceil(decide * of / (more + fewer)) - of)
