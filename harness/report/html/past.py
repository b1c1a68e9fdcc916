"""What runs said over time: a line per measure, and the table under it, for each suite and target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

from harness.report import words
from harness.report.content.history import PAST, subject
from harness.report.html.markup import Markup, element, table
from harness.report.html.overview import section, simulated
from harness.results.history_lines import History, HistoryEntry, Line
from harness.text import amounts

DRAWN: tuple[tuple[str, Callable[[HistoryEntry], float | None]], ...] = (
    ("pass_rate", lambda entry: entry.passed / entry.total if entry.total else None),
    ("totalTokenCount", lambda entry: entry.tokens),
    ("latency_s", lambda entry: entry.latency_s),
    ("cost_usd", lambda entry: entry.cost_usd),
)
"""The measures that are drawn; of 0 to 100% the first, from 0 the others."""
OPEN = 10
"""Runs in the table that are shown at once, the latest."""
WIDE, HIGH, EDGE = 220, 44, 4
"""Of a drawing, in pixels."""


def sections(document: History, home: str | None) -> Iterator[Markup]:
    """``home``: where the list of runs is, if the page is served: the runs lead there."""
    lines = document.lines
    if any(line.entry.simulated for line in lines):
        real = any(line.entry.sources and not line.entry.simulated for line in lines)
        yield simulated("Some of these answers were" if real else "These answers were")
    notes = [f"{amounts.count(document.earlier, 'earlier run')} left out"] if document.earlier else []
    if said := [*notes, *document.notes]:
        yield section("notes", element("ul", *(element("li", each) for each in said), class_="notes"))
    subjects = [_subject(each, home) for each in document.by_subject().values()]
    yield section("history", *(subjects or [element("p", "no saved run has anything to tell", class_="about")]))


def _subject(lines: Sequence[Line], home: str | None) -> Markup:
    several = len(lines) > 1
    drawn = [
        figure for measure, of in DRAWN if several and (figure := _drawn(measure, [of(line.entry) for line in lines]))
    ]
    return element(
        "div",
        element("h3", subject(lines)),
        element("div", *drawn, class_="plots") if drawn else None,
        *_tables(list(reversed(lines)), home),
        class_="suite",
    )


def _drawn(measure: str, values: Sequence[float | None]) -> Markup | None:
    """One measure over the runs, oldest left; a gap where it is not known. None where nobody measured it."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    top = 1.0 if measure == "pass_rate" else max(known) or 1.0
    step = (WIDE - 2 * EDGE) / max(len(values) - 1, 1)
    spots = [
        None if value is None else (EDGE + place * step, EDGE + (HIGH - 2 * EDGE) * (1 - value / top))
        for place, value in enumerate(values)
    ]
    low, high, last = (words.measured(measure, each) for each in (min(known), max(known), known[-1]))
    name = words.label(measure)
    said = f"{name}: {last} last; {low} to {high} in {amounts.count(len(known), 'run')}"
    base = element("line", x1=EDGE, x2=WIDE - EDGE, y1=HIGH - EDGE, y2=HIGH - EDGE, class_="grid")
    picture = element(
        "svg", base, element("g", *_line(spots), class_="series"),
        viewBox=f"0 0 {WIDE} {HIGH}", width=WIDE, height=HIGH, role="img", aria_label=said,
    )  # fmt: skip
    caption = element("figcaption", f"{name} ", element("b", last), "" if low == high else f", {low} to {high}")
    return element("figure", picture, caption)


def _line(spots: Sequence[tuple[float, float] | None]) -> Iterator[Markup]:
    """The stretches between gaps, and a dot at the latest value that is known."""
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
    """The latest runs, and the others when they are asked for; columns that say nothing are left out."""
    shown = [name for name, show in PAST.items() if name == "run" or any(show(line) not in ("", "-") for line in lines)]
    yield _table(lines[:OPEN], shown, home)
    if rest := lines[OPEN:]:
        yield element("details", element("summary", f"{len(rest):,} before them"), _table(rest, shown, home))


def _table(lines: Sequence[Line], columns: Sequence[str], home: str | None) -> Markup:
    texts = ("run", "change")
    head = (element("th", name, class_=None if name in texts else "n", scope="col") for name in columns)
    rows = (element("tr", *(_cell(line, name, home) for name in columns)) for line in lines)
    return table(f"runs of {subject(lines)}", [element("tr", *head)], rows, class_="past")


def _cell(line: Line, name: str, home: str | None) -> Markup:
    if name == "run":
        return element("th", _run(line, home), scope="row")
    return element("td", PAST[name](line), class_=None if name == "change" else "n")


def _run(line: Line, home: str | None) -> Markup:
    name = element("code", line.entry.run)
    return element("a", name, href=f"{home}run/{quote(line.entry.run)}") if home else name
