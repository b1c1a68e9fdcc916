"""Pictures as SVG. Colours are CSS classes; targets also differ in the shape of their marks, not by colour only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.report import words
from harness.report.blocks import Chart, ChartPoint, Pictures
from harness.report.html.markup import Markup, element

WIDTH, HEIGHT = 600, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 18, 16, 40
SERIES = 6
"""How many colours and shapes there are before they repeat."""


def pictures(block: Pictures) -> Markup:
    """The charts side by side, with their legend."""
    drawn = element("div", *map(_chart, block.charts), class_="plots")
    return element("div", drawn, _legend(list(block.charts[0].series)))


class PlotAxis:
    """Maps values from 0 to a little more than the highest one to pixels from ``start`` to ``end``. Ticks are round numbers."""

    def __init__(self, highest: float, start: float, end: float) -> None:
        self.high, self.start, self.end = highest * 1.08 or 1, start, end

    def at(self, value: float) -> float:
        return round(self.start + value / self.high * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        power = 10.0 ** math.floor(math.log10(self.high / 4))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if self.high / (power * factor) <= 5)
        numbers = range(math.floor(self.high / step + 1e-9) + 1)
        return [float(f"{step * number:.9g}") for number in numbers]  # the other digits are rounding errors


# --- charts -------------------------------------------------------------------------------------------


Box = tuple[float, float, float, float]
"""Left, top, right, bottom of an area that labels must not cover."""
Spot = tuple[float, float, ChartPoint]
"""A point with its place in pixels."""


def _chart(chart: Chart) -> Markup:
    points = [point for line in chart.series.values() for point in line]
    across = PlotAxis(max((point.x for point in points), default=0), LEFT, WIDTH - RIGHT)
    up = PlotAxis(chart.top or max((point.y for point in points), default=0), HEIGHT - BOTTOM, TOP)
    spots = [
        sorted(((across.at(point.x), up.at(point.y), point) for point in line), key=lambda spot: spot[0])
        for line in chart.series.values()
    ]
    taken = [(x - 5, y - 5, x + 5, y + 5) for line in spots for x, y, _ in line]
    inside = [
        *_across(across, chart.across),
        *_up(up, chart.measure),
        *(_line(number, line, taken) for number, line in enumerate(spots)),
    ]
    about = f"{chart.title}; the numbers are below"
    box = f"0 0 {WIDTH} {HEIGHT}"
    picture = element("svg", *inside, width=WIDTH, height=HEIGHT, viewBox=box, role="img", aria_label=about)
    return element("figure", element("figcaption", chart.title), picture)


def _line(number: int, spots: Sequence[Spot], taken: list[Box]) -> Markup:
    marks = [
        element("g", element("title", point.about), _shape(number, x, y), _label(x, y, point.name, taken))
        for x, y, point in spots
    ]
    path = element("polyline", points=" ".join(f"{x},{y}" for x, y, _ in spots))
    return element("g", path, *marks, class_=f"series s{number % SERIES}")


def _label(x: float, y: float, text: str, taken: list[Box]) -> Markup | None:
    """The text beside the point where there is room, noted in ``taken``; none where there is not (it is in the numbers)."""
    wide = 6.4 * words.width(text)
    lefts = (x - wide / 2, x + 5, x - 5 - wide)
    away = [(left, base) for left in lefts for base in (y - 9, y + 18)]  # beside the line, not on it
    for left, base in (*away, (x + 9, y + 4), (x - 9 - wide, y + 4)):
        box = (left, base - 9, left + wide, base + 2)
        inside = left > LEFT and left + wide < WIDTH and base > 9 and base < HEIGHT - BOTTOM
        if inside and not any(_overlap(box, placed) for placed in taken):
            taken.append(box)
            return element("text", text, x=round(left, 1), y=base, class_="value")
    return None


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


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


# --- frames -------------------------------------------------------------------------------------------


def _across(axis: PlotAxis, label: str) -> Iterator[Markup]:
    bottom = HEIGHT - BOTTOM
    for tick in axis.ticks():
        x = axis.at(tick)
        yield element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="grid")
        yield element("text", f"{tick:,g}", x=x, y=bottom + 15, text_anchor="middle", class_="tick")
    yield element("line", x1=axis.start, x2=axis.end, y1=bottom, y2=bottom, class_="axis")
    yield element("text", label, x=(axis.start + axis.end) / 2, y=bottom + 33, text_anchor="middle", class_="label")


def _up(axis: PlotAxis, measure: str) -> Iterator[Markup]:
    for tick in axis.ticks():
        y = axis.at(tick)
        text = words.measured(measure, tick) if measure == "pass_rate" else f"{tick:g}"
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
        yield element("text", text, x=LEFT - 6, y=y + 4, text_anchor="end", class_="tick")
    middle = (axis.start + axis.end) / 2
    yield element(
        "text",
        words.label(measure),
        x=12,
        y=middle,
        transform=f"rotate(-90 12 {middle:g})",
        text_anchor="middle",
        class_="label",
    )
