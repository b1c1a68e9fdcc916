"""Chat completions read as native answers."""

from __future__ import annotations

from typing import Any

import pytest

from harness.answer.chat_answer import native_finish, usage_of
from harness.answer.reply import read
from harness.model import Reply
from tests.exchanges import chat, chat_chunk, chat_request, exchange, sse

SIGNED = {"extra_content": {"google": {"thought_signature": "s"}}}
FLAG = {"extra_content": {"google": {"thought": True}}}


def unary(value: Any) -> Reply:
    return read(exchange(value, chat_request()))


def stream(*deltas: Any) -> Reply:
    return read(exchange(sse(*map(chat_chunk, deltas), end="\n\n"), chat_request(stream=True)))


def call(name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def test_an_answer() -> None:
    reply = unary(chat("Oslo"))
    assert (reply.text, reply.thoughts, reply.finish_reason, reply.model_version) == (
        "Oslo",
        "",
        "STOP",
        "gemini-2.5-flash",
    )
    assert reply.usage == {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
    assert reply.content == {"role": "model", "parts": [{"text": "Oslo"}]}
    assert reply.response["createTime"] == "2026-01-01T00:00:00Z"
    assert reply.faults == []


def test_thoughts_stand_between_tags() -> None:
    reply = unary(chat("<thought>Norway.</thought>Oslo"))
    assert (reply.thoughts, reply.text) == ("Norway.", "Oslo")


def test_tags_within_an_answer_are_text() -> None:
    assert unary(chat("Write <thought>x</thought>.")).text == "Write <thought>x</thought>."


def test_thoughts_in_a_stream() -> None:
    reply = stream(
        {"content": "<thought>Nor", **FLAG}, {"content": "way.", **FLAG}, {"content": "</thought>Os"}, {"content": "lo"}
    )
    assert (reply.thoughts, reply.text) == ("Norway.", "Oslo")
    assert reply.ttft is not None


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_gateways_keep_thoughts_apart(name: str) -> None:
    reply = stream({name: "Norway."}, {"content": "Oslo"})
    assert (reply.thoughts, reply.text) == ("Norway.", "Oslo")


@pytest.mark.parametrize(
    "deltas",
    [
        [{"tool_calls": [call("f", '{"a":1}', id="x"), call("g", "{}", id="y")]}],
        [{"tool_calls": [call("f", '{"a":1}', id="x")]}, {"tool_calls": [call("g", "{}", id="y")]}],
        [
            {"tool_calls": [call("f", "", id="x", index=0)]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
            {"tool_calls": [call("g", "", id="y", index=1), {"index": 0, "function": {"arguments": ":1}"}}]},
        ],
        [{"tool_calls": [call("f", '{"a"', id="x")]}, {"tool_calls": [{"function": {"arguments": ":1}"}}]}, {"tool_calls": [call("g", "", id="y")]}],
    ],
    ids=["in one delta", "whole, without an index", "cut, with an index", "cut, without an index"],
)  # fmt: skip
def test_calls_of_a_stream(deltas: list[Any]) -> None:
    assert stream(*deltas).function_calls == [
        {"name": "f", "args": {"a": 1}, "id": "x"},
        {"name": "g", "args": {}, "id": "y"},
    ]


def test_signatures_of_a_call_and_of_a_text() -> None:
    assert stream({"tool_calls": [call("f", "{}", id="x", **SIGNED)]}).parts[0]["thoughtSignature"] == "s"
    reply = stream({"content": "Oslo"}, {"content": None, **SIGNED})
    assert (reply.text, [part.get("thoughtSignature") for part in reply.parts]) == ("Oslo", ["s"])


@pytest.mark.parametrize(
    ("reason", "native"),
    [
        ("stop", "STOP"),
        ("tool_calls", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("content_filter: RECITATION", "RECITATION"),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"),
        ("eos", "eos"),
    ],
)
def test_finish_reasons(reason: str, native: str) -> None:
    assert native_finish(reason) == native


@pytest.mark.parametrize(
    ("counts", "reasoning", "native"),
    [
        ((35, 12, 109), None, (35, 12, 62, 109)),  # Google: thoughts are in the total only
        ((7, 0, 8), None, (7, 0, 1, 8)),
        ((10, 30, 40), 25, (10, 5, 25, 40)),  # OpenRouter: thoughts are in the completion
        ((10, 5, 15), 25, (10, 5, 25, 15)),  # Vercel: thoughts are in neither
    ],
    ids=["Google", "nothing visible", "OpenRouter", "Vercel"],
)
def test_thoughts_are_counted_by_each_gateway(
    counts: tuple[int, int, int], reasoning: int | None, native: tuple[int, ...]
) -> None:
    usage: dict[str, Any] = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), counts, strict=True))
    if reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    found = usage_of(usage)
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")
    assert tuple(found.get(name, 0) for name in names) == native


def test_cached_tokens_are_part_of_the_prompt() -> None:
    assert usage_of({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}})["cachedContentTokenCount"] == 4


def test_the_last_usage_of_a_stream_counts() -> None:
    first, last = chat_chunk({"content": "Os"}), chat_chunk({"content": "lo"}, finish="stop")
    first["usage"], last["usage"] = (
        {"prompt_tokens": 4, "completion_tokens": n, "total_tokens": 4 + n} for n in (0, 2)
    )
    reply = read(exchange(sse(first, last), chat_request(stream=True)))
    assert reply.count("candidatesTokenCount") == 2


def test_an_error_in_a_list_is_an_error() -> None:
    error = {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}
    assert read(exchange([{"error": error}], chat_request(), status=400)).error == error


@pytest.mark.parametrize(
    "odd",
    [1, [], {}, {"choices": 1}, {"choices": [1, {}]}, {"choices": [{"message": 1, "delta": {"tool_calls": [{}]}}]}],
)
def test_reading_never_raises(odd: Any) -> None:
    assert unary(odd).text == ""
    assert stream(odd).text == ""
