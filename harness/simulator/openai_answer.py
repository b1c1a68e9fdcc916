"""An answer as a chat completion, whole and in chunks: the keys and the oddities of Google's endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.simulator import wire_format
from harness.simulator.answer_types import Candidate, SimulatedAnswer
from harness.simulator.seed import Seed

FINISHES = {"STOP": "stop", "MAX_TOKENS": "length"}
_CALLS = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")


def completion(answer: SimulatedAnswer, model: str, now: int) -> dict[str, Any]:
    """The body of a whole answer. ``model`` is the name as it was asked for, ``now`` seconds since the epoch."""
    choices = [_choice(answer, index) for index in range(len(answer.candidates))] or [_blocked(answer)]
    frame = {"id": answer.response_id, "object": "chat.completion", "created": now, "model": model}
    return {**frame, "choices": choices, "usage": _usage(answer)}


def _choice(answer: SimulatedAnswer, index: int) -> dict[str, Any]:
    candidate = answer.candidates[index]
    choice = {"index": index, "finish_reason": "tool_calls" if candidate.output.called else _finish(candidate)}
    if candidate.output.finish == "PROHIBITED_CONTENT":
        return choice
    return {**choice, "message": {"role": "assistant", **_message(answer, index)}}


def _blocked(answer: SimulatedAnswer) -> dict[str, Any]:
    """The choice of a blocked prompt: it has no message."""
    return {"index": 0, "finish_reason": f"content_filter: {(answer.blocked or {}).get('blockReason', 'OTHER')}"}


def _finish(candidate: Candidate) -> str:
    finish = candidate.output.finish
    kind = "function_call_filter" if finish in _CALLS else "content_filter"
    return FINISHES.get(finish) or f"{kind}: {finish}"


def _message(answer: SimulatedAnswer, index: int) -> dict[str, Any]:
    """Content, calls and signatures; a key without a value is missing. Thoughts come first, between tags."""
    candidate = answer.candidates[index]
    text, thoughts = candidate.output.text, candidate.thoughts.summary
    if thoughts:
        text = f"<thought>{thoughts}</thought>{text}"
    extra = {"thought": True} if thoughts else {}
    if candidate.signature:
        extra["thought_signature"] = candidate.signature  # type: ignore[assignment]
    found = {
        "content": text,
        "tool_calls": _tool_calls(answer, index),
        "extra_content": {"google": extra} if extra else None,
    }
    return {name: value for name, value in found.items() if value}


def _tool_calls(answer: SimulatedAnswer, index: int) -> list[dict[str, Any]]:
    parts = [part for part in answer.candidates[index].output.parts if "functionCall" in part]
    seed = Seed.of(answer.response_id, str(index))
    return [_tool_call(part, f"function-call-{seed.number(str(n))}") for n, part in enumerate(parts)]


def _tool_call(part: Mapping[str, Any], own_id: str) -> dict[str, Any]:
    """One call. Gemini 3 has its own ids for them; others get ``own_id``."""
    call = part["functionCall"]
    arguments = json.dumps(call.get("args", {}), ensure_ascii=False, separators=(",", ":"))
    shown = {
        "id": call.get("id") or own_id,
        "type": "function",
        "function": {"name": call["name"], "arguments": arguments},
    }
    signature = part.get("thoughtSignature")
    return {**shown, "extra_content": {"google": {"thought_signature": signature}}} if signature else shown


def _usage(answer: SimulatedAnswer, *, done: bool = True) -> dict[str, Any]:
    """Thoughts are in the total, not in the completion. Before the end of a stream the completion is 0."""
    prompt, output = sum(answer.prompt.values()), sum(answer.output.values()) if done else 0
    total = prompt + output + (answer.thoughts + answer.tool_tokens if done else 0)
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": total}
    cached = sum(answer.cached.values())
    return {**usage, "prompt_tokens_details": {"cached_tokens": cached}} if cached else usage


# --- in chunks ----------------------------------------------------------------------------------------


def chunks(answer: SimulatedAnswer, model: str, now: int, *, usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks of a stream: role and content in each delta, whole calls without an index, the finish reason in the last one.

    With ``usage`` each chunk has a usage, and the last one counts.
    """
    frame = {"id": answer.response_id, "object": "chat.completion.chunk", "created": now, "model": model}
    choices = [choice for index in range(len(answer.candidates)) for choice in _streamed(answer, index)]
    choices = choices or [{**_blocked(answer), "delta": {"role": "assistant"}}]
    for number, choice in enumerate(choices, 1):
        shown = {**frame, "choices": [choice]}
        yield {**shown, "usage": _usage(answer, done=number == len(choices))} if usage else shown


def _streamed(answer: SimulatedAnswer, index: int) -> list[dict[str, Any]]:
    """The choices of one candidate. Gemini 3 ends calls with an empty delta and ``stop``, Gemini 2.5 in the delta of the calls."""
    candidate = answer.candidates[index]
    deltas = [*_texts(candidate), *([{"tool_calls": calls}] if (calls := _tool_calls(answer, index)) else [])]
    identified = any(part.get("functionCall", {}).get("id") for part in candidate.output.parts)
    if candidate.signature:
        deltas.append({"content": None, "extra_content": {"google": {"thought_signature": candidate.signature}}})
    elif identified or not deltas:
        deltas.append({})
    choices = [{"index": index, "delta": {"role": "assistant", **delta}} for delta in deltas]
    choices[-1]["finish_reason"] = "tool_calls" if candidate.output.called and not identified else _finish(candidate)
    return choices


def _texts(candidate: Candidate) -> list[dict[str, Any]]:
    """Deltas of thoughts, which are flagged, then of the answer. The tag that closes the thoughts begins the answer."""
    flag = {"extra_content": {"google": {"thought": True}}}
    thoughts, text = candidate.thoughts.summary, candidate.output.text
    opened = f"<thought>{thoughts}" if thoughts else ""
    closed = f"</thought>{text}" if thoughts and text else text
    flagged: list[dict[str, Any]] = [{"content": piece, **flag} for piece in wire_format.pieces(opened)]
    return [*flagged, *({"content": piece} for piece in wire_format.pieces(closed))]
