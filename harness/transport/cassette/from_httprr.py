"""httprr, the recorder of Go's own tests: a line with two lengths, then a request and an answer of that many bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.transport.cassette.sources import Item, Unread, by_shape, source

_LENGTHS = re.compile(rb"(\d{1,12}) (\d{1,12})\n")


@source("httprr")
def httprr(_path: Path, raw: bytes) -> Iterator[Item] | None:
    """The exchanges of a trace."""
    return _exchanges(raw) if raw.startswith(b"httprr trace v1\n") else None


def _exchanges(raw: bytes) -> Iterator[Item]:
    at, index = raw.index(b"\n") + 1, 0
    while at < len(raw):
        lengths = _LENGTHS.match(raw, at)
        middle = lengths.end() + int(lengths[1]) if lengths else 0
        end = middle + int(lengths[2]) if lengths else 0
        if not lengths or end > len(raw):
            yield Unread(f"exchange {index}", "the trace is cut: its lengths are missing, or point beyond its end")
            return
        yield from by_shape([raw[lengths.end() : middle], raw[middle:end]], index)
        at, index = end, index + 1
