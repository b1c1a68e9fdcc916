"""Verdicts at the sizes at which tests of differences go wrong: few cases, many comparisons, repeats, rare events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.compare.comparison import Comparison, combine, compare_runs
from harness.compare.gates import evaluate, from_option
from harness.compare.gates.budgets import evaluate_level
from harness.compare.looks import level
from harness.compare.stats.evidence import Ends, Scope
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.compare.stats.sign_flip import flip_p
from harness.compare.stats.verdict import Difference, Question, assess
from harness.compare.verdicts import Criteria, change, needs, sentence, verdict_row
from harness.report.content.comparison import best_of, correction_note, explanations, overview
from harness.results.rows import Row
from harness.results.summary import Summary, summarise
from tests.sample_rows import failed, row


def runs(before: Sequence[int], after: Sequence[int], repeat: int = 1, scope: Scope | None = None) -> Comparison:
    """Two runs; the numbers of passed attempts of each case."""
    return compare_runs(_run(before, repeat), _run(after, repeat), ("1", "2"), Criteria(scope=scope))


def _run(passed: Sequence[int], repeat: int) -> Summary:
    return summarise(_row(f"case-{case:04}", n, n < count) for case, count in enumerate(passed) for n in range(repeat))


def _row(case: str, n: int, passes: bool) -> Row:
    return row(case, n=n + 1) if passes else failed(case, n=n + 1)


def rate(comparison: Comparison) -> Difference:
    return comparison.differences[0]


# --- large reports ------------------------------------------------------------------------------------


def test_a_flip_of_all_cases_is_seen_among_a_thousand_comparisons() -> None:
    flip = rates(range(40), Attempts([0] * 40, [1] * 40), Attempts([1] * 40, [1] * 40), margin=0.02)
    rng = np.random.default_rng(1)
    noise = [numbers(range(40), *rng.lognormal(0, 1, (2, 40)), margin=0.1) for _ in range(999)]
    dear = numbers(range(40), [10.0 + n for n in range(40)], [20.0 + 2 * n for n in range(40)], margin=0.1)
    parts = [Question("latency_s", "s", one) for one in (flip, dear, *noise)]
    [found] = assess([parts])
    assert (found[0].verdict, found[1].verdict) == ("better", "worse")
    assert found[1].p is not None
    assert found[1].p < 0.001


def test_a_p_value_may_be_as_small_as_the_data_make_it() -> None:
    assert flip_p(np.ones(60)) == pytest.approx(2.0**-59, rel=1e-3)
    assert flip_p(np.array([1.0] * 55 + [-1.0] * 5)) < 1e-10


# --- one question, told several times -----------------------------------------------------------------


def measured(times: float, cases: int = 100) -> Comparison:
    """Thoughts, tokens and cost are one quantity; 9 of 100 cases fail on the candidate."""
    rng = np.random.default_rng(4)
    sides = []
    for factor in (1.0, times):
        thoughts = 100 * factor * rng.lognormal(0, 1.2, cases)
        sides.append(
            summarise(
                (failed if factor != 1.0 and case < 7 else row)(
                    f"case-{case}",
                    measures={"thoughtsTokenCount": used, "totalTokenCount": 200 + used, "cost_usd": used / 1e6},
                )
                for case, used in enumerate(thoughts)
            )
        )
    return compare_runs(sides[0], sides[1], ("1", "2"))


def test_the_pass_rate_is_not_corrected_for_other_measures() -> None:
    found = rate(measured(1.5))
    assert (found.verdict, found.comparisons) == ("worse", 1)
    assert found.p == found.evidence.p


def test_the_pass_rate_is_corrected_over_candidates() -> None:
    together = combine("target", [measured(1.5)] * 5)
    assert together.corrected_for == 5
    levels = sorted(rate(one).level for one in together.comparisons)
    assert levels == pytest.approx([0.05 / 5, 0.05 / 4, 0.05 / 3, 0.05 / 2, 0.05])


def test_one_quantity_told_three_times_counts_nearly_once() -> None:
    thoughts, *_ = (one for one in measured(1.5).differences if one.measure == "thoughtsTokenCount")
    assert thoughts.level > 0.02
    assert thoughts.p is not None
    assert thoughts.p < 3 * (thoughts.evidence.p or 0)


def test_a_table_of_candidates_has_rates_and_the_reference() -> None:
    together = combine("target", [runs([1] * 40, [0] * falls + [1] * (40 - falls)) for falls in (0, 2, 12)])
    header, [reference, *rows] = overview(together)
    assert header[:3] == ["side", "flips", "pass rate"]
    assert reference[:3] == ["1", "-", "100%"]
    assert [row[2].split(" (")[0] for row in rows] == ["100% ? 0 pp", "95% ? -5.0 pp", "70% worse -30.0 pp"]
    assert "Of 4 that are alike, the best by chance looks about " in correction_note(together)


def test_the_best_of_several_looks_better_by_what_is_said() -> None:
    """Five options that pass 90% of 100 cases: the best of them looks 3.5 points better than it is."""
    rng = np.random.default_rng(2)
    made = [(rng.random(100) < 0.9).astype(int).tolist() for _ in range(5)]
    said = best_of(combine("target", [runs(made[0], other) for other in made[1:]]))
    points = float(said.removesuffix(" pp better than it is").rpartition(" ")[2])
    luck = np.mean([(rng.random((5, 100)) < 0.9).mean(axis=1).max() - 0.9 for _ in range(500)])
    assert points == pytest.approx(100 * luck, rel=0.25)


# --- repeats, and the two scopes ----------------------------------------------------------------------


def test_repeats_help_on_these_cases() -> None:
    """12 cases of 100 attempts; every case falls from 100 to 90%."""
    found = rate(runs([100] * 12, [90] * 12, repeat=100))
    assert sentence(found).startswith("worse on these cases: -10.0 pp (")
    like = rate(runs([100] * 12, [90] * 12, repeat=100, scope="cases like these"))
    assert sentence(like).startswith("cannot tell about cases like these: -10.0 pp (")


def test_thirty_cases_of_five_attempts_show_a_fall_of_six_points() -> None:
    """From 149 of 150 to 140 of 150 passed attempts."""
    found = rate(runs([5] * 29 + [4], [4] * 10 + [5] * 20, repeat=5))
    assert found.verdict == "worse"
    assert found.evidence.p == pytest.approx(0.0067, abs=1e-3)


def test_mid_p_sees_five_flips_to_one_side() -> None:
    found = rate(runs([1] * 30, [0] * 5 + [1] * 25))
    assert found.verdict == "worse"
    assert found.evidence.p == pytest.approx(2 / 64)


@pytest.mark.parametrize("falls", [3, 4, 5, 6, 7])
def test_a_printed_interval_agrees_with_its_verdict(falls: int) -> None:
    """20 cases, at the border of what they can show, with five candidates."""
    together = combine("target", [runs([1] * 20, [0] * falls + [1] * (20 - falls))] * 5)
    for comparison in together.comparisons:
        found = verdict_row(rate(comparison))
        assert (found["verdict"] == "worse") == (found["interval"][1] < 0)


# --- few, equal and rare ------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [100, 182, 183, 200])
def test_same_takes_the_documented_number_of_cases(cases: int) -> None:
    found = rate(runs([1] * cases, [1] * cases))
    assert found.verdict == ("same" if cases >= 183 else "cannot tell")
    assert (found.needs_cases or (0,))[0] == max(183 - cases, 0)


def test_needs_are_a_range() -> None:
    found = rate(runs([5] * 30, [4] * 4 + [5] * 26, repeat=5))
    assert found.needs_cases is not None
    assert found.needs_repeats is not None
    (low, high), (few, many) = found.needs_cases, found.needs_repeats
    assert 0 < low < (high or 0) < 1000
    assert f"needs {low:,} to {high:,} more cases, or {few} to {many} more attempts at each" in sentence(found)


@pytest.mark.parametrize(
    ("cases", "flips", "needs"),
    [
        (2, 2, "4 more cases, or at least 2 more attempts at each"),
        (3, 3, "2 more cases, or at least 1 more attempt at each"),
        (30, 4, "27 more cases, or at least 1 more attempt at each"),
    ],
)
def test_of_too_wide_a_range_only_the_least_is_printed(cases: int, flips: int, needs: str) -> None:
    found = rate(runs([1] * cases, [0] * flips + [1] * (cases - flips)))
    assert sentence(found).endswith(f"; needs at least {needs}")


@pytest.mark.parametrize("cases", [4, 5])
def test_five_cases_that_all_flip_are_enough_for_a_pass_rate(cases: int) -> None:
    found = rate(runs([1] * cases, [0] * cases))
    assert found.evidence.min_cases(found.level) == 5
    assert found.verdict == ("worse" if cases == 5 else "cannot tell")


@pytest.mark.parametrize("cases", [5, 6])
def test_six_cases_are_enough_for_numbers(cases: int) -> None:
    evidence = numbers(range(cases), [1.0 + n / 100 for n in range(cases)], [2.0] * cases, margin=0.1)
    [[found]] = assess([[Question("latency_s", None, evidence)]])
    assert found.evidence.min_cases(found.level) == 6
    assert found.verdict == ("worse" if cases == 6 else "cannot tell")


@pytest.mark.parametrize("repeat", [1, 2])
def test_one_case_that_flips_asks_for_more_cases_or_attempts(repeat: int) -> None:
    found = rate(runs([repeat], [0], repeat))
    assert sentence(found).endswith("; needs at least 5 cases, or several attempts at each")
    assert rate(runs([3], [0], 3)).verdict == "worse"


def test_more_than_is_ever_asked_is_not_counted() -> None:
    found = rate(runs([97, 98] * 50, [98, 97] * 49 + [97, 98], 100))
    needed = replace(found.evidence, margin=0.0001)
    [[assessed]] = assess([[Question("latency_s", None, needed)]])
    assert needs(assessed) == "needs over 10,000 more cases, or over 10,000 more attempts at each"


@pytest.mark.parametrize(("cases", "repeat"), [(2, 1), (4, 1), (2, 2)])
def test_a_few_more_attempts_decide_what_all_cases_show(cases: int, repeat: int) -> None:
    """Every case flips; three attempts or fewer at each are enough."""
    found = rate(runs([repeat] * cases, [0] * cases, repeat))
    if found.verdict == "cannot tell":
        assert (found.needs_repeats or (99,))[0] <= 2
    assert rate(runs([3] * cases, [0] * cases, 3)).verdict == "worse"


def test_the_typical_change_stands_beside_the_mean_change() -> None:
    """One cold start of 20 s among steady answers: the mean doubles, the typical case does not."""
    before, after = (
        summarise(row(f"case-{n}", measures={"latency_s": seconds + n / 1000}) for n, seconds in enumerate(times))
        for times in ([1.0] * 20, [1.02] * 19 + [20.0])
    )
    latency = compare_runs(before, after, ("1", "2")).differences[1]
    assert latency.verdict == "cannot tell"
    assert "+96%" in sentence(latency)
    assert "the typical case +18% (" in sentence(latency)
    assert verdict_row(latency)["typical"]["change"] == pytest.approx(0.18, abs=0.01)


@pytest.mark.parametrize(("more", "verdict"), [(0.5, "worse"), (0.35, "cannot tell")])
def test_one_far_case_does_not_hide_all_others(more: float, verdict: str) -> None:
    """30 cases; 29 take about 1.5 s instead of 1 s, and one 1.5 s instead of 5 s. Or 29 take 1.35 s: the far case makes that doubtful."""
    before = [1.0 + n / 200 for n in range(29)] + [5.0]
    after = [1.0 + more + n / 150 for n in range(29)] + [1.0 + more]
    [[found]] = assess([[Question("latency_s", None, numbers(range(30), before, after, margin=0.1))]])
    assert found.verdict == verdict
    assert found.ends.own is not None
    assert (found.ends.own[0] > 0) == (verdict == "worse")


def test_few_steady_cases_plan_for_rare_long_answers() -> None:
    """12 steady latencies: 24 more if they go on like this, hundreds if 1 answer in 30 takes 5 times as long, which 12 cases may miss."""
    rng = np.random.default_rng(3)
    [[found]] = assess([[Question("latency_s", None, numbers(range(12), *rng.normal(1, 0.05, (2, 12)), margin=0.1))]])
    least, most = found.needs_cases or (0, 0)
    assert 24 <= least < 40
    assert 400 < (most or 0) < 1_500


def test_bad_numbers_end_in_no_verdict() -> None:
    """One case; negative numbers; unequal attempts; a reference that was stopped early; all failures."""
    assert rate(runs([1], [0])).verdict == "cannot tell"
    assert rate(runs([0] * 50, [0] * 50)).verdict == "cannot tell"
    negative = numbers(range(8), [-3.0, 1, 2, -1, 5, 1, 2, 3], [1.0, -2, 3, 4, 1, -9, 2, 2], margin=0.1)
    assert negative.change_interval is None
    assert negative.typical is None
    unequal = rates(
        range(6), Attempts([1, 2, 3, 4, 5, 6], range(1, 7)), Attempts([0, 1, 1, 0, 2, 9], [9] * 6), margin=0.02
    )
    assert (unequal.p or 1) <= 0.05
    stopped = compare_runs(_run([3] * 10, 3), _run([0] * 40, 3), ("1", "2"))
    assert (len(stopped.paired), rate(stopped).verdict) == (10, "worse")


@pytest.mark.parametrize(
    ("before", "after", "repeat", "line"),
    [
        ([0] * 9, [0] * 9, 1, "nothing passed on either side; needs"),
        ([1], [1], 1, "the only cell did not flip; needs at least 5 cases, or several attempts at each"),
        ([4], [4], 5, "the only cell passed as often as before; needs"),
    ],
)
def test_the_bottom_line_of_very_little(before: list[int], after: list[int], repeat: int, line: str) -> None:
    assert runs(before, after, repeat).conclusion.message.startswith(line)


def test_no_case_can_show_more_than_all_of_it() -> None:
    assert rate(runs([4], [4], 5)).detectable is None
    assert rate(runs([4] * 9, [4] * 9, 5)).detectable is not None


@pytest.mark.parametrize("cases", [100, 364, 365])
def test_a_run_that_stopped_early_takes_more_cases_to_be_the_same(cases: int) -> None:
    """At the second look: 365 equal cases of 2%."""
    sides = (_run([1] * cases, 1), _run([1] * cases, 1))
    found = rate(compare_runs(*sides, ("1", "2"), Criteria(alpha=level(2))))
    assert found.verdict == ("cannot tell" if cases < 365 else "same")
    assert (found.needs_cases or (0,))[0] == max(365 - cases, 0)


def test_a_measure_that_is_no_number_is_not_measured() -> None:
    sides = [
        summarise(
            row(f"case-{n}", measures={"latency_s": float("nan") if n < 2 else 1.0 + n * factor}) for n in range(10)
        )
        for factor in (0.01, 0.5)
    ]
    latency = compare_runs(sides[0], sides[1], ("1", "2")).differences[1]
    assert (latency.measure, latency.evidence.cases, latency.verdict) == ("latency_s", 8, "worse")


def test_negative_measures_are_named() -> None:
    sides = [
        summarise(row(f"case-{n}", measures={"latency_s": low if n < 2 else 1.0}) for n in range(10))
        for low in (1.0, -1.0)
    ]
    shown = compare_runs(sides[0], sides[1], ("run 1", "run 2")).notes
    assert "latency of run 2: negative or impossible in 2 attempts, which count as not measured" in shown
    assert not any("run 1:" in note for note in shown)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([-1.0, 2, -3, 1, -2, 4, -1, 2], [1.0, 2, 3, 4, 1, 2, 3, 1], "in 4 cases"),
        ([0.0] * 8, [1.0, 2, 3, 4, 1, 2, 3, 1], "from none to some"),
        ([float("inf")] + [1.0] * 7, [1.0] * 8, "no difference in 7 cases"),
        ([1e308] * 2 + [1.0] * 6, [1e307] * 2 + [1.0] * 6, "no difference in 6 cases"),
    ],
)
def test_numbers_that_make_no_ratio_are_shown(before: list[float], after: list[float], words: str) -> None:
    sides = [
        summarise(row(f"case-{n}", measures={"latency_s": seconds}) for n, seconds in enumerate(side))
        for side in (before, after)
    ]
    assert words in sentence(compare_runs(sides[0], sides[1], ("1", "2")).differences[1])


# --- budgets and gates --------------------------------------------------------------------------------


def test_nine_of_twelve_do_not_cross_a_budget_of_ninety_percent() -> None:
    """P(9 or fewer of 12) is 11% at a rate of 90%."""
    cells = list(_run([1] * 9 + [0] * 3, 1).groups.values())
    assert evaluate_level(from_option("pass_rate.min=90%@95%"), cells).crossed is None
    assert evaluate_level(from_option("pass_rate.min=90%@85%"), cells).crossed is True


def test_gates_are_about_these_cases() -> None:
    gate = from_option("pass_rate=5pp@95%")
    assert evaluate(gate, runs([100] * 12, [90] * 12, repeat=100)).crossed is True
    assert evaluate(gate, runs([100] * 12, [100] * 12, repeat=100)).crossed is False


def test_an_interval_that_excludes_zero_never_seems_to_touch_it() -> None:
    found = rate(runs([1] * 30, [0] * 12 + [1] * 18))
    assert found.verdict == "worse"
    beside = replace(found.evidence, ends=lambda _: Ends((-1.0, -1e-9), (-1.0, -1e-9)))
    assert change(replace(found, measure="latency_s", evidence=beside)) == "-40% (-100 to below 0)"
    touching = replace(found.evidence, ends=lambda _: Ends((-1.0, 0.0), (-1.0, 0.0)))
    assert change(replace(found, measure="latency_s", evidence=touching)) == "-40% (-100 to 0)"


def test_below_the_table_stands_what_it_does_not_show() -> None:
    """Neither the change nor the verdict stands there again, and what three measures have in common stands there once."""
    measures = {"thoughtsTokenCount": 7.0, "totalTokenCount": 9.0, "latency_s": 1.0}
    alike = summarise(row(f"case-{n}", measures=measures) for n in range(9))
    [pass_rate, others] = explanations(compare_runs(alike, alike, ("1", "2")))
    assert pass_rate == "pass rate, these cases: a change in up to 28% of cases would not show"
    assert (
        others
        == "thoughts, tokens, latency, cases like these: a change in up to 28% of cases would not show; needs 27 more cases"
    )


def test_one_case_with_repeats_says_how_many_more_attempts_would_decide() -> None:
    found = rate(runs([90], [95], repeat=100))
    assert found.verdict == "cannot tell"
    assert found.needs_repeats is not None
    low, high = found.needs_repeats
    assert high is not None
    assert f"or {low:,} to {high:,} more attempts at each" in sentence(found)
    made = 100 + high
    assert rate(runs([made * 90 // 100], [made * 95 // 100], repeat=made)).verdict == "better"
