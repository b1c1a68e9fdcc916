"""Recordings kept as rows: CSV, TSV, the tables of an SQLite file. A row becomes a mapping, column -> value."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

from harness.text.jsontext import json_of, loads
from harness.transport.cassette.documents import SQLITE
from harness.transport.cassette.logs import logged
from harness.transport.cassette.sources import Item, Unread, by_shape, source

_HEADER = re.compile(rb"\"?[A-Za-z_][\w .()/-]{0,60}\"?(?:([,;\t|])\"?[\w .()/-]{0,60}\"?)+\r?\n")
_HINTS = (b"candidates", b"contents")
_CELL = re.compile(rb'([,;\t|])"\[?\{""|\bFROM stdin;\r?\n[^\t\n]*(\t)')
"""An object in a cell, as CSV quotes it; the first row of a table that PostgreSQL dumped."""
_OBJECT = re.compile(r"\s*[{\[]\s*[{\"]")
_SHORT, _FAR, _MOST_COLUMNS = 20, 1_000_000, 1_000
_MOST_ROWS = 200_000
_LARGEST_CELL = 16_000_000
"""In characters: the csv module takes eight bytes for each."""
_STEPS = 20_000_000
"""How many steps of its virtual machine SQLite may take: a file of others may hold a query without an end."""


_Row = tuple[Sequence[str], Sequence[Any]]
"""The names of the columns, and their values."""


@source("table")
def table(_path: Path, raw: bytes) -> Iterable[Item] | None:
    """The exchanges in the rows of a table, one or more in a row."""
    if not any(hint in raw for hint in _HINTS):
        return None
    near = raw[:_FAR]
    header, cell = _HEADER.match(raw), _CELL.search(near) if b'{""' in near or b"FROM stdin;" in near else None
    if cell and cell[2]:
        rows = _of_text(raw, "\t", has_names=False)
    elif delimiter := header or cell:
        rows = _of_text(raw, delimiter[1].decode(), has_names=header is not None)
    elif raw.startswith(SQLITE):
        rows = _of_sqlite(raw)
    else:
        return None
    broken: list[Unread] = []
    ended: list[Unread] = []
    items = list(by_shape(_mappings(_readable(rows, ended), broken)))
    return [*items, *broken, *ended] if items or ended else None


def _readable(rows: Iterable[_Row], ended: list[Unread]) -> Iterator[_Row]:
    """The rows up to one that cannot be read, which is added to ``ended``."""
    number = 1
    try:
        for row in rows:
            yield row
            number += 1
    except (csv.Error, sqlite3.Error, UnicodeError, OverflowError) as fault:
        ended.append(Unread(f"row {number}", f"nor are the rows behind it: {fault}; export them as JSON lines"))


def _mappings(rows: Iterable[_Row], broken: list[Unread]) -> Iterator[dict[str, Any]]:
    """The rows with bodies, column -> value. Adds those with a body that is not JSON to ``broken``."""
    for number, (columns, row) in enumerate(rows, 1):
        if not any(map(_may_be_body, row)):
            continue
        try:
            yield {name: _plain(cell) for name, cell in zip(columns, row, strict=False)}
        except ValueError as fault:
            broken.append(Unread(f"row {number}", f"not decodable as JSON: {fault}"))


def _plain(cell: Any) -> Any:
    """A cell as it was before it was written: dumps of databases double the backslashes. Raises ValueError for broken JSON."""
    if not isinstance(cell, str) or not _OBJECT.match(cell):
        return cell
    for text in (cell, cell.replace("\\\\", "\\")):
        if json_of(text) is not None:
            return text
    if not logged(cell.encode("utf-8", "surrogatepass")):
        loads(cell)
    return cell


def _may_be_body(cell: Any) -> bool:
    if isinstance(cell, bytes):
        return len(cell) > _SHORT
    return isinstance(cell, str) and len(cell) > _SHORT and ("candidates" in cell or "contents" in cell)


def _of_text(raw: bytes, delimiter: str, *, has_names: bool) -> Iterator[_Row]:
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    lines = csv.reader(TextIOWrapper(BytesIO(raw), "utf-8", "replace", newline=""), delimiter=delimiter)
    columns = next(lines) if has_names else [f"column {number}" for number in range(_MOST_COLUMNS)]
    yield from ((columns, line if _may_be_body(" ".join(line)) else ()) for line in lines)


def _of_sqlite(raw: bytes) -> Iterator[_Row]:
    """The rows of its tables. A view is never asked, and nothing of its schema is run."""
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(raw)
        base.execute("PRAGMA trusted_schema = OFF")
        base.set_progress_handler(lambda: 1, _STEPS)
        names = base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
        for (name,) in names.fetchall():
            quoted = '"{}"'.format(str(name).replace('"', '""'))
            found = base.execute(f"SELECT * FROM {quoted} LIMIT {_MOST_ROWS}")  # noqa: S608 - a name
            columns = [column[0] for column in found.description]
            yield from ((columns, row) for row in found)
