"""The OpenAI-compatible endpoint: chat completions, embeddings, models, keys and errors as Google has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call
from tests.simulator.client import BEARER, FLASH3, FLASH25, call

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
