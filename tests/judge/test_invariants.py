"""Every invariant: an answer that breaks it, and near misses that do not."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from harness.answer import reply
from harness.judge import judging
from harness.judge.judging import violations
from harness.judge.recorded import other_call
from harness.judge.registry import all_rules
from harness.model import Evidence, Exchange
from tests.exchanges import answer, chunk, exchange, request, sse
from tests.growth import grows_evenly

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
THINKING = {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 40, "totalTokenCount": 46}
STREAM, ARRAY = request({}, stream=True), request({}, stream=True, sse=False)
VERTEX = "https://aiplatform.googleapis.com/v1/publishers/google/models"
ON_VERTEX = replace(STREAM, url=f"{VERTEX}/gemini-2.5-flash:streamGenerateContent?alt=sse")


def evidence(recorded: Exchange, *, audit: bool = False, **expects: Any) -> Evidence:
    sent = recorded.request
    body = sent.body if isinstance(sent.body, dict) else None
    _, operation = other_call(recorded) or ("", "generateContent")
    found = Evidence(recorded, reply.read(recorded), body, sent.model, sent.transport, expects=expects, audit=audit)
    return replace(found, operation=operation)


def broken(recorded: Exchange, *, audit: bool = False, **expects: Any) -> dict[str, str]:
    """Rule -> severity of what this answer breaks."""
    found = violations(evidence(recorded, audit=audit, **expects))
    return {violation.rule.id: violation.severity for violation in found}


def unary(value: Any, body: Any = None, model: str = "gemini-2.5-flash", **more: Any) -> Exchange:
    return exchange(value, request(body, model), **more)


def other(value: Any, operation: str, body: Any = None, model: str = "gemini-embedding-001") -> Exchange:
    return exchange(value, request(body or {}, model, path=f"/v1beta/models/{model}:{operation}"))


def embedded(*vectors: Any, size: int | None = None, model: str = "gemini-embedding-001") -> Exchange:
    """The answer to a batch of as many texts as there are vectors; equal vectors are of equal texts."""
    asked = [{"content": {"parts": [{"text": str(one)}]}, "outputDimensionality": size} for one in vectors]
    return other({"embeddings": [{"values": one} for one in vectors]}, "batchEmbedContents", {"requests": asked}, model)


def about(value: Any, path: str, method: str = "POST", body: Any = None) -> Exchange:
    """The answer to a call about a resource: ``cachedContents``, ``models/m`` ..."""
    return exchange(value, replace(request(body, path=f"/v1beta/{path}"), method=method))


CACHE = {
    "name": "cachedContents/c1",
    "model": "models/gemini-2.5-flash",
    "createTime": "2026-11-20T12:00:01.5Z",
    "expireTime": "2026-11-20T12:05:00.25Z",
}
UPLOADED = {"name": "fileSearchStores/s/operations/o", "done": True, "response": {"documentName": "d"}}
OF_TWO_SIZES = other(
    {"embeddings": [{"values": [1.0]}, {"values": [0.6, 0.8]}]},
    "batchEmbedContents",
    {"requests": [{"outputDimensionality": 1, "content": {}}, {"outputDimensionality": 2, "content": {"parts": []}}]},
)


def stream(*values: Any, body: Any = None, model: str = "gemini-2.5-flash", **more: Any) -> Exchange:
    return exchange(sse(*values), request(body if body is not None else {}, model, stream=True), **more)


def config(**values: Any) -> dict[str, Any]:
    return {"generationConfig": values}


def thinking(**values: Any) -> dict[str, Any]:
    return config(thinkingConfig=values)


def with_candidate(value: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**value, "candidates": [{**value["candidates"][0], **more}]}


def grounded(whole: str, *, chunks: int = 1, **segment: Any) -> dict[str, Any]:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://x/"}}] * chunks,
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    return with_candidate(answer(whole), groundingMetadata=grounding)


def newer(**more: Any) -> dict[str, Any]:
    """An answer of Gemini 3.5."""
    return answer(modelVersion="gemini-3.5-flash", **more)


def calling(name: str = "get_weather", **args: Any) -> dict[str, Any]:
    return chunk({"functionCall": {"name": name, "args": args}}, finish="STOP", usageMetadata=USAGE)


WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
TOOLS = {"tools": [{"function_declarations": [WEATHER]}]}
SCHEMA = {
    "type": "OBJECT",
    "properties": {"b": {"type": "INTEGER"}, "a": {"type": "INTEGER"}},
    "propertyOrdering": ["b", "a"],
}
JSON = config(responseMimeType="application/json", responseSchema=SCHEMA)
ERROR = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}
PNG = "iVBORw0KGgoAAAANSUhEUg=="
SHORT = with_candidate(answer('{"b": 1'), finishReason="MAX_TOKENS")
LIMITED = {"generationConfig": {**JSON["generationConfig"], "maxOutputTokens": 2}}


def picture(mime: str) -> dict[str, Any]:
    return chunk({"inlineData": {"mimeType": mime, "data": PNG}}, finish="STOP", usageMetadata=USAGE)


def drafted() -> dict[str, Any]:
    """A text, and a draft picture (a thought) whose type is wrong."""
    draft = {"inlineData": {"mimeType": "image/jpeg", "data": PNG}, "thought": True}
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [draft, {"text": "Done."}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": USAGE,
    }


ASKED = {"contents": [{"parts": [{"text": "What is the capital of Norway?"}]}]}
PICTURE = {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}]}
OF_TEXT = {**USAGE, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}
THOUGHT = ({"text": "I look at the map.", "thought": True}, {"text": "Oslo"})
A_MILLION = {"promptTokenCount": 1_000_000, "candidatesTokenCount": 1_000_000, "totalTokenCount": 2_000_000}
PICTURED = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
TWICE = [{"modality": "TEXT", "tokenCount": 2}, {"modality": "TEXT", "tokenCount": 3}]
SOUND = [{"modality": "AUDIO", "tokenCount": 1}]
TOKEN = {"token": "Oslo", "logProbability": -0.1}
TOPS = {"chosenCandidates": [TOKEN], "topCandidates": [{"candidates": [TOKEN, TOKEN]}]}
ENORMOUS = [chunk({"text": "Os"}, usageMetadata={"promptTokenCount": 10**400 - saved}) for saved in (0, 1)]
IMPOSSIBLE = {"token": "Rome", "logProbability": -(10**400)}
UNLIKELY = {"chosenCandidates": [TOKEN], "topCandidates": [{"candidates": [TOKEN, IMPOSSIBLE]}]}
JSON_MODE = {
    "responseMimeType": "application/json",
    "responseSchema": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
}
SIGNED_ALIKE = [
    {"functionCall": {"name": "get_weather", "args": {"city": city}}, "thoughtSignature": "AbCd" * 20}
    for city in ("Oslo", "Rome")
]
COUNTED_IN_STEPS = (chunk({"text": "Os"}, usageMetadata={"candidatesTokenCount": 9}), answer("lo"))
CITED_AFAR = {"citationSources": [{"endIndex": 500}]}
PLAN = "I shall look at the map of Norway and name its capital."
THOUGHT_OF_TWO = {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 2, "totalTokenCount": 8}
REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/a"
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}
RAN = {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}
ANY = {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
WARY = {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_MEDIUM_AND_ABOVE"}]}


def after_a_call(result: Mapping[str, Any], name: str = "get_weather") -> list[dict[str, Any]]:
    """The turns of a call for Oslo, and of its result."""
    call = {"functionCall": {"name": name, "args": {"city": "Oslo"}}}
    given = {"functionResponse": {"name": name, "response": result}}
    return [{"role": "model", "parts": [call]}, {"role": "user", "parts": [given]}]


RETRIED = after_a_call({"error": "timeout"})
AFTER_A_CALL = {"contents": [*ASKED["contents"], *after_a_call({"sky": "clear"})]}


def failing(code: int = 429, status: str = "RESOURCE_EXHAUSTED", message: str = "Quota", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **more}}


def rated(probability: str) -> dict[str, Any]:
    ratings = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": probability}]
    return with_candidate(answer(), safetyRatings=ratings)


def sounding(details: Any, seconds: float = 0.04) -> dict[str, Any]:
    """An answer with as much sound, for one token."""
    data = base64.b64encode(b"\1\2" * int(24_000 * seconds)).decode()
    blob = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}}
    return chunk(blob, finish="STOP", usageMetadata={**USAGE, "candidatesTokensDetails": details})


def steps(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with these parts before its text."""
    return chunk(*parts, {"text": "1"}, finish="STOP", usageMetadata=USAGE)


