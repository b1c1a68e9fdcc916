"""The statistics of a comparison, with exact values. How often verdicts are wrong is in ``test_stats_simulated``."""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from random import Random

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.stats.cells import pass_all, pass_at
from harness.compare.stats.evidence import PairedEvidence
from harness.compare.stats.exact import flips, tail
from harness.compare.stats.multiple_comparisons import holm, shared_signs
from harness.compare.stats.numbers import mean_interval, numbers
from harness.compare.stats.rates import Attempts, clustered_wilson, rates, wilson
from harness.compare.stats.verdict import Difference, Question, assess

MARGIN = 0.02


def judge(*evidence: PairedEvidence, part: bool = False) -> list[Difference]:
    """Verdicts on the measures of one report; ``part``: of its suites."""
    [found] = assess([[Question("latency_s", "s" if part else None, one) for one in evidence]])
    return found


def verdicts(both: int, worse: int, better: int, neither: int) -> PairedEvidence:
    """One answer a case: the numbers of cases that passed on both sides, on the reference only, on the candidate only, on neither."""
    before = [1] * both + [1] * worse + [0] * better + [0] * neither
    after = [1] * both + [0] * worse + [1] * better + [0] * neither
    once = [1] * len(before)
    return rates(range(len(before)), Attempts(before, once), Attempts(after, once), margin=MARGIN)


cells = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 9), min_size=n, max_size=n),
        st.lists(st.floats(0.01, 1e6), min_size=n, max_size=n),
        st.lists(st.floats(0.01, 1e6), min_size=n, max_size=n),
    )
)


@st.composite
def attempts(draw: st.DrawFn) -> tuple[list[int], Attempts, Attempts]:
    cases = draw(st.lists(st.integers(0, 9), min_size=2, max_size=30))
    judged = [[draw(st.integers(1, 5)) for _ in cases] for _ in "ab"]
    passed = [[draw(st.integers(0, most)) for most in side] for side in judged]
    return cases, Attempts(passed[0], judged[0]), Attempts(passed[1], judged[1])


# --- pass rates ---------------------------------------------------------------------------------------


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counted: tuple[int, int]) -> None:
    theirs = scipy.stats.binomtest(*counted).proportion_ci(0.95, method="wilson")
    assert wilson(*counted) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 200), st.integers(2, 5))
def test_wilson_narrows_with_more_answers(passed: int, times: int) -> None:
    few, many = wilson(passed, 2 * passed), wilson(times * passed, 2 * times * passed)
    assert few[0] < many[0] <= 0.5 <= many[1] < few[1]


def test_attempts_that_always_agree_are_worth_one_a_case() -> None:
    ten = rates(range(10), Attempts([5] * 10, [5] * 10), Attempts([5] * 9 + [0], [5] * 10), margin=MARGIN)
    assert ten.sides is not None
    assert ten.sides[0] == pytest.approx(wilson(10, 10))
    assert ten.sides[1] == pytest.approx(wilson(9, 10), abs=0.03)


@given(st.integers(1, 5_000))
def test_one_case_is_worth_one_answer_with_any_repeats(passed: int) -> None:
    assert clustered_wilson([0], Attempts([passed], [5_000])) == pytest.approx(wilson(passed / 5_000, 1))


@given(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30))
def test_with_one_answer_a_case_it_is_mcnemars_mid_p_test(both: int, worse: int, better: int) -> None:
    if worse != better:
        theirs = scipy.stats.binomtest(worse, worse + better).pvalue - scipy.stats.binom.pmf(worse, worse + better, 0.5)
        assert verdicts(both, worse, better, 3).p == pytest.approx(theirs, rel=1e-6, abs=1e-9)


def mid_p(sums: np.ndarray, chances: np.ndarray, observed: float) -> float:
    """Twice the smaller tail, with half of the observed sum."""
    same = chances[np.isclose(sums, observed)].sum() / 2
    tails = (chances[sums < observed - 1e-9].sum(), chances[sums > observed + 1e-9].sum())
    return float(min(1, 2 * (min(tails) + same)))


