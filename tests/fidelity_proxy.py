"""A small proxy for tests: it drops, renames, retypes or adds something in some answers, as gateways do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from harness.model import Chunk, Exchange
from tests.fidelity import Rewrite

Edit = Callable[[dict[str, Any], str], None]
"""Changes a key of an object that has it."""


def at(path: str, edit: Edit, *, every: int = 1) -> Rewrite:
    """Edit a path such as ``$.candidates[*].index`` in every n-th answer, in each event of a stream."""
    *steps, key = path.removeprefix("$.").replace("[*]", ".[*]").split(".")

    def body(value: Any) -> Any:
        for found in _objects(value, steps):
            edit(found, key)
        return value

    return lambda exchange, number: exchange if number % every else _with_bodies(exchange, body)


def drop(found: dict[str, Any], key: str) -> None:
    found.pop(key, None)


def retype(found: dict[str, Any], key: str) -> None:
    if key in found:
        found[key] = json.dumps(found[key])


def add(found: dict[str, Any], key: str) -> None:
    found[key] = 0


def rename(new: str) -> Edit:
    def edit(found: dict[str, Any], key: str) -> None:
        if key in found:
            found[new] = found.pop(key)

    return edit


def header(name: str, value: str | None, *, every: int = 1) -> Rewrite:
    """Set a header, or drop it, in every n-th answer."""

    def rewrite(exchange: Exchange, number: int) -> Exchange:
        if number % every:
            return exchange
        rest = {known: text for known, text in exchange.headers.items() if known != name}
        return replace(exchange, headers=rest if value is None else {**rest, name: value})

    return rewrite


def events(edit: Callable[[list[bytes]], list[bytes]], *, pace: float = 0.0) -> Rewrite:
    """Change the events of every stream; each is bytes with its blank line. ``pace``: seconds before each."""

    def rewrite(exchange: Exchange, _number: int) -> Exchange:
        if not exchange.content.startswith(b"data:"):
            return exchange
        pieces, end = _pieces(exchange.content)
        pieces = [piece + end for piece in pieces]
        return replace(exchange, chunks=[Chunk(piece, pace * at) for at, piece in enumerate(edit(pieces), 1)])

    return rewrite


def _with_bodies(exchange: Exchange, body: Callable[[Any], Any]) -> Exchange:
    content = exchange.content
    if content.startswith(b"data:"):
        pieces, end = _pieces(content)
        content = b"".join(b"data: " + json.dumps(body(json.loads(piece[5:]))).encode() + end for piece in pieces)
    elif content.lstrip()[:1] in (b"{", b"["):
        value = json.loads(content)
        content = json.dumps([body(one) for one in value] if isinstance(value, list) else body(value)).encode()
    return replace(exchange, chunks=[Chunk(content, exchange.chunks[-1].at)])


def _pieces(content: bytes) -> tuple[list[bytes], bytes]:
    end = b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n"
    return [piece for piece in content.split(end) if piece], end


def _objects(value: Any, steps: list[str]) -> Iterator[dict[str, Any]]:
    if not steps:
        if isinstance(value, dict):
            yield value
        return
    if steps[0] == "[*]":
        for item in value if isinstance(value, list) else ():
            yield from _objects(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _objects(value[steps[0]], steps[1:])
