"""What fails a comparison, and the sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest

from harness.compare import Comparison, compare_runs
from harness.errors import UsageError
from harness.gates import Gate, answer, from_option, from_suite
from harness.rows import Row
from harness.summary import summarise
from tests.made import failed, row, verdict


def comparison(base: list[Row], candidate: list[Row]) -> Comparison:
    return compare_runs(summarise(base), summarise(candidate), ("1", "2"))


def rows(passing: int, of: int, **more: Any) -> list[Row]:
    """So many cases; the first of them pass."""
    good = [row(f"case-{n:03}", verdicts=[verdict("text", ok=True)], **more) for n in range(passing)]
    return good + [failed(f"case-{n:03}", **more) for n in range(passing, of)]


def asked(gate: str, base: list[Row], candidate: list[Row]) -> tuple[bool | None, str]:
    given = answer(from_option(gate), comparison(base, candidate))
    return given.crossed, given.says


def test_a_suite_and_the_command_line_say_the_same() -> None:
    block = {"pass_rate": {"drop": "2pp", "confidence": "95%"}, "latency": {"rise": "25%"}, "hard": ["json", "stream"]}
    options = [from_option(each) for each in ("pass_rate=2pp@95%", "latency=25%", "hard=json,stream")]
    assert list(map(str, from_suite(block, "s"))) == list(map(str, options))
    assert str(options[0]) == "pass_rate may drop by 2 pp with 95% confidence"


def test_one_flip_of_a_hard_check_is_enough() -> None:
    assert asked("hard=text,json", rows(20, 20), rows(19, 20)) == (
        True,
        "crossed: text of geography/case-019@simulator/flash went from passed to failed",
    )
    assert asked("hard=json", rows(20, 20), rows(19, 20)) == (False, "holds: none of json got worse in 20 cells")


def test_a_flip_for_the_better_crosses_nothing() -> None:
    assert asked("hard=text", rows(19, 20), rows(20, 20))[0] is False


def test_a_rate_with_confidence_is_crossed_held_or_unknown() -> None:
    base = rows(200, 200)
    assert asked("pass_rate=2pp@95%", base, rows(160, 200)) == (
        True,
        "crossed: pass_rate changed by -20 pp in 200 pairs (-25.22 pp to -15.05 pp at 95%); it may drop by 2 pp",
    )
    assert asked("pass_rate=2pp@95%", base, base)[0] is False
    crossed, says = asked("pass_rate=2pp@95%", base[:20], base[:20])
    assert crossed is None
    assert says.startswith("cannot tell: pass_rate changed by +0 pp in 20 pairs")


def test_a_budget_without_confidence_is_decided_by_what_was_seen() -> None:
    base = rows(4, 4, measures={"latency_s": 1.0})
    assert asked("latency=25%", base, rows(4, 4, measures={"latency_s": 1.2})) == (
        False,
        "holds: latency changed by +20% in 4 pairs; it may rise by 25%",
    )
    assert asked("latency=25%", base, rows(4, 4, measures={"latency_s": 1.3}))[0] is True
    assert asked("latency=25%", base, rows(4, 4, measures={"latency_s": 1.25}))[0] is False


def test_what_was_not_measured_cannot_be_told() -> None:
    assert asked("cost=5%", rows(4, 4), rows(4, 4)) == (
        None,
        "cannot tell: no cost on both sides to reckon with",
    )
    assert asked("hard=text", rows(4, 4), [row("other")]) == (
        None,
        "cannot tell: the two sides have no cell in common",
    )


def test_a_gate_of_a_suite_looks_at_that_suite_only() -> None:
    both = comparison([row(), row(suite="math")], [row(), failed(suite="math")])
    text = comparison([*rows(2, 2), *rows(2, 2, suite="math")], [*rows(2, 2), *rows(1, 2, suite="math")])
    assert [answer(Gate("hard", checks=("text",), suite=each), text).crossed for each in ("geography", "math")] == [
        False,
        True,
    ]
    assert answer(Gate("pass_rate", "drop", 0.02, suite="math"), both).crossed is True


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("latency", "expected pass_rate=2pp@95%, latency=25% or hard=json,finishReason"),
        ("latency=2pp", "gate latency: expected a percentage such as 25%, got '2pp'"),
        ("pass_rate=a bit", "gate pass_rate: expected points such as 2pp, got 'a bit'"),
        ("pass_rate=2pp@95", "gate pass_rate: expected a confidence between 50% and 100%, got '95'"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_option(text)
    assert wrong in str(caught.value)


def test_a_gate_on_cost() -> None:
    base = rows(4, 4, measures={"cost_usd": 0.0010})
    assert asked("cost=25%", base, rows(4, 4, measures={"cost_usd": 0.0012})) == (
        False,
        "holds: cost changed by +20% in 4 pairs; it may rise by 25%",
    )
    assert asked("cost=25%", base, rows(4, 4, measures={"cost_usd": 0.0014}))[0] is True
    assert asked("cost=25%", base, rows(4, 4, measures={"cost_usd": None}))[0] is None
