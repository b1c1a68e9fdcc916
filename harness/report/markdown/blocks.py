"""Blocks as Markdown for a pull request or an issue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from harness.report import View
from harness.report.blocks import (
    Block,
    Bullets,
    Code,
    CodeBlock,
    ComparedLines,
    Details,
    Facts,
    Heading,
    Paragraph,
    Table,
)
from harness.report.markdown.drawing import code, escaped, fenced


def write_blocks(blocks: Sequence[Block], _view: View, out: TextIO) -> None:
    """A blank line after each block."""
    for block in blocks:
        if lines := list(_lines(block)):
            out.writelines(f"{line}\n" for line in (*lines, ""))


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * (level + 1)} {_text([text])}"
        case Paragraph(texts, strong, simulated):
            yield f"**{_text(texts)}**" if strong or simulated else _text(texts)
        case Table():
            yield from _table(block)
        case Bullets(items):
            yield from (f"- {_text(item)}" for item in items)
        case Facts(rows):
            yield from (
                f"- **{escaped(label)}**: {escaped(text)}" if label else f"- {escaped(text)}" for label, text in rows
            )
        case CodeBlock(lines):
            yield from fenced(lines)
        case ComparedLines():
            yield from _compared(block)
        case Details(summary, inside):
            yield f"<details><summary>{escaped(''.join(summary))}</summary>"
            for one in inside:
                yield ""
                yield from _lines(one)
            yield ""
            yield "</details>"


def _table(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield "|" + "|".join("---" if at == 0 or at in table.words else "---:" for at in range(len(table.header))) + "|"
    yield from map(_row, table.rows)


def _row(cells: Sequence[str]) -> str:
    return (
        "| "
        + " | ".join(_text([cell]).replace("|", "\\|") if isinstance(cell, Code) else escaped(cell) for cell in cells)
        + " |"
    )


def _compared(block: ComparedLines) -> Iterator[str]:
    shown = [
        f"{sign if number in marked else ' '} {line}"
        for sign, lines, marked in zip("-+", block.lines, block.marked, strict=True)
        for number, line in enumerate(lines)
    ]
    first, *rest = fenced([f"--- {block.titles[0]}", f"+++ {block.titles[1]}", *shown])
    yield first.replace("text", "diff")
    yield from rest


def _text(texts: Sequence[str]) -> str:
    return "".join(code(text) if isinstance(text, Code) else escaped(text) for text in texts)
