"""A matrix in a terminal: a cell for each case and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct

from harness.report import View, layout, words
from harness.report.blocks import Matrix, MatrixRow
from harness.report.table.drawing import GAP, fitted, folded_first, table_lines
from harness.text.grouping import grouped

T = TypeVar("T")


def matrix_lines(matrix: Matrix, view: View) -> Iterator[str]:
    """The lines of a matrix, and the note about what is left out."""
    yield from _flat(matrix, view) if len(matrix.columns) == 1 else _stacked(matrix, view)
    yield from [matrix.more] if matrix.more else []


def _flat(matrix: Matrix, view: View) -> Iterator[str]:
    """A matrix with one column: a row per case, with the measures to the right of the verdict."""
    ((target, values),) = matrix.columns
    named = (f"{axis}={value}" for axis, value in zip(matrix.axes, values, strict=True))
    yield " ".join([target, *named])
    header = ["case", "verdict", *matrix.rows[0].measures]
    rows = [[row.name, cell.verdict, *map(", ".join, cell.values)] for row in matrix.rows for cell in row.cells if cell]
    yield from fitted(header, rows, view)


def _stacked(matrix: Matrix, view: View) -> Iterator[str]:
    """A matrix with several columns: the measures stand below the verdict, a target's name above its columns."""
    body = [line for row in matrix.rows for line in _case(row)]
    longest = max(words.width(line[0]) for line in body)
    first = max(min(longest, max(view.width * 2 // 5, 24)), *map(len, matrix.axes), 4)
    for number, block in enumerate(_blocks(matrix, body, view.width - first)):
        if number:
            yield ""
        yield from _block(matrix, block, body, first, view)


def _case(row: MatrixRow) -> Iterator[list[str]]:
    yield [row.name, *(cell.verdict if cell else "" for cell in row.cells)]
    for at, measure in enumerate(row.measures):
        pieces = [cell.values[at] if cell else [] for cell in row.cells]
        for number, values in enumerate(zip_longest(*pieces, fillvalue="")):
            yield ["" if number else f"  {measure}", *values]


class _Head(Struct, frozen=True):
    """Adjacent columns of one target: their indices and widths, and the lines of the name above them."""

    name: Sequence[str]
    columns: Sequence[int]
    widths: Sequence[int]

    @property
    def width(self) -> int:
        return sum(self.widths) + GAP * (len(self.widths) - 1)


def _blocks(matrix: Matrix, body: Sequence[Sequence[str]], room: int) -> list[list[_Head]]:
    """The matrix in blocks. Names are folded only as far as needed for a single block; a target's columns stay together."""
    cells = [
        max(map(words.width, [*values, *(line[index + 1] for line in body)]))
        for index, (_, values) in enumerate(matrix.columns)
    ]
    by_target = grouped(range(len(matrix.columns)), lambda index: matrix.columns[index][0])
    runs = [run for columns in by_target.values() for run in _packed(columns, cells.__getitem__, room)]
    names = [matrix.columns[run[0]][0] for run in runs]
    for limit in (max(map(words.width, names)), 24, 16, 12):
        heads = [_head(name, run, cells, limit) for name, run in zip(names, runs, strict=True)]
        blocks = list(_packed(heads, attrgetter("width"), room))
        if len(blocks) == 1:
            break
    return blocks


def _packed(parts: Sequence[T], width: Callable[[T], int], room: int) -> Iterator[list[T]]:
    """The parts in their order, in runs that fit side by side; a run has at least one."""
    run: list[T] = []
    for part in parts:
        if run and sum(width(one) + GAP for one in [*run, part]) > room:
            yield run
            run = []
        run.append(part)
    yield run


def _head(name: str, columns: Sequence[int], cells: Sequence[int], limit: int) -> _Head:
    widths = [cells[index] for index in columns]
    span = sum(widths) + GAP * (len(widths) - 1)
    lines = layout.folded(name, max(limit, span))
    lacking = max(map(words.width, lines)) - span
    for at in range(lacking):
        widths[at % len(widths)] += 1
    return _Head(lines, columns, widths)


def _block(
    matrix: Matrix, block: Sequence[_Head], body: Sequence[Sequence[str]], first: int, view: View
) -> Iterator[str]:
    span = [index for head in block for index in head.columns]
    widths = [width for head in block for width in head.widths]
    header = [[axis, *(matrix.columns[index][1][at] for index in span)] for at, axis in enumerate(matrix.axes)]
    asked = [[line[0], *(line[index + 1] for index in span)] for line in body if any(line[index + 1] for index in span)]
    rows = folded_first(asked, first)
    rows[0] = [
        rows[0][0],
        *(" " * (width - words.width(cell)) + cell for cell, width in zip(rows[0][1:], widths, strict=True)),
    ]
    lines = list(table_lines(header, rows, view))
    margin = len(lines[len(header)].partition(" ")[0])
    yield from _names(block, margin)
    yield from lines


def _names(block: Sequence[_Head], margin: int) -> Iterator[str]:
    """The names of the targets, each centred above its columns and aligned at the bottom."""
    tallest = max(len(head.name) for head in block)
    for line in range(tallest):
        cells = [_middle(head, line - tallest + len(head.name)) for head in block]
        yield (" " * GAP).join([("case" if line == tallest - 1 else "").ljust(margin), *cells]).rstrip()


def _middle(head: _Head, line: int) -> str:
    text = head.name[line] if line >= 0 else ""
    room = head.width - words.width(text)
    left = room if len(head.columns) == 1 else (room + 1) // 2
    return " " * left + text + " " * (room - left)