def test_cases_like_these_count_all_sign_patterns() -> None:
    steps = np.array([-2, -1, -4, 1, -3, 0, -5, -1])
    sums = np.array(list(product((-1, 1), repeat=8))) @ steps
    assert tail(int(steps.sum()), flips(steps)).p == pytest.approx(mid_p(sums, np.full(256, 1 / 256), steps.sum()))


def test_these_cases_count_all_ways_to_divide_the_attempts() -> None:
    """Each cell's passed attempts are divided between the sides: 3 attempts and 2, then 2 and 4."""
    first, second = scipy.stats.hypergeom(5, 4, 2), scipy.stats.hypergeom(6, 3, 4)
    ways = [(after / 2 - (4 - after) / 3, later / 4 - (3 - later) / 2) for after in range(3) for later in range(5)]
    chances = np.array([first.pmf(after) * second.pmf(later) for after in range(3) for later in range(5)])
    found = rates(range(2), Attempts([3, 2], [3, 2]), Attempts([1, 1], [2, 4]), margin=MARGIN, scope="these cases")
    assert found.p == pytest.approx(mid_p(np.array([sum(way) for way in ways]), chances, 1 / 2 - 1 + 1 / 4 - 1))


@given(attempts())
def test_swapping_the_sides_of_pass_rates_turns_the_sign(given_: tuple[list[int], Attempts, Attempts]) -> None:
    cases, reference, candidate = given_
    there, back = rates(cases, reference, candidate, margin=MARGIN), rates(cases, candidate, reference, margin=MARGIN)
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.p == pytest.approx(back.p)
    if there.interval is None or back.interval is None:
        assert there.interval is back.interval
    else:
        assert negated(there.interval) == pytest.approx(back.interval)


@given(attempts())
def test_the_interval_of_pass_rates_holds_the_estimate(given_: tuple[list[int], Attempts, Attempts]) -> None:
    found = rates(*given_, margin=MARGIN)
    assert found.sides is not None
    assert found.interval is None or found.interval[0] <= found.estimate <= found.interval[1]
    assert -1 <= found.estimate <= 1
    assert 0 < (found.p or 0) <= 1


def test_more_cases_of_the_same_kind_lower_the_p_value() -> None:
    few, many, most = (verdicts(6 * n, 3 * n, n, n) for n in (2, 4, 8))
    assert (few.p or 0) > (many.p or 0) > (most.p or 0)
    assert width(few) > width(many) > width(most)


def width(evidence: PairedEvidence) -> float:
    assert evidence.interval is not None
    return evidence.interval[1] - evidence.interval[0]


def negated(interval: tuple[float, float]) -> tuple[float, float]:
    return (-interval[1], -interval[0])


# --- numbers ------------------------------------------------------------------------------------------


@given(cells)
def test_swapping_the_sides_of_numbers_turns_the_sign(given_: tuple[list[int], list[float], list[float]]) -> None:
    cases, reference, candidate = given_
    there, back = numbers(cases, reference, candidate, margin=0.1), numbers(cases, candidate, reference, margin=0.1)
    slack = 1e-6 * max(*reference, *candidate)
    assert there.estimate == pytest.approx(-back.estimate, abs=slack)
    assert there.p == pytest.approx(back.p)
    if there.interval is None or back.interval is None:
        assert there.interval is back.interval
    else:
        assert negated(there.interval) == pytest.approx(back.interval, abs=slack)


@given(cells)
def test_the_interval_of_numbers_holds_the_estimate(given_: tuple[list[int], list[float], list[float]]) -> None:
    found = numbers(*given_, margin=0.1)
    slack = 1e-9 * max(*given_[1], *given_[2])
    if found.interval is not None:
        assert found.interval[0] - slack <= found.estimate <= found.interval[1] + slack
    if found.change_interval is not None and found.change is not None:
        assert found.change_interval[0] - 1e-9 <= found.change <= found.change_interval[1] + 1e-9


