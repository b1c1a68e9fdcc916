"""A run: the names of its columns, the cases on which columns disagree, and a row per target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from harness.report import Report, View, layout, words
from harness.report.layout import Column, Grid
from harness.results.groups import Group


def column_name(column: Column, provider: str | None) -> str:
    """The target, without its provider if all targets have the same, and the axis values."""
    return " ".join([short(column.target, provider), *(f"{name}={value}" for name, value in column.axes)])


def short(target: str, provider: str | None) -> str:
    """A target without ``provider``, if that is given: the one that all targets share."""
    return target.removeprefix(f"{provider}/") if provider else target


class SuiteTable(Struct, frozen=True):
    """What is shown of a suite. ``provider``: the one that all its groups share; None where they differ."""

    suite: str
    about: str
    provider: str | None
    grids: Sequence[Grid]


def tables(report: Report, view: View) -> list[SuiteTable]:
    """Every suite, with at most ``view.cases`` cases in total. Where cases are left out, failed cases are kept first."""
    suites = list(report.summary.by_suite())
    grids = layout.limited([list(layout.grids(groups)) for _, groups in suites], view.cases)
    return [
        SuiteTable(suite, words.about(report, suite), layout.one_provider(groups), some)
        for (suite, groups), some in zip(suites, grids, strict=True)
    ]


def any_left_out(suites: Sequence[SuiteTable]) -> bool:
    """Whether cases are left out."""
    return any(grid.left_out for table in suites for grid in table.grids)


def whole_report(report: Report, *more: str) -> str:
    """The command that shows the whole report. ``more``: options for its format, if that is not the table."""
    return words.command("report", report.run["id"], *more, "-v")


def differences(table: SuiteTable) -> Iterator[str]:
    """A line for each shown case on which unary and stream disagree, or columns have different verdicts."""
    provider = table.provider
    groups = [group for grid in table.grids for case in grid.cases for group in grid.row(case) if group]
    for group in groups:
        if group.tally.disagreed:
            share = f" in {group.tally.disagreed} of {group.tally.pairs} pairs" if group.tally.pairs > 1 else ""
            where = f"{group.case} on {short(group.target, provider)}"
            yield f"{where}: unary and stream disagree{share}: {group.disagreement}"
    disagreeing = {group.case for group in groups if group.tally.disagreed}
    for grid in table.grids:
        for case in grid.cases:
            marks = [
                (column_name(column, provider), words.mark_of(group))
                for column, group in zip(grid.columns, grid.row(case), strict=True)
                if group
            ]
            if case not in disagreeing and len({mark for _, mark in marks}) > 1:
                yield f"{case}: " + "; ".join(_columns_by_mark(marks))


def _columns_by_mark(marks: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The rarer verdicts with their columns, then the most common one, as *the other N* if it has three columns or more."""
    names: dict[str, list[str]] = {}
    for name, mark in marks:
        names.setdefault(mark, []).append(name)
    *rarer, (most, others) = sorted(names.items(), key=lambda item: len(item[1]))
    yield from (f"{mark} on {', '.join(columns)}" for mark, columns in rarer)
    yield f"{most} on {', '.join(others)}" if len(others) < 3 else f"{most} on the other {len(others)}"


_TARGET_COLUMNS: Sequence[tuple[str, Callable[[Sequence[Group]], str]]] = (
    ("tokens", lambda groups: words.measured("totalTokenCount", words.total_of(groups, "totalTokenCount"))),
    ("thoughts", lambda groups: words.measured("thoughtsTokenCount", words.total_of(groups, "thoughtsTokenCount"))),
    ("cost $", words.cost_of),
    ("as $", lambda groups: words.measured("cost_as_usd", words.total_of(groups, "cost_as_usd"))),
    ("latency s", lambda groups: words.measured("latency_s", words.median_of(groups, "latency_s"))),
)


def summary_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """(header, a row per target): groups by status, total tokens, thoughts and cost, median latency."""
    by_target = list(report.summary.by_target())
    counted = {target: _status_counts(groups) for target, groups in by_target}
    totals = report.summary.totals()
    statuses = [status for status, number in totals.items() if number or status == "passed"]
    priced = any(group.tally.unpriced or "cost_usd" in group.measures for _, groups in by_target for group in groups)
    hidden = {*([] if priced else ["cost $"]), *([] if report.price_as else ["as $"])}
    tallies = [tally for tally in _TARGET_COLUMNS if tally[0] not in hidden]
    header = ["target", *statuses, *(name for name, _ in tallies)]
    rows = [
        [
            target,
            *(f"{counted[target].get(status, 0):,}" for status in statuses),
            *(tally(groups) for _, tally in tallies),
        ]
        for target, groups in by_target
    ]
    return header, rows


def _status_counts(groups: Sequence[Group]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.status] = counts.get(group.status, 0) + 1
    return counts
