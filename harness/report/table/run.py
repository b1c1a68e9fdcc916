"""A run: a block per suite, then the failures, the notes, and the sources of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from harness.report import Report, View, layout, output, words
from harness.report.content.causes import Cause, failed_causes
from harness.report.content.failure import failed_by_checks
from harness.report.content.run import SuiteTable, any_left_out, differences, summary_rows, tables, whole_report
from harness.report.table.drawing import bullets, colored_cell, fitted, hanging, wrapped, write
from harness.report.table.grid import flat, stacked
from harness.results.groups import Group
from harness.text import amounts


@output("table", of="run")
def table(report: Report, view: View, out: TextIO) -> None:
    """The comparison table, for a terminal."""
    write(_lines(report, view), view, out)


def _lines(report: Report, view: View) -> Iterator[str]:
    if not view.quiet:
        suites = tables(report, view)
        for table in suites:
            yield from _suite(table, view)
        if any_left_out(suites):
            yield f"All cases: {whole_report(report)}"
            yield ""
    yield from _failures(report, view)
    if not view.quiet:
        yield from _remarks(report, view)
        yield from _targets(report, view)
    yield from _ending(report, view)


def _suite(table: SuiteTable, view: View) -> Iterator[str]:
    provider = table.provider
    yield f"{table.suite} at {provider}" if provider else table.suite
    yield from wrapped(table.about, view, "")
    yield ""
    for grid in table.grids:
        table_lines = flat(grid, provider, view) if len(grid.columns) == 1 else stacked(grid, provider, view)
        yield from table_lines
        if grid.left_out:
            yield layout.rest_note(grid)
        yield ""
    remarks = list(differences(table))
    yield from bullets(remarks, view)
    if remarks:
        yield ""


def _failures(report: Report, view: View) -> Iterator[str]:
    """The failures, cause by cause."""
    found = failed_causes(report, view)
    for cause, groups in found.shown:
        yield from _cause(cause, groups, view)
        yield ""
    if found.more:
        yield f"and {found.more}: {whole_report(report)}"
        yield ""
    if found.first_id:
        yield f"What is behind an id: gemini-harness explain {found.first_id}"
        yield ""


def _cause(cause: Cause, groups: Iterable[tuple[Group, list[str]]], view: View) -> Iterator[str]:
    indent = ""
    if cause.title:
        yield from hanging(f"{colored_cell(words.MARKS[cause.status], view)} {cause.title}", view)
        indent = "  "
    for group, lines in groups:
        mark = "" if cause.title else f"{colored_cell(words.MARKS[group.status], view)} "
        needs = words.needs(group)
        yield f"{indent}{mark}{group.id}" + (f"  {needs}" if needs else "")
        for line in lines:
            text = f"{indent}  {line}"
            yield from hanging(text, view) if failed_by_checks(group) else [text]
    yield from wrapped(cause.more, view, "  ")
    yield f"  {cause.remedy}"


def _remarks(report: Report, view: View) -> Iterator[str]:
    remarks = words.remarks(report)
    if remarks:
        yield "Notes"
        yield from bullets(remarks, view)
        yield ""


def _targets(report: Report, view: View) -> Iterator[str]:
    header, rows = summary_rows(report)
    if rows:
        yield from fitted(header, rows, view)
        yield ""


def _ending(report: Report, view: View) -> Iterator[str]:
    summary = report.summary
    if any(group.attempts > 1 for group in summary.groups.values()):
        yield "Numbers in a cell are medians of its attempts."
    yield from wrapped(words.provenance(summary), view, "")
    cost = words.cost(summary, report.run.get("prices"))
    yield from wrapped(cost, view, "") if cost else ()
    yield from wrapped(words.price_as(report), view, "")
    took = "" if report.seconds is None else f" in {report.seconds:.2f} s"
    cut = f"{cut}: " if (cut := words.incomplete(report)) else ""
    counted = f"{words.totals(summary.totals())}{words.gate_counts(report.gates)}"
    yield f"{cut}{counted} ({amounts.count(summary.trials, 'trial')}){took}; run {report.run['id']}"
