"""The cassette format: vcrpy's YAML, plus what vcrpy does not keep. Reads any vcrpy file, writes standard ones.

In: files of vcrpy's format, or exchanges. Out: exchanges, or the text of a file.
May import: the rest of ``transport``, ``suite``, ``answer``, ``gemini``, ``text``.

``read`` turns a file into Exchanges; ``document`` turns an Exchange into one interaction of the file and ``dump`` writes
the file's text. What vcrpy does not keep is in ``response.x-recording``, which vcrpy and pytest-recording preserve::

    x-recording:
      v: 1
      at: '2026-11-20T12:03:32+00:00'   when the request was sent
      from: google                      whose answer this is
      slot: [0, 2, 1]                   row, repeat, step; a fourth number counts further requests of one step
      head_ms: 52.1
      t_ms: 52.4 92.8 133.0             when each chunk arrived
      bytes: 159 159 183                and how long it was
      eol: crlf                         the body is stored with LF

``simulated: true``, ``attempts: 2`` and ``request: verbatim`` (the body is not our own compact JSON) appear where they apply.
Cassettes are untrusted: only the safe loader of libyaml ever sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import yaml

from harness.errors import BadCassette
from harness.model import Json
from harness.text import safeyaml
from harness.text.jsontext import loads
from harness.transport.cassette.foreign import foreign_text, not_vcrpy
from harness.transport.cassette.interaction import (
    SIMULATOR_HOST,
    UNREADABLE,
    Interaction,
    Place,
    credentials,
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
    "Place",
    "Tape",
    "credentials",
    "document",
    "dump",
    "load",
    "provider_of",
    "read",
    "read_interaction",
    "read_request",
    "without_secrets",
]

_LONG = 1_000_000
"""Bytes from which on a cassette of ours is decoded one interaction at a time."""


@dataclass(frozen=True, slots=True)
class Tape:
    """A cassette. ``recorded_with``: what the recording tool wrote about itself, or empty.

    The interactions of a long cassette of ours are decoded on access; access may then raise BadCassette.
    """

    path: Path
    interactions: Sequence[Interaction]
    recorded_with: Mapping[str, Json]

    def at(self, slot: Place) -> Interaction | None:
        """The interaction in this slot; None if there is none."""
        if isinstance(self.interactions, _Pieces):
            return self.interactions.at(slot)
        return next((interaction for interaction in self.interactions if interaction.slot == slot), None)


# --- reading ------------------------------------------------------------------------------------------


def read(path: Path) -> Tape:
    """The cassette at ``path``. Raises BadCassette with the reason, naming the format if it is a known one."""
    raw = _bytes_of(path)
    if len(raw) > _LONG and raw.startswith(_OURS):
        return _long(path, raw)
    whole = _whole(path, raw)
    items = whole["interactions"]
    normalised = any("parsed_body" in item[side] for item in items for side in ("request", "response"))
    interactions = [_read(path, index, item, verbatim=not normalised) for index, item in enumerate(items)]
    with_what = whole.get("recorded_with")
    return Tape(path, interactions, with_what if isinstance(with_what, dict) else {})


def load(path: Path) -> dict[str, Any]:
    """The decoded file: a mapping with a list of interactions, each with a request and a response mapping.

    Raises BadCassette for everything else.
    """
    return _whole(path, _bytes_of(path))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BadCassette(f"{path}: cannot be read: {fault.strerror}") from fault


def _whole(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        whole = _decode(raw)
    except yaml.YAMLError as fault:
        raise BadCassette(f"{path}: {foreign_text(raw) or safeyaml.reason(fault)}") from fault
    if reason := not_vcrpy(whole):
        raise BadCassette(f"{path}: {foreign_text(raw) or reason}")
    return whole  # type: ignore[no-any-return]


def _decode(raw: bytes) -> Any:
    # vcrpy's JSON serializer writes surrogate pairs as two escapes, which YAML does not know.
    if raw[:1] in (b"{", b"["):
        try:
            return loads(raw)
        except ValueError:
            pass
    return safeyaml.load(raw)


def _read(path: Path, index: int, item: Mapping[str, Any], *, verbatim: bool = True) -> Interaction:
    try:
        return read_interaction(index, item, verbatim=verbatim)
    except UNREADABLE as fault:
        raise BadCassette(f"{path}: interaction {index} is not readable: {type(fault).__name__}: {fault}") from fault


# --- long cassettes of ours -----------------------------------------------------------------------------

_OURS = b"version: 1\ninteractions:\n- request:\n"
_BEGINS = re.compile(rb"^- request:$", re.MULTILINE)
_ENDS = re.compile(rb"^[a-z]", re.MULTILINE)
_SLOT = re.compile(rb"^      slot: \[(\d+), (\d+), (\d+)(?:, (\d+))?\]$", re.MULTILINE)


def _long(path: Path, raw: bytes) -> Tape:
    starts = [found.start() for found in _BEGINS.finditer(raw)]
    end = _ENDS.search(raw, starts[-1])
    rest = _rest(path, raw[end.start() :]) if end else {}
    starts.append(end.start() if end else len(raw))
    with_what = rest.get("recorded_with")
    return Tape(path, _Pieces(path, raw, starts), with_what if isinstance(with_what, dict) else {})


def _rest(path: Path, raw: bytes) -> Mapping[str, Any]:
    """The keys after the interactions."""
    try:
        rest = safeyaml.load(raw)
    except yaml.YAMLError as fault:
        raise BadCassette(f"{path}: after its interactions: {safeyaml.reason(fault)}") from fault
    return rest if isinstance(rest, dict) else {}


class _Pieces(Sequence[Interaction]):
    """Interactions of a file as ``dump`` writes it: split where each begins, decoded on access."""

    def __init__(self, path: Path, raw: bytes, starts: Sequence[int]) -> None:
        self._path = path
        self._raw = raw
        self._starts = starts
        # The last line that looks like a slot is the real one: bodies come before it.
        slots = ((_SLOT.findall(raw, starts[index], starts[index + 1]), index) for index in range(len(self)))
        self._slots = {tuple(map(int, filter(None, found[-1]))): index for found, index in slots if found}

    def at(self, slot: Place) -> Interaction | None:
        index = self._slots.get(slot)
        return None if index is None else self[index]

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Interaction]: ...
    def __getitem__(self, index: int | slice) -> Interaction | Sequence[Interaction]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        piece = self._raw[self._starts[number] : self._starts[number + 1]]
        whole = _whole(self._path, b"interactions:\n" + piece)
        return _read(self._path, number, whole["interactions"][0])
