"""Sweeps: what each value of an axis buys and costs on one target, and the knee.

All values are compared on the same cells: those that could be judged at every value. Numbers are means over these cells; the
number of a cell is the median of its attempts. The *knee* is the cheapest value whose pass rate is within the margin of the best.
It is named only where the intervals of all pairs of values together show that it is *enough* (no other value is better by more
than the margin), and that every cheaper value is *out* (some value is better by more than the margin). That is Hsu's multiple
comparison with the best (Hsu 1984, Ann. Statist. 12), with Bonferroni's correction: the best value need not be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from harness.compare.comparison import Key, by_value
from harness.compare.verdicts import JUDGED, MARGINS, NAMES, change, reason, verdict_row
from harness.extensions import NEEDS_STATS, has_statistics
from harness.gemini.models import LEVELS
from harness.model import Json
from harness.results.groups import Group, case_numbers
from harness.results.summary import Summary
from harness.suite.axes import short_label, thinking_config
from harness.text.amounts import dollars
from harness.text.grouping import grouped

if TYPE_CHECKING:
    from harness.compare.stats.evidence import Interval, PairedEvidence
    from harness.compare.stats.verdict import Difference

MIN_VALUES = 3
"""The fewest values of a sweep that is asked for. Two values are a comparison, and may be drawn."""
PRICE_MEASURES = ("cost_usd", "totalTokenCount", "thoughtsTokenCount")
"""Measures that can stand for the price: the one that is known in the most cells, the first of equals."""
NUMBERS = tuple(measure for measure in JUDGED if measure != "pass_rate")

Standing = Literal["enough", "out", "unclear"]
Line = Mapping[str, Group]
"""One case (with fixed values of its other axes) at each value of the axis: value's name -> cell."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One value of the axis.

    ``rate`` (0 to 1, with its 95% interval) and ``numbers`` are means over the cells; ``numbers`` has only the measures
    that were measured. ``against``: the verdict on it, with the best value as the reference; None for the best. ``standing``:
    *enough*, *out*, or *unclear*, against all other values.
    """

    name: str
    value: Json
    passed: int
    attempts: int
    rate: float
    interval: Interval
    numbers: Mapping[str, float]
    against: Difference | None = None
    standing: Standing = "unclear"

    def to_json(self) -> dict[str, Any]:
        """An item of ``points``; null: not known."""
        return {
            "name": self.name,
            "value": self.value,
            "passed": self.passed,
            "attempts": self.attempts,
            "pass_rate": self.rate,
            "interval": self.interval,
            **{measure: self.numbers.get(measure) for measure in NUMBERS},
            "standing": self.standing,
            "against_best": verdict_row(self.against) if self.against else None,
        }


class Knee(NamedTuple):
    """``value``: the knee; None where the data cannot decide. ``seems``: the knee by the observed rates alone."""

    value: str | None
    message: str
    seems: str | None = None


class Sweep(Struct, frozen=True):
    """One axis on one target, over all suites that sweep the same values (``suite`` is None), or over one suite.

    ``price``: the measure that stands for the price; None where nothing was measured. ``left_out``: cells that could not be
    judged at every value.
    """

    target: str
    axis: str
    suite: str | None
    cells: int
    cases: int
    left_out: int
    price: str | None
    margin: float
    best: str
    points: Sequence[SweepPoint]
    knee: Knee

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "points": [point.to_json() for point in self.points], "knee": self.knee._asdict()}


class Sweeps(Struct, frozen=True):
    """The document: every sweep of a run. ``answers``: the sources of the answers, as text."""

    run: str
    answers: str
    simulated: bool
    sweeps: Sequence[Sweep]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of ``sweep --format json``."""
        return {"version": 1, **asdict(self), "sweeps": [sweep.to_json() for sweep in self.sweeps]}


def sweeps(
    summary: Summary,
    axes: Sequence[str] = (),
    suites: Sequence[str] = (),
    margin: float = MARGINS["pass_rate"],
    least: int = MIN_VALUES,
) -> list[Sweep]:
    """A sweep for every target and axis (or only ``axes``) with ``least`` ordered values or more.

    Each is made over all suites, then, if there are several, over each suite. Without the extra ``stats`` it has what was
    seen, and no knee.
    """
    return [
        _sweep(target, axis, suite, values, members, margin)
        for axis in axes or swept(summary)
        for target, values, lines in _blocks(summary, axis, suites, least)
        for suite, members in _parts(lines)
    ]


def swept(summary: Summary) -> dict[str, list[str]]:
    """The axes that any case sweeps -> their values, as ids spell them."""
    found: dict[str, dict[str, None]] = {}
    for group in summary.groups.values():
        for axis, value in group.axes.items():
            found.setdefault(axis, {})[short_label(axis, value)] = None
    return {axis: list(values) for axis, values in found.items()}


