"""Sweeps: what each value of an axis buys and costs on one target, and the knee.

All values are judged on the same cells: those that could be judged at every one of them. Numbers are means over these cells, each
with the median of its attempts. The *knee* is the cheapest value whose pass rate is the best's, within the margin; it is
named only where paired statistics (see ``stats``) say so of it, and say *worse* of every cheaper value; where the cheapest is the
best, of every other that it is no better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.compare.verdicts import JUDGED, MARGINS, Difference, change, sentence
from harness.gemini.models import LEVELS
from harness.model import Json
from harness.results.groups import Group
from harness.results.summary import Summary
from harness.suite.axes import short_label, thinking_config
from harness.text.amounts import dollars

if TYPE_CHECKING:
    from harness.compare.stats import Interval, PairedEvidence

FEWEST = 3
"""Values that make a sweep: two are a comparison."""
PRICES = ("cost_usd", "totalTokenCount", "thoughtsTokenCount")
"""What *cheap* goes by: the first that is known in most cells."""
NUMBERS = tuple(each for each in JUDGED if each != "pass_rate")

Key = tuple[str, ...]
Line = Mapping[str, Group]
"""One case (and the values of its other axes) at each value of the axis, by the value's name."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One value. ``rate`` with its 95% interval and ``numbers`` are means over the cells; what was not measured is not there.

    ``against``: the verdict on it, the best being the reference; None for the best. ``dominated_by``: a value that was seen to
    be as good for less, or better for no more.
    """

    name: str
    value: Json
    passed: int
    attempts: int
    rate: float
    interval: Interval
    numbers: Mapping[str, float]
    against: Difference | None = None
    dominated_by: str | None = None

    def to_json(self) -> dict[str, Any]:
        """One of ``points``; null is not known."""
        return {
            "name": self.name,
            "value": self.value,
            "passed": self.passed,
            "attempts": self.attempts,
            "pass_rate": self.rate,
            "interval": self.interval,
            **{measure: self.numbers.get(measure) for measure in NUMBERS},
            "dominated_by": self.dominated_by,
            "against_best": self.against.to_json() if self.against else None,
        }


class Knee(NamedTuple):
    """``value``: the knee, None where it cannot be told. ``seems``: what it would be if all were as it was seen.

    ``enough``: the cheapest value that is surely not worse than the best. ``needs_cases``: so many more cases would tell;
    None where that is not known, or not needed.
    """

    value: str | None
    message: str
    seems: str | None = None
    enough: str | None = None
    needs_cases: int | None = None
    needs_repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """One axis on one target, over all suites that ask the same values (``suite`` None) or one of them.

    ``price`` is the measure that *cheap* goes by; None where nothing was counted. ``left_out``: cells that could not be judged
    at every value.
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
        return {
            "target": self.target,
            "axis": self.axis,
            "suite": self.suite,
            "cells": self.cells,
            "cases": self.cases,
            "left_out": self.left_out,
            "price": self.price,
            "margin": self.margin,
            "best": self.best,
            "points": [each.to_json() for each in self.points],
            "knee": self.knee._asdict(),
        }


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The document: every sweep of a run. ``answers`` says where they came from."""

    run: str
    answers: str
    simulated: bool
    sweeps: Sequence[Sweep]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of ``sweep --format json``."""
        return {
            "version": 1,
            "run": self.run,
            "answers": self.answers,
            "simulated": self.simulated,
            "sweeps": [each.to_json() for each in self.sweeps],
            "notes": list(self.notes),
        }


def sweeps(
    summary: Summary, axes: Sequence[str] = (), suites: Sequence[str] = (), margin: float = MARGINS["pass_rate"]
) -> list[Sweep]:
    """Every target and axis (or only these) asked at three ordered values or more: over all suites, then over each of several."""
    drafts = [
        draft
        for axis in axes or swept(summary)
        for target, values, lines in _blocks(summary, axis, suites)
        for draft in _drafts(target, axis, values, lines)
    ]
    return _judged(drafts, margin)


