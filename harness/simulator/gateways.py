"""What gateways change in requests, answers and errors. ``profiles`` says which gateway does which of it.

The facts are from the sources, documents and recordings of these gateways. Each edit of an answer takes one JSON value, whole or a
chunk, and returns the changed one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.simulator.errors import Refusal
from harness.simulator.prompt_markers import CATEGORIES
from harness.simulator.seed import Seed

Json = dict[str, Any]
KEY_ERRORS = frozenset(["key_missing", "key_invalid", "key_expired", "key_not_found"])
_TYPED = frozenset(
    ["contents", "systemInstruction", "system_instruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent"]
)  # fmt: skip
"""Top-level names that new-api decodes. It drops all others."""
_UNTYPED_CONFIG = frozenset(
    ["responseFormat", "audioTimestamp", "enableEnhancedCivicAnswers", "audioTranscriptionConfig"]
)
_UNTYPED_PARTS = frozenset(["toolCall", "toolResponse", "file_data", "tool_call", "tool_response"])
_CITED = 200
"""Characters from which on an answer of Vertex AI names the source of a passage."""


def request_id(path: str, body: bytes) -> str:
    """An id as new-api writes it: a time in 14 digits, nanoseconds, 8 characters. The same request has the same id."""
    seed = Seed.of("request", path, body)
    clock = f"{seed.between('h', 0, 23):02}{seed.between('m', 0, 59):02}{seed.between('s', 0, 59):02}"
    return f"20261128{clock}{seed.between('ns', 0, 999_999_999):09}{seed.call_id('id')}"


# --- requests -----------------------------------------------------------------------------------------


def typed_request(body: Any) -> Any:
    """The request without the fields that new-api loses when it decodes and encodes it."""
    if not isinstance(body, Mapping):
        return body
    kept = {name: value for name, value in body.items() if name in _TYPED}
    if isinstance(config := kept.get("generationConfig"), Mapping):
        kept["generationConfig"] = {name: value for name, value in config.items() if name not in _UNTYPED_CONFIG}
    if isinstance(contents := kept.get("contents"), list):
        kept["contents"] = [_typed_content(content) for content in contents]
    return kept


def _typed_content(content: Any) -> Any:
    if not isinstance(content, Mapping) or not isinstance(content.get("parts"), list):
        return content
    parts = [_typed_part(part) for part in content["parts"]]
    return {"role": "user", **content, "parts": [part for part in parts if part not in ({}, {"text": ""})]}


def _typed_part(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    kept = {name: value for name, value in part.items() if name not in _UNTYPED_PARTS}
    if isinstance(call := kept.get("functionCall"), Mapping):
        kept["functionCall"] = {name: value for name, value in call.items() if name != "id"}
    return kept


# --- answers ------------------------------------------------------------------------------------------


def without_tier(value: Json) -> Json:
    """``serviceTier`` is dropped."""
    return {
        **value,
        "usageMetadata": {name: count for name, count in value["usageMetadata"].items() if name != "serviceTier"},
    }


def from_vertex(value: Json) -> Json:
    """The fields of Vertex AI: ``trafficType``, ``avgLogprobs``, ``confidenceScores``, ``candidatesTokensDetails`` of text, ratings with
    scores, citations; no ``index`` and no ``serviceTier``. ``createTime`` is added where the time is known."""
    usage = dict(without_tier(value)["usageMetadata"])
    if (count := usage.get("candidatesTokenCount")) and "candidatesTokensDetails" not in usage:
        usage["candidatesTokensDetails"] = [{"modality": "TEXT", "tokenCount": count}]
    usage["trafficType"] = "ON_DEMAND"
    changed = {**value, "usageMetadata": usage}
    if "candidates" in value:
        changed["candidates"] = [_vertex_candidate(candidate, value) for candidate in value["candidates"]]
    return changed


def _vertex_candidate(candidate: Json, value: Json) -> Json:
    found = {name: part for name, part in candidate.items() if name != "index"}
    if "finishReason" in found:
        seed = Seed.of(value["responseId"])
        found.setdefault("safetyRatings", [_scored(category, seed) for category in CATEGORIES])
        found.setdefault("avgLogprobs", -round(0.01 + seed.share("average") / 4, 6))
        text = "".join(part.get("text", "") for part in found.get("content", {}).get("parts", ()))
        if len(text) > _CITED:
            source = {"startIndex": 20, "endIndex": 120, "uri": "https://example.com/simulated", "license": "mit"}
            found.setdefault("citationMetadata", {"citationSources": [source]})
    if supports := (found.get("groundingMetadata") or {}).get("groundingSupports"):
        scored = [{**row, "confidenceScores": [0.9] * len(row.get("groundingChunkIndices", ()))} for row in supports]
        found["groundingMetadata"] = {**found["groundingMetadata"], "groundingSupports": scored}
    return found


def _scored(category: str, seed: Seed) -> Json:
    return {
        "category": category,
        "probability": "NEGLIGIBLE",
        "probabilityScore": round(seed.share(category) / 10, 6),
        "severity": "HARM_SEVERITY_NEGLIGIBLE",
        "severityScore": round(seed.share(f"{category} severity") / 10, 6),
    }


_OLD_LOST = frozenset(["modelVersion", "responseId", "createTime"])
_OLD_LOST_CANDIDATE = frozenset(
    ["groundingMetadata", "citationMetadata", "urlContextMetadata", "avgLogprobs", "logprobsResult", "finishMessage"]
)
_OLD_LOST_USAGE = frozenset(["trafficType", "serviceTier", "cacheTokensDetails"])
_OLD_COUNTS = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount")  # fmt: skip
_OLD_DETAILS = ("promptTokensDetails", "candidatesTokensDetails", "toolUsePromptTokensDetails")


def typed_answer(value: Json) -> Json:
    """The answer of new-api in 2025 and of its forks: unknown fields are lost, counts of 0 and nulls are added."""
    usage = {name: count for name, count in value["usageMetadata"].items() if name not in _OLD_LOST_USAGE}
    filled = {**dict.fromkeys(_OLD_COUNTS, 0), **dict.fromkeys(_OLD_DETAILS), **usage}
    kept = {
        name: part
        for name, part in value.items()
        if name not in _OLD_LOST and name not in ("candidates", "usageMetadata")
    }
    return {
        "candidates": [_typed_candidate(found) for found in value.get("candidates", ())],
        **kept,
        "usageMetadata": filled,
    }


def _typed_candidate(candidate: Json) -> Json:
    kept = {name: part for name, part in candidate.items() if name not in _OLD_LOST_CANDIDATE}
    return {
        "content": {"role": "model", "parts": None},
        "finishReason": None,
        "index": 0,
        "safetyRatings": None,
        **kept,
    }


def renamed_usage(value: Json) -> Json:
    """CLIProxyAPI: chunks without a finish reason have ``cpaUsageMetadata`` in place of ``usageMetadata``."""
    if any("finishReason" in candidate for candidate in value.get("candidates", ())):
        return value
    return {"cpaUsageMetadata" if name == "usageMetadata" else name: part for name, part in value.items()}


def merged_parts(value: Json) -> Json:
    """gemini-balance: the texts of an answer are one part, without their signature."""
    return _with_parts(value, _merged)


def _merged(parts: list[Json]) -> list[Json]:
    text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    others = [part for part in parts if "text" not in part or part.get("thought")]
    return [*others, {"text": text}] if text else others


def without_signatures(value: Json) -> Json:
    """Thought signatures are dropped."""
    return _with_parts(
        value, lambda parts: [{k: v for k, v in part.items() if k != "thoughtSignature"} for part in parts]
    )


def _with_parts(value: Json, change: Any) -> Json:
    """The value with changed parts."""
    return {
        **value,
        "candidates": [
            {**found, "content": {**found["content"], "parts": change(found["content"]["parts"])}}
            if "parts" in found.get("content", {})
            else found
            for found in value.get("candidates", ())
        ],
    }


def own_id(value: Json) -> Json:
    """Bifrost: ``responseId`` begins with ``resp_``; ratings and ``avgLogprobs`` are lost."""
    lost = ("safetyRatings", "avgLogprobs")
    candidates = [
        {name: part for name, part in found.items() if name not in lost} for found in value.get("candidates", ())
    ]
    return {**value, **({"candidates": candidates} if candidates else {}), "responseId": f"resp_{value['responseId']}"}


# --- chat completions ---------------------------------------------------------------------------------


def chat_completion(value: Json) -> Json:
    """A chat completion as new-api makes it from Google's: OpenAI's finish reasons, and thoughts inside the completion."""
    choices = [_chat_choice(choice) for choice in value["choices"]]
    return {**value, "id": f"chatcmpl-{value['id']}", "choices": choices, "usage": _chat_usage(value["usage"])}


def _chat_choice(choice: Json) -> Json:
    message = {"content": "", **choice.get("message", {"role": "assistant"})}
    return {**choice, "message": message, "finish_reason": _chat_finish(choice["finish_reason"])}


def _chat_finish(reason: str) -> str:
    kind = reason.partition(":")[0]
    return "stop" if kind == "function_call_filter" else kind


def _chat_usage(usage: Json) -> Json:
    completion = usage["total_tokens"] - usage["prompt_tokens"]
    details = {"reasoning_tokens": completion - usage["completion_tokens"]}
    cached = usage.get("prompt_tokens_details", {"cached_tokens": 0})
    return {
        **usage,
        "completion_tokens": completion,
        "completion_tokens_details": details,
        "prompt_tokens_details": cached,
    }


def chat_chunks(chunks: Sequence[Json]) -> Iterator[Json]:
    """The chunks of a stream as new-api makes them: a chunk for the role, indices of calls, and the usage alone at the end."""
    frame = {**chunks[0], "id": f"chatcmpl-{chunks[0]['id']}", "usage": None}
    yield {**frame, "choices": [_chat_delta({"index": 0, "delta": {"role": "assistant", "content": ""}})]}
    for chunk in chunks:
        yield {**frame, "choices": [_chat_delta(choice) for choice in chunk["choices"]]}
    if usage := chunks[-1].get("usage"):
        yield {**frame, "choices": [], "usage": _chat_usage(usage)}


def _chat_delta(choice: Json) -> Json:
    delta = dict(choice["delta"])
    if calls := delta.get("tool_calls"):
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
    reason = choice.get("finish_reason")
    calls_end = "tool_calls" if reason == "stop" and calls else reason
    return {**choice, "delta": delta, "finish_reason": _chat_finish(calls_end) if calls_end else None}


# --- errors -------------------------------------------------------------------------------------------

Shaped = tuple[int, Any]
"""HTTP status and body of an error."""


def new_api_error(refused: Refusal, request: str) -> Shaped:
    """new-api: its own errors for keys, unknown models and unreadable bodies, else Google's message in its own shape."""
    return _family(refused, request, "new_api_error")


