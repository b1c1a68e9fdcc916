"""A native request as a chat completion of the OpenAI-compatible dialect. `native_request` is the way back.

What chat completions cannot express raises NotAvailable, so that nothing is left out in silence. The names are those of Google's page
"OpenAI compatibility".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from harness.errors import NotAvailable
from harness.gemini import canonical, schemas
from harness.model import Json, Transport
from harness.text.names import snake

Object = dict[str, Json]

PLAIN = {
    "temperature": "temperature", "topP": "top_p", "maxOutputTokens": "max_tokens", "stopSequences": "stop", "seed": "seed",
    "candidateCount": "n", "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty",
}  # fmt: skip
"""Fields of ``generationConfig`` that have a field of their own."""
EFFORTS = {0: "none", 1024: "low", 8192: "medium", 24576: "high"}
"""Thinking budget in tokens -> the ``reasoning_effort`` that Google's page gives for it."""
MODES = {"AUTO": "auto", "NONE": "none", "ANY": "required"}
AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}


def chat_body(body: Json, model: str, transport: Transport, *, google: bool) -> Object:
    """The body of a chat completion. ``google``: the endpoint takes Google's own fields in ``extra_body``.

    Raises NotAvailable for what cannot be expressed, also where a field has a value of another type than natively.
    """
    try:
        return _chat_body(dict(canonical.canonical(body)), model, transport, google=google)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise NotAvailable(f"the request cannot be read as a native one: {problem}") from None


def _chat_body(native: Object, model: str, transport: Transport, *, google: bool) -> Object:
    """The same for a canonical request. It removes from ``native`` every field that it translates; a field that remains is an error."""
    config = native.pop("generationConfig", {})
    messages = [*_system(native.pop("systemInstruction", None)), *_messages(native.pop("contents", []))]
    sent: Object = {"model": model, "messages": messages}
    sent |= {name: config.pop(field) for field, name in PLAIN.items() if field in config}
    sent |= _format(config)
    sent |= _tools(native.pop("tools", []), native.pop("toolConfig", {}))
    sent |= _with_google(config.pop("thinkingConfig", {}), native.pop("cachedContent", None), google=google)
    if "serviceTier" in native:
        sent["service_tier"] = native.pop("serviceTier")
    if config.get("responseModalities") == ["TEXT"]:
        del config["responseModalities"]
    for name in [*(f"generationConfig.{key}" for key in config), *native]:
        raise _no_field(name)
    return {**sent, "stream": True, "stream_options": {"include_usage": True}} if transport == "stream" else sent


def _no_field(name: str) -> NotAvailable:
    return NotAvailable(f"chat completions have no field for {name}")


def _system(instruction: Json) -> Iterator[Object]:
    if instruction:
        yield {"role": "system", "content": "\n".join(part.get("text", "") for part in instruction.get("parts", []))}


def _messages(contents: Sequence[Object]) -> Iterator[Object]:
    """The turns. ``waiting`` holds (function, id) of every call without a result yet."""
    waiting: list[tuple[str, str]] = []
    for number, content in enumerate(contents):
        parts = content.get("parts", [])
        if content.get("role") == "model":
            message = _model_message(parts, number)
            waiting += [(call["function"]["name"], call["id"]) for call in message.get("tool_calls", ())]
            yield message
            continue
        yield from (_tool_message(part["functionResponse"], waiting) for part in parts if "functionResponse" in part)
        if own := [part for part in parts if "functionResponse" not in part]:
            yield {"role": "user", "content": _user_content(own)}


def _user_content(parts: Sequence[Object]) -> Json:
    if len(parts) == 1 and parts[0].keys() == {"text"}:
        return parts[0]["text"]
    return [_user_part(part) for part in parts]


def _user_part(part: Object) -> Object:
    if part.keys() == {"text"}:
        return {"type": "text", "text": part["text"]}
    blob = part.get("inlineData", {})
    mime, data = blob.get("mimeType", ""), blob.get("data", "")
    if part.keys() == {"inlineData"} and mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{data}"}}
    if part.keys() == {"inlineData"} and mime in AUDIO:
        return {"type": "input_audio", "input_audio": {"data": data, "format": AUDIO[mime]}}
    raise _no_field(f"inlineData of {mime}" if part.keys() == {"inlineData"} else f"parts[].{', '.join(part)}")


def _tool_message(response: Object, waiting: list[tuple[str, str]]) -> Object:
    name, value = response.get("name", ""), response.get("response", {})
    if "parts" in response:
        raise _no_field("functionResponse.parts")
    found = next((call for call in waiting if response.get("id", call[1]) == call[1] and call[0] == name), None)
    if found:
        waiting.remove(found)
    call_id = response.get("id") or (found[1] if found else f"call_{name}")
    return {"role": "tool", "tool_call_id": call_id, "name": name, "content": _result(value)}