def swept(summary: Summary) -> dict[str, list[str]]:
    """The axes that any case sweeps, with the values that occur, as ids spell them."""
    found: dict[str, dict[str, None]] = {}
    for group in summary.groups.values():
        for axis, value in group.axes.items():
            found.setdefault(axis, {})[short_label(axis, value)] = None
    return {axis: list(values) for axis, values in found.items()}


# --- cells --------------------------------------------------------------------------------------------


def _blocks(summary: Summary, axis: str, suites: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Json], list[Line]]]:
    """(target, its values in order, the lines that ask just these), where they are three or more."""
    values: dict[str, Json] = {}
    blocks: dict[tuple[str, frozenset[str]], list[Line]] = {}
    for (target, *_), line in _lines(summary, axis, suites, values).items():
        blocks.setdefault((target, frozenset(line)), []).append(line)
    for (target, names), lines in blocks.items():
        if len(names) >= FEWEST:
            order = sorted(names, key=lambda name: _rank(axis, values[name]) or ())
            yield target, {name: values[name] for name in order}, lines


def _lines(summary: Summary, axis: str, suites: Sequence[str], values: dict[str, Json]) -> dict[Key, dict[str, Group]]:
    """The lines by target, suite, case and other axes; ``values`` is filled with what the names mean."""
    lines: dict[Key, dict[str, Group]] = {}
    for group in summary.groups.values():
        value = group.axes.get(axis)
        if not group.attempts or (suites and group.suite not in suites) or _rank(axis, value) is None:
            continue
        others = (f"{name}={short_label(name, each)}" for name, each in group.axes.items() if name != axis)
        name = short_label(axis, value)
        values[name] = value
        lines.setdefault((group.target, group.suite, group.case, *others), {})[name] = group
    return lines


def _rank(axis: str, value: Json) -> tuple[float, ...] | None:
    """Where a value stands among others: off, levels, budgets, dynamic; numbers by size. None for what has no order."""
    if axis == "thinking" and value is not None:
        return _thinking_rank(thinking_config(value))
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _thinking_rank(config: Mapping[str, Json]) -> tuple[float, ...] | None:
    level, budget, said = config.get("thinkingLevel"), config.get("thinkingBudget"), "includeThoughts" in config
    if level in LEVELS:
        return 1, LEVELS.index(level), said
    if not isinstance(budget, int):
        return None
    return {0: 0, -1: 3}.get(budget, 2), budget, said


class _Draft(NamedTuple):
    """A sweep before it is judged: ``rows`` are the lines that could be judged at every value."""

    target: str
    axis: str
    suite: str | None
    values: Mapping[str, Json]
    rows: Sequence[Line]
    left_out: int


def _drafts(target: str, axis: str, values: Mapping[str, Json], lines: Sequence[Line]) -> Iterator[_Draft]:
    by_suite: dict[str, list[Line]] = {}
    for line in lines:
        by_suite.setdefault(next(iter(line.values())).suite, []).append(line)
    if len(by_suite) > 1:
        yield _draft(target, axis, None, values, lines)
    yield from (_draft(target, axis, suite, values, members) for suite, members in by_suite.items())


def _draft(target: str, axis: str, suite: str | None, values: Mapping[str, Json], lines: Sequence[Line]) -> _Draft:
    rows = [line for line in lines if all(group.judged for group in line.values())]
    return _Draft(target, axis, suite, values, rows, len(lines) - len(rows))


# --- points -------------------------------------------------------------------------------------------


