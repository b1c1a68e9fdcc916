"""Reads an HTTP request and sends an answer. The only module that uses ASGI messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

LARGEST = 100 * 1024 * 1024
"""The maximum size of a request body in bytes, as at Google."""
JSON = "application/json; charset=UTF-8"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Pause:
    """In place of bytes: nothing is sent for this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """In place of bytes: the connection is dropped here."""


Piece = bytes | Pause | Cut


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The API key: from the header, else ``?key=``, else the bearer token. Empty without one."""
        return self.headers.get("x-goog-api-key") or self.query.get("key", "") or self.bearer

    @property
    def bearer(self) -> str:
        value = self.headers.get("authorization", "")
        return value[7:].strip() if value.lower().startswith("bearer ") else ""

    @property
    def events(self) -> bool:
        """Whether the request asks for server-sent events, not for a JSON array."""
        return "sse" in self._alt

    @property
    def numbers(self) -> bool:
        """Whether the request asks for enums as numbers."""
        return "enum-encoding=int" in self._alt

    @property
    def _alt(self) -> list[str]:
        return f"{self.query.get('alt', '')};{self.query.get('$alt', '')}".split(";")


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer. ``delay`` and ``pace`` are seconds before the first byte and between pieces; ``note`` is for the log.

    ``body`` may be a generator: iterate over it once.
    """

    status: int
    headers: Headers
    body: Iterable[Piece]
    delay: float = 0.0
    pace: float = 0.0
    note: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the body is one piece of bytes, so that its end is known before it is sent."""
        return isinstance(self.body, tuple) and len(self.body) == 1 and isinstance(self.body[0], bytes)

    @property
    def content(self) -> bytes:
        """All bytes of the body."""
        return b"".join(piece for piece in self.body if isinstance(piece, bytes))


class Disconnected(Exception):
    """The client closed the connection before its request was complete."""


async def read(scope: Scope, receive: Receive) -> Call:
    """The whole request. Raises ``Disconnected``."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    asked = scope.get("query_string", b"")
    query = dict(parse_qsl(asked.decode("latin-1"), keep_blank_values=True)) if asked else {}
    return Call(scope["method"], scope["path"], query, headers, await _body(receive))


async def _body(receive: Receive) -> bytes:
    """The whole body. Of a body above ``LARGEST`` only enough to see that it is too large."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        if size <= LARGEST:
            pieces.append(piece)
        size += len(piece)
        more = bool(message.get("more_body"))
    return b"".join(pieces)


async def deliver(sent: Sent, send: Send, arrived: float) -> None:
    """Send the answer, each piece at its time. The delay counts from ``arrived`` (of ``time.perf_counter``), the pace from the first
    byte, so one late piece does not delay the others. The next piece is made after the other streams have sent what is due."""
    due = arrived + sent.delay
    pieces = iter(sent.body)
    piece = next(pieces, None)
    await _until(due)
    due = max(due, time.perf_counter())
    await send({"type": "http.response.start", "status": sent.status, "headers": sent.headers})
    while piece is not None:
        if isinstance(piece, Cut):
            return
        if isinstance(piece, Pause):
            due += piece.seconds
        else:
            await _until(due)
            await send({"type": "http.response.body", "body": piece, "more_body": not sent.is_whole})
            due += sent.pace
            if sent.pace:
                await asyncio.sleep(0)
        piece = next(pieces, None)
    if not sent.is_whole:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until(due: float) -> None:
    if (wait := due - time.perf_counter()) > 0:
        await asyncio.sleep(wait)
