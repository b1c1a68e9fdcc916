"""The events of a long stream, decoded when they are read. Held as values they would take four times the bytes of the stream."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import msgspec

from harness.model import Event

LONG = 20_000_000
"""Bytes from which on a stream is long."""


class LazyEvents(Sequence[Event]):
    """Events in the order of arrival. Most are a place in the body; the others, which need a complaint, are kept."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._places = array("Q")  # the first byte of each event and the byte after its last
        self._times: list[float | None] = []
        self._kept: dict[int, Event] = {}

    def append(self, event: Event) -> None:
        """Add an event as it is."""
        self._kept[len(self)] = event
        self.place(0, 0, event.at)

    def place(self, start: int, end: int, at: float | None) -> None:
        """Add the event whose JSON stands between these bytes."""
        self._places.extend((start, end))
        self._times.append(at)

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self._at(number) for number in range(len(self))[index]]
        return self._at(range(len(self))[index])

    def __iter__(self) -> Iterator[Event]:
        return map(self._at, range(len(self)))

    def _at(self, index: int) -> Event:
        if kept := self._kept.get(index):
            return kept
        start, end = self._places[2 * index : 2 * index + 2]
        return Event(msgspec.json.decode(self._content[start:end]), self._times[index])
