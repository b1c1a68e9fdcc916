"""Gates: when they are crossed, and their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.compare.comparison import Comparison, compare_runs
from harness.compare.gates import Gate, evaluate, evaluate_level, from_option, from_suite
from harness.errors import UsageError
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, unjudged, verdict


def comparison(base: list[Row], candidate: list[Row]) -> Comparison:
    return compare_runs(summarise(base), summarise(candidate), ("1", "2"))


def rows(passing: int, of: int, **more: Any) -> list[Row]:
    """Rows of some cases; the first ones pass."""
    good = [row(f"case-{n:03}", verdicts=[verdict("text", ok=True)], **more) for n in range(passing)]
    return good + [failed(f"case-{n:03}", **more) for n in range(passing, of)]


def evaluated(gate: str, base: list[Row], candidate: list[Row]) -> tuple[bool | None, str]:
    given = evaluate(from_option(gate), comparison(base, candidate))
    return given.crossed, given.message


def test_gates_of_a_suite_and_of_an_option_are_the_same() -> None:
    block = {"pass_rate": {"drop": "2pp", "confidence": "95%"}, "latency": {"rise": "25%"}, "hard": ["json", "stream"]}
    options = [from_option(option) for option in ("pass_rate=2pp@95%", "latency=25%", "hard=json,stream")]
    assert list(map(str, from_suite(block, "s"))) == list(map(str, options))
    assert str(options[0]) == "pass_rate may drop by 2 pp with 95% confidence"


def test_one_flip_of_a_hard_check_is_enough() -> None:
    assert evaluated("hard=text,json", rows(20, 20), rows(19, 20)) == (
        True,
        "crossed: text of geography/case-019@simulator/flash went from passed to failed",
    )
    base, candidate = (
        [*trials, row("b", verdicts=[verdict("json", ok=True)])] for trials in (rows(20, 20), rows(19, 20))
    )
    assert evaluated("hard=json", base, candidate) == (False, "holds: none of json got worse in 21 cells")


@pytest.mark.parametrize(
    ("check", "base", "candidate"),
    [("json", rows(20, 20), rows(19, 20)), ("invariant:usage-sum", [unjudged("a")], [unjudged("a")])],
)
def test_a_hard_check_that_is_never_judged_cannot_tell(check: str, base: list[Row], candidate: list[Row]) -> None:
    crossed, message = evaluated(f"hard={check}", base, candidate)
    assert crossed is None
    assert message == f"cannot tell: none of {check} was judged in {len(base)} cells"


def test_an_invariant_is_judged_on_every_answer() -> None:
    assert evaluated("hard=invariant:usage-sum", rows(2, 2), rows(2, 2))[0] is False


def test_a_new_failure_of_a_hard_check_crosses_the_gate() -> None:
    assert evaluated("hard=text", [row("a")], [failed("a")]) == (
        True,
        "crossed: text of geography/a@simulator/flash went from not judged to failed",
    )


def test_a_hard_check_that_is_no_longer_judged_cannot_tell() -> None:
    base = rows(2, 2)
    assert evaluated("hard=text", base, [*rows(1, 1), unjudged("case-001")]) == (
        None,
        "cannot tell: text of geography/case-001@simulator/flash went from passed to not judged",
    )
    assert evaluated("hard=text", [*rows(1, 1), failed("case-001")], [*rows(1, 1), unjudged("case-001")])[0] is False


def test_a_flip_for_the_better_crosses_nothing() -> None:
    assert evaluated("hard=text", rows(19, 20), rows(20, 20))[0] is False


def test_a_rate_with_confidence_is_crossed_held_or_unknown() -> None:
    base = rows(200, 200)
    assert evaluated("pass_rate=2pp@95%", base, rows(160, 200)) == (
        True,
        "crossed: pass_rate changed by -20 pp in 200 pairs (-25.22 pp to -15.05 pp at 95%)",
    )
    assert evaluated("pass_rate=2pp@95%", base, base)[0] is False
    crossed, message = evaluated("pass_rate=2pp@95%", base[:20], base[:20])
    assert crossed is None
    assert message.startswith("cannot tell: pass_rate changed by +0 pp in 20 pairs")


def test_without_confidence_the_observed_value_decides() -> None:
    base = rows(4, 4, measures={"latency_s": 1.0})
    assert evaluated("latency=25%", base, rows(4, 4, measures={"latency_s": 1.2})) == (
        False,
        "holds: latency changed by +20% in 4 pairs",
    )
    assert evaluated("latency=25%", base, rows(4, 4, measures={"latency_s": 1.3}))[0] is True
    assert evaluated("latency=25%", base, rows(4, 4, measures={"latency_s": 1.25}))[0] is False


def test_a_gate_on_an_unmeasured_measure_cannot_tell() -> None:
    assert evaluated("cost=5%", rows(4, 4), rows(4, 4)) == (
        None,
        "cannot tell: no cell has cost on both sides",
    )
    assert evaluated("hard=text", rows(4, 4), [row("other")]) == (
        None,
        "cannot tell: the two sides have no cell in common",
    )


def test_a_gate_of_a_suite_looks_at_that_suite_only() -> None:
    both = comparison([row(), row(suite="math")], [row(), failed(suite="math")])
    text = comparison([*rows(2, 2), *rows(2, 2, suite="math")], [*rows(2, 2), *rows(1, 2, suite="math")])
    assert [evaluate(Gate("hard", checks=("text",), suite=suite), text).crossed for suite in ("geography", "math")] == [
        False,
        True,
    ]
    assert evaluate(Gate("pass_rate", "drop", 0.02, suite="math"), both).crossed is True


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("latency", "--gate latency: expected pass_rate=10pp@95%, latency=25%, latency.max=2s, pass_rate.min=95%"),
        ("latency<=2s", "--gate latency<=2s: expected pass_rate=10pp@95%, latency=25%, latency.max=2s"),
        ("latncy=25%", "no measure 'latncy'; did you mean \"latency\"?"),
        ("latency.mx=2s", '--gate latency.mx: did you mean "max"?'),
        ("latency.min=2s", "--gate latency.min: "),
        (
            "latency.max=2%",
            "gate latency: expected a time span; write 150ms, 2s, 1.5m, or a number of seconds, got '2%'",
        ),
        ("latency.max=2000", "gate latency: '2000' has no unit; write 2000ms or 2000s"),
        ("pass_rate.max=2%", "--gate pass_rate.max: "),
        ("pass_rate.min=95", "gate pass_rate: expected at most 100%, as in 95%, got '95'"),
        ("totalTokenCount.max=5k", "gate totalTokenCount: expected a number, got '5k'"),
        ("cost.max=-1", "gate cost: expected 0 or more, got '-1'"),
        ("cost.max=nan", "gate cost: expected dollars; write 0.002, got 'nan'"),
        ("cost.total=1@95%", "a total has no confidence; leave out @95%"),
        ("hard=jsn", "there is no check 'jsn'; did you mean \"json\"?"),
        ("hard=invariant:usagesum", "there is no check 'invariant:usagesum'; did you mean \"invariant:usage-sum\"?"),
        ("latency=2pp", "gate latency: expected a percentage such as 25%, got '2pp'"),
        ("pass_rate=5", "gate pass_rate: expected points such as 2pp, got '5'"),
        ("latency=25", "gate latency: expected a percentage such as 25%, got '25'"),
        ("pass_rate=a bit", "gate pass_rate: expected points such as 2pp, got 'a bit'"),
        ("pass_rate=2pp@95", "gate pass_rate: expected a confidence between 50% and 100%, got '95'"),
    ],
)
def test_an_invalid_gate_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_option(text)
    assert wrong in str(caught.value)


# --- budgets ------------------------------------------------------------------------------------------


def evaluated_budget(gate: str, *played: Row) -> tuple[bool | None, str]:
    given = evaluate_level(from_option(gate), summarise(played).groups.values())
    return given.crossed, given.message


def timed_rows(*seconds: float | None, streamed: bool = False) -> list[Row]:
    axes = {"transport": "stream"} if streamed else {}
    return [row(f"case-{n}", measures={"latency_s": time, "ttft_s": time}, axes=axes) for n, time in enumerate(seconds)]


def test_budgets_of_a_suite_and_of_options_are_the_same() -> None:
    block = {
        "pass_rate": {"min": "95%", "confidence": "95%"},
        "latency": {"max": "800ms"},
        "totalTokenCount": {"max": 5000},
        "cost": {"max": 0.02, "total": 0.5},
    }
    options = (
        "pass_rate.min=95%@95%",
        "latency.max=0.8s",
        "totalTokenCount.max=5000",
        "cost.max=0.02",
        "cost.total=0.50",
    )
    assert [replace(gate, suite=None) for gate in from_suite(block, "s")] == [from_option(option) for option in options]
    assert [str(from_option(option)) for option in options] == [
        "pass_rate must be at least 95% with 95% confidence",
        "latency may be at most 0.8 s",
        "totalTokenCount may be at most 5,000",
        "cost may be at most $0.02",
        "cost may be at most $0.5 in all",
    ]


def test_a_change_may_be_spelled_out() -> None:
    assert from_option("latency.rise=25%") == from_option("latency=25%") == from_option("latency_s=25%")
    assert from_option("pass_rate.drop=2pp") == from_option("pass_rate=2pp")


def test_a_change_may_be_tiny() -> None:
    assert [gate.limit for gate in from_suite({"latency": {"rise": 0.00001}}, "s")] == [0.00001]


def test_a_budget_limits_the_mean_over_cells() -> None:
    slow = [row("case-0", n=n, measures={"latency_s": 3.0}) for n in range(1, 10)]
    assert evaluated_budget("latency.max=2s", *slow, *timed_rows(0, 1.0)[1:]) == (
        False,
        "holds: latency is 2 s on average in 2 cells",
    )
    assert evaluated_budget("latency.max=1.9s", *slow, *timed_rows(0, 1.0)[1:])[0] is True


def test_a_pass_rate_counts_only_judged_attempts() -> None:
    assert evaluated_budget("pass_rate.min=95%", *rows(19, 20), unjudged("other")) == (
        False,
        "holds: pass_rate is 95%, 19 of 20 attempts in 20 cells, 1 not judged",
    )
    assert evaluated_budget("pass_rate.min=96%", *rows(19, 20))[0] is True
    assert evaluated_budget("pass_rate.min=1%", unjudged("other")) == (
        None,
        "cannot tell: none of 1 attempt in 1 cell could be judged",
    )


@pytest.mark.parametrize(("passing", "crossed"), [(100, False), (90, None), (50, True)])
def test_with_confidence_the_interval_of_the_level_decides(passing: int, crossed: bool) -> None:
    assert evaluated_budget("pass_rate.min=88%@95%", *rows(passing, 100))[0] is crossed


@pytest.mark.parametrize(("seconds", "crossed"), [(0.5, False), (1.0, None), (1.5, True)])
def test_a_budget_in_seconds_with_confidence_uses_an_interval(seconds: float, crossed: bool) -> None:
    found, message = evaluated_budget("latency.max=1s@95%", *timed_rows(*(seconds + n / 100 for n in range(-6, 7))))
    assert (found, " s to " in message) == (crossed, True)


def test_an_interval_of_times_never_goes_below_zero() -> None:
    _, message = evaluated_budget("latency.max=1s@95%", *timed_rows(0.1, 0.2, 0.4, 0.8, 6.0))
    assert "1.5 s (0 s to " in message


def test_the_interval_of_few_cases_allows_for_an_unseen_tail() -> None:
    seconds = (0.8, 0.9, 1.0, 1.1, 1.7)
    assert evaluated_budget("latency.max=2.5s", *timed_rows(*seconds))[0] is False
    assert evaluated_budget("latency.max=2.5s@95%", *timed_rows(*seconds))[0] is None
    assert evaluated_budget("latency.max=2.5s@95%", *timed_rows(*seconds * 4))[0] is False


def test_cases_count_and_not_attempts() -> None:
    often = [row("one", n=n, measures={"latency_s": n / 10}) for n in range(1, 50)]
    assert evaluated_budget("latency.max=9s@95%", *often) == (
        None,
        "cannot tell: latency is 2.5 s on average in 1 cell, and 1 case is too few for an interval",
    )
    assert evaluated_budget("latency.max=2s@95%", *timed_rows(*[1.0] * 4))[0] is None
    assert evaluated_budget("latency.max=2s@95%", *timed_rows(*[1.0] * 5))[0] is False


def test_a_budget_on_an_unmeasured_measure_cannot_tell() -> None:
    assert evaluated_budget("ttft.max=1s", *timed_rows(1.0, 2.0)) == (
        None,
        "cannot tell: no ttft in 2 cells: only streams have one, where their recording kept times",
    )
    assert evaluated_budget("ttft.max=1s", *timed_rows(1.0, streamed=True), *timed_rows(1.0, 2.0)) == (
        False,
        "holds: ttft is 1 s on average in 1 of 3 cells",
    )
    crossed, message = evaluated_budget("cost.max=1", *rows(2, 2))
    assert crossed is None
    assert message.startswith("cannot tell: no cost in 2 cells: a price is missing")
    assert evaluated_budget("latency.max=1s") == (None, "cannot tell: no cell was played")
    assert evaluated_budget("latency.max=1s", row(status="skipped"))[0] is None


def test_unknown_costs_never_keep_a_budget() -> None:
    known = row("a", measures={"cost_usd": 0.3})
    unknown = row("b", measures={"cost_usd": None}, unpriced="no price of this model")
    assert evaluated_budget("cost.total=0.5", known) == (
        False,
        "holds: cost is $0.3 in all of 1 attempt in 1 cell",
    )
    crossed, message = evaluated_budget("cost.total=0.5", known, unknown)
    assert crossed is None
    assert "$0.3 in all of 1 attempt in 1 of 2 cells, and that of 1 attempt is not known" in message
    assert evaluated_budget("cost.total=0.2", known, unknown)[0] is True


def test_a_budget_covers_all_cells_of_the_candidate() -> None:
    base, candidate = timed_rows(1.0), timed_rows(1.0, 5.0)
    assert evaluated("latency.max=2s", base, candidate) == (
        True,
        "crossed: latency is 3 s on average in 2 cells",
    )
    assert evaluated("latency.max=2s", candidate, base)[0] is False


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0, 1e6))
@example([0.0, 0.0, 5e-324], 0.0)
def test_a_looser_gate_is_never_crossed_before_a_stricter_one(seconds: list[float], limit: float) -> None:
    for sure in ("", "@95%"):
        gates = [from_option(f"latency.max={bound:.6f}s{sure}") for bound in (limit, limit * 2)]
        strict, loose = (
            evaluate_level(gate, summarise(timed_rows(*seconds)).groups.values()).crossed for gate in gates
        )
        order = (True, None, False)
        assert order.index(strict) <= order.index(loose)


def test_a_gate_on_cost() -> None:
    base = rows(4, 4, measures={"cost_usd": 0.0010})
    assert evaluated("cost=25%", base, rows(4, 4, measures={"cost_usd": 0.0012})) == (
        False,
        "holds: cost changed by +20% in 4 pairs",
    )
    assert evaluated("cost=25%", base, rows(4, 4, measures={"cost_usd": 0.0014}))[0] is True
    assert evaluated("cost=25%", base, rows(4, 4, measures={"cost_usd": None}))[0] is None
