"""A run: a block per suite, then the failures, the notes, and the sources of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from harness.report import Report, View, layout, output, words
from harness.report.content.failure import failures
from harness.report.content.run import SuiteTable, any_left_out, differences, summary_rows, tables, whole_report
from harness.report.table.drawing import bullets, colored_cell, fitted, hanging, wrapped, write
from harness.report.table.grid import flat, stacked
from harness.results.groups import Group
from harness.results.rows import RunRow
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
    """The failures, group by group. Groups that could not be judged for the same reason share one entry."""
    wrong: dict[object, list[Group]] = {}
    for group in report.summary.groups.values():
        if group.status in words.WRONG:
            same = group.trouble.message if group.status == "error" and group.trouble else ""
            wrong.setdefault(same or group.id, []).append(group)
    some = list(wrong.values())[: view.details]
    details = failures(report, [first for first, *_ in some], view.answer)
    for first, *others in some:
        yield from _failure(first, details.get(first.id), report.run, view)
        if others:
            shown = ", ".join(group.id for group in others[:3]) + (", ..." if len(others) > 3 else "")
            yield from wrapped(f"the same for {len(others):,} more: {shown}", view, "  ")
        yield ""
    if view.details is not None and len(wrong) > view.details:
        yield f"and {len(wrong) - view.details:,} more: {whole_report(report)}"
        yield ""


def _failure(group: Group, details: list[str] | None, run: RunRow, view: View) -> Iterator[str]:
    """``details``: the lines of the failed checks; None where no check failed it."""
    mark = words.MARKS[group.status]
    needs = words.needs(group)
    yield f"{colored_cell(mark, view)} {group.id}" + (f"  {needs}" if needs else "")
    if details is not None:
        for line in details:
            yield from hanging(f"  {line}", view)
        yield from wrapped(words.disagreement(group), view, "    ")
    else:
        yield f"  {words.place(group.place)}"
        for line in words.why(group).splitlines():
            yield f"    {line}"
    yield f"  again: {words.rerun(group, run)}"


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
