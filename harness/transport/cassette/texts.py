"""HTTP messages as text: what httprr writes, and what proxies and logs dump."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_START = re.compile(rb"(?:[A-Z]{3,7} \S+ HTTP/[\d.]+|HTTP/[\d.]+ \d{3}[^\r\n]*)\r?\n")


class HttpMessage(Struct, frozen=True):
    """A request (``status`` None) or an answer. Header names are lower case."""

    method: str
    target: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes


def http_message(raw: bytes) -> HttpMessage:
    """The message in these bytes, which begin with its first line. Chunked bodies are put together. Raises ValueError."""
    head, *rest = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)
    body = rest[0] if rest else b""
    first, *lines = head.decode("utf-8", "replace").splitlines() or [""]
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    if "chunked" in headers.get("transfer-encoding", ""):
        body = _unchunked(body)
    words = first.split()
    if len(words) < 2:
        raise ValueError(f"no first line of HTTP: {first[:60]!r}")
    if words[0].startswith("HTTP/"):
        return HttpMessage("", "", int(words[1]), headers, body)
    return HttpMessage(words[0], words[1], None, headers, body)


def _unchunked(body: bytes) -> bytes:
    found, at = bytearray(), 0
    while line := re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r?\n").match(body, at):
        size = int(line[1], 16)
        found += body[line.end() : line.end() + size]
        at = line.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1
        if not size:
            return bytes(found)
    return body if not at else bytes(found)


def is_message(raw: bytes) -> bool:
    """Whether the bytes begin with the first line of an HTTP message."""
    return _START.match(raw) is not None


def http_messages(raw: bytes) -> Iterator[bytes]:
    """The messages in a dump that begins with one, each from its first line to that of the next."""
    raw = raw.lstrip()
    if not _START.match(raw):
        return
    starts = [
        found.start()
        for found in _START.finditer(raw)
        if found.start() == 0 or raw[found.start() - 1 : found.start()] in b"\n}]"
    ]
    for start, end in zip(starts, [*starts[1:], len(raw)], strict=True):
        yield _RULE.sub(b"\n", raw[start:end])


_RULE = re.compile(rb"\n[-=#*]{5,}[^\n{}]*+\s*+\Z")
"""The line that a tool draws between messages."""
