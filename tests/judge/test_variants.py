"""Faults in the forms in which they come, and right answers that look like them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.cli.main import main
from harness.gemini import media
from harness.gemini.models import family, is_googles
from harness.judge.invariants.wording import wrongly_decoded
from harness.model import Exchange
from tests.exchanges import answer, chunk, exchange, request, sse
from tests.judge.test_invariants import (
    CACHE,
    CUT_PNG,
    ERROR,
    JSON,
    PLAN,
    PNG_OF_2_TO_1,
    RESULT,
    TOOLS,
    USAGE,
    about,
    asking,
    broken,
    calling,
    coded,
    config,
    embedded,
    failing,
    fetched,
    grounded,
    identified,
    mode,
    newer,
    other,
    png,
    several,
    shape,
    spoken,
    steps,
    stream,
    supported,
    tokens,
    unary,
    with_candidate,
)

FULL = {"promptTokenCount": 5, "candidatesTokenCount": 900, "totalTokenCount": 905}


def cut(spent: int, **more: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": spent, "totalTokenCount": 5 + spent, **more}
    return {**with_candidate(answer("Os"), finishReason="MAX_TOKENS"), "usageMetadata": usage}


def picture(data: bytes | str, mime: str = "image/png", **part: Any) -> dict[str, Any]:
    blob = {"mimeType": mime, "data": data if isinstance(data, str) else coded(data)}
    return chunk({"inlineData": blob, **part}, finish="STOP", usageMetadata=USAGE)


def rated(**rating: Any) -> dict[str, Any]:
    return with_candidate(answer(), safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", **rating}])


def cached(**more: Any) -> dict[str, Any]:
    return answer(usageMetadata={**USAGE, **more})


def details(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]


def from_vertex(body: Any, *, asks: str, got: str) -> Exchange:
    sent = replace(request(body), headers={"X-Vertex-AI-LLM-Shared-Request-Type": asks})
    return exchange(answer(usageMetadata={**USAGE, "trafficType": got}), sent)


def text_stream(*texts: str) -> Exchange:
    *first, last = texts
    return stream(*(chunk({"text": text}) for text in first), answer(last))


MODEL = {
    "name": "models/m",
    "inputTokenLimit": 1,
    "outputTokenLimit": 1,
    "supportedGenerationMethods": ["generateContent"],
}
UNCOUNTED = stream(
    {
        **chunk({"text": PLAN}),
        "usageMetadata": {"promptTokenCount": 5, "thoughtsTokenCount": 14, "totalTokenCount": 19},
    },
    answer(
        usageMetadata={
            "promptTokenCount": 5,
            "candidatesTokenCount": 1,
            "thoughtsTokenCount": 14,
            "totalTokenCount": 20,
        }
    ),
)  # thoughts that lost their flag, in one chunk
JPEG = b"\xff\xd8\xff\xe1\x00\x06\xff\xd9ab" + b"\xff\xda\x00\x04\x01\x01" + b"\x17" * 80
CUT_EMOJI = sse(chunk({"text": "ok @1"}), answer("@2 done")).replace(b"@1", rb"\ud83d").replace(b"@2", rb"\ude00")
IN_PIECES = (
    chunk({"functionCall": {"name": "f", "willContinue": True}}),
    chunk({"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}}),
)
CACHED = cached(
    promptTokenCount=905,
    totalTokenCount=906,
    cachedContentTokenCount=900,
    cacheTokensDetails=details(TEXT=900),
    promptTokensDetails=details(TEXT=5),
)
NUMBER_LOOP = '{"width": 1.' + "0" * 300
OTHER_TOOL = {"tools": [{"googleSearch": {}}], **mode("ANY")}
ASKED_2K = config(
    responseFormat={"image": {"aspectRatio": "ASPECT_RATIO_SIXTEEN_BY_NINE", "imageSize": "IMAGE_SIZE_TWO_K"}}
)

OLD, NEW = "2026-10-01T00:00:00Z", "2026-10-01T00:00:01Z"
TUNED = "https://generativelanguage.googleapis.com/v1beta/tunedModels/mine:generateContent"
ASKED_NOTHING = {"contents": [{"parts": [{"text": "Where?"}]}]}
IN_THE_PICTURE = {"contents": [{"parts": [{"text": "Who?"}, {"fileData": {"fileUri": "https://a.example/b.png"}}]}]}
WEB = {"web": {"uri": "https://a.example/", "title": "a"}}


def calling_with(**fields: Any) -> dict[str, Any]:
    return chunk({"functionCall": {"name": "get_weather", "args": {}, **fields}}, finish="STOP", usageMetadata=USAGE)


def calling_part(city: str, **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "get_weather", "args": {"city": city}}, **fields}


def unnormalised(body: Any) -> Exchange:
    """The answer in a file whose recorder may have changed its characters."""
    return replace(unary(body), verbatim=False)


JSON_MODE_OF_CITY = config(responseMimeType="application/json")
QUESTION = "What is the capital of Norway, and on which fjord does it lie?"
CODE_TOOL: dict[str, Any] = {"tools": [{"codeExecution": {}}]}


def ran(code: str, output: str) -> dict[str, Any]:
    result = {"outcome": "OUTCOME_OK", **({"output": output} if output else {})}
    parts = ({"executableCode": {"language": "PYTHON", "code": code}}, {"codeExecutionResult": result}, {"text": "1"})
    return chunk(*parts, finish="STOP", usageMetadata=USAGE)


def grounding(**metadata: Any) -> dict[str, Any]:
    return with_candidate(answer("Oslo"), groundingMetadata=metadata)


def support(start: int, end: int) -> dict[str, Any]:
    return {"segment": {"startIndex": start, "endIndex": end, "text": "Oslo"[start:end]}, "groundingChunkIndices": [0]}


def twins(*indices: int) -> dict[str, Any]:
    both = several("a", "b")
    return {**both, "candidates": [{**one, "index": at} for one, at in zip(both["candidates"], indices, strict=True)]}


def pictured(tokens: int, **asked: Any) -> Exchange:
    """A question with a picture, and how many tokens were counted for it."""
    body = {
        "contents": [{"parts": [{"text": "Who?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}]
    }
    usage = {
        "promptTokenCount": 2 + tokens,
        "promptTokensDetails": details(TEXT=2, IMAGE=tokens),
        "totalTokenCount": 3 + tokens,
    }
    return unary(answer(usageMetadata={**USAGE, **usage}, modelVersion="gemini-3.5-flash"), {**body, **config(**asked)})


def of_file(text: str, store: str) -> Exchange:
    """A passage of a file, where one store was requested."""
    chunk = {"retrievedContext": {"text": text, "fileSearchStore": store}}
    asked = {**ASKED_NOTHING, "tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/a"]}}]}
    return unary(grounding(groundingChunks=[chunk]), asked)


def counted_thoughts(text: str) -> dict[str, Any]:
    return chunk({"text": text}, usageMetadata={"promptTokenCount": 5, "thoughtsTokenCount": 30, "totalTokenCount": 35})


NAMED = {"modelVersion": "gemini-2.5-flash", "responseId": "r"}
SIGNED = {"thoughtSignature": "c2ln" * 20}
TWO_PLACES = [{"maps": {"uri": f"https://a.example/{name}", "title": name}} for name in ("Opera", "Palace")]
LINES = [f"The {name} is a place that many people know." for name in ("city", "fjord", "forest", "harbour")]
LABELS = json.dumps(["good"] * 36)


BROKEN: Sequence[tuple[str, Exchange]] = [
    ("fields-together", unary(answer(usageMetadata={**USAGE, "trafficType": "ON_DEMAND", "promptTokensDetails": details(TEXT=5), "candidatesTokensDetails": details(TEXT=1)}))),
    ("role", unary({**answer(usageMetadata={**USAGE, "serviceTier": "standard"}), "candidates": [{"content": {"parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}]})),
    ("part-kind", unary(chunk({"functionCall": {"name": "f"}}, finish="STOP"))),
    ("part-kind", unary(steps({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB"}}))),
    ("safety-ratings", unary({**answer(), "promptFeedback": {"safetyRatings": [{"probability": "LOW"}]}})),
    ("logprobs", unary(with_candidate(answer(), logprobsResult={"chosenCandidates": [{"token": "Oslo", "logProbability": -0.1}], "topCandidates": [{}]}))),
    ("call-id-unique", unary(chunk({"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": ""}}, finish="STOP"), TOOLS)),
    ("call-complete", unary(chunk({"functionCall": {"name": "f", "willContinue": True}}, {"functionCall": {"name": "f", "args": {}}}, finish="STOP"), TOOLS)),
    ("embedding", embedded([0.01] * 1536 + [0.005] * 1536)),
    ("resource", about({key: value for key, value in CACHE.items() if key != "expireTime"}, "cachedContents")),
    ("resource", about({**CACHE, "usageMetadata": {"totalTokenCount": 0}}, "cachedContents")),
    ("resource", about({"models": [{**MODEL, "inputTokenLimit": 0}]}, "models", "GET")),
    ("resource", other({"predictions": ["a picture"]}, "predict")),
    ("null-word", unary({**answer(), "createTime": "2106-02-07T06:28:15Z"})),
    ("text-form", unary(answer(" is the capital of Norway"))),
    ("text-form", unary(answer("Oslo\n\n\nBergen\n\n\nTromsø\n\n\nBodø\n\n\nMolde"))),
    ("control-token", unary(answer("Oslo lies\nevent: message\ndata: at a fjord."))),
    ("output-limit", unary(answer("Oslo lies at the", usageMetadata=tokens(58)), config(maxOutputTokens=60))),
    ("text-per-token", unary(answer(PLAN * 4, usageMetadata=tokens(24)))),
    ("usage-grows", UNCOUNTED),
    ("error-envelope", unary(failing(details=[{"@type": "type.googleapis.com/google.rpc.Sorry", "text": "no"}]), status=429)),
    ("code-result", unary(chunk(*ran("print(1)", "1")["candidates"][0]["content"]["parts"][:1], {"text": "1"}, finish="STOP"), {"cachedContent": "cachedContents/c"})),
    ("wire-type", unary(chunk({"thought": f"{PLAN * 2} So it is ..."}, {"text": "Oslo"}, finish="STOP"))),
    ("escaped-text", unary(answer(f"{PLAN * 6} ```json {{}} ``` So it is."))),
    ("stream-blanks", text_stream("Oslo has a long", "fjord with many", "small islands in it")),
    ("stream-delta", text_stream("1 2 3 4 5 6 7 8 9 10", "1 2 3 4 5 6 7 8 9 10 11 12", "1 2 3 4 5 6 7 8 9 10 11 12 13")),
    ("grounding-segment", replace(unary(grounded("It's **Oslo** that lies at the fjord", startIndex=12, endIndex=16, text="Oslo")), verbatim=False)),
    ("json-body", exchange(b'[{"candidates": []}\n{"candidates": []}]', request(stream=True, sse=False))),
    # what belongs together: an event and its neighbours, counts and content, sources and segments
    ("usage-present", stream(chunk({"text": "a"}, **NAMED), chunk({"text": "b"}, **NAMED), answer("c"))),
    ("model-version-stable", stream(answer("a"), chunk({"text": "b"}, responseId="r", usageMetadata=USAGE), answer("c"))),
    ("sse-framing", stream(chunk({"text": "a"}), {"candidates": []}, answer("b"))),
    ("usage-grows", stream(counted_thoughts(PLAN), counted_thoughts(" I find it."), answer(usageMetadata={**USAGE, "thoughtsTokenCount": 30, "totalTokenCount": 36}))),
    ("text-per-token", unary({**calling(city="Oslo"), "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 40, "totalTokenCount": 45}}, TOOLS)),
    ("media-counted", pictured(1100, mediaResolution="MEDIA_RESOLUTION_LOW")),
    ("media-counted", pictured(258, mediaResolution="MEDIA_RESOLUTION_HIGH")),
    ("text-loop", unary(answer("Oslo" + "\n" * 300))),
    ("text-cut", unary(answer("\n".join([*LINES, "The palace is also a place that many peop"])))),
    ("thought-signature", unary(calling_with() | chunk({"text": "a", **SIGNED}, finish="STOP"), {"contents": [{"role": "model", "parts": [{"text": "b", **SIGNED}]}]})),
    ("grounding-support", unary(grounding(groundingChunks=TWO_PLACES, groundingSupports=[{**support(0, 2), "groundingChunkIndices": [1]}, support(2, 4)]))),
    ("grounding-chunks", unary(grounding(searchEntryPoint={"renderedContent": "<div><a href="}, webSearchQueries=["q"], groundingChunks=[WEB]))),
    ("tool-unasked", unary(grounding(groundingChunks=[{"retrievedContext": {"text": "Oslo"}}]), {**ASKED_NOTHING, "tools": [{"googleSearch": {}}]})),
    ("grounding-uri", unary(grounding(groundingChunks=[{"maps": {"title": "Opera"}}]))),
    ("grounding-uri", of_file("", "fileSearchStores/a")),
    ("grounding-uri", of_file("Oslo", "fileSearchStores/b")),
    ("url-fetch-failed", unary(with_candidate(answer(), urlContextMetadata={"urlMetadata": [{"retrievedUrl": "https://b.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]}), {"contents": [{"parts": [{"text": "Read https://www.other.test/"}]}], "tools": [{"urlContext": {}}]})),
    ("inline-mime", unary(picture(b"\1\2\3", "audio/L16;rate=24000"))),
    ("inline-mime", unary(picture(b"\1\2", "audio/L16"))),
    ("audio-length", unary(picture(bytes(48_000), "audio/L16;rate=24000"))),
    ("thinking-off", unary(answer(modelVersion="gemini-2.0-flash", usageMetadata={**USAGE, "thoughtsTokenCount": 9, "totalTokenCount": 15}), {}, "gemini-2.0-flash")),
    ("control-token", unary(answer('Os\n\ndata: {"candidates": [{"content": {"parts": [{"text": "lo'))),
    ("error-as-text", unary(answer('Oslo lies at{"error": {"code": 503, "message": "Overloaded"}}'))),
    ("unicode", unary(answer("the city ? an old one ? lies at a fjord ? a long one"))),
    # who answered
    ("alias-family", unary(newer(), {}, "gemini-flash-lite-latest")),
    ("alias-family", unary(answer(modelVersion="gemini-3.5-flash-lite"), {}, "gemini-flash-latest")),
    ("alias-family", unary(answer(modelVersion="gemini-2.5-flash-image"), {}, "gemini-flash-latest")),
    ("other-maker", unary(answer(modelVersion="claude-sonnet-4-5"), {}, "gemini-flash-latest")),
    ("other-maker", unary(answer(modelVersion="models/deepseek-v3.2"))),
    ("model-version", unary(answer(modelVersion="gemini-2.5-flash-lite"))),
    ("service-tier", unary(cached(serviceTier="standard"), {"service_tier": "flex"})),
    ("service-tier", unary(answer(), {"serviceTier": "FLEX"}, headers={"x-gemini-service-tier": "standard"})),
    ("service-tier", from_vertex({}, asks="priority", got="ON_DEMAND")),
    # limits
    ("max-tokens-unasked", unary(cut(300), {})),
    ("max-tokens-unasked", unary(cut(120), {"generation_config": {"max_output_tokens": 4096}})),
    ("candidate-count", unary(with_candidate(answer(), index=1), {})),
    ("candidate-count", stream(chunk({"text": "a"}), with_candidate(answer(), index=1))),
    ("candidate-count", unary(several("a", "b"), {"generation_config": {"candidate_count": 3}})),
    # counts
    ("cached-within-prompt", unary(cached(cachedContentTokenCount=5, cacheTokensDetails=details(TEXT=5), promptTokensDetails=details(TEXT=2, IMAGE=3)))),
    ("text-per-token", stream(chunk({"text": "Oslo is old. " * 20}), answer(PLAN))),
    ("logprobs", unary(with_candidate(answer(), logprobsResult={"chosenCandidates": [{"token": "a", "logProbability": 2.1}]}))),
    # the content
    ("role", stream(chunk({"text": "a"}), with_candidate(answer(), content={"role": "assistant", "parts": [{"text": "b"}]}))),
    ("role", unary(with_candidate(answer(), content={"role": "", "parts": [{"text": "b"}]}))),
    ("block-with-answer", unary(rated(probability="HIGH", blocked=True))),
    ("block-with-answer", stream({**rated(blocked=True), "responseId": "r"}, chunk(finish="STOP"))),
    ("block-with-answer", unary(answer(promptFeedback={"safetyRatings": [{"category": "HARM", "blocked": True}]}))),
    ("block-with-answer", stream(chunk({"text": "a"}), answer("b", promptFeedback={"blockReason": "OTHER"}))),
    ("thought-repeated", stream(chunk({"text": PLAN, "thought": True}), chunk({"text": "And so on.", "thought": True}), answer(f"{PLAN}\n\nOslo"))),
    ("stream-duplicate", text_stream("The map: ", PLAN, PLAN, "Oslo")),
    ("stream-duplicate", stream(chunk({"text": "Here: "}), picture(png(32, 32)), picture(png(32, 32)))),
    ("unicode", unary(answer("na\ud83dive"))),
    ("unicode", text_stream("It\u2019", "s \u201c".encode().decode("cp1252"), "it\u2019s")),
    ("unicode", text_stream("ok " + "😀".encode().decode("cp1252") + " done, ", "and 日本")),
    ("unicode", unary(calling(city="Malmö".encode().decode("latin-1")), TOOLS)),
    ("escaped-text", unary(answer("Oslo\\nBergen\\nMoss"))),
    ("escaped-text", unary(answer("Oslo%20is%20old"))),
    ("escaped-text", unary(answer("Oslo+is+an+old+city"))),
    ("escaped-text", unary(answer("Oslo\r\nBergen"))),
    ("escaped-text", unary(calling(city="Bergen &amp; Oslo &amp; Moss"), TOOLS)),
    ("missing-value", unary(answer("undefined"))),
    ("escaped-text", unary(answer("Run it:\n```python\nif a &lt; b &amp;&amp; c:\n    pass\n```"))),
    ("escaped-text", unary(answer("```python\\nimport os\\nos.getcwd()\\n```"))),
    ("grounding-chunks", unary(with_candidate(answer(), groundingMetadata={"searchEntryPoint": {"renderedContent": "&lt;div&gt;"}}))),
    ("tool-unasked", unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{"maps": {"title": "Opera"}}]}), {"contents": [{"parts": [{"text": "Where?"}]}], "tools": [{"googleSearch": {}}]})),
    ("json-parses", unary(answer('{"a": {"x": 1, "x": 2}}'), JSON)),
    ("json-schema", unary(answer('{"a": "null"}'), config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}))),
    ("error-envelope", unary({"error": {"code": 503, "message": "<html><head>", "status": "UNAVAILABLE"}}, status=503)),
    ("text-twice", unary(answer("The The capital capital of of Norway Norway is is Oslo."))),
    ("inline-mime", unary(picture(png(32, 32), "IMAGE/PNG"))),
    ("missing-value", unary(answer("None", usageMetadata={**USAGE, "candidatesTokenCount": 9, "totalTokenCount": 14}))),
    ("missing-value", unary(answer("The list: [object Object]."))),
    ("unicode", unary(answer("cafe\u0301"))),
    ("json-body", exchange(b"\xef\xbb\xbf" + json.dumps(answer()).encode(), request({}))),
    ("sse-framing", exchange(b"\xef\xbb\xbf" + sse(answer()), request({}, stream=True))),
    ("usage-present", unary(answer(usageMetadata={**USAGE, "promptTokenCount": 0, "totalTokenCount": 1}))),
    ("prompt-per-token", unary(answer(usageMetadata={**USAGE, "promptTokenCount": 5000, "totalTokenCount": 5001}), {"contents": [{"parts": [{"text": "Oslo?"}]}]})),
    ("prompt-per-token", unary(answer(usageMetadata={**USAGE, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}]}), {})),
    ("candidate-count", unary(with_candidate(answer(), index=-1), {})),
    ("content-type", unary(answer(), headers={"content-type": "application/json; charset=ISO-8859-1"})),
    ("grounding-range", unary(grounded("Oslo is old", startIndex=8, endIndex=4))),
    ("grounding-uri", unary(supported(uri="/grounding-api-redirect/abc"))),
    ("base64", unary(chunk({"inlineData": {"mimeType": "application/octet-stream", "data": "-_-_"}}))),
    ("base64", unary(chunk({"inlineData": {"mimeType": "audio/pcm", "data": base64.b64encode(base64.b64encode(bytes(range(256)) * 4)).decode()}}))),
    ("base64", unary(chunk({"text": "Oslo", "thoughtSignature": base64.b64encode(b"\x12\xc8\x01" + bytes(range(90))).decode()}))),
    ("null-field", stream(with_candidate(chunk({"text": "a"}), finishReason=None), answer("b"))),
    ("null-word", unary(chunk({"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": "null"}}), TOOLS)),
    ("enum-number", unary(with_candidate(answer(), finishReason=1, safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT"}]), own=False)),
    ("text-per-token", unary(answer("Oslo", usageMetadata={**USAGE, "candidatesTokenCount": 900}))),
    ("base64", unary(chunk({"text": "Oslo", "thoughtSignature": "CiQB0e2Kb4d5k9s0a1b2c3d4e5f6g7h8…"}))),
    ("json-parses", unary(answer(json.dumps('{"city": "Oslo"}')), config(responseMimeType="application/json"))),
    ("text-loop", unary(answer("I will look. " * 40))),
    ("text-loop", unary(answer(json.dumps({"a": ["x"] * 40})), JSON)),
    ("text-loop", unary(answer(json.dumps({"rows": [{"a": 1, "b": [2]}] * 40})), JSON)),
    ("text-loop", unary(with_candidate(answer(NUMBER_LOOP), finishReason="MAX_TOKENS"), JSON)),
    ("text-loop", unary(answer('{"a": 1' + "\n" * 2000 + "}"), JSON)),
    ("text-loop", unary(answer("one\ntwo\n" * 30))),
    ("text-loop", unary(answer("\n".join([*map(str, range(47)), *["and on"] * 30, *map(str, range(20))])))),
    ("text-loop", unary(answer("Is it so?! " * 30))),
    ("text-loop", unary(answer("a" * 55 + "7" * 100 + "b"))),
    ("text-loop", unary(answer('{"a": 1' + ", " * 30 + " " * 1000 + "}"))),
    # sources
    ("grounding-confidence", unary(supported(confidenceScores=[1.2]))),
    ("grounding-confidence", unary(supported(confidenceScores=["0.9"]))),
    ("grounding-chunks", unary(with_candidate(answer(), groundingMetadata={"retrievalQueries": ["q"]}))),
    ("url-fetch-failed", unary(fetched("URL_RETRIEVAL_STATUS_PAYWALL"))),
    # calls
    ("calling-mode", unary(answer("no"), {"tools": [{"function_declarations": [{"name": "f"}]}], "tool_config": {"function_calling_config": {"mode": "any"}}})),
    ("calling-mode", unary(calling(city="Oslo"), {**TOOLS, **mode("NONE")})),
    ("calling-mode", unary(calling(city="Oslo"), {"tools": [*TOOLS["tools"], {"functionDeclarations": [{"name": "f"}]}], **mode("ANY", allowedFunctionNames=["f"])})),
    ("call-id-unique", stream(identified("a"), identified("a"))),
    ("call-id-unique", unary(identified("a", None), TOOLS)),
    ("call-id-unique", unary({**identified(None), "modelVersion": "gemini-3.6-flash"}, TOOLS, "gemini-flash-latest")),
    ("call-id-unique", unary(identified("get_weather"), {**TOOLS, "contents": [identified("get_weather")["candidates"][0]["content"]]})),
    ("call-as-text", stream(chunk({"text": '{"function'}), answer('Call": {"name": "x"}}'), body=TOOLS)),
    ("call-as-text", unary(answer('{"name": "get_weather", "arguments": {"city": "Oslo"}}'), TOOLS)),
    ("call-as-text", unary(answer("<tool_call>get_weather</tool_call>"), TOOLS)),
    ("call-as-text", unary(answer('get_weather(city="Oslo")'), TOOLS)),
    # media
    ("base64", unary(picture("iVBORw0KGgo?"))),
    ("base64", unary(picture("iVBORw0K…GgoAAAANSUhEUg=="))),
    ("base64", unary(picture(""))),
    ("base64", unary(picture("data:image/png;base64,iVBO", thought=True))),
    ("image-whole", unary(picture(JPEG, "image/jpeg"))),
    ("image-whole", unary(picture(b"GIF89a" + b"\x01" * 90, "image/gif"))),
    ("image-whole", unary(picture(b"RIFF\x00\x10\x00\x00WEBPVP8 " + b"\x01" * 90, "image/webp"))),
    ("image-whole", stream(chunk({"text": "Here."}), picture(CUT_PNG))),
    ("image-shape", unary(picture(PNG_OF_2_TO_1), shape(image_size="1K"))),
    ("image-shape", unary(picture(png(1024, 1024)), ASKED_2K)),
    ("image-shape", unary(picture(png(576, 1024)), {"generation_config": {"image_config": {"aspect_ratio": "16:9"}}})),
    ("audio-length", stream(spoken(1, 100), spoken(1, 250))),
    ("audio-length", unary({**spoken(1, 250), "usageMetadata": {**FULL, "candidatesTokenCount": 250, "totalTokenCount": 255}})),
    # what programs on the way made up, masked, wrapped or moved
    ("foreign-id", unary(calling_with(id="toolu_01A09q90qw90lq917835lq9"))),
    ("foreign-id", unary(calling_with(id="get_weather"))),
    ("foreign-id", unary(answer(responseId="4bf92f3577b34da6a3ce929d0e0e4736"))),
    ("model-version", unary(answer(modelVersion="gemini-flash-latest"), {}, "gemini-flash-latest")),
    ("service-tier", unary(cached(serviceTier="priority"), ASKED_NOTHING)),
    ("null-word", unary(answer(createTime="1970-01-01T00:00:00Z"))),
    ("response-id-stable", stream(chunk({"text": "a"}, createTime=OLD), answer("b", createTime=NEW))),
    ("response-id-stable", stream(chunk({"text": "a"}, responseId="r"), chunk({"text": " "}), answer("b", responseId="r"))),
    ("candidate-count", unary(twins(0, 0), config(candidateCount=2))),
    ("part-kind", unary(chunk({"text": "Oslo"}, {"text": "I look it up.", "thought": True}, finish="STOP"))),
    ("code-result", unary(chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, {"executableCode": {"language": "PYTHON", "code": "1"}}, finish="STOP"), {"tools": [{"codeExecution": {}}]})),
    ("finish-reason", unary(with_candidate(answer("I look it up."), finishMessage="Model generated function call(s)."))),
    ("thought-signature", unary(chunk({"text": "a", "thoughtSignature": "skip_thought_signature_validator"}, finish="STOP"))),
    ("base64", unary(chunk({"text": "a", "thoughtSignature": (b"\x12\x5a" + bytes(90)).hex()}, finish="STOP"))),
    ("base64", unary(chunk({"text": "a", "thoughtSignature": base64.b64encode(coded(b"\x12\xff" * 99).encode()).decode()}, finish="STOP"))),
    ("input-lost", unary(answer("I can't access real-time information."), {"tools": [{"googleSearch": {}}]})),
    ("grounding-chunks", unary(grounding(searchEntryPoint={"renderedContent": "<div></div>"}, groundingChunks=[WEB]))),
    ("grounding-support", unary(grounding(groundingChunks=[WEB], groundingSupports=[support(2, 4), support(0, 2)]))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://***.com/***", "title": "a"}}]))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://a.example/?a=1&amp;b=2", "title": "a"}}]))),
    ("grounding-range", unary(with_candidate(answer(), citationMetadata={"citationSources": [{"startIndex": -5, "endIndex": 2}]}))),
    *[
        ("escaped-text", unary(answer(text)))
        for text in (
            "caf&#233; and th&#233;",
            r"caf\xe9 and th\u00e9",
            "cafu00e9 and thu00e9",
            "caf=C3=A9 and th=C3=A9",
            "Oslo./n/nBergen./n* Tromso",
            "b'Oslo'",
            "[{'type': 'text', 'text': 'Oslo'}]",
            'data: {"candidates": []}',
            "<p>Oslo</p><p>Bergen</p>",
            "Oslo<br>Bergen<br>Hamar<br>",
            "Oslois old.Bergen is wet.Hamar is cold.Tromso is north.Moss is south.",
        )
    ],
    *[
        ("error-as-text", unary(answer(text)))
        for text in ("upstream request timeout", "Bad Gateway", "The model is overloaded. Please try again later.", "<html><head><title>502 Bad", "<!DOCTYPE html><html><head><title>502 Bad", "Error: upstream returned 503 Service Unavailable", "Your free quota is used up.")
    ],
    ("stream-blanks", text_stream("Oslo ", " has ", " a ", " long ", " fjord.")),
    ("missing-value", unary(answer("Oslo lies at... [truncated]"))),
    *[
        ("text-form", unary(answer(text)))
        for text in (
            "the capital lies at the northern end of the fjord.",
            " ".join("Oslo lies at the end of the Oslofjord."),
            "The  city  lies  at  the  end  of  a  long  fjord  among  hills.",
            "Oslo lies at a fjord."[::-1],
            "lies at a fjord. Around it are hills.",
            "Caf<0xC3><0xA9> Bl<0xC3><0xA5>",
            "Caf+AOk- and bl+AOU-",
            "Oslo_lies_at_the_northern_end_of_the_fjord.",
            "Oslo\u2581lies\u2581at\u2581the\u2581fjord",
        )
    ],
    *[("unicode", unary(answer("Bjørn og Åse på fjellet".encode().decode(page)))) for page in ("cp437", "cp850", "mac_roman", "koi8-r")],
    ("unicode", unary(answer("\x1b[32mOslo\x1b[0m"))),
    *[("escaped-text", unary(answer(text), ASKED_NOTHING)) for text in ('{"response": "Oslo"}', '{"parts": [{"text": "Oslo"}]}', r'"Oslo\nBergen"')],
    ("escaped-text", unary(answer("2026-11-20 12:00:01 INFO proxy: Oslo"))),
    ("escaped-text", unary(answer(b"The city of Oslo lies at a fjord.".hex()))),
    ("escaped-text", unary(answer('Say \\"Oslo\\",\nor say \\"Bergen\\".'))),
    ("escaped-text", unary(calling(city="New%20York"), TOOLS)),
    *[("escaped-text", unary(answer(text))) for text in ("<![CDATA[Oslo]]>", r"{\rtf1\ansi Oslo}")],
    ("control-token", unary(answer("Oslo.<unused94>"))),
    ("control-token", unary(answer("<|channel|>Oslo."))),
    ("missing-value", unary(answer("It is ## km to Moss, ### to Hamar and $#.## by bus."))),
    ("missing-value", unary(answer("The ***** lies at ***** and the ***** is cold."))),
    ("missing-value", unary(answer("<PERSON> met <PERSON> and <PERSON>."))),
    ("missing-value", unary(answer("The f**** is a r***** of g**** water."))),
    *[("missing-value", unary(calling(city=city), TOOLS)) for city in ("<city>", "***", "None", "'Oslo'")],
    ("error-as-text", unary(answer("Oslo.\n\n(You have 3 messages left today.)"))),
    ("error-as-text", unary(answer("Oslo.\n\nGenerated by GPT-4o"))),
    ("error-as-text", unary(answer("Oslo.\n\n---\nPowered by Free AI: https://ai.example.com"))),
    ("prompt-repeated", unary(answer(QUESTION), {"contents": [{"parts": [{"text": QUESTION}]}]})),
    ("text-twice", unary(answer(f"Oslo. Bergen.\n\n{PLAN} So be it.\n\n{PLAN} So be it."))),
    ("text-twice", unary(chunk({"text": PLAN, "thought": True}, {"text": PLAN, "thought": True}, {"text": "Oslo"}, finish="STOP", usageMetadata=USAGE))),
    ("finish-reason", unary(with_candidate(answer(), finishMessage="Internal error encountered."))),
    ("part-kind", unary(chunk({"text": "", "thought": True}, {"text": "Oslo"}, finish="STOP", usageMetadata=USAGE))),
    ("code-result", unary(ran('"print(1)\\nprint(2)"', "1"), CODE_TOOL)),
    ("code-result", unary(ran("print(1", "1"), CODE_TOOL)),
    ("code-result", unary(ran("print(1)", ""), CODE_TOOL)),
    ("escaped-text", unary(answer("<final_answer>Oslo lies at the fjord.</final_answer>"))),
    ("escaped-text", unary(answer("<!DOCTYPE html>\n<html><body>Sign in</body></html>"))),
    *[("escaped-text", unary(answer(text))) for text in ("map[parts:[map[text:Oslo]]]", "{ text: 'Oslo' }", 'parts {\n  text: "Oslo"\n}', "<generator object stream at 0x7f3c>")],
    *[("error-as-text", unary(answer(text))) for text in ("KeyError: 'candidates'", "list index out of range", "The service is under maintenance.", "Your API key has been disabled.")],
    ("error-as-text", unary(answer("Oslo.\n\n(Tokens used: 123, cost: $0.0004)"))),
    *[("missing-value", unary(answer(text))) for text in ("Lorem ipsum dolor sit amet.", "This is a mock response.")],
    ("text-form", unary(answer("It is $frac{1}{2}$ of them."))),
    ("unicode", unary(answer("beauti\xadful Nor\xadway and its won\xadderful fjords"))),
    ("stream-delta", text_stream("Oslo lies at Oslo lies at ", "the long fjordthe long fjord", ".")),
    ("sse-framing", stream(chunk({"text": "Os"}), {"usageMetadata": USAGE}, answer("lo"))),
    ("wire-type", unary({**answer(), "createTime": "2026-13-01T00:00:00Z"})),
    ("foreign-id", unary({**answer(), "responseId": "gemini-2.5-flash"})),
    ("code-result", unary(ran("if 1:\nprint(1)", "1"), CODE_TOOL)),
    ("code-result", unary(ran("for _ in range(2): a = 1 for _ in range(3): b = 2 print(a, b) # the numbers, one by one", "1"), CODE_TOOL)),
    ("code-result", unary(ran("if 1 &lt; 2:\n    print(1)", "1"), CODE_TOOL)),
    ("code-result", unary(ran("print(1)", "1\\n"), CODE_TOOL)),
    ("finish-reason", unary(with_candidate(calling(city="Oslo"), finishReason="OTHER"), TOOLS)),
    ("visible-output", unary(chunk({"text": "Oslo"}, {}, finish="STOP", usageMetadata=USAGE))),
    ("safety-ratings", unary(rated(probability="LOW", probabilityScore=7.5))),
    ("thought-signature", unary(chunk(calling_part("Oslo"), calling_part("Rome", thoughtSignature="AbCd"), finish="STOP", usageMetadata=USAGE), TOOLS)),
    ("call-as-text", unary(answer('Action: get_weather\nAction Input: {"city": "Oslo"}'), TOOLS)),
    ("call-as-text", unary(answer('[Called function get_weather with arguments {"city": "Oslo"}]'), TOOLS)),
    ("escaped-text", unary(answer("It is 15\\u00b0C and cloudy."))),
    ("escaped-text", unary(answer("Cities:\\n\\n* `Oslo`\\n* `Bergen`"))),
    ("escaped-text", unary(answer("The fjord is lon=\ng and the hills a=\nre wooded."))),
    ("escaped-text", unary(answer("Cities:\n```python\nfor city in cities:\nprint(city)\n```"))),
    ("escaped-text", unary(answer("VGhlIHN1biByaXNlcyBvbiBhIGhpbGwu"))),
    ("escaped-text", unary(answer("ThecapitalofNorwayisOslo.Itliesattheendofthefjord,amongwoodedhills,andhasmanytrams."))),
    ("escaped-text", unary(chunk({"text": "I look.\\n\\nIt is Oslo.\\n\\nSo be it.", "thought": True}, {"text": "Oslo"}, finish="STOP", usageMetadata=USAGE))),
    ("missing-value", unary(answer('{"city": "\\"Oslo\\""}'), JSON_MODE_OF_CITY)),
    ("control-token", unary(answer("Oslo.[DONE]"))),
    ("error-as-text", unary(answer("Oslo.\n\nYou have exceeded your free quota. Upgrade at https://a.example/pricing"))),
    ("prompt-repeated", unary(answer(PLAN), {"systemInstruction": {"parts": [{"text": PLAN}]}, **ASKED_NOTHING})),
    ("text-twice", unary(answer("The **The sun sun** was was setting setting slowly slowly, casting casting long long shadows shadows."))),
    ("unicode", unary(answer("It is 15?C in Oslo."))),
    ("unicode", unary(answer("The sun鈥檚 light falls on the hills."))),
    ("unicode", unary(answer("Oslo ⿠⾰\u2fef\u0530 lies"))),
    ("null-field", unnormalised(with_candidate(answer(), safetyRatings=None))),
    ("stream-blanks", text_stream("Oslo has a\n", " long fjord,\n", " many small\n", " islands.\n")),
    ("stream-blanks", text_stream("Oslo has a long fjord.", "The hills around it are wooded.")),
    ("text-per-token", unary(answer("Oslo lies.", usageMetadata={**USAGE, "candidatesTokenCount": 900, "totalTokenCount": 905}), {"tools": [{"codeExecution": None, **TOOLS["tools"][0]}]})),
    ("grounding-chunks", unary(grounding(searchEntryPoint={"renderedContent": ""}))),
    ("grounding-chunks", unary(grounding(webSearchQueries=["Oslo", "Oslo"], groundingChunks=[WEB]))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://vertexaisearch.cloud.google.com/grounding-api", "title": "a"}}]))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://a.example/ target=_blank", "title": "a"}}]))),
    ("grounding-range", unary(with_candidate(answer(), citationMetadata={"citationSources": [{"endIndex": 2, "uri": "not a uri"}]}))),
    ("grounding-chunks", unary(grounding(searchEntryPoint={"renderedContent": "PGRpdj48L2Rpdj4" * 6}))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://a.example/", "title": title}} for title in "abc"]))),
    ("logprobs", unary(with_candidate(answer(), logprobsResult={"chosenCandidates": [{"token": "Oslo", "logProbability": -0.1}]}), {"contents": []})),
    ("text-per-token", unary(answer(f"{PLAN} And th...", usageMetadata={**USAGE, "candidatesTokenCount": 60, "totalTokenCount": 65}))),
    ("token-count", other({"totalTokens": len(QUESTION)}, "countTokens", {"contents": [{"parts": [{"text": QUESTION}]}]})),
    ("error-envelope", unary({**ERROR, "candidates": []}, status=429)),
    ("inline-mime", unary(picture(b"\xff\xd8\xff\xe0\xff\xd9", "image/jpg"))),
    ("json-body", exchange(b'[{"candidates": []},]', request({}, stream=True))),
    ("control-token", unary(answer("Oslo.\nUser:"))),
    ("unicode", unary(answer("\ufeffOslo"))),
    ("text-twice", unary(answer(f"{PLAN[:50]} {PLAN}"))),
    ("text-twice", unary(answer(f"{PLAN} {PLAN[:50]}"))),
    ("error-envelope", unary({"error": {**ERROR["error"], "details": {"@type": "a"}}}, status=429)),
    ("error-envelope", unary({"error": {**ERROR["error"], "message": "undefined"}}, status=429)),
    ("error-envelope", exchange(sse(ERROR), request({}), status=429)),
    # errors
    ("error-status-name", unary({"error": {"code": 400, "message": "x", "status": "NOT_FOUND"}}, status=400)),
    # the form of a stream
    ("sse-framing", exchange(b"data: {}\n\n" + sse(answer()), request({}, stream=True))),
    ("sse-framing", exchange(sse(answer("a"), {"type": "ping"}), request({}, stream=True))),
]  # fmt: skip

RIGHT: Sequence[tuple[str, Exchange]] = [
    ("error-as-text", unary(answer("Your quota was exceeded."), asking("The message of the app if a user sends too much?"))),
    ("output-limit", unary(answer("Oslo lies at the fjord.", usageMetadata=tokens(58)), config(maxOutputTokens=60))),
    ("text-per-token", unary(answer(PLAN * 4, usageMetadata=tokens(34)))),
    ("null-word", unary({**answer(), "createTime": "2026-11-28T10:00:00Z"})),
    ("resource", about({"models": [MODEL]}, "models", "GET")),
    ("alias-family", unary(answer(modelVersion="gemini-5.1-flash"), {}, "gemini-flash-latest")),
    ("model-version", unary(answer(modelVersion="gemini-5.1-flash"), {}, "gemini-flash-latest")),
    ("model-version", unary(answer(modelVersion="gemini-2.0-flash-thinking-exp-01-21"), {}, "gemini-2.0-flash-thinking-exp")),
    ("other-maker", unary(answer(modelVersion="projects/p/locations/l/endpoints/7"))),
    ("other-maker", unary(answer(modelVersion="claude-sonnet-4-5"), {}, "claude-sonnet-4-5")),
    ("response-id-stable", stream(chunk({"text": "a"}), answer("b"))),
    ("service-tier", unary(cached(serviceTier="flex"), {"serviceTier": "flex"})),
    ("service-tier", unary(answer(), {"serviceTier": "flex"})),
    ("service-tier", from_vertex({}, asks="flex", got="ON_DEMAND_FLEX")),
    ("service-tier", from_vertex({}, asks="priority", got="PROVISIONED_THROUGHPUT")),
    ("max-tokens-unasked", unary(cut(2), config(maxOutputTokens=5))),
    ("max-tokens-unasked", unary(cut(20), config(maxOutputTokens=24))),
    ("max-tokens-unasked", unary(cut(1_200), {})),
    ("max-tokens-unasked", unary(cut(4, totalTokenCount=905), config(maxOutputTokens=1_000))),
    ("max-tokens-unasked", unary(cut(300), {"continuationToken": "t"})),
    ("max-tokens-unasked", unary(cut(300))),
    ("candidate-count", unary(several("a", "b"), config(candidateCount=2))),
    ("candidate-count", unary(several("a", "b"))),
    ("cached-within-prompt", unary(cached(cachedContentTokenCount=8, toolUsePromptTokenCount=4))),
    ("cached-within-prompt", unary(CACHED)),
    ("usage-details", unary(CACHED, {})),
    ("wire-known", unary(cached(serviceTier="SERVICE_TIER_STANDARD"))),
    ("cached-within-prompt", unary(cached(cachedContentTokenCount=4, cacheTokensDetails=details(TEXT=4)))),
    ("text-per-token", unary(answer("| a |\n" + "-" * 900))),
    ("text-per-token", unary(answer("Oslo is a city. " * 20, usageMetadata={**USAGE, "candidatesTokenCount": 60}))),
    ("logprobs", unary(with_candidate(answer(), avgLogprobs=2.6e-05))),
    ("logprobs", unary(with_candidate(answer(), avgLogprobs="Infinity"))),
    ("role", unary(with_candidate(answer(), content={"parts": [{"text": "a"}]}))),
    ("block-with-answer", unary({"promptFeedback": {"blockReason": "SAFETY"}, "candidates": []})),
    ("block-with-answer", unary(rated(probability="LOW", blocked=False))),
    ("block-with-answer", unary({**rated(blocked=True), "candidates": [{"finishReason": "SAFETY"}]})),
    ("thought-repeated", stream(*(chunk({"text": text, "thought": True}) for text in (PLAN, PLAN[:9] * 9, PLAN[9:] * 2)), answer(f"Oslo. {PLAN}"))),
    ("thought-repeated", unary(chunk({"text": "Oslo?", "thought": True}, {"text": "Oslo? Yes."}))),
    ("stream-duplicate", text_stream("ha ha ", "ha ha ", "ha")),
    ("stream-duplicate", stream(spoken(1, 25), spoken(1, 50))),
    ("stream-end", stream(answer("a"), chunk(usageMetadata=USAGE))),
    ("unicode", unary(answer("SÃO PAULO, Âncora, 22,5 °C, “coração” ÃO — 日本 😀"))),
    ("unicode", unary(answer("Il dit : « Un café…» “É”"))),
    ("unicode", exchange(CUT_EMOJI, request({}, stream=True))),
    ("text-loop", unary(answer("| - |\n" * 60))),
    ("escaped-text", unary(answer("Write &lt;b&gt; for <b>, and &amp; for itself."))),
    ("escaped-text", unary(answer("The regular expression `\\n\\n` finds an empty line."))),
    ("escaped-text", unary(answer('["a\\nb\\nc"]'), JSON)),
    ("escaped-text", unary(answer('"To be, or not to be."'))),
    ("escaped-text", unary(answer('{"parts": [{"text": "Oslo"}]}'), JSON)),
    ("alias-family", unary(answer(modelVersion="gemini-4-hydrogen"), {}, "gemini-flash-latest")),
    ("model-version", exchange(answer(), replace(request({}), url=TUNED))),
    ("service-tier", unary(cached(serviceTier="priority"))),
    ("output-limit", unary({**several("a", "b"), "usageMetadata": FULL}, config(candidateCount=2, maxOutputTokens=500))),
    ("prompt-per-token", unary(answer(usageMetadata={**USAGE, "promptTokenCount": 9_000, "totalTokenCount": 9_001}), {"continuationToken": "t"})),
    ("response-id-stable", stream(chunk({"text": "a"}, responseId="r"), chunk({"text": "b"}), answer("c", responseId=None))),
    ("foreign-id", unary(calling_with(id="call_1"))),
    ("part-kind", unary(chunk({"text": "I look.", "thought": True}, {"text": "Oslo"}, {"text": "I see.", "thought": True}, {"text": "!"}, finish="STOP"))),
    ("input-lost", unary(answer("I can't access the live balance of your account."), {"tools": [{"googleSearch": {}}]})),
    ("input-lost", unary(answer("A pen. I cannot see any document, so it is tidy."), IN_THE_PICTURE)),
    ("escaped-text", unary(answer('```python\npage = "&lt;p&gt;"\n```'))),
    ("escaped-text", unary(answer("```html\n&copy; &lt; &gt;\n```"), {"contents": [{"parts": [{"text": "Show HTML"}]}]})),
    ("tool-unasked", unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{"maps": {"title": "Opera"}}]}), {"contents": [{"parts": [{"text": "Where?"}]}], "tools": [{"google_maps": {}}]})),
    ("json-parses", unary(answer('{"a": {"x": "\\"y\\":"}, "b": {"x": 2}}'), JSON)),
    ("json-schema", unary(answer('{"a": "null"}'), config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}))),
    ("text-twice", unary(answer("Bora Bora\nPago Pago\nWalla Walla\nBaden Baden\nSing Sing\nPuka Puka"))),
    ("inline-mime", unary(picture(b"\0" * 40, "audio/L16;codec=pcm;rate=24000"))),
    ("escaped-text", unary(answer("<p>Oslo</p>"), {"systemInstruction": {"parts": [{"text": "Answer in HTML."}]}})),
    ("null-word", unary(with_candidate(answer("None"), groundingMetadata={"webSearchQueries": ["undefined"]}))),
    ("input-lost", unary(answer("I cannot access your calendar."), {"tools": [{"googleSearch": {}}]})),
    ("input-lost", unary(answer("No, I do not see a person in the image."), IN_THE_PICTURE)),
    ("input-lost", unary(answer("I can't see the image's border."), IN_THE_PICTURE)),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://a.example/search?q=a+b, c", "title": "a"}}]))),
    ("text-form", unary(answer("nitrogen, oxygen, argon, neon, helium, krypton, hydrogen, xenon"))),
    ("text-form", unary(answer("the hill is green and the water is so cold."), {"contents": [{"parts": [{"text": "In lower case"}]}]})),
    ("text-form", unary(answer("and then it rained. We went home."), {"contents": [{"role": "model", "parts": [{"text": "First"}]}]})),
    ("text-form", unary(answer("Use approx. ten, e.g. five. See the list. Add .env and .git to it."))),
    ("text-form", unary(answer("LICENSE AND COPYING"))),
    ("text-form", unary(answer("> To be, or not to be.\n\nHamlet says so."))),
    ("escaped-text", unary(answer("<city>Oslo</city>"), {"contents": [{"parts": [{"text": "Answer within a city element."}]}]})),
    ("error-as-text", unary(answer("Your API keys are safe in a vault."))),
    ("grounding-uri", unary(grounding(groundingChunks=[{"web": {"uri": "https://a.example/?next=localhost", "title": "a"}}]))),
    ("finish-reason", unary(with_candidate(answer("Oslo"), finishReason="STOP"))),
    ("stream-blanks", text_stream("def f():\n", "    return 1\n", "print(f())\n", "# the end")),
    ("null-field", unnormalised(with_candidate(answer(), safetyRatings=None, citationMetadata=None, avgLogprobs=None, logprobsResult=None))),
    ("text-form", unary(answer("Příliš žluťoučký kůň úpěl ďábelské ódy. " * 4))),
    ("text-form", unary(answer("- get_the_weather_of_a_city\n- get_the_time\n\nBoth are functions."))),
    ("unicode", unary(answer("Où est l'été ? À Besançon, « là-bas » — 20 °C."))),
    ("unicode", unary(answer("Привет, мир! Ёлка № 5"))),
    ("unicode", unary(answer("The integral of the bell curve is √π, its half √π/2."))),
    ("unicode", unary(answer("loading █░ 50%"))),
    ("missing-value", unary(calling(city=""), TOOLS)),
    ("missing-value", unary(answer("## Oslo\n\n### Bergen\n\n#### Moss\n\nIssue #5 is about C# and F#."))),
    ("missing-value", unary(answer("It is **old**, ***very*** old.\n\n*****\n\nThe *end*."))),
    ("error-as-text", unary(answer("Oslo.\n\nSubscribe at https://a.example"), {"contents": [{"parts": [{"text": "Write a mail"}]}]})),
    # of what looks like a fault, and is what a form, a receipt or a page gives
    ("missing-value", unary(calling(city="Please wait while I look at the map..."), TOOLS)),
    *[("missing-value", unary(answer(text), JSON)) for text in ('{"a": "", "b": ""}', '[{"a": 1, "b": 2}, {"a": 1, "b": 2}]')],
    *[("escaped-text", unary(answer(text))) for text in ('{"response": "Oslo"}', r'"Oslo\nBergen"')],
    ("escaped-text", unary(calling("search", city='"Oslo"'), {"tools": [{"functionDeclarations": [{"name": "search"}]}]})),
    ("part-kind", unary(steps({"functionCall": {"name": "weather", "args": {}}}, RESULT, {"text": "Cold."}))),
    ("grounding-uri", unary(grounding(groundingChunks=[WEB] * 3))),
    ("grounding-support", unary(grounding(groundingChunks=[WEB] * 2))),
    ("text-twice", unary(answer("Knock knock.\nWho is there?\nA harness.\n\n" * 2 + "Go away."))),
    ("stream-delta", text_stream("Bread from Oslo 1.00\nBread from Oslo 1.00\nBread", " from Oslo 1.00\nBread from Oslo 1.00\n")),
    ("code-result", unary(ran("print('', end='')", ""), CODE_TOOL)),
    ("code-result", unary(ran("type Pair = int\ndef first[T](a: T) -> T: ...", "1"), CODE_TOOL)),
    ("code-result", unary(ran("x = 1", ""), CODE_TOOL)),
    ("code-result", unary(ran("x = {'a': 1}\nprint(f'{x['a']}')", "1"), CODE_TOOL)),
    ("code-result", unary(ran(f"x = {'1 + ' * 4000}1\nprint(x)", "4001"), CODE_TOOL)),
    ("code-result", unary(ran("print('\\d')", "\\d"), CODE_TOOL)),
    ("finish-reason", unary(with_candidate(calling(city="Oslo"), finishMessage="Model generated function call(s)."), TOOLS)),
    ("error-as-text", unary(answer("Error 429 means that you should wait."))),
    ("error-as-text", unary(answer("Error: 429"), {"contents": [{"parts": [{"text": "Which error?"}]}]})),
    ("prompt-repeated", unary(answer(PLAN * 2), {"contents": [{"parts": [{"text": PLAN * 2}]}]})),
    ("escaped-text", unary(answer(f"It costs 3 * 4 = 12. * **Oslo** is one item. {PLAN * 6}"))),
    ("unicode", unary(answer("Is Oslo old? See https://a.example/search?q=1&b=2 and b?page=3 and c?d=4."))),
    ("escaped-text", unary(answer(r"$$\nabla \times \rho \neq \theta \to \text{a}$$"))),
    ("null-field", unary(with_candidate(answer(), logprobsResult={"chosenCandidates": [{"token": "", "logProbability": -0.1}]}))),
    ("null-field", unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{"retrievedContext": {"customMetadata": [{"key": "note", "stringValue": ""}]}}]}))),
    ("null-field", unary(with_candidate(answer(), citationMetadata={"citationSources": [{"license": ""}]}))),
    ("code-result", unary(answer(usageMetadata={**USAGE, "toolUsePromptTokenCount": 9}), {"tools": [{"mcpServers": [{"name": "a"}]}]})),
    ("control-token", unary(answer("It ends with </s>."), {"contents": [{"parts": [{"text": "Explain </s>"}]}]})),
    ("stop-sequence", unary(answer("Oslo. "), config(stopSequences=["END"]))),
    # answers to prompts about texts for programs, and about the texts themselves
    *[
        (rule, unary(answer(text), {"contents": [{"parts": [{"text": asked}]}]}))
        for rule, asked, text in (
            ("escaped-text", "Which angles are meant?", r"Of $\triangle ABC$ is $\angle A$, $\tanh x$, $\notin$"),
            ("escaped-text", "Since when?", r"Since $\nsubseteq B$, $\nexists x$ and $\textit{n}$"),
            ("escaped-text", "Where is the file?", r"In C:\Windows\temp, else in C:\runtime\new."),
            ("escaped-text", "Explain this regex", r"The class [\n\r\t] is a newline or a tab."),
            ("escaped-text", "Which entities does HTML have?", "&amp;, &lt; and &gt;"),
            ("escaped-text", "Encode it for an address", "hello%20my%20world"),
            ("escaped-text", f"Give this in Base 64: {PLAN}", base64.b64encode(PLAN.encode() * 2).decode()),
            ("error-as-text", "Name a car", "500 Abarth"),
            ("error-as-text", "When did Rome fall?", "476 Fall of Rome"),
            ("error-as-text", "Which HTTP status is that?", "404 Not Found"),
            ("error-as-text", "Write the JSON of a failed login", '{"error": {"code": 401}}'),
            ("missing-value", "What does JavaScript print?", "NaN"),
            ("control-token", "How does ChatML part messages?", "It uses <|im_start|> and <|im_end|>."),
            ("thought-leak", "Name the parts of MVC", "model\nview\ncontroller"),
            ("thought-leak", "Write a talk of a user and a model", "model: Hello"),
            ("thought-leak", "How does it mark reasons?", "It writes <think> before and </think> after them."),
            ("unicode", "Which pattern of a regex?", "colou?r, favou?rite, honou?r"),
            ("unicode", "Where?", "https://a.example/a?b, https://a.example/find?term, https://a.example/x?page"),
            ("unicode", "Explain combining accents", "e and U+0301 are e\u0301."),
            ("prompt-repeated", f"Continue: {PLAN}", f"Continue: {PLAN} And then I went home."),
            ("text-twice", "Repeat it twice", f"{PLAN}\n{PLAN}"),
            ("text-twice", "Write it forty times", f"{PLAN}\n" * 40),
            ("text-loop", "Write it forty times", f"{PLAN}\n" * 40),
            ("text-loop", "The weekday of the next 40 Mondays?", "Monday\n" * 40),
            ("missing-value", "What is 1 divided by 0?", "undefined"),
            ("error-as-text", "Was bedeutet 500?", "Error 500 (Internal Server Error) bedeutet, dass er nicht kann."),
            ("error-as-text", "Give me an answer of an API", '{"error": {"code": 404}}'),
            ("escaped-text", "How is the ampersand written?", "&amp; or &#38;"),
            ("control-token", "Write it down", "`data: [DONE]` ends it."),
            ("escaped-text", "Which namespaces?", "Microsoft.Extensions.DependencyInjection.Options and System.Collections.Generic"),
            ("escaped-text", "Opening hours?", "Mo:Closed,Tu:Open,We:Open,Th:Open,Fr:Open"),
            ("escaped-text", "Make a quiz", '{"choices": ["a", "b"], "answer": "a"}'),
            ("escaped-text", "Quote it", r'"He said \"no\" and left."'),
            ("missing-value", "Explain tail", "The output was ... [truncated by the tool] and went on."),
            ("missing-value", "Write pi", "3.14159... (1,000 characters more would follow)"),
            ("error-as-text", "What does 429 mean? In three words.", "Too Many Requests"),
            ("error-as-text", "Übersetze: Das Modell ist überlastet.", "The model is overloaded."),
            ("escaped-text", "The applicants as JSON", '{"candidates": [{"text": "Anna"}]}'),
            ("escaped-text", "Write A 80 times", "A" * 80),
            ("escaped-text", "Which types?", "Use http.Client to ask, http.Server to serve, url.Values to read and time.Duration to wait."),
            ("escaped-text", "Cities without blanks", "Oslo,Bergen,Moss,Narvik,Hamar," * 20),
            ("escaped-text", "Which keys?", "ctrl+alt+delete"),
            ("escaped-text", "Where is it on Windows?", r"In C:\new\readme and D:\temp."),
            ("escaped-text", "What is &amp; in a text?", "Write &amp; for a sign, and &lt; for another."),
            ("control-token", "How do I strike out words in a chat?", "Send <s>this</s>."),
            ("missing-value", "How many moons does Venus have?", "None"),
            ("missing-value", "Redact the names", "[REDACTED] met [REDACTED]."),
            ("missing-value", "Which value does void 0 have in JS?", "undefined"),
            ("control-token", "Write a short chat", "User: Hi\nAssistant: Hello\nUser: Bye\nAssistant: Bye"),
            ("replacement-character", "Which character is \ufffd?", "\ufffd is U+FFFD."),
            ("escaped-text", "Answer as {answer}", '{"answer": "Oslo"}'),
            ("text-form", "Make up some DNA", "ATGCGTACGTTAGCCTAGGCTAACGTTAGCATCGATCGGCTAAGC"),
            ("text-form", "Transcribe it", "so we went home and then we had some tea and cake."),
            ("text-form", "What is curl?", "curl is a program. It gets what an address has."),
            ("text-form", "How do I install it?", "npm ci installs what `package-lock.json` says. It is fast."),
            ("prompt-repeated", f"Translate: {PLAN}", f"Translate: {PLAN} Nothing is to do."),
            ("text-twice", "Schreib es zweimal", f"{PLAN}\n{PLAN}"),
            ("text-twice", "Write a blues", f"{PLAN},\n{PLAN},\nand so it ends."),
            ("unicode", "Words for a crossword", "c?t, d?g, b?t, h?t"),
            ("error-as-text", "Why was I refused?", "The model is overloaded when too many people ask."),
        )
    ],
    ("prompt-repeated", unary(answer(f"{PLAN * 2} So it is."), {"contents": [{"parts": [{"text": "Correct:"}, {"text": PLAN * 2}]}]})),
    ("thoughts-missing", unary({**answer("**Cover Letter**\n\nI apply for the post.", usageMetadata={**USAGE, "thoughtsTokenCount": 9}), "modelVersion": "gemini-3-flash-preview"}, config(thinkingConfig={"includeThoughts": True}))),
    ("text-twice", unary(answer("Row, row, row your boat. " * 2))),
    ("escaped-text", unary(answer("https://a.example/b%20c%20d"))),
    ("escaped-text", unary(answer("C++ and 1+1+1"))),
    ("escaped-text", unary(answer("a\r\nb"), {"contents": [{"parts": [{"text": "Repeat: a\r\nb"}]}]})),
    ("missing-value", unary(answer("None"), {"contents": [{"parts": [{"text": "Answer None if there is none."}]}]})),
    ("missing-value", unary(answer("The value is undefined"))),
    ("null-field", unary(calling(city=None), {"tools": [{"functionDeclarations": [{"name": "get_weather"}]}]})),
    ("null-word", unary(answer("null"))),
    ("duplicate-key", unary(json.dumps(answer('{"text": 1, "text": 2}')).encode())),
    ("base64", unary(chunk({"text": "Oslo", "thoughtSignature": base64.b64encode(b"\x12\x5a" + bytes(90)).decode()}))),
    ("stream-blanks", text_stream("ab", "cd", "ef", "gh", "ij", "kl")),
    ("stream-blanks", text_stream("the first, ", "the second ", "and the last", "or none", "at all")),
    ("text-per-token", unary(answer("Oslo", usageMetadata={**USAGE, "candidatesTokenCount": 90}))),
    ("base64", unary(chunk({"text": "Oslo", "thoughtSignature": "signature_REDACTED_1"}))),
    ("text-loop", unary(answer(LABELS), {"contents": [{"parts": [{"text": "Judge each:\n" + "A review.\n" * 36}]}]})),
    ("text-loop", unary(answer(json.dumps([False] * 64)), {"contents": [{"parts": [{"text": "An empty grid of eight by eight cells, please."}]}]})),
    ("media-counted", pictured(280, mediaResolution="MEDIA_RESOLUTION_LOW")),
    ("media-counted", pictured(1100)),
    ("usage-present", stream(chunk({"text": "a"}), chunk({"text": "b"}), answer("c"))),
    ("text-cut", unary(answer("\n".join(LINES).replace(".", "") + "\nand the harbour lies still in the long night"))),
    ("grounding-support", unary(grounding(groundingChunks=TWO_PLACES, groundingSupports=[{**support(0, 4), "groundingChunkIndices": [1]}]))),
    ("text-per-token", unary({**calling(city="Oslo"), "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 18, "totalTokenCount": 23}}, TOOLS)),
    ("grounding-uri", of_file("Oslo", "fileSearchStores/a")),
    ("text-loop", unary(answer("\n".join([*map(str, range(47)), *["and on"] * 29, *map(str, range(20))])))),
    ("text-loop", unary(answer("Wait" + "." * 400))),
    ("text-loop", unary(answer("a" * 55 + "7" * 99 + "b" + " " * 999 + "c"))),
    ("text-loop", unary(answer(json.dumps({"row": [0] * 28}), ), JSON)),
    ("text-loop", unary(answer("\n".join(f"{n}. a line" for n in range(60))))),
    ("json-order", unary(answer('{"b": 1}'), config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "propertyOrdering": [["b"]]}))),
    ("grounding-confidence", unary(supported(confidenceScores=[]))),
    ("grounding-confidence", unary(supported(confidenceScores=[1]))),
    ("grounding-uri", unary(with_candidate(answer(), groundingMetadata={"groundingChunks": [{"retrievedContext": {"title": "a"}}]}))),
    ("url-fetch-failed", unary(fetched("URL_RETRIEVAL_STATUS_SUCCESS"))),
    ("calling-mode", unary(answer(), OTHER_TOOL)),
    ("calling-mode", unary(calling(city="Oslo"), {**TOOLS, **mode("ANY", allowedFunctionNames=["get_weather"])})),
    ("calling-mode", unary(answer(), {**TOOLS, **mode("VALIDATED", allowedFunctionNames=["get_weather"])})),
    ("calling-mode", unary(with_candidate(answer(), finishReason="SAFETY"), {**TOOLS, **mode("ANY")})),
    ("call-id-unique", unary(identified("a", "b"), TOOLS)),
    ("call-id-unique", unary({**identified(None), "modelVersion": "gemini-3-flash-preview"}, TOOLS, "gemini-3-flash-preview")),
    ("call-id-unique", unary({**identified(None), "modelVersion": "gemini-3.6-flash", "createTime": "2026-11-01T00:00:00Z"}, TOOLS)),
    ("call-complete", stream(*IN_PIECES, chunk({"functionCall": {}}, finish="STOP"))),
    ("call-as-text", unary(answer("```tool_code\nprint(1)\n```"))),
    ("call-as-text", unary(answer("I called get_weather, and it is cold."), TOOLS)),
    ("function-duplicate", unary(chunk(*[{"functionCall": {"name": "roll"}}] * 3))),
    ("function-duplicate", unary(identified("a", "b"))),
    ("function-args", unary(calling("roll", sides=6), {"tools": [{"functionDeclarations": [{"name": "roll"}]}]})),
    ("base64", unary(picture(png(8, 8)))),
    ("base64", unary(picture("<BASE64>"))),
    ("base64", unary(picture("iVBORw0KGgoAAAA…"))),
    ("image-whole", unary(picture(png(64, 64) + b"\0" * 9))),
    ("image-whole", unary(picture(JPEG + b"\xff\xd9", "image/jpeg"))),
    ("image-shape", unary(picture(png(896, 1152)), shape(aspectRatio="4:5", imageSize="1K"))),
    ("image-shape", unary(picture(png(64, 32), thought=True), shape(aspectRatio="1:1"))),
    ("image-shape", unary(picture(png(64, 32)), shape(aspectRatio="auto"))),
    ("audio-length", unary(spoken(10, 250))),
    ("audio-length", unary(spoken(1, 250, "audio/mpeg"))),
    ("error-status-name", unary({"error": {"code": 400, "message": "x", "status": "FAILED_PRECONDITION"}}, status=400)),
    ("error-status-name", unary({"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}, status=429)),
    ("error-status-name", unary({"error": {"code": [], "message": "x", "status": "INTERNAL"}}, status=502)),
    ("sse-framing", stream(chunk({"text": "a"}), answer("b"), {"responseId": "r"})),
    ("content-type", exchange(sse(answer()), replace(request({}, stream=True), url="https://x/v1/models/m:streamGenerateContent"))),
    ("usage-prompt-stable", stream(chunk({"text": "a"}, usageMetadata={"promptTokenCount": 4}), answer("b"), body=TOOLS)),
    ("usage-prompt-stable", stream(chunk({"text": "a"}, usageMetadata={"promptTokenCount": 4}), chunk({"text": "b"}, usageMetadata=USAGE), answer(""), body=TOOLS)),
    ("wire-type", unary(chunk({"text": "a", "thoughtSignature": "<signature>"}, finish="STOP", usageMetadata=USAGE))),
    ("wire-type", unary(picture("[image data]"))),
    ("wire-known", unary(with_candidate(answer(usageMetadata={**USAGE, "billablePromptUsage": {"textCount": 3}}, turnToken="t"), score=-1.5))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "recorded"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BROKEN)])
def test_a_variant_is_noticed(rule: str, recorded: Exchange) -> None:
    assert rule in broken(recorded)


@pytest.mark.parametrize(("rule", "recorded"), RIGHT, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(RIGHT)])
def test_what_looks_like_it_is_right(rule: str, recorded: Exchange) -> None:
    assert rule not in broken(recorded)


# --- one cause is reported once -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "rules"),
    [
        (unary(b"<html>502</html>", status=502, headers={"content-type": "text/html"}), {"http-status", "error-envelope"}),
        (unary(b"<html>", headers={"content-type": "text/html"}), {"json-body"}),
        (exchange(answer(), request({}, stream=True)), {"sse-requested"}),
        (exchange(answer(), request({}, stream=True), headers={"content-type": "application/json"}), {"sse-requested"}),
        (text_stream(PLAN, PLAN), {"stream-delta"}),
        (stream(chunk({"text": "Well: "}), answer(PLAN), answer(PLAN)), {"stream-duplicate"}),
        (exchange(sse({"type": "ping"}, answer()), request({}, stream=True)), {"sse-framing"}),
        (unary(answer(modelVersion="gpt-5"), {}, "gemini-pro-latest"), {"other-maker"}),
        (unary(answer("tool_code"), {**TOOLS, **mode("ANY")}), {"calling-mode"}),
        (unary(calling("x"), {**TOOLS, **mode("NONE")}), {"function-declared"}),
        (unary(answer(promptFeedback={"blockReason": "OTHER"})), {"block-with-answer"}),
        (unary(picture(""), {}), {"base64"}),
        (unary(picture("@@@"), {}), {"base64"}),
        (unary({"error": {**ERROR["error"], "code": 503, "status": "UNAVAILABLE"}}, status=429), {"http-status", "error-envelope"}),
    ],
)  # fmt: skip
def test_one_cause_is_reported_once(recorded: Exchange, rules: set[str]) -> None:
    assert set(broken(recorded)) == rules


# --- every candidate --------------------------------------------------------------------------------------


def second(fault: Mapping[str, Any]) -> dict[str, Any]:
    """A right answer with a second candidate that is not."""
    return {**several("Oslo", "Bergen"), "candidates": [*several("Oslo")["candidates"], {**fault, "index": 1}]}


@given(st.text("abcdefgh-/", min_size=1, max_size=8), st.text("ijklmnop", max_size=120), st.text("q.", max_size=60))
def test_a_run_is_noticed_wherever_it_stands_in_a_word(unit: str, before: str, behind: str) -> None:
    assume(unit.strip("-/"))
    assert "text-loop" in broken(unary(answer(f"Look: {before}{unit * 100}{behind}")))


def test_the_second_candidate_is_judged_too() -> None:
    two = config(candidateCount=2)
    lost = with_candidate(answer("caf\ufffd"))["candidates"][0]
    assert broken(unary(second(lost), two)) == {"replacement-character": "error"}
    assert broken(unary(second({**lost, "content": {}}), two)) == {"visible-output": "error"}
    assert broken(unary(several("Oslo", "Bergen"), two)) == {}


def test_its_events_are_its_own() -> None:
    two, first = config(candidateCount=2), several("A long text that is meant so.", "Another one, of the other.")
    pieces = [{**first, "candidates": [{**one, "finishReason": None}]} for one in first["candidates"]]
    assert "stream-end" in broken(stream(*pieces, answer("."), body=two))
    ended = [{**first, "candidates": [one]} for one in first["candidates"]]
    assert broken(stream(*ended, body=two)) == {}


def test_an_audit_names_the_candidate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = with_candidate(answer("a"), content={"role": "user", "parts": [{"text": "a"}]})["candidates"][0]
    sent = {"contents": [{"parts": [{"text": "hi"}]}], **config(candidateCount=2)}
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    file = tmp_path / "two.json"
    file.write_text(json.dumps({"url": url, "request": sent, "response": second(wrong)}))
    assert main(["audit", str(file), "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["rule"], finding["at"]) == ("role", "$.candidates[1].content.role")
    assert finding["message"].startswith("candidate 1: the role is 'user'")


def test_an_audit_names_the_encoding_of_a_broken_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    response = {
        "status": {"code": 503, "message": ""},
        "headers": {"content-encoding": ["br"]},
        "body": {"string": b"\x8b\x02\x80{garbage\xff\xfe\x01\x02\x03\x04"},
    }
    sent = {"method": "POST", "uri": url, "body": "{}", "headers": {}}
    (tmp_path / "br.yaml").write_text(
        yaml.safe_dump({"interactions": [{"request": sent, "response": response}], "version": 1})
    )
    assert main(["audit", str(tmp_path)]) == 1
    assert "the body is compressed (br), and broken" in " ".join(capsys.readouterr().out.split())


# --- predicates -------------------------------------------------------------------------------------------

LETTERS = st.text(st.characters(min_codepoint=0xA0, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cn")), min_size=2)


@given(LETTERS)
def test_text_decoded_as_latin_1_is_recognised(text: str) -> None:
    found = wrongly_decoded(text.encode().decode("latin-1"))
    assert found is not None
    assert found[1] in text


@given(st.text(st.sampled_from("aãÃâÂéÉøØ °ñ"), max_size=60))
def test_single_letters_with_accents_are_right(text: str) -> None:
    spaced = " ".join(text)
    assert wrongly_decoded(spaced) is None


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
def test_a_png_is_whole_or_it_is_not(width: int, height: int, lost: int) -> None:
    whole = png(width, height)
    assert media.missing_end(whole) is None
    assert media.missing_end(whole[: max(9, len(whole) - lost)]) is not None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("models/gemini-flash-lite-latest", "gemini flash-lite"),
        ("gemini-3.5-flash-lite", "gemini flash-lite"),
        ("gemini-2.5-flash-preview-09-2025", "gemini flash"),
        ("gemini-3.8-flash-lite-tts", "gemini flash-lite tts"),
        ("gemma-4-31b-it", "gemma"),
    ],
)
def test_the_family_of_a_model(model: str, expected: str) -> None:
    assert family(model) == expected


@pytest.mark.parametrize("model", ["gemini-9", "gemma-4-31b-it", "google/gemini-2.5-pro", "tunedModels/x", "4711"])
def test_names_of_googles_models(model: str) -> None:
    assert is_googles(model)


@pytest.mark.parametrize("model", ["gpt-5", "claude-sonnet-4-5", "meta/llama-4", "qwen3-max", "grok-4", "o3"])
def test_names_of_other_makers_models(model: str) -> None:
    assert not is_googles(model)
