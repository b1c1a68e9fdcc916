"""What differs between two runs, or two values of an axis of one run: cells side by side, checks that flip, verdicts on measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from harness.compare.pairs import NONE, Pair, Pairs
from harness.compare.verdicts import Difference, differences
from harness.model import Json
from harness.results.groups import FirstFailure, Group, Groups, Heard, Tally
from harness.results.rows import PlaceRow, Row, RunRow
from harness.results.summary import Summary
from harness.suite.axes import short_label

if TYPE_CHECKING:
    from harness.compare.gates.gate import GateResult


@dataclass(frozen=True, slots=True)
class Flip:
    """A check, or the whole cell (``status``), that judges the two sides differently.

    ``answers``: what the reference and the candidate said, where that is known; see ``answered``.
    """

    id: str
    suite: str
    check: str
    before: str
    after: str
    place: PlaceRow
    trouble: FirstFailure | None = None
    groups: tuple[str, str] = ("", "")
    """The ids of the cell on the two sides."""
    answers: tuple[str | None, str | None] = (None, None)
    trials: tuple[str | None, str | None] = (None, None)
    """The ids of the trials that said so."""

    @property
    def worse(self) -> bool:
        """Whether the candidate passes less. What was not judged on a side is neither better nor worse."""
        states = ("failed", "flaky", "passed")
        known = self.before in states and self.after in states
        return known and states.index(self.after) < states.index(self.before)

    def to_json(self) -> dict[str, Any]:
        row = {"id": self.id, "check": self.check, "from": self.before, "to": self.after}
        return {**row, "answers": _sides(self.answers), "trials": _sides(self.trials)}


class RowsOf(Protocol):
    """Reads the rows of these groups once more; ``turns``: with all that was said."""

    def __call__(self, groups: Collection[str], /, *, turns: bool = False) -> Iterable[Row]: ...


Source = tuple[RunRow, RowsOf]
"""The run that a side was taken from, and its rows."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. ``reference`` and ``candidate`` name the two sides; ``provenance``: where the answers of each came from."""

    reference: str
    candidate: str
    pairs: Pairs
    flips: Sequence[Flip]
    differences: Sequence[Difference]
    notes: Sequence[str] = ()
    gates: Sequence[GateResult] = ()
    provenance: tuple[Sequence[Heard], Sequence[Heard]] = ((), ())
    sources: tuple[Source, Source] | None = None
    """Where what was said on both sides can be read, if it was saved."""
    again: str = "gemini-harness compare BASE CANDIDATE"
    """The command that makes it again, without its formats."""

    @property
    def runs(self) -> tuple[str | None, str | None]:
        """The ids of the two runs: one and the same where two values of an axis are compared."""
        return (None, None) if self.sources is None else (self.sources[0][0]["id"], self.sources[1][0]["id"])

    @property
    def simulated(self) -> bool:
        """Whether any answer was the simulator's."""
        return any(simulated for side in self.provenance for _, _, simulated in side)

    @property
    def paired(self) -> Pairs:
        return self.pairs.both

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``."""
        return {name: list(each) if isinstance(each, Iterator) else each for name, each in self.fields()}

    def fields(self) -> Iterator[tuple[str, Any]]:
        """The same field by field; what may be long is an iterator, so that no one need hold all of it."""
        yield "version", 1
        yield "reference", self.reference
        yield "candidate", self.candidate
        yield "runs", _sides(self.runs)
        yield "provenance", _sides([[_heard(each) for each in side] for side in self.provenance])
        yield "cells", (_cell(pair) for pair in self.pairs)
        yield "flips", _told(self.flips, self.sources)
        yield "verdicts", [each.to_json() for each in self.differences]
        yield "gates", [each.to_json() for each in self.gates]
        yield "notes", list(self.notes)


ANSWER = 1_000
"""Characters of an answer that a flip keeps."""
Key = tuple[str, ...]
Margins = Mapping[str, float]
Values = Mapping[str, Mapping[Key, Group]]
"""A value of an axis -> its cells, each under all else that it asks."""


def compare_runs(
    base: Summary, candidate: Summary, names: tuple[str, str], margins: Margins | None = None
) -> Comparison:
    """Pair the cells of two runs by case, target and axes. ``margins``: see ``differences.MARGINS``."""
    return _compare(_pairs(base.groups, candidate.groups), names, margins)


def compare_axis(
    summary: Summary, axis: str, reference: str, candidate: str, margins: Margins | None = None
) -> Comparison:
    """Pair the cells of one run that differ in the value of one axis only; values as ``by_value`` spells them."""
    return compare_values(by_value(summary, axis), axis, reference, candidate, margins)


def compare_values(
    cells: Values, axis: str, reference: str, candidate: str, margins: Margins | None = None
) -> Comparison:
    """Pair the cells of two of these values, which are those of ``axis``."""
    names = (reference, candidate) if axis == "target" else (f"{axis}={reference}", f"{axis}={candidate}")
    return _compare(_paired(cells.get(reference, {}), cells.get(candidate, {})), names, margins)


def by_value(summary: Summary, axis: str) -> Values:
    """The cells of a run by their value of an axis (``target``, ``model`` and ``provider`` too), as ids spell it."""
    also = {axis} | {"target": {"provider", "model"}}.get(axis, {"target"})
    found: dict[str, dict[Key, Group]] = {}
    for group in summary.groups.values():
        where = _coordinates(group)
        if value := where.get(axis):
            rest = [f"{name}={value}" for name, value in where.items() if name not in also]
            found.setdefault(value, {})[group.suite, group.case, *rest] = group
    return found


def reference_first(cells: Values) -> list[str]:
    """The values, before the others the one that has the most cells in common with them: the first of several."""
    asked = Counter(key for each in cells.values() for key in each)
    reference = max(cells, key=lambda value: sum(asked[key] - 1 for key in cells[value]), default=None)
    return sorted(cells, key=lambda value: value != reference)


def _coordinates(group: Group) -> dict[str, str]:
    """Where a cell stands on every axis."""
    provider, _, model = group.target.partition("/")
    swept = {name: short_label(name, value) for name, value in group.axes.items()}
    return {"target": group.target, "provider": provider, "model": model, **swept}


def _whole(group: Group) -> Key:
    return (group.suite, group.case, *(f"{name}={value}" for name, value in group.axes.items()), group.target)


def _pairs(base: Groups, candidate: Groups) -> Pairs:
    """The cells of two runs, the base's first. Most have one id on both sides; the others are found by what they ask."""
    if base.ids == candidate.ids and base.cases == candidate.cases and base.asked == candidate.asked:
        return Pairs(base, candidate, range(len(base)), range(len(base)))
    twins = [_twin(group, candidate) for group in base.values()]
    found = set(twins)
    alone = {_whole(group): group.at for group in candidate.values() if group.at not in found}
    rows = [
        alone.pop(_whole(group), NONE) if at == NONE else at for group, at in zip(base.values(), twins, strict=True)
    ]
    return Pairs(base, candidate, [*range(len(base)), *[NONE] * len(alone)], [*rows, *alone.values()])


