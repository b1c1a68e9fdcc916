"""Sweeps: a row per value, and the knee."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output, words
from harness.report.content.sweep import SWEEP_NOTE, sweep_rows, sweep_title
from harness.report.table.drawing import bullets, fitted, wrapped, write
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.sweeps import Sweeps


@output("table", of="sweep")
def sweep_table(document: Sweeps, view: View, out: TextIO) -> None:
    """What each value of an axis buys and costs, and the knee, for a terminal."""
    write(_sweep_lines(document, view), view, out)


def _sweep_lines(document: Sweeps, view: View) -> Iterator[str]:
    for sweep in document.sweeps:
        yield from wrapped(sweep_title(sweep), view, "")
        yield ""
        yield from fitted(*sweep_rows(sweep), view)
        yield ""
        yield from wrapped(words.printable(sweep.knee.message), view, "")
        yield ""
    if not view.quiet:
        yield from wrapped(SWEEP_NOTE, view, "")
    yield from bullets(document.notes, view)
    yield from wrapped(document.answers, view, "")
    yield f"{amounts.count(len(document.sweeps), 'sweep')}; run {document.run}"
