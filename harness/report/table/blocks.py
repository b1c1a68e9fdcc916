"""Blocks as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from harness.report import View, words
from harness.report.blocks import Block, Bullets, CodeBlock, ComparedLines, Details, Facts, Heading, Paragraph, Table
from harness.report.table.drawing import GAP, bullets, fitted, hanging, wrapped, write


def write_blocks(blocks: Sequence[Block], view: View, out: TextIO) -> None:
    """A blank line between blocks, but none between a heading of level 3 and its block."""
    between: list[str] = []
    for block in blocks:
        lines = list(_lines(block, view))
        if lines:
            write([*between, *lines], view, out)
            between = [] if isinstance(block, Heading) and block.level > 2 else [""]


def _lines(block: Block, view: View) -> Iterator[str]:
    match block:
        case Heading(text):
            yield from wrapped(words.printable(text), view, "")
        case Paragraph(texts):
            yield from wrapped(words.printable("".join(texts)), view, "")
        case Table():
            header, *rows = _fitting(block, view)
            yield from fitted(header, rows, view)
        case Bullets(items):
            yield from bullets(["".join(item) for item in items], view)
        case Facts(rows):
            yield from _facts(rows, view)
        case CodeBlock(lines):
            yield from (f"  {line}" for line in lines)
        case ComparedLines():
            yield from _compared(block, view)
        case Details(summary, inside) if view.details is None:
            yield from wrapped(words.printable("".join(summary)), view, "")
            for one in inside:
                yield from (f"  {line}" for line in _lines(one, view))


def _facts(rows: Sequence[tuple[str, str]], view: View) -> Iterator[str]:
    width = max((words.width(label) for label, _ in rows), default=0) + 4
    for label, text in rows:
        yield from wrapped(words.printable(text), view, " " * width, f"  {label}".ljust(width))


def _fitting(table: Table, view: View) -> list[list[str]]:
    """The header and the rows, without the spare columns for which there is no room."""
    columns = {
        at: _column(cells, at in table.words) for at, cells in enumerate(zip(table.header, *table.rows, strict=True))
    }
    for at in table.spare:
        if sum(max(map(words.width, cells)) + GAP for cells in columns.values()) - GAP > view.width:
            del columns[at]
    return [list(row) for row in zip(*columns.values(), strict=True)]


def _column(cells: Sequence[str], holds_words: bool) -> Sequence[str]:
    """Words are filled up at the right, since a terminal's columns are right-aligned."""
    width = max(map(words.width, cells)) if holds_words else 0
    return [cell + " " * (width - words.width(cell)) for cell in cells]


def _compared(block: ComparedLines, view: View) -> Iterator[str]:
    for sign, title, lines, marked in zip("-+", block.titles, block.lines, block.marked, strict=True):
        yield f"{title}:"
        for number, line in enumerate(lines):
            yield from hanging(f"{sign if number in marked else ' '} {line}", view)