def _twin(group: Group, others: Groups) -> int:
    """The one of that id, where it asks the same."""
    at = others.near(group.id, group.at)
    return NONE if at is None or _asked(group) != _asked(Group(others, at)) else at


_asked = attrgetter("suite", "case", "target", "axes")


def _paired(one: Mapping[Key, Group], other: Mapping[Key, Group]) -> Pairs:
    keys = dict.fromkeys([*one, *other])
    groups = next((group.groups for group in (*one.values(), *other.values())), Groups())
    rows = ([group.at if (group := side.get(key)) else NONE for key in keys] for side in (one, other))
    return Pairs(groups, groups, *rows)


def _compare(pairs: Pairs, names: tuple[str, str], margins: Margins | None) -> Comparison:
    return Comparison(
        reference=names[0],
        candidate=names[1],
        pairs=pairs,
        flips=list(_flips(pairs.both)),
        differences=differences(pairs.both, margins),
        notes=list(_unpaired(pairs, names)),
        provenance=(_provenance(*pairs.sides[0]), _provenance(*pairs.sides[1])),
    )


def _provenance(groups: Groups, rows: Sequence[int]) -> Sequence[Heard]:
    heard = {groups.tallies[row].heard for row in rows if row != NONE}
    return sorted(frozenset[Heard]().union(*heard))


def _flips(cells: Pairs) -> Iterator[Flip]:
    for pair in cells.unlike():
        one, other = cast("tuple[Group, Group]", pair)
        changed = _changed(one.tally, other.tally)
        if not changed and one.status != other.status:
            changed = (("status", one.status, other.status),)
        for check, was, now in changed:
            yield Flip(other.id, other.suite, check, was, now, other.place, _why(other, check), (one.id, other.id))


