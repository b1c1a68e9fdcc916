"""The examples in the docstrings of the rules, as ``explain`` shows them: the right one breaks nothing, the wrong one its rule.

An example has only what matters. Here it is completed:

- A mapping is laid over a healthy answer. Lists replace, but ``candidates`` and ``choices`` item by item; null removes. A total that
  it does not give is the sum.
- A list is the events of a stream: the last one is laid over a healthy answer, the others stay. A text is the data as it stands.
- ``{status, headers, body}``, all optional, is an answer of HTTP. The body stays as it is.
- ``asked`` is laid over a request. ``model``, ``operation`` and ``stream`` are what an address says; without ``model``, ``modelVersion`` was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from harness.answer import reply
from harness.gemini.definition import COLLECTIONS
from harness.judge.judging import violations
from harness.judge.registry import Rule, all_rules
from harness.model import Evidence, Exchange, Request
from tests.exchanges import answer, chat, chat_chunk, chat_request, exchange, request

RULES = list(all_rules().values())


def laid_over(base: Any, example: Any, name: str = "") -> Any:
    """A merge patch (RFC 7386) that reaches into the items of ``candidates`` and ``choices``."""
    if isinstance(example, dict):
        old = base if isinstance(base, dict) else {}
        new = {key: laid_over(old.get(key), value, key) for key, value in example.items() if value is not None}
        return {key: value for key, value in old.items() if key not in example} | new
    if name in ("candidates", "choices") and isinstance(base, list):
        bases = [*base, *[None] * len(example)]
        return [laid_over(old, new) for old, new in zip(bases, example, strict=False)]
    return example


def completed(example: Mapping[str, Any], base: Mapping[str, Any]) -> Any:
    if "error" in example:
        return example
    made = laid_over(base, example)
    given = example.get("usageMetadata") or {}
    if "usageMetadata" in made and "totalTokenCount" not in given:
        parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        made["usageMetadata"]["totalTokenCount"] = sum(made["usageMetadata"].get(part, 0) for part in parts)
    return made


def events(example: Sequence[Any], base: Mapping[str, Any]) -> Iterator[bytes]:
    last = max(index for index, value in enumerate(example) if isinstance(value, dict))
    for index, value in enumerate(example):
        shown = completed(value, base) if index == last else value
        yield f"data: {shown if isinstance(shown, str) else json.dumps(shown)}\n\n".encode()


_LAST_CHUNK = chat_chunk({}, "stop", usage=chat()["usage"])


def asked(rule: Rule, answered: Any) -> Request:
    body: dict[str, Any] = {"contents": [{"parts": [{"text": "What is the capital of Norway?"}]}]}
    body |= json.loads(rule.examples.get("asked", "{}"))
    operation = body.pop("operation", "")
    stream = body.pop("stream", isinstance(answered, list))
    if rule.dialect == "openai":
        return chat_request(body, stream=stream)
    served = answered.get("modelVersion") if isinstance(answered, dict) else None
    model = body.pop("model", served or "gemini-2.5-flash")
    called = f"/v1beta/{operation if operation in COLLECTIONS else f'models/{model}:{operation}'}" if operation else ""
    return request(body, model, stream=stream, path=called)


def exchanged(rule: Rule, label: str) -> Exchange:
    """The example as a whole exchange."""
    example = json.loads(rule.examples[label])
    sent = asked(rule, example)
    base = chat() if rule.dialect == "openai" else answer()
    if isinstance(example, list):
        return exchange(list(events(example, _LAST_CHUNK if rule.dialect == "openai" else base)), sent)
    if not example.keys() <= {"status", "headers", "body"}:
        return exchange(completed(example, base), sent, headers={"content-type": "application/json"})
    headers = {"content-type": "application/json", **example.get("headers", {})}
    return exchange(example.get("body", base), sent, status=example.get("status", 200), headers=headers)


def broken(rule: Rule, label: str) -> set[str]:
    """What the example breaks, if the step expects the outcomes that the rule is not about."""
    recorded = exchanged(rule, label)
    expects = frozenset[str]().union(*(other.stated_by for other in RULES)) - rule.stated_by
    sent = recorded.request
    operation = json.loads(rule.examples.get("asked", "{}")).get("operation", "generateContent")
    body = None if rule.dialect == "openai" else sent.body
    found = Evidence(recorded, reply.read(recorded), body, sent.model, sent.transport, dict.fromkeys(expects))
    found = replace(found, operation=operation)
    return {violation.rule.id for violation in violations(found)}


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_the_wrong_example_breaks_its_rule(rule: Rule) -> None:
    assert broken(rule, "wrong") == {rule.id}


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_the_right_example_breaks_nothing(rule: Rule) -> None:
    assert broken(rule, "right") == set()
