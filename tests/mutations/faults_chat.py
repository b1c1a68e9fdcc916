"""Faults of chat completions, the OpenAI-compatible dialect: the end of a stream, usage, finish reasons, tool calls, errors."""

from __future__ import annotations

import json

from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _completion(d: Draft) -> Object:
    """The last event of a chat completion."""
    need("chat/completions" in d.url and d.status == 200)
    return d.events[-1]


def _stream(d: Draft) -> None:
    need(_completion(d) and d.form == "sse")


def _usage(d: Draft) -> Object:
    usage: Object = _completion(d)["usage"]
    need(usage["total_tokens"])
    return usage


def _choice(d: Draft) -> Object:
    """The choice with the finish reason."""
    need(_completion(d))
    found: list[Object] = [one for event in d.events for one in event["choices"] if one.get("finish_reason")]
    return found[-1]


def _calls(d: Draft) -> list[Object]:
    need(_completion(d))
    sides = [choice.get("message") or choice["delta"] for event in d.events for choice in event["choices"]]
    found = [call for side in sides for call in side.get("tool_calls") or ()]
    need(found)
    return found


@fault("chat-done")
def end_of_a_stream_lost(d: Draft) -> None:
    _stream(d)
    d.end = b""


@fault("chat-done")
def end_of_a_stream_twice(d: Draft) -> None:
    _stream(d)
    d.end *= 2


@fault("chat-done")
def event_behind_the_end(d: Draft) -> None:
    _stream(d)
    d.end += b"data: " + json.dumps(d.events[0]).encode() + b"\n\n"


@fault("chat-usage")
def usage_of_a_completion_lost(d: Draft) -> None:
    need(_usage(d) and not d.streams)
    del d.events[-1]["usage"]


@fault("chat-usage")
def usage_of_gemini(d: Draft) -> None:
    usage = _usage(d)
    del d.events[-1]["usage"]
    d.events[-1]["usageMetadata"] = {"promptTokenCount": 5, "totalTokenCount": usage["total_tokens"]}


@fault("chat-usage")
def total_of_the_prompt_alone(d: Draft) -> None:
    usage = _usage(d)
    need(usage["completion_tokens"])
    usage["total_tokens"] = usage["prompt_tokens"]


@fault("chat-usage")
def total_lost(d: Draft) -> None:
    del _usage(d)["total_tokens"]


@fault("chat-finish")
def finish_reason_of_gemini(d: Draft) -> None:
    choice = _choice(d)
    choice["finish_reason"] = d.random.choice(["STOP", "MAX_TOKENS", "FINISH_REASON_STOP", "SAFETY"])


@fault("chat-finish")
def finish_reason_of_others(d: Draft) -> None:
    choice = _choice(d)
    choice["finish_reason"] = d.random.choice(["end_turn", "eos", "COMPLETE", ""])


@fault("chat-call-id")
def id_of_a_call_lost(d: Draft) -> None:
    need(_calls(d)[0].pop("id"))


@fault("chat-call-id")
def id_of_calls_shared(d: Draft) -> None:
    first, second, *_ = _calls(d)
    need(first["id"] != second["id"])
    second["id"] = first["id"]


@fault("chat-arguments")
def arguments_as_an_object(d: Draft) -> None:
    _calls(d)[0]["function"]["arguments"] = {"city": "Oslo"}


@fault("chat-arguments")
def arguments_that_end_early(d: Draft) -> None:
    function = _calls(d)[0]["function"]
    need(function["arguments"].endswith("}"))
    function["arguments"] = function["arguments"][:-1]


@fault("chat-arguments")
def name_of_a_call_lost(d: Draft) -> None:
    del _calls(d)[0]["function"]["name"]


def _error(d: Draft) -> Object:
    """The completion becomes an error as Google's endpoint gives it."""
    need(_completion(d) and not d.streams)
    d.status = 429
    error = {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}
    d.events = [{"error": error}]
    return error


@fault("chat-error")
def detail_of_a_gateway(d: Draft) -> None:
    _error(d)
    d.events = [{"detail": "Quota exceeded."}]


@fault("chat-error")
def message_of_an_error_lost(d: Draft) -> None:
    del _error(d)["message"]


@fault("chat-error")
def code_of_an_error_lost(d: Draft) -> None:
    del _error(d)["code"]


@fault("chat-error")
def error_as_a_text(d: Draft) -> None:
    _error(d)
    d.events = [{"error": "Quota exceeded."}]
