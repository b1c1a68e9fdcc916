"""Extreme but well-formed JSON. Each request quickly gets an answer or an error of the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call

MODELS = (
    "gemini-3-flash-preview",
    "gemini-4-hydrogen",
    "gemini-3.8-flash-tts",
    "gemini-3-pro-image",
    "gemini-2.0-flash",
)
HI = {"parts": {"text": "hi"}}
NINES = "9" * 5000


def nested(depth: int, *, objects: bool) -> Any:
    value: Any = {"type": "string"}
    for _ in range(depth):
        value = {"type": "object", "properties": {"a": value}} if objects else {"type": "array", "items": value}
    return value


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def with_schema(schema: Any, field: str = "responseJsonSchema") -> Any:
    return {"contents": HI, "generationConfig": {"responseMimeType": "application/json", field: schema}}


def with_parameters(schema: Any) -> Any:
    tools = [{"functionDeclarations": [{"name": "a", "parametersJsonSchema": schema}]}]
    return {"contents": HI, "tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}


SCHEMAS: tuple[Any, ...] = (
    {"type": "array", "minItems": "9" * 400}, {"type": "array", "minItems": 1e308}, {"type": "string", "minLength": -5, "maxLength": -9},
    {"type": "number", "minimum": "NaN", "maximum": "Infinity"}, {"type": "integer", "minimum": 1e300}, {"type": "number", "multipleOf": 1e-320},
    {"type": "number", "multipleOf": 0}, {"type": "number", "multipleOf": -3}, {"enum": [{}, [], None]}, {"type": "string", "pattern": "(a+)+$"},
    {"type": "string", "pattern": "("}, {"type": "object", "properties": {"a": True, "b": False}}, {"$ref": "#"}, {"$ref": "#/x"}, {"type": ["null"]},
    {"anyOf": []}, {"anyOf": [True, 1]}, {"type": "object", "required": [1, {}]}, {"type": "object", "required": ["a"], "properties": {"a": 5}},
    {"type": "object", "propertyOrdering": [{}], "properties": {"a": {}}}, {"type": "object", "propertyOrdering": 5}, {"const": {"a": 1}},
    {"type": "array", "uniqueItems": True, "minItems": 3, "items": {"type": "boolean"}}, {"type": "array", "prefixItems": [1, True, {}]},
    {"type": "string", "enum": "abc"}, {"allOf": [{"$ref": "#"}]}, {"type": "object", "minProperties": "x"}, {"properties": [1]}, {"properties": {"a": [1]}},
    {"description": 5, "type": "object", "properties": {"a": {"description": [1], "type": "string"}}}, [], "x", 5,
    *(nested(depth, objects=objects) for depth in (60, 100, 200, 450) for objects in (True, False)),
)  # fmt: skip
TEXTS = (
    "factorial of 99999999999", f"what is the {NINES}th fibonacci", f"is {NINES} prime?", "sum of the first 99999999 prime numbers",
    "square root of 1" + "0" * 400, f"count to {NINES}", "story of 99999999999 words", f"list {NINES} planets", "what is 9**9**9**9",
    "what is " + "(" * 90 + "1" + "+1)" * 90, "\ud800 alone", "answer in at most 0 words. hi", "how many a in b " + "x" * 100_000,
    "stops " + NINES + " times for 5 minutes, leaves at 12:30 and 13:30", "[simulate: finish CONTINUATION] hi", '{"properties": {"a": 5}}',
    '{"properties": {"a": {"type": "number", "minimum": "x"}}, "required": 5} as JSON',
)  # fmt: skip
BODIES: tuple[Any, ...] = (
    *(with_schema(schema) for schema in SCHEMAS),
    *(with_schema(nested(depth, objects=True), "responseSchema") for depth in (60, 450)),
    *(with_parameters(schema) for schema in SCHEMAS),
    *({"contents": {"parts": {"text": text}}} for text in TEXTS),
    {"contents": [{"parts": [{"functionResponse": {"name": "a", "response": deep(400)}}]}]},
    {"contents": HI, "tools": [{"functionDeclarations": []}], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
    {"contents": HI, "continuationToken": "AAAA"},
    {"contents": HI, "continuationToken": ""},
    {"contents": HI, "generationConfig": {"imageConfig": {"aspectRatio": f"{NINES}:1"}}},
    {"contents": HI, "generationConfig": {"imageConfig": {"aspectRatio": "99999:1"}, "responseFormat": {"image": {"mimeType": "image_jpeg"}}}},
    {"contents": HI, "serviceTier": "flex", "safetySettings": {"category": 7, "threshold": 1}},
    {"contents": {"parts": {"inlineData": {"mimeType": f"audio/L16;rate={NINES}", "data": "AAAA"}}}},
    {"contents": {"parts": {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0xLjQ"}}}},
    {"contents": {"parts": {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}, "videoMetadata": {"startOffset": "5s", "endOffset": "1s"}}}},
    {"contents": {"parts": {"fileData": {"fileUri": "https://x/y.png"}, "mediaResolution": {"level": 2}}}},
    [], "x", 5, None, True,
)  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_strange_bodies_get_an_answer_or_a_refusal(model: str) -> None:
    for body in BODIES:
        for verb, asked in (
            ("generateContent", body),
            ("streamGenerateContent", body),
            ("countTokens", {"generateContentRequest": body}),
        ):
            path = f"/v1beta/models/{model}:{verb}"
            sent = Simulator().handle(
                Call("POST", path, {"alt": "sse"}, {"x-goog-api-key": "k"}, json.dumps(asked).encode())
            )
            assert (sent.status, bool(sent.content)) in ((200, True), (400, True)), (verb, str(body)[:200])


def test_a_body_that_is_nested_too_deeply_is_refused() -> None:
    content = b'{"contents":' + b"[" * 200_000
    sent = Simulator().handle(
        Call("POST", f"/v1beta/models/{MODELS[0]}:generateContent", {}, {"x-goog-api-key": "k"}, content)
    )
    assert sent.status == 400
