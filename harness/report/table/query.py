"""The result of a query of the history."""

from __future__ import annotations

from typing import TextIO

from harness.report import View, output, words
from harness.report.table.drawing import table_lines, write
from harness.results.history_lines import QueryResult


@output("table", of="query")
def query_table(answer: QueryResult, view: View, out: TextIO) -> None:
    """The result of a query, for a terminal."""
    rows = [["-" if value is None else words.shortened(str(value), 60) for value in row] for row in answer.rows]
    if rows:
        write(table_lines([list(answer.columns)], rows, view), view, out)
    else:
        out.write("no rows\n")
