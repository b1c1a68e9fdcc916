"""Rows, paragraphs and lists as lines of text."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TextIO

from harness.report import View, layout, words

GAP = 2
"""Spaces between columns."""
_MIN_FIRST = 20
"""The least width of the first column, in a narrow window."""
_COLORS = {
    **dict.fromkeys(("pass", "seen"), "32"),
    **dict.fromkeys(("FAIL", "XPASS"), "31"),
    **dict.fromkeys(("xfail", "skip", "n/a"), "33"),
    "ERROR": "35",
}
_COLOR_CODES = r"(\x1b\[(?:3[0-7]|0)m)"


def write(lines: Iterable[str], view: View, out: TextIO) -> None:
    """Write the lines with control characters escaped, so that names in a run cannot control the terminal.

    Only colour codes stay, if the view has colours.
    """
    for line in lines:
        parts = re.split(_COLOR_CODES, line) if view.color else [line]
        steady = (part if index % 2 else words.printable(part) for index, part in enumerate(parts))
        out.write("".join(steady) + "\n")


def fitted(header: list[str], rows: list[list[str]], view: View) -> Iterator[str]:
    """A table whose first column, or the only other one, is folded to fit; else two tables with half of the others each."""
    first, *rest = (max(words.width(row[index]) for row in [header, *rows]) + GAP for index in range(len(header)))
    broad = min(first - GAP, _MIN_FIRST) + sum(rest) > view.width
    if broad and len(rest) > 1:
        half = len(header) // 2 + 1
        yield from fitted(header[:half], [row[:half] for row in rows], view)
        yield ""
        yield from fitted([header[0], *header[half:]], [[row[0], *row[half:]] for row in rows], view)
    elif broad and rest:
        limit = max(view.width - first, view.width // 2, _MIN_FIRST)
        lines = [
            ["" if at else first_cell, line.ljust(limit)]
            for first_cell, second in [header, *rows]
            for at, line in enumerate(layout.folded(second, limit))
        ]
        yield from table_lines(lines[:1], folded_first(lines[1:], max(view.width - limit - GAP, _MIN_FIRST)), view)
    else:
        yield from table_lines([header], folded_first(rows, max(view.width - sum(rest), _MIN_FIRST)), view)


def folded_first(rows: Sequence[list[str]], limit: int) -> list[list[str]]:
    """The rows; a first cell of more than ``limit`` columns continues in additional rows."""
    folded = []
    for first, *rest in rows:
        lines = layout.folded(first, limit - 2) if words.width(first) > limit else [first]
        folded.append([lines[0], *rest])
        folded += [[f"  {line}", *([""] * len(rest))] for line in lines[1:]]
    return folded


def table_lines(header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], view: View) -> Iterator[str]:
    """The lines of a table: the first column left-aligned, the others right-aligned; a rule below the header rows."""
    library = _tabulate()
    library.WIDE_CHARS_MODE = not all(cell.isascii() for row in [*header, *rows] for cell in row)
    colored = [[row[0], *(colored_cell(cell, view) for cell in row[1:])] for row in rows]
    text = library.tabulate(
        [*header, library.SEPARATING_LINE, *colored] if header else colored,
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(rows[0]) - 1)),
        preserve_whitespace=True,
    )
    library.WIDE_CHARS_MODE = True
    yield from (line.rstrip() for line in text.split("\n")[1 if header else 0 : -1])


class _WhenUsed(ModuleType):
    """Stands for a module that is imported when something of it is first used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@cache
def _tabulate() -> Any:
    """The library. What it imports takes longer than all else that a small report needs: `wcwidth` waits for the first wide text.
    `importlib.metadata` is left out, since it only gives a version, which the library then reads from a file of its own."""
    metadata = ModuleType("importlib.metadata")
    vars(metadata).update(version=str, PackageNotFoundError=LookupError)
    instead = {m.__name__: m for m in (metadata, _WhenUsed("wcwidth")) if m.__name__ not in sys.modules}
    sys.modules.update(instead)
    try:
        return import_module("tabulate")
    finally:
        for name in instead:
            del sys.modules[name]


def colored_cell(cell: str, view: View) -> str:
    """The cell in the colour of the verdict that it begins with, if the view has colours."""
    color = _COLORS.get(cell.lstrip().partition(" ")[0]) if view.color else None
    return f"\x1b[{color}m{cell}\x1b[0m" if color else cell


def wrapped(text: str, view: View, indent: str, first: str | None = None) -> Iterator[str]:
    """A paragraph; no line where the text is empty. ``first``: what the first line begins with, if not with the indent."""
    yield from textwrap.wrap(
        text,
        max(view.width, 40),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def hanging(line: str, view: View) -> Iterator[str]:
    """A line, folded at the width of the view. Further lines keep its indent; after ``expected`` or ``actual`` they start in the
    second column. A command or an address stays on its line, to be copied."""
    room = max(view.width, 40)
    if words.width(line) <= room or re.search(": gemini-harness |asked http", line):
        yield line
        return
    head = re.match(r" *(?:(?:expected|actual)  +)?", line)
    indent = " " * len(head[0] if head else "")
    yield from textwrap.wrap(
        line, room, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False, drop_whitespace=True
    )
