"""Takes personal data out of exchanges, before anything writes or judges them. The request is sent as it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from operator import itemgetter
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from harness.model import Chunk, Exchange, Json, Request, Slot
from harness.text.grouping import grouped
from harness.text.jsontext import compact, loads
from harness.text.patterns import reset_time_limit
from harness.text.personal import Redaction
from harness.transport.wrapping import Around, LiveTransport

_TEXTS = ("text", "stringValue")
"""The fields whose value a stream sends in pieces."""


class Redacting(Around):
    """A live transport whose exchanges hold no personal data. Raises what it wraps raises, and TooSlow."""

    def __init__(self, inner: LiveTransport, redaction: Redaction) -> None:
        super().__init__(inner)
        self.redaction = redaction

    async def send(self, request: Request, slot: Slot) -> Exchange:
        return redacted(await super().send(request, slot), self.redaction)


def redacted(exchange: Exchange, redaction: Redaction) -> Exchange:
    """The exchange without personal data: in the address, headers and bodies of both sides. Raises TooSlow.

    Where the answer held some, the exchange is not ``verbatim`` any more.
    """
    if not redaction:
        return exchange
    request = redacted_request(exchange.request, redaction)
    headers = {name: redaction.text(value) for name, value in exchange.headers.items()}
    chunks = _timed(exchange.chunks, _redacted_pieces(_pieces(exchange.content), redaction))
    found = replace(exchange, request=request, headers=headers)
    if b"".join(chunk.data for chunk in chunks) == exchange.content:
        return found
    return replace(found, chunks=chunks, verbatim=False)


def redacted_request(request: Request, redaction: Redaction) -> Request:
    """The request without personal data, as it is recorded and matched. Raises TooSlow."""
    if not redaction:
        return request
    reset_time_limit()
    body, content = request.body, request.content
    if body is not None:
        body = redaction.value(body)
        content = content if body == request.body else compact(body)
    elif b"\0" not in content:
        content = _plain(content, redaction)
    headers = {name: redaction.text(value) for name, value in request.headers.items()}
    return replace(request, url=_address(request.url, redaction), headers=headers, body=body, content=content)


def _address(url: str, redaction: Redaction) -> str:
    parts = urlsplit(url)
    path, query = unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True)
    clean = redaction.text(path)
    pairs = [(redaction.text(name), redaction.text(value)) for name, value in query]
    return urlunsplit(
        parts._replace(
            path=parts.path if clean == path else quote(clean, safe="/:@,+"),
            query=parts.query if pairs == query else urlencode(pairs),
        )
    )


def _plain(content: bytes, redaction: Redaction) -> bytes:
    return redaction.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


# --- the body of an answer --------------------------------------------------------------------------------


class _Piece(Struct, frozen=True):
    """A part of a body. ``start`` and ``end`` are what stands around its JSON ``value``; ``is_json`` is False for other text."""

    raw: bytes
    is_json: bool = False
    value: Json = None
    start: bytes = b""
    end: bytes = b""


def _pieces(content: bytes) -> list[_Piece]:
    """The body as one JSON value, or as the lines of a stream."""
    if content.lstrip()[:1] in (b"{", b"["):
        with suppress(ValueError):
            return [_Piece(content, True, loads(content))]
    return list(map(_line, content.splitlines(keepends=True)))


def _line(line: bytes) -> _Piece:
    end = line[len(line.rstrip(b"\r\n")) :]
    start = next((mark for mark in (b"data: ", b"data:") if line.startswith(mark)), b"")
    if start:
        with suppress(ValueError):
            return _Piece(line, True, loads(line[len(start) : len(line) - len(end)]), start, end)
    return _Piece(line)


def _redacted_pieces(pieces: Sequence[_Piece], redaction: Redaction) -> Iterator[tuple[int, bytes]]:
    """(length before, bytes after) of each piece. A piece without personal data keeps its bytes."""
    before = [compact(piece.value) for piece in pieces]
    values = [piece.value for piece in pieces]
    _redact_texts([event for value in values for event in (value if isinstance(value, list) else [value])], redaction)
    for piece, was in zip(pieces, before, strict=True):
        if not piece.is_json:
            new = _plain(piece.raw, redaction)
        elif (clean := compact(redaction.value(piece.value))) == was:
            new = piece.raw
        else:
            new = piece.start + clean + piece.end
        yield len(piece.raw), new


def _redact_texts(events: Sequence[Json], redaction: Redaction) -> None:
    """Redact, in place, the texts that go on over several events."""
    texts = (found for event in events for found in _texts(event))
    for run in grouped(texts, itemgetter(0)).values():
        pieces = redaction.pieces([holder[name] for _, holder, name in run])
        for (_, holder, name), text in zip(run, pieces, strict=True):
            holder[name] = text


def _texts(value: Json, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Json], str]]:
    """(place, holder, name) of each text. Thoughts, candidates and fields have places of their own."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in _TEXTS and isinstance(item, str):
                yield (*place, bool(value.get("thought")), name), value, name
            else:
                yield from _texts(item, (*place, value.get("index", 0) if name == "content" else None, name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, place)


def _timed(chunks: Sequence[Chunk], pieces: Iterator[tuple[int, bytes]]) -> Sequence[Chunk]:
    """The new pieces, each in the chunk with which its last byte came."""
    ends = list(accumulate(len(chunk.data) for chunk in chunks))
    found: dict[int, list[bytes]] = {}
    position = 0
    for length, data in pieces:
        position += length
        found.setdefault(min(bisect_left(ends, position), len(ends) - 1), []).append(data)
    return [Chunk(b"".join(data), chunks[index].at) for index, data in sorted(found.items())]
