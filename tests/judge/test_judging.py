"""The judge: checks and invariants become verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.answer import reply
from harness.judge import registry
from harness.judge.judging import Judgement, judge
from harness.model import Evidence, Exchange, Expectation, Mismatch, Place
from tests.exchanges import answer, exchange, request

PLACE = Place("suites/capitals.yaml", 7, 5)
LIMITED = request({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1}}}, "gemini-3.5-flash")
THOUGHT = {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 9, "totalTokenCount": 15}


def judged(recorded: Exchange, waive: dict[str, str] | None = None, **expect: Any) -> Judgement:
    sent = recorded.request
    evidence = Evidence(recorded, reply.read(recorded), sent.body, sent.model, sent.transport, expects=expect)
    expectations = [Expectation(name, parameter, PLACE) for name, parameter in expect.items()]
    return judge(evidence, expectations, waive or {})


def rows(found: Judgement) -> list[tuple[str, str, str]]:
    return [(verdict.check, verdict.status, verdict.severity) for verdict in found.verdicts]


def test_a_passed_check_is_one_verdict_invariants_are_counted() -> None:
    found = judged(exchange(answer("Oslo")), text="Oslo", finishReason="STOP")
    assert rows(found) == [("text", "passed", "error"), ("finishReason", "passed", "error")]
    assert found.invariants_passed == len([rule for rule in registry.all_rules().values() if rule.dialect != "openai"])
    assert found.verdicts[0].place == PLACE


def test_every_mismatch_is_a_verdict_with_its_place() -> None:
    found = judged(exchange(answer("Oslo")), text={"contains": "Bergen"}, functionCalls={"min": 1})
    assert [verdict.status for verdict in found.verdicts] == ["failed", "failed"]
    assert found.verdicts[0].actual == "Oslo"
    assert found.verdicts[0].place == PLACE


def test_a_broken_invariant_is_a_verdict_and_not_counted() -> None:
    found = judged(exchange(answer(usageMetadata=THOUGHT, modelVersion="gemini-3.5-flash"), LIMITED))
    assert rows(found) == [("invariant:thinking-budget", "failed", "warn")]
    assert (
        found.invariants_passed == len([rule for rule in registry.all_rules().values() if rule.dialect != "openai"]) - 1
    )


def test_a_verdict_has_the_reason_of_its_mismatch() -> None:
    asked = request({"generationConfig": {"responseMimeType": "application/json"}})
    found = judged(exchange(answer("```json\n{}\n```"), asked), json={}, text={"starts_with": "{"})
    assert [(verdict.check, verdict.reason) for verdict in found.verdicts] == [
        ("json", "fence"),
        ("text", ""),
        ("invariant:json-parses", "fence"),
    ]


def test_a_waived_invariant_keeps_its_reason_and_what_it_found() -> None:
    found = judged(
        exchange(answer(modelVersion="gemini-9")), {"model-version": "the gateway renames it", "usage-sum": "-"}
    )
    (verdict,) = found.verdicts
    assert (verdict.check, verdict.status) == ("invariant:model-version", "waived")
    assert verdict.message == "the gateway renames it; found: gemini-9 answered for gemini-2.5-flash"


def test_an_expected_error_passes() -> None:
    error = {"error": {"code": 400, "message": "Thinking level is not supported.", "status": "INVALID_ARGUMENT"}}
    found = judged(exchange(error, status=400), http=400, error={"message": {"icontains": "thinking"}})
    assert [verdict.status for verdict in found.verdicts] == ["passed", "passed"]


def test_an_unexpected_error_fails_once() -> None:
    error = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}
    (verdict,) = judged(exchange(error, status=429)).verdicts
    assert (verdict.check, verdict.status, verdict.severity) == ("invariant:http-status", "failed", "error")
    assert verdict.message == "HTTP 429, RESOURCE_EXHAUSTED: Quota"


def test_the_cause_of_other_failures_comes_first() -> None:
    error = {"error": {"code": 403, "message": "Not in your country", "status": "PERMISSION_DENIED"}}
    found = judged(exchange(error, status=403), text="Oslo")
    assert [verdict.check for verdict in found.verdicts] == ["invariant:http-status", "text"]
    found = judged(exchange(b"<html>Please log in</html>"), text="Oslo")
    assert found.verdicts[0].check == "invariant:json-body"


def test_an_unknown_check_is_an_error() -> None:
    (verdict,) = judged(exchange(answer()), txt="Oslo").verdicts
    assert (verdict.status, verdict.message) == ("error", "there is no check called 'txt'")


def test_a_broken_check_or_rule_is_an_error_with_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Iterator[Mismatch]:
        yield from (Mismatch("", None, None, str(1 // number)) for number in [0])

    monkeypatch.setitem(registry._checks, "breaks", registry.Check("breaks", breaks, ""))
    monkeypatch.setitem(registry._rules, "breaks-too", registry.Rule("breaks-too", breaks, "warn", of_bytes=False))
    found = judged(exchange(answer()), breaks=1)
    assert rows(found) == [("breaks", "error", "error"), ("invariant:breaks-too", "error", "error")]
    assert all("Traceback" in verdict.message and "ZeroDivisionError" in verdict.message for verdict in found.verdicts)


def test_what_a_check_finds_before_it_breaks_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Iterator[Mismatch]:
        yield Mismatch("", None, None, "the first")
        raise ValueError

    monkeypatch.setitem(registry._checks, "breaks", registry.Check("breaks", breaks, ""))
    assert [row[1] for row in rows(judged(exchange(answer()), breaks=1))] == ["failed", "error"]


def test_an_endless_rule_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_: Evidence) -> Iterator[Mismatch]:
        while True:
            yield Mismatch("", None, None, "again")

    monkeypatch.setitem(registry._rules, "endless", registry.Rule("endless", endless, "warn", of_bytes=False))
    assert len(judged(exchange(answer())).verdicts) == 20
