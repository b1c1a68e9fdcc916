"""mitmproxy's flow files: typed netstrings, one after another, a length, the bytes and a type each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.text.jsontext import is_utf8
from harness.transport.cassette.interaction import UNREADABLE
from harness.transport.cassette.sources import Item, Unread, of_messages, source

_LENGTH = re.compile(rb"(\d{1,12}):")
_DEEPEST = 30
_SCALARS: Mapping[bytes, Callable[[bytes], Any]] = {
    b",": lambda data: data.decode() if is_utf8(data) else data,
    b";": lambda data: data.decode("utf-8", "replace"),
    b"#": int,
    b"^": float,
    b"!": lambda data: data == b"true",
    b"~": lambda _data: None,
}


@source("mitmproxy")
def mitmproxy(_path: Path, raw: bytes) -> Iterator[Item] | None:
    """The HTTP flows of a file. Other flows, such as DNS, are skipped."""
    is_flow = _LENGTH.match(raw) and b"timestamp_start" in raw and raw.rstrip(b"\n")[-1:] == b"}"
    return _flows(raw) if is_flow else None


def _flows(raw: bytes) -> Iterator[Item]:
    at, flows, cut = 0, list[Any](), list[Unread]()
    while at < len(raw) and not cut:
        try:
            flow, at = _netstring(raw, at)
            flows.append(flow)
        except UNREADABLE as fault:
            cut.append(Unread(f"flow {len(flows)}", f"the file is cut, or no list of flows: {fault}"))
    calls = (flow for flow in flows if isinstance(flow, dict) and isinstance(flow.get("request"), dict))
    yield from (*of_messages("flow", calls), *cut)


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
    return {str(key): value for key, value in zip(items[::2], items[1::2], strict=True)}, end + 1
