"""A chat completion of the OpenAI-compatible dialect as the native request with the same meaning. Never raises.

Checks and invariants read it, and ``import`` writes it into a suite. What has no native field is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.gemini import media
from harness.gemini.chat_request import MODES, PLAIN
from harness.model import Json
from harness.text.jsontext import an_object, json_of, objects_in

Object = dict[str, Json]

_CHOICES = {choice: mode for mode, choice in MODES.items()}


def native_body(body: Mapping[str, Any]) -> Object:
    """The ``GenerateContentRequest``. It always has ``contents``; a field without a value in the completion is left out."""
    messages = objects_in(body.get("messages"))
    system = [part for message in messages if message.get("role") in _SYSTEM for part in _parts(message.get("content"))]
    found = {
        "systemInstruction": {"parts": system} if system else {},
        "generationConfig": _config(body),
        "tools": _tools(objects_in(body.get("tools"))),
        "toolConfig": _tool_config(body.get("tool_choice")),
        "cachedContent": _google(body).get("cached_content"),
        "serviceTier": body.get("service_tier"),
    }
    return {"contents": _contents(messages), **{name: value for name, value in found.items() if value}}


_SYSTEM = ("system", "developer")


def _google(body: Mapping[str, Any]) -> Object:
    return an_object(an_object(body.get("extra_body")).get("google"))


def _config(body: Mapping[str, Any]) -> Object:
    config: Object = {field: body[name] for field, name in PLAIN.items() if body.get(name) is not None}
    if isinstance(config.get("stopSequences"), str):
        config["stopSequences"] = [config["stopSequences"]]
    if body.get("max_completion_tokens"):
        config["maxOutputTokens"] = body["max_completion_tokens"]
    config |= _format(an_object(body.get("response_format")))
    thinking = _thinking(body)
    return {**config, "thinkingConfig": thinking} if thinking else config


def _format(asked: Object) -> Object:
    if asked.get("type") not in ("json_object", "json_schema"):
        return {}
    schema = an_object(asked.get("json_schema")).get("schema")
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema else {})}


def _thinking(body: Mapping[str, Any]) -> Object:
    own, effort = an_object(_google(body).get("thinking_config")), body.get("reasoning_effort")
    if own or not isinstance(effort, str):
        return own
    return {"thinkingBudget": 0} if effort == "none" else {"thinkingLevel": effort.upper()}


def _tools(tools: Sequence[Object]) -> Json:
    functions = [an_object(tool.get("function")) for tool in tools]
    names = {"name": "name", "description": "description", "parameters": "parametersJsonSchema"}
    declared = [{names[key]: value for key, value in one.items() if key in names and value} for one in functions]
    return [{"functionDeclarations": declared}] if declared else []


def _tool_config(choice: Json) -> Object:
    if name := an_object(an_object(choice).get("function")).get("name"):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}
    mode = _CHOICES.get(choice) if isinstance(choice, str) else None
    return {"functionCallingConfig": {"mode": mode}} if mode else {}


# --- messages -----------------------------------------------------------------------------------------


def _contents(messages: Sequence[Object]) -> list[Object]:
    """The turns. Adjacent results of calls, and what the user says after them, are one turn."""
    calls = [call for message in messages for call in objects_in(message.get("tool_calls"))]
    names = {str(call.get("id")): an_object(call.get("function")).get("name") for call in calls}
    turns: list[Object] = []
    for message in messages:
        if message.get("role") in _SYSTEM:
            continue
        role = "model" if message.get("role") == "assistant" else "user"
        parts = _turn(message, names)
        if role == "user" and turns and "functionResponse" in (turns[-1]["parts"] or [{}])[-1]:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": role, "parts": parts})
    return turns


def _turn(message: Object, names: Mapping[str, Json]) -> list[Object]:
    if message.get("role") == "tool":
        call_id = str(message.get("tool_call_id"))
        answer = {"id": call_id, "name": message.get("name") or names.get(call_id), "response": _result(message)}
        return [{"functionResponse": answer}]
    signature = _signature(message)
    texts = _parts(message.get("content"))
    if signature and texts:
        texts[-1] |= signature
    return [*texts, *map(_call, objects_in(message.get("tool_calls")))]


def _result(message: Object) -> Object:
    text = "".join(part.get("text", "") for part in _parts(message.get("content")))
    value = json_of(text)
    return value if isinstance(value, dict) else {"result": text}


def _call(call: Object) -> Object:
    function = an_object(call.get("function"))
    args = json_of(str(function.get("arguments") or "{}"))
    found = {"id": call.get("id"), "name": function.get("name"), "args": args if isinstance(args, dict) else {}}
    return {"functionCall": {key: value for key, value in found.items() if value is not None}, **_signature(call)}


def _signature(value: Object) -> Object:
    found = an_object(an_object(value.get("extra_content")).get("google")).get("thought_signature")
    return {"thoughtSignature": found} if found else {}


def _parts(content: Json) -> list[Object]:
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return [part for item in objects_in(content) if (part := _part(item))]


def _part(item: Object) -> Object:
    if isinstance(item.get("text"), str):
        return {"text": item["text"]}
    url, sound = an_object(item.get("image_url")).get("url"), an_object(item.get("input_audio"))
    if isinstance(url, str):
        mime, comma, data = url.removeprefix("data:").partition(";base64,")
        return {"inlineData": {"mimeType": mime, "data": data}} if comma else media.address_part(url)
    kind = sound.get("format")
    return {"inlineData": {"mimeType": f"audio/{kind}", "data": sound.get("data")}} if kind else {}
