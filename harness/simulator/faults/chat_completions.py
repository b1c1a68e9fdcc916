"""Faults of chat completions only, in a registry of their own: no other answer can have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.simulator.faults.registry import CHAT_FAULTS, edits, rewires
from harness.simulator.request import Ask
from harness.simulator.traffic import Sent

_DONE = b"data: [DONE]\n\n"


def _calls(values: list[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        for choice in value["choices"]:
            yield from (choice.get("message") or choice.get("delta") or {}).get("tool_calls", ())


@edits("chat-call-id", CHAT_FAULTS)
def chat_repeated_ids(values: list[Any], _: Ask) -> None:
    """All tool calls have the same id."""
    for call in _calls(values):
        call["id"] = "call_0"


@edits("chat-usage", CHAT_FAULTS)
def chat_no_usage(values: list[Any], _: Ask) -> None:
    """No usage, though a stream was asked for it."""
    for value in values:
        value.pop("usage", None)


@edits("chat-arguments", CHAT_FAULTS)
def chat_cut_arguments(values: list[Any], _: Ask) -> list[Any]:
    """The arguments of a call are cut between two deltas without an index."""
    found = []
    for value in values:
        found.append(value)
        if value["object"].endswith(".chunk") and (calls := list(_calls([value]))):
            function = calls[-1]["function"]
            arguments = function["arguments"]
            function["arguments"] = arguments[: len(arguments) // 2]
            rest = {"function": {"arguments": arguments[len(arguments) // 2 :]}}
            delta = {"role": "assistant", "tool_calls": [rest]}
            found.append({**value, "choices": [{"index": value["choices"][0]["index"], "delta": delta}]})
    return found


@rewires("chat-done", CHAT_FAULTS)
def chat_no_done(sent: Sent, _: str) -> Sent:
    """A stream ends without [DONE]."""
    return replace(sent, body=[piece for piece in sent.body if piece != _DONE])
