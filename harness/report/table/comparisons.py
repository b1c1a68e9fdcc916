"""Several candidates: all of them in a table, then each against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from harness.compare.candidates import Comparisons
from harness.report import View, output
from harness.report.content.comparison import READING, correction_note, overview
from harness.report.table.comparison import comparison_lines
from harness.report.table.drawing import bullets, fitted, wrapped, write


@output("table", of="comparisons")
def comparisons_table(document: Comparisons, view: View, out: TextIO) -> None:
    """What differs between a reference and each of several candidates, for a terminal."""
    write(_all(document, view), view, out)


def _all(document: Comparisons, view: View) -> Iterator[str]:
    yield from wrapped(correction_note(document), view, "")
    yield ""
    yield from fitted(*overview(document), view)
    yield ""
    if not view.quiet:
        yield from wrapped(READING, view, "")
        yield from bullets(document.notes, view)
    for comparison in document.comparisons:
        yield ""
        yield "-" * view.width
        yield from comparison_lines(comparison, view, alone=False)
