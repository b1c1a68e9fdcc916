"""Pass rates on both sides of the same cells, about *these cases* or about *cases like these*.

These cases: the attempts are the chance. The test is the exact stratified one (see `exact`), the interval Newcombe's hybrid of two
Wilson intervals (Newcombe 1998, Statist. Med. 17) with the effective number of attempts, or Bonett and Price's where a cell has one
answer only. Cases like these: whole cases are the chance. The test flips the sign of cases, and Bonett and Price's interval has to
agree, since flips alone ignore rare kinds of cases that the sample does not contain.

Wilson 1927, JASA 22; Bonett and Price 2012, J. Educ. Behav. Statist. 37; Clopper and Pearson 1934, Biometrika 26.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from harness.compare.stats import exact
from harness.compare.stats.evidence import (
    CONFIDENCE,
    Counts,
    Ends,
    Interval,
    PairedEvidence,
    Scope,
    Vector,
    agreeing,
    by_case,
    variance_share,
)

PRIOR = 2
"""Pseudo-cases that are added to the interval of a difference, one better and one worse: no flips in few cases prove little."""
PRIOR_OF_MANY = 1
"""Pseudo-cases where cases have several answers, half better and half worse: such differences are smaller than whole flips."""
LARGEST_UNIT = 10_000
"""Shares of attempts are in units of one of their common multiple, or of this number where that is larger."""


class Attempts(NamedTuple):
    """For each cell: how many attempts passed, and how many could be judged (at least 1)."""

    passed: Counts
    judged: Counts


def wilson(passed: float, judged: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a proportion, 0 to 1. ``judged`` may be an effective sample size, so not whole."""
    if judged <= 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    whole = judged + z * z
    middle = (passed + z * z / 2) / whole
    half = z / whole * math.sqrt(max(passed * (judged - passed), 0.0) / judged + z * z / 4)
    low = 0.0 if passed <= 0 else max(0.0, middle - half)
    high = 1.0 if passed >= judged else min(1.0, middle + half)
    return float(low), float(high)


