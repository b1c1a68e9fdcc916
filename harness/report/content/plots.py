"""What thinking buys and costs in a run, drawn, and how long answers take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil

from msgspec import Struct

from harness.compare.sweeps import sweeps
from harness.report import words
from harness.report.blocks import (
    Block,
    Bullets,
    Chart,
    ChartPoint,
    Details,
    Heading,
    Paragraph,
    Pictures,
    Table,
)
from harness.results.groups import Group, median_of, values_of
from harness.results.summary import Summary
from harness.suite.axes import short_label
from harness.text.amounts import count

MAX_TARGETS = 24
"""The most targets in a picture."""
_FIRST = f"At most {MAX_TARGETS} targets are drawn, the first ones; the matrix has all of them."


class ThinkingPoint(Struct, frozen=True):
    """One thinking value of one target, over all cases that sweep it: medians, and attempts that passed."""

    name: str
    thoughts: float
    passed: int
    attempts: int
    latency: float | None

    @property
    def rate(self) -> float:
        return self.passed / self.attempts


Series = Mapping[str, Sequence[ThinkingPoint]]
"""Target -> its points."""


def plots(summary: Summary) -> Iterator[Block]:
    """A part of the page for each suite that sweeps thinking, and one for times; nothing where there is nothing to draw."""
    blocks = [*_sweeps(summary), *_times(summary)]
    if blocks:
        yield Heading("plots")
        yield from blocks


def _sweeps(summary: Summary) -> Iterator[Block]:
    found = sweeps(summary, ["thinking"])
    for suite, series in thinking_series(summary):
        yield Heading(f"{suite}: what thinking buys and costs", level=3)
        if len(series) == MAX_TARGETS:
            yield Paragraph([_FIRST])
        yield Pictures(list(_charts(series)))
        yield Details(["the numbers"], [_numbers(series)])
        yield Bullets([[f"{sweep.target}: {sweep.knee.message}"] for sweep in found if sweep.suite == suite])


def thinking_series(summary: Summary) -> Iterator[tuple[str, Series]]:
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


def _point(name: str, groups: Sequence[Group]) -> ThinkingPoint:
    return ThinkingPoint(
        name,
        median_of(groups, "thoughtsTokenCount") or 0.0,
        sum(group.passed for group in groups),
        sum(group.attempts for group in groups),
        median_of(groups, "latency_s"),
    )


def _charts(series: Series) -> Iterator[Chart]:
    yield _chart("pass_rate", series, lambda point: point.rate, top=1.0)
    if any(point.latency is not None for points in series.values() for point in points):
        yield _chart("latency_s", series, lambda point: point.latency)


def _chart(
    measure: str, series: Series, of: Callable[[ThinkingPoint], float | None], top: float | None = None
) -> Chart:
    drawn = {
        target: [ChartPoint(at.thoughts, y, at.name, _about(target, at)) for at in points if (y := of(at)) is not None]
        for target, points in series.items()
    }
    return Chart(f"{words.label(measure)} by thought tokens", "median thought tokens", measure, drawn, top)


def _about(target: str, point: ThinkingPoint) -> str:
    latency = f", {words.measured('latency_s', point.latency)} s" if point.latency is not None else ""
    thoughts = words.measured("thoughtsTokenCount", point.thoughts)
    return f"{target} {point.name}: {point.passed}/{point.attempts} passed, {thoughts} thoughts{latency}"


def _numbers(series: Series) -> Table:
    rows = [
        [
            target,
            point.name,
            f"{point.passed}/{point.attempts}",
            words.measured("thoughtsTokenCount", point.thoughts),
            words.measured("latency_s", point.latency),
        ]
        for target, points in series.items()
        for point in points
    ]
    return Table(["target", "thinking", "passed", "thoughts", "latency s"], rows, "what the plots show", frozenset({1}))


def _times(summary: Summary) -> Iterator[Block]:
    tables = [table for measure in ("latency_s", "ttft_s") if (table := _spread(summary, measure)).rows]
    if tables:
        yield Heading("how long answers take", level=3)
        if summary.lost_timing:
            yield Paragraph([f"Times were lost in {count(summary.lost_timing, 'recording')}; those are left out."])
        yield from tables


def _spread(summary: Summary, measure: str) -> Table:
    """How a time is spread over the attempts of each target."""
    header = [words.label(measure), "least", "25%", "median", "75%", "95%", "most", "attempts"]
    shares = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
    found = {target: sorted(values_of(groups, measure)) for target, groups in summary.by_target()}
    rows = [
        [target, *(words.measured(measure, quantile(values, share)) for share in shares), f"{len(values):,}"]
        for target, values in found.items()
        if values
    ]
    return Table(header, rows, f"{words.label(measure)} of each target")


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile by nearest rank, which is always a measured value. ``share``: 0 to 1."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
