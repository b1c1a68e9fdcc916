"""Plots as SVG: pass rate and latency by thought tokens, and how long answers take. Series differ by shape, not by colour only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from harness.report import words
from harness.report.html.markup import Markup, columns, element, table
from harness.results.groups import Group
from harness.results.summary import Summary
from harness.suite.axes import short_label

WIDTH, HEIGHT = 600, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 18, 16, 40
SERIES = 6
"""How many colours and shapes there are before they repeat."""
MAX_TARGETS = 24
"""The most targets in a plot."""
MAX_DOTS = 300
"""The most dots in a row of a distribution."""


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One thinking value of one target, over all cases that sweep it: medians, and attempts that passed."""

    name: str
    thoughts: float
    passed: int
    attempts: int
    latency: float | None

    @property
    def rate(self) -> float:
        return self.passed / self.attempts


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """Maps values from ``low`` to ``high`` to pixels from ``start`` to ``end``. Ticks are round numbers."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, value = map(math.log10, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = (1, 2, 5) if last - first < 4 else (1,)
            every = [_short(step * 10.0**power) for power in range(first, last + 1) for step in steps]
            return [tick for tick in every if self.low <= tick <= self.high]
        step = _step(self.high - self.low)
        return [_short(step * n) for n in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def _step(span: float) -> float:
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if span / (power * factor) <= 5)


def _short(value: float) -> float:
    """The value with nine significant digits: the others are rounding errors."""
    return float(f"{value:.9g}")


def _up_to(highest: float, start: float, end: float) -> PlotAxis:
    """An axis from 0 to a little more than the highest value."""
    return PlotAxis(0, highest * 1.08 or 1, start, end)


# --- sweeps -------------------------------------------------------------------------------------------


def sweeps(summary: Summary) -> Iterator[tuple[str, dict[str, list[PlotPoint]]]]:
    """(suite, points by target) for targets with two thinking values or more, and with thought tokens."""
    for suite, groups in summary.by_suite():
        found: dict[str, dict[str, list[Group]]] = {}
        for group in groups:
            if "thinking" in group.axes and group.measured("thoughtsTokenCount").size:
                name = short_label("thinking", group.axes["thinking"])
                found.setdefault(group.target, {}).setdefault(name, []).append(group)
        series = {target: [_point(*item) for item in by_value.items()] for target, by_value in found.items()}
        if series := {target: points for target, points in list(series.items())[:MAX_TARGETS] if len(points) > 1}:
            yield suite, series


def _point(name: str, groups: Sequence[Group]) -> PlotPoint:
    return PlotPoint(
        name,
        words.median_of(groups, "thoughtsTokenCount") or 0.0,
        sum(group.passed for group in groups),
        sum(group.attempts for group in groups),
        words.median_of(groups, "latency_s"),
    )


def sweep(series: dict[str, list[PlotPoint]]) -> Markup:
    """Two plots over thought tokens, pass rate and latency, with the same colours and shapes, and the numbers below."""
    timed = any(point.latency is not None for points in series.values() for point in points)
    plots = [_plot(series, "pass rate", lambda point: point.rate, top=1.0)]
    if timed:
        plots.append(_plot(series, "latency s", lambda point: point.latency))
    return element("div", element("div", *plots, class_="plots"), _legend(list(series)), _numbers(series))


Value = Callable[[PlotPoint], float | None]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom of an area that labels must not cover."""


def _plot(series: dict[str, list[PlotPoint]], label: str, value: Value, top: float | None = None) -> Markup:
    points = [point for line in series.values() for point in line]
    across = _up_to(max(point.thoughts for point in points), LEFT, WIDTH - RIGHT)
    highest = top or max(value(point) or 0 for point in points)
    up = PlotAxis(0, highest * 1.08 or 1, HEIGHT - BOTTOM, TOP)
    frame = [
        *_across(across, HEIGHT - BOTTOM, "median thought tokens"),
        *_up(up, label, "pass_rate" if top else "latency_s"),
    ]
    at = {target: _placed(points, across, up, value) for target, points in series.items()}
    taken = [(x - 5, y - 5, x + 5, y + 5) for placed in at.values() for x, y, _ in placed]
    lines = [_line(number, target, placed, taken) for number, (target, placed) in enumerate(at.items())]
    title = f"{label} by thought tokens"
    return _svg(title, WIDTH, HEIGHT, *frame, *lines, description=f"{title}; the numbers are below")