def comet_error(refused: Refusal, request: str) -> Shaped:
    """CometAPI: as new-api, under another name."""
    return _family(refused, request, "comet_api_error")


def _family(refused: Refusal, request: str, kind: str) -> Shaped:
    message, marked = str(refused), f" (request id: {request})"
    if refused.key in KEY_ERRORS:
        return 401, {"error": {"code": "", "message": f"Invalid token{marked}", "type": kind}}
    if refused.key == "no_route":
        return 404, {"error": {"message": "Invalid URL", "type": "invalid_request_error", "param": "", "code": ""}}
    if refused.key in ("model_unknown", "model_gone", "model_closed"):
        model = message.partition("models/")[2].split()[0]
        text = f"no available channel for group default and model {model} (distributor){marked}"
        return 503, {"error": {"code": "model_not_found", "message": text, "type": kind}}
    if "contents is not specified" in message or _is_payload(refused):
        text = "field contents is required" if "contents is not specified" in message else "invalid request body"
        return 500, {"error": {"message": text + marked, "type": kind, "param": "", "code": "invalid_request"}}
    return refused.status, {
        "error": {"message": message, "type": "upstream_error", "param": "", "code": refused.status}
    }


def _is_payload(refused: Refusal) -> bool:
    details = refused.body["error"].get("details", ())
    return any("fieldViolations" in detail for detail in details)


def litellm_error(refused: Refusal, _: str) -> Shaped:
    """LiteLLM, routed: the code is a text; ``status`` and ``details`` are lost."""
    error = {"message": str(refused), "type": "None", "param": "None", "code": str(refused.status)}
    return refused.status, {"error": error}


def one_hub_error(refused: Refusal, _: str) -> Shaped:
    """one-hub: an OpenAI type as status."""
    return refused.status, {"error": {"code": refused.status, "message": str(refused), "status": "one_hub_error"}}


def balance_error(_: Refusal, __: str) -> Shaped:
    """gemini-balance: any error of the API is a 500 without its message."""
    message = "Internal server error during gemini_generate_content"
    return 500, {"error": {"code": "http_error", "message": message}}
