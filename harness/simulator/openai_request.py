"""A chat completion as a native request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.gemini.models import Thinking
from harness.simulator.errors import Refusal, bad_payload, refusal

BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""``reasoning_effort`` -> thinking budget, for models with budgets."""
LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
"""``reasoning_effort`` -> thinking level. A model without MINIMAL thinks at LOW."""
_PLAIN = {
    "temperature": "temperature", "top_p": "topP", "n": "candidateCount", "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens", "seed": "seed",
}  # fmt: skip
NAMES = frozenset(
    [*_PLAIN, "model", "messages", "stop", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format",
     "reasoning_effort", "extra_body", "service_tier", "user", "modalities", "audio"]
)  # fmt: skip
"""The names that Google's endpoint takes. It refuses others, such as ``store``, ``metadata`` and both penalties."""
_EXTRA = frozenset(["thinking_config", "cached_content"])
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_ROLES = {"user": "user", "assistant": "model", "tool": "user"}


def native(body: Mapping[str, Any], thinking: Thinking) -> dict[str, Any]:
    """The request as a ``GenerateContentRequest`` for a model with these thinking options. Raises the API's 400."""
    try:
        return _translated(body, thinking)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise refusal("invalid_argument") from None


def unknown(name: str, at: str = "") -> str:
    """The API's message for an unknown name."""
    place = f" at '{at}'" if at else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'


def _translated(body: Mapping[str, Any], thinking: Thinking) -> dict[str, Any]:
    messages, google = body["messages"], _google(body)
    config = {native: body[name] for name, native in _PLAIN.items() if body.get(name) is not None}
    if body.get("stop"):
        config["stopSequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    config.update(_format(body.get("response_format")))
    if own := _thinking(body.get("reasoning_effort"), google.get("thinking_config"), thinking):
        config["thinkingConfig"] = own
    native: dict[str, Any] = {"contents": _contents(messages), "generationConfig": config}
    system = [_text(message["content"]) for message in messages if message["role"] in ("system", "developer")]
    if system:
        native["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    if body.get("tools"):
        native["tools"] = [{"functionDeclarations": [_declared(tool) for tool in body["tools"]]}]
        native["toolConfig"] = {"functionCallingConfig": _choice(body.get("tool_choice") or "auto")}
    if body.get("service_tier") not in (None, "auto", "default"):
        native["serviceTier"] = body["service_tier"]
    return {**native, **({"cachedContent": google["cached_content"]} if google.get("cached_content") else {})}


def _google(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """``extra_body.google``. Raises the API's 400 for names that chat completions do not take."""
    google: Mapping[str, Any] = (body.get("extra_body") or {}).get("google") or {}
    if wrong := [name for name in google if name not in _EXTRA]:
        raise bad_payload([("extra_body.google", unknown(name, "extra_body.google")) for name in wrong])
    return google


def _thinking(effort: Any, own: Mapping[str, Any] | None, thinking: Thinking) -> dict[str, Any]:
    """``thinkingConfig``, from ``reasoning_effort`` or from the caller's own one."""
    if effort is None:
        return dict(own or {})
    if own:
        raise refusal("effort_both")
    if effort not in BUDGETS:
        raise Refusal(400, f"Invalid reasoning_effort: {effort}. Valid values are: {', '.join(sorted(BUDGETS))}")
    if thinking.control != "level":
        return {"thinkingBudget": BUDGETS[effort]}
    if effort == "none":
        raise refusal("think_zero")
    return {"thinkingLevel": "LOW" if effort == "minimal" and "MINIMAL" not in thinking.levels else LEVELS[effort]}


def _format(asked: Mapping[str, Any] | None) -> dict[str, Any]:
    kind = (asked or {}).get("type", "text")
    if kind == "text":
        return {}
    if kind not in ("json_object", "json_schema"):
        raise ValueError(kind)
    schema = (asked or {}).get("json_schema", {}).get("schema")
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema else {})}


def _declared(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type", "function") != "function":
        raise ValueError(tool["type"])
    function = tool["function"]
    declared = {"name": function["name"], "description": function.get("description") or ""}
    parameters = function.get("parameters")
    return {**declared, "parametersJsonSchema": parameters} if parameters else declared


def _choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        return {"mode": "ANY", "allowedFunctionNames": [choice["function"]["name"]]}
    return {"mode": _MODES[choice]}


# --- messages -----------------------------------------------------------------------------------------


def _contents(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The turns. Adjacent results of calls become one turn."""
    names = {call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()}
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] in ("system", "developer"):
            continue
        turn = {"role": _ROLES[message["role"]], "parts": _turn_parts(message, names)}
        if message["role"] == "tool" and turns and "functionResponse" in (turns[-1]["parts"] or [{}])[-1]:
            turns[-1]["parts"] += turn["parts"]
        else:
            turns.append(turn)
    return turns


def _turn_parts(message: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parts of one message. ``names`` has the function of each call id; a result of no earlier call is a KeyError."""
    if message["role"] == "tool":
        response = {
            "name": message.get("name") or names[message["tool_call_id"]],
            "response": _result(message["content"]),
        }
        return [{"functionResponse": response}]
    if message["role"] == "user":
        return _parts(message["content"])
    return [*_parts(message.get("content")), *map(_called, message.get("tool_calls") or ())]


def _called(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    part: dict[str, Any] = {
        "functionCall": {"name": function["name"], "args": json.loads(function.get("arguments") or "{}")}
    }
    signature = (call.get("extra_content") or {}).get("google", {}).get("thought_signature")
    return {**part, "thoughtSignature": signature} if signature else part


def _result(content: Any) -> dict[str, Any]:
    text = _text(content)
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"result": value}


def _parts(content: Any) -> list[dict[str, Any]]:
    if content is None or content == "":
        return []
    return [{"text": content}] if isinstance(content, str) else [_part(item) for item in content]


def _part(item: Mapping[str, Any]) -> dict[str, Any]:
    if item["type"] == "text":
        return {"text": item["text"]}
    if item["type"] == "input_audio":
        audio = item["input_audio"]
        return {"inlineData": {"mimeType": f"audio/{audio['format']}", "data": audio["data"]}}
    url = item["image_url"]["url"]
    mime, _, data = url.removeprefix("data:").partition(";base64,")
    if url.startswith("data:"):
        return {"inlineData": {"mimeType": mime, "data": data}}
    return {"fileData": {"fileUri": url, "mimeType": "image/png"}}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(item["text"] for item in content or () if item.get("type") == "text")