def cut_after(tokens: int) -> dict[str, Any]:
    """An answer that was truncated after so many tokens."""
    usage = {"promptTokenCount": 5, "candidatesTokenCount": tokens, "totalTokenCount": 5 + tokens}
    return chunk({"text": "Oslo " * tokens}, finish="MAX_TOKENS", usageMetadata=usage)


def several(*texts: str, **more: Any) -> dict[str, Any]:
    """An answer with these candidates."""
    made = [{**answer(text)["candidates"][0], "index": index, **more} for index, text in enumerate(texts)]
    return {**answer(), "candidates": made}


def supported(uri: str = "https://x/", title: str | None = "x", **support: Any) -> dict[str, Any]:
    """A grounded answer whose one support has one chunk."""
    found = [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0], **support}]
    grounding = {"groundingChunks": [{"web": {"uri": uri, "title": title}}], "groundingSupports": found}
    return with_candidate(answer(), groundingMetadata=grounding)


def fetched(status: str | None) -> dict[str, Any]:
    page = {"retrievedUrl": "https://x/", "urlRetrievalStatus": status}
    return with_candidate(answer(), urlContextMetadata={"urlMetadata": [page]})


def mode(name: str, **more: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": {"mode": name, **more}}}


def identified(*ids: str | None) -> dict[str, Any]:
    """An answer with a call for every id."""
    calls = [{"name": "get_weather", "args": {"city": "Oslo"}, **({"id": one} if one else {})} for one in ids]
    return chunk(*({"functionCall": call} for call in calls), finish="STOP", usageMetadata=USAGE)


def png(width: int, height: int) -> bytes:
    """A grey picture as a PNG file."""

    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x80" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", head) + piece(b"IDAT", zlib.compress(rows)) + piece(b"IEND", b"")


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def shape(**values: str) -> dict[str, Any]:
    return config(imageConfig=values)


def spoken(seconds: float, tokens: int, mime: str = "audio/L16;codec=pcm;rate=24000") -> dict[str, Any]:
    """An answer with a hum of that length."""
    sound = {"inlineData": {"mimeType": mime, "data": coded(b"\1" * int(48_000 * seconds))}}
    details = [{"modality": "AUDIO", "tokenCount": tokens}]
    usage = {"promptTokenCount": 5, "candidatesTokenCount": tokens, "totalTokenCount": 5 + tokens}
    return chunk(sound, finish="STOP", usageMetadata={**usage, "candidatesTokensDetails": details})


PNG_OF_2_TO_1 = coded(png(64, 32))
CUT_PNG = coded(png(64, 32)[:-12])


