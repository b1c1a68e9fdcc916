"""The OpenAI-compatible endpoint: turns a chat completion into a native request, and the answer into a chat completion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.gemini.models import catalogue as known
from harness.simulator import catalogue, generating, wire_format
from harness.simulator.answer_types import Candidate, SimulatedAnswer
from harness.simulator.errors import Refusal, refusal
from harness.simulator.request import Ask, normal
from harness.simulator.traffic import EVENTS, JSON, Sent

if TYPE_CHECKING:
    from harness.simulator.routed_call import RoutedCall

EFFORTS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "none": 0}
"""``reasoning_effort`` -> thinking budget, for models with budgets."""
FINISHES = {"STOP": "stop", "MAX_TOKENS": "length"}
_PLAIN = {
    "temperature": "temperature", "top_p": "topP", "n": "candidateCount", "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens", "seed": "seed", "presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty",
}  # fmt: skip


def models() -> dict[str, Any]:
    """``GET models`` in OpenAI's shape."""
    names = [name for name, facts in known().models.items() if facts.stage not in ("retired", "shutdown")]
    return {
        "object": "list",
        "data": [{"id": f"models/{name}", "object": "model", "owned_by": "google"} for name in names],
    }


def complete(routed: RoutedCall) -> Sent:
    """``chat/completions``, with and without ``stream``. Raises ``Refusal``."""
    body = routed.body()
    routed.authorise()
    if not isinstance(body, Mapping) or not isinstance(body.get("messages"), list):
        raise refusal("invalid_argument")
    model = str(body.get("model", "")).removeprefix("models/")
    facts = catalogue.answering(model, routed.version, "generateContent", strict=routed.app.strict)
    ask = generating.prepared(routed.app, Ask(model, facts, normal(_native(body, facts.thinking.control)), {}))
    fault = generating.fault_of(routed, ask)
    if fault and fault.refuse:
        raise fault.refuse(ask)
    stream = body.get("stream") is True
    answer = generating.answered(routed, ask, stream=False)
    now = int(routed.app.now())
    if not stream:
        return Sent(200, routed.profile.headers(JSON), (_bytes(_completion(answer, model, now)),), routed.app.latency)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    events = [b"data: " + _bytes(chunk) + b"\n\n" for chunk in _chunks(answer, model, now, usage=usage)]
    return Sent(
        200, routed.profile.headers(EVENTS), (*events, b"data: [DONE]\n\n"), routed.app.latency, routed.app.pace
    )


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# --- request -----------------------------------------------------------------------------------------


def _native(body: Mapping[str, Any], control: str) -> dict[str, Any]:
    try:
        return _translated(body, control)
    except (KeyError, TypeError, ValueError, AttributeError) as failed:
        raise Refusal(400, f"Request contains an invalid argument: {type(failed).__name__} {failed}.") from None


def _translated(body: Mapping[str, Any], control: str) -> dict[str, Any]:
    messages = body["messages"]
    config = {native: body[name] for name, native in _PLAIN.items() if body.get(name) is not None}
    if body.get("stop"):
        config["stopSequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    config.update(_format(body.get("response_format")))
    if thinking := _thinking(body, control):
        config["thinkingConfig"] = thinking
    native: dict[str, Any] = {"contents": _contents(messages), "generationConfig": config}
    system = [_text(message["content"]) for message in messages if message["role"] in ("system", "developer")]
    if system:
        native["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    if body.get("tools"):
        native["tools"] = [{"functionDeclarations": [_declared(tool["function"]) for tool in body["tools"]]}]
        native["toolConfig"] = {"functionCallingConfig": _choice(body.get("tool_choice", "auto"))}
    if cached := (body.get("extra_body") or {}).get("google", {}).get("cached_content"):
        native["cachedContent"] = cached
    return native


def _thinking(body: Mapping[str, Any], control: str) -> dict[str, Any]:
    """``thinkingConfig`` from ``reasoning_effort``, or from ``extra_body.google.thinking_config``."""
    own = (body.get("extra_body") or {}).get("google", {}).get("thinking_config")
    effort = body.get("reasoning_effort")
    if effort is None or own:
        return dict(own or {})
    if control == "budget":
        return {"thinkingBudget": EFFORTS[effort]}
    return {} if effort == "none" else {"thinkingLevel": effort.upper()}


def _format(asked: Mapping[str, Any] | None) -> dict[str, Any]:
    kind = (asked or {}).get("type", "text")
    if kind == "text":
        return {}
    schema = (asked or {}).get("json_schema", {}).get("schema")
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema else {})}