def test_the_interval_holds_what_the_test_does_not_reject() -> None:
    rng = np.random.default_rng(5)
    before = rng.normal(100, 10, 12)
    after = before + rng.normal(3, 5, 12)
    found = numbers(range(12), before, after, margin=0.1)
    assert found.interval is not None
    for shift, refused in ((found.interval[0] - 0.01, True), (found.interval[0] + 0.01, False)):
        p = numbers(range(12), before, after - shift, margin=0.1).p
        assert p is not None
        assert (p <= 0.05) == refused


def test_a_comparison_is_deterministic() -> None:
    rng = np.random.default_rng(6)
    before, after = rng.lognormal(0, 1, (2, 400))
    assert numbers(range(400), before, after, margin=0.1) == numbers(range(400), before, after, margin=0.1)


@pytest.mark.parametrize("cases", [1, 2, 5])
def test_too_few_cases_have_no_interval(cases: int) -> None:
    found = numbers(range(cases), [10.0] * cases, [20.0 + n for n in range(cases)], margin=0.1)
    assert found.interval is None
    [judged] = judge(found)
    assert judged.verdict == "cannot tell"
    assert judged.detectable is None


def test_a_reference_of_zero_has_no_relative_change() -> None:
    found = numbers(range(8), [0.0] * 8, [5.0, 6, 7, 8, 9, 10, 11, 12], margin=0.1)
    assert (found.change, found.change_interval) == (None, None)
    assert judge(found)[0].verdict == "worse"


@pytest.mark.parametrize("before", [[0.0] * 5, [-1.0, 0.0, 1.0, 0.0, 0.0]])
def test_a_reference_of_zero_can_be_planned_for(before: list[float]) -> None:
    [found] = judge(numbers(range(5), before, [0.0, 0.0, 0.0, 1.0, 2.0], margin=0.1))
    assert found.verdict == "cannot tell"
    assert found.needs is not None


def test_a_constant_change_needs_no_interval() -> None:
    found = numbers(range(8), [100.0] * 8, [130.0] * 8, margin=0.1)
    assert (found.constant, found.interval) == (True, None)
    assert judge(found)[0].verdict == "worse"


@given(cells.filter(lambda columns: len(set(columns[0])) <= 13), st.randoms(use_true_random=False))
def test_the_order_of_few_cells_does_not_matter(
    given_: tuple[list[int], list[float], list[float]], random: Random
) -> None:
    shuffled = list(zip(*given_, strict=True))
    random.shuffle(shuffled)
    cases, reference, candidate = zip(*shuffled, strict=True)
    there, again = numbers(*given_, margin=0.1), numbers([9 - case for case in cases], reference, candidate, margin=0.1)
    assert_alike(there, again, unit=1.0, slack=1e-6 * max(*reference, *candidate))


@given(cells, st.sampled_from([1e-6, 1e-3, 1024.0, 1e60]))
def test_the_unit_does_not_matter(given_: tuple[list[int], list[float], list[float]], unit: float) -> None:
    cases, reference, candidate = given_
    there = numbers(cases, reference, candidate, margin=0.1)
    again = numbers(cases, np.multiply(reference, unit), np.multiply(candidate, unit), margin=0.1)
    assert_alike(there, again, unit=unit, slack=1e-6 * unit * max(*reference, *candidate))


def assert_alike(there: PairedEvidence, again: PairedEvidence, unit: float, slack: float) -> None:
    assert again.p == pytest.approx(there.p)
    assert again.estimate == pytest.approx(unit * there.estimate, abs=slack)
    assert again.change == pytest.approx(there.change, abs=1e-6)
    assert (again.interval is None) == (there.interval is None)
    if there.interval and again.interval:
        assert again.interval == pytest.approx([unit * end for end in there.interval], abs=slack)


