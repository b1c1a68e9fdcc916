"""A client of the simulator without a socket."""

from __future__ import annotations

import json
from typing import Any

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
KEY = {"x-goog-api-key": "simulated", "host": "simulator.invalid"}
BEARER = {"authorization": "Bearer simulated"}


def prompt(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def call(
    app: Simulator, method: str, path: str, body: Any = None, headers: Any = KEY, query: Any = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of an answer. A query may stand in the path."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    address, _, asked = path.partition("?")
    pairs = dict(pair.split("=") for pair in asked.split("&")) if asked else {}
    sent = app.handle(Call(method, address, {**pairs, **(query or {})}, headers, content))
    received = sent.content
    return (
        sent.status,
        json.loads(received) if received else None,
        {key.decode(): value.decode() for key, value in sent.headers},
    )


def text_of(answer: Any) -> str:
    return "".join(part.get("text", "") for part in answer["candidates"][0]["content"]["parts"])
