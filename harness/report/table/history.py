"""A history: a block per subject, a row per run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from harness.report import View, output, words
from harness.report.content.history import HISTORY_COLUMNS, subject
from harness.report.table.drawing import GAP, bullets, table_lines, wrapped, write
from harness.results.history_lines import History, Line
from harness.text import amounts


@output("table", of="history")
def history_table(history: History, view: View, out: TextIO) -> None:
    """The results of runs over time, for a terminal."""
    write(_history_lines(history, view), view, out)


def _history_lines(history: History, view: View) -> Iterator[str]:
    for lines in history.by_subject().values():
        yield from wrapped(subject(lines), view, "")
        yield from table_lines(*_fitting_columns(lines, view), view)
        yield ""
    if history.earlier:
        yield from wrapped(f"{amounts.count(history.earlier, 'earlier run')} left out: --last shows more", view, "")
    yield from bullets(history.notes, view)


def _fitting_columns(lines: Sequence[Line], view: View) -> tuple[list[list[str]], list[list[str]]]:
    """(header, rows) without empty columns. Less important columns are left out until the rest fits the width."""
    columns = {name: [show(line) for line in lines] for name, show in HISTORY_COLUMNS.items()}
    columns = {name: cells for name, cells in columns.items() if name in ("run", "passed") or {*cells} - {"", "-"}}
    for name in ("ttft s", "thoughts", "cost $", "latency s", "tokens"):
        if sum(max(map(words.width, [head, *cells])) + GAP for head, cells in columns.items()) - GAP > view.width:
            columns.pop(name, None)
    return [list(columns)], [list(row) for row in zip(*columns.values(), strict=True)]
