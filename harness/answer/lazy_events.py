"""The events of a long stream, decoded when they are read. Held as values they would take four times the bytes of the stream."""

from __future__ import annotations

from array import array

import msgspec

from harness.model import Event
from harness.text.lazy import Lazy

LONG = 20_000_000
"""Bytes from which on a stream is long."""


class LazyEvents(Lazy[Event]):
    """Events in the order of arrival. Most are a place in the body; the others, which need a complaint, are kept."""

    def __init__(self, content: bytes) -> None:
        super().__init__(range(0), self._at)
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
        self.parts = range(len(self._times))

    def _at(self, index: int) -> Event:
        if kept := self._kept.get(index):
            return kept
        start, end = self._places[2 * index : 2 * index + 2]
        return Event(msgspec.json.decode(self._content[start:end]), self._times[index])
