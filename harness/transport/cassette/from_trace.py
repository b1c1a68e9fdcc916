"""What ``curl --trace`` and ``--trace-ascii`` write: the bytes that were sent and received, with their places, in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from harness.transport.cassette.sources import Item, by_shape, source

_PIECE = re.compile(
    r"^(?:[\d:.]+ )?(?P<way>=>|<=) (?:Send|Recv) (?P<kind>header|data), (?P<size>\d+) bytes[^\n]*\n(?P<lines>(?:[0-9a-f]{4,}: ?[^\n]*\n?)*+)",
    re.MULTILINE,
)
_LINE = re.compile(r"^([0-9a-f]{4,}): ?([^\n]*)", re.MULTILINE)
_HEX = re.compile(r"(?:[0-9a-f]{2} ){1,16} ")
_DOT = re.compile(r'("(?:[^"\\]|\\.)*+")|(?<!\d)\.|\.(?!\d)')


@source("curl trace")
def trace(_path: Path, raw: bytes) -> Iterable[Item] | None:
    """The exchanges of a trace."""
    if b" header, " not in raw or b"\n0000: " not in raw:
        return None
    messages = [b"".join(part) for _, part in _by_message(raw.decode("utf-8", "replace"))]
    return list(by_shape(messages)) or None


def _by_message(text: str) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The pieces of each message: one begins with a header where data, or the other side, was before."""
    found, number, before = list[tuple[int, bytes]](), 0, ("", "")
    for piece in _PIECE.finditer(text):
        here = (piece["way"], piece["kind"])
        number += here != before and here != (before[0], "data")
        found.append((number, _content(piece)))
        before = here
    return ((key, (content for _, content in group)) for key, group in groupby(found, key=lambda pair: pair[0]))


def _content(piece: re.Match[str]) -> bytes:
    """The bytes of a piece. As text, a line ends where a line of the message does; other bytes that do not print are dots."""
    lines = [(int(place, 16), line) for place, line in _LINE.findall(piece["lines"])]
    if all(_HEX.match(line) for _, line in lines):
        return b"".join(bytes.fromhex(_HEX.match(line)[0]) for _, line in lines)  # type: ignore[index]
    ends = [place for place, _ in lines[1:]] + [int(piece["size"])]
    text = "".join(line + "\r\n" * (place + len(line) < end) for (place, line), end in zip(lines, ends, strict=False))
    return (text if piece["kind"] == "header" else _DOT.sub(lambda found: found[1] or "\n", text)).encode()