# --- cells --------------------------------------------------------------------------------------------


def _blocks(
    summary: Summary, axis: str, suites: Sequence[str], least: int
) -> Iterator[tuple[str, Mapping[str, Json], Sequence[Line]]]:
    """(target, its values in order, the lines that have exactly these values), for ``least`` values or more."""
    lines: dict[Key, dict[str, Group]] = {}
    for name, cells in by_value(summary, axis).items():
        for key, group in cells.items():
            known = not suites or group.suite in suites
            if known and group.attempts and _rank(axis, group.axes.get(axis)) is not None:
                lines.setdefault(key, {})[name] = group
    blocks = grouped(lines.values(), lambda line: (_any_cell(line).target, frozenset(line)))
    for (target, names), members in blocks.items():
        if len(names) >= least:
            values = {name: group.axes[axis] for name, group in members[0].items()}
            yield target, dict(sorted(values.items(), key=lambda item: _rank(axis, item[1]) or ())), members


def _rank(axis: str, value: Json) -> tuple[float, ...] | None:
    """A sort key: thinking off, levels, budgets, dynamic; numbers by size. None for values without an order."""
    if axis != "thinking" or value is None:
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else None
    config = thinking_config(value)
    level, budget, thoughts = config.get("thinkingLevel"), config.get("thinkingBudget"), "includeThoughts" in config
    if level in LEVELS:
        return 1, LEVELS.index(level), thoughts
    if not isinstance(budget, int):
        return None
    return {0: 0, -1: 3}.get(budget, 2), budget, thoughts


def _parts(lines: Sequence[Line]) -> Iterator[tuple[str | None, Sequence[Line]]]:
    """All lines (None), if they are of several suites, then those of each suite."""
    by_suite = grouped(lines, lambda line: _any_cell(line).suite)
    if len(by_suite) > 1:
        yield None, lines
    yield from by_suite.items()


# --- points -------------------------------------------------------------------------------------------


Rows = Sequence[Line]
"""The lines that could be judged at every value."""


def _sweep(
    target: str, axis: str, suite: str | None, values: Mapping[str, Json], members: Sequence[Line], margin: float
) -> Sweep:
    rows = [line for line in members if all(group.judged for group in line.values())]
    price, numbers = _observed(values, rows)
    rates = {name: _rate(rows, name) for name in values}
    prices = numbers[price] if price else {name: place for place, name in enumerate(values)}
    best = min(values, key=lambda name: (-rates[name], prices[name]))
    evidence = _evidence(values, rows, margin)
    against = _against(suite, best, evidence)
    intervals = {name: found.sides[0] for (name, _), found in evidence.items() if found.sides}
    points = [
        SweepPoint(
            name=name,
            value=value,
            passed=sum(row[name].passed for row in rows),
            attempts=sum(row[name].judged for row in rows),
            rate=rates[name],
            interval=intervals.get(name, (0.0, 1.0)),
            numbers={measure: means[name] for measure, means in numbers.items()},
            against=against.get(name),
            standing=_standing(name, evidence, margin, len(values) - 1),
        )
        for name, value in values.items()
    ]
    cases = len(set(case_numbers(map(_any_cell, rows))))
    return Sweep(
        target=target,
        axis=axis,
        suite=suite,
        cells=len(rows),
        cases=cases,
        left_out=len(members) - len(rows),
        price=price,
        margin=margin,
        best=best,
        points=points,
        knee=_knee(axis, points, best, price, margin, cases),
    )


def _any_cell(line: Line) -> Group:
    """A cell of the line; all of them are of one case."""
    return next(iter(line.values()))


Numbers = Mapping[str, Mapping[str, float]]
"""Measure -> value's name -> the mean over the cells that have the measure at every value."""


def _observed(values: Mapping[str, Json], rows: Rows) -> tuple[str | None, Numbers]:
    """(the price measure, the numbers)."""
    numbers, counts = {}, {}
    for measure in NUMBERS:
        seen = [{name: group.typical(measure) for name, group in row.items()} for row in rows]
        known = [row for row in seen if None not in row.values()]
        if known:
            counts[measure] = len(known)
            numbers[measure] = {name: _mean(row[name] or 0.0 for row in known) for name in values}
    prices = (measure for measure in PRICE_MEASURES if measure in counts)
    return max(prices, key=counts.__getitem__, default=None), numbers


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _rate(rows: Rows, name: str) -> float:
    rates = [row[name].passed / row[name].judged for row in rows]
    return round(_mean(rates), 12) if rates else 0.0


