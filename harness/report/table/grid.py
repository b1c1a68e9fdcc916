"""The grid of a suite: a cell per case and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from msgspec import Struct

from harness.report import View, layout, words
from harness.report.content.run import column_name, short
from harness.report.layout import Grid
from harness.report.table.drawing import GAP, fitted, folded_first, table_lines


def flat(grid: Grid, provider: str | None, view: View) -> Iterator[str]:
    """A grid with one column: a row per case, with the measures to the right of the verdict."""
    groups = [group for case in grid.cases for group in grid.row(case)]
    measures = layout.shown(view.measures, groups)
    warned = any(group and group.tally.warnings for group in groups)
    header = ["case", "verdict", *map(words.label, measures), *(["warnings"] if warned else [])]
    yield column_name(grid.columns[0], provider)
    yield from fitted(header, [_flat_row(case, grid, measures, warned=warned) for case in grid.cases], view)


def _flat_row(case: str, grid: Grid, measures: Sequence[str], *, warned: bool) -> list[str]:
    group = grid.cells[case, grid.columns[0]]
    numbers = [", ".join(words.cell(group, measure)) or "-" for measure in measures]
    return [case, words.verdict(group), *numbers, *([str(group.tally.warnings or "")] if warned else [])]


def stacked(grid: Grid, provider: str | None, view: View) -> Iterator[str]:
    """A grid with several columns: the measures stand below the verdict, a target's name above its columns."""
    body = [line for case in grid.cases for line in _case(case, grid, view)]
    longest = max(words.width(line[0]) for line in body)
    first = max(min(longest, max(view.width * 2 // 5, 24)), *map(len, grid.axes), 4)
    for number, block in enumerate(_blocks(grid, provider, body, view.width - first)):
        if number:
            yield ""
        yield from _block(grid, block, body, first, view)


def _case(case: str, grid: Grid, view: View) -> Iterator[list[str]]:
    groups = grid.row(case)
    yield [case, *(words.verdict(group) if group else "" for group in groups)]
    for measure in layout.shown(view.measures, groups):
        cells = [(words.cell(group, measure) or ["-"]) if group else [] for group in groups]
        for number, values in enumerate(zip_longest(*cells, fillvalue="")):
            yield ["" if number else f"  {words.label(measure)}", *values]
    if any(group and group.tally.warnings for group in groups):
        yield ["  warnings", *(str(group.tally.warnings) if group and group.tally.warnings else "" for group in groups)]


class _Head(Struct, frozen=True):
    """Adjacent columns of one target: their indices and widths, and the lines of the name above them."""

    name: Sequence[str]
    columns: Sequence[int]
    widths: Sequence[int]

    @property
    def width(self) -> int:
        return sum(self.widths) + GAP * (len(self.widths) - 1)


def _blocks(grid: Grid, provider: str | None, body: Sequence[Sequence[str]], room: int) -> list[list[_Head]]:
    """The blocks of the grid. Names are folded only as far as needed for a single block; a target's columns stay together."""
    cells = [_widest(grid, index, body) for index in range(len(grid.columns))]
    runs = [run for target in _targets_of(grid) for run in _runs(target, cells, room)]
    names = [short(grid.columns[run[0]].target, provider) for run in runs]
    for limit in (max(map(words.width, names)), 24, 16, 12):
        heads = [_head(name, run, cells, limit) for name, run in zip(names, runs, strict=True)]
        blocks = list(_side_by_side(heads, room))
        if len(blocks) == 1:
            break
    return blocks


def _targets_of(grid: Grid) -> list[list[int]]:
    """The columns of each target."""
    found: dict[str, list[int]] = {}
    for index, column in enumerate(grid.columns):
        found.setdefault(column.target, []).append(index)
    return list(found.values())


def _runs(columns: Sequence[int], cells: Sequence[int], room: int) -> Iterator[list[int]]:
    """One target's columns, divided into runs that fit the width."""
    run: list[int] = []
    for index in columns:
        if run and sum(cells[column] + GAP for column in [*run, index]) > room:
            yield run
            run = []
        run.append(index)
    yield run


def _head(name: str, columns: Sequence[int], cells: Sequence[int], limit: int) -> _Head:
    widths = [cells[index] for index in columns]
    span = sum(widths) + GAP * (len(widths) - 1)
    lines = layout.folded(name, max(limit, span))
    lacking = max(map(words.width, lines)) - span
    for at in range(lacking):
        widths[at % len(widths)] += 1
    return _Head(lines, columns, widths)


def _side_by_side(heads: Sequence[_Head], room: int) -> Iterator[list[_Head]]:
    block: list[_Head] = []
    for head in heads:
        if block and sum(part.width + GAP for part in [*block, head]) > room:
            yield block
            block = []
        block.append(head)
    yield block


def _widest(grid: Grid, index: int, body: Sequence[Sequence[str]]) -> int:
    values = [words.width(value) for _, value in grid.columns[index].axes]
    return max([words.width(line[index + 1]) for line in body] + values)


def _block(grid: Grid, block: Sequence[_Head], body: Sequence[Sequence[str]], first: int, view: View) -> Iterator[str]:
    span = [index for head in block for index in head.columns]
    widths = [width for head in block for width in head.widths]
    header = [[axis, *(grid.columns[index].axes[at][1] for index in span)] for at, axis in enumerate(grid.axes)]
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
