"""What thinking buys and costs in a run, drawn, and how long answers take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from operator import attrgetter

from harness.compare.sweeps import Sweep, SweepPoint, sweeps
from harness.report import words
from harness.report.blocks import Block, Bullets, Chart, ChartPoint, Details, Heading, Paragraph, Pictures, Table
from harness.report.content.sweep import table
from harness.results.groups import values_of
from harness.results.summary import Summary
from harness.text.amounts import count
from harness.text.grouping import grouped

MAX_TARGETS = 24
"""The most targets in a picture."""
_FIRST = f"At most {MAX_TARGETS} targets are drawn, the first ones; the matrix has all of them."


def plots(summary: Summary) -> Iterator[Block]:
    """A part of the page for each suite that sweeps thinking, and one for times; nothing where there is nothing to draw."""
    blocks = [*_sweeps(summary), *_times(summary)]
    if blocks:
        yield Heading("plots")
        yield from blocks


def _sweeps(summary: Summary) -> Iterator[Block]:
    """The charts of the sweeps of thinking, suite by suite, and their numbers as ``sweep`` shows them."""
    drawn = sweeps(summary, ["thinking"], least=2)
    found = [one for one in drawn if one.suite and _has(one, "thoughtsTokenCount")]
    for suite, alike in grouped(found, attrgetter("suite")).items():
        shown = _named(alike[:MAX_TARGETS])
        yield Heading(f"{suite}: what thinking buys and costs", level=3)
        if len(shown) < len(alike):
            yield Paragraph([_FIRST])
        charts = [_chart("pass_rate", shown, attrgetter("rate"), top=1.0)]
        if all(_has(one, "latency_s") for one in shown.values()):
            charts.append(_chart("latency_s", shown, lambda point: point.numbers["latency_s"]))
        yield Pictures(charts)
        numbers = [block for name, one in shown.items() for block in (Heading(name, level=3), table(one))]
        yield Details(["the numbers"], numbers)
        yield Bullets([[f"{name}: {one.knee.message}"] for name, one in shown.items()])


def _named(found: Sequence[Sweep]) -> dict[str, Sweep]:
    """The sweeps by target; with its values where a target has several sweeps, since its cases sweep different ones."""
    times = Counter(one.target for one in found)
    return {
        one.target if times[one.target] == 1 else f"{one.target}: {', '.join(point.name for point in one.points)}": one
        for one in found
    }


def _has(sweep: Sweep, measure: str) -> bool:
    return all(measure in point.numbers for point in sweep.points)


def _chart(
    measure: str, shown: Mapping[str, Sweep], of: Callable[[SweepPoint], float], top: float | None = None
) -> Chart:
    series = {name: [_point(one.target, point, of(point)) for point in one.points] for name, one in shown.items()}
    return Chart(f"{words.label(measure)} by thought tokens", "mean thought tokens", measure, series, top)


def _point(target: str, point: SweepPoint, value: float) -> ChartPoint:
    thoughts = point.numbers["thoughtsTokenCount"]
    passed = f"{point.passed}/{point.attempts} passed"
    about = f"{target} {point.name}: {passed}, {words.measured('thoughtsTokenCount', thoughts)} thoughts"
    return ChartPoint(thoughts, value, point.name, about)


def _times(summary: Summary) -> Iterator[Block]:
    tables = [table for measure in ("latency_s", "ttft_s") if (table := _spread(summary, measure)).rows]
    if tables:
        yield Heading("how long answers take", level=3)
        if summary.lost_timing:
            yield Paragraph([f"Times were lost in {count(summary.lost_timing, 'recording')}; those are left out."])
        yield from tables


def _spread(summary: Summary, measure: str) -> Table:
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
