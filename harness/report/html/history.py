"""The page of a history: for each suite and target a chart per measure, and a table below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

from harness.report import words
from harness.report.content.history import HISTORY_COLUMNS, columns, subject
from harness.report.html.markup import Markup, element, table
from harness.report.html.run_sections import section, simulated_band
from harness.results.history_lines import History, HistoryEntry, Line
from harness.text import amounts

CHARTS: tuple[tuple[str, Callable[[HistoryEntry], float | None]], ...] = (
    ("pass_rate", lambda entry: entry.passed / entry.total if entry.total else None),
    ("totalTokenCount", lambda entry: entry.tokens),
    ("latency_s", lambda entry: entry.latency_s),
    ("cost_usd", lambda entry: entry.cost_usd),
)
"""The measures with a chart. The scale of the first is 0 to 100%; the others start at 0."""
OPEN = 10
"""How many runs are shown in the table, the latest; earlier ones are folded."""
WIDE, HIGH, EDGE = 220, 44, 4
"""Width, height and margin of a chart, in pixels."""


def sections(document: History, home: str | None) -> Iterator[Markup]:
    """``home``: the address of the list of runs, if the page is served; then runs are links."""
    lines = document.lines
    if any(line.entry.simulated for line in lines):
        real = any(line.entry.sources and not line.entry.simulated for line in lines)
        yield simulated_band("Some of these answers were" if real else "These answers were")
    notes = [f"{amounts.count(document.earlier, 'earlier run')} left out"] if document.earlier else []
    if all_notes := [*notes, *document.notes]:
        yield section("notes", element("ul", *(element("li", note) for note in all_notes), class_="notes"))
    subjects = [_subject(lines, home) for lines in document.by_subject().values()]
    yield section("history", *(subjects or [element("p", "no saved run has results yet", class_="about")]))


def _subject(lines: Sequence[Line], home: str | None) -> Markup:
    several = len(lines) > 1
    drawn = [
        figure for measure, of in CHARTS if several and (figure := _chart(measure, [of(line.entry) for line in lines]))
    ]
    return element(
        "div",
        element("h3", subject(lines)),
        element("div", *drawn, class_="plots") if drawn else None,
        *_tables(list(reversed(lines)), home),
        class_="suite",
    )


def _chart(measure: str, values: Sequence[float | None]) -> Markup | None:
    """One measure over the runs, the oldest at the left; a gap where it is not known. None if no run has it."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    top = 1.0 if measure == "pass_rate" else max(known) or 1.0
    step = (WIDE - 2 * EDGE) / max(len(values) - 1, 1)
    spots = [
        None if value is None else (EDGE + place * step, EDGE + (HIGH - 2 * EDGE) * (1 - value / top))
        for place, value in enumerate(values)
    ]
    low, high, last = (words.measured(measure, value) for value in (min(known), max(known), known[-1]))
    name = words.label(measure)
    description = f"{name}: {last} last; {low} to {high} in {amounts.count(len(known), 'run')}"
    base = element("line", x1=EDGE, x2=WIDE - EDGE, y1=HIGH - EDGE, y2=HIGH - EDGE, class_="grid")
    picture = element(
        "svg", base, element("g", *_line(spots), class_="series"),
        viewBox=f"0 0 {WIDE} {HIGH}", width=WIDE, height=HIGH, role="img", aria_label=description,
    )  # fmt: skip
    caption = element("figcaption", f"{name} ", element("b", last), "" if low == high else f", {low} to {high}")
    return element("figure", picture, caption)


def _line(spots: Sequence[tuple[float, float] | None]) -> Iterator[Markup]:
    """The line, interrupted at gaps, and a dot at the latest known value."""
    stretch: list[tuple[float, float]] = []
    for spot in (*spots, None):
        if spot is not None:
            stretch.append(spot)
            continue
        if len(stretch) > 1:
            yield element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in stretch))
        elif stretch:
            yield _dot(stretch[0], 1.5)
        stretch = []
    yield _dot([spot for spot in spots if spot is not None][-1], 3)


def _dot(spot: tuple[float, float], radius: float) -> Markup:
    return element("circle", cx=f"{spot[0]:.1f}", cy=f"{spot[1]:.1f}", r=radius, class_="dot")


def _tables(lines: Sequence[Line], home: str | None) -> Iterator[Markup]:
    """The latest runs, and the earlier ones folded. Empty columns are left out."""
    shown = list(columns(lines))
    yield _table(lines[:OPEN], shown, home)
    if rest := lines[OPEN:]:
        yield element("details", element("summary", f"{len(rest):,} before them"), _table(rest, shown, home))


def _table(lines: Sequence[Line], names: Sequence[str], home: str | None) -> Markup:
    texts = ("run", "change")
    head = (element("th", name, class_=None if name in texts else "n", scope="col") for name in names)
    rows = (element("tr", *(_cell(line, name, home) for name in names)) for line in lines)
    return table(f"runs of {subject(lines)}", [element("tr", *head)], rows, class_="runs-over-time")


def _cell(line: Line, name: str, home: str | None) -> Markup:
    if name == "run":
        return element("th", _run(line, home), scope="row")
    return element("td", HISTORY_COLUMNS[name](line), class_=None if name == "change" else "n")


def _run(line: Line, home: str | None) -> Markup:
    name = element("code", line.entry.run)
    return element("a", name, href=f"{home}run/{quote(line.entry.run)}") if home else name