def _result(value: Json) -> str:
    """The response of a function; a plain text, which is wrapped natively, as it is."""
    plain = value.get("result") if isinstance(value, dict) and len(value) == 1 else None
    return plain if isinstance(plain, str) else _text(value)


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _model_message(parts: Sequence[Object], number: int) -> Object:
    """The model's turn. Thoughts stay out of it, signatures go back where they came from."""
    message: Object = {"role": "assistant"}
    for place, part in enumerate(part for part in parts if not part.get("thought")):
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            call = _tool_call(part["functionCall"], f"call_{number}_{place}")
            message.setdefault("tool_calls", []).append({**call, **_signed(signature)})
        elif "text" in part:
            message["content"] = message.get("content", "") + part["text"]
            message |= _signed(signature)
        else:
            raise _no_field(f"parts[].{', '.join(part)} of the model")
    return message


def _tool_call(call: Object, own_id: str) -> Object:
    arguments = _text(call.get("args", {}))
    function = {"name": call.get("name", ""), "arguments": arguments}
    return {"id": call.get("id") or own_id, "type": "function", "function": function}


def _signed(signature: Json) -> Object:
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}


def _format(config: Object) -> Object:
    """``response_format``. It removes the fields that it translates from ``config``."""
    mime = config.pop("responseMimeType", "text/plain")
    plain, own = config.pop("responseSchema", None), config.pop("responseJsonSchema", None)
    if mime not in ("text/plain", "application/json"):
        raise _no_field(f"generationConfig.responseMimeType {mime}")
    schema = own if own is not None else plain and _json_schema(plain, "responseSchema")
    if schema is not None:
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
    return {"response_format": {"type": "json_object"}} if mime == "application/json" else {}


def _json_schema(schema: Json, name: str) -> Json:
    try:
        return schemas.to_json_schema(schema)
    except schemas.SchemaProblem as problem:
        raise NotAvailable(f"{name} is no JSON Schema: {problem}") from None


def _tools(tools: Sequence[Object], config: Object) -> Object:
    declared = []
    for tool in tools:
        for kind in tool:
            if kind != "functionDeclarations":
                raise _no_field(f"tools.{kind}")
        declared += [{"type": "function", "function": _function(one)} for one in tool.get("functionDeclarations", [])]
    found: Object = {"tools": declared} if declared else {}
    for name in config:
        if name != "functionCallingConfig":
            raise _no_field(f"toolConfig.{name}")
    calling = config.get("functionCallingConfig", {})
    return {**found, "tool_choice": _choice(calling)} if calling else found


def _function(declared: Object) -> Object:
    schema = declared.get("parametersJsonSchema")
    if schema is None and "parameters" in declared:
        schema = _json_schema(declared["parameters"], "parameters")
    for name in declared.keys() - {"name", "description", "parameters", "parametersJsonSchema"}:
        raise _no_field(f"functionDeclarations.{name}")
    kept: Object = {name: declared[name] for name in ("name", "description") if name in declared}
    return kept if schema is None else {**kept, "parameters": schema}


def _choice(calling: Object) -> Json:
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames", [])
    if mode not in MODES:
        raise _no_field(f"functionCallingConfig.mode {mode}")
    if len(allowed) > 1:
        raise _no_field("several allowedFunctionNames")
    return {"type": "function", "function": {"name": allowed[0]}} if allowed else MODES[mode]


def _with_google(thinking: Object, cached: Json, *, google: bool) -> Object:
    """Thinking and caches: as fields of Google's own where they are taken, else as ``reasoning_effort``."""
    if google:
        own: Object = {"thinking_config": _snake(thinking)} if thinking else {}
        own |= {"cached_content": cached} if cached else {}
        return {"extra_body": {"google": own}} if own else {}
    if cached:
        raise _no_field("cachedContent")
    if thinking.get("includeThoughts"):
        raise _no_field("thinkingConfig.includeThoughts")
    if thinking.get("thinkingLevel"):
        return {"reasoning_effort": str(thinking["thinkingLevel"]).lower()}
    budget = thinking.get("thinkingBudget")
    if budget is None or budget == -1:
        return {}
    if budget not in EFFORTS:
        raise _no_field(f"a thinkingBudget of {budget}")
    return {"reasoning_effort": EFFORTS[budget]}


def _snake(thinking: Object) -> Object:
    for name in thinking.keys() - {"thinkingLevel", "thinkingBudget", "includeThoughts"}:
        raise _no_field(f"thinkingConfig.{name}")
    found = {snake(name): value for name, value in thinking.items()}
    return {**found, "thinking_level": found["thinking_level"].lower()} if "thinking_level" in found else found