@given(cells)
def test_verdicts_and_intervals_of_numbers_agree(given_: tuple[list[int], list[float], list[float]]) -> None:
    agree(numbers(*given_, margin=0.1))


@given(attempts())
def test_verdicts_and_intervals_of_pass_rates_agree(given_: tuple[list[int], Attempts, Attempts]) -> None:
    agree(rates(*given_, margin=0.5))


def agree(found: PairedEvidence) -> None:
    """The interval contains what the test does not reject; the interval of *same* lies within the margin."""
    [judged] = judge(found)
    ends = found.change_interval
    if ends is None or found.p is None:
        return
    if found.p > 0.05:
        assert ends[0] <= 0 <= ends[1]
    if judged.verdict == "same":
        assert -found.margin - 1e-9 <= ends[0] <= ends[1] <= found.margin + 1e-9
    printed = judged.ends.change
    if judged.verdict in ("better", "worse"):
        assert (judged.verdict == "better") == ((found.estimate > 0) == found.is_rate)
        assert printed is None or not printed[0] <= 0 <= printed[1]
    if judged.verdict == "cannot tell":
        assert printed is None or printed[0] <= 0 <= printed[1]


def test_a_larger_difference_is_never_less_sure() -> None:
    rng = np.random.default_rng(11)
    for cases in (7, 12, 40):
        before, noise = rng.lognormal(3, 0.3, cases), rng.normal(0, 2, cases)
        noise -= noise.mean()
        chances = [numbers(range(cases), before, before + noise + shift, margin=0.1).p or 0 for shift in range(8)]
        assert chances == sorted(chances, reverse=True)


@given(st.integers(0, 30), st.integers(0, 29))
def test_one_more_flip_is_never_less_sure(both: int, worse: int) -> None:
    fewer, more = verdicts(both + 1, worse, 0, 2), verdicts(both, worse + 1, 0, 2)
    assert (more.p or 0) <= (fewer.p or 0)
    assert more.estimate < fewer.estimate


def test_arrays_and_lists_give_the_same_result() -> None:
    rng = np.random.default_rng(12)
    before, after = rng.lognormal(0, 1, (2, 30))
    cases = np.arange(30) // 2
    assert numbers(cases, before, after, margin=0.1) == numbers(list(cases), list(before), list(after), margin=0.1)
    passed, judged = rng.integers(0, 4, 30), np.full(30, 3)
    lists = [Attempts(list(counts), list(judged)) for counts in (passed, 3 - passed)]
    arrays = [Attempts(counts, judged) for counts in (passed, 3 - passed)]
    assert rates(cases, *arrays, margin=MARGIN) == rates(list(cases), *lists, margin=MARGIN)


def test_a_candidate_of_zero_has_a_change_and_no_ratio() -> None:
    found = numbers(range(8), [500.0 + 10 * n for n in range(8)], [0.0] * 8, margin=0.1)
    assert (found.change, found.change_interval) == (-1, (-1, -1))
    assert judge(found)[0].verdict == "better"


def test_one_case_says_nothing_about_others() -> None:
    found = [
        numbers([0, 0, 0], [1.0, 2, 3], [4.0, 9, 9], margin=0.1),
        rates([0], Attempts([5], [5]), Attempts([0], [5]), margin=MARGIN),
    ]
    for assessment in judge(*found):
        assert (assessment.verdict, assessment.needs, assessment.needs_repeats) == ("cannot tell", None, None)
        assert (assessment.evidence.interval, assessment.evidence.change_interval) == (None, None)


def test_two_cases_are_too_few_to_plan_how_many_it_takes() -> None:
    [found] = judge(numbers([0, 1], [1.0, 2], [2.0, 2.1], margin=0.1))
    assert (found.verdict, found.needs, found.evidence.interval) == ("cannot tell", None, None)