CODE = {"language": "PYTHON", "code": "print(1)"}
NEWER_PYTHON = "a = [1, 2]\nb = f'{'\\n'.join(a)}'"
ALL_TEXT = {**USAGE, "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]}

HALF_AN_HOUR = "The tram goes up to the forest in half an hour, and people ski there until April. "
COUNTED = [
    {"promptTokenCount": 5, "candidatesTokenCount": count, "totalTokenCount": 5 + count} for count in range(0, 99, 18)
]
LOST_A_CHUNK = [chunk({"text": HALF_AN_HOUR}, usageMetadata=COUNTED[at]) for at in (1, 3, 4)]
SUNG_TWICE = [chunk({"text": HALF_AN_HOUR}, usageMetadata=COUNTED[at]) for at in (1, 2)]
STEPS_AFTER_THE_END = [
    chunk({"text": "I compute."}, finish="STOP"),
    chunk({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
    chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
]
RESULT = {"functionResponse": {"name": "weather", "response": {}}}
TRACEBACK = {"outcome": "OUTCOME_OK", "output": "Traceback (most recent call last):\nNameError: x"}


FJORD = "Oslo lies at the northern end of the Oslofjord."
HARMLESS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]
CHOSEN = {"chosenCandidates": [{"token": "Os", "logProbability": -0.1}]}
ABOVE_ONE = {
    "chosenCandidates": [{"token": "Oslo", "logProbability": -0.1}],
    "topCandidates": [
        {"candidates": [{"token": "Oslo", "logProbability": -0.1}, {"token": "Os", "logProbability": -0.2}]}
    ],
}
OF_ANOTHER_TOKEN = {**CHOSEN, "topCandidates": [{"candidates": [{"token": "lo", "logProbability": -0.2}]}]}


def tokens(count: int) -> dict[str, int]:
    return {"promptTokenCount": 5, "candidatesTokenCount": count, "totalTokenCount": count + 5}


def prompted_by(count: int) -> dict[str, int]:
    return {"promptTokenCount": count, "candidatesTokenCount": 1, "totalTokenCount": count + 1}


def asking(text: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


BREAKS: list[tuple[str, str, Exchange]] = [
    ("token-count", "error", other({"total_tokens": 3}, "countTokens")),
    ("token-count", "error", other({"totalTokens": 3, "cachedContentTokenCount": 4}, "countTokens")),
    ("token-count", "warn", other({"totalTokens": 3, "promptTokensDetails": [{"tokenCount": 2}]}, "countTokens")),
    ("token-count", "warn", other({"totalTokens": 300}, "countTokens", ASKED)),
    ("token-count", "warn", other({"totalTokens": 1}, "countTokens", ASKED)),
    ("fields-together", "warn", unary(answer(usageMetadata={**USAGE, "serviceTier": "standard"}))),
    ("resource", "error", about({"object": "list", "data": [{"id": "gemini-2.5-flash"}]}, "models", "GET")),
    ("resource", "warn", about({"models": [{"name": "gemini-2.5-flash"}]}, "models", "GET")),
    ("resource", "warn", about({"models": [{"name": "models/m"}, {"name": "models/m"}]}, "models", "GET")),
    ("resource", "warn", about({"file": {"displayName": "a.txt"}}, "files")),
    ("resource", "error", about({**UPLOADED, "error": {"code": 13}}, "fileSearchStores/s:importFile")),
    ("resource", "error", other({"metadata": {}}, "predict")),
    ("resource", "warn", about({**CACHE, "expireTime": "2020-01-01T00:00:00Z"}, "cachedContents")),
    ("resource", "warn", about(CACHE, "cachedContents", body={"ttl": "3600s"})),
    ("resource", "warn", about(CACHE, "cachedContents", body={"model": "models/gemini-2.5-pro"})),
    ("wire-type", "error", about({**CACHE, "expireTime": 1764500000}, "cachedContents/c1", "GET")),
    ("wire-known", "warn", about({"deleted": True}, "files/f", "DELETE")),
    ("json-body", "error", about(b"<html></html>", "files/f", "GET")),
    ("usage-natural", "error", about({**CACHE, "usageMetadata": {"totalTokenCount": -1}}, "cachedContents")),
    ("null-field", "warn", about({"models": [{"name": "models/m", "version": None}]}, "models", "GET")),
    ("embedding", "error", embedded([0.6, 0.8], [1.0])),
    ("embedding", "error", embedded([0.6, "0.8"])),
    ("embedding", "error", embedded([0.6, 0.8], size=3)),
    ("embedding", "error", embedded([0.6, 10**400])),
    ("embedding", "error", other({"data": [{"embedding": [1.0]}]}, "batchEmbedContents", {"requests": [{}]})),
    ("embedding", "error", other({"embedding": {}}, "embedContent")),
    ("embedding", "warn", embedded([60, 80])),
    ("usage-grows", "warn", stream(*LOST_A_CHUNK, answer(HALF_AN_HOUR, usageMetadata=COUNTED[5]))),
    ("stream-duplicate", "error", stream(SUNG_TWICE[0], SUNG_TWICE[0], answer())),
    ("stream-end", "error", stream(*STEPS_AFTER_THE_END, chunk({"text": "1"}))),
    ("part-kind", "error", unary(steps(RESULT), ASKED)),
    ("visible-output", "error", unary(answer(" \n "))),
    ("thought-leak", "warn", unary(answer("[THINKING] A city is asked for. [/THINKING] Oslo"))),
    ("escaped-text", "warn", unary(answer('{"role": "assistant", "content": "Oslo"}'), ASKED)),
    ("escaped-text", "warn", unary(answer("<response>\nOslo\n</response>"), ASKED)),
    ("missing-value", "warn", unary(answer("{{response.text}}"), ASKED)),
    (
        "unicode",
        "warn",
        unary(answer("Oslo\xa0has\xa0a\xa0long\xa0fjord\xa0and\xa0a\xa0few\xa0small\xa0islands\xa0in\xa0it")),
    ),
    ("candidate-count", "warn", unary(several(HALF_AN_HOUR, HALF_AN_HOUR), config(candidateCount=2))),
    ("code-result", "warn", unary(steps({"executableCode": CODE}, {"codeExecutionResult": TRACEBACK}))),
    ("content-type", "error", replace(unary(answer(), headers={"content-type": "text/html"}), verbatim=False)),
    ("service-tier", "warn", unary(answer(), headers={"x-gemini-service-tier": "priority"}, body=ASKED)),
    ("foreign-id", "warn", unary(answer(modelVersion="gemini-3.8-flash", responseId=None), model="gemini-3.8-flash")),
    ("http-status", "error", unary(ERROR, status=429)),
    ("error-envelope", "error", unary(b"<html>502</html>", status=502)),
    ("error-envelope", "error", unary({"error": {"message": "x", "type": "invalid_request_error"}}, status=400)),
    ("error-envelope", "error", unary(ERROR, status=503)),
    ("error-envelope", "error", unary({"error": {**ERROR["error"], "message": json.dumps(ERROR)}}, status=429)),
    ("error-envelope", "error", unary({"error": {"code": 400, "message": "x", "status": ["ABORTED"]}}, status=400)),
    ("content-type", "error", unary(answer(), headers={})),
    ("content-type", "error", unary(answer(), headers={"content-type": "text/html"})),
    ("content-type", "error", stream(answer(), headers={"content-type": "application/json"})),
    ("json-body", "error", unary(b"")),
    ("json-body", "error", unary(b"<html>")),
    ("json-body", "error", unary(ERROR)),
    ("json-body", "error", unary({"id": "chatcmpl-1", "choices": []})),
    ("json-body", "error", unary([answer()])),
    ("sse-framing", "error", exchange(sse(answer()) + b"data: [DONE]\n\n", STREAM)),
    ("sse-framing", "error", exchange(b"junk\n" + sse(answer()), STREAM)),
    ("sse-requested", "error", exchange(answer(), STREAM)),
    ("sse-requested", "error", exchange([sse(answer())], ARRAY)),
    ("stream-error", "error", stream(chunk({"text": "a"}), ERROR)),
    ("stream-end", "error", stream(chunk({"text": "a"}, usageMetadata=USAGE))),
    ("stream-end", "error", stream(answer("a "), answer("b"))),
    (
        "stream-delta",
        "error",
        stream(chunk({"text": "Hello "}), chunk({"text": "there, friend"}), answer("Hello there, friend")),
    ),
    ("stream-delta", "error", stream(chunk({"text": "He"}), chunk({"text": "Hell"}), answer("Hello"))),
    (
        "stream-delta",
        "error",
        stream(chunk({"text": "Once there "}), chunk({"text": "was "}), answer("Once there was a light.")),
    ),
    ("candidates", "error", unary({"usageMetadata": USAGE})),
    ("prompt-blocked", "error", unary({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})),
    ("finish-reason", "error", unary(with_candidate(answer(), finishReason="SAFETY"))),
    ("finish-reason", "error", unary(with_candidate(answer(), finishReason=None))),
    ("visible-output", "error", unary(answer(""))),
    ("visible-output", "error", unary(chunk({"text": "hm", "thought": True}, finish="STOP", usageMetadata=USAGE))),
    ("replacement-character", "error", unary(answer("caf\ufffd"))),
    ("usage-present", "error", unary(answer(usageMetadata={**USAGE, "totalTokenCount": None}))),
    ("usage-present", "error", stream(chunk({"text": "a"}, usageMetadata=USAGE), chunk({"text": "b"}, finish="STOP"))),
    ("usage-present", "warn", unary(answer(usageMetadata={"candidatesTokenCount": 1, "totalTokenCount": 6}))),
    ("usage-natural", "error", unary(answer(usageMetadata={**USAGE, "candidatesTokenCount": -1}))),
    ("usage-natural", "error", unary(answer(usageMetadata={**USAGE, "candidatesTokenCount": 1.5}))),
    ("usage-sum", "error", unary(answer(usageMetadata={**THINKING, "totalTokenCount": 6}))),
    ("usage-prompt-stable", "warn", stream(chunk({"text": "a"}, usageMetadata={"promptTokenCount": 4}), answer("b"))),
    (
        "usage-details",
        "warn",
        unary(answer(usageMetadata={**USAGE, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}]})),
    ),
    ("candidates-count", "warn", unary(answer(usageMetadata={"promptTokenCount": 5, "totalTokenCount": 5}))),
    (
        "candidates-count",
        "warn",
        unary(chunk({"text": "Os"}, finish="MAX_TOKENS", usageMetadata={"promptTokenCount": 5, "totalTokenCount": 5})),
    ),
    (
        "usage-sum",
        "error",
        unary(
            {
                "promptFeedback": {"blockReason": "SAFETY"},
                "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 6},
            }
        ),
    ),
    ("output-limit", "warn", unary(answer(usageMetadata=THINKING), config(maxOutputTokens=41))),
    ("text-cut", "warn", unary(answer(f"{FJORD} Around it are wooded hills and more than for"))),
    ("text-cut", "warn", unary(answer("Run it:\n```sh\nferry --to Oslo\n"))),
    ("text-per-token", "warn", unary(answer(FJORD, usageMetadata=tokens(len(FJORD))))),
    ("prompt-per-token", "warn", unary(answer(usageMetadata=prompted_by(len(FJORD))), asking(FJORD))),
    (
        "usage-grows",
        "warn",
        stream(answer("Oslo has ", usageMetadata=tokens(2)), answer("a harbour.", usageMetadata=tokens(40))),
    ),
    ("foreign-id", "warn", unary(chunk({"functionCall": {"name": "weather", "id": "call_0a1b2c3d4e"}}, finish="STOP"))),
    ("escaped-text", "warn", unary(calling(city='"Oslo"'))),
    ("finish-reason", "warn", unary(with_candidate(answer(), finishReason="SAFETY", safetyRatings=HARMLESS))),
    ("finish-reason", "warn", unary(with_candidate(calling(), finishReason="MALFORMED_FUNCTION_CALL"))),
    ("embedding", "error", embedded([0.02] * 763, model="text-embedding-004")),
    ("embedding", "error", embedded([0.02] * 763, model="text-embedding-004", size=763)),
    ("error-status-name", "warn", unary(failing(500, "INTERNAL", "API key not valid."), status=500)),
    (
        "error-envelope",
        "error",
        unary(failing(details=[{"@type": "type.googleapis.com/google.rpc.QuotaFailure"}]), status=429),
    ),
    ("error-envelope", "error", unary(failing(message="Please retry in 48.9s.", details=[RETRY]), status=429)),
    ("error-envelope", "error", unary([ERROR], status=429)),
    ("error-envelope", "error", exchange([ERROR], STREAM, status=429)),
    ("error-envelope", "error", exchange(sse(ERROR), STREAM, status=429)),
    ("finish-reason", "warn", unary(with_candidate(answer(), finishReason="CONTINUATION"))),
    ("embedding", "error", embedded([n / 5_000 for n in range(256)] + [0.0] * 512, size=768)),
    ("embedding", "warn", embedded([n / 10_000_000 for n in range(768)], size=768)),
    ("escaped-text", "warn", unary(answer("Part{text=Oslo, thought=false}"), ASKED)),
    ("escaped-text", "warn", unary(answer("com.example.dto.TextPart@5e2de80c"), ASKED)),
    ("missing-value", "warn", unary(answer("It has %!d(string=many) hills."))),
    ("error-as-text", "warn", unary(answer("This response was blocked by your organization's policy."))),
    ("finish-reason", "warn", unary(with_candidate(answer(), finishReason="NO_IMAGE"), ASKED)),
    ("finish-reason", "warn", unary(with_candidate(answer(), continuationToken="YQ=="))),
    ("safety-ratings", "warn", unary(rated("HIGH"), WARY)),
    (
        "grounding-support",
        "warn",
        unary(
            with_candidate(answer(), groundingMetadata={"groundingChunks": [{"web": {"uri": REDIRECT, "title": "x"}}]})
        ),
    ),
    ("grounding-uri", "warn", unary(supported(REDIRECT, title=None))),
    (
        "grounding-uri",
        "warn",
        unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{"retrievedContext": {}}]})),
    ),
    ("function-duplicate", "warn", unary(calling(city="Oslo"), {**TOOLS, **AFTER_A_CALL})),
    ("text-per-token", "warn", unary(with_candidate(answer(), tokenCount=70))),
    (
        "text-per-token",
        "warn",
        unary(
            chunk({"text": PLAN * 8, "thought": True}, {"text": "Oslo"}, finish="STOP", usageMetadata=THOUGHT_OF_TWO)
        ),
    ),
    (
        "thinking-level",
        "warn",
        unary(
            newer(usageMetadata={"thoughtsTokenCount": 2_001}), thinking(thinkingLevel="MINIMAL"), "gemini-3.5-flash"
        ),
    ),
    ("logprobs", "error", unary(with_candidate(answer(), logprobsResult={"logProbabilitySum": 12.5}))),
    ("usage-details", "warn", unary(sounding([{"modality": "TEXT", "tokenCount": 1}]))),
    ("audio-length", "warn", unary(sounding(SOUND, seconds=9))),
    ("code-result", "warn", unary(steps({"executableCode": {"language": "PYTHON", "code": "a = 1\\nb = a"}}, RAN))),
    ("logprobs", "warn", unary(with_candidate(answer("Os"), logprobsResult=OF_ANOTHER_TOKEN))),
    (
        "logprobs",
        "warn",
        unary(with_candidate(answer("Os"), logprobsResult=CHOSEN), config(responseLogprobs=True, logprobs=2)),
    ),
    ("unicode", "warn", unary(answer("O\u200bs\u200bl\u200bo"))),
    ("missing-value", "warn", unary(answer("Call [REDACTED] or [REDACTED]."))),
    ("control-token", "warn", unary(answer('Oslo. data: {"candidates": [{"content": {}}]}'))),
    ("control-token", "warn", unary(answer("Oslo.\n\nUser: And of Sweden?\nAssistant: Stockholm."))),
    ("error-as-text", "warn", unary(answer("您的账户余额不足"))),
    ("error-as-text", "warn", unary(answer("Your account balance is insufficient. Please top up."))),
    (
        "prompt-repeated",
        "warn",
        unary(answer("What is the capital of Norway? It is Oslo."), asking("What is the capital of Norway?")),
    ),
    ("text-twice", "warn", unary(answer(f"It is Oslo. {FJORD} {FJORD} Trams go there."))),
    ("stream-delta", "warn", stream(answer("Oslo lies at the northern end"), answer("northern end of the Oslofjord."))),
    ("escaped-text", "warn", unary(answer("Oslo&#x27;s &quot;harbour&quot;"))),
    ("escaped-text", "warn", unary(answer("Oslo+lies+at+the+northern+end+of+a+fjord"), asking("2+2"))),
    ("model-version", "warn", unary(answer(modelVersion="gemini-2.0-flash"))),
    ("thinking-off", "error", unary(answer(usageMetadata=THINKING), thinking(thinkingBudget=0))),
    ("thinking-budget", "error", unary(answer(usageMetadata=THINKING), thinking(thinking_budget="39"))),
    ("thinking-budget", "warn", unary(newer(usageMetadata=THINKING), thinking(thinkingBudget=39), "gemini-3.5-flash")),
    (
        "thoughts-unasked",
        "error",
        unary(chunk({"text": "hm", "thought": True}, {"text": "a"}), thinking(includeThoughts=False)),
    ),
    ("thoughts-unasked", "warn", unary(chunk({"text": "hm", "thought": True}, {"text": "a"}), {})),
    ("thoughts-missing", "error", unary(answer(usageMetadata=THINKING), thinking(includeThoughts=True))),
    (
        "thoughts-missing",
        "warn",
        unary(
            {
                **newer(usageMetadata=THINKING),
                **chunk({"text": "**Looking at a Map**\n\nI look for Norway."}, finish="STOP"),
            },
            thinking(includeThoughts=True),
            "gemini-3.5-flash",
        ),
    ),
    (
        "thinking-level",
        "warn",
        unary(answer(modelVersion="gemini-3.8-flash"), thinking(thinkingLevel="MINIMAL"), "gemini-3.8-flash"),
    ),
    ("thought-leak", "warn", unary(answer("THOUGHT: the user wants a city"))),
    ("thought-leak", "warn", unary(answer("...94>thought CRITICAL INSTRUCTION 1"))),
    ("json-parses", "error", unary(answer('```json\n{"b": 1}\n```'), JSON)),
    ("json-parses", "error", unary(answer('{"b": 1} {"b": 1}'), JSON)),
    ("json-parses", "error", unary(answer('{"b": NaN}'), JSON)),
    ("json-schema", "error", unary(answer('{"b": "1"}'), JSON)),
    (
        "json-schema",
        "error",
        unary(
            answer("maybe"), config(responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["yes"]})
        ),
    ),
    ("json-order", "warn", unary(answer('{"a": 1, "b": 1}'), JSON)),
    ("grounding-chunks", "warn", unary(with_candidate(answer(), groundingMetadata={"webSearchQueries": ["q"]}))),
    ("grounding-index", "error", unary(grounded("Oslo", chunks=0, endIndex=4, text="Oslo"))),
    ("grounding-segment", "error", unary(grounded("Ålesund i Norge", startIndex=8, endIndex=9, text="i"))),
    ("grounding-segment", "error", unary(grounded("Oslo", endIndex=9, text="Oslo"))),
    (
        "grounding-segment",
        "error",
        unary(grounded("Ålesund i Norge", startIndex=8, endIndex=9, text="i"), verbatim=False),
    ),
    (
        "grounding-segment",
        "error",
        unary(grounded("Oslo i Norge", startIndex=1, endIndex=5, text="Oslo"), verbatim=False),
    ),
    ("function-declared", "error", unary(calling("list_files"), TOOLS)),
    ("function-declared", "error", unary(calling("get_weather"), {})),
    ("function-declared", "error", unary(chunk({"functionCall": {"name": ["get_weather"]}}), TOOLS)),
    ("function-args", "error", unary(calling(), TOOLS)),
    ("function-args", "error", unary(calling(city=7), TOOLS)),
    ("function-args", "warn", unary(calling(city="Oslo", unit="C"), TOOLS)),
    (
        "function-args",
        "error",
        unary(
            calling(city="Oslo", unit="C"), {**TOOLS, "tool_config": {"functionCallingConfig": {"mode": "validated"}}}
        ),
    ),
    (
        "function-duplicate",
        "warn",
        unary(chunk(*[{"functionCall": {"name": "f", "args": {"a": 1}}}] * 2)),
    ),
    ("thought-signature", "warn", unary(calling(city="Oslo"), TOOLS, "gemini-3.5-flash")),
    ("inline-mime", "error", unary(picture("image/jpeg"))),
    ("modality", "warn", unary(answer(), config(responseModalities=["TEXT", "IMAGE"]))),
    ("modality", "warn", unary(drafted(), config(responseModalities=["TEXT", "IMAGE"]))),
    ("role", "error", unary(with_candidate(answer(), content={"role": "assistant", "parts": [{"text": "a"}]}))),
    ("error-status-name", "error", unary({"error": {**ERROR["error"], "status": "UNAVAILABLE"}}, status=429)),
    ("block-with-answer", "error", unary(answer(promptFeedback={"blockReason": "SAFETY"}))),
    ("alias-family", "warn", unary(answer(), {}, "gemini-pro-latest")),
    ("other-maker", "error", unary(answer(modelVersion="gpt-5-mini"))),
    ("model-version-stable", "error", stream(chunk({"text": "a"}, modelVersion="gemini-2.5-pro"), answer("b"))),
    ("response-id-stable", "error", stream(chunk({"text": "a"}, responseId="other"), answer("b"))),
    (
        "service-tier",
        "warn",
        unary(answer(usageMetadata={**USAGE, "serviceTier": "standard"}), {"serviceTier": "priority"}),
    ),
    ("max-tokens-unasked", "error", unary(SHORT, JSON)),
    ("candidate-count", "error", unary(several("Oslo", "Bergen"), {})),
    ("candidate-count", "warn", unary(answer(), config(candidateCount=2))),
    ("cached-within-prompt", "error", unary(answer(usageMetadata={**USAGE, "cachedContentTokenCount": 6}))),
    ("text-per-token", "error", unary(answer("Oslo is a city. " * 20))),
    ("logprobs", "error", unary(with_candidate(answer(), avgLogprobs=0.4))),
    ("thought-repeated", "error", unary(chunk({"text": PLAN, "thought": True}, {"text": f"{PLAN} Oslo."}))),
    ("stream-duplicate", "error", stream(chunk({"text": "a"}), chunk({"text": PLAN}), answer(PLAN))),
    ("grounding-confidence", "error", unary(supported(confidenceScores=[0.9, 0.8]))),
    ("grounding-uri", "error", unary(supported(uri=""))),
    ("url-fetch-failed", "warn", unary(fetched("URL_RETRIEVAL_STATUS_ERROR"))),
    ("calling-mode", "error", unary(answer(), {**TOOLS, **mode("ANY")})),
    ("call-id-unique", "error", unary(identified("a", "a"))),
    (
        "call-complete",
        "error",
        stream(chunk({"functionCall": {"name": "f", "willContinue": True}}), chunk(finish="STOP")),
    ),
    ("call-as-text", "warn", unary(answer("[get_weather(city='Oslo')]"), TOOLS)),
    ("call-as-text", "warn", unary(answer('get_weather{"city": "Oslo"}'), TOOLS)),
    ("call-as-text", "warn", unary(answer('{"tool": "get_weather", "tool_input": {"city": "Oslo"}}'), TOOLS)),
    ("call-as-text", "warn", unary(answer("```tool_code\nprint(default_api.get_weather(city='Oslo'))\n```"), TOOLS)),
    ("base64", "error", unary(chunk({"inlineData": {"mimeType": "image/png", "data": "data:image/png;base64,iVBO"}}))),
    ("image-whole", "error", unary(chunk({"inlineData": {"mimeType": "image/png", "data": CUT_PNG}}))),
    (
        "image-shape",
        "error",
        unary(chunk({"inlineData": {"mimeType": "image/png", "data": PNG_OF_2_TO_1}}), shape(aspectRatio="1:1")),
    ),
    ("audio-length", "warn", unary(spoken(seconds=1, tokens=250))),
    ("unicode", "warn", unary(answer("café".encode().decode("latin-1")))),
    (
        "text-form",
        "warn",
        unary(answer("OSLO LIES AT THE NORTHERN END OF THE OSLOFJORD, BETWEEN WOODED HILLS AND ISLANDS.")),
    ),
    ("text-loop", "warn", unary(answer("and on\n" * 30))),
    ("text-loop", "warn", unary(answer(f'{{"city": "Oslo"{" " * 300}}}'))),
    ("text-loop", "warn", unary(answer(f"https://oslo.example/{'path/' * 120}"))),
    ("text-loop", "warn", unary(answer(f"Well done! {'🎉' * 150}"))),
    ("escaped-text", "warn", unary(answer("&quot;Oslo&quot; &amp; Bergen"))),
    ("control-token", "warn", unary(answer("Oslo.<|im_end|>"))),
    ("stop-sequence", "error", unary(answer("Oslo. END of it"), config(stopSequences=["\n", "END"]))),
    ("text-twice", "error", unary(answer("Oslo lies at the northern end of the Oslofjord.\n" * 2))),
    ("missing-value", "warn", unary(answer("Oslo.undefined"))),
    ("safety-ratings", "warn", unary(with_candidate(answer(), safetyRatings=[{"category": "HARM"}] * 2))),
    ("prompt-per-token", "error", unary(answer(), {"contents": [{"parts": [{"text": f"Tell me more. {PLAN * 5}"}]}]})),
    ("grounding-range", "error", unary(grounded("Oslo", startIndex=500, endIndex=504, text="Oslo"))),
    ("grounding-support", "warn", unary(grounded("Oslo", endIndex=4))),
    ("foreign-id", "warn", unary(answer(responseId="chatcmpl-9"))),
    (
        "code-result",
        "warn",
        unary(chunk({"executableCode": CODE}, {"text": "1"}, finish="STOP"), {"tools": [{"codeExecution": {}}]}),
    ),
    ("part-kind", "error", unary(chunk({"text": "1", "executableCode": CODE}, finish="STOP", usageMetadata=USAGE))),
    ("tool-unasked", "warn", unary(fetched("URL_RETRIEVAL_STATUS_SUCCESS"), ASKED)),
    ("media-counted", "warn", unary(answer(usageMetadata=OF_TEXT), PICTURE)),
    ("input-lost", "warn", unary(answer("I don't see an image. Please upload it."), PICTURE)),
    (
        "candidates-count",
        "warn",
        unary(chunk(*THOUGHT, finish="STOP", usageMetadata=USAGE), thinking(includeThoughts=True)),
    ),
    ("usage-grows", "warn", stream(chunk({"text": "Os"}, usageMetadata={"candidatesTokenCount": 9}), answer("lo"))),
    ("stream-blanks", "warn", stream(*[chunk({"text": "and so on"}) for _ in range(5)], answer("or not"))),
    ("duplicate-key", "error", unary(json.dumps(answer()).replace('"text"', '"text": "", "text"').encode())),
    ("enum-number", "error", unary(with_candidate(answer(), finishReason=1))),
    ("null-field", "warn", unary(answer(modelStatus=None))),
    ("null-field", "warn", unary(answer(modelVersion=""))),
    ("null-field", "warn", stream(chunk({"text": "a"}, finish="FINISH_REASON_UNSPECIFIED"), answer("b"))),
    ("null-word", "error", unary(answer(responseId="null"))),
    ("error-as-text", "warn", unary(answer("Error: 429 Too Many Requests"))),
    ("error-as-text", "warn", unary(answer('{"error": {"code": 503, "message": "overloaded"}}'))),
    (
        "prompt-repeated",
        "warn",
        unary(answer(f"{PLAN * 2} Oslo it is."), {"contents": [{"parts": [{"text": PLAN * 2}]}]}),
    ),
    ("thought-leak", "warn", unary(answer("The user wants a city.</think>Oslo"))),
    ("thought-leak", "warn", unary(answer("assistant\nOslo"))),
    ("control-token", "warn", unary(answer("Oslo. data: [DONE]"))),
    ("control-token", "warn", unary(answer("Oslo.[DONE]"))),
    ("escaped-text", "warn", unary(answer(base64.b64encode(PLAN.encode() * 2).decode()))),
    (
        "escaped-text",
        "warn",
        unary(answer("Cities: * **Oslo** is old. * **Bergen** rains. ## More * **Moss** " + PLAN * 5)),
    ),
    ("unicode", "warn", unary(answer("Tr?ndelag, Troms?ya, S?rland and B?rum"))),
    ("inline-mime", "error", unary(chunk({"inlineData": {"mimeType": "image", "data": "iVBORw0KGgo="}}))),
    ("sse-requested", "error", exchange([sse(answer())])),
    ("url-fetch-failed", "warn", unary(fetched(None))),
    (
        "code-result",
        "warn",
        unary(steps({"executableCode": {"code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}})),
    ),
    (
        "code-result",
        "warn",
        unary(answer(usageMetadata={**USAGE, "toolUsePromptTokenCount": 9}), {"tools": [{"urlContext": {}}]}),
    ),
    ("wire-known", "warn", unary(answer(news=1))),
    ("wire-type", "error", unary(with_candidate(answer(), index="0"))),
    ("code-result", "warn", unary(steps({"toolCall": {"id": "a"}}))),
    ("code-result", "warn", unary(steps({"toolCall": {"id": "a"}}, {"toolResponse": {"id": "b"}}))),
    ("code-result", "warn", unary(steps({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}))),
    ("code-result", "warn", unary(steps({"executableCode": CODE}, {"codeExecutionResult": {}}))),
    ("usage-details", "warn", unary(answer(usageMetadata={**USAGE, "promptTokensDetails": TWICE}))),
    ("usage-details", "warn", unary(answer(usageMetadata={**USAGE, "candidatesTokensDetails": SOUND}))),
    ("cached-within-prompt", "warn", unary(answer(), {"cachedContent": "cachedContents/a"})),
    (
        "stream-duplicate",
        "warn",
        stream(chunk({"text": PLAN}), chunk({"text": " Now. "}), chunk({"text": PLAN}), answer()),
    ),
    ("stream-end", "warn", stream(answer("Os"), answer(""))),
    ("logprobs", "warn", unary(answer(), config(responseLogprobs=True))),
    ("logprobs", "warn", unary(with_candidate(answer(), logprobsResult=ABOVE_ONE))),
    (
        "logprobs",
        "warn",
        unary(with_candidate(answer(), logprobsResult=TOPS), config(responseLogprobs=True, logprobs=1)),
    ),
    (
        "grounding-range",
        "error",
        unary(with_candidate(answer(), citationMetadata={"citationSources": [{"endIndex": 500}]})),
    ),
    ("grounding-support", "warn", unary(supported(groundingChunkIndices=[0, 0]))),
    ("grounding-uri", "warn", unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{}]}))),
    ("safety-ratings", "warn", unary(with_candidate(answer(), safetyRatings=[{"category": "HARM"}]))),
    ("modality", "warn", unary(chunk(PICTURED, finish="STOP"), config(responseModalities=["TEXT"]))),
    ("base64", "error", unary(chunk({"inlineData": {"mimeType": "image/png"}}, finish="STOP"))),
    ("finish-reason", "warn", unary(with_candidate(answer(), finishMessage="Malformed function call: print("))),
    ("json-schema", "warn", unary(answer('{"city": "Oslo", "more": 1}'), config(**JSON_MODE))),
    ("output-limit", "warn", unary(cut_after(900), config(maxOutputTokens=100))),
    ("text-per-token", "warn", unary(answer(PLAN, usageMetadata={**USAGE, "candidatesTokenCount": 100}))),
    ("prompt-per-token", "error", unary(answer(), {**ASKED, "systemInstruction": {"parts": [{"text": PLAN * 5}]}})),
    ("thought-signature", "warn", unary(chunk(*SIGNED_ALIKE, finish="STOP"), TOOLS)),
]

