"""Recordings kept as rows: CSV, TSV, the tables of an SQLite file. A row becomes a mapping, column -> value."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

from harness.transport.cassette import from_shape
from harness.transport.cassette.documents import SQLITE
from harness.transport.cassette.interaction import Interaction
from harness.transport.cassette.sources import Recorded, Unread, by_pieces, source

_HEADER = re.compile(rb"\"?[A-Za-z_][\w .()/-]{0,60}\"?(?:([,;\t])\"?[\w .()/-]{0,60}\"?)+\r?\n")
_HINTS = (b"candidates", b"contents")
_SHORT = 20
_MOST_ROWS = 200_000
_STEPS = 20_000_000
"""How many steps of its virtual machine SQLite may take: a file of others may hold a query without an end."""


@source("table")
def table(_path: Path, raw: bytes) -> Iterable[Interaction | Recorded | Unread] | None:
    """The exchanges in the rows of a table, one or more in a row."""
    header = _HEADER.match(raw)
    if not (header or raw.startswith(SQLITE)) or not any(hint in raw for hint in _HINTS):
        return None
    rows = _of_text(raw, header[1].decode()) if header else _of_sqlite(raw)
    found = (dict(zip(columns, row, strict=False)) for columns, row in rows if any(map(_may_be_body, row)))
    return list(by_pieces(from_shape.exchanges(found))) or None


def _may_be_body(cell: Any) -> bool:
    if isinstance(cell, bytes):
        return len(cell) > _SHORT
    return isinstance(cell, str) and len(cell) > _SHORT and ("candidates" in cell or "contents" in cell)


def _of_text(raw: bytes, delimiter: str) -> Iterator[tuple[Sequence[str], Sequence[Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), len(raw)))
    lines = csv.reader(StringIO(raw.decode("utf-8", "replace"), newline=""), delimiter=delimiter)
    try:
        columns = next(lines)
        yield from ((columns, line) for line in lines)
    except csv.Error:
        return


def _of_sqlite(raw: bytes) -> Iterator[tuple[Sequence[str], Sequence[Any]]]:
    """The rows of its tables. A view is never asked, and nothing of its schema is run."""
    with closing(sqlite3.connect(":memory:")) as base:
        try:
            base.deserialize(raw)
            base.execute("PRAGMA trusted_schema = OFF")
            base.set_progress_handler(lambda: 1, _STEPS)
            names = base.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            )
            for (name,) in names.fetchall():
                found = base.execute(f"SELECT * FROM {_quoted(str(name))} LIMIT {_MOST_ROWS}")  # noqa: S608 - a name
                columns = [column[0] for column in found.description]
                yield from ((columns, row) for row in found)
        except (sqlite3.Error, UnicodeError, OverflowError):
            return


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
