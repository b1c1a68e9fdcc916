"""For a pull request: the same grids as GitHub tables, what failed in a folded section."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from harness.compare import Comparison
from harness.render import Report, View, layout, output, words
from harness.render.layout import Grid
from harness.render.table import (
    DIFFERENCE_HEADER,
    PAST,
    READING,
    SWEPT,
    bottom_line,
    column_name,
    difference_rows,
    differences,
    explained,
    subject,
    suite_rows,
    summary_rows,
    sweep_rows,
    sweep_title,
)
from harness.summary import Group
from harness.trend import History

if TYPE_CHECKING:
    from harness.migration import Migration
    from harness.sweeps import Sweeps


@output("markdown", of="run")
def markdown(report: Report, view: View, out: TextIO) -> None:
    """Tables for a pull request or a wiki page."""
    out.writelines(f"{line}\n" for line in _lines(report, view))


def _lines(report: Report, view: View) -> Iterator[str]:
    summary = report.summary
    yield f"**{escaped(words.totals(summary.totals()))}** &middot; {escaped(words.provenance(summary))}"
    yield ""
    yield from _failures(report, view)
    for suite, groups in summary.by_suite():
        yield from _suite(suite, groups, words.about(report, suite), view)
    remarks = words.remarks(report)
    if remarks:
        yield "#### Notes"
        yield ""
        yield from (f"- {escaped(each)}" for each in remarks)
        yield ""
    header, rows = summary_rows(report)
    if rows:
        yield from _drawn(header, rows)
        yield ""
    if words.cost(report):
        yield escaped(f"{words.cost(report).capitalize()}.")
        yield ""
    yield (
        f"Run {report.run['id']} of {report.run['started'][:10]}, record mode {report.run['record_mode']}, "
        f"gemini-harness {report.run['harness']}."
    )


def _suite(suite: str, groups: Sequence[Group], about: str, view: View) -> Iterator[str]:
    provider = layout.one_provider(groups)
    yield f"### {escaped(suite)}" + (f" at {escaped(provider)}" if provider else "")
    yield ""
    if about:
        yield escaped(about)
        yield ""
    for grid in layout.grids(groups):
        header = ["case", *(column_name(column, provider) for column in grid.columns)]
        yield from _drawn(header, [_row(case, grid, view) for case in grid.cases])
        yield ""
    said = list(differences(groups, provider))
    yield from (f"- {escaped(each)}" for each in said)
    if said:
        yield ""


def _row(case: str, grid: Grid, view: View) -> list[str]:
    return [case, *("" if group is None else _cell(group, view) for group in grid.row(case))]


def _cell(group: Group, view: View) -> str:
    mark, _, rest = words.verdict(group).partition(" ")
    bold = f"**{mark}**" if mark.isupper() else mark
    lines = [f"{bold} {rest}".strip()]
    lines += [
        f"{words.label(each)}: {words.measured(each, group.typical(each))}"
        for each in view.measures
        if group.typical(each) is not None
    ]
    if group.warnings:
        lines.append(f"warnings: {group.warnings}")
    return "\n".join(lines)


def _drawn(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(escaped(each) for each in header) + " |"
    yield "|" + "|".join(["---", *["---:"] * (len(header) - 1)]) + "|"
    for row in rows:
        yield "| " + " | ".join(_table_cell(each) for each in row) + " |"


def _table_cell(text: str) -> str:
    return "<br>".join(line if line.startswith("**") else escaped(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    plain = words.printable(text).replace("\n", " ")
    return re.sub(r"([\\`*_|~#\[\]])", r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _failures(report: Report, view: View) -> Iterator[str]:
    wrong = [group for group in report.summary.groups.values() if group.status in words.WRONG]
    if not wrong:
        return
    yield "<details open><summary>What failed</summary>"
    yield ""
    for group in wrong[: view.details]:
        yield from _failure(group)
    if view.details is not None and len(wrong) > view.details:
        yield f"- and {len(wrong) - view.details:,} more"
    yield ""
    yield "</details>"
    yield ""


def _failure(group: Group) -> Iterator[str]:
    needs = words.needs(group)
    yield f"- **{words.MARKS[group.status]}** {escaped(group.id)}" + (f" ({needs})" if needs else "")
    yield f"  {escaped(words.place(words.where(group)))}: {escaped(words.shortened(words.why(group), 400))}"


@output("markdown", of="comparison")
def comparison_markdown(comparison: Comparison, _view: View, out: TextIO) -> None:
    """What differs between two sides, for a pull request."""
    out.writelines(f"{line}\n" for line in _compared(comparison))


def _compared(comparison: Comparison) -> Iterator[str]:
    yield f"Reference {escaped(comparison.reference)}, candidate {escaped(comparison.candidate)}."
    yield ""
    if comparison.simulated:
        yield f"**{words.SIMULATED}**"
        yield ""
    yield f"**{words.count(len(comparison.flips), 'flip')}** in {words.count(len(comparison.paired), 'cell')}"
    yield ""
    if comparison.flips:
        rows = [
            [flip.id, flip.check, flip.before, flip.after, *map(_answer, flip.answers)] for flip in comparison.flips
        ]
        yield from _drawn(["cell", "check", "from", "to", "reference said", "candidate said"], rows)
        yield ""
    if comparison.differences:
        yield from _drawn(DIFFERENCE_HEADER, difference_rows(comparison))
        yield ""
        yield from (f"- {escaped(each)}" for each in explained(comparison))
        yield ""
        header, rows = suite_rows(comparison)
        if len(rows) > 1:
            yield from _drawn(header, rows)
            yield ""
        yield READING
        yield ""
    yield from (f"- gate {escaped(str(each.gate))}: **{escaped(each.says)}**" for each in comparison.gates)
    yield from (f"- {escaped(each)}" for each in comparison.notes)


def _answer(text: str | None) -> str:
    return "" if text is None else words.value(text, 160)


@output("markdown", of="history")
def history_markdown(history: History, _view: View, out: TextIO) -> None:
    """What runs said over time, as GitHub tables."""
    for lines in history.by_subject().values():
        out.write(f"#### {escaped(subject(lines))}\n\n")
        rows = [[line.entry.started[:16], *(show(line) for show in PAST.values())] for line in lines]
        out.writelines(f"{line}\n" for line in _drawn(["when (UTC)", *PAST], rows))
        out.write("\n")
    out.writelines(f"- {escaped(note)}\n" for note in history.notes)


@output("markdown", of="sweep")
def sweep_markdown(document: Sweeps, _view: View, out: TextIO) -> None:
    """What each value of an axis buys and costs, and the knee, for a pull request."""
    out.writelines(f"{line}\n" for line in _swept(document))


def _swept(document: Sweeps) -> Iterator[str]:
    for each in document.sweeps:
        yield f"### {escaped(sweep_title(each))}"
        yield ""
        yield from _drawn(*sweep_rows(each))
        yield ""
        yield f"**{escaped(each.knee.says)}**"
        yield ""
    yield SWEPT
    yield ""
    yield from (f"- {escaped(each)}" for each in document.notes)
    yield f"- {escaped(document.answers)}; run {document.run}"


@output("markdown", of="migration")
def migration_markdown(document: Migration, view: View, out: TextIO) -> None:
    """Whether a new model may take the place of an old one, for a pull request."""
    out.writelines(f"{line}\n" for line in _migrated(document, view))


def _migrated(document: Migration, view: View) -> Iterator[str]:
    sides = document.comparison
    yield f"### {escaped(sides.reference)} to {escaped(sides.candidate)}"
    yield ""
    yield f"**{escaped(bottom_line(document))}**"
    yield ""
    if document.changes:
        yield "#### What changes"
        yield ""
        yield from (f"- {escaped(each)}" for each in document.changes)
        yield ""
    if document.untaken:
        yield f"#### What {escaped(sides.candidate)} was not asked"
        yield ""
        shown = document.untaken[: view.details]
        yield from (f"- {escaped(cell)}: {escaped(why)}" for cell, why in shown)
        if len(shown) < len(document.untaken):
            yield f"- and {len(document.untaken) - len(shown)} more"
        yield ""
    yield "#### What was seen"
    yield ""
    yield from _compared(sides)