def _placed(
    points: Sequence[PlotPoint], across: PlotAxis, up: PlotAxis, value: Value
) -> list[tuple[float, float, PlotPoint]]:
    known = ((across.at(point.thoughts), up.at(y), point) for point in points if (y := value(point)) is not None)
    return sorted(known, key=lambda point: point[0])


def _line(number: int, target: str, points: Sequence[tuple[float, float, PlotPoint]], taken: list[Box]) -> Markup:
    marks = [
        element(
            "g", element("title", _point_text(target, point)), _shape(number, x, y), _label(x, y, point.name, taken)
        )
        for x, y, point in points
    ]
    path = element("polyline", points=" ".join(f"{x},{y}" for x, y, _ in points))
    return element("g", path, *marks, class_=f"series s{number % SERIES}")


def _label(x: float, y: float, text: str, taken: list[Box]) -> Markup | None:
    """The text beside the point where there is room, noted in ``taken``; none where there is not (it is in the numbers)."""
    wide = 6.4 * words.width(text)
    for left, base in ((x - wide / 2, y - 9), (x - wide / 2, y + 18), (x + 9, y + 4), (x - 9 - wide, y + 4)):
        box = (left, base - 9, left + wide, base + 2)
        inside = left > LEFT and left + wide < WIDTH and base > 9 and base < HEIGHT - BOTTOM
        if inside and not any(_overlap(box, placed) for placed in taken):
            taken.append(box)
            return element("text", text, x=round(left, 1), y=base, class_="value")
    return None


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _point_text(target: str, point: PlotPoint) -> str:
    latency = f", {words.measured('latency_s', point.latency)} s" if point.latency is not None else ""
    passed = f"{point.passed}/{point.attempts} passed"
    return f"{target} {point.name}: {passed}, {words.measured('thoughtsTokenCount', point.thoughts)} thoughts{latency}"


