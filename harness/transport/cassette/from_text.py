"""Bodies alone: the text of an event stream, without its request; and dumps of HTTP messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from harness.transport.cassette.bodies import Body, may_be_answer
from harness.transport.cassette.pieces import Piece
from harness.transport.cassette.sources import Item, by_pieces, by_shape, source
from harness.transport.cassette.texts import http_messages

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b": ", b":\n", b":\r")
_DATA = re.compile(rb"^data: ?[\[{]", re.MULTILINE)


@source("SSE text")
def sse_text(_path: Path, raw: bytes) -> Iterable[Item] | None:
    """The body of a stream. It has lost its address, its status and its headers."""
    start = raw[:200].lstrip(b" \t\r\n")
    if not start.startswith(_FIELDS) or not _DATA.search(raw):
        return None
    if not may_be_answer(raw):
        return []
    # Editors take blank lines from the end of a file.
    ended = raw if not raw.endswith((b"}", b"}\n", b"}\r\n")) else raw.rstrip(b"\r\n") + b"\n\n"
    return list(by_pieces([Piece(answers=[Body(ended)], streams=True)]))


@source("HTTP text")
def http_text(_path: Path, raw: bytes) -> Iterable[Item] | None:
    """A dump of requests and answers as they are on the wire, one after another."""
    found = list(http_messages(raw))
    return list(by_shape(found)) if found else None
