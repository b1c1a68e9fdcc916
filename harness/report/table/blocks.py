"""Blocks as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from msgspec.structs import replace

from harness.report import View, words
from harness.report.blocks import (
    Block,
    Bullets,
    Code,
    CodeBlock,
    ComparedLines,
    Details,
    Facts,
    Heading,
    Items,
    Lines,
    Matrix,
    Pair,
    Paragraph,
    Styled,
    Table,
    Totals,
)
from harness.report.table.drawing import GAP, colored_cell, fitted, hanging, wrapped, write
from harness.report.table.matrix import matrix_lines


def write_blocks(blocks: Sequence[Block], view: View, out: TextIO) -> None:
    """A blank line between blocks, but none between a heading of level 3 and its block, if that is no matrix."""
    between: list[str] = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        lines = list(block_lines(block, view))
        if lines:
            write([*between, *lines], view, out)
            above = isinstance(block, Heading) and block.level > 2 and not isinstance(following, Matrix)
            between = [] if above else [""]


def block_lines(block: Block, view: View) -> Iterator[str]:  # noqa: C901, PLR0912  a case for each kind of block
    """The lines of a block; none of one that a terminal leaves out."""
    match block:
        case Heading(text) | Totals(_, text):
            yield from wrapped(words.printable(text), view, "")
        case Paragraph(texts):
            yield from _paragraph(texts, view)
        case Table():
            header, *rows = _fitting(block, view)
            yield from fitted(header, rows, view)
        case Matrix():
            yield from matrix_lines(block, view)
        case Bullets(items):
            for item in items:
                yield from wrapped(words.printable("".join(item)), view, "  ", "* ")
        case Items():
            yield from _items(block, view)
        case Facts(rows):
            yield from _facts(rows, view)
        case CodeBlock(lines):
            yield from (f"  {line}" for line in lines)
        case Lines(lines, folds):
            yield from (part for line in lines for part in (hanging(line, view) if folds else [line]))
        case Pair(titles, texts):
            for title, one in zip(titles, texts, strict=True):
                yield from wrapped(f"{''.join(title)}: {words.value(one, 160)}", view, "") if one is not None else ()
        case ComparedLines():
            yield from _compared(block, view)
        case Details(summary, inside) if view.details is None:
            yield from wrapped(words.printable("".join(summary)), view, "")
            yield from (f"  {line}" for folded in inside for line in block_lines(folded, view))


def _paragraph(texts: Sequence[str], view: View) -> Iterator[str]:
    """A command at the end stays on its line, so that it can be copied."""
    if texts and isinstance(texts[-1], Code) and texts[-1].startswith("gemini-harness "):
        yield "".join(texts)
    else:
        for line in "".join(texts).split("\n"):
            yield from wrapped(words.printable(line), view, "")


def _items(block: Items, view: View) -> Iterator[str]:
    """A head with an id stays on its line, so that the id can be copied."""
    inner = replace(view, width=view.width - 2)
    for item in block.items:
        head = "".join(colored_cell(text, view) if isinstance(text, Styled) else text for text in item.head)
        named = any(isinstance(text, Styled) and (text.opens or not text.status) for text in item.head)
        yield from [head] if named else hanging(head, view)
        yield from (f"  {line}" for inside in item.blocks for line in block_lines(inside, inner))


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
