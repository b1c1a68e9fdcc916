"""mitmproxy's flow files: typed netstrings, one after another, a length, the bytes and a type each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.transport.cassette.interaction import UNREADABLE, Interaction, read_interaction
from harness.transport.cassette.sources import Recorded, Unread, attempted, source

_LENGTH = re.compile(rb"(\d{1,12}):")
_DEEPEST = 30
_SCALARS: Mapping[bytes, Callable[[bytes], Any]] = {
    b",": bytes,
    b";": lambda data: data.decode("utf-8", "replace"),
    b"#": int,
    b"^": float,
    b"!": lambda data: data == b"true",
    b"~": lambda _data: None,
}


@source("mitmproxy")
def mitmproxy(_path: Path, raw: bytes) -> Iterator[Interaction | Recorded | Unread] | None:
    """The HTTP flows of a file. Other flows, such as DNS, are skipped."""
    is_flow = _LENGTH.match(raw) and b"timestamp_start" in raw and raw.rstrip(b"\n")[-1:] == b"}"
    return _flows(raw) if is_flow else None


def _flows(raw: bytes) -> Iterator[Interaction | Recorded | Unread]:
    at, index = 0, 0
    while at < len(raw):
        try:
            flow, at = _netstring(raw, at)
        except UNREADABLE as fault:
            yield Unread(f"flow {index}", f"the file is cut, or no list of flows: {fault}")
            return
        if isinstance(flow, dict) and isinstance(flow.get("request"), dict):
            yield attempted("flow", _exchange, index, flow)
        index += 1


def _netstring(raw: bytes, at: int, deep: int = 0) -> tuple[Any, int]:
    """The value that begins at ``at``, and where the next begins. Raises ValueError."""
    found = _LENGTH.match(raw, at)
    end = found.end() + int(found[1]) if found else len(raw)
    if not found or end >= len(raw) or deep > _DEEPEST:
        raise ValueError(f"no netstring at byte {at:,}")
    kind = raw[end : end + 1]
    if kind in _SCALARS:
        return _SCALARS[kind](raw[found.end() : end]), end + 1
    items, at = [], found.end()
    while at < end:
        item, at = _netstring(raw, at, deep + 1)
        items.append(item)
    if kind == b"]":
        return items, end + 1
    return {_word(key): value for key, value in zip(items[::2], items[1::2], strict=True)}, end + 1


def _word(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _exchange(index: int, flow: Mapping[str, Any]) -> Interaction | Recorded:
    asked, answer = flow["request"], flow.get("response")
    host = _word(asked.get("authority") or asked["host"])
    item = {
        "request": {
            "method": _word(asked["method"]),
            "uri": f"{_word(asked['scheme'])}://{host}{_word(asked['path'])}",
            "headers": _headers(asked),
            "body": asked.get("content"),
        },
        "response": {
            "status": {"code": answer["status_code"] if answer else 0},
            "headers": _headers(answer or {}),
            "body": (answer or {}).get("content"),
        },
    }
    found = read_interaction(index, item, verbatim=True)
    return found if answer else Recorded(found.exchange.request, None, found.credentials)


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {_word(name): _word(value) for name, value in message.get("headers") or ()}
