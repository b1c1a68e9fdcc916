"""Makes a suite and its cassettes of recordings of any tool, of curl command lines, and of files of requests; suites of those of promptfoo.

In: files. Out: the requests in them, and their answers; ``to_suite`` makes a suite and its cassettes from them.
May import: ``run``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``gemini``, ``text``.

Recordings are read by ``transport.cassette``, which the audit and a suite's ``cassette:`` use too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import BadCassette
from harness.importers import curl, http_files, sdk
from harness.transport.cassette import Interaction, Recorded, Unread, from_shape, sources
from harness.transport.cassette.documents import logged


def read(path: Path) -> list[Recorded | Unread]:
    """The requests in a file, in their order. Raises BadCassette, with the reason, if it holds none."""
    if path.suffix.lower() in http_files.SUFFIXES and (asked := http_files.read(path, sources.bytes_of(path))):
        return asked
    found, reason = list[Recorded | Unread](), None
    try:
        found += map(_recorded, sources.read(path).items)
    except BadCassette as fault:
        if not path.is_file():
            raise
        reason = fault
    if any(isinstance(item, Recorded) and item.answer for item in found):
        return found
    raw = sources.bytes_of(path)
    text = curl.as_text(raw.decode("utf-8", "replace"))
    if commands := curl.read(path, text):
        found = [*commands, *_in_programs(raw)]
    known = [item.request.body for item in found if isinstance(item, Recorded)]
    found += [item for item in sdk.read(text) if isinstance(item, Unread) or item.request.body not in known]
    if reason and not found:
        raise reason
    return found


def _in_programs(page: bytes) -> Iterator[Recorded]:
    """The requests of the programs in a page with commands: those with an address."""
    for block in curl.blocks_without_commands(page):
        pieces = from_shape.exchanges(logged(block))
        items = sources.by_pieces(piece for piece in pieces if piece.url and piece.has_request)
        yield from (item for item in map(_recorded, items) if isinstance(item, Recorded))


def _recorded(item: Interaction | Recorded | Unread) -> Recorded | Unread:
    if isinstance(item, Interaction):
        return Recorded(item.exchange.request, item.exchange, item.credentials)
    return item
