"""Faults in the content of an answer: its JSON and its function calls."""

from __future__ import annotations

import json

from harness.simulator.faults.registry import edits
from harness.simulator.faults.values import (
    JSON_MODE,
    Json,
    calls,
    candidates,
    parsed,
    parts,
    set_finish,
    set_json_text,
    set_text,
    text_of,
)
from harness.simulator.request import Ask


@edits("json-parses")
def fenced_json(values: list[Json], ask: Ask) -> None:
    """JSON between ``` fences."""
    set_json_text(values, ask, f"```json\n{text_of(values)}\n```")


@edits("json-parses")
def truncated_json(values: list[Json], ask: Ask) -> None:
    """JSON that ends in the middle, under STOP."""
    text = text_of(values)
    set_json_text(values, ask, text[: max(1, len(text) // 2)])


@edits("json-parses")
def extra_json(values: list[Json], ask: Ask) -> None:
    """Two JSON values in a row."""
    set_json_text(values, ask, f"{text_of(values)}\n{text_of(values)}")


@edits("json-parses")
def prose_for_json(values: list[Json], ask: Ask) -> None:
    """Prose instead of the requested JSON, as from a gateway that drops the schema."""
    set_json_text(values, ask, "Here is what you asked for: it is simulated.")


@edits("json-parses")
def thoughts_in_json(values: list[Json], ask: Ask) -> None:
    """Thoughts without a mark precede the JSON in the same text."""
    set_json_text(values, ask, f"**Determining the answer**\n\nI look at each field in turn.\n\n{text_of(values)}")


@edits("max-tokens-unasked")
def number_loop(values: list[Json], ask: Ask) -> None:
    """JSON in which the digits of a number repeat until MAX_TOKENS."""
    if ask.mime == JSON_MODE:
        set_text(values, '{"simulated": 0.1' + "3" * 2000)
        set_finish(values, "MAX_TOKENS")


@edits("json-schema")
def schema_violation(values: list[Json], ask: Ask) -> None:
    """The first value of the JSON answer has a wrong type; without such a value the answer is another object."""
    value = parsed(text_of(values))
    if isinstance(value, dict) and value:
        first = next(iter(value))
        value[first] = {"wrong": [value[first]]}
    set_json_text(values, ask, json.dumps(value if isinstance(value, dict) and value else {"wrong": True}))


@edits("json-schema")
def missing_key(values: list[Json], ask: Ask) -> None:
    """The first key of the JSON answer is missing."""
    value = parsed(text_of(values))
    if isinstance(value, dict) and value:
        value.pop(next(iter(value)))
        set_json_text(values, ask, json.dumps(value))


@edits("json-order")
def reversed_keys(values: list[Json], ask: Ask) -> None:
    """The keys of the JSON answer come in the opposite order."""
    value = parsed(text_of(values))
    if isinstance(value, dict):
        set_json_text(values, ask, json.dumps(dict(reversed(value.items()))))


@edits("thought-signature")
def lost_signature(values: list[Json], _: Ask) -> None:
    """Thought signatures are missing."""
    for part in parts(values):
        part.pop("thoughtSignature", None)


@edits("function-declared")
def undeclared_call(values: list[Json], _: Ask) -> None:
    """The answer calls a function that the request does not declare."""
    for call in calls(values)[:1]:
        call["name"] = "simulated_undeclared"


@edits("function-args")
def wrong_args(values: list[Json], _: Ask) -> None:
    """A call's arguments have the wrong types."""
    for call in calls(values):
        call["args"] = {name: {"wrong": value} for name, value in call.get("args", {}).items()}


@edits("function-args")
def missing_args(values: list[Json], _: Ask) -> None:
    """Calls come without arguments."""
    for call in calls(values):
        call["args"] = {}


@edits("function-duplicate")
def duplicate_call(values: list[Json], _: Ask) -> None:
    """The first call comes twice."""
    for candidate in candidates(values):
        parts = candidate.get("content", {}).get("parts", [])
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None:
            call = {key: value for key, value in first["functionCall"].items() if key != "id"}
            first["functionCall"].pop("id", None)
            parts.append({"functionCall": call})
            return


@edits("finish-reason")
def malformed_call(values: list[Json], _: Ask) -> list[Json]:
    """MALFORMED_FUNCTION_CALL: no content, only a finish message."""
    return _only_ends(values, "MALFORMED_FUNCTION_CALL", "Malformed function call: print(default_api.simulated(")


@edits("finish-reason")
def unexpected_call(values: list[Json], _: Ask) -> list[Json]:
    """UNEXPECTED_TOOL_CALL: a candidate without content, tools or not."""
    return _only_ends(values, "UNEXPECTED_TOOL_CALL", "Unexpected tool call: simulated")


def _only_ends(values: list[Json], finish: str, message: str) -> list[Json]:
    """Only the last value, with a candidate that has no content."""
    last = values[-1]
    if "candidates" in last:
        last["candidates"] = [{"finishReason": finish, "index": 0, "finishMessage": message}]
        last["usageMetadata"]["totalTokenCount"] -= last["usageMetadata"].pop("candidatesTokenCount", 0)
        last["usageMetadata"].pop("candidatesTokensDetails", None)
    return [last]
