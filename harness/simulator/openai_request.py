"""A chat completion as a native request, with the refusals of Google's endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal

from msgspec import Struct, convert

from harness.gemini.models import Thinking
from harness.gemini.native_request import native_body
from harness.simulator.errors import bad_payload, refusal
from harness.text.jsontext import an_object

BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""``reasoning_effort`` -> thinking budget, for models with budgets."""
NAMES = frozenset(
    ["temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed", "model", "messages", "stop", "stream", "stream_options", "tools",
     "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "extra_body", "service_tier", "user", "modalities", "audio"]
)  # fmt: skip
"""The names that Google's endpoint takes. It refuses others, such as ``store``, ``metadata`` and both penalties."""


class _Function(Struct):
    name: str
    arguments: str | None = None


class _Call(Struct):
    id: str
    function: _Function


class _Item(Struct):
    type: Literal["text", "image_url", "input_audio"]


class _Message(Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Item] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""
    name: str | None = None


class _Tool(Struct):
    function: _Function
    type: Literal["function"] = "function"


class _Choice(Struct):
    function: _Function


class _Format(Struct):
    type: Literal["text", "json_object", "json_schema"] = "text"


class _Google(Struct):
    thinking_config: dict[str, Any] | None = None
    cached_content: str | None = None


class _Extra(Struct):
    google: _Google | None = None


class _Completion(Struct):
    """What a chat completion must be; other fields are not looked at."""

    messages: list[_Message]
    tools: list[_Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | _Choice | None = None
    response_format: _Format | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    extra_body: _Extra | None = None


def native(body: Mapping[str, Any], thinking: Thinking) -> dict[str, Any]:
    """The request as a ``GenerateContentRequest`` for a model with these thinking options. Raises the API's 400."""
    asked = _checked(body)
    ignored = _REPLACED if asked.tools else (*_REPLACED, "tool_choice")
    found = native_body({name: value for name, value in body.items() if name not in ignored})
    for part in chain.from_iterable(content["parts"] for content in found["contents"]):
        part.get("fileData", {}).setdefault("mimeType", "image/png")  # only images come by their address
    if own := _thinking(asked, thinking):
        found["generationConfig"] = {**found.get("generationConfig", {}), "thinkingConfig": own}
    if asked.service_tier not in (None, "auto", "default"):
        found["serviceTier"] = asked.service_tier
    return found


_REPLACED = ("reasoning_effort", "service_tier")


def _checked(body: Mapping[str, Any]) -> _Completion:
    """Raises the API's 400 for a body of another form, for a result of a call that nobody made, and for unknown names of Google's own."""
    try:
        found = convert(body, _Completion)
        calls = [call for message in found.messages for call in message.tool_calls or ()]
        for call in calls:
            json.loads(call.function.arguments or "{}")
    except ValueError:
        raise refusal("invalid_argument") from None
    made = {call.id for call in calls}
    if any(one.role == "tool" and not one.name and one.tool_call_id not in made for one in found.messages):
        raise refusal("invalid_argument")
    own = an_object(an_object(body.get("extra_body")).get("google"))
    if wrong := [name for name in own if name not in _Google.__struct_fields__]:
        raise bad_payload([("extra_body.google", unknown(name, "extra_body.google")) for name in wrong])
    return found


def unknown(name: str, at: str = "") -> str:
    """The API's message for an unknown name."""
    place = f" at '{at}'" if at else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'


def _thinking(asked: _Completion, thinking: Thinking) -> dict[str, Any]:
    """``thinkingConfig``, from ``reasoning_effort`` or from the caller's own one."""
    own = asked.extra_body and asked.extra_body.google and asked.extra_body.google.thinking_config
    effort = asked.reasoning_effort
    if effort is None:
        return own or {}
    if own:
        raise refusal("effort_both")
    if effort not in BUDGETS:
        raise refusal("effort_unknown", effort=effort, known=", ".join(sorted(BUDGETS)))
    if thinking.control != "level":
        return {"thinkingBudget": BUDGETS[effort]}
    if effort == "none":
        raise refusal("think_zero")
    return {"thinkingLevel": "LOW" if effort == "minimal" and "MINIMAL" not in thinking.levels else effort.upper()}