def _declared(function: Mapping[str, Any]) -> dict[str, Any]:
    declared = {"name": function["name"], "description": function.get("description") or ""}
    parameters = function.get("parameters")
    return {**declared, "parametersJsonSchema": parameters} if parameters else declared


def _choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        return {"mode": "ANY", "allowedFunctionNames": [choice["function"]["name"]]}
    return {"mode": {"auto": "AUTO", "none": "NONE", "required": "ANY"}[choice]}


def _contents(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The turns. Adjacent results of calls become one turn."""
    names = {call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()}
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message["role"]
        if role == "user":
            turns.append({"role": "user", "parts": _parts(message["content"])})
        elif role == "assistant":
            turns.append(
                {
                    "role": "model",
                    "parts": [*_parts(message.get("content")), *map(_called, message.get("tool_calls") or ())],
                }
            )
        elif role == "tool":
            part = {
                "functionResponse": {
                    "name": names.get(message["tool_call_id"], ""),
                    "response": _result(message["content"]),
                }
            }
            if turns and "functionResponse" in turns[-1]["parts"][-1]:
                turns[-1]["parts"].append(part)
            else:
                turns.append({"role": "user", "parts": [part]})
    return turns


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
        return {
            "inlineData": {"mimeType": f"audio/{item['input_audio']['format']}", "data": item["input_audio"]["data"]}
        }
    url = item["image_url"]["url"]
    mime, _, data = url.removeprefix("data:").partition(";base64,")
    return (
        {"inlineData": {"mimeType": mime, "data": data}}
        if url.startswith("data:")
        else {"fileData": {"fileUri": url, "mimeType": "image/png"}}
    )


def _text(content: Any) -> str:
    return (
        content
        if isinstance(content, str)
        else "\n".join(item["text"] for item in content or () if item.get("type") == "text")
    )


# --- answer ------------------------------------------------------------------------------------------


def _completion(answer: SimulatedAnswer, model: str, now: int) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant", **_message(candidate)}, "finish_reason": _finish(candidate)}
        for index, candidate in enumerate(answer.candidates)
    ] or [{"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "content_filter"}]
    whole = {"id": answer.response_id, "object": "chat.completion", "created": now, "model": model, "choices": choices}
    return {**whole, "usage": _usage(answer)}


def _message(candidate: Candidate) -> dict[str, Any]:
    text = "".join(part.get("text", "") for part in candidate.output.parts)
    if candidate.thoughts.summary:
        text = f"<thought>{candidate.thoughts.summary}</thought>{text}"
    calls = [
        _tool_call(part, index)
        for index, part in enumerate(part for part in candidate.output.parts if "functionCall" in part)
    ]
    message: dict[str, Any] = {"content": text or None}
    return {**message, "tool_calls": calls} if calls else message


def _tool_call(part: Mapping[str, Any], index: int) -> dict[str, Any]:
    call = part["functionCall"]
    function = {
        "name": call["name"],
        "arguments": json.dumps(call.get("args", {}), ensure_ascii=False, separators=(",", ":")),
    }
    shown = {"id": call.get("id") or f"function-call-{index}", "type": "function", "function": function}
    signature = part.get("thoughtSignature")
    return {**shown, "extra_content": {"google": {"thought_signature": signature}}} if signature else shown


def _finish(candidate: Candidate) -> str:
    return "tool_calls" if candidate.output.called else FINISHES.get(candidate.output.finish, "content_filter")


def _usage(answer: SimulatedAnswer) -> dict[str, Any]:
    prompt, output = sum(answer.prompt.values()), sum(answer.output.values())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output + answer.thoughts,
        "total_tokens": prompt + output + answer.thoughts + answer.tool_tokens,
        "completion_tokens_details": {"reasoning_tokens": answer.thoughts},
    }


def _chunks(answer: SimulatedAnswer, model: str, now: int, *, usage: bool) -> Iterator[dict[str, Any]]:
    frame = {"id": answer.response_id, "object": "chat.completion.chunk", "created": now, "model": model}
    for index, candidate in enumerate(answer.candidates):
        message = _message(candidate)
        for piece in wire_format.pieces(message["content"] or ""):
            yield {
                **frame,
                "choices": [{"index": index, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}],
            }
        calls = [{"index": n, **call} for n, call in enumerate(message.get("tool_calls", ()))]
        last: dict[str, Any] = {"role": "assistant", **({"tool_calls": calls} if calls else {})}
        yield {**frame, "choices": [{"index": index, "delta": last, "finish_reason": _finish(candidate)}]}
    if usage:
        yield {**frame, "choices": [], "usage": _usage(answer)}
