"""Pass rates on both sides of the same cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, betaincinv, ndtr, ndtri

from harness.compare.stats.evidence import CONFIDENCE, Counts, Interval, PairedEvidence, Vector, by_case, share
from harness.compare.stats.signs import exact_p, least_p, sampled_p

PRIOR = 2
"""Cases that are added to a difference's interval, one better and one worse: no flips in few cases is no certainty."""
PRIOR_OF_MANY = 1
"""The same where cases have several answers, half better and half worse: such differences are smaller than whole flips."""


class Attempts(NamedTuple):
    """For each cell: how many attempts passed, of how many that could be judged (at least 1)."""

    passed: Counts
    judged: Counts


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


def clustered(cases: Counts, attempts: Attempts, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval of a pass rate whose attempts hang together by case: with as many attempts as they are worth.

    That is between the number of cases (attempts at one case always agree) and the number of attempts (they never do).
    """
    passed, judged = by_case(cases, np.asarray(attempts.passed, float), np.asarray(attempts.judged, float))
    whole, rate = judged.sum(), passed.sum() / judged.sum()
    alone = rate * (1 - rate) / whole
    together = np.sum((passed - rate * judged) ** 2) / whole**2 * judged.size / max(judged.size - 1, 1)
    apart = together > 1e-9 * alone  # else they differ by the rounding of sums, if at all
    worth = float(np.clip(whole * alone / together if apart else 0.0, judged.size, whole))
    return wilson(rate * worth, worth, confidence)


def rates(
    cases: Counts, reference: Attempts, candidate: Attempts, *, margin: float, confidence: float = CONFIDENCE
) -> PairedEvidence:
    """Cells by case: which case each belongs to, its attempts on either side. The mean over cells; every cell counts the same.

    ``p`` is McNemar's where each case has one answer a side; else the larger one of the exact test and of the interval's.
    """
    before, after = (np.asarray(each.passed, float) / np.asarray(each.judged, float) for each in (reference, candidate))
    differences, cells = by_case(cases, after - before, np.ones(before.size))
    estimate = float(differences.sum() / cells.sum())
    once = cells.max() == 1 == max(np.max(reference.judged), np.max(candidate.judged))
    seen = Shift(differences / cells, PRIOR if once else PRIOR_OF_MANY)
    exact = paired_p(cases, reference, candidate)
    p = exact if once or cells.size == 1 else max(exact, seen.p)
    interval = _around(seen.interval(confidence), estimate, 0.0 if p > 1 - confidence else estimate)
    known = interval if cells.size > 1 else None
    spread = float(np.std(differences / cells))
    return PairedEvidence(
        pairs=int(np.minimum(reference.judged, candidate.judged).sum()),
        cases=cells.size,
        reference=float(before.mean()),
        candidate=float(after.mean()),
        estimate=estimate,
        change=estimate,
        margin=margin,
        interval=known,
        change_interval=known,
        p=p,
        p_outside=seen.outside(margin) if cells.size > 1 else None,
        least_p=least_p(int(np.count_nonzero(np.abs(differences) > 1e-9))),
        spread=spread,
        change_spread=spread,
        noise=_noise(cases, reference, candidate, spread),
        prior=seen.prior,
        sides=(clustered(cases, reference), clustered(cases, candidate)),
    )


def paired_p(cases: Counts, reference: Attempts, candidate: Attempts) -> float:
    """The exact test on paired verdicts: McNemar's, where each case has one answer a side; else its form for cases as clusters."""
    differences, steps = _steps(cases, reference, candidate)
    exact = exact_p(steps) if steps is not None else None
    return sampled_p(differences) if exact is None else exact


def _steps(cases: Counts, reference: Attempts, candidate: Attempts) -> tuple[Vector, NDArray[np.int64] | None]:
    """Each case's difference, and the same in whole steps where the numbers of attempts have a small common multiple."""
    passed, judged = (np.asarray([one, other]) for one, other in zip(reference, candidate, strict=True))
    common = math.lcm(*np.unique(judged).tolist())
    (differences,) = by_case(cases, passed[1] / judged[1] - passed[0] / judged[0])
    if common > 10_000:
        return differences, None
    (steps,) = by_case(cases, (passed[1] * (common // judged[1]) - passed[0] * (common // judged[0])).astype(float))
    return differences, np.rint(steps).astype(np.int64)


class Shift:
    """The mean difference of cases, each -1 to 1, with ``prior`` cases added: half of them better and half worse by 1.

    With one answer a case and a prior of 2 this is Bonett and Price's interval of a difference of paired shares. Flipping signs
    forgets what was not seen: cases that fail always, yet rarely turn up, beside cases that fail now and then. The prior does not.
    """

    def __init__(self, differences: Vector, prior: int) -> None:
        self.prior = prior
        self.cases = differences.size
        self.sum = float(differences.sum())
        self.net = abs(self.sum)
        whole = self.cases + prior
        self.middle = self.sum / whole
        self.error = math.sqrt((float((differences**2).sum()) + prior) / whole - self.middle**2) / math.sqrt(whole)

    @property
    def p(self) -> float:
        """How often chance gives a difference this far from 0."""
        return float(2 * ndtr(-abs(self.middle) / self.error))

    def interval(self, confidence: float) -> Interval:
        """Never surer that a larger difference is not so than an exact test of a share of so many cases: see ``outside``."""
        sure = (1 + confidence) / 2
        half = float(ndtri(sure)) * self.error
        low, high = self.middle - half, self.middle + half
        rare = 1.0 if self.net >= self.cases else float(betaincinv(self.net + 1, self.cases - self.net, sure))
        if self.sum <= 0:
            low = min(low, -rare)
        if self.sum >= 0:
            high = max(high, rare)
        return max(-1.0, low), min(1.0, high)

    def outside(self, margin: float) -> float:
        """How often a difference as large as the margin would look this small.

        It may be that many cases that flip to one side and none to the other; so few as were seen must be as seldom by the
        exact binomial test (Clopper and Pearson's; continued between whole numbers). No flips in 138 cases do not rule out 2%.
        """
        rare = 1.0 if self.net >= self.cases else float(betaincc(self.net + 1, self.cases - self.net, min(margin, 1.0)))
        return max(rare, float(ndtr((abs(self.middle) - margin) / self.error)))


def _around(interval: Interval, *held: float) -> Interval:
    """The interval holds its estimate, which cases with more cells than others may move, and what the exact test does not refuse."""
    return min(interval[0], *held), max(interval[1], *held)


def _noise(cases: Counts, reference: Attempts, candidate: Attempts, spread: float) -> float | None:
    if min(np.min(reference.judged), np.min(candidate.judged)) < 2:
        return None
    variance = np.zeros(len(reference.judged))
    for passed, judged in (reference, candidate):
        of = np.asarray(judged, float)
        rate = np.asarray(passed, float) / of
        variance += rate * (1 - rate) / (of - 1)
    noise, cells = by_case(cases, variance, np.ones(variance.size))
    return share(float(np.mean(noise / cells**2)), spread**2)
