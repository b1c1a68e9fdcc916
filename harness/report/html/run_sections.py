"""The sections of a run's page that need no script: summary, failures, matrix of cells, plots; and parts that all pages share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

from harness.compare.sweeps import sweeps, swept
from harness.model import Status
from harness.report import Report, View, layout, words
from harness.report.html import plots
from harness.report.html.markup import Markup, columns, element, table
from harness.report.layout import Column, Grid
from harness.results.groups import Group
from harness.results.rows import RunRow, VerdictRow
from harness.results.summary import Summary
from harness.text import amounts

OPEN, LISTED = 8, 100
"""How many failed groups are shown, and how many with the folded ones. The list of trials has all of them."""

CELLS = 2_500
"""The most cells in a grid of the matrix. A browser lays out this many in about a second."""

THREE = 3
"""The fewest values of an axis that make a sweep."""
NO_SCRIPT = element(
    "noscript",
    element(
        "p",
        "The list of trials and their requests and responses need JavaScript, which is off. All above works without it.",
    ),
)
Numbers = Mapping[str, int]
"""Group -> its number in the script's data."""


def simulated_note(summary: Summary) -> Markup | None:
    """The band over a run with simulated answers; None where there are none."""
    if not words.simulated(summary):
        return None
    real = any(not is_simulated for _, _, is_simulated in summary.provenance)
    return simulated_band("Some of these answers were" if real else "These answers were")


def simulated_band(what: str) -> Markup:
    """A prominent band for pages with simulated answers. ``what``: the beginning of its sentence."""
    message = f" {what} made up by the simulator, not by a Gemini model. They say nothing about Gemini."
    return element("p", element("strong", "SIMULATED"), message, class_="simulated", role="note")


def sections(report: Report, view: View) -> Iterator[tuple[str, Markup]]:
    """(name, content) of every section of a run. The script fills the list of trials."""
    numbers = {name: number for number, name in enumerate(report.summary.groups)}
    yield "summary", _summary(report)
    wrong = [group for group in report.summary.groups.values() if group.status in words.WRONG]
    if wrong:
        yield "failures", _failures(wrong, numbers, report.run)
    yield "matrix", _matrix(report, view, numbers)
    if drawn := list(_plots(report.summary)):
        yield "plots", element("div", *drawn)
    yield "trials", element("div", NO_SCRIPT, element("div", id="list"))


def section(name: str, *inside: str | None) -> Markup:
    return element("section", element("h2", name), *inside, id=name)


def related_pages(report: Report, home: str) -> Markup:
    """Links to the other pages about this run, on a server."""
    name = quote(report.run["id"])
    axes = [axis for axis, values in swept(report.summary).items() if len(values) >= THREE]
    both = report.run.get("migration")
    ways = [
        (f"migration: {' to '.join(both)}", f"within?{urlencode(_sides(report.run['id'], both))}") if both else None,
        (f"sweeps of {', '.join(axes)}", f"sweep/{name}") if axes else None,
        ("compare two targets or values", f"compare?base={name}&candidate={name}"),
        ("history", "history"),
    ]
    found = (element("a", text, href=home + way) for text, way in filter(None, ways))
    return element("nav", *found, class_="ways", aria_label="more of this run")


def _sides(run: str, both: Sequence[str]) -> dict[str, str]:
    return {"run": run, "axis": "target", "reference": both[0], "candidate": both[-1]}


# --- the summary --------------------------------------------------------------------------------------


def _summary(report: Report) -> Markup:
    totals = report.summary.totals()
    counts = [
        element("span", element("b", f"{number:,}"), f" {status}", class_=status)
        for status, number in totals.items()
        if number
    ]
    stopped = words.gate_counts(report.gates).removeprefix(", ")
    counts += [element("span", stopped, class_="failed")] if stopped else []
    remarks = words.remarks(report)
    return element(
        "div",
        element("p", *counts, None if counts else "nothing ran", class_="totals"),
        _share(totals),
        _facts(report),
        _remarks(remarks, unfolded=bool(stopped)) if remarks else None,
        _targets(report),
    )


def _share(totals: Mapping[Status, int]) -> Markup:
    """The totals as one bar."""
    whole = sum(totals.values()) or 1
    pieces = []
    at = 0.0
    for status, number in totals.items():
        width = 1000 * number / whole
        if number:
            pieces.append(element("rect", x=round(at, 2), y=0, width=round(width, 2), height=6, class_=status))
        at += width
    return element("svg", *pieces, viewBox="0 0 1000 6", preserveAspectRatio="none", class_="share", aria_hidden="true")