def _shape(number: int, x: float, y: float) -> Markup:
    size = 4.5
    corners = {
        1: ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        2: ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        3: ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        4: ((0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
        5: ((-1.2, -0.4), (1.2, -0.4), (1.2, 0.4), (-1.2, 0.4)),
    }.get(number % SERIES)
    if corners is None:
        return element("circle", cx=x, cy=y, r=size, class_="dot")
    path = " ".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners)
    return element("path", d=f"M{path.replace(' ', 'L')}Z", class_="dot")


def _legend(targets: Sequence[str]) -> Markup:
    entries = [
        element(
            "li",
            element(
                "svg",
                _shape(number, 8, 8),
                width=16,
                height=16,
                class_=f"series s{number % SERIES}",
                aria_hidden="true",
            ),
            target,
        )
        for number, target in enumerate(targets)
    ]
    return element("ul", *entries, class_="legend")


def _numbers(series: dict[str, list[PlotPoint]]) -> Markup:
    names = ("target", "thinking", "passed", "thoughts", "latency s")
    rows = [
        element(
            "tr",
            element("th", target, scope="row"),
            element("td", point.name),
            element("td", f"{point.passed}/{point.attempts}", class_="n"),
            element("td", words.measured("thoughtsTokenCount", point.thoughts), class_="n"),
            element("td", words.measured("latency_s", point.latency), class_="n"),
        )
        for target, points in series.items()
        for point in points
    ]
    return element(
        "details", element("summary", "the numbers"), table("what the plots show", [columns(names, 2)], rows)
    )


# --- distributions ------------------------------------------------------------------------------------

ROW = 34
NAMES = 14
"""Pixels above a row for its name."""


def distribution(summary: Summary, measure: str) -> Markup | None:
    """A row for each target: values as dots, the interquartile range as a bar, the median as a line. None without values."""
    found = {target: _values(groups, measure) for target, groups in list(summary.by_target())[:MAX_TARGETS]}
    rows = {target: sorted(values) for target, values in found.items() if values}
    if not rows:
        return None
    low, high = min(values[0] for values in rows.values()), max(values[-1] for values in rows.values())
    log = low > 0 and high / low > 20
    width = 2 * WIDTH - 200
    across = PlotAxis(low * 0.9, high * 1.1, 8, width - 8, log=True) if log else _up_to(high, 8, width - 8)
    bottom = len(rows) * (ROW + NAMES) + TOP
    label = words.label(measure).removesuffix(" s") + " in seconds" + (" (logarithmic)" if log else "")
    return _svg(
        f"{label}, by target",
        width,
        bottom + BOTTOM,
        *_across(across, bottom, label, top=TOP),
        *(_strip(number, row, across) for number, row in enumerate(rows.items())),
        description=f"{label}, by target: {'; '.join(f'{target} {_spread(values)}' for target, values in rows.items())}",
    )


def _values(groups: Sequence[Group], measure: str) -> list[float]:
    return [value for group in groups for value in group.values(measure)]


def _strip(number: int, row: tuple[str, list[float]], across: PlotAxis) -> Markup:
    target, values = row
    top = TOP + number * (ROW + NAMES) + NAMES
    middle = top + ROW / 2 - 4
    first, half, last = (across.at(value) for value in (quantile(values, 0.25), median(values), quantile(values, 0.75)))
    shown = (
        values if len(values) <= MAX_DOTS else [values[index * len(values) // MAX_DOTS] for index in range(MAX_DOTS)]
    )
    return element(
        "g",
        element("text", target, x=across.start, y=top - 2, class_="name"),
        element("text", _spread(values), x=across.end, y=top - 2, text_anchor="end", class_="value"),
        element("rect", x=first, y=middle - 8, width=max(last - first, 1), height=16, rx=2, class_="half"),
        *(
            element("circle", cx=across.at(value), cy=middle + _jitter(n), r=2.5, class_="speck")
            for n, value in enumerate(shown)
        ),
        element("line", x1=half, x2=half, y1=middle - 10, y2=middle + 10, class_="median"),
        class_=f"series s{number % SERIES}",
    )


def _jitter(number: int) -> float:
    """A vertical offset for a dot, in pixels; the same at every run."""
    return round((number * 0.618034 % 1 - 0.5) * 12, 1)


def _spread(values: Sequence[float]) -> str:
    tail = f", p95 {words.measured('latency_s', quantile(values, 0.95))}" if len(values) >= 20 else ""
    text = f"median {words.measured('latency_s', median(values))}{tail}, most {words.measured('latency_s', values[-1])}"
    return f"{text} (n {len(values):,})"


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile by nearest rank, which is always a measured value. ``share``: 0 to 1."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


# --- frames -------------------------------------------------------------------------------------------


def _svg(title: str, width: float, height: float, *inside: str, description: str) -> Markup:
    """``description``: what the picture shows, for screen readers."""
    picture = element(
        "svg",
        *inside,
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=description,
    )
    return element("figure", element("figcaption", title), picture)


def _across(axis: PlotAxis, bottom: float, label: str, top: float = TOP) -> Iterator[Markup]:
    for tick in axis.ticks():
        x = axis.at(tick)
        yield element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
        yield element("text", f"{tick:,g}", x=x, y=bottom + 15, text_anchor="middle", class_="tick")
    yield element("line", x1=axis.start, x2=axis.end, y1=bottom, y2=bottom, class_="axis")
    yield element("text", label, x=(axis.start + axis.end) / 2, y=bottom + 33, text_anchor="middle", class_="label")


def _up(axis: PlotAxis, label: str, measure: str) -> Iterator[Markup]:
    for tick in axis.ticks():
        y = axis.at(tick)
        text = words.measured(measure, tick) if measure == "pass_rate" else f"{tick:g}"
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
        yield element("text", text, x=LEFT - 6, y=y + 4, text_anchor="end", class_="tick")
    middle = (axis.start + axis.end) / 2
    yield element(
        "text", label, x=12, y=middle, transform=f"rotate(-90 12 {middle:g})", text_anchor="middle", class_="label"
    )
