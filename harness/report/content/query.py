"""The result of a query of the history."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report import View, words
from harness.report.blocks import Block, Paragraph, Table, document
from harness.results.history_lines import QueryResult


@document("query", "table", "markdown")
def query_blocks(answer: QueryResult, _view: View) -> Iterator[Block]:
    """The result of a query."""
    rows = [["-" if value is None else words.shortened(str(value), 60) for value in row] for row in answer.rows]
    texts = [
        at for at, cells in enumerate(zip(*answer.rows, strict=True)) if any(isinstance(cell, str) for cell in cells)
    ]
    yield Table(answer.columns, rows, words=frozenset(texts)) if rows else Paragraph(["no rows"])