def _why(group: Group, check: str) -> FirstFailure | None:
    """What went wrong with that check, as far as it is kept; of the whole cell also that unary and stream disagree."""
    known = group.trouble
    if known is None and check == "status" and not group.agrees:
        return FirstFailure("", None, f"unary and stream disagree: {group.disagreement}")
    told = known is not None and (known.verdict is None or check in ("status", known.verdict["check"]))
    return known if told else None


@lru_cache(maxsize=1024)
def _changed(before: Tally, after: Tally) -> tuple[tuple[str, str, str], ...]:
    """The checks that judge two sides differently, with how each judges them."""
    checks = dict.fromkeys(check for tally in (before, after) for check, _, _ in tally.checks)
    states = ((check, _state(before, check), _state(after, check)) for check in checks)
    return tuple(each for each in states if each[1] != each[2])


def _state(tally: Tally, check: str) -> str:
    """An invariant that held leaves no row of its own: where the group was judged, absent means that it held."""
    held, broke = next(((held, broke) for name, held, broke in tally.checks if name == check), (0, 0))
    if check.startswith("invariant:"):
        held = tally.judged - broke
    if held and broke:
        return "flaky"
    if not held and not broke:
        return "not judged"
    return "failed" if broke else "passed"


def answered(flips: Sequence[Flip], sources: tuple[Source, Source] | None) -> list[Flip]:
    """The flips with what both sides said: where the check broke, in the first attempt that broke it. This reads the rows again."""
    if sources is None:
        return list(flips)
    before, after = (
        _answers({(flip.groups[side], flip.check) for flip in flips}, rows) for side, (_, rows) in enumerate(sources)
    )
    found = []
    for flip in flips:
        one, other = (
            side.get((name, flip.check), _NOTHING) for side, name in zip((before, after), flip.groups, strict=True)
        )
        trouble = other.trouble or flip.trouble
        found.append(replace(flip, answers=(one.text, other.text), trials=(one.trial, other.trial), trouble=trouble))
    return found


def _told(flips: Sequence[Flip], sources: tuple[Source, Source] | None) -> Iterator[dict[str, Any]]:
    """Nothing is read before the first is asked for: not every document shows them."""
    yield from (flip.to_json() for flip in answered(flips, sources))


class _FlipAnswer(NamedTuple):
    """The trial that shows best how a check came out, what it answered, if it did, and what broke the check, if that did."""

    trial: str | None
    text: str | None = None
    trouble: FirstFailure | None = None

    def shows(self) -> tuple[bool, bool]:
        return self.trouble is not None, self.text is not None


_NOTHING = _FlipAnswer(None)


def _answers(wanted: set[tuple[str, str]], rows: RowsOf) -> dict[tuple[str, str], _FlipAnswer]:
    """By group and check."""
    checks: dict[str, list[str]] = {}
    for group, check in wanted:
        checks.setdefault(group, []).append(check)
    found: dict[tuple[str, str], _FlipAnswer] = {}
    for row in rows(checks) if checks else ():
        text = row["outcome"]["text"][:ANSWER] if row["outcome"] else None
        wrong = [each for each in row["verdicts"] if each["status"] in ("failed", "error")]
        for check in checks[row["group"]]:
            broke = next((each for each in wrong if each["check"] == check), None)
            answer = _FlipAnswer(row["id"], text, FirstFailure(row["id"], broke) if broke else None)
            key = row["group"], check
            if key not in found or answer.shows() > found[key].shows():
                found[key] = answer
    return found


def _unpaired(pairs: Pairs, names: tuple[str, str]) -> Iterator[str]:
    for name, (groups, rows), (_, others) in zip(names, pairs.sides, reversed(pairs.sides), strict=True):
        only = [row for row, other in zip(rows, others, strict=True) if other == NONE]
        if only:
            shown = ", ".join(groups.ids[row] for row in only[:3])
            more = f" and {len(only) - 3} more" if len(only) > 3 else ""
            yield f"only in {name}: {shown}{more}"


def _sides(two: Sequence[Any]) -> dict[str, Any]:
    return {"reference": two[0], "candidate": two[1]}


def _heard(each: Heard) -> dict[str, Json]:
    return dict(zip(("mode", "recorded_from", "simulated"), each, strict=True))


def _cell(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "suite": pair.suite,
        "case": pair.side.case,
        "axes": dict(pair.side.axes),
        "reference": _side(pair.reference),
        "candidate": _side(pair.candidate),
    }


def _side(group: Group | None) -> dict[str, Any] | None:
    if group is None:
        return None
    return {**group.row(), "target": group.target, "flaky": group.flaky, "measures": group.typicals()}