def _facts(report: Report) -> Markup:
    run = report.run
    took = "" if report.seconds is None else f" in {report.seconds:,.2f} s"
    facts = {
        "answers": words.provenance(report.summary),
        **({"cost": cost} if (cost := words.cost(report.summary, report.run.get("prices"))) else {}),
        **({"other price": other} if (other := words.price_as(report)) else {}),
        "run": f"{run['id']}, {run['started'].replace('T', ' ')}"
        + (f", {cut}" if (cut := words.incomplete(report)) else ""),
        "asked": f"{amounts.count(report.summary.trials, 'trial')} in {amounts.count(len(report.summary.groups), 'group')}{took}",
        "with": f"gemini-harness {run['harness']}, Python {run['python']}, record mode {run['record_mode']}",
    }
    chosen = {name: value for name, value in run["selection"].items() if value}
    if chosen:
        facts["selection"] = words.value(chosen, 400)
    return element(
        "dl",
        *(part for name, text in facts.items() for part in (element("dt", name), element("dd", text))),
        class_="facts",
    )


def _remarks(remarks: Sequence[str], *, unfolded: bool) -> Markup:
    listed = element("ul", *(element("li", remark) for remark in remarks))
    unfolded = unfolded or len(remarks) <= 4
    return element(
        "details", element("summary", amounts.count(len(remarks), "note")), listed, open=unfolded, class_="notes"
    )


_MEASURED = ("totalTokenCount", "thoughtsTokenCount", "cost_usd", "cost_as_usd")
_TIMED = ("latency_s", "ttft_s")


def _targets(report: Report) -> Markup:
    totals = report.summary.totals()
    statuses: list[Status] = [status for status, number in totals.items() if number or status == "passed"]
    by_target = list(report.summary.by_target())
    every = list(report.summary.groups.values())
    measures = [measure for measure in (*_MEASURED, *_TIMED) if _target_value(every, measure) is not None]
    named = (words.label(measure) + (" median" if measure in _TIMED else "") for measure in measures)
    rows = [
        element("tr", element("th", target, scope="row"), *_tallied(groups, statuses, measures))
        for target, groups in by_target
    ]
    return table(
        "verdicts and measures of each target", [columns(["target", *statuses, *named], 1)], rows, class_="targets"
    )


def _tallied(groups: Sequence[Group], statuses: Sequence[Status], measures: Sequence[str]) -> Iterator[Markup]:
    for status in statuses:
        number = sum(group.status == status for group in groups)
        yield element("td", f"{number:,}" if number else "-", class_=f"n {status if number else 'none'}")
    for measure in measures:
        text = (
            words.cost_of(groups) if measure == "cost_usd" else words.measured(measure, _target_value(groups, measure))
        )
        yield element("td", text, class_="n")


def _target_value(groups: Sequence[Group], measure: str) -> float | None:
    if measure == "ttft_s":
        groups = [group for group in groups if group.streamed]
    return words.median_of(groups, measure) if measure in _TIMED else words.total_of(groups, measure)


# --- the matrix ---------------------------------------------------------------------------------------


def _matrix(report: Report, view: View, numbers: Numbers) -> Markup:
    by_suite = report.summary.by_suite()
    suites = [_suite(suite, groups, words.about(report, suite), view, numbers) for suite, groups in by_suite]
    shows = element(
        "label",
        element("input", type="checkbox", id="measures", checked=True),
        " measures (medians of the attempts)",
        element("small", "~ flaky, !n warnings; a cell opens its trials"),
        class_="tools",
    )
    return element("div", shows, *suites)


def _suite(suite: str, groups: Sequence[Group], about: str, view: View, numbers: Numbers) -> Markup:
    provider = layout.one_provider(groups)
    title = element("h3", suite, element("small", f" at {provider}") if provider else None)
    drawn = [part for grid in layout.grids(groups) for part in _grid(suite, grid, provider, view, numbers)]
    return element("div", title, element("p", about, class_="about") if about else None, *drawn, class_="suite")


