"""Faults of chat completions only, in a registry of their own: no other answer can have them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.simulator.faults.registry import Fault
from harness.simulator.request import Ask
from harness.simulator.traffic import Sent

CHAT_FAULTS: dict[str, Fault] = {}
_DONE = b"data: [DONE]\n\n"


def _edits(name: str, rule: str, about: str) -> Callable[[Callable[[list[Any]], list[Any]]], None]:
    def register(edit: Callable[[list[Any]], list[Any]]) -> None:
        def whole(values: list[Any], _: Ask) -> list[Any]:
            return edit(copy.deepcopy(values))

        CHAT_FAULTS[name] = Fault(name, about, rule, edit=whole)

    return register


def _calls(values: list[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        for choice in value["choices"]:
            yield from (choice.get("message") or choice.get("delta") or {}).get("tool_calls", ())


@_edits("chat-repeated-ids", "chat-call-id", "all tool calls have the same id")
def _repeated_ids(values: list[Any]) -> list[Any]:
    for call in _calls(values):
        call["id"] = "call_0"
    return values


@_edits("chat-no-usage", "chat-usage", "no usage, though a stream was asked for it")
def _no_usage(values: list[Any]) -> list[Any]:
    return [{name: item for name, item in value.items() if name != "usage"} for value in values]


@_edits("chat-cut-arguments", "chat-arguments", "the arguments of a call are cut between two deltas without an index")
def _cut_arguments(values: list[Any]) -> list[Any]:
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


def _lost_done(sent: Sent, _: str) -> Sent:
    return replace(sent, body=[piece for piece in sent.body if piece != _DONE])


CHAT_FAULTS["chat-no-done"] = Fault("chat-no-done", "a stream ends without [DONE]", "chat-done", rewire=_lost_done)
