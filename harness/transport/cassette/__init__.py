"""The cassette format: vcrpy's YAML, plus what vcrpy does not keep. Reads recordings of any tool, writes standard ones.

In: recordings, or exchanges. Out: exchanges, or the text of a file.
May import: the rest of ``transport``, ``suite``, ``answer``, ``gemini``, ``text``, ``extensions``.

``read`` turns a file into Exchanges; ``document`` turns an Exchange into one interaction of the file and ``dump`` writes
the file's text. What vcrpy does not keep is in ``response.x-recording``, which vcrpy and pytest-recording preserve::

    x-recording:
      v: 1
      at: '2026-11-20T12:03:32+00:00'   when the request was sent
      from: google                      whose answer this is
      slot: [0, 2, 1]                   row, repeat, step; a fourth number counts further requests of one step
      headers: date x-request-id        others that came, whose values are not stored
      head_ms: 52.1
      t_ms: 52.4 92.8 133.0             when each chunk arrived
      bytes: 159 159 183                and how long it was
      eol: crlf                         the body is stored with LF

``simulated: true``, ``redacted: true`` (the answer held personal data), ``attempts: 2`` and ``request: verbatim`` (the body is not our own compact JSON) appear where they apply.
Cassettes are untrusted: only the safe loader of libyaml ever sees them.

The readers of other formats are imported where they are used: a replay of cassettes of ours never waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.errors import BadCassette
from harness.model import Json
from harness.text import plainyaml
from harness.text.jsontext import an_object
from harness.transport.cassette.interaction import (
    SIMULATOR_HOST,
    UNREADABLE,
    Compact,
    Interaction,
    Item,
    Place,
    Recorded,
    Unread,
    credentials,
    kept,
    provider_of,
    read_interaction,
    read_request,
    without_secrets,
)
from harness.transport.cassette.writing import document, dump

__all__ = [
    "SIMULATOR_HOST",
    "UNREADABLE",
    "Interaction",
    "Item",
    "Place",
    "Recorded",
    "Tape",
    "Unread",
    "credentials",
    "document",
    "dump",
    "load",
    "provider_of",
    "read",
    "read_interaction",
    "read_request",
    "read_short",
    "without_secrets",
]

_OURS = b"version: 1\ninteractions:\n- request:\n"
_LONG = 1_000_000
"""Bytes from which on a cassette is not decoded as a whole."""
_AT_ONCE = 65_536


class Tape(Struct, frozen=True, dict=True):
    """A recording. ``recorded_with``: what the recording tool wrote about itself, or empty. ``format``: the name of its format.

    ``unanswered`` are requests without an answer, ``unread`` the parts of the file that could not be read.
    """

    path: Path
    interactions: Sequence[Interaction]
    recorded_with: Mapping[str, Json]
    format: str = "vcrpy"
    unanswered: Sequence[Recorded] = ()
    unread: Sequence[Unread] = ()

    def at(self, slot: Place) -> Interaction | None:
        """The interaction in this slot, the first of several; None if there is none."""
        index = self._by_slot.get(slot)
        return None if index is None else self.interactions[index]

    @cached_property
    def _by_slot(self) -> Mapping[Place | None, int]:
        slots = [item.slot for item in kept(self.interactions)]
        return {slot: index for index, slot in reversed(list(enumerate(slots)))}


# --- reading ------------------------------------------------------------------------------------------


Reader = Callable[[Path, bytes], "Tape | None"]
"""Reads a short cassette of ours from its bytes: see ``read_short``."""


def read(path: Path, short: Reader | None = None) -> Tape:
    """The recording at ``path``, in any format; ``short`` takes the place of ``read_short``. Raises BadCassette with the reason."""
    return (short or read_short)(path, _bytes_of_ours(path)) or _of_any_tool(path)


def _bytes_of_ours(path: Path) -> bytes:
    """The bytes of a cassette as ``dump`` begins it; nothing for any other file."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a short one in a single piece
            begin = file.read(_AT_ONCE)
            if not begin.startswith(_OURS):
                return b""
            more = file.read(_AT_ONCE)  # nothing, but for a long file or a pipe
            return begin + more + file.read() if more else begin
    except OSError:
        return b""


def read_short(path: Path, raw: bytes) -> Tape | None:
    """A short cassette as ``dump`` writes it, which is whole; None if it is anything else, which ``sources`` reads or refuses."""
    if not raw or len(raw) > _LONG or b"parsed_body" in raw or (whole := plainyaml.read(raw)) is None:
        return None
    try:
        items = [read_interaction(*item, verbatim=True) for item in enumerate(whole["interactions"])]
    except UNREADABLE:
        return None
    return (
        Tape(path, items, an_object(whole.get("recorded_with"))) if all(item.exchange.own for item in items) else None
    )


def _of_any_tool(path: Path) -> Tape:
    from harness.transport.cassette import sources

    found = sources.read(path)
    items = kept(found.items)
    interactions = (item for item in map(_as_interaction, items) if item is not None)
    return Tape(
        path,
        Compact(interactions) if isinstance(found.items, Compact) else list(interactions),
        found.recorded_with,
        found.format,
        [item for item in items if isinstance(item, Recorded) and item.answer is None],
        [item for item in items if isinstance(item, Unread)],
    )


def _as_interaction(item: Item) -> Interaction | None:
    if isinstance(item, Recorded) and item.answer is not None:
        return Interaction(0, item.answer, None, tuple(item.credentials))
    return item if isinstance(item, Interaction) else None


def load(path: Path) -> dict[str, Any]:
    """The decoded file: a mapping with a list of interactions, each with a request and a response mapping.

    Raises BadCassette for everything else.
    """
    from harness.transport.cassette.documents import NoDocument, documents
    from harness.transport.cassette.sources import bytes_of

    try:
        values = documents(bytes_of(path))
    except NoDocument as fault:
        raise BadCassette(f"{path}: {fault}") from fault
    whole = values[0] if len(values) == 1 else None
    if not isinstance(whole, dict) or not isinstance(whole.get("interactions"), list):
        raise BadCassette(f"{path}: not a vcrpy cassette: no list of interactions")
    return whole