def _judged(drafts: Sequence[_Draft], margin: float) -> list[Sweep]:
    """The sweeps, their verdicts corrected for all comparisons that are made here."""
    if not drafts:
        return []
    from harness.compare.stats import assess

    seen = [_seen(draft) for draft in drafts]
    found = [_evidence(draft, best, margin) for draft, (best, _, _) in zip(drafts, seen, strict=True)]
    flat = [evidence for each in found for evidence in each.values()]
    verdicts = iter(assess(flat, [True] * len(flat)))
    made = []
    for draft, (best, price, numbers), evidence in zip(drafts, seen, found, strict=True):
        against = {name: Difference("pass_rate", draft.suite, next(verdicts)) for name in evidence}
        points = _points(draft, numbers, against)
        points = [replace(point, dominated_by=_dominated(point, points, price)) for point in points]
        cases = len({_case(line) for line in draft.rows})
        knee = _knee(draft.axis, points, best, price, margin, cases)
        made.append(
            Sweep(
                draft.target,
                draft.axis,
                draft.suite,
                len(draft.rows),
                cases,
                draft.left_out,
                price,
                margin,
                best,
                points,
                knee,
            )
        )
    return made


def _case(line: Line) -> tuple[str, str]:
    group = next(iter(line.values()))
    return group.suite, group.case


Numbers = Mapping[str, Mapping[str, float]]
"""Measure -> value's name -> the mean over the cells that have it at every value."""


def _seen(draft: _Draft) -> tuple[str, str | None, Numbers]:
    """(the best value, what *cheap* goes by, the numbers). The best passed most; of several, it is the cheapest."""
    numbers, counts = {}, {}
    for measure in NUMBERS:
        seen = [{name: group.typical(measure) for name, group in row.items()} for row in draft.rows]
        known = [row for row in seen if None not in row.values()]
        if known:
            counts[measure] = len(known)
            numbers[measure] = {name: _mean(row[name] or 0.0 for row in known) for name in draft.values}
    price = max((each for each in PRICES if each in counts), key=lambda each: counts[each], default=None)
    names = list(draft.values)
    best = max(names, key=lambda name: (_rate(draft, name), -numbers[price][name] if price else -names.index(name)))
    return best, price, numbers


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _rate(draft: _Draft, name: str) -> float:
    rates = [row[name].passed / row[name].judged for row in draft.rows]
    return round(_mean(rates), 12) if rates else 0.0


def _evidence(draft: _Draft, best: str, margin: float) -> dict[str, PairedEvidence]:
    """Every other value against the best, on the same cells."""
    from harness.compare.stats import Attempts, rates

    if not draft.rows:
        return {}
    numbers: dict[tuple[str, str], int] = {}
    cases = [numbers.setdefault(_case(row), len(numbers)) for row in draft.rows]
    sides = {
        name: Attempts([row[name].passed for row in draft.rows], [row[name].judged for row in draft.rows])
        for name in draft.values
    }
    return {name: rates(cases, sides[best], sides[name], margin=margin) for name in draft.values if name != best}


def _points(draft: _Draft, numbers: Numbers, against: Mapping[str, Difference]) -> list[SweepPoint]:
    own = next(iter(against.values())).evidence.sides if against else None
    return [
        SweepPoint(
            name=name,
            value=value,
            passed=sum(row[name].passed for row in draft.rows),
            attempts=sum(row[name].judged for row in draft.rows),
            rate=_rate(draft, name),
            interval=_interval(against[name].evidence.sides, 1) if name in against else _interval(own, 0),
            numbers={measure: means[name] for measure, means in numbers.items()},
            against=against.get(name),
        )
        for name, value in draft.values.items()
    ]


def _interval(sides: tuple[Interval, Interval] | None, side: int) -> Interval:
    return sides[side] if sides else (0.0, 1.0)


def _dominated(point: SweepPoint, points: Sequence[SweepPoint], price: str | None) -> str | None:
    """The cheapest of the values that are as good for less, or better for no more."""
    if price is None:
        return None
    own = (-point.rate, point.numbers[price])
    better = [
        (other.numbers[price], other.name)
        for other in points
        if other is not point
        and -other.rate <= own[0]
        and other.numbers[price] <= own[1]
        and (-other.rate, other.numbers[price]) != own
    ]
    return min(better)[1] if better else None


