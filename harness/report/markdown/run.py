"""A run: the grids, what failed in a folded section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from harness.report import Report, View, layout, output, words
from harness.report.content.causes import Cause, failed_causes
from harness.report.content.run import (
    SuiteTable,
    any_left_out,
    column_name,
    differences,
    summary_rows,
    tables,
    whole_report,
)
from harness.report.layout import Grid
from harness.report.markdown.drawing import code, escaped, fenced, table_lines
from harness.results.groups import Group

_FORMAT = ("--format", "markdown")


@output("markdown", of="run")
def markdown(report: Report, view: View, out: TextIO) -> None:
    """Tables for a pull request or a wiki page."""
    out.writelines(f"{line}\n" for line in _lines(report, view))


def _lines(report: Report, view: View) -> Iterator[str]:
    summary = report.summary
    counted = f"{words.totals(summary.totals())}{words.gate_counts(report.gates)}"
    yield f"**{escaped(counted)}** &middot; {escaped(words.provenance(summary))}"
    yield ""
    yield from _failures(report, view)
    suites = tables(report, view)
    for table in suites:
        yield from _suite(table, view)
    if any_left_out(suites):
        yield f"All cases: {code(whole_report(report, *_FORMAT))}"
        yield ""
    remarks = words.remarks(report)
    if remarks:
        yield "#### Notes"
        yield ""
        yield from (f"- {escaped(remark)}" for remark in remarks)
        yield ""
    header, rows = summary_rows(report)
    if rows:
        yield from table_lines(header, rows)
        yield ""
    cost = words.cost(summary, report.run.get("prices"))
    if cost:
        yield escaped(f"{cost[0].upper()}{cost[1:]}.")
        yield ""
    if other := words.price_as(report):
        yield escaped(f"{other}.")
        yield ""
    yield (
        f"Run {report.run['id']} of {report.run['started'][:10]}, record mode {report.run['record_mode']}, "
        f"gemini-harness {report.run['harness']}."
    )


def _suite(table: SuiteTable, view: View) -> Iterator[str]:
    provider = table.provider
    yield f"### {escaped(table.suite)}" + (f" at {escaped(provider)}" if provider else "")
    yield ""
    if table.about:
        yield escaped(table.about)
        yield ""
    for grid in table.grids:
        header = ["case", *(column_name(column, provider) for column in grid.columns)]
        yield from table_lines(header, [_row(case, grid, view) for case in grid.cases])
        yield ""
        if grid.left_out:
            yield layout.rest_note(grid)
            yield ""
    remarks = list(differences(table))
    yield from (f"- {escaped(line)}" for line in remarks)
    if remarks:
        yield ""


def _row(case: str, grid: Grid, view: View) -> list[str]:
    return [case, *("" if group is None else _cell(group, view) for group in grid.row(case))]


def _cell(group: Group, view: View) -> str:
    mark, _, rest = words.verdict(group).partition(" ")
    bold = f"**{mark}**" if mark.isupper() else mark
    lines = [f"{bold} {rest}".strip()]
    lines += [
        f"{words.label(measure)}: {', '.join(found)}"
        for measure in view.measures
        if (found := words.cell(group, measure))
    ]
    if group.tally.warnings:
        lines.append(f"warnings: {group.tally.warnings}")
    return "\n".join(lines)


def _failures(report: Report, view: View) -> Iterator[str]:
    found = failed_causes(report, view)
    if not found.shown:
        return
    yield "<details open><summary>What failed</summary>"
    yield ""
    for cause, groups in found.shown:
        yield from _cause(cause, groups)
    if found.more:
        yield f"- and {found.more}: {code(whole_report(report, *_FORMAT))}"
    yield ""
    yield "</details>"
    yield ""


def _cause(cause: Cause, groups: list[tuple[Group, list[str]]]) -> Iterator[str]:
    mark = f"**{words.MARKS[cause.status]}**"
    if cause.title:
        yield f"- {mark} {escaped(cause.title)}"
    for group, lines in groups:
        needs = words.needs(group)
        yield f"- {escaped(group.id) if cause.title else f'{mark} {escaped(group.id)}'}" + (
            f" ({needs})" if needs else ""
        )
        if lines:
            yield ""
            yield from (f"  {line}" for line in fenced(lines))
            yield ""
    if cause.more:
        yield f"- {escaped(cause.more)}"
    what, _, command = cause.remedy.partition(": ")
    yield f"- {what}: {code(command)}"
