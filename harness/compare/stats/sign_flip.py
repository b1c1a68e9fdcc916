"""The sign-flip test (Fisher's randomization test for paired samples): under the null hypothesis, each case's difference has
either sign with probability 1/2.

It is the studentised test too, since flips do not change the sum of squares. For sums over the cells of a case it is the wild
cluster bootstrap with Rademacher weights. Few cases are enumerated. For more, the saddlepoint approximation of the tail is exact to
about a percent of p (Robinson 1982, "Saddlepoint approximations for permutation tests", J. R. Statist. Soc. B 44): no signs are
drawn, so a p value may be as small as the data make it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from harness.compare.stats.evidence import Interval, Vector, sums

MAX_GROUPS = 256
"""More cases than this are flipped in this many groups. The test stays valid: sums of symmetric differences are symmetric."""
MAX_ENUMERATED = 13
"""Up to this many cases, all sign patterns are enumerated."""


def grouped(values: Vector) -> Vector:
    """The values, summed into ``MAX_GROUPS`` groups if there are more of them."""
    if values.size <= MAX_GROUPS:
        return values
    return sums(np.arange(values.size) % MAX_GROUPS, values)


def flip_p(differences: Vector) -> float:
    """The two-sided p value: how often the sum after flips is at least as far from 0 as the observed sum."""
    values = grouped(differences)
    values = values[values != 0]
    if values.size > MAX_ENUMERATED:
        return 2 * float(ndtr(-abs(root(values))))
    changed = subset_sums(values)
    total = values.sum()
    far = np.abs(total - 2 * changed) >= abs(total) - 1e-9 * np.abs(values).sum()
    return float((1 + np.count_nonzero(far)) / (1 + changed.size))


def subset_sums(values: Vector) -> Vector:
    """The sum of the changed cases of every sign pattern but the unchanged one."""
    found = np.zeros(1)
    for value in values:
        found = np.concatenate([found, found + value])
    return found[1:]


def root(values: Vector) -> float:
    """The standard normal quantile of the observed sum: Barndorff-Nielsen's modified signed root."""
    sizes = np.abs(values)
    unit = float(np.sqrt((sizes**2).sum()))
    if unit == 0:
        return 0.0
    sizes, total = sizes / unit, float(values.sum()) / unit
    aim, least = abs(total), float(-ndtri(2.0 ** -min(sizes.size, 1_000)))
    if aim < 1e-4:
        return total
    if aim > float(sizes.sum()) * (1 - 1e-6):  # all of them in one direction
        return float(np.copysign(least, total))
    at = aim  # tanh is concave, so Newton's steps from below never pass the solution
    for _ in range(100):
        tanh = np.tanh(at * sizes)
        step = (aim - float(sizes @ tanh)) / float(sizes**2 @ (1 - tanh**2))
        at += step
        if step < 1e-9 * at:
            break
    scaled = at * sizes
    logs = float((scaled + np.log1p(np.exp(-2 * scaled))).sum()) - sizes.size * float(np.log(2))
    signed = np.sqrt(max(2 * (at * aim - logs), 1e-18))
    width = at * np.sqrt(float(sizes**2 @ (1 - np.tanh(scaled) ** 2)))
    return float(np.copysign(min(signed + np.log(max(width, 1e-300) / signed) / signed, least), total))


def least_p(cases: int) -> float:
    """The smallest p value that this number of differing cases can give: all of them differ in the same direction."""
    return float(min(1.0, 2.0 ** (1 - cases)))


def flip_interval(differences: Vector, weights: Vector, confidence: float) -> Interval | None:
    """Every ``x`` for which the test does not reject the differences ``differences - x * weights``; None for too few cases.

    ``weights``: positive, such as the number of cells of each case. For few cases these are Hartigan's typical values.
    """
    values, weights = grouped(differences), grouped(weights)
    if values.size <= MAX_ENUMERATED:
        with np.errstate(divide="ignore", invalid="ignore"):
            return _central(subset_sums(values) / subset_sums(weights), confidence)
    middle = values.sum() / weights.sum()
    unit = float(np.sqrt(((values - middle * weights) ** 2).sum()) / weights.sum())
    z = float(ndtri((1 + confidence) / 2))

    def excess(x: float) -> float:
        return root(values - x * weights)

    return float(_crossing(lambda x: excess(x) - z, middle, -unit)), float(
        _crossing(lambda x: excess(x) + z, middle, unit)
    )


def _crossing(function: Callable[[float], float], start: float, step: float) -> float:
    """Where the function changes its sign, in the direction of ``step`` from ``start``; infinity where it never does.

    Regula falsi with Illinois' rule. ``scipy.optimize`` takes as long to import as a large comparison takes.
    """
    if step == 0:
        return start
    here, there, value, other = start, start + 2.5 * step, function(start), function(start + 2.5 * step)
    for _ in range(200):
        if value * other > 0:
            here, there, value, other = there, there + 2 * (there - start), other, function(there + 2 * (there - start))
            if not np.isfinite(there):
                break
            continue
        middle = there - other * (there - here) / (other - value)
        found = function(middle)
        if abs(middle - there) < 1e-4 * abs(step) or found == 0:
            return middle
        here, value = (there, other) if found * other < 0 else (here, value / 2)
        there, other = middle, found
    return float(np.copysign(np.inf, step))


def _central(values: Vector, confidence: float) -> Interval | None:
    """The central interval of the values (a percentile interval); None where there are too few values."""
    out = int((values.size + 1) * (1 - confidence) / 2 + 1e-9)
    if out < 1 or np.isnan(values).any():
        return None
    ordered = np.sort(values)
    low, high = float(ordered[out - 1]), float(ordered[-out])
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None
