"""Makes exchanges for tests of reading and judging answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from harness.model import Chunk, Exchange, Provenance, Request

GOOGLE = "https://generativelanguage.googleapis.com"


def request(
    body: Any = None, model: str = "gemini-2.5-flash", *, stream: bool = False, sse: bool = True, path: str = ""
) -> Request:
    operation = f"streamGenerateContent{'?alt=sse' if sse else ''}" if stream else "generateContent"
    return Request(
        provider="google",
        model=model,
        method="POST",
        url=GOOGLE + (path or f"/v1beta/models/{model}:{operation}"),
        headers={},
        body=body,
        content=b"",
        transport="stream" if stream else "unary",
    )


def exchange(
    answer: Any,
    sent: Request | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    timing: str = "recorded",
    **more: Any,
) -> Exchange:
    """An exchange. ``answer`` is bytes, a list of byte chunks (one every 0.1 s), or a JSON value."""
    pieces: Sequence[bytes] = answer if isinstance(answer, list) and answer and isinstance(answer[0], bytes) else []
    if not pieces:
        pieces = [answer if isinstance(answer, bytes) else json.dumps(answer).encode()]
    kind = "text/event-stream" if sent and sent.transport == "stream" else "application/json"
    return Exchange(
        request=sent or request(),
        status=status,
        headers={"content-type": kind} if headers is None else headers,
        chunks=[Chunk(piece, round(0.1 * number, 3)) for number, piece in enumerate(pieces, 1)],
        head_at=0.05,
        provenance=Provenance("replay", "google", timing=timing),  # type: ignore[arg-type]
        **more,
    )


def chunk(*parts: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """An answer, or a chunk of a stream, with these parts. ``more`` are other fields of the response."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **more}


def answer(text: str = "Oslo", **more: Any) -> dict[str, Any]:
    """A healthy unary answer."""
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
    whole = {"usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "r"}
    return chunk({"text": text}, finish="STOP", **{**whole, **more})


def sse(*values: Any, end: str = "\r\n\r\n") -> bytes:
    """Values as server-sent events, framed as Google does."""
    return "".join(f"data: {json.dumps(value, ensure_ascii=False)}{end}" for value in values).encode()


# --- chat completions ---------------------------------------------------------------------------------


def chat_request(body: Any = None, *, stream: bool = False) -> Request:
    asked = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    sent = request({**asked, **(body or {})}, path="/v1beta/openai/chat/completions")
    return replace(sent, transport="stream" if stream else "unary")


def chat(content: str | None = "Oslo", finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A healthy chat completion. ``more`` are other fields of the message."""
    message = {"role": "assistant", **({} if content is None else {"content": content}), **more}
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    head = {"id": "r", "object": "chat.completion", "created": 1767225600, "model": "models/gemini-2.5-flash"}
    return {**head, "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}


def chat_chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a stream with this delta."""
    choice = {"index": 0, "delta": delta, **({"finish_reason": finish} if finish else {})}
    return {"id": "r", "object": "chat.completion.chunk", "model": "gemini-2.5-flash", "choices": [choice], **more}
