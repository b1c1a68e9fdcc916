"""The sign-flip test (Fisher's randomization test for paired samples): under the null hypothesis, each case's difference has
either sign with probability 1/2.

For 0/1 outcomes with one answer a case, the exact test is McNemar's. For sums over the cells of a case, it is the wild cluster
bootstrap with Rademacher weights.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.compare.stats.evidence import Interval, Vector, sums

SEED = 20_240_229
DRAWS = 9_999
MAX_GROUPS = 128
"""More cases than this are flipped in this many groups. The test stays valid: sums of symmetric differences are symmetric."""
MAX_ENUMERATED = 13
"""Up to this many cases, all sign patterns are enumerated. 2**13 is about ``DRAWS``."""
MAX_LATTICE = 2**18


@lru_cache(maxsize=2)
def sign_patterns(count: int) -> Vector:
    """The sign patterns, shape (patterns, cases); 1: the case changes its sign. All patterns but the unchanged one for few
    cases, ``DRAWS`` random ones for many."""
    if count <= MAX_ENUMERATED:
        numbers = np.arange(1, 2**count, dtype=np.int64)
        return np.asarray((numbers[:, None] >> np.arange(count)) % 2, np.float64)
    drawn = np.random.default_rng(SEED).integers(0, 2, (DRAWS, count), dtype=np.bool_)
    return np.asarray(drawn[drawn.any(axis=1)], np.float64)


def grouped(values: Vector) -> Vector:
    """The values, summed into ``MAX_GROUPS`` groups if there are more of them."""
    if values.size <= MAX_GROUPS:
        return values
    return sums(np.arange(values.size) % MAX_GROUPS, values)


def sampled_p(differences: Vector) -> float:
    """The two-sided p value of the sign-flip test, over enumerated or drawn sign patterns."""
    values = grouped(differences)
    return flip_p(subset_sums(values), values)


def subset_sums(values: Vector) -> Vector:
    """The sum of the values over each sign pattern's changed cases. ``einsum``, not ``@``: the threads of ``@`` are slow on a
    busy machine."""
    return np.asarray(np.einsum("ij,j->i", sign_patterns(values.size), values), np.float64)


def flip_p(changed: Vector, values: Vector) -> float:
    """The two-sided p value: how often the sum after a flip is at least as far from 0 as the observed sum.

    ``changed``: the sum of the flipped values of each sign pattern, from ``subset_sums``. The observed pattern counts too.
    """
    total = values.sum()
    far = np.abs(total - 2 * changed) >= abs(total) - 1e-9 * np.abs(values).sum()
    return float((1 + np.count_nonzero(far)) / (1 + changed.size))


def exact_p(steps: NDArray[np.int64]) -> float | None:
    """The exact two-sided p value of the sign-flip test for whole numbers; None where their sum exceeds ``MAX_LATTICE``.

    The sum of the numbers with random signs has the characteristic function ``prod(cos(t * step))``. Its inverse Fourier
    transform is the distribution. For steps of -1, 0 and 1 this is McNemar's exact test.
    """
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    if not sizes.size:
        return 1.0
    sizes //= np.gcd.reduce(sizes)
    distance = abs(int(steps.sum())) // int(np.gcd.reduce(np.abs(steps)))
    most = int(sizes @ counts)
    if most > MAX_LATTICE:
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
    """The smallest p value that this number of differing cases can give: all of them differ in the same direction."""
    return float(min(1.0, 2.0 ** (1 - cases)))


def central_interval(values: Vector, confidence: float) -> Interval | None:
    """The central interval of the values (a percentile interval); None where there are too few values.

    Over the means of the subsets of all sign patterns it is the confidence interval of the sign-flip test (Hartigan's typical
    values): it contains every change that the test does not reject.
    """
    out = int((values.size + 1) * (1 - confidence) / 2 + 1e-9)
    if out < 1:
        return None
    ordered = np.sort(values)
    low, high = float(ordered[out - 1]), float(ordered[-out])
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None