KEEPS: list[tuple[str, Exchange]] = [
    ("logprobs", unary(with_candidate(answer(), logprobsResult=UNLIKELY), config(responseLogprobs=True, logprobs=2))),
    ("token-count", other({"totalTokens": 31}, "countTokens", ASKED)),
    ("resource", about({}, "models", "GET")),
    ("resource", about({}, "files/f", "DELETE")),
    ("resource", about({"file": {"name": "files/f", "sizeBytes": "3"}}, "files")),
    ("resource", about(UPLOADED, "fileSearchStores/s:importFile")),
    (
        "resource",
        about({"name": "batches/b", "metadata": {"state": "BATCH_STATE_PENDING"}}, "models/m:batchGenerateContent"),
    ),
    ("resource", about(CACHE, "cachedContents", body={"ttl": "300s", "model": "models/gemini-2.5-flash"})),
    ("resource", about(CACHE, "cachedContents/c1", "PATCH", {"expireTime": CACHE["expireTime"]})),
    ("embedding", embedded([0.6, 0.8], [0.6, 0.8])),
    ("embedding", OF_TWO_SIZES),
    ("stream-delta", stream(*(chunk({"text": str(10**power)}) for power in range(15)), answer())),
    ("stream-duplicate", stream(*SUNG_TWICE, answer())),
    ("stream-end", stream(*STEPS_AFTER_THE_END, chunk({"text": "1"}, finish="STOP"))),
    ("candidate-count", unary(several(HALF_AN_HOUR, HALF_AN_HOUR), config(candidateCount=2, temperature=0))),
    ("unicode", unary(answer("what?no?omg?stop?right?yes lol"))),
    ("text-twice", unary(answer("( o.o )\n > ^ <\n" * 6))),
    ("http-status", unary(answer())),
    ("error-envelope", unary(ERROR, status=429)),
    ("error-envelope", exchange([ERROR], ARRAY, status=429)),
    ("content-type", unary(answer(), headers={"content-type": "application/json; charset=UTF-8"})),
    ("content-type", unary(answer(), headers={}, own=False)),
    ("content-type", exchange(ERROR, STREAM, status=429, headers={"content-type": "application/json"})),
    ("content-type", exchange(ERROR, STREAM, status=429)),
    ("json-body", unary({"usageMetadata": USAGE})),
    ("json-body", exchange([ERROR], ARRAY, status=429)),
    ("sse-framing", exchange(b": ping\n\nid: 1\n" + sse(answer(), end="\n\n"), STREAM)),
    ("sse-requested", exchange([answer()], ARRAY)),
    ("stream-end", stream(chunk({"text": "a"}), answer("b"), chunk(usageMetadata=USAGE))),
    ("stream-end", stream({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})),
    ("stream-end", stream(answer("a "), answer("b", usageMetadata={**USAGE, "toolUsePromptTokenCount": 3}))),
    ("stream-delta", stream(chunk({"text": "ha"}), answer("ha"))),
    ("stream-delta", stream(chunk({"text": "1"}), answer("12"))),
    ("candidates", unary({"promptFeedback": {"blockReason": "SAFETY"}})),
    ("visible-output", unary(with_candidate(answer(""), finishReason="MAX_TOKENS"))),
    ("visible-output", unary(calling())),
    ("visible-output", stream(chunk({"text": "a"}), answer(""))),
    ("usage-present", unary({"promptFeedback": {"blockReason": "MODEL_ARMOR"}, "usageMetadata": {}})),
    ("usage-natural", unary(answer(usageMetadata={**USAGE, "thoughtsTokenCount": None}))),
    ("usage-natural", unary(answer(usageMetadata={name: float(count) for name, count in USAGE.items()}))),
    ("grounding-index", unary(supported(groundingChunkIndices=[0.0]))),
    ("grounding-segment", unary(grounded("Oslo", endIndex=4.0, text="Oslo"))),
    ("escaped-text", unary(answer("These are [\\u4e00-\\u9fff]."))),
    ("control-token", unary(answer('The quiz has metadata: {"choices": ["Oslo", "Rome"]}'))),
    ("control-token", unary(answer('An event is written `data: {"candidates": [...]}`, and a blank line ends it.'))),
    ("text-loop", unary(answer("\uff1d" * 120 + "\nOslo" + "\uff0e" * 120 + "3"))),
    ("text-loop", unary(answer("Oslo\n" + "\u0640" * 120 + "\nRome"))),
    ("usage-sum", unary(answer(usageMetadata=THINKING))),
    ("usage-sum", unary(answer(usageMetadata={"candidatesTokenCount": 1, "totalTokenCount": 6}))),
    ("usage-prompt-stable", stream(chunk({"text": "a"}, usageMetadata={"promptTokenCount": 0}), answer("b"))),
    ("usage-prompt-stable", stream(*ENORMOUS, model="gemini-2.0-flash")),
    ("candidates-count", unary(calling())),
    ("output-limit", unary(answer(), config(maxOutputTokens=2))),
    ("text-cut", unary(answer(f"{FJORD} Around it are wooded hills."))),
    ("text-cut", unary(answer(f"{FJORD} Oslo"))),
    ("text-cut", unary(answer("Run it:\n```sh\nferry --to Oslo\n```"))),
    ("text-twice", unary(answer(f"{FJORD} {FJORD} Trams go there."), asking("Write it twice"))),
    ("stream-delta", stream(answer("| --- | --- | --- |"), answer("--- | --- | --- |"))),
    ("embedding", embedded([n / 20_000 for n in range(763)], model="text-embedding-004", size=763)),
    ("error-status-name", unary(failing(503, "UNAVAILABLE", "The model is overloaded."), status=503)),
    ("error-envelope", unary(failing(details=[RETRY]), status=429)),
    ("error-envelope", exchange([ERROR], ARRAY, status=429)),
    ("error-envelope", exchange([ERROR], ON_VERTEX, status=429)),
    ("finish-reason", unary(with_candidate(answer(), finishReason="STOP", continuationToken=None))),
    ("safety-ratings", unary(rated("LOW"), WARY)),
    ("grounding-support", unary(supported(REDIRECT))),
    ("grounding-uri", unary(supported(REDIRECT))),
    ("function-duplicate", unary(calling(city="Oslo"), {**TOOLS, **AFTER_A_CALL, **ANY})),
    ("function-duplicate", unary(calling(city="Rome"), {**TOOLS, **AFTER_A_CALL})),
    ("function-duplicate", unary(calling(city="Oslo"), {**TOOLS, "contents": [*ASKED["contents"], *RETRIED]})),
    ("function-duplicate", unary(calling("sail", city="Oslo"), {"contents": after_a_call({"left": 2}, "sail")})),
    ("text-per-token", unary(with_candidate(answer(), tokenCount=1))),
    ("usage-details", unary(sounding(SOUND))),
    ("usage-details", unary({**steps({"executableCode": CODE}, RAN, PICTURED), "usageMetadata": ALL_TEXT})),
    ("code-result", unary(steps({"executableCode": {"language": "PYTHON", "code": NEWER_PYTHON}}, RAN))),
    ("embedding", embedded([n % 20 / 500 for n in range(768)], size=768)),
    ("model-version", unary(answer(modelVersion="models/gemini-2.5-flash-preview-09-2025"))),
    ("model-version", unary(answer(modelVersion="gemini-3.6-flash"), None, "gemini-3.5-flash")),
    ("thinking-off", unary(answer(usageMetadata=THINKING), thinking(thinkingBudget=-1))),
    ("thinking-budget", unary(answer(usageMetadata=THINKING), thinking(thinkingBudget=-1))),
    ("thoughts-unasked", unary(chunk({"text": "hm", "thought": True}), thinking(include_thoughts=True))),
    ("thoughts-missing", unary(newer(usageMetadata=THINKING), thinking(includeThoughts=True), "gemini-3.5-flash")),
    (
        "thoughts-missing",
        unary(
            {**newer(usageMetadata=THINKING), **chunk({"text": "**Norway**\n\nIts capital is Oslo."}, finish="STOP")},
            thinking(includeThoughts=True),
            "gemini-3.5-flash",
        ),
    ),
    ("thinking-level", unary(newer(), thinking(thinking_level="minimal"), "gemini-3.5-flash")),
    ("thoughts-missing", unary(newer(usageMetadata=THINKING), thinking(includeThoughts=True), "gemini-flash-latest")),
    ("thought-leak", unary(answer("Thought: this is how agents write"))),
    ("json-parses", unary(answer(' {"b": 1}\n'), JSON)),
    ("json-parses", unary(SHORT, LIMITED)),
    ("json-parses", unary(calling(city="Oslo"), {**JSON, **TOOLS})),
    ("json-parses", unary(answer("free text"), {})),
    (
        "json-schema",
        unary(
            answer('{"b": null}'),
            config(
                responseMimeType="application/json",
                responseSchema={"type": "object", "properties": {"b": {"type": "integer", "nullable": True}}},
            ),
        ),
    ),
    ("json-order", unary(answer('{"b": 1, "a": 1}'), JSON)),
    ("grounding-chunks", unary(with_candidate(answer(), groundingMetadata={}))),
    ("grounding-segment", unary(grounded("Ålesund i Norge", startIndex=9, endIndex=10, text="i"))),
    ("grounding-segment", unary(grounded("'Oslo' i Norge", startIndex=11, endIndex=12, text="i"), verbatim=False)),
    ("function-declared", unary(calling("click_at"), {"tools": {"computerUse": {}}})),
    ("function-declared", unary(calling("get_weather"), {"cachedContent": "cachedContents/1"})),
    ("function-args", unary(calling(city="Oslo"), TOOLS)),
    ("thought-signature", unary(calling(city="Oslo"), TOOLS, "gemini-2.5-flash")),
    ("inline-mime", unary(picture("image/png"))),
    ("inline-mime", unary(drafted())),
    ("inline-mime", unary(picture("application/x-own"))),
    ("modality", unary(picture("image/png"), config(responseModalities=["IMAGE"]))),
    ("wire-known", unary(answer(usageMetadata={**USAGE, "serviceTier": "standard"}))),
    ("wire-type", unary(with_candidate(answer(), finishReason=1, citationMetadata=None))),
    (
        "part-kind",
        unary(chunk({"text": "", "functionCall": {"name": "get_weather", "args": {}}}, finish="STOP"), TOOLS),
    ),
    ("code-result", unary(steps({"toolCall": {"id": "a"}}, {"toolResponse": {"id": "a"}}))),
    ("code-result", unary(steps({"executableCode": CODE}))),
    ("tool-unasked", unary(fetched("URL_RETRIEVAL_STATUS_SUCCESS"), {**ASKED, "tools": [{"urlContext": {}}]})),
    ("tool-unasked", unary(fetched("URL_RETRIEVAL_STATUS_SUCCESS"), {**ASKED, "cachedContent": "cachedContents/a"})),
    ("media-counted", unary(answer(), PICTURE)),
    *[(rule, unary(answer(usageMetadata=A_MILLION), ASKED)) for rule in ("text-per-token", "prompt-per-token")],
    ("candidates-count", unary(several("Oslo", "Bergen"), config(candidateCount=2))),
    ("usage-grows", stream(*COUNTED_IN_STEPS, body={"tools": [{"googleSearch": {}}]})),
    (
        "stream-duplicate",
        stream(chunk({"text": PLAN[:20]}), chunk({"text": " or "}), chunk({"text": PLAN[:20]}), answer()),
    ),
    ("grounding-range", unary(with_candidate(answer(), finishReason="RECITATION", citationMetadata=CITED_AFAR))),
    ("modality", unary(steps({"executableCode": CODE}, PICTURED), config(responseModalities=["TEXT"]))),
    (
        "finish-reason",
        unary(with_candidate(calling(city="Oslo"), finishMessage="Model generated function call(s)."), TOOLS),
    ),
    ("grounding-chunks", unary(with_candidate(cut_after(9), groundingMetadata={"webSearchQueries": ["Oslo"]}))),
]