Evidences = Mapping[tuple[str, str], "PairedEvidence"]
"""(reference, candidate) -> the evidence on the candidate's pass rate."""


def _evidence(values: Mapping[str, Json], rows: Rows, margin: float) -> Evidences:
    if not rows or not has_statistics():
        return {}
    from harness.compare.stats.rates import Attempts, rates

    cases = case_numbers(map(_any_cell, rows))
    sides = {name: Attempts([row[name].passed for row in rows], [row[name].judged for row in rows]) for name in values}
    return {
        (one, other): rates(cases, sides[one], sides[other], margin=margin) for one, other in permutations(sides, 2)
    }


def _against(suite: str | None, best: str, evidence: Evidences) -> dict[str, Difference]:
    """The verdict on every other value against the best, corrected for the number of values."""
    if not evidence:
        return {}
    from harness.compare.stats.verdict import Question, assess

    others = {other: Question("pass_rate", suite, found) for (one, other), found in evidence.items() if one == best}
    return {name: found for name, [found] in zip(others, assess([[asked] for asked in others.values()]), strict=True)}


def _standing(name: str, evidence: Evidences, margin: float, others: int) -> Standing:
    """Whether the value is surely within the margin of the best, or surely not, by intervals that hold for all values together."""
    ends = [found.ends(1 - 0.05 / others).change for (_, other), found in evidence.items() if other == name]
    if not ends or None in ends:
        return "unclear"
    if all(low >= -margin for low, _ in filter(None, ends)):
        return "enough"
    return "out" if any(high < -margin for _, high in filter(None, ends)) else "unclear"


# --- the knee, in words -------------------------------------------------------------------------------


def _knee(axis: str, points: Sequence[SweepPoint], best: str, price: str | None, margin: float, cases: int) -> Knee:
    top = next(point for point in points if point.name == best)
    if not cases:
        return Knee(None, "cannot tell: no cell could be judged at every value")
    if not any(point.passed for point in points):
        return Knee(None, "cannot tell: nothing passed at any value, so there is nothing to choose by")
    order = sorted(points, key=lambda point: point.numbers[price]) if price else list(points)
    seems = next(point for point in order if point.rate >= top.rate - margin)
    apparent = f"As far as was seen, {seems.name} is the knee: {_rate_and_price(seems, price)}"
    if cases == 1:
        alone = "one case says nothing about others, however often it is repeated"
        return Knee(None, f"cannot tell: {alone}. {apparent}", seems.name)
    if not any(point.against for point in points):
        return Knee(None, f"cannot tell: {NEEDS_STATS}", seems.name)
    first = next(point for point in order if point.standing != "out")
    if first.standing == "unclear":
        return Knee(None, _unclear_text(first, order, top) + apparent, seems.name)
    return Knee(first.name, _knee_text(axis, order, first, top, price, margin), first.name)


def _unclear_text(first: SweepPoint, order: Sequence[SweepPoint], top: SweepPoint) -> str:
    """``first``: the cheapest value that is not out, the best value itself or one below it."""
    question, rival = f"is {first.name} enough? Against {top.name}: ", first
    if first is top:
        rival = next(point for point in order if point is not top and point.standing != "out")
        question = f"is {rival.name} better than {top.name}? "
    assert rival.against is not None
    message = f"cannot tell: {question}{reason(rival.against)}. "
    enough = next((point for point in order if point.standing == "enough"), None)
    if enough is not None and enough.against is not None:
        message += f"{enough.name} is surely enough: {change(enough.against)}. "
    return message


def _knee_text(
    axis: str, order: Sequence[SweepPoint], knee: SweepPoint, top: SweepPoint, price: str | None, margin: float
) -> str:
    cheaper = [point for point in order[: order.index(knee)] if point.against]
    opening = "" if knee is not order[0] else f"more {axis} buys nothing measurable: "
    limit = f"{_rate_and_price(knee, price)}; not worse than {top.name} ({_rate_and_price(top, price)}) by {100 * margin:.4g} pp"
    how = f"the best, {_rate_and_price(top, price)}" if knee is top else limit
    worse = "".join(f"; {point.name} is worse by more: {change(point.against)}" for point in cheaper if point.against)
    return f"{opening}{knee.name} is the knee: {how}{worse}"


def _rate_and_price(point: SweepPoint, price: str | None) -> str:
    """``97% at 153 tokens``, ``97% at $0.0012``: the mean of one attempt."""
    rate = f"{100 * point.rate:.4g}%" if point.rate in (0, 1) else f"{100 * point.rate:.1f}%"
    if price is None:
        return rate
    value = point.numbers[price]
    return f"{rate} at {f'${dollars(value)}' if price == 'cost_usd' else f'{value:,.0f} {NAMES[price]}'}"
