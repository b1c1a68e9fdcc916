"""What differs between two runs, or two values of an axis of one run: cells side by side, checks that flip, verdicts on measures."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.axes import spelled
from harness.differences import Difference, differences
from harness.model import Json
from harness.rows import PlaceRow, Row
from harness.summary import Group, Summary, Trouble

if TYPE_CHECKING:
    from harness.gates import Answer


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
    """A check, or the whole cell (``status``), that judges the two sides differently.

    ``answers``: what the reference and the candidate said, where that is known; they are filled in by who can read the rows again.
    """

    id: str
    suite: str
    check: str
    before: str
    after: str
    place: PlaceRow
    trouble: Trouble | None = None
    groups: tuple[str, str] = ("", "")
    """The ids of the cell on the two sides."""
    answers: tuple[str | None, str | None] = (None, None)

    def to_json(self) -> dict[str, Any]:
        row = {"id": self.id, "check": self.check, "from": self.before, "to": self.after}
        return {**row, "answers": {"reference": self.answers[0], "candidate": self.answers[1]}}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. ``reference`` and ``candidate`` name the two sides."""

    reference: str
    candidate: str
    pairs: Sequence[Pair]
    flips: Sequence[Flip]
    differences: Sequence[Difference]
    notes: Sequence[str] = ()
    gates: Sequence[Answer] = ()

    @property
    def paired(self) -> Sequence[Pair]:
        return [pair for pair in self.pairs if pair.reference and pair.candidate]

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``."""
        return {
            "version": 1,
            "reference": self.reference,
            "candidate": self.candidate,
            "cells": [_cell(pair) for pair in self.pairs],
            "flips": [flip.to_json() for flip in self.flips],
            "verdicts": [each.to_json() for each in self.differences],
            "gates": [each.to_json() for each in self.gates],
            "notes": list(self.notes),
        }


ANSWER = 1_000
"""Characters of an answer that a flip keeps."""
Key = tuple[str, ...]
Margins = Mapping[str, float]


def compare_runs(
    base: Summary, candidate: Summary, names: tuple[str, str], margins: Margins | None = None
) -> Comparison:
    """Pair the cells of two runs by case, target and axes. ``margins``: see ``differences.MARGINS``."""
    return _compare(_paired(_keyed(base, _whole), _keyed(candidate, _whole)), names, margins)


def compare_axis(
    summary: Summary, axis: str, reference: str, candidate: str, margins: Margins | None = None
) -> Comparison:
    """Pair the cells of one run that differ in the value of one axis only; values as ``axis_values`` spells them."""
    names = (reference, candidate) if axis == "target" else (f"{axis}={reference}", f"{axis}={candidate}")
    one, other = (_keyed(summary, _without(axis, value)) for value in (reference, candidate))
    return _compare(_paired(one, other), names, margins)


def axis_values(summary: Summary, axis: str) -> list[str]:
    """The values of an axis (``target``, ``model`` and ``provider`` too) that occur in a run, as ids spell them."""
    return list(dict.fromkeys(value for group in summary.groups.values() if (value := _coordinates(group).get(axis))))


def _coordinates(group: Group) -> dict[str, str]:
    """Where a cell stands on every axis."""
    provider, _, model = group.target.partition("/")
    swept = {name: spelled(name, value) for name, value in group.axes.items()}
    return {"target": group.target, "provider": provider, "model": model, **swept}


def _whole(group: Group) -> Key:
    return (group.suite, group.case, *(f"{name}={value}" for name, value in group.axes.items()), group.target)


def _without(axis: str, wanted: str) -> Callable[[Group], Key | None]:
    """The key of a cell with that value of the axis, the axis itself left out; None for other cells."""
    also = {"target": {"provider", "model"}}.get(axis, {"target"})

    def key(group: Group) -> Key | None:
        where = _coordinates(group)
        if where.get(axis) != wanted:
            return None
        rest = (f"{name}={value}" for name, value in where.items() if name != axis and name not in also)
        return (group.suite, group.case, *rest)

    return key


def _keyed(summary: Summary, key: Callable[[Group], Key | None]) -> dict[Key, Group]:
    return {found: group for group in summary.groups.values() if (found := key(group)) is not None}


def _paired(one: Mapping[Key, Group], other: Mapping[Key, Group]) -> list[Pair]:
    return [_pair(one.get(key), other.get(key)) for key in dict.fromkeys([*one, *other])]


def _compare(pairs: Sequence[Pair], names: tuple[str, str], margins: Margins | None) -> Comparison:
    both = [(pair.reference, pair.candidate) for pair in pairs if pair.reference and pair.candidate]
    return Comparison(
        reference=names[0],
        candidate=names[1],
        pairs=pairs,
        flips=[flip for pair in pairs for flip in _flips(pair)],
        differences=differences(both, margins),
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
            yield Flip(other.id, other.suite, check, before, after, other.place, other.trouble, (one.id, other.id))
    if not found and one.status != other.status:
        yield Flip(
            other.id, other.suite, "status", one.status, other.status, other.place, other.trouble, (one.id, other.id)
        )


def _state(group: Group, check: str) -> str:
    """An invariant that held leaves no row of its own: where the group was judged, absent means that it held."""
    held, broke = group.checks.get(check, (0, 0))
    if check.startswith("invariant:"):
        held = group.judged - broke
    if held and broke:
        return "flaky"
    if not held and not broke:
        return "not judged"
    return "failed" if broke else "passed"


RowsOf = Callable[[Container[str]], Iterable[Row]]
"""Reads the rows of these groups once more."""


def with_answers(comparison: Comparison, reference: RowsOf, candidate: RowsOf) -> Comparison:
    """The comparison with what both sides of each flip said: where the check broke, in the first attempt that broke it."""
    sides = [
        _answers({(flip.groups[side], flip.check) for flip in comparison.flips}, rows)
        for side, rows in enumerate((reference, candidate))
    ]
    flips = [
        replace(flip, answers=(sides[0].get((flip.groups[0], flip.check)), sides[1].get((flip.groups[1], flip.check))))
        for flip in comparison.flips
    ]
    return replace(comparison, flips=flips)


def _answers(wanted: set[tuple[str, str]], rows: RowsOf) -> dict[tuple[str, str], str]:
    checks: dict[str, list[str]] = {}
    for group, check in wanted:
        checks.setdefault(group, []).append(check)
    found: dict[tuple[str, str], tuple[bool, str]] = {}
    for row in rows(checks) if checks else ():
        if row["outcome"] is None:
            continue
        broken = {each["check"] for each in row["verdicts"] if each["status"] in ("failed", "error")}
        for check in checks[row["group"]]:
            key, broke = (row["group"], check), check in broken
            if key not in found or (broke and not found[key][0]):
                found[key] = (broke, row["outcome"]["text"][:ANSWER])
    return {key: text for key, (_, text) in found.items()}


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