@pytest.mark.parametrize(
    ("rule", "severity", "recorded"), BREAKS, ids=[f"{rule}-{n}" for n, (rule, *_) in enumerate(BREAKS)]
)
def test_broken(rule: str, severity: str, recorded: Exchange) -> None:
    assert broken(recorded).get(rule) == severity


@pytest.mark.parametrize(("rule", "recorded"), KEEPS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(KEEPS)])
def test_kept(rule: str, recorded: Exchange) -> None:
    assert rule not in broken(recorded)


def test_a_model_of_pictures_may_refuse_one_in_words() -> None:
    refused = with_candidate(answer("I cannot draw that."), finishReason="IMAGE_SAFETY")
    recorded = unary(refused, ASKED, "gemini-2.5-flash-image")
    assert broken(recorded)["finish-reason"] == "error"  # without a warning that no picture was requested


def test_null_word_shows_the_word() -> None:
    (found,) = violations(evidence(unary(answer(responseId="None"))))
    assert (found.mismatch.at, found.mismatch.actual) == ("$.responseId", "None")
    assert "'None'" in found.mismatch.message


def test_a_call_that_is_cut_is_named_where_only_its_first_piece_has_a_name() -> None:
    pieces = ({"name": "get_weather", "willContinue": True}, {"partialArgs": [], "willContinue": True})
    recorded = stream(chunk(*({"functionCall": one} for one in pieces), finish="STOP"))
    (found,) = (one.mismatch for one in violations(evidence(recorded)) if one.rule.id == "call-complete")
    assert found.at == "functionCalls[0]"
    assert found.message == "the call of 'get_weather' is incomplete: its last piece has willContinue"