# --- the knee, in words -------------------------------------------------------------------------------


def _knee(axis: str, points: Sequence[SweepPoint], best: str, price: str | None, margin: float, cases: int) -> Knee:
    top = next(point for point in points if point.name == best)
    if not cases:
        return Knee(None, "cannot tell: no cell could be judged at every value")
    if not any(point.passed for point in points):
        return Knee(None, "cannot tell: nothing passed at any value, so there is nothing to choose by")
    order = sorted(points, key=lambda point: point.numbers[price]) if price else list(points)
    seems = next(point for point in order if point.rate >= top.rate - margin)
    if cases == 1:
        return Knee(
            None,
            f"cannot tell: one case says nothing about others, however often it is repeated. {_as_seen(seems, price)}",
            seems.name,
        )
    enough = next(point for point in order if _fits(point))
    open_to = order if enough is top else order[: order.index(enough)]
    unclear = [point for point in open_to if point.against and point.against.verdict == "cannot tell"]
    if unclear:
        question = "worse" if order.index(unclear[0]) < order.index(top) else "better"
        return _unclear(unclear[0], question, enough, seems, top, price)
    return Knee(enough.name, _found(axis, order, enough, top, price, margin), enough.name, enough.name)


def _fits(point: SweepPoint) -> bool:
    return point.against is None or point.against.verdict in ("same", "better")


def _unclear(
    first: SweepPoint, question: str, enough: SweepPoint, seems: SweepPoint, top: SweepPoint, price: str | None
) -> Knee:
    assert first.against is not None
    said = f"cannot tell: is {first.name} {question} than {top.name}? {sentence(first.against).partition(': ')[2]}. "
    if enough is not top:
        said += f"{enough.name} is surely enough: {change(enough.against) if enough.against else ''}. "
    found = first.against.found
    sure = enough.name if enough is not top else None
    return Knee(None, said + _as_seen(seems, price), seems.name, sure, found.needs_cases, found.needs_repeats)


def _as_seen(point: SweepPoint, price: str | None) -> str:
    return f"As far as was seen, {point.name} is the knee: {_bought(point, price)}"


def _found(
    axis: str, order: Sequence[SweepPoint], knee: SweepPoint, top: SweepPoint, price: str | None, margin: float
) -> str:
    cheaper = [point for point in order[: order.index(knee)] if point.against]
    limit = f"not worse than {top.name} ({_bought(top, price)}) by {100 * margin:.4g} pp"
    worse = "".join(f"; {each.name} is worse: {change(each.against)}" for each in cheaper if each.against)
    if knee is order[0]:
        how = (
            f"the best, {_bought(top, price)}; what costs more is no better"
            if knee is top
            else f"{_bought(knee, price)}; {limit}"
        )
        return f"more {axis} buys nothing measurable: {knee.name} is the knee, {how}"
    if knee is top and order[-1] is top:
        return f"none cheaper will do: {top.name} is the best and the most expensive, {_bought(top, price)}{worse}"
    if knee is top:
        return f"{top.name} is the knee: the best, {_bought(top, price)}; what costs more is no better{worse}"
    return f"{knee.name} is the knee: {_bought(knee, price)}; {limit}{worse}"


def _bought(point: SweepPoint, price: str | None) -> str:
    """``97% at 153 tokens``."""
    rate = f"{100 * point.rate:.4g}%" if point.rate in (0, 1) else f"{100 * point.rate:.1f}%"
    return rate if price is None else f"{rate} at {priced(price, point.numbers[price])}"


def priced(measure: str, value: float) -> str:
    """``$0.0012``, ``1,022 tokens``, ``986 thoughts``: of one attempt, on average."""
    if measure == "cost_usd":
        return f"${dollars(value)}"
    return f"{value:,.0f} {'tokens' if measure == 'totalTokenCount' else 'thoughts'}"
