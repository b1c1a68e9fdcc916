"""The OpenAI-compatible endpoint: chat completions, embeddings, models, keys and errors as Google has them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from harness.simulator.app import Simulator
from harness.simulator.faults import CHAT_FAULTS
from harness.simulator.traffic import Call
from tests.simulator.client import BEARER, FLASH3, FLASH25, KEY, call

CHAT = "/v1beta/openai/chat/completions"
PRO3 = "gemini-3.1-pro-preview"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1beta/openai/chat/completions"])
def test_a_chat_completion(path: str) -> None:
    messages = [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "What is the capital of Peru?"},
    ]
    _, answer, _ = call(
        Simulator(), "POST", path, {"model": FLASH25, "messages": messages, "reasoning_effort": "low"}, BEARER
    )
    assert answer["choices"][0]["message"]["content"] == "Lima"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert sorted(usage) == ["completion_tokens", "prompt_tokens", "total_tokens"]
    assert 0 < usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] <= 1024


def test_a_streamed_completion_equals_the_unary_one() -> None:
    body = {"model": FLASH3, "messages": [{"role": "user", "content": "Count to 60."}]}
    _, whole, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    sent = Simulator().handle(Call("POST", "/v1/chat/completions", {}, BEARER, json.dumps(streamed).encode()))
    *events, done = sent.content.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_tool_calls_and_signatures_make_a_round_trip() -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo and in Lima?"}]
    body = {"model": FLASH3, "messages": messages, "tools": [TOOL]}
    _, first, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    choice = first["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    calls = choice["message"]["tool_calls"]
    assert [json.loads(tool_call["function"]["arguments"]) for tool_call in calls] == [
        {"city": "Oslo"},
        {"city": "Lima"},
    ]
    messages += [
        choice["message"],
        *({"role": "tool", "tool_call_id": tool_call["id"], "content": '{"temp_c": 22}'} for tool_call in calls),
    ]
    _, second, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert "22" in second["choices"][0]["message"]["content"]
    del messages[1]["tool_calls"][0]["extra_content"]
    status, error, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert status == 400
    assert "thought_signature" in error[0]["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [{}, {"model": FLASH3}, {"model": FLASH3, "messages": [{}]}, {"model": FLASH3, "messages": [{"role": "user", "content": [1]}]}, {"model": FLASH3, "messages": "x"},
     {"model": FLASH25, "messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "huge"}, []],
)  # fmt: skip
def test_bad_completions_are_refused_in_an_array(body: Any) -> None:
    status, error, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert error[0]["error"]["code"] == status
    assert 400 <= status < 500


def test_the_kind_of_key_decides_the_format_of_the_model_list() -> None:
    assert call(Simulator(), "GET", "/v1/models", headers=BEARER)[1]["object"] == "list"
    assert "models" in call(Simulator(), "GET", "/v1/models")[1]


# --- at Google's own endpoint -------------------------------------------------------------------------


def chat(model: str = FLASH25, text: str = "What is the capital of Peru?", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def complete(body: Any, headers: Any = BEARER) -> tuple[int, Any]:
    return call(Simulator(), "POST", CHAT, body, headers)[:2]


def thoughts(model: str, **more: Any) -> int:
    """The tokens of the thoughts: what is in the total only."""
    usage = complete(chat(model, **more))[1]["usage"]
    return int(usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"])


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "Request is missing required authentication credential."),
        (KEY, 401, "Request is missing required authentication credential."),
        ({**KEY, **BEARER}, 400, "Multiple authentication credentials received."),
        ({"authorization": "Bearer invalid"}, 400, "API key not valid."),
    ],
    ids=["none", "api key", "both", "wrong"],
)
def test_only_a_bearer_token_is_a_key(headers: Any, status: int, message: str) -> None:
    found, errors = complete(chat(), headers)
    assert (found, errors[0]["error"]["code"]) == (status, status)
    assert errors[0]["error"]["message"].startswith(message)
    assert call(Simulator(), "GET", "/v1beta/openai/models", headers=headers)[0] == status


def test_minimal_effort_is_low_where_there_is_no_minimal() -> None:
    assert 0 < thoughts(PRO3, reasoning_effort="minimal") < thoughts(PRO3, reasoning_effort="high")
    assert thoughts(FLASH3, reasoning_effort="minimal") == 0
    assert thoughts(FLASH25, reasoning_effort="none") == 0


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        (FLASH25, {"reasoning_effort": "xhigh"}, "Invalid reasoning_effort: xhigh. Valid values are: high, low, medium, minimal, none"),
        (PRO3, {"reasoning_effort": "none"}, "Budget 0 is invalid."),
        ("gemini-2.5-pro", {"reasoning_effort": "none"}, "Budget 0 is invalid."),
        (FLASH3, {"reasoning_effort": "low", "extra_body": {"google": {"thinking_config": {"thinking_level": "low"}}}},
         "Expected one of either"),
        (FLASH3, {"store": True}, 'Invalid JSON payload received. Unknown name "store": Cannot find field.'),
        (FLASH3, {"google": {}}, 'Invalid JSON payload received. Unknown name "google": Cannot find field.'),
        (FLASH3, {"extra_body": {"google": {"safety_settings": []}}}, "Invalid JSON payload received. Unknown name \"safety_settings\" at 'ext"),
        (FLASH3, {"tools": [{"type": "web_search"}]}, "Request contains an invalid argument."),
        (FLASH3, {"messages": [{"role": "tool", "tool_call_id": "x", "content": "1"}]}, "Request contains an invalid argument."),
        (FLASH3, {"messages": [{"role": "system", "content": "x"}]}, "* GenerateContentRequest.contents: contents is not specified"),
    ],
)  # fmt: skip
def test_a_bad_completion_says_what_is_wrong(model: str, more: Any, message: str) -> None:
    status, errors = complete(chat(model, **more))
    assert (status, errors[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert errors[0]["error"]["message"].startswith(message)


def test_gateways_ignore_unknown_names() -> None:
    assert call(Simulator(), "POST", "/v1/chat/completions", chat(store=True), KEY)[0] == 200


def test_an_unknown_model_is_a_404_of_another_version() -> None:
    status, errors = complete(chat("gemini-nope"))
    assert status == 404
    assert errors[0]["error"]["message"].startswith("models/gemini-nope is not found for API version v1main")


def test_call_ids_are_never_the_same() -> None:
    ids = [
        found["id"]
        for city in ("Oslo and in Lima", "Bern and in Rome")
        for found in complete(chat(text=f"What is the weather in {city}?", tools=[TOOL]))[1]["choices"][0]["message"][
            "tool_calls"
        ]
    ]
    assert len(set(ids)) == 4
    assert all(found.startswith("function-call-") for found in ids)


def test_a_call_alone_has_no_content() -> None:
    (choice,) = complete(chat(text="What is the weather in Oslo?", tools=[TOOL]))[1]["choices"]
    assert "content" not in choice["message"]
    assert "index" not in choice["message"]["tool_calls"][0]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("RECITATION", "content_filter: RECITATION"),
        ("MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL"),
        ("PROHIBITED_CONTENT", "content_filter: PROHIBITED_CONTENT"),
    ],
)
def test_other_ends_are_outside_openais_list(finish: str, reason: str) -> None:
    status, answer = complete(chat(text=f"[simulate: finish {finish}]"))
    (choice,) = answer["choices"]
    assert (status, choice["finish_reason"]) == (200, reason)
    assert ("message" in choice) == (finish != "PROHIBITED_CONTENT")


def test_a_blocked_prompt_has_no_message() -> None:
    (choice,) = complete(chat(text="[simulate: block SAFETY]"))[1]["choices"]
    assert choice == {"finish_reason": "content_filter: SAFETY", "index": 0}


def streamed(**more: Any) -> list[Any]:
    body = chat(stream=True, **more)
    sent = Simulator().handle(Call("POST", CHAT, {}, BEARER, json.dumps(body).encode()))
    *events, done = sent.content.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_every_chunk_has_a_role_and_a_usage_where_asked() -> None:
    chunks = streamed(text="Count to 60.", stream_options={"include_usage": True})
    assert len(chunks) > 2
    assert {chunk["choices"][0]["delta"]["role"] for chunk in chunks} == {"assistant"}
    assert ["finish_reason" in chunk["choices"][0] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [chunk["usage"]["completion_tokens"] > 0 for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert not any("usage" in chunk for chunk in streamed(text="Count to 60."))


@pytest.mark.parametrize(("model", "reasons"), [(FLASH25, ["tool_calls"]), (FLASH3, [None, "stop"])])
def test_a_streamed_call_is_whole_and_has_no_index(model: str, reasons: list[str | None]) -> None:
    choices = [
        chunk["choices"][0] for chunk in streamed(model=model, text="What is the weather in Oslo?", tools=[TOOL])
    ]
    (found,) = choices[0]["delta"]["tool_calls"]
    assert "index" not in found
    assert json.loads(found["function"]["arguments"]) == {"city": "Oslo"}
    assert [choice.get("finish_reason") for choice in choices] == reasons


def test_thoughts_stand_between_tags() -> None:
    shown: dict[str, Any] = {
        "extra_body": {"google": {"thinking_config": {"include_thoughts": True, "thinking_budget": 1024}}}
    }
    message = complete(chat(**shown))[1]["choices"][0]["message"]
    assert message["content"].startswith("<thought>")
    assert message["content"].endswith("</thought>The capital of Peru is Lima.")
    assert message["extra_content"]["google"]["thought"]
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed(**shown)]
    text = "".join(delta["content"] for delta in deltas)
    assert text.startswith("<thought>")
    assert text.endswith("</thought>The capital of Peru is Lima.")
    flagged = ["extra_content" in delta for delta in deltas]
    assert flagged == sorted(flagged, reverse=True)


def test_one_model_is_shown() -> None:
    for name in (FLASH25, f"models/{FLASH25}"):
        status, model, _ = call(Simulator(), "GET", f"/v1beta/openai/models/{name}", headers=BEARER)
        assert (status, model["id"], model["object"]) == (200, f"models/{FLASH25}", "model")
    status, errors, _ = call(Simulator(), "GET", "/v1beta/openai/models/nope", headers=BEARER)
    assert (status, errors[0]["error"]["status"]) == (404, "NOT_FOUND")


def test_embeddings_are_floats_or_base64() -> None:
    body = {"model": "gemini-embedding-001", "input": ["the cat sat", "numbers"], "dimensions": 16}
    _, plain, _ = call(Simulator(), "POST", "/v1beta/openai/embeddings", body, BEARER)
    assert [len(row["embedding"]) for row in plain["data"]] == [16, 16]
    _, packed, _ = call(Simulator(), "POST", "/v1beta/openai/embeddings", {**body, "encoding_format": "base64"}, BEARER)
    values = struct.unpack("<16f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(values) == pytest.approx(plain["data"][0]["embedding"])
    assert call(Simulator(), "POST", "/v1beta/openai/embeddings", {**body, "input": [1, 2]}, BEARER)[0] == 400


def test_faults_of_chat_completions_come_at_random_too() -> None:
    simulator = Simulator(faults={CHAT_FAULTS["chat-no-usage"]: 1.0})
    assert "usage" not in call(simulator, "POST", CHAT, chat(), BEARER)[1]
    native = {"contents": [{"parts": [{"text": "What is the capital of Peru?"}]}]}
    assert "usageMetadata" in call(simulator, "POST", f"/v1beta/models/{FLASH25}:generateContent", native, KEY)[1]