def test_a_role_that_is_missing_is_not_called_none() -> None:
    usage = {**USAGE, "serviceTier": "standard", "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}
    value = answer(usageMetadata=usage)
    del value["candidates"][0]["content"]["role"]
    (found,) = violations(evidence(unary(value), audit=True))
    assert found.mismatch.message.startswith("the content has no role")


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert {rule for rule, *_ in BREAKS} == {rule.id for rule in all_rules().values() if rule.dialect != "openai"}


def test_a_healthy_answer_breaks_nothing() -> None:
    assert broken(unary(answer(), {})) == {}
    assert broken(stream(chunk({"text": "Os"}, usageMetadata={"promptTokenCount": 5}), answer("lo"))) == {}


@pytest.mark.parametrize("rule", sorted(rule.id for rule in all_rules().values() if rule.of_bytes))
def test_rules_about_bytes_skip_normalised_bodies(rule: str) -> None:
    from msgspec.structs import replace

    for name, _, recorded in BREAKS:
        if name == rule:
            assert rule not in broken(replace(recorded, verbatim=False))


REQUESTED = (
    "thinking-off thinking-budget thoughts-unasked thoughts-missing json-parses json-schema json-order output-limit "
    "max-tokens-unasked candidate-count service-tier calling-mode call-as-text image-shape"
)


@pytest.mark.parametrize("rule", [*REQUESTED.split(), "function-declared", "function-args", "modality"])
def test_rules_that_need_the_request_find_nothing_without_it(rule: str) -> None:
    from msgspec.structs import replace

    for name, _, recorded in BREAKS:
        if name == rule:
            assert rule not in broken(replace(recorded, request=replace(recorded.request, body=None)))


# --- one fault is reported once -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "rules"),
    [
        (unary(ERROR, JSON, status=429), {"http-status"}),
        (unary(SHORT, LIMITED), {"finish-reason"}),
        (unary(SHORT, JSON), {"max-tokens-unasked"}),
        (
            unary(SHORT, {"generationConfig": {**JSON["generationConfig"], "maxOutputTokens": 64}}),
            {"max-tokens-unasked"},
        ),
        (unary({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}, JSON), {"prompt-blocked"}),
        (unary(with_candidate(answer(""), finishReason="SAFETY"), JSON), {"finish-reason"}),
        (stream(chunk({"text": '{"b"'}), body=JSON), {"stream-end"}),
        (unary(b"", JSON), {"json-body"}),
        (stream(chunk({"text": "a"}), ERROR), {"stream-error"}),
    ],
)
def test_one_fault_is_reported_by_one_rule(recorded: Exchange, rules: set[str]) -> None:
    assert set(broken(recorded)) == rules


