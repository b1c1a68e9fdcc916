"""Sweeps: a table of values each, and the knee."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.sweeps import NUMBERS, Sweep, SweepPoint, Sweeps
from harness.report import View, words
from harness.report.blocks import Block, Heading, Paragraph, Table, document
from harness.report.content.parts import notes
from harness.text import amounts

NOTE = (
    "Means over the cells that were judged at every value, each with the median of its attempts. The knee is the "
    "cheapest value that is surely within the margin of the best, if every cheaper value is surely worse by more."
)


@document("sweep", "table", "markdown", "html")
def sweep_blocks(document: Sweeps, view: View) -> Iterator[Block]:
    """What each value of an axis buys and costs, and the knee."""
    yield Heading(f"sweeps of run {document.run}", level=1)
    for sweep in document.sweeps:
        yield Heading(_title(sweep))
        yield Paragraph([sweep.knee.message], strong=True)
        yield table(sweep)
    yield from notes([*document.notes, document.answers, *([] if view.quiet else [NOTE])])


def _title(sweep: Sweep) -> str:
    """``thinking on google/gemini-3-flash-preview: trains, 24 cells of 12 cases``."""
    of = f" of {amounts.count(sweep.cases, 'case')}" if sweep.cases != sweep.cells else ""
    return f"{sweep.axis} on {sweep.target}: {sweep.suite or 'all suites'}, {amounts.count(sweep.cells, 'cell')}{of}"


def table(sweep: Sweep) -> Table:
    """A row per value: the pass rate with its interval, the measures, and a mark."""
    measures = [measure for measure in NUMBERS if any(measure in point.numbers for point in sweep.points)]
    header = ["value", "passed (95%)", *map(words.label, measures), "standing"]
    rows = [
        [
            point.name,
            f"{point.rate:.0%} ({100 * point.interval[0]:.0f}-{100 * point.interval[1]:.0f})",
            *(words.measured(measure, point.numbers.get(measure)) for measure in measures),
            _mark(sweep, point),
        ]
        for point in sweep.points
    ]
    return Table(header, rows, _title(sweep), frozenset({len(header) - 1}))


def _mark(sweep: Sweep, point: SweepPoint) -> str:
    """``knee``; ``knee?`` if it is the knee by the observed rates only; ``best``, if any passed; else empty."""
    knee = sweep.knee
    if point.name == knee.value:
        return "knee"
    if point.name == knee.seems:
        return "knee?"
    return "best" if point.name == sweep.best and point.rate else ""
