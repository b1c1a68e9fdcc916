"""Sweeps: a title, and a row per value with its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.sweeps import Sweep, SweepPoint


SWEEP_NOTE = (
    "Means over the cells that were judged at every value, each with the median of its attempts. beaten: another value is "
    "as good at a lower price, or better at no higher price. The knee is the cheapest value that is surely not worse than the "
    "best, if every cheaper value is surely worse."
)


def sweep_title(sweep: Sweep) -> str:
    """``thinking on google/gemini-3-flash-preview: trains, 24 cells of 12 cases``."""
    of = f" of {amounts.count(sweep.cases, 'case')}" if sweep.cases != sweep.cells else ""
    return f"{sweep.axis} on {sweep.target}: {sweep.suite or 'all suites'}, {amounts.count(sweep.cells, 'cell')}{of}"


_SWEEP_MEASURES = ("thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s", "cost_usd")


def sweep_rows(sweep: Sweep) -> tuple[list[str], list[list[str]]]:
    """(header, a row per value): the pass rate with its interval, the measures, and a mark."""
    measures = [measure for measure in _SWEEP_MEASURES if any(measure in point.numbers for point in sweep.points)]
    rows = [
        [
            point.name,
            _rate_text(point),
            *(words.measured(measure, point.numbers.get(measure)) for measure in measures),
            sweep_mark(sweep, point),
        ]
        for point in sweep.points
    ]
    return ["value", "passed (95%)", *map(words.label, measures), ""], rows


def _rate_text(point: SweepPoint) -> str:
    low, high = point.interval
    return f"{point.rate:.0%} ({100 * low:.0f}-{100 * high:.0f})"


def sweep_mark(sweep: Sweep, point: SweepPoint) -> str:
    """``knee``; ``knee?`` if it is the knee by the observed rates only; ``best``; ``beaten``; else empty."""
    knee = sweep.knee
    if point.name == knee.value:
        return "knee"
    if point.name == knee.seems:
        return "knee?"
    if point.name == sweep.best:
        return "best"
    return "beaten" if point.dominated_by else ""
