"""Arranges the groups of a run in grids: rows are cases, columns are targets and the values of swept axes.

Cases of one suite that sweep the same axes share a grid, so that grids have few empty cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from harness.report import words
from harness.results.groups import Group
from harness.suite.axes import short_label, short_name
from harness.text import amounts
from harness.text.grouping import grouped


class Column(Struct, frozen=True):
    """A target, and one value of each swept axis."""

    target: str
    axes: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return " ".join([self.target, *(value for _, value in self.axes)])


class Grid(Struct, frozen=True):
    """``cells`` by (case, column); a case that was not played for a column has no cell there. ``left_out``: further cases."""

    axes: tuple[str, ...]
    columns: Sequence[Column]
    cases: Sequence[str]
    cells: Mapping[tuple[str, Column], Group]
    left_out: Sequence[str] = ()


def grids(groups: Sequence[Group]) -> Iterator[Grid]:
    """The grids of one suite."""
    for axes, members in grouped(groups, lambda group: tuple(group.axes)).items():
        values = [
            tuple((short_name(name), short_label(name, value)) for name, value in one.axes.items()) for one in members
        ]
        cells = {(group.case, Column(group.target, at)): group for group, at in zip(members, values, strict=True)}
        columns = dict.fromkeys(column for _, column in cells)
        targets = list(dict.fromkeys(column.target for column in columns))
        yield Grid(
            axes=tuple(map(short_name, axes)),
            columns=sorted(columns, key=lambda column: targets.index(column.target)),
            cases=list(dict.fromkeys(case for case, _ in cells)),
            cells=cells,
        )


def limited(tables: Sequence[Sequence[Grid]], most: int | None) -> list[list[Grid]]:
    """The grids of every suite, with at most ``most`` cases in total (None: all).

    Small grids keep all cases; large grids get equal numbers of cases.
    """
    if most is None:
        return [list(grids) for grids in tables]
    limit = _equal_share([len(grid.cases) for grids in tables for grid in grids], most)
    return [[first_cases(grid, limit) for grid in grids] for grids in tables]


def _equal_share(sizes: Sequence[int], most: int) -> int:
    """The limit per grid, at least 1, with which grids of these sizes have ``most`` cases in total."""
    level = most
    for number, size in enumerate(sorted(sizes)):
        level = max(most // (len(sizes) - number), 1)
        if size > level:
            break
        most -= size
    return level


def first_cases(grid: Grid, limit: int) -> Grid:
    """The grid with at most ``limit`` of its cases, in their order, and with the columns of these cases. Cases with a failure
    are kept first."""
    if len(grid.cases) <= limit:
        return grid
    wrong = _wrong(grid)
    first = sorted(grid.cases, key=lambda case: case not in wrong)
    taken = set(first[:limit])
    asked = {column for case, column in grid.cells if case in taken}
    return replace(
        grid,
        columns=[column for column in grid.columns if column in asked],
        cases=[case for case in grid.cases if case in taken],
        left_out=[case for case in grid.cases if case not in taken],
    )


def rest_note(grid: Grid) -> str:
    """What is left out of a grid: ``and 2,400 more cases, all of google/x among them; something went wrong in 79``; else
    empty."""
    if not grid.left_out:
        return ""
    unseen = [column.name for column in dict.fromkeys(column for _, column in grid.cells) if column not in grid.columns]
    whole = ", ".join(unseen) if len(unseen) <= 3 else amounts.count(len(unseen), "column")
    among = f", all of {whole} among them" if unseen else ""
    wrong = len(_wrong(grid).intersection(grid.left_out))
    return f"and {amounts.count(len(grid.left_out), 'more case')}{among}" + (
        f"; something went wrong in {wrong:,}" if wrong else ""
    )


def _wrong(grid: Grid) -> set[str]:
    return {case for (case, _), group in grid.cells.items() if group.status in words.WRONG}


def one_provider(targets: Iterable[str]) -> str | None:
    """The provider that all targets share, so that columns need not repeat it; None where they differ."""
    providers = {target.partition("/")[0] for target in targets}
    return providers.pop() if len(providers) == 1 else None


def shown(measures: Sequence[str], groups: Sequence[Group | None]) -> list[str]:
    """The measures, and checks, that at least one of the groups has."""
    return [measure for measure in measures if any(group and words.cell(group, measure) for group in groups)]


def folded(label: str, limit: int) -> list[str]:
    """A label on lines of at most ``limit`` columns, broken after ``-``, ``/``, ``_`` or a space where there is one."""
    lines = [""]
    for piece in re.findall(r"[^-/_ ]+[-/_ ]*|[-/_ ]+", label) or [""]:
        rest = piece
        if words.width(lines[-1] + rest.rstrip()) > limit and lines[-1]:
            lines.append("")
        while words.width(rest.rstrip()) > limit:
            head = words.clipped(rest, limit) or rest[0]
            lines[-1:] = [head, ""]
            rest = rest[len(head) :]
        lines[-1] += rest
    return [line.rstrip() for line in lines if line.strip()] or [""]
