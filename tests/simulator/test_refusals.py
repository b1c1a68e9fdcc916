"""Every known error of the real API, provoked by a request that has the error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call

FLASH3, FLASH25, LITE25, PRO25 = "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"
PRO31, IMAGE, SPEECH = "gemini-3.1-pro-preview", "gemini-2.5-flash-image", "gemini-3.8-flash-tts"
WEATHER = {"name": "get_weather", "description": "The weather in a city."}
FUNCTIONS = [{"functionDeclarations": [WEATHER]}]
SEARCH: list[dict[str, Any]] = [{"googleSearch": {}}]
JSON = {"responseMimeType": "application/json"}


def asking(text: str = "hi", **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def config(**values: Any) -> dict[str, Any]:
    return asking(generationConfig=values)


def thinking(**values: Any) -> dict[str, Any]:
    return config(thinkingConfig=values)


def schema(value: Any) -> dict[str, Any]:
    return config(**JSON, responseSchema=value)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "STRING"}
    for _ in range(depth):
        value = {"type": "ARRAY", "items": value}
    return value


def called(**part: Any) -> dict[str, Any]:
    """A turn in which the model called a function; ``part`` are other fields of its part."""
    body = asking("Weather in Oslo?", tools=FUNCTIONS)
    body["contents"] += [
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}, **part}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"temp_c": 4}}}]},
    ]
    return body


class Provoked(NamedTuple):
    """A request with one error. ``words`` fill the placeholders of the known message."""

    body: Any
    model: str = FLASH3
    words: Mapping[str, Any] = {}
    key: str = "simulated"
    fault: str = ""
    verb: str = "generateContent"
    strict: bool = False


UNKNOWN_MODEL = {"model": "gemini-no-such-model", "method": "generateContent"}
ROWS: dict[str, Provoked] = {
    "key_invalid": Provoked(asking(), key="wrong-key"),
    "key_expired": Provoked(asking(), key="expired-key"),
    "key_not_found": Provoked(asking(), key="deleted-key"),
    "key_missing": Provoked(asking(), key=""),
    "service_disabled": Provoked(asking(), key="disabled", words={"project": "000000000000"}),
    "permission": Provoked(asking(), key="denied"),
    "location": Provoked(asking(), key="abroad"),
    "billing": Provoked(asking(), key="unbilled"),
    "cache_missing": Provoked(asking(cachedContent="cachedContents/none")),
    "cache_conflict": Provoked(asking(cachedContent="cachedContents/none", tools=SEARCH)),
    "model_unknown": Provoked(asking(), "gemini-no-such-model", UNKNOWN_MODEL),
    "model_closed": Provoked(asking(), FLASH25, {"model": FLASH25}, key="young-key"),
    "model_gone": Provoked(
        asking(), "gemini-2.0-flash", {"model": "gemini-2.0-flash", "replacement": "gemini-3.8-flash"}, strict=True
    ),
    "model_name_bad": Provoked(asking(), "gemini 3"),
    "think_level_unsupported": Provoked(thinking(thinkingLevel="LOW"), FLASH25),
    "think_both": Provoked(thinking(thinkingLevel="LOW", thinkingBudget=1)),
    "think_level_wrong_retry": Provoked(thinking(thinkingLevel="MINIMAL"), "gemini-3.8-flash"),
    "think_budget_range": Provoked(thinking(thinkingBudget=256), LITE25, {"n": 256, "min": 512, "max": 24576}),
    "think_zero": Provoked(thinking(thinkingBudget=0), PRO25),
    "think_not_enabled": Provoked(thinking(thinkingBudget=1024), IMAGE),
    "unknown_field": Provoked(
        config(thinking_confg={}), words={"name": "thinking_confg", "at": " at 'generation_config'", "snake_path": "generation_config"}
    ),
    "not_repeating": Provoked(schema({"type": ["STRING", "NULL"]})),
    "bad_value": Provoked(
        config(maxOutputTokens="many"),
        words={"snake_path": "generation_config.max_output_tokens", "type": "TYPE_INT32", "value": '"many"'},
    ),
    "schema_no_mime": Provoked(config(responseSchema={"type": "STRING"})),
    "tools_json_25": Provoked(asking(tools=FUNCTIONS, generationConfig=JSON), FLASH25),
    "tool_json_25": Provoked(asking(tools=SEARCH, generationConfig=JSON), FLASH25),
    "maps_json": Provoked(asking(tools=[{"googleMaps": {}}], generationConfig=JSON)),
    "builtin_functions": Provoked(asking(tools=[*FUNCTIONS, *SEARCH])),
    "builtin_functions_old": Provoked(asking(tools=[*FUNCTIONS, *SEARCH]), FLASH25),
    "circulation": Provoked(asking(tools=SEARCH, toolConfig={"includeServerSideToolInvocations": True}), FLASH25),
    "fc_config_alone": Provoked(asking(toolConfig={"functionCallingConfig": {"mode": "AUTO"}})),
    "signature_missing": Provoked(called(), words={"name": "get_weather", "n": 2}),
    "signature_bad": Provoked(called(thoughtSignature="AA==")),
    "too_many_states": Provoked(schema({"type": "STRING", "minLength": 10**9})),
    "schema_opaque": Provoked(schema({"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": 961})),
    "schema_depth": Provoked(schema(nested(70))),
    "schema_rule_0": Provoked(schema({"type": "STRING", "properties": {"a": {"type": "STRING"}}}), words={"path": ""}),
    "schema_rule_1": Provoked(schema({"type": "OBJECT"}), words={"path": ""}),
    "schema_rule_2": Provoked(
        schema({"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}), words={"path": "properties[a]."}
    ),
    "schema_rule_3": Provoked(
        schema({"type": "ARRAY", "items": {"type": "INTEGER", "enum": ["1"]}}), words={"path": "items."}
    ),
    "schema_rule_4": Provoked(
        schema({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a", "b"]}), words={"path": "", "i": 1}
    ),
    "schema_rule_6": Provoked(schema({"type": "STRING", "enum": ["a", ""]}), words={"path": "", "i": 1}),
    "json_mode_off": Provoked(config(**JSON), IMAGE, {"model": IMAGE}),
    "modalities": Provoked(config(responseModalities=["TEXT"]), SPEECH, {"model": SPEECH}),
    "logprobs_stream": Provoked(config(responseLogprobs=True), verb="streamGenerateContent"),
    "logprobs_off": Provoked(config(responseLogprobs=True)),
    "too_long": Provoked(
        asking("word " * 8000, generationConfig={"responseModalities": ["AUDIO"]}), SPEECH, {"n": 9796, "max": 8192}
    ),
    "quota": Provoked(asking(), FLASH25, fault="429"),
    "quota_short": Provoked(asking(), fault="429-short"),
    "capacity": Provoked(asking(), fault="429-capacity"),
    "internal": Provoked(asking(), fault="500"),
    "overloaded": Provoked(asking(), fault="503"),
    "deadline_503": Provoked(asking(), fault="503-deadline"),
    "deadline": Provoked(asking(), fault="504"),
    "cancelled": Provoked(asking(), fault="499"),
}  # fmt: skip
NOT_GIVEN = {
    "model_unknown_old": "older wording of model_unknown",
    "think_level_wrong": "older wording of think_level_wrong_retry",
    "think_budget_range_old": "older wording of think_budget_range",
    "overloaded_old": "older wording of overloaded",
    "think_opaque": "nobody knows which request it was",
    "schema_rule_5": "not confirmed for today: formats are taken",
}
"""Errors of the Gemini API that the simulator leaves out on purpose, and why."""


@pytest.fixture(scope="module")
def known(shared: Path) -> dict[str, Any]:
    rows = json.loads((shared / "reference/errors.json").read_text("utf-8"))["errors"]
    return {row["id"]: row for row in rows if row["api"] == "gemini"}


def provoke(row: Provoked) -> tuple[int, dict[str, Any]]:
    headers = {"x-goog-api-key": row.key} if row.key else {}
    if row.fault:
        headers["x-simulator-fault"] = row.fault
    path = f"/v1beta/models/{row.model}:{row.verb}"
    sent = Simulator(strict=row.strict).handle(
        Call("POST", path, {"alt": "sse"}, headers, json.dumps(row.body).encode())
    )
    return sent.status, json.loads(sent.content)["error"]


def filled(text: str, words: Mapping[str, Any]) -> str:
    """A known message with its placeholders replaced. Other braces are part of the text."""
    return re.sub(r"\{(\w+)\}", lambda found: str(words.get(found[1], found[0])), text)


def test_every_known_error_is_tested_or_left_out_on_purpose(known: dict[str, Any]) -> None:
    assert set(known) == set(ROWS) | set(NOT_GIVEN)


@pytest.mark.parametrize("name", ROWS)
def test_the_error_is_the_real_one(name: str, known: dict[str, Any]) -> None:
    row, expected = ROWS[name], known[name]["body"]["error"]
    status, error = provoke(row)
    assert (status, error["code"], error["status"]) == (known[name]["http"], known[name]["http"], expected["status"])
    message = filled(expected["message"], row.words)
    if name == "quota":  # the quota and the delay differ per request
        assert error["message"].partition("\n")[0] == message.partition("\n")[0]
        assert re.search(r"\nPlease retry in \d+\.\d{9}s\.$", error["message"])
    else:
        assert error["message"] == message
    types = [[detail["@type"] for detail in found.get("details", ())] for found in (error, expected)]
    assert types[0] == types[1]


def test_details_of_bad_payloads_repeat_the_message(known: dict[str, Any]) -> None:
    for name in ("unknown_field", "not_repeating", "bad_value"):
        _, error = provoke(ROWS[name])
        (violation,) = error["details"][0]["fieldViolations"]
        assert violation["description"] == error["message"]
        assert f"'{violation['field']}'" in error["message"]


# --- rules without an id ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "model", "message"),
    [
        (asking(safetySettings=[{"category": "HARM_CATEGORY_MEDICAL", "threshold": "BLOCK_NONE"}]), FLASH3, "safety_settings[0]: element predicate"),
        (config(topP=2), FLASH3, "top_p must be in the range"),
        (config(temperature=3, candidateCount=0), FLASH3, "temperature must be in the range [0.0, 2.0].\n* GenerateContentRequest"),
        (config(logprobs=2), FLASH3, "response_logprobs is true"),
        (config(speechConfig={"voiceConfig": {}, "multiSpeakerVoiceConfig": {}}), FLASH3, "mutually exclusive"),
        (asking(tools=FUNCTIONS), IMAGE, "Function calling is not enabled"),
        (asking(tools=[{"functionDeclarations": [{**WEATHER, "parameters": nested(70)}]}]), FLASH3, "A FunctionDeclaration in the request exceeds"),
        (asking(tools=[{"functionDeclarations": [{**WEATHER, "parameters": {"type": "OBJECT"}, "parametersJsonSchema": {}}]}]), FLASH3, "invalid argument"),
        (asking(tools=[{"functionDeclarations": [WEATHER, WEATHER]}]), FLASH3, "Duplicate function declaration found: get_weather"),
        ({"contents": [{"parts": [{"text": "a", "inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]}, FLASH3,
         "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "cat", "data": "AAAA"}}]}]}, FLASH3, "Unsupported MIME type: cat"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://bucket/a.png"}}]}]}, FLASH3, "invalid argument"),
        (config(responseMimeType="text/x.enum", responseSchema={"type": "ARRAY", "items": {"type": "STRING"}}), FLASH3, "invalid argument"),
        (config(**JSON, responseJsonSchema={"type": "strnig"}), FLASH3, "invalid argument"),
        (config(presencePenalty=0.5), FLASH3, "Penalty is not enabled for this model"),
        (config(candidateCount=2), "gemini-4-neon", "Multiple candidates is not enabled for this model"),
        (config(thinkingConfig={"thinkingBudget": 512}), "gemini-4-neon", "Thinking budget is not supported for this model."),
        (config(thinkingConfig={"thinkingBudget": 0}), "gemini-3.5-flash-lite", "Request contains an invalid argument."),
        (config(stopSequences=list("abcdef")), FLASH3, "the number of stop_sequences must not exceed 5"),
        (config(imageConfig={"aspectRatio": "16:10"}), IMAGE, "image_config.aspect_ratio: aspect_ratio must be one of '1:1', '1:4'"),
        (config(imageConfig={"aspectRatio": "1:4"}), IMAGE, "Aspect ratio 1:4 is not supported for this model"),
        (config(imageConfig={"imageSize": "8K"}), "gemini-3-pro-image", "Unsupported image_size '8K'. Supported values are: 1K, 2K, 4K, 512, 512P, 512PX."),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}]}]}, IMAGE, f"Audio input modality is not enabled for models/{IMAGE}"),
        ({"contents": [{"role": "model", "parts": [{"text": "I"}]}]}, "gemini-3.8-flash", "Requests ending with a model turn are not supported."),
        (asking(tools=[{"googleSearchRetrieval": {}}]), FLASH3, "google_search_retrieval is not supported. Please use google_search tool instead."),
        (asking(tools=FUNCTIONS, toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}}), FLASH3,
         "allowed_function_names should be a subset of the provided function_declarations"),
        (config(**JSON, responseSchema={"type": "STRING", "const": "a"}), FLASH3, "Unknown name \"const\" at 'generation_config.response_schema'"),
    ],
)  # fmt: skip
def test_other_refusals(body: Any, model: str, message: str) -> None:
    status, error = provoke(Provoked(body, model))
    assert status == 400
    assert message in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        asking(tools=[*FUNCTIONS, *SEARCH], toolConfig={"includeServerSideToolInvocations": True}),
        asking(tools=SEARCH, generationConfig=JSON),
        asking(tools=FUNCTIONS, generationConfig=JSON),
        asking(tools=[{"googleSearch": {}, "urlContext": {}, "codeExecution": {}}]),
        asking(tools=[{"googleMaps": {}}], generationConfig={"responseFormat": {"text": {"mimeType": "APPLICATION_JSON"}}}),
        {"contents": {"parts": {"text": "hi"}}, "tools": {"google_search": None}, "safety_settings": None},
        asking(generation_config={"thinking_config": {"thinking_level": "low"}, "stop_sequences": "x", "top_k": 5.0}),
        asking(generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "array", "items": {"type": "integer"}, "minItems": "2"}}),
        called(thoughtSignature="c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I"),
        asking(tools=SEARCH, toolConfig={"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True}),
        config(presencePenalty=0, stopSequences=list("abcde"), imageConfig={}),
    ],
)  # fmt: skip
def test_what_the_api_accepts_is_accepted(body: Any) -> None:
    sent = Simulator().handle(
        Call("POST", f"/v1beta/models/{FLASH3}:generateContent", {}, {"x-goog-api-key": "k"}, json.dumps(body).encode())
    )
    assert sent.status == 200, sent.content
