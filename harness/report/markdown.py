"""Blocks as GitHub's Markdown, for a pull request or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

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
    MatrixCell,
    MatrixRow,
    Pair,
    Paragraph,
    Styled,
    Table,
    Totals,
)


def write_blocks(blocks: Sequence[Block], _view: View, out: TextIO) -> None:
    """A blank line after each block."""
    for block in blocks:
        if lines := list(_lines(block)):
            out.writelines(f"{line}\n" for line in (*lines, ""))


def _lines(block: Block) -> Iterator[str]:  # noqa: C901, PLR0912  a case for each kind of block
    match block:
        case Heading(text, level):
            yield f"{'#' * (level + 1)} {_text([text])}"
        case Paragraph(texts, strong, simulated):
            yield f"**{_text(texts)}**" if strong or simulated else _text(texts)
        case Totals(_, text):
            yield f"**{_text([text])}**"
        case Table():
            yield from _table(block)
        case Matrix():
            yield from _matrix(block)
        case Bullets(items):
            yield from (f"- {_text(item)}" for item in items)
        case Items(items):
            for item in items:
                yield f"- {_text(item.head)}"
                yield from (f"  {line}".rstrip() for inside in item.blocks for line in _below(inside))
        case Facts(rows):
            yield from (
                f"- **{_text([label])}**: {_text([text])}" if label else f"- {_text([text])}" for label, text in rows
            )
        case CodeBlock(lines) | Lines(lines):
            yield from fenced(lines)
        case Pair(titles, texts):
            sides = zip(titles, texts, strict=True)
            yield from (
                f"- {_text(title)}: {_text([words.value(text, 160)])}" for title, text in sides if text is not None
            )
        case ComparedLines():
            yield from _compared(block)
        case Details(summary, inside):
            yield f"<details><summary>{escaped(''.join(summary))}</summary>"
            for one in inside:
                yield ""
                yield from _lines(one)
            yield ""
            yield "</details>"


def _below(block: Block) -> Iterator[str]:
    """A block that belongs to an item: a paragraph is an item of its own, and other text is set off."""
    match block:
        case Paragraph(texts):
            yield f"- {_text(texts)}"
        case Pair() | Items():
            yield from _lines(block)
        case _:
            yield from ["", *_lines(block), ""]


def _table(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield _rule(at > 0 and at not in table.words for at in range(len(table.header)))
    yield from map(_row, table.rows)


def _matrix(matrix: Matrix) -> Iterator[str]:
    """A column's head has its target and its values, a cell its verdict and its measures."""
    heads = [
        " ".join([target, *(f"{axis}={value}" for axis, value in zip(matrix.axes, values, strict=True))])
        for target, values in matrix.columns
    ]
    yield _row(["case", *heads])
    yield _rule(at > 0 for at in range(len(heads) + 1))
    for row in matrix.rows:
        cells = [_cell_text([row.name]), *("" if cell is None else "<br>".join(_cell(row, cell)) for cell in row.cells)]
        yield f"| {' | '.join(cells)} |"
    yield from ["", _text([matrix.more])] if matrix.more else []


def _cell(row: MatrixRow, cell: MatrixCell) -> Iterator[str]:
    mark, _, rest = cell.verdict.partition(" ")
    yield _text([Styled(mark, status=cell.verdict.status), f" {rest}" if rest else ""])
    for measure, pieces in zip(row.measures, cell.values, strict=True):
        if pieces != ["-"]:
            yield _text([f"{measure}: {', '.join(pieces)}"])


def _rule(numbers: Iterable[bool]) -> str:
    return "|" + "|".join("---:" if number else "---" for number in numbers) + "|"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell_text([cell]) for cell in cells)} |"


def _cell_text(texts: Sequence[str]) -> str:
    return "".join(_text([text]).replace("|", "\\|") if isinstance(text, Code) else _text([text]) for text in texts)


def _compared(block: ComparedLines) -> Iterator[str]:
    """As a diff: lines that both sides have stand there once."""
    shown = [
        f"{sign if number in marked else ' '} {line}"
        for sign, lines, marked in zip("-+", block.lines, block.marked, strict=True)
        for number, line in enumerate(lines)
        if sign == "-" or number in marked or line not in block.lines[0]
    ]
    yield from fenced([f"--- {block.titles[0]}", f"+++ {block.titles[1]}", *shown], "diff")


def _text(texts: Sequence[str]) -> str:
    return "".join(map(_piece, texts))


def _piece(text: str) -> str:
    match text:
        case Code():
            return code(text)
        case Styled() if text.status in words.WRONG:
            return f"**{escaped(text)}**"
        case _:
            return escaped(text)


def code(text: str) -> str:
    """A command as code; the fence is longer than any run of backticks in it."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{words.printable(text)}{fence}"


def fenced(lines: Sequence[str], language: str = "text") -> Iterator[str]:
    """Lines in a fenced code block."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(lines))), default=0))
    yield f"{fence}{language}"
    yield from map(words.printable, lines)
    yield fence


def escaped(text: str) -> str:
    """Text with Markdown's and HTML's special characters escaped."""
    plain = words.printable(text).replace("\n", " ")
    return re.sub(r"([\\`*_|~#\[\]])", r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
