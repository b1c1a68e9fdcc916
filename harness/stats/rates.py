"""Pass rates on both sides of the same cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from harness.stats.evidence import CONFIDENCE, Evidence, Interval, Vector, by_case, share
from harness.stats.signs import exact_p, least_p, sampled_p

PRIOR = 2
"""Cases that are added to a difference's interval, one better and one worse: no flips in few cases is no certainty."""


class Attempts(NamedTuple):
    """For each cell: how many attempts passed, of how many that could be judged (at least 1)."""

    passed: Sequence[int]
    judged: Sequence[int]


def wilson(passed: float, judged: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a share. ``judged`` may be an effective number, not whole."""
    if judged <= 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    share_passed = passed / judged
    middle = (share_passed + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * np.sqrt(share_passed * (1 - share_passed) / judged + z * z / (4 * judged**2))
    low = 0.0 if passed <= 0 else max(0.0, middle - half)
    high = 1.0 if passed >= judged else min(1.0, middle + half)
    return float(low), float(high)


def clustered(cases: Sequence[int], attempts: Attempts) -> Interval:
    """Wilson's interval of a pass rate whose attempts hang together by case: with as many attempts as they are worth.

    That is between the number of cases (attempts at one case always agree) and the number of attempts (they never do).
    """
    passed, judged = by_case(cases, np.asarray(attempts.passed, float), np.asarray(attempts.judged, float))
    whole, rate = judged.sum(), passed.sum() / judged.sum()
    alone = rate * (1 - rate) / whole
    together = np.sum((passed - rate * judged) ** 2) / whole**2 * judged.size / max(judged.size - 1, 1)
    worth = float(np.clip(whole * alone / together if together > 0 else 0.0, judged.size, whole))
    return wilson(rate * worth, worth)


def rates(
    cases: Sequence[int], reference: Attempts, candidate: Attempts, *, margin: float, confidence: float = CONFIDENCE
) -> Evidence:
    """Cells by case: which case each belongs to, its attempts on either side. The mean over cells; every cell counts the same."""
    before, after = (np.asarray(each.passed, float) / np.asarray(each.judged, float) for each in (reference, candidate))
    differences, cells = by_case(cases, after - before, np.ones(before.size))
    by_cell = differences / cells
    estimate = float(differences.sum() / cells.sum())
    found, p_outside = difference(by_cell, margin, confidence)
    interval = _around(found, estimate) if cells.size > 1 else None
    spread = float(np.std(by_cell))
    return Evidence(
        pairs=int(np.minimum(reference.judged, candidate.judged).sum()),
        cases=cells.size,
        reference=float(before.mean()),
        candidate=float(after.mean()),
        estimate=estimate,
        change=estimate,
        margin=margin,
        interval=interval,
        change_interval=interval,
        p=paired_p(cases, reference, candidate),
        p_outside=p_outside if cells.size > 1 else None,
        least_p=least_p(int(np.count_nonzero(np.abs(differences) > 1e-9))),
        spread=spread,
        change_spread=spread,
        noise=_noise(cases, reference, candidate, spread),
        prior=PRIOR,
        sides=(clustered(cases, reference), clustered(cases, candidate)),
    )


def paired_p(cases: Sequence[int], reference: Attempts, candidate: Attempts) -> float:
    """The exact test on paired verdicts: McNemar's, where each case has one answer a side; else its form for cases as clusters."""
    differences, steps = _steps(cases, reference, candidate)
    exact = exact_p(steps) if steps is not None else None
    return sampled_p(differences) if exact is None else exact


def _steps(cases: Sequence[int], reference: Attempts, candidate: Attempts) -> tuple[Vector, NDArray[np.int64] | None]:
    """Each case's difference, and the same in whole steps where the numbers of attempts have a small common multiple."""
    passed, judged = (np.asarray([one, other]) for one, other in zip(reference, candidate, strict=True))
    common = math.lcm(*np.unique(judged).tolist())
    (differences,) = by_case(cases, passed[1] / judged[1] - passed[0] / judged[0])
    if common > 10_000:
        return differences, None
    (steps,) = by_case(cases, (passed[1] * (common // judged[1]) - passed[0] * (common // judged[0])).astype(float))
    return differences, np.rint(steps).astype(np.int64)


def difference(differences: Vector, margin: float, confidence: float = CONFIDENCE) -> tuple[Interval, float]:
    """The interval of the mean difference of cases, and how often a difference as large as the margin would look this small.

    Bonett and Price's interval for paired shares: one case that got better and one that got worse are added.
    """
    whole = differences.size + PRIOR
    middle = differences.sum() / whole
    error = np.sqrt(((differences**2).sum() + PRIOR) / whole - middle**2) / np.sqrt(whole)
    half = ndtri((1 + confidence) / 2) * error
    beyond = max(ndtr((middle - margin) / error), ndtr((-margin - middle) / error))
    return (max(-1.0, float(middle - half)), min(1.0, float(middle + half))), float(beyond)


def _around(interval: Interval, estimate: float) -> Interval:
    """Cases with more cells than others move the estimate a little: the interval always holds it."""
    return min(interval[0], estimate), max(interval[1], estimate)


def _noise(cases: Sequence[int], reference: Attempts, candidate: Attempts, spread: float) -> float | None:
    if min(*reference.judged, *candidate.judged) < 2:
        return None
    variance = np.zeros(len(reference.judged))
    for passed, judged in (reference, candidate):
        of = np.asarray(judged, float)
        rate = np.asarray(passed, float) / of
        variance += rate * (1 - rate) / (of - 1)
    noise, cells = by_case(cases, variance, np.ones(variance.size))
    return share(float(np.mean(noise / cells**2)), spread**2)
