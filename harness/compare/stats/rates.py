"""Pass rates on both sides of the same cells: McNemar's exact test, Wilson's interval, Bonett and Price's interval.

Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22; McNemar 1947, Psychometrika 12; Bonett
and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data", J. Educ. Behav.
Statist. 37.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, betaincinv, ndtr, ndtri

from harness.compare.stats.evidence import CONFIDENCE, Counts, Interval, PairedEvidence, Vector, by_case, variance_share
from harness.compare.stats.sign_flip import exact_p, least_p, sampled_p

PRIOR = 2
"""Pseudo-cases that are added to the interval of a difference, one better and one worse: no flips in few cases prove little."""
PRIOR_OF_MANY = 1
"""Pseudo-cases where cases have several answers, half better and half worse: such differences are smaller than whole flips."""


class Attempts(NamedTuple):
    """For each cell: how many attempts passed, of how many that could be judged (at least 1)."""

    passed: Counts
    judged: Counts


def wilson(passed: float, judged: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a proportion, 0 to 1. ``judged`` may be an effective sample size, so not whole."""
    if judged <= 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    share_passed = passed / judged
    middle = (share_passed + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * np.sqrt(share_passed * (1 - share_passed) / judged + z * z / (4 * judged**2))
    low = 0.0 if passed <= 0 else max(0.0, middle - half)
    high = 1.0 if passed >= judged else min(1.0, middle + half)
    return float(low), float(high)


def clustered_wilson(cases: Counts, attempts: Attempts, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval of a pass rate with the effective sample size of attempts that are correlated by case (Kish's design
    effect).

    The effective size lies between the number of cases (attempts at one case always agree) and the number of attempts (they
    are independent).
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
    """The evidence on the difference of the pass rates, as the mean over cells with equal weights.

    ``cases``: the number of each cell's case. ``p`` is that of McNemar's exact test where each case has one answer a side; else
    the larger of the exact sign-flip test's and the interval's p value.
    """
    before, after = (np.asarray(side.passed, float) / np.asarray(side.judged, float) for side in (reference, candidate))
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
        sides=(clustered_wilson(cases, reference), clustered_wilson(cases, candidate)),
    )


def paired_p(cases: Counts, reference: Attempts, candidate: Attempts) -> float:
    """The p value of McNemar's exact test where each case has one answer a side; else of the sign-flip test clustered by case."""
    differences, steps = _steps(cases, reference, candidate)
    exact = exact_p(steps) if steps is not None else None
    return sampled_p(differences) if exact is None else exact


def _steps(cases: Counts, reference: Attempts, candidate: Attempts) -> tuple[Vector, NDArray[np.int64] | None]:
    """Each case's difference, and the same in whole steps; None where the attempts have a common multiple over 10,000."""
    passed, judged = (np.asarray([before, after]) for before, after in zip(reference, candidate, strict=True))
    common = math.lcm(*np.unique(judged).tolist())
    (differences,) = by_case(cases, passed[1] / judged[1] - passed[0] / judged[0])
    if common > 10_000:
        return differences, None
    (steps,) = by_case(cases, (passed[1] * (common // judged[1]) - passed[0] * (common // judged[0])).astype(float))
    return differences, np.rint(steps).astype(np.int64)


class Shift:
    """The mean difference of cases, each -1 to 1, with ``prior`` pseudo-cases added: half of them better and half worse by 1.

    With one answer a case and a prior of 2 this is Bonett and Price's adjusted Wald interval of a difference of paired
    proportions. The sign-flip test ignores rare kinds of cases that the sample does not contain; the prior allows for them.
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
        """The two-sided p value of the null hypothesis of no difference (normal approximation)."""
        return float(2 * ndtr(-abs(self.middle) / self.error))

    def interval(self, confidence: float) -> Interval:
        """The confidence interval, widened where the exact binomial test does not exclude a larger difference: see ``outside``."""
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
        """The p value of the null hypothesis that the difference is at least as large as the margin.

        A difference may consist of flips in one direction only. So the p value is at least that of the exact binomial test
        (Clopper and Pearson's, interpolated between whole numbers) for this few flips. No flips in 138 cases do not exclude 2%.
        """
        rare = 1.0 if self.net >= self.cases else float(betaincc(self.net + 1, self.cases - self.net, min(margin, 1.0)))
        return max(rare, float(ndtr((abs(self.middle) - margin) / self.error)))


def _around(interval: Interval, *held: float) -> Interval:
    """The interval, extended to the values ``held``: the estimate, since cases with more cells may move it out of the interval,
    and 0 where the test does not reject it."""
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
    return variance_share(float(np.mean(noise / cells**2)), spread**2)
