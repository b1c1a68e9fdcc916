"""Groups, totals, exit codes, and the agreement of unary and stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.results.groups import Group
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, unjudged, verdict


@dataclass
class Case:
    id: str
    rows: list[Row]
    status: str
    exit_code: int


CASES = [
    Case("all-pass", [row(n=1), row(n=2)], "passed", 0),
    Case("one-of-two-fails", [row(n=1), failed(n=2)], "failed", 1),
    Case("enough-pass", [row(n=1, require=1), failed(n=2, require=1)], "passed", 0),
    Case("too-few-pass", [row(n=1, require=2), failed(n=2, require=2), failed(n=3, require=2)], "failed", 1),
    Case("only-observed", [failed(require=0)], "passed", 0),
    Case("observed-but-never-answered", [unjudged(require=0)], "error", 6),
    Case("an-error-could-decide", [row(n=1, require=2), unjudged(n=2, require=2)], "error", 6),
    Case("an-error-cannot-save-it", [failed(n=1), unjudged(n=2)], "failed", 1),
    Case("an-error-is-outvoted", [row(n=1, require=1), unjudged(n=2, require=1)], "passed", 0),
    Case("no-recording", [unjudged()], "error", 6),
    Case("own-check-broke", [unjudged(kind="suite")], "error", 4),
    Case("our-fault", [unjudged(kind="internal")], "error", 3),
    Case("all-skipped", [row(status="skipped", skip="not today")], "skipped", 5),
    Case("known-failure", [failed(status="xfailed", xfail="issue 7")], "xfailed", 0),
    Case("known-failure-passes", [row(status="xpassed", xfail="issue 7")], "xpassed", 1),
    Case(
        "known-failure-passes-once",
        [row(n=1, status="xpassed", xfail="x"), failed(n=2, status="xfailed", xfail="x")],
        "xfailed",
        0,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_group_decides(case: Case) -> None:
    summary = summarise(case.rows)
    (group,) = summary.groups.values()
    assert (group.status, summary.exit_code()) == (case.status, case.exit_code)


def test_nothing_is_never_green() -> None:
    assert summarise([]).exit_code() == 5


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([unjudged("a", kind="internal"), failed("b")], 3),
        ([unjudged("a", kind="suite"), failed("b")], 4),
        ([unjudged("a"), failed("b")], 1),
        ([unjudged("a"), row("b")], 6),
        ([row("a", status="skipped"), row("b")], 0),
    ],
)
def test_the_first_of_2_3_4_1_6_5(rows: list[Row], code: int) -> None:
    summary = summarise(rows)
    assert summary.exit_code() == code
    assert summary.exit_code(interrupted=True) == 2


statuses = st.sampled_from(["passed", "failed", "error", "skipped"])


@given(st.lists(statuses, min_size=1, max_size=8), st.none() | st.integers(0, 8))
def test_more_passes_never_make_it_worse(attempts: list[str], require: int | None) -> None:
    def status(of: list[str]) -> str:
        rows = [row(n=n, status=status, require=require) for n, status in enumerate(of)]
        return next(iter(summarise(rows).groups.values())).status

    better = ["passed" if attempt == "failed" else attempt for attempt in attempts]
    order = ["failed", "error", "skipped", "passed"]
    assert order.index(status(attempts)) <= order.index(status(better))


@given(st.permutations([row(n=1), failed(n=2), unjudged(n=3), row("other"), failed("other", n=2)]))
def test_the_order_of_finishing_changes_nothing_that_counts(rows: list[Row]) -> None:
    summary = summarise(rows)
    assert summary.totals()["failed"] == 2
    assert {group.id: (group.passed, group.attempts) for group in summary.groups.values()} == {
        "geography/capital@simulator/flash": (1, 3),
        "geography/other@simulator/flash": (1, 2),
    }


def test_flaky_is_some_but_not_all() -> None:
    (group,) = summarise([row(n=1, require=1), failed(n=2, require=1)]).groups.values()
    assert (group.flaky, group.passed, group.attempts, group.status) == (True, 1, 2, "passed")


def test_what_is_told_is_what_the_status_follows_from() -> None:
    """A connection that was cut is not why a cell failed; that a check failed is not why another could not be judged."""
    (group,) = summarise([unjudged(n=1), failed(n=2)]).groups.values()
    assert (group.status, group.trouble and group.trouble.trial) == ("failed", "geography/capital@simulator/flash#2")
    (group,) = summarise([failed(n=1, require=1), unjudged(n=2, require=1)]).groups.values()
    assert (group.status, group.trouble and group.trouble.trial) == ("error", "geography/capital@simulator/flash#2")


def test_warnings_and_waivers_are_counted_and_fail_nothing() -> None:
    warned = verdict("invariant:model-version", ok=False, severity="warn")
    waived = verdict("invariant:usage-sum", ok=False, status="waived", message="known at this gateway")
    summary = summarise([row(verdicts=[warned, waived])])
    assert summary.exit_code() == 0
    assert summary.warnings == {"invariant:model-version": 1}
    assert summary.waived == {"invariant:usage-sum": {"known at this gateway": 1}}


def test_the_first_mismatch_is_kept_warnings_last() -> None:
    warned = verdict("invariant:model-version", ok=False, severity="warn")
    wrong = verdict("text", ok=False)
    (group,) = summarise([failed(verdicts=[warned, wrong])]).groups.values()
    assert group.trouble is not None
    assert group.trouble.verdict == wrong
    assert group.trouble.more == 1


# --- unary and stream ---------------------------------------------------------------------------------


def twins(unary: dict[str, Any], stream: dict[str, Any], agree: str = "shape") -> list[Row]:
    plain = {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": "Oslo"}
    return [
        row(axes={"transport": "unary"}, agree=agree, outcome={**plain, **unary}),
        row(axes={"transport": "stream"}, agree=agree, outcome={**plain, **stream}),
    ]


def streamed(rows: list[Row]) -> Group:
    return next(group for group in summarise(rows).groups.values() if group.axes["transport"] == "stream")


def test_twins_that_agree_pass() -> None:
    assert streamed(twins({}, {"text": "Oslo!"})).status == "passed"


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ({"finishReason": "MAX_TOKENS"}, "finishReason: STOP unary, MAX_TOKENS streamed"),
        ({"parts": ["text", "thought"]}, "parts: text unary, text + thought streamed"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["unary-first", "stream-first"])
def test_twins_that_disagree_fail(stream: dict[str, Any], expected: str, turned: bool) -> None:
    rows = twins({}, stream)
    group = streamed(rows[::-1] if turned else rows)
    assert group.status == "failed"
    assert (group.tally.disagreed, group.disagreement) == (1, expected)


def test_the_text_counts_only_where_asked() -> None:
    assert streamed(twins({}, {"text": "oslo"}, agree="text")).disagreement == "text: 'Oslo' unary, 'oslo' streamed"


def test_a_check_that_only_one_transport_has_is_no_disagreement() -> None:
    unary, stream = twins({}, {})
    stream = replace(stream, verdicts=[verdict("stream", ok=False)])
    assert streamed([unary, stream]).tally.disagreed == 0


# --- why checks failed


def json_failed(*reasons: str, check: str = "json", **more: Any) -> Row:
    return failed(verdicts=[verdict(check, ok=False, reason=reason) for reason in reasons], **more)


def test_each_attempt_counts_for_its_first_reason() -> None:
    held = row(n=1, verdicts=[verdict("json", ok=True)])
    rows = [held, json_failed("cut", n=2), json_failed("missing key", "wrong type", n=3), json_failed("cut", n=4)]
    (group,) = summarise(rows).groups.values()
    assert group.outcomes("json") == (1, 4, {"cut": 2, "missing key": 1})
    assert group.outcomes("text") is None


def test_the_reasons_of_an_invariant_count_for_its_check() -> None:
    twice = [verdict("json", ok=False, reason="fence"), verdict("invariant:json-parses", ok=False, reason="fence")]
    only = [verdict("json", ok=True), verdict("invariant:json-schema", ok=False, reason="missing key")]
    rows = [failed(n=1, verdicts=twice), failed(n=2, verdicts=only), row(n=3, verdicts=[verdict("json", ok=True)])]
    (group,) = summarise(rows).groups.values()
    assert group.outcomes("json") == (1, 3, {"fence": 1, "missing key": 1})


def test_without_a_check_the_other_attempts_kept_the_invariant() -> None:
    rows = [row(n=1), json_failed("fence", n=2, check="invariant:json-parses"), unjudged(n=3)]
    (group,) = summarise(rows).groups.values()
    assert group.outcomes("json") == (1, 2, {"fence": 1})


def test_warnings_and_older_runs_give_no_reason() -> None:
    order = verdict("invariant:json-order", ok=False, severity="warn", reason="wrong order")
    older = failed(n=2, verdicts=[verdict("json", ok=False)])
    (group,) = summarise([row(n=1, verdicts=[verdict("json", ok=True), order]), older]).groups.values()
    assert group.outcomes("json") == (1, 2, {})