@pytest.mark.parametrize("toss_ups", [3, 9, 30, 96])
def test_flips_keep_the_level_whatever_the_chances_are(toss_ups: int) -> None:
    """The alarms are linear in the chance of each case to flip, which is at most a half: so the worst cases never flip, or toss a coin.

    Counting four flips all one way as well would be too much in nine such cases.
    """

    def alarms(least: float) -> float:
        return sum(
            math.comb(toss_ups, flipped) * math.comb(flipped, down) / 2.0 ** (toss_ups + flipped)
            for flipped in range(1, toss_ups + 1)
            for down in range(flipped + 1)
            if _flip_chance(down, flipped - down) <= least
        )

    assert alarms(0.05) < 0.0496
    assert toss_ups != 9 or alarms(0.0625) > 0.053


@cache
def _flip_chance(down: int, up: int) -> float:
    return tail(up - down, flips(np.array([-1] * down + [1] * up))).p


@pytest.mark.parametrize(("flips", "word"), [(0, "same"), (1, "cannot tell")])
def test_enough_cases_without_a_flip_exclude_the_margin(flips: int, word: str) -> None:
    """0.98 ** 183 < 2.5%: the rule of three, at the level of *same*."""
    assert judge(verdicts(183 - flips, flips, 0, 0))[0].verdict == word
    assert judge(verdicts(182, 0, 0, 0))[0].verdict == "cannot tell"


def test_rare_failures_on_one_side_prove_no_difference() -> None:
    """Eight of fifty cases failed one of five attempts on one side only. The sign-flip test alone gives p 0.008."""
    found = rates(range(50), Attempts([4] * 8 + [5] * 42, [5] * 50), Attempts([5] * 50, [5] * 50), margin=MARGIN)
    assert found.p is not None
    assert found.p > 0.05
    assert (found.interval or (1, 1))[0] <= 0


@given(cells)
def test_the_interval_of_one_side_holds_its_mean(
    given_: tuple[list[int], list[float], list[float]],
) -> None:
    cases, values, _ = given_
    narrow, wide = mean_interval(cases, values, 0.9), mean_interval(cases, values, 0.95)
    mean = float(np.mean(values))
    for ends in (narrow, wide):
        assert ends is None or ends[0] - 1e-9 * mean <= mean <= ends[1] + 1e-9 * mean
    if narrow and wide:
        assert wide[0] <= narrow[0] + 1e-9 * mean
        assert narrow[1] <= wide[1] + 1e-9 * mean


def test_five_equal_cases_are_their_own_interval() -> None:
    assert mean_interval(range(4), [2.0] * 4) is None
    assert mean_interval(range(5), [2.0] * 5) == (2.0, 2.0)
    assert mean_interval([0] * 50, [2.0] * 50) is None


# --- verdicts -----------------------------------------------------------------------------------------


def test_certain_but_within_the_margin_is_the_same() -> None:
    rng = np.random.default_rng(7)
    before = rng.normal(100, 5, 500)
    found = numbers(range(500), before, before * 1.01 + rng.normal(0, 1, 500), margin=0.1)
    assert found.p is not None
    assert found.p < 0.001
    assert judge(found)[0].verdict == "same"


def test_repeats_help_where_attempts_at_one_case_scatter() -> None:
    rng = np.random.default_rng(9)
    scatter = rng.normal(0, 3, (2, 40))
    noisy = numbers(range(40), 10 + scatter[0], 10.8 + scatter[1], margin=0.1, noise=[18.0] * 40)
    steady = numbers(range(40), 10 + scatter[0], 10.8 + scatter[1], margin=0.1, noise=[0.01] * 40)
    helped, unhelped = judge(noisy)[0], judge(steady)[0]
    assert helped.verdict == unhelped.verdict == "cannot tell"
    assert helped.needs == unhelped.needs
    assert helped.needs_repeats is not None
    assert unhelped.needs_repeats is None


def test_more_comparisons_need_more_cases() -> None:
    found = verdicts(20, 8, 1, 1)
    assert judge(found)[0].verdict == "worse"
    among = judge(found, *[verdicts(20, 6, 5, 1)] * 9, part=True)
    assert (among[0].verdict, among[0].comparisons) == ("cannot tell", 10)
    assert among[0].p == pytest.approx(10 * (found.p or 0))


