"""What differs between two runs, or two targets of one run: cells side by side, checks that flip, differences of measures.

Nothing here says better or worse: that needs statistics, which this comparison does not make.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Json
from harness.rows import PlaceRow
from harness.summary import Group, Summary, Trouble, median


@dataclass(frozen=True, slots=True)
class Pair:
    """One cell on both sides; None where a side does not have it."""

    suite: str
    case: str
    axes: Mapping[str, Json]
    reference: Group | None
    candidate: Group | None

    @property
    def id(self) -> str:
        """The candidate's group id, or the reference's where there is no candidate."""
        side = self.candidate or self.reference
        return side.id if side else ""


@dataclass(frozen=True, slots=True)
class Flip:
    """A check, or the whole cell (``status``), that judges the two sides differently."""

    id: str
    check: str
    before: str
    after: str
    place: PlaceRow
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The median of the paired differences (candidate minus reference) of a measure, over ``pairs`` cells."""

    measure: str
    suite: str | None
    reference: float
    candidate: float
    estimate: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. ``reference`` and ``candidate`` name the two sides."""

    reference: str
    candidate: str
    pairs: Sequence[Pair]
    flips: Sequence[Flip]
    differences: Sequence[Difference]
    notes: Sequence[str] = ()

    @property
    def paired(self) -> Sequence[Pair]:
        return [pair for pair in self.pairs if pair.reference and pair.candidate]

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``. No verdict is claimed: that needs statistics this comparison has not made."""
        return {
            "version": 1,
            "reference": self.reference,
            "candidate": self.candidate,
            "cells": [_cell(pair) for pair in self.pairs],
            "flips": [{"id": f.id, "check": f.check, "from": f.before, "to": f.after} for f in self.flips],
            "verdicts": [_undecided(each) for each in self.differences],
            "gates": [],
            "notes": list(self.notes),
        }


Key = tuple[str, ...]


def compare_runs(base: Summary, candidate: Summary, names: tuple[str, str]) -> Comparison:
    """Pair the cells of two runs by case, target and axes."""
    return _compare(_keyed(base, with_target=True), _keyed(candidate, with_target=True), names)


def compare_targets(summary: Summary, reference: str, candidate: str) -> Comparison:
    """Pair the cells of two targets (``provider/model``) of one run by case and axes."""
    one = _keyed(summary, with_target=False, target=reference)
    return _compare(one, _keyed(summary, with_target=False, target=candidate), (reference, candidate))


def _keyed(summary: Summary, *, with_target: bool, target: str | None = None) -> dict[Key, Group]:
    return {
        (
            group.suite,
            group.case,
            *(f"{name}={value}" for name, value in group.axes.items()),
            *([group.target] if with_target else []),
        ): group
        for group in summary.groups.values()
        if target is None or group.target == target
    }


def _compare(one: Mapping[Key, Group], other: Mapping[Key, Group], names: tuple[str, str]) -> Comparison:
    pairs = [_pair(one.get(key), other.get(key)) for key in dict.fromkeys([*one, *other])]
    return Comparison(
        reference=names[0],
        candidate=names[1],
        pairs=pairs,
        flips=[flip for pair in pairs for flip in _flips(pair)],
        differences=list(_differences(pairs)),
        notes=list(_unpaired(pairs, names)),
    )


def _pair(reference: Group | None, candidate: Group | None) -> Pair:
    side = candidate or reference
    assert side is not None
    return Pair(side.suite, side.case, side.axes, reference, candidate)


def _flips(pair: Pair) -> Iterator[Flip]:
    one, other = pair.reference, pair.candidate
    if one is None or other is None:
        return
    found = False
    for check in dict.fromkeys([*one.checks, *other.checks]):
        before, after = _state(one, check), _state(other, check)
        if before != after:
            found = True
            yield Flip(other.id, check, before, after, other.place, other.trouble)
    if not found and one.status != other.status:
        yield Flip(other.id, "status", one.status, other.status, other.place, other.trouble)


def _state(group: Group, check: str) -> str:
    """An invariant that held leaves no row of its own: where the group was judged, absent means that it held."""
    held, broke = group.checks.get(check, (0, 0))
    if check.startswith("invariant:"):
        held = group.attempts - group.statuses["error"] - broke
    if held and broke:
        return "flaky"
    if not held and not broke:
        return "not judged"
    return "failed" if broke else "passed"


def _differences(pairs: Sequence[Pair]) -> Iterator[Difference]:
    suites = dict.fromkeys(pair.suite for pair in pairs)
    scopes = [None, *suites] if len(suites) > 1 else [None]
    for scope in scopes:
        inside = [pair for pair in pairs if scope is None or pair.suite == scope]
        for measure in _measured(inside):
            yield from _difference(measure, scope, inside)


def _measured(pairs: Sequence[Pair]) -> list[str]:
    groups = [group for pair in pairs for group in (pair.reference, pair.candidate) if group]
    return ["pass_rate", *dict.fromkeys(name for group in groups for name in group.measures)]


def _difference(measure: str, scope: str | None, pairs: Sequence[Pair]) -> Iterator[Difference]:
    values = [
        (before, after)
        for pair in pairs
        if pair.reference and pair.candidate
        if (before := _value(pair.reference, measure)) is not None
        if (after := _value(pair.candidate, measure)) is not None
    ]
    if values:
        befores, afters = zip(*values, strict=True)
        middle = _mean if measure == "pass_rate" else median
        estimate = middle([after - before for before, after in values])
        yield Difference(measure, scope, middle(befores), middle(afters), estimate, len(values))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _value(group: Group, measure: str) -> float | None:
    if measure == "pass_rate":
        judged = group.attempts - group.statuses["error"]
        return group.passed / judged if judged else None
    return group.typical(measure)


def _unpaired(pairs: Sequence[Pair], names: tuple[str, str]) -> Iterator[str]:
    for name, missing in ((names[0], "candidate"), (names[1], "reference")):
        only = [pair for pair in pairs if getattr(pair, missing) is None]
        if only:
            shown = ", ".join(pair.id for pair in only[:3])
            more = f" and {len(only) - 3} more" if len(only) > 3 else ""
            yield f"only in {name}: {shown}{more}"


def _cell(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "suite": pair.suite,
        "case": pair.case,
        "axes": dict(pair.axes),
        "reference": _side(pair.reference),
        "candidate": _side(pair.candidate),
    }


def _side(group: Group | None) -> dict[str, Any] | None:
    if group is None:
        return None
    measures = {name: value for name in group.measures if (value := group.typical(name)) is not None}
    return {**group.row(), "target": group.target, "flaky": group.flaky, "measures": measures}


def _undecided(difference: Difference) -> dict[str, Any]:
    return {
        "measure": difference.measure,
        "suite": difference.suite,
        "verdict": "cannot tell",
        "reference": difference.reference,
        "candidate": difference.candidate,
        "estimate": difference.estimate,
        "pairs": difference.pairs,
        "interval": None,
        "p": None,
        "needs": None,
    }
