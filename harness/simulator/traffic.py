"""One HTTP request read, one answer sent: the only place that speaks ASGI."""

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
"""Bytes of the largest request body, as at Google."""
JSON = "application/json; charset=UTF-8"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Pause:
    """Instead of bytes: nothing comes for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Instead of bytes: the connection is dropped here."""


Piece = bytes | Pause | Cut


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The key: header first, then ``?key=``, then Bearer. Empty where there is none."""
        return self.headers.get("x-goog-api-key") or self.query.get("key", "") or self.bearer

    @property
    def bearer(self) -> str:
        value = self.headers.get("authorization", "")
        return value[7:].strip() if value.lower().startswith("bearer ") else ""

    @property
    def events(self) -> bool:
        """Whether events were asked for, rather than one JSON array."""
        return "sse" in self._alt

    @property
    def numbers(self) -> bool:
        """Whether enums are to come as numbers."""
        return "enum-encoding=int" in self._alt

    @property
    def _alt(self) -> list[str]:
        return f"{self.query.get('alt', '')};{self.query.get('$alt', '')}".split(";")


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes back. ``delay`` and ``pace`` are seconds before the first byte and between pieces; ``note`` is for the log.

    ``body`` may be made as it is sent: read it once.
    """

    status: int
    headers: Headers
    body: Iterable[Piece]
    delay: float = 0.0
    pace: float = 0.0
    note: str = ""

    @property
    def content(self) -> bytes:
        """All bytes that are sent, if nobody hangs up."""
        return b"".join(piece for piece in self.body if isinstance(piece, bytes))


class Gone(Exception):
    """The caller hung up before its request was whole."""


async def read(scope: Scope, receive: Receive) -> Call:
    """The request, whole. Raises ``Gone``."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    return Call(scope["method"], scope["path"], query, headers, await _body(receive))


async def _body(receive: Receive) -> bytes:
    """The whole body; of one that is too large only so much that it shows."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        piece = message.get("body", b"")
        if size <= LARGEST:
            pieces.append(piece)
        size += len(piece)
        more = bool(message.get("more_body"))
    return b"".join(pieces)


async def deliver(sent: Sent, send: Send, arrived: float) -> None:
    """Send it, each piece at its time: the delay counts from ``arrived`` (of ``time.perf_counter``), the pace from the first
    byte, so that what is late once does not make the rest late. A piece is made while its time is waited for, once all that is
    due in other streams has been sent."""
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
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            due += sent.pace
            if sent.pace:
                await asyncio.sleep(0)
        piece = next(pieces, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until(due: float) -> None:
    if (wait := due - time.perf_counter()) > 0:
        await asyncio.sleep(wait)