def test_comparisons_that_cannot_be_significant_do_not_count() -> None:
    found = verdicts(20, 8, 1, 1)
    among = judge(found, *[verdicts(29, 0, 1, 0)] * 9, part=True)
    assert (among[0].verdict, among[0].comparisons) == ("worse", 1)


def test_holm_by_hand() -> None:
    found = holm([0.01, 0.04, 0.03], [0.0] * 3, 0.05)
    assert [one.p for one in found] == pytest.approx([0.03, 0.06, 0.06])
    assert [one.level for one in found] == pytest.approx([0.05 / 3, 0.025, 0.025])


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=20))
def test_a_corrected_p_is_never_smaller_and_keeps_the_order(chances: list[float]) -> None:
    found = holm(chances, [0.0] * len(chances), 0.05)
    assert {one.size for one in found} == {len(chances)}
    assert all(chance <= one.p <= 1 for chance, one in zip(chances, found, strict=True))
    order = np.argsort(chances, kind="stable")
    assert list(np.array([one.p for one in found])[order]) == sorted(one.p for one in found)


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=20))
def test_a_corrected_p_and_its_level_agree(chances: list[float]) -> None:
    for chance, one in zip(chances, holm(chances, [0.0] * len(chances), 0.05), strict=True):
        assert (one.p <= 0.05) == (chance <= one.level) or one.p == pytest.approx(0.05)


@pytest.mark.parametrize("cases", range(2, 9))
def test_measures_that_move_together_prove_no_more_than_one(cases: int) -> None:
    before = np.arange(10.0, 10 + cases)
    measures = [numbers(range(cases), before * unit, before * unit * 0.6, margin=0.1) for unit in (1, 3.1, 0.7)]
    for evidence, found in zip(measures, shared_signs(measures, 0.05), strict=True):
        assert evidence.p is not None
        assert found.p >= evidence.p
        assert found.level <= 0.05
        assert (found.p <= 0.05) == (cases >= 6)


# --- repeats ------------------------------------------------------------------------------------------


def test_pass_at_k_counts_the_ways_to_choose() -> None:
    assert pass_at([1], [3], 2) == pytest.approx(2 / 3)
    assert pass_all([2], [3], 2) == pytest.approx(1 / 3)
    assert pass_at([1, 3], [3, 3], 2) == pytest.approx((2 / 3 + 1) / 2)


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.floats(0, 1), st.integers(1, n))))
def test_pass_at_k_is_right_on_average(given_: tuple[int, float, int]) -> None:
    n, rate, k = given_
    chances = [math.comb(n, c) * rate**c * (1 - rate) ** (n - c) for c in range(n + 1)]
    at = sum(chance * pass_at([c], [n], k) for c, chance in enumerate(chances))
    every = sum(chance * pass_all([c], [n], k) for c, chance in enumerate(chances))
    assert at == pytest.approx(1 - (1 - rate) ** k, abs=1e-9)
    assert every == pytest.approx(rate**k, abs=1e-9)


@given(st.lists(st.integers(2, 7), min_size=1, max_size=3), st.floats(0, 1))
def test_unequal_attempts_use_the_smallest_k(judged: list[int], rate: float) -> None:
    """The mean over all outcomes, weighted by their probability. Each cell is unbiased, so their mean is too."""
    k, at, every = min(judged), 0.0, 0.0
    for passed in product(*(range(number + 1) for number in judged)):
        chance = math.prod(
            math.comb(n, c) * rate**c * (1 - rate) ** (n - c) for n, c in zip(judged, passed, strict=True)
        )
        at += chance * pass_at(passed, judged, k)
        every += chance * pass_all(passed, judged, k)
    assert at == pytest.approx(1 - (1 - rate) ** k, abs=1e-9)
    assert every == pytest.approx(rate**k, abs=1e-9)
