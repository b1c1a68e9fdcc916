"""What chance does: the sign of each case's difference could as well have been the other one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.compare.stats.evidence import Interval, Vector, sums

SEED = 20_240_229
DRAWS = 9_999
GROUPS = 128
"""More cases than this are flipped in so many groups: as valid, since sums of symmetric differences are symmetric."""
ENUMERATED = 13
"""Up to so many cases every pattern of signs is looked at; 2**13 is about as many as are drawn otherwise."""
LATTICE = 2**18


@lru_cache(maxsize=2)
def subsets(count: int) -> Vector:
    """Rows of cases (1 or 0) that change their sign: every non-empty subset of few cases, random ones of many."""
    if count <= ENUMERATED:
        numbers = np.arange(1, 2**count, dtype=np.int64)
        return np.asarray((numbers[:, None] >> np.arange(count)) % 2, np.float64)
    drawn = np.random.default_rng(SEED).integers(0, 2, (DRAWS, count), dtype=np.bool_)
    return np.asarray(drawn[drawn.any(axis=1)], np.float64)


def grouped(values: Vector) -> Vector:
    """The values of many cases, summed in ``GROUPS`` groups; of few, as they are."""
    if values.size <= GROUPS:
        return values
    return sums(np.arange(values.size) % GROUPS, values)


def sampled_p(differences: Vector) -> float:
    """How often random signs give a sum at least as far from 0 as the one there is."""
    values = grouped(differences)
    return reached(parts(values), values)


def parts(values: Vector) -> Vector:
    """The sum of the values over each subset. Not ``@``: its threads wait for each other where the machine is busy."""
    return np.asarray(np.einsum("ij,j->i", subsets(values.size), values), np.float64)


def reached(changed: Vector, values: Vector) -> float:
    """How often the sum is at least as far from 0 as it is, once the signs of a part of it (``changed``) are others."""
    total = values.sum()
    far = np.abs(total - 2 * changed) >= abs(total) - 1e-9 * np.abs(values).sum()
    return float((1 + np.count_nonzero(far)) / (1 + changed.size))


def exact_p(steps: NDArray[np.int64]) -> float | None:
    """The same without drawing, for whole numbers; None where they add up to too much.

    The sum of numbers with random signs has the characteristic function ``prod(cos(t * step))``; its inverse is the distribution.
    """
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    if not sizes.size:
        return 1.0
    sizes //= np.gcd.reduce(sizes)
    distance = abs(int(steps.sum())) // int(np.gcd.reduce(np.abs(steps)))
    most = int(sizes @ counts)
    if most > LATTICE:
        return None
    length = 1 << (2 * most + 1).bit_length()
    angles = 2 * np.pi / length * np.arange(length // 2 + 1)
    product = np.ones(angles.size)
    for size, count in zip(sizes, counts, strict=True):
        product *= np.cos(size * angles) ** int(count)
    chances = np.fft.irfft(product, n=length)[: most + 1]
    tail = 2 * chances[distance:].sum() if distance else 1.0
    return float(min(max(tail, least_p(int(counts.sum())), 1e-15), 1.0))


def least_p(cases: int) -> float:
    """The smallest p that so many differing cases can give: all of them to one side."""
    return float(min(1.0, 2.0 ** (1 - cases)))


def central(values: Vector, confidence: float) -> Interval | None:
    """The interval between the outermost of the values that the confidence leaves out; None where there are too few values.

    Over the means of random subsets this inverts the test of signs: it holds every change that the test would not refuse.
    """
    out = int((values.size + 1) * (1 - confidence) / 2 + 1e-9)
    if out < 1:
        return None
    ordered = np.sort(values)
    low, high = float(ordered[out - 1]), float(ordered[-out])
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None