def _grid(suite: str, grid: Grid, provider: str | None, view: View, numbers: Numbers) -> Iterator[Markup]:
    some = layout.first_cases(grid, max(1, CELLS // len(grid.columns)))
    rows = [_case(case, some, view, numbers) for case in some.cases]
    by = f" by {', '.join(grid.axes)}" if grid.axes else ""
    yield table(f"cases of {suite} on each target{by}", list(_head(grid, provider)), rows, class_="matrix")
    if some.left_out:
        yield element("p", f"{layout.rest_note(some)}: the list of trials has all of them", class_="about")


def _head(grid: Grid, provider: str | None) -> Iterator[Markup]:
    spans: dict[str, int] = {}
    for column in grid.columns:
        spans[column.target] = spans.get(column.target, 0) + 1
    names = [
        element(
            "th",
            target.removeprefix(f"{provider}/") if provider else target,
            colspan=span if span > 1 else None,
            scope="colgroup" if span > 1 else "col",
        )
        for target, span in spans.items()
    ]
    yield element("tr", element("th", "case", scope="col"), *names)
    for index, axis in enumerate(grid.axes):
        values = (element("th", column.axes[index][1], scope="col") for column in grid.columns)
        yield element("tr", element("th", axis, scope="row"), *values, class_="axis")


def _case(case: str, grid: Grid, view: View, numbers: Numbers) -> Markup:
    groups = grid.row(case)
    shown = layout.shown(view.measures, groups)
    labels = [element("small", words.label(measure)) for measure in shown]
    cells = [
        _cell(group, column, shown, numbers) if group else element("td", class_="hole")
        for column, group in zip(grid.columns, groups, strict=True)
    ]
    return element("tr", element("th", element("span", case, title=case), *labels, scope="row"), *cells)


def _cell(group: Group, column: Column, shown: Sequence[str], numbers: Numbers) -> Markup:
    values = [element("small", ", ".join(words.cell(group, measure)) or "-") for measure in shown]
    warned = f" !{group.tally.warnings}" if group.tally.warnings else ""
    about = f"{group.case}, {column.name}: {words.verdict(group)}" + (
        f"; {amounts.count(group.tally.warnings, 'warning')}" if warned else ""
    )
    flaky = " flaky" if group.flaky and group.status == "passed" else ""
    mark = words.verdict(group).removesuffix(" flaky") + ("~" if group.flaky else "") + warned
    button = element("button", mark, type="button", data_group=numbers[group.id], title=about, aria_label=about)
    return element("td", button, *values, class_=f"{group.status}{flaky}")


# --- plots --------------------------------------------------------------------------------------------


_FIRST = f"At most {plots.MAX_TARGETS} targets are drawn, the first ones; the matrix has all of them."


def _plots(summary: Summary) -> Iterator[Markup]:
    found = sweeps(summary, ["thinking"])
    for suite, series in plots.sweeps(summary):
        knees = [element("li", f"{sweep.target}: {sweep.knee.message}") for sweep in found if sweep.suite == suite]
        yield element(
            "div",
            element("h3", suite, element("small", " what thinking buys and costs")),
            element("p", _FIRST, class_="about") if len(series) == plots.MAX_TARGETS else None,
            plots.sweep(series),
            element("ul", *knees, class_="notes") if knees else None,
        )
    spread = [
        figure for measure in ("latency_s", "ttft_s") if (figure := plots.distribution(summary, measure)) is not None
    ]
    if spread:
        lost = f"Times were lost in {amounts.count(summary.lost_timing, 'recording')}; those are left out."
        yield element(
            "div",
            element("h3", "how long answers take"),
            element("p", lost, class_="about") if summary.lost_timing else None,
            *(element("div", figure, class_="wide") for figure in spread),
        )


# --- what failed --------------------------------------------------------------------------------------


def _failures(wrong: Sequence[Group], numbers: Numbers, run: RunRow) -> Markup:
    listed = [_failure(group, numbers[group.id], run) for group in wrong[:LISTED]]
    more = len(wrong) - LISTED
    rest = element("p", f"and {more:,} more: the list of trials has all of them", class_="about") if more > 0 else None
    folded = element("summary", f"{len(wrong) - OPEN:,} more")
    return element(
        "div",
        element("ol", *listed[:OPEN], class_="failures"),
        element("details", folded, element("ol", *listed[OPEN:], class_="failures"), rest) if listed[OPEN:] else None,
    )


def _failure(group: Group, number: int, run: RunRow) -> Markup:
    needs = words.needs(group)
    head = element(
        "p",
        element("b", words.MARKS[group.status], class_=f"mark {group.status}"),
        element("button", group.id, type="button", data_group=number, class_="link"),
        element("small", needs) if needs else None,
        element("small", words.place(words.where(group))),
    )
    again = element("code", words.rerun(group, run), class_="again")
    return element("li", head, element("div", *_why(group), class_="why"), again)


def _why(group: Group) -> Iterator[Markup]:
    row = group.trouble.verdict if group.trouble else None
    if row is None or group.status == "xpassed" or words.only_modes_disagree(group):
        yield element("p", words.why(group))
        return
    yield from mismatch(row)
    if group.trouble and group.trouble.more:
        yield element("small", f"and {group.trouble.more:,} more of the same attempt")
    if apart := words.disagreement(group):
        yield element("p", apart)


def mismatch(row: VerdictRow) -> Iterator[Markup]:
    """The message of a failed check, with its expected and actual value."""
    message, expected, actual = words.expected_and_actual(row, 600)
    at = f" {row.at}" if row.at and row.at != row.check else ""
    yield element("p", element("b", f"{row.check}{at}"), f" {message}" if message else None)
    if expected or actual:
        sides = (("expected", expected), ("actual", actual))
        listed = (part for name, text in sides for part in (element("dt", name), element("dd", text)))
        yield element("dl", *listed, class_="sides")
