"""How often comparisons are wrong, and how often they see what is there: thousands of made-up runs whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from harness.stats import Attempts, Evidence, assess, numbers, rates

pytestmark = pytest.mark.slow

ALPHA = 0.05
RUNS = 1_000
Rng = np.random.Generator


def at_most(promised: float, wrong: int, runs: int) -> bool:
    """Whether so many false alarms could come from a rate that is at most the promised one (1 in 1,000 would look worse)."""
    return bool(binomtest(wrong, runs, promised, alternative="greater").pvalue > 0.001)


def pass_rates(rng: Rng, cases: int, repeats: int, *, drop: float = 0.0, cells: int = 1, own: float = 0.15) -> Evidence:
    """Cases that are easy or hard (so attempts agree), and that one side finds easier or harder at random (``own``)."""
    of = np.repeat(np.arange(cases), cells)
    ease = rng.beta(3, 1, cases)
    chances = [np.clip(ease + rng.normal(0, own, cases) - fall, 0, 1)[of] for fall in (0, drop)]
    passed = [rng.binomial(repeats, each) for each in chances]
    judged = [repeats] * of.size
    return rates(list(of), *(Attempts(list(each), judged) for each in passed), margin=0.02)


def seconds(rng: Rng, cases: int, repeats: int, *, factor: float = 1.0, cells: int = 1) -> Evidence:
    """Latencies with a long tail; what a case takes differs from case to case, and by chance from side to side."""
    of = np.repeat(np.arange(cases), cells)
    base = rng.lognormal(0, 1, cases)
    sides = [base * rng.lognormal(0, 0.2, cases) * times for times in (1.0, factor)]
    measured = [(side[of, None] * rng.lognormal(0, 0.5, (of.size, repeats))).mean(axis=1) for side in sides]
    return numbers(list(of), *measured, margin=0.1)


@pytest.mark.parametrize(("cases", "repeats", "cells"), [(8, 5, 1), (20, 5, 2), (60, 1, 1), (100, 3, 2)])
def test_pass_rates_that_are_the_same_seldom_look_different(cases: int, repeats: int, cells: int) -> None:
    rng = np.random.default_rng(cases)
    found = [pass_rates(rng, cases, repeats, cells=cells) for _ in range(RUNS)]
    assert at_most(ALPHA, sum(p_of(each) <= ALPHA for each in found), RUNS)
    assert at_most(ALPHA, sum(misses(each.interval, 0.0) for each in found), RUNS)


@pytest.mark.parametrize(("cases", "repeats", "cells"), [(6, 3, 1), (12, 5, 2), (30, 1, 1), (60, 3, 1)])
def test_numbers_that_are_the_same_seldom_look_different(cases: int, repeats: int, cells: int) -> None:
    rng = np.random.default_rng(cases)
    found = [seconds(rng, cases, repeats, cells=cells) for _ in range(RUNS)]
    assert at_most(ALPHA, sum(p_of(each) <= ALPHA for each in found), RUNS)
    assert at_most(ALPHA, sum(misses(each.interval, 0.0) for each in found), RUNS)
    assert at_most(ALPHA, sum(misses(each.change_interval, 0.0) for each in found), RUNS)


def test_reckoning_attempts_as_if_they_were_cases_would_not_do() -> None:
    """What clustering is for: the same runs, each attempt taken by itself, raise several times the false alarms."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        ease = rng.beta(3, 1, 12)
        sides = [rng.binomial(1, np.clip(ease + rng.normal(0, 0.3, 12), 0, 1)[:, None], (12, 10)) for _ in "ab"]
        better, worse = (int(((one - other) > 0).sum()) for one, other in (sides, sides[::-1]))
        alarms += binomtest(worse, max(worse + better, 1)).pvalue <= ALPHA
    assert not at_most(3 * ALPHA, alarms, 300)


def test_a_report_with_many_comparisons_is_wrong_as_seldom_as_one() -> None:
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(300):
        report = [pass_rates(rng, 30, 3), *(seconds(rng, 30, 3) for _ in range(5))]
        wrong += any(each.verdict in ("better", "worse") for each in assess(report, [True] + [False] * 5))
    assert at_most(ALPHA, wrong, 300)


def test_a_change_as_large_as_the_margin_is_seldom_called_the_same() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(RUNS):
        before = rng.lognormal(0, 1, 30)
        after = before * 1.1 * rng.lognormal(0, 0.1, 30) / np.exp(0.005)
        wrong += assess([numbers(range(30), before, after, margin=0.1)], [False])[0].verdict == "same"
    assert at_most(ALPHA / 2, wrong, RUNS)


def test_flips_as_many_as_the_margin_are_seldom_called_the_same() -> None:
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(RUNS):
        [judged] = assess([once(*flips(rng, 300, worse=0.03, better=0.01))], [True])
        wrong += judged.verdict == "same"
    assert at_most(ALPHA / 2, wrong, RUNS)


@pytest.mark.parametrize(("cases", "shift"), [(30, 0.53), (60, 0.37), (150, 0.235)])
def test_numbers_see_nearly_as_much_as_who_knows_the_spread(cases: int, shift: float) -> None:
    """Beside the best possible test of a mean: the z test with the true standard deviation, which nobody has."""
    rng = np.random.default_rng(cases)
    seen = best = 0
    for _ in range(1_000):
        before, difference = rng.normal(20, 3, cases), rng.normal(shift, 1, cases)
        seen += p_of(numbers(range(cases), before, before + difference, margin=0.1)) <= ALPHA
        best += abs(difference.mean()) * cases**0.5 > 1.96
    assert 600 < best < 950
    assert seen >= best - 50


@pytest.mark.parametrize(("cases", "worse", "better"), [(200, 0.13, 0.04), (500, 0.07, 0.03), (2_000, 0.03, 0.017)])
def test_verdicts_see_nearly_as_much_as_the_best_test_of_flips(cases: int, worse: float, better: float) -> None:
    """Beside the uniformly most powerful unbiased test: McNemar's, with a coin thrown at its border to use all of its 5%."""
    rng = np.random.default_rng(cases)
    seen, best = 0, 0.0
    for _ in range(1_000):
        before, after = flips(rng, cases, worse, better)
        seen += p_of(once(before, after)) <= ALPHA
        best += thrown(int(((after - before) < 0).sum()), int((before != after).sum()))
    assert 600 < best < 950
    assert seen >= best - 50


def flips(rng: Rng, cases: int, worse: float, better: float) -> tuple[np.ndarray, np.ndarray]:
    """One answer a case and side: passed before only, after only, or on both."""
    drawn = rng.random(cases)
    return np.where((drawn >= worse) & (drawn < worse + better), 0, 1), np.where(drawn < worse, 0, 1)


def once(before: Sequence[int] | np.ndarray, after: Sequence[int] | np.ndarray) -> Evidence:
    single = [1] * len(before)
    return rates(range(len(before)), Attempts(list(before), single), Attempts(list(after), single), margin=0.02)


def thrown(worse: int, flipped: int) -> float:
    """The chance with which the randomised test of ``worse`` out of ``flipped`` says that they differ."""
    if not flipped:
        return ALPHA
    few = min(worse, flipped - worse)
    outside = 2 * binom.cdf(few - 1, flipped, 0.5)
    border = min(2 * binom.pmf(few, flipped, 0.5), 1 - outside)
    return float(np.clip((ALPHA - outside) / border, 0, 1))


def p_of(evidence: Evidence) -> float:
    return 1.0 if evidence.p is None else evidence.p


def misses(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and not interval[0] <= truth <= interval[1]
