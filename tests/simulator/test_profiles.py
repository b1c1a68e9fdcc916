"""Gateways before the API: what each of them changes in answers, streams, requests and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.gemini import definition
from harness.simulator.app import Simulator
from harness.simulator.profiles import PROFILES
from harness.simulator.traffic import Call
from tests.simulator.client import FLASH3, FLASH25, KEY, call, prompt

LONG = "Tell me a short story about a lighthouse, about 120 words."
SEARCH: dict[str, Any] = {"tools": [{"googleSearch": {}}]}


def whole(profile: str, body: Any, model: str = FLASH25) -> Any:
    return call(Simulator(), "POST", f"/{profile}/v1beta/models/{model}:generateContent", body)[1]


def refused(profile: str, body: Any, model: str = FLASH25, headers: Any = KEY) -> tuple[int, Any]:
    status, value, _ = call(Simulator(), "POST", f"/{profile}/v1beta/models/{model}:generateContent", body, headers)
    return status, value["error"]


def stream(profile: str, body: Any, query: Any = None, model: str = FLASH25) -> bytes:
    path = f"/{profile}/v1beta/models/{model}:streamGenerateContent"
    return Simulator().handle(Call("POST", path, query or {}, KEY, json.dumps(body).encode())).content


def test_the_profile_is_in_the_path_or_an_option() -> None:
    named = whole("vertex", prompt("hi"))
    app = Simulator(profile=PROFILES["vertex"], now=lambda: 1000.0)
    _, answer, _ = call(app, "POST", f"/v1beta/models/{FLASH25}:generateContent", prompt("hi"))
    assert answer["createTime"] == "1970-01-01T00:16:40Z"
    assert {**named, "createTime": ""} == {**answer, "createTime": ""}
    assert "createTime" not in call(app, "POST", f"/google/v1beta/models/{FLASH25}:generateContent", prompt("hi"))[1]


def test_the_fields_of_the_gateways_page_are_sent() -> None:
    answer = whole("comet", prompt(LONG))
    (found,) = answer["candidates"]
    assert answer["createTime"].endswith("Z")
    assert answer["usageMetadata"]["trafficType"] == "ON_DEMAND"
    assert answer["usageMetadata"]["candidatesTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": answer["usageMetadata"]["candidatesTokenCount"]}
    ]
    assert found["avgLogprobs"] < 0
    assert {rating["probability"] for rating in found["safetyRatings"]} == {"NEGLIGIBLE"}
    (source,) = found["citationMetadata"]["citationSources"]
    assert source["endIndex"] <= len(found["content"]["parts"][0]["text"].encode())
    assert "index" not in found
    grounded = whole("comet", prompt("Who won the euro 2024?", **SEARCH))["candidates"][0]["groundingMetadata"]
    assert all(
        len(row["confidenceScores"]) == len(row["groundingChunkIndices"]) for row in grounded["groundingSupports"]
    )


@pytest.mark.parametrize("profile", sorted(PROFILES.keys() - {"new-api-old", "cli-proxy"}))
def test_answers_of_a_profile_are_valid(profile: str) -> None:
    asked = [prompt(LONG), prompt("Who won the euro 2024?", **SEARCH), prompt("[simulate: finish RECITATION]")]
    values = [whole(profile, body) for body in asked]
    for body in asked:
        values += [
            json.loads(line[5:])
            for line in stream(profile, body, {"alt": "sse"}).splitlines()
            if line.startswith(b"data:")
        ]
    assert [finding for value in values for finding in definition.walk("GenerateContentResponse", value)] == []
    assert all(value["responseId"] for value in values)


def test_current_new_api_keeps_the_bytes_of_whole_answers() -> None:
    def sent(prefix: str) -> Any:
        path = f"{prefix}/v1beta/models/{FLASH25}:generateContent"
        return Simulator().handle(Call("POST", path, {}, KEY, json.dumps(prompt("hi")).encode()))

    through, direct = sent("/new-api"), sent("")
    assert through.content == direct.content
    assert {name for name, _ in through.headers} - {name for name, _ in direct.headers} == {
        b"x-oneapi-request-id",
        b"x-new-api-version",
    }


def test_new_api_streams_events_with_plain_line_ends() -> None:
    for query in ({}, {"alt": "sse"}):
        content = stream("new-api", prompt("hi"), query)
        assert content.startswith(b'data: {"candidates": [')
        assert b"\r" not in content


def test_new_api_loses_fields_of_the_request() -> None:
    limited = prompt(LONG, generation_config={"max_output_tokens": 5}, labels={"a": "b"}, nonsense=1)
    assert whole("new-api", limited)["candidates"][0]["finishReason"] == "STOP"
    assert (
        whole("new-api", prompt(LONG, generationConfig={"maxOutputTokens": 5}))["candidates"][0]["finishReason"]
        == "MAX_TOKENS"
    )


def test_old_new_api_adds_zeros_and_nulls() -> None:
    answer = whole(
        "new-api-old",
        prompt("Who won the euro 2024?", generationConfig={"thinkingConfig": {"thinkingBudget": 0}}, **SEARCH),
    )
    (found,) = answer["candidates"]
    assert "groundingMetadata" not in found
    assert (found["index"], found["safetyRatings"]) == (0, None)
    assert answer["usageMetadata"]["thoughtsTokenCount"] == answer["usageMetadata"]["cachedContentTokenCount"] == 0
    assert "modelVersion" not in answer


@pytest.mark.parametrize(
    ("profile", "body", "model", "headers", "status", "error"),
    [
        ("new-api", prompt("hi"), "gemini-none", KEY, 503, {"type": "new_api_error", "code": "model_not_found"}),
        ("comet", {}, FLASH25, KEY, 500, {"type": "comet_api_error", "code": "invalid_request", "param": ""}),
        ("comet", prompt("hi"), FLASH25, {"x-goog-api-key": "invalid"}, 401, {"type": "comet_api_error", "code": ""}),
        ("comet", prompt("[simulate: fault 503]"), FLASH25, KEY, 503, {"type": "upstream_error", "code": 503, "param": ""}),
        ("litellm", prompt("[simulate: fault 503]"), FLASH25, KEY, 503, {"type": "None", "code": "503", "param": "None"}),
        ("one-hub", prompt("[simulate: fault 503]"), FLASH25, KEY, 503, {"code": 503, "status": "one_hub_error"}),
        ("balance", prompt("[simulate: fault 503]"), FLASH25, KEY, 500, {"code": "http_error"}),
    ],
)  # fmt: skip
def test_errors_have_the_shape_of_the_gateway(
    profile: str, body: Any, model: str, headers: Any, status: int, error: dict[str, Any]
) -> None:
    found, value = refused(profile, body, model, headers)
    assert value.pop("message")
    assert (found, value) == (status, error)


def test_a_request_id_is_in_the_error_and_in_the_header() -> None:
    path = "/comet/v1beta/models/gemini-none:generateContent"
    _, value, headers = call(Simulator(), "POST", path, prompt("hi"))
    assert f"(request id: {headers['x-oneapi-request-id']})" in value["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "files"),
        ("GET", "cachedContents"),
        ("GET", f"models/{FLASH25}"),
        ("POST", f"models/{FLASH25}:countTokens"),
    ],
)
def test_new_api_serves_little_beside_answers(method: str, path: str) -> None:
    status, error, _ = call(Simulator(), method, f"/new-api/v1beta/{path}", prompt("hi"))
    assert (status, error["error"]["type"]) == (404, "invalid_request_error")
    assert call(Simulator(), method, f"/v1beta/{path}", prompt("hi"))[0] == 200


def test_new_api_lists_bare_names() -> None:
    models = call(Simulator(), "GET", "/new-api/v1beta/models")[1]["models"]
    assert models[0]["supportedGenerationMethods"] is None
    assert not any(model["name"].startswith("models/") for model in models)


def test_cli_proxy_renames_usage_before_the_end() -> None:
    lines = stream("cli-proxy", prompt(LONG)).decode().split("\n\n")[:-1]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert len(chunks) > 2
    assert ["cpaUsageMetadata" in chunk for chunk in chunks] == [True] * (len(chunks) - 1) + [False]


def test_balance_merges_texts_and_drops_signatures() -> None:
    body = prompt("What is the capital of Peru?", generationConfig={"thinkingConfig": {"includeThoughts": True}})
    parts = whole("balance", body, FLASH3)["candidates"][0]["content"]["parts"]
    assert [part.get("thought", False) for part in parts] == [True, False]
    assert not any("thoughtSignature" in part for part in parts)


def test_bifrost_has_ids_of_its_own() -> None:
    assert whole("bifrost", prompt("hi"))["responseId"].startswith("resp_sim")


# --- chat completions ---------------------------------------------------------------------------------

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def chat(text: str, profile: str = "comet", **more: Any) -> Any:
    body = {"model": FLASH3, "messages": [{"role": "user", "content": text}], **more}
    return call(Simulator(), "POST", f"/{profile}/v1/chat/completions", body)[1]


def test_new_api_counts_thoughts_in_the_completion() -> None:
    usage = chat("What is the capital of Peru?")["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("hi", "stop"), ("[simulate: finish RECITATION]", "content_filter"), ("[simulate: block SAFETY]", "content_filter"),
     ("[simulate: finish MALFORMED_FUNCTION_CALL]", "stop")],
)  # fmt: skip
def test_new_api_ends_with_openais_reasons(text: str, reason: str) -> None:
    answer = chat(text)
    assert answer["choices"][0]["finish_reason"] == reason
    assert isinstance(answer["choices"][0]["message"]["content"], str)
    assert answer["id"].startswith("chatcmpl-")


def test_new_api_streams_a_role_indices_and_the_usage_alone() -> None:
    text = "What is the weather in Oslo and in Lima?"
    body = {"model": FLASH25, "messages": [{"role": "user", "content": text}], "tools": [TOOL], "stream": True}
    content = json.dumps({**body, "stream_options": {"include_usage": True}}).encode()
    sent = Simulator().handle(Call("POST", "/comet/v1/chat/completions", {}, KEY, content)).content.decode()
    *lines, done = sent.strip().split("\n\n")
    first, *middle, last = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert done == "data: [DONE]"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    calls = [row for chunk in middle for row in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [row["index"] for row in calls] == [0, 1]
    assert (middle[-1]["choices"][0]["finish_reason"], middle[-1]["usage"]) == ("tool_calls", None)
    assert (last["choices"], last["usage"]["total_tokens"] > 0) == ([], True)


def test_new_api_embeds_texts() -> None:
    body = {"model": "gemini-embedding-001", "input": ["the cat sat"], "dimensions": 8}
    status, found, _ = call(Simulator(), "POST", "/new-api/v1/embeddings", body)
    assert (status, len(found["data"][0]["embedding"])) == (200, 8)