def clopper_pearson(passed: int, judged: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact interval of a proportion, 0 to 1: either end misses with at most (1 - confidence) / 2."""
    miss = (1 - confidence) / 2
    low = float(betaincinv(passed, judged - passed + 1, miss)) if passed else 0.0
    return low, float(betaincinv(passed + 1, judged - passed, 1 - miss)) if passed < judged else 1.0


def clustered_wilson(cases: Counts, attempts: Attempts) -> Interval:
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
    return wilson(rate * worth, worth)


def rates(
    cases: Counts,
    reference: Attempts,
    candidate: Attempts,
    *,
    margin: float,
    scope: Scope = "cases like these",
) -> PairedEvidence:
    """The evidence on the difference of the pass rates, as the mean over cells with equal weights.

    ``cases``: the number of each cell's case.
    """
    before, after = (np.asarray(side.passed, float) / np.asarray(side.judged, float) for side in (reference, candidate))
    known = (_of_these if scope == "these cases" else _like_these)(cases, reference, candidate, after - before)
    test, several, estimate = known.tail, known.cases > 1 or scope == "these cases", float((after - before).mean())

    def ends(confidence: float) -> Ends:
        if not several:
            return Ends(None, None)
        found = agreeing(known.shift.interval(confidence), estimate, excludes_zero=test.p <= 1 - confidence + 1e-12)
        return Ends(found, found)

    return PairedEvidence(
        pairs=int(np.minimum(reference.judged, candidate.judged).sum()),
        cases=known.cases,
        reference=float(before.mean()),
        candidate=float(after.mean()),
        estimate=estimate,
        change=estimate,
        margin=margin,
        scope=scope,
        ends=ends,
        p=test.p,
        least_p=test.least,
        chances=known.chances,
        constant=bool((after == before).all()),
        spread=known.spread,
        change_spread=known.spread,
        noise=known.noise,
        prior=known.shift.prior,
        sides=known.sides,
    )


class _Seen(NamedTuple):
    """What a scope makes of the cells. ``chances``: see ``PairedEvidence``."""

    cases: int
    tail: exact.Tail
    shift: Shift | Sides
    spread: float
    noise: float | None
    chances: int
    sides: tuple[Interval, Interval]


def _of_these(cases: Counts, reference: Attempts, candidate: Attempts, differences: Vector) -> _Seen:
    passed = np.asarray([reference.passed, candidate.passed], np.int64)
    judged = np.asarray([reference.judged, candidate.judged], np.int64)
    once, number = int(judged.min()) == 1, np.unique(np.asarray(cases)).size
    shift: Shift | Sides = Shift(differences, PRIOR) if once else Sides(passed, judged)
    sides = (wilson(*_pooled(reference)), wilson(*_pooled(candidate)))
    pairs = int(judged.min(axis=0).sum())
    spread = shift.spread * math.sqrt(number / differences.size)
    # whether the passed attempts of each cell are divided between the sides by chance
    unit, shares = _unit(judged), passed / judged
    found = exact.tail(int(np.rint(unit * (shares[1] - shares[0])).sum()), exact.divisions(judged, passed, unit))
    return _Seen(number, found, shift, spread, 1.0, pairs, sides)


def _like_these(cases: Counts, reference: Attempts, candidate: Attempts, differences: Vector) -> _Seen:
    by, cells = by_case(cases, differences, np.ones(differences.size))
    once = cells.max() == 1 == max(np.max(reference.judged), np.max(candidate.judged))
    shift = Shift(by / cells, PRIOR if once else PRIOR_OF_MANY)
    unit = _unit(np.asarray([reference.judged, candidate.judged], np.int64))
    whole = np.rint(by * unit).astype(np.int64)
    found = exact.tail(int(whole.sum()), exact.flips(whole))
    if not once and cells.size > 1:
        found = exact.Tail(max(found.p, shift.p), found.least)
    spread = shift.spread
    sides = (clustered_wilson(cases, reference), clustered_wilson(cases, candidate))
    noise = _noise(cases, reference, candidate, spread)
    return _Seen(cells.size, found, shift, spread, noise, cells.size, sides)


def _pooled(side: Attempts) -> tuple[float, float]:
    """The mean rate over cells as passed attempts, and the judged attempts."""
    judged = float(np.sum(side.judged))
    return float(np.mean(np.divide(side.passed, side.judged))) * judged, judged


def _unit(judged: NDArray[np.int64]) -> int:
    return min(math.lcm(*np.unique(judged).tolist()), LARGEST_UNIT)


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
        self.squares = float((differences**2).sum())
        whole = self.cases + prior
        self.middle = self.sum / whole
        self.error = self._deviation(prior) / math.sqrt(whole)

    def _deviation(self, prior: int) -> float:
        """The standard deviation of a difference, with this many pseudo-cases."""
        whole = self.cases + prior
        return math.sqrt(max((self.squares + prior) / whole - (self.sum / whole) ** 2, 0.0))

    @property
    def spread(self) -> float:
        """The standard deviation of a difference, to plan with: with a pseudo-case less than the interval.

        As many as the interval has would plan too many cases: these settle 94 to 100% of samples without a difference.
        """
        return self._deviation(self.prior - 1) or self._deviation(self.prior)

    @property
    def p(self) -> float:
        """The two-sided p value of the null hypothesis of no difference (normal approximation)."""
        return float(2 * ndtr(-abs(self.middle) / self.error))

    def interval(self, confidence: float) -> Interval:
        """The confidence interval. A difference may consist of flips in one direction only, so it is widened to what the exact
        binomial test (Clopper and Pearson's, interpolated between whole numbers) does not exclude for this few flips."""
        sure = (1 + confidence) / 2
        half = float(ndtri(sure)) * self.error
        low, high = self.middle - half, self.middle + half
        rare = 1.0 if self.net >= self.cases else float(betaincinv(self.net + 1, self.cases - self.net, sure))
        if self.sum <= 0:
            low = min(low, -rare)
        if self.sum >= 0:
            high = max(high, rare)
        return max(-1.0, low), min(1.0, high)


class Sides:
    """The difference of the mean pass rates of cells that have several attempts on each side: Newcombe's interval.

    ``passed``, ``judged``: shape (2, cells). Attempts at a cell that always passes or always fails scatter less than attempts
    at a cell of the mean rate would. So each side counts for as many attempts as have its variance within cells, but never
    for fewer than it has. What no attempt shows is bounded by a prior of ``z**2`` attempts, as in Wilson's interval.
    """

    prior = 0.0

    def __init__(self, passed: NDArray[np.int64], judged: NDArray[np.int64]) -> None:
        shares = passed / judged
        self.cells = judged.shape[1]
        self.rates = shares.mean(axis=1)
        self.attempts = self.cells**2 / (1 / judged).sum(axis=1)
        self.variance = (shares * (1 - shares) / (judged - 1)).sum(axis=1) / self.cells**2

    @property
    def error(self) -> float:
        """The standard error of the difference, with one more attempt that differs on each side."""
        return math.sqrt(float((self.variance + self.attempts**-2).sum()))

    @property
    def spread(self) -> float:
        """The standard deviation of a cell's difference."""
        return self.error * math.sqrt(self.cells)

    def interval(self, confidence: float) -> Interval:
        """The confidence interval."""
        z = float(ndtri((1 + confidence) / 2))
        alone = self.rates * (1 - self.rates)
        worth = np.maximum(alone / (self.variance + (z / self.attempts) ** 2), self.attempts)
        (low, high), (low_after, high_after) = (
            wilson(rate * size, size, confidence) for rate, size in zip(self.rates, worth, strict=True)
        )
        before, after = self.rates
        return (
            float(after - before - math.hypot(after - low_after, high - before)),
            float(after - before + math.hypot(high_after - after, before - low)),
        )


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
