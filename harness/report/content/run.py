"""A run: its totals, the failures by cause, a matrix per suite, the notes, and a row per target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

from harness.report import Report, View, layout, words
from harness.report.blocks import (
    SIMULATED,
    Block,
    Bullets,
    Code,
    Facts,
    Heading,
    Matrix,
    MatrixCell,
    MatrixRow,
    Paragraph,
    Styled,
    Table,
    Totals,
    document,
)
from harness.report.content.causes import failures
from harness.report.content.parts import gates
from harness.report.layout import Column, Grid
from harness.results.groups import Group, median_of, total_of

CELLS = 2_500
"""The most cells in a matrix of a page. A browser lays out this many in about a second."""
THREE = 3
"""The fewest values of an axis that make a sweep."""


@document("run")
def run_blocks(report: Report, view: View) -> Iterator[Block]:
    """A whole run. A terminal ends with the totals, above its prompt; other formats begin with them."""
    parts = QUIET if view.quiet else PARTS.get(view.format, PARTS["markdown"])
    for part in parts:
        yield from part(report, view)


def _totals(report: Report, view: View) -> Iterator[Block]:
    if view.page:
        yield Heading(f"run {report.run['id']}", level=1)
        yield from [SIMULATED] if words.simulated(report.summary) else []
    yield Totals(report.summary.totals(), _counted(report), words.gate_counts(report.gates).removeprefix(", "))
    if not view.page:
        yield Paragraph([words.provenance(report.summary)])


def _closing(report: Report, _view: View) -> Iterator[Block]:
    yield Paragraph([f"{_counted(report)} - {words.provenance(report.summary)}"], strong=True)


def _counted(report: Report) -> str:
    return f"{words.totals(report.summary.totals())}{words.gate_counts(report.gates)}"


def _related_pages(report: Report, view: View) -> Iterator[Block]:
    from harness.compare.sweeps import swept

    if not view.home:
        return
    name = quote(report.run["id"])
    axes = swept(report.summary)
    several = [axis for axis, values in axes.items() if len(values) >= THREE]
    both, targets = report.run.get("migration"), {group.target for group in report.summary.groups.values()}
    compared = f"migration: {' to '.join(both)}" if both else "compare its targets, or what its suites compare"
    ways = {
        **({f"sweep/{name}": f"sweeps of {', '.join(several)}"} if several else {}),
        **({f"compare?base={name}&candidate={name}": compared} if axes or len(targets) > 1 else {}),
        "history": "history",
    }
    yield Bullets([[Styled(text, address=f"{view.home}{way}")] for way, text in ways.items()])


def _facts(report: Report, view: View) -> Iterator[Block]:
    run = report.run
    took = "" if report.seconds is None else f" in {report.seconds:,.2f} s"
    cut = f", {cut}" if (cut := words.incomplete(report)) else ""
    asked = words.trials(report.summary)
    facts = {
        "answers": words.provenance(report.summary) if view.page else "",
        "cost": words.cost(report.summary, run.get("prices")).removeprefix("cost "),
        "other price": words.price_as(report),
        "run": f"{run['id']}, {run['started'].replace('T', ' ')}{cut}",
        "asked": f"{asked}{took}",
        "with": f"gemini-harness {run['harness']}, Python {run['python']}, record mode {run['record_mode']}",
        "command": words.same_command(run) if any(run["selection"].values()) else "",
    }
    yield Facts([(label, text) for label, text in facts.items() if text])


def _ending(report: Report, view: View) -> Iterator[Block]:
    summary = report.summary
    repeated = any(group.attempts > 1 for group in summary.groups.values())
    cut = f"{cut}: " if (cut := words.incomplete(report)) else ""
    took = "" if report.seconds is None else f" in {report.seconds:.2f} s"
    lines = [
        "Numbers in a cell are medians of its attempts." if repeated and not view.quiet else "",
        words.provenance(summary),
        words.cost(summary, report.run.get("prices")),
        words.price_as(report),
        f"{cut}{_counted(report)} ({words.trials(summary)}){took}; run {report.run['id']}",
    ]
    yield Paragraph(["\n".join(filter(None, lines))])


# --- the matrix ---------------------------------------------------------------------------------------


def _suites(report: Report, view: View) -> Iterator[Block]:
    """Every suite, with at most ``view.cases`` cases in total, or as many as a page takes. Failed cases are kept first."""
    suites = list(report.summary.by_suite())
    about = {row["suite"]: row.get("about") for row in report.run["suites"]}
    whole = [list(layout.grids(groups)) for _, groups in suites]
    grids = layout.limited(whole, view.cases)
    if view.page:
        grids = [[layout.first_cases(grid, max(1, CELLS // len(grid.columns))) for grid in found] for found in whole]
    for (suite, groups), shown in zip(suites, grids, strict=True):
        provider = layout.one_provider(group.target for group in groups)
        yield Heading(f"{suite} at {provider}" if provider else suite, level=2 if view.format == "markdown" else 3)
        if said := about.get(suite):
            yield Paragraph([said])
        yield from (_matrix(suite, f"{provider}/" if provider else "", grid, view) for grid in shown)
    if not view.page and any(grid.left_out for shown in grids for grid in shown):
        yield Paragraph(["All cases: ", Code(words.whole_report(report, view))])


def _matrix(suite: str, prefix: str, grid: Grid, view: View) -> Matrix:
    """``prefix``: what all targets begin with."""
    rows = [(case, [grid.cells.get((case, column)) for column in grid.columns]) for case in grid.cases]
    wanted = (*view.measures, "warnings")
    alone = len(grid.columns) == 1
    common = layout.shown(wanted, [group for _, groups in rows for group in groups]) if alone else []
    by = f" by {', '.join(grid.axes)}" if grid.axes else ""
    rest = layout.rest_note(grid)
    return Matrix(
        grid.axes,
        [(column.target.removeprefix(prefix), [value for _, value in column.axes]) for column in grid.columns],
        [_matrix_row(case, groups, grid, common if alone else layout.shown(wanted, groups)) for case, groups in rows],
        f"cases of {suite} on each target{by}",
        f"{rest}: the list of trials has all of them" if rest and view.page else rest,
    )


def _matrix_row(case: str, groups: Sequence[Group | None], grid: Grid, measures: Sequence[str]) -> MatrixRow:
    cells = [_cell(group, column, measures) for column, group in zip(grid.columns, groups, strict=True)]
    return MatrixRow(case, list(map(words.label, measures)), cells)


def _cell(group: Group | None, column: Column, measures: Sequence[str]) -> MatrixCell | None:
    if group is None:
        return None
    verdict = words.verdict(group)
    mark = Styled(verdict, status="flaky" if group.flaky and group.status == "passed" else group.status, opens=group.id)
    values = [words.cell(group, measure) or ["-"] for measure in measures]
    return MatrixCell(mark, values, f"{group.case}, {column.name}: {verdict}")


# --- notes and targets --------------------------------------------------------------------------------


def _gates(report: Report, view: View) -> Iterator[Block]:
    yield from _listed("Gates", gates(report.gates), view)


def _notes(report: Report, view: View) -> Iterator[Block]:
    yield from _listed("Notes", Bullets([[remark] for remark in words.remarks(report)]), view)


def _listed(title: str, lines: Bullets, view: View) -> Iterator[Block]:
    if lines.items:
        yield Heading(title, level=3) if view.format in ("table", "github") else Heading(title.lower())
        yield lines


_TARGET_COLUMNS: Sequence[tuple[str, Callable[[Sequence[Group]], str]]] = (
    ("tokens", lambda groups: words.measured("totalTokenCount", total_of(groups, "totalTokenCount"))),
    ("thoughts", lambda groups: words.measured("thoughtsTokenCount", total_of(groups, "thoughtsTokenCount"))),
    ("cost $", words.cost_of),
    ("as $", lambda groups: words.measured("cost_as_usd", total_of(groups, "cost_as_usd"))),
    ("latency s", lambda groups: words.measured("latency_s", median_of(groups, "latency_s"))),
)


def _targets(report: Report, _view: View) -> Iterator[Block]:
    by_target = list(report.summary.by_target())
    counted = {target: Counter(group.status for group in groups) for target, groups in by_target}
    totals = report.summary.totals()
    statuses = [status for status, number in totals.items() if number or status == "passed"]
    priced = any(group.tally.unpriced or "cost_usd" in group.measures for _, groups in by_target for group in groups)
    hidden = {*([] if priced else ["cost $"]), *([] if report.price_as else ["as $"])}
    tallies = [tally for tally in _TARGET_COLUMNS if tally[0] not in hidden]
    header = ["target", *statuses, *(name for name, _ in tallies)]
    rows = [
        [
            target,
            *(_number(counted[target][status], status) for status in statuses),
            *(tally(groups) for _, tally in tallies),
        ]
        for target, groups in by_target
    ]
    if rows:
        yield Table(header, rows, "verdicts and measures of each target")


def _number(number: int, status: str) -> Styled:
    return Styled(f"{number:,}", status=status if number else "none")


# --- the order ----------------------------------------------------------------------------------------


def _plots(report: Report, _view: View) -> Iterator[Block]:
    from harness.report.content.plots import plots

    yield from plots(report.summary)


def _trials(report: Report, _view: View) -> Iterator[Block]:
    from harness.report.content.trials import trials

    yield Heading("trials")
    yield trials(report)


Part = Callable[[Report, View], Iterator[Block]]
QUIET: Sequence[Part] = (failures, _ending)
PARTS: Mapping[str, Sequence[Part]] = {
    "table": (_suites, failures, _notes, _targets, _gates, _ending),
    "github": (_gates, _notes, failures, _closing),
    "markdown": (_totals, _gates, failures, _suites, _notes, _targets, _facts),
    "html": (
        *(_totals, _facts, _targets, _related_pages, _gates, failures),
        *(lambda _report, _view: iter([Heading("matrix")]), _suites, _plots, _notes, _trials),
    ),
}
"""The parts of a run in the order of each format."""
