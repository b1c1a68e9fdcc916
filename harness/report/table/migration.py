"""A migration: its bottom line, what changes, and the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output
from harness.report.content.migration import bottom_line
from harness.report.table.comparison import comparison_lines
from harness.report.table.drawing import bullets, wrapped, write

if TYPE_CHECKING:
    from harness.compare.migration import Migration


@output("table", of="migration")
def migration_table(document: Migration, view: View, out: TextIO) -> None:
    """Whether a new model may replace an old one, for a terminal."""
    write(_migration_lines(document, view), view, out)


def _migration_lines(document: Migration, view: View) -> Iterator[str]:
    verdict, others = bottom_line(document)
    yield from wrapped(verdict, view, "")
    yield from bullets(others, view)
    yield ""
    if document.changes:
        yield "What changes"
        yield from bullets(document.changes, view)
        yield ""
    if document.unsupported:
        yield f"What {document.comparison.candidate} was not asked"
        shown = document.unsupported[: view.details]
        yield from bullets([f"{cell}: {why}" for cell, why in shown], view)
        if len(shown) < len(document.unsupported):
            yield f"  and {len(document.unsupported) - len(shown)} more; -v shows all"
        yield ""
    yield from comparison_lines(document.comparison, view)
