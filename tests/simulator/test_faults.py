"""Every fault of the simulator is detected by its rule. Without a fault no rule fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.answer.reply import read
from harness.judge.judging import violations
from harness.model import Chunk, Evidence, Exchange, Provenance, Request
from harness.simulator.app import Simulator
from harness.simulator.faults import EVERY, FAULTS, listing
from harness.simulator.traffic import Call, Cut, Pause
from tests.exchanges import GOOGLE

FLASH3, FLASH25, IMAGE = "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-3.1-flash-image"
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
SCHEMA = {
    "type": "OBJECT",
    "properties": {"capital": {"type": "STRING"}, "country": {"type": "STRING"}},
    "required": ["capital", "country"],
    "propertyOrdering": ["capital", "country"],
}


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def thinking(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"thinkingConfig": config}}


REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "story": (FLASH3, asking("Tell me a story about a lighthouse, about 120 words.")),
    "thoughts": (FLASH25, asking("What is 17 * 23?", **thinking(thinkingBudget=1024, includeThoughts=True))),
    "budget": (FLASH25, asking("What is 17 * 23?", **thinking(thinkingBudget=64))),
    "schema": (
        FLASH3,
        asking(
            "What is the capital of Norway?",
            generationConfig={"responseMimeType": "application/json", "responseSchema": SCHEMA},
        ),
    ),
    "calls": (FLASH3, asking("Weather in Oslo and in Lima?", tools=[{"functionDeclarations": [WEATHER]}])),
    "search": (FLASH3, asking("What is the capital of Brazil? Answer in Japanese.", tools=[{"googleSearch": {}}])),
    "image": (IMAGE, asking("A cat.", generationConfig={"responseModalities": ["IMAGE"]})),
    "limit": (FLASH3, asking("Count to 500.", generationConfig={"maxOutputTokens": 1400})),
}
OUTCOMES = {"limit": {"finish-reason"}}
"""Rules that fail for a request even without a fault: its outcome is not expected by a suite."""


def played(name: str, fault: str | None, *, stream: bool, prefix: str = "") -> set[str]:
    """The rules that the answer breaks."""
    model, body = REQUESTS[name]
    verb = "streamGenerateContent" if stream else "generateContent"
    headers = {"x-goog-api-key": "k", **({"x-simulator-fault": fault} if fault else {})}
    content = json.dumps(body).encode()
    sent = Simulator().handle(Call("POST", f"{prefix}/v1beta/models/{model}:{verb}", {"alt": "sse"}, headers, content))
    pieces, ending = [], None
    for piece in sent.body:
        if isinstance(piece, Cut | Pause):
            ending = "cut" if isinstance(piece, Cut) else "stalled"
            break
        pieces.append(piece)
    request = Request(
        "google", model, "POST", f"{GOOGLE}/v1beta/models/{model}:{verb}{'?alt=sse' if stream else ''}", {}, body, content,
        "stream" if stream else "unary",
    )  # fmt: skip
    exchange = Exchange(
        request=request,
        status=sent.status,
        headers={key.decode(): value.decode() for key, value in sent.headers},
        chunks=[Chunk(piece, 0.1 * number) for number, piece in enumerate(pieces)],
        head_at=0.0,
        provenance=Provenance("live", "simulator"),
        fault=ending,
    )
    evidence = Evidence(exchange, read(exchange), body, model, request.transport)
    return {violation.rule.id for violation in violations(evidence)}


@pytest.mark.parametrize("prefix", ["", "/gateway"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", REQUESTS)
def test_without_a_fault_no_rule_fails(name: str, stream: bool, prefix: str) -> None:
    assert played(name, None, stream=stream, prefix=prefix) == OUTCOMES.get(name, set())


@pytest.mark.parametrize("fault", [fault for fault in FAULTS.values() if fault.rule], ids=lambda fault: fault.name)
def test_a_fault_is_detected_by_its_rule(fault: Any) -> None:
    named = [
        (name, stream)
        for name in REQUESTS
        for stream in (False, True)
        if fault.rule in played(name, fault.name, stream=stream) - OUTCOMES.get(name, set())
    ]
    assert named, f"no request shows {fault.rule} under {fault.name}"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS.values() if not fault.rule], ids=lambda fault: fault.name)
def test_healthy_faults_break_no_rule(fault: Any) -> None:
    for name in REQUESTS:
        for stream in (False, True):
            broken = played(name, fault.name, stream=stream) - OUTCOMES.get(name, set())
            assert broken <= SIDE_EFFECTS.get(fault.name, set())


SIDE_EFFECTS = {
    "empty-grounding": {"grounding-chunks"},
    "no-thinking": {"max-tokens-unasked"},  # the answer still ends at the limit that its thoughts reached
}


def test_the_lossy_gateway_drops_signatures_and_counts() -> None:
    assert "thought-signature" in played("calls", None, stream=False, prefix="/lossy")
    assert "usage-sum" in played("story", None, stream=True, prefix="/lossy")


def test_the_listing_has_a_line_per_fault() -> None:
    faults, _, _ = listing().partition("\n\n")
    assert [line.split()[0] for line in faults.splitlines()] == list(EVERY)


def test_every_mark_that_is_listed_does_what_it_names() -> None:
    marks = [line.partition("]")[0] + "]" for line in listing().splitlines() if line.startswith("[")]
    assert {"[simulate: block SAFETY]", "[simulate: finish SAFETY]"} <= set(marks)
    for mark in [mark for mark in marks if not mark.endswith(" NAME]")]:
        kind, name = mark.strip("[]").split()[1:]
        body = json.dumps({"contents": [{"parts": [{"text": mark}, {"text": "Count from 1 to 900."}]}]}).encode()
        path = "/v1beta/models/gemini-4-carbon:generateContent"
        answer = json.loads(Simulator().handle(Call("POST", path, {}, {"x-goog-api-key": "k"}, body)).content)
        found = answer["promptFeedback"]["blockReason"] if kind == "block" else answer["candidates"][0]["finishReason"]
        assert found == name