@pytest.mark.parametrize(
    ("recorded", "expects"),
    [
        (unary(ERROR, status=429), {"http": 429}),
        (unary(ERROR, status=429), {"error": {"status": "RESOURCE_EXHAUSTED"}}),
        (unary(SHORT, LIMITED), {"finishReason": "MAX_TOKENS"}),
        (unary({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}), {"blockReason": "SAFETY"}),
        (stream(chunk({"text": "a"}), ERROR), {"error": {"code": 429}}),
    ],
)
def test_an_outcome_that_the_step_expects_breaks_nothing(recorded: Exchange, expects: dict[str, Any]) -> None:
    assert broken(recorded, **expects) == {}


@pytest.mark.parametrize(
    "recorded", [unary(ERROR, status=429), unary(SHORT, LIMITED), unary({"promptFeedback": {"blockReason": "OTHER"}})]
)
def test_an_outcome_is_not_a_finding_of_an_audit(recorded: Exchange) -> None:
    assert broken(recorded, audit=True) == {}


@pytest.mark.parametrize("recorded", [row[2] for row in BREAKS] + [row[1] for row in KEEPS])
def test_a_rule_that_is_not_asked_finds_nothing(recorded: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    found = broken(recorded)
    asked = {name: replace(rule, needs=frozenset()) for name, rule in all_rules().items()}
    monkeypatch.setattr(judging, "all_rules", lambda: asked)
    assert broken(recorded) == found


def test_a_missing_finish_reason_is_a_finding_of_an_audit() -> None:
    assert broken(unary(chunk({"text": "Oslo"}, usageMetadata=USAGE)), audit=True) == {"finish-reason": "error"}


def test_a_long_stream_is_not_copied_by_the_rules() -> None:
    words = [chunk({"text": f"{number} " + "to the sea and back " * 500}) for number in range(150)]
    found = evidence(stream(*words, answer("The end.")))
    size = len(found.reply.text)
    broken(unary(answer()))
    tracemalloc.start()
    list(violations(found))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * size


def test_a_stream_without_counts_takes_time_that_grows_with_its_length() -> None:
    def work(events: int) -> None:
        found = evidence(stream(*[chunk({"text": "to the sea and back " * 40})] * events, answer("The end.")))
        list(all_rules()["usage-grows"].function(found))

    assert grows_evenly(work, 2_000)


def test_a_long_run_of_one_character_takes_little_memory() -> None:
    found = evidence(unary(answer("x" * 500_000)))
    tracemalloc.start()
    list(violations(found))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * 500_000
