"""Rules about chat completions: what breaks each, what healthy traffic does, and answers in the wrong dialect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.compare.audit import audit
from harness.judge.judging import violations
from harness.judge.recorded import CHAT, evidence
from harness.judge.registry import all_rules
from harness.model import Exchange
from harness.run.play import finish, play
from harness.run.session import plan
from harness.simulator.faults import CHAT_FAULTS
from harness.suite.matrix import Selection
from harness.transport import cassette
from tests import faults
from tests.exchanges import answer, chat, chat_chunk, chat_request, exchange, request, sse

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
LAST = chat_chunk({"content": "lo"}, "stop", usage=USAGE)
BARE = chat_chunk({"content": "lo"}, "stop")


def unary(value: Any, body: Any = None, **more: Any) -> Exchange:
    return exchange(value, chat_request(body), **more)


def stream(*values: Any, end: bytes = DONE, body: Any = None, **more: Any) -> Exchange:
    return exchange(sse(*values, end="\n\n") + end, chat_request(body, stream=True), **more)


def calling(*calls: Any) -> dict[str, Any]:
    return chat(None, "tool_calls", tool_calls=list(calls))


def call(arguments: str = "{}", *, name: str = "f", id: Any = "x", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def broken(recorded: Exchange) -> dict[str, str]:
    return {violation.rule.id: violation.mismatch.message for violation in violations(evidence(recorded))}


def counted(**counts: Any) -> dict[str, Any]:
    return {**chat(), "usage": {**USAGE, **counts}}


CUT = [chat_chunk({"tool_calls": [call('{"a"')]}), chat_chunk({"tool_calls": [{"function": {"arguments": ":1}"}}]})]

BREAKS = [
    ("chat-completion", unary({**chat(), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})),
    ("chat-completion", stream({**BARE, "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]})),
    ("chat-completion", unary(answer())),
    ("chat-completion", unary({**chat(), "object": "text_completion"})),
    (
        "chat-completion",
        unary(
            {
                **chat(),
                "choices": [{"index": 0, "message": {"role": "model", "content": "Oslo"}, "finish_reason": "stop"}],
            }
        ),
    ),
    ("chat-completion", unary({**chat(), "created": 1_760_000_000_000})),
    ("chat-completion", unary({**chat(), "id": "a", "model": None})),
    ("chat-completion", unary(chat([{"type": "text", "text": "Oslo"}]))),  # type: ignore[arg-type]
    ("chat-completion", unary(chat(refusal="I cannot help with that."))),
    ("chat-completion", unary(chat(finish="tool_calls"))),
    ("chat-arguments", unary(calling(call({})))),  # type: ignore[arg-type]
    ("chat-usage", unary(counted(prompt_tokens=0, completion_tokens=0, total_tokens=0))),
    ("chat-done", stream(LAST, end=b"")),
    ("chat-done", stream(LAST, end=DONE + DONE)),
    ("chat-done", stream(end=DONE + sse(LAST, end="\n\n"))),
    ("chat-usage", unary({**chat(), "usage": None, "x": 1})),
    ("chat-usage", stream(BARE)),
    ("chat-usage", unary(counted(total_tokens=5))),
    ("chat-usage", unary(counted(total_tokens=None))),
    ("chat-usage", unary({**chat(), "usageMetadata": {"totalTokenCount": 6}})),
    ("chat-finish", unary(chat(finish="eos"))),
    ("chat-finish", unary(chat(finish="content_filter: BOREDOM"))),
    ("chat-call-id", unary(calling(call(), call()))),
    ("chat-call-id", unary(calling(call(id=None)))),
    ("chat-arguments", unary(calling(call('{"a":')))),
    ("chat-arguments", unary(calling(call("[]")))),
    ("chat-arguments", unary(calling({"id": "x", "function": {"arguments": "{}"}}))),
    ("chat-arguments", stream(*CUT, LAST)),
    ("chat-arguments", unary(calling(call(index=0), call(index=0, id="y", name="g")))),
    ("chat-error", unary({"detail": "no"}, status=404)),
    ("chat-error", unary(b"<html>", status=502)),
    ("chat-error", unary({"error": {"code": 400}}, status=400)),
    ("chat-error", unary({"error": {"message": "no"}}, status=400)),
]

KEEPS = [
    unary(chat()),
    unary(chat(None, "content_filter: RECITATION")),
    unary({**chat(), "choices": [{"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}]}),
    unary(counted(total_tokens=70)),  # thoughts
    unary(calling(call('{"a":1}'), call(id="y"))),
    stream(chat_chunk({"content": "Os"}), LAST),
    stream(chat_chunk({"content": "Os"}), BARE, {**BARE, "choices": [], "usage": USAGE}),
    stream(chat_chunk({"tool_calls": [call('{"a"', index=0)]}), chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}), LAST),
    unary([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], status=400),
    unary({"error": {"message": "no", "type": "new_api_error", "param": "", "code": "bad"}}, status=503),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "recorded"), BREAKS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BREAKS)])
def test_broken(rule: str, recorded: Exchange) -> None:
    assert rule in broken(recorded)


@pytest.mark.parametrize("recorded", KEEPS)
def test_kept(recorded: Exchange) -> None:
    assert {rule for rule in broken(recorded) if rule.startswith("chat-")} == set()


@pytest.mark.parametrize("recorded", [KEEPS[0], KEEPS[5]])
def test_a_healthy_answer_breaks_nothing(recorded: Exchange) -> None:
    assert broken(recorded) == {}


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert {rule for rule, _ in BREAKS} == {rule.id for rule in all_rules().values() if rule.dialect == "openai"}


@pytest.mark.parametrize(
    ("recorded", "rule", "message"),
    [
        (unary(answer()), "chat-completion", "the answer is Gemini's native one (candidates), not a chat completion"),
        (stream(answer(), end=b""), "chat-completion", "the answer is Gemini's native one (candidates), not a chat completion"),
        (exchange(chat()), "json-body", "the answer is a chat completion (choices), not a native one (candidates)"),
        (
            exchange(sse(LAST) + DONE, request(stream=True)),
            "json-body",
            "the answer is a chat completion (choices), not a native one (candidates)",
        ),
        (unary(b"<html>Sign in</html>"), "json-body", "Expecting value: line 1 column 1 (char 0); it begins"),
        (unary({**chat(), "usageMetadata": {"totalTokenCount": 6}}), "chat-usage", "the answer has usageMetadata, which is"),
    ],
    ids=["native", "native stream", "compatible", "compatible stream", "HTML", "both usages"],
)  # fmt: skip
def test_the_wrong_dialect_is_one_message(recorded: Exchange, rule: str, message: str) -> None:
    found = broken(recorded)
    assert list(found) == [rule]
    assert found[rule].startswith(message)


@pytest.mark.parametrize(
    ("fault", "transport"), [(name, transport) for name in CHAT_FAULTS for transport in ("unary", "stream")]
)
@pytest.mark.parametrize("provider", ["simulator-openai", "simulator-google-openai"])
def test_a_fault_is_detected_by_its_rule(fault: str, transport: str, provider: str, tmp_path: Path) -> None:
    suite = {
        "suite": "s",
        "cases": [
            {
                "id": "c",
                "model": "gemini-3.8-flash",
                "transport": transport,
                "prompt": f"Compare the weather in Oslo and Rome. [simulate: fault {fault}]",
                "request": {"tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": CITY}]}]},
                "expect": {"functionCalls": {"min": 2}},
            }
        ],
    }
    (tmp_path / "s.yaml").write_text(json.dumps(suite), "utf-8")
    (trial,) = plan([str(tmp_path / "s.yaml")], Selection(providers=[provider]), faults.CONFIG).trials
    result = finish(play(trial, faults.InProcessTransport(), faults.CONFIG))
    found = {verdict.check for verdict in result.verdicts if verdict.status == "failed"}
    streams_only = fault in ("chat-no-done", "chat-cut-arguments") and transport == "unary"
    assert found == (set() if streams_only else {f"invariant:{CHAT_FAULTS[fault].rule}"})


CITY = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}


def test_real_traffic_keeps_the_rules(shared: Path) -> None:
    folder = shared / "recordings-compatible"
    if not folder.exists():
        pytest.skip("there is no recordings-compatible")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in (".yaml", ".yml")]
    found = audit(cassette.read(file) for file in files)
    assert found.compatible == sum(exchange.operation == CHAT for exchange in found.exchanges) == 61
    assert {(finding.rule, finding.actual) for finding in found.errors} == {("other-maker", "x-ai/grok-4")}
    assert {finding.rule for finding in found.findings} <= {"chat-call-id", "output-limit", "other-maker"}
