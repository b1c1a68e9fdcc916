"""How far the cases to come may scatter: a few cases of a long tail hardly show it, so their own scatter plans too few more.

The scatter is predicted from the shape of the numbers: the power (0 is the logarithm) that makes them most normal (Box and Cox 1964, J. R.
Statist. Soc. B 26), every power with the weight of its likelihood, every standard deviation with its own uncertainty. It is never
less than the scatter of the sample, so that outliers that belong to no such shape count too.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import chdtri

from harness.compare.stats.evidence import Vector

POWERS = (0.0, 0.25, 0.5)
NODES, WEIGHTS = hermegauss(16)
WEIGHTS = np.outer(WEIGHTS, WEIGHTS) / WEIGHTS.sum() ** 2
CHANCES = (np.arange(5) + 0.5) / 5


def wider(before: Vector, after: Vector) -> Vector:
    """Five factors, equally likely, by which the true standard deviation of the relative change of a case may exceed that of the sample.

    ``before``, ``after``: the mean of each case on either side; two cases or more that differ.
    """
    doubt = _doubt(before.size - 1)
    if before.size < 3 or not before.mean() > 0:
        return doubt
    off = after - after.mean() / before.mean() * before
    sampled = float(np.std(off, ddof=1)) / before.mean()
    if not sampled > 0:
        return doubt
    own = _doubt(_worth(off - off.mean()))
    if min(before.min(), after.min()) < 0:
        return own
    powers = POWERS[0 if min(before.min(), after.min()) > 0 else 1 :]
    shapes = [_shape(before / before.mean(), after / before.mean(), power, doubt) for power in powers]
    likelihoods = np.exp([found - max(fit for fit, _ in shapes) for found, _ in shapes])
    factors = np.maximum(np.concatenate([spreads for _, spreads in shapes]) / sampled, np.tile(own, len(powers)))
    return _quantiles(factors, np.repeat(likelihoods, doubt.size))


def _doubt(worth: float) -> Vector:
    """Factors, equally likely, by which a standard deviation with so many degrees of freedom may be too small."""
    return np.asarray(np.sqrt(worth / chdtri(worth, CHANCES)), np.float64)


def _worth(off: Vector) -> float:
    """The degrees of freedom of the variance of these: few where it is that of one or two values (by the kurtosis)."""
    kurtosis = float((off**4).mean() / (off**2).mean() ** 2)
    return min(off.size - 1.0, 2 * off.size / max(kurtosis - 1, 1e-9))


def _quantiles(values: Vector, weights: Vector) -> Vector:
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return np.asarray(values[order][np.searchsorted(below, CHANCES * below[-1])], np.float64)


def _shape(before: Vector, after: Vector, power: float, doubt: Vector) -> tuple[float, Vector]:
    """The log-likelihood of a shape, and the standard deviation of the relative change of a case in it, for every factor of ``doubt``."""
    first, second = (np.log(side) if power == 0 else (side**power - 1) / power for side in (before, after))
    middles, apart = (first + second) / 2, second - first
    covariance = np.cov(middles, apart)
    fit = -before.size / 2 * np.log(max(float(np.linalg.det(covariance)), 1e-300))
    known = np.concatenate([before, after])
    fit += (power - 1) * float(np.log(known[known > 0]).sum())
    root = np.linalg.cholesky(covariance + 1e-12 * np.trace(covariance) * np.eye(2))
    level = middles.mean() + doubt[:, None, None] * root[0, 0] * NODES[:, None]
    change = apart.mean() + doubt[:, None, None] * (root[1, 0] * NODES[:, None] + root[1, 1] * NODES[None, :])
    was, now = (_inverse(level + way * change / 2, power) for way in (-1, 1))
    means = [(WEIGHTS * side).sum(axis=(1, 2)) for side in (was, now)]
    off = now - (means[1] / means[0])[:, None, None] * was
    return fit, np.sqrt((WEIGHTS * off**2).sum(axis=(1, 2))) / means[0]


def _inverse(values: Vector, power: float) -> Vector:
    if power == 0:
        return np.exp(np.minimum(values, 100.0))
    return np.asarray(np.maximum(1 + power * values, 0.0) ** (1 / power), np.float64)
