"""Compares two runs, or values of an axis of one run with one of them: paired cells, checks that flip, verdicts on measures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.compare.conclusion import Break, Conclusion, breaks, conclude
from harness.compare.noise import note
from harness.compare.pairs import Pair, Pairs
from harness.compare.verdicts import Criteria, corrected, differences, faults, overall, verdict_row
from harness.model import Place
from harness.results.groups import AnswerSource, FirstFailure, Group, Tally
from harness.results.rows import RowsOf, RunRow
from harness.results.summary import Summary
from harness.suite.axes import short_label
from harness.text.amounts import count, some
from harness.text.grouping import grouped

if TYPE_CHECKING:
    from harness.compare.gates.gate import GateResult
    from harness.compare.stats.evidence import Scope
    from harness.compare.stats.verdict import Difference


@dataclass(frozen=True, slots=True)
class Flip:
    """A check, or the whole cell (``status``), whose result differs between the two sides.

    ``answers``: the answer texts of the reference and of the candidate, None where unknown; see ``read_answers``.
    """

    id: str
    suite: str
    check: str
    before: str
    after: str
    place: Place
    trouble: FirstFailure | None = None
    groups: tuple[str, str] = ("", "")
    """The ids of the cell on the two sides."""
    answers: tuple[str | None, str | None] = (None, None)
    trials: tuple[str | None, str | None] = (None, None)
    """The ids of the trials that the answers come from."""

    @property
    def gain(self) -> int:
        """Below 0 where the candidate passes less often, above 0 where more often; 0 where one side did not judge the check."""
        states = ("failed", "flaky", "passed")
        known = self.before in states and self.after in states
        return states.index(self.after) - states.index(self.before) if known else 0

    @property
    def worse(self) -> bool:
        """Whether the candidate passes less often, or fails a check that was not judged on the reference."""
        return self.gain < 0 or (self.before == "not judged" and self.after in ("failed", "flaky"))

    def to_json(self) -> dict[str, Any]:
        row = {"id": self.id, "check": self.check, "from": self.before, "to": self.after}
        return {**row, "answers": _by_side(self.answers), "trials": _by_side(self.trials)}


Source = tuple[RunRow, RowsOf]
"""The run that a side belongs to, and how to read its rows."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two sides.

    ``reference`` and ``candidate`` name the sides; ``provenance``: the sources of the answers of each side.
    """

    reference: str
    candidate: str
    pairs: Pairs
    flips: Sequence[Flip]
    differences: Sequence[Difference]
    breaks: Sequence[Break] = ()
    notes: Sequence[str] = ()
    gates: Sequence[GateResult] = ()
    provenance: tuple[Sequence[AnswerSource], Sequence[AnswerSource]] = ((), ())
    sources: tuple[Source, Source] | None = None
    """The saved runs of both sides, from which answers can be read; None if they are not saved."""
    command: str = "gemini-harness compare BASE CANDIDATE"
    """The command that repeats this comparison, without ``--format``."""
    axis: str | None = None
    """The axis whose values are the sides; None where two runs are compared as they are."""
    same_answers: bool = False
    """Both sides judge the same answers. Then nothing is left to chance, and there are no ``differences``."""

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """This one: a report on several candidates has more, see `Comparisons`."""
        return [self]

    @property
    def runs(self) -> tuple[str | None, str | None]:
        """The ids of the two runs; the same id twice where two values of an axis of one run are compared."""
        return (None, None) if self.sources is None else (self.sources[0][0]["id"], self.sources[1][0]["id"])

    @property
    def simulated(self) -> bool:
        """Whether any answer was the simulator's."""
        return any(simulated for side in self.provenance for _, _, simulated in side)

    @property
    def overall(self) -> dict[str, Difference]:
        """Measure -> the verdict on it over all suites."""
        return overall(self.differences)

    @property
    def paired(self) -> Pairs:
        return self.pairs.both

    @property
    def judged(self) -> bool:
        """Whether any cell was judged on both sides."""
        return any(before.judged and after.judged for before, after in zip(*self.paired.sides, strict=True))

    @property
    def conclusion(self) -> Conclusion:
        """The bottom line. It counts the cells of the reference that the candidate does not have."""
        found = conclude(self.paired, self.differences, self.breaks)
        reference = len(self.pairs.sides[0])
        missing = reference - len(self.paired)
        if not missing or not self.paired:
            return found
        return found._replace(message=f"{found.message}; the candidate lacks {missing:,} of {count(reference, 'cell')}")

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``. Long lists are iterators, so that they are never in memory as a whole."""
        keys = ("mode", "recorded_from", "simulated")
        return {
            "version": 1,
            "reference": self.reference,
            "candidate": self.candidate,
            "runs": _by_side(self.runs),
            "provenance": _by_side([[dict(zip(keys, one, strict=True)) for one in side] for side in self.provenance]),
            "bottom_line": self.conclusion._asdict(),
            "cells": (_cell_row(pair) for pair in self.pairs),
            "flips": map(Flip.to_json, read_answers(self.flips, self.sources)),
            "verdicts": list(map(verdict_row, self.differences)),
            "breaks": [broken._asdict() | {"message": str(broken)} for broken in self.breaks],
            "gates": [result.to_json() for result in self.gates],
            "notes": list(self.notes),
        }


ANSWER = 1_000
"""Characters of an answer that a flip keeps."""
Key = tuple[str, ...]
Values = Mapping[str, Mapping[Key, Group]]
"""A value of an axis -> its cells, by suite, case and the values of the other axes."""
DEFAULT = Criteria()


def compare_runs(base: Summary, candidate: Summary, names: tuple[str, str], criteria: Criteria = DEFAULT) -> Comparison:
    """Pair the cells of two runs by case, target and axes."""
    sides = ({_full_key(group): group for group in run.groups.values()} for run in (base, candidate))
    return _compare(_paired(*sides), names, criteria)


def compare_axis(
    summary: Summary, axis: str, reference: str, candidate: str, criteria: Criteria = DEFAULT
) -> Comparison:
    """Pair the cells of one run that differ only in the value of ``axis``. Values are spelled as ``by_value`` spells them."""
    cells = by_value(summary, axis)
    return compare_sides((cells.get(reference, {}), cells.get(candidate, {})), axis, (reference, candidate), criteria)


def compare_sides(
    cells: tuple[Mapping[Key, Group], Mapping[Key, Group]],
    axis: str,
    values: tuple[str, str],
    criteria: Criteria = DEFAULT,
) -> Comparison:
    """Pair the cells of one value of ``axis`` with those of another, which may be of another run; see ``by_value``."""
    before, after = values if axis == "target" else (f"{axis}={value}" for value in values)
    return _compare(_paired(*cells), (before, after), criteria, axis)


def by_value(summary: Summary, axis: str) -> Values:
    """The cells of a run by their value of an axis, as ids spell it. ``target``, ``model`` and ``provider`` are axes too."""
    also = _fixed_by(axis)
    found: dict[str, dict[Key, Group]] = {}
    for group in summary.groups.values():
        where = _coordinates(group)
        if value := where.get(axis):
            rest = [f"{name}={value}" for name, value in where.items() if name not in also]
            found.setdefault(value, {})[group.suite, group.case, *rest] = group
    return found


def _fixed_by(axis: str) -> Set[str]:
    """The axes that do not tell the cells of one value of ``axis`` from those of another."""
    return {axis} | {"target": {"provider", "model"}}.get(axis, {"target"})


def reference_first(cells: Values) -> list[str]:
    """The values, with the reference first: the value that shares the most cells with the others; of equals, the first."""
    asked = Counter(key for groups in cells.values() for key in groups)
    reference = max(cells, key=lambda value: sum(asked[key] - 1 for key in cells[value]), default=None)
    return sorted(cells, key=lambda value: value != reference)


def _coordinates(group: Group) -> dict[str, str]:
    """The value of a cell on every axis."""
    provider, _, model = group.target.partition("/")
    swept = {name: short_label(name, value) for name, value in group.axes.items()}
    return {"target": group.target, "provider": provider, "model": model, **swept}


def _full_key(group: Group) -> Key:
    return (group.suite, group.case, *(f"{name}={value}" for name, value in group.axes.items()), group.target)


def _paired(reference: Mapping[Key, Group], candidate: Mapping[Key, Group]) -> Pairs:
    """The pairs in the order of the reference, then what only the candidate has."""
    return Pairs([Pair(reference.get(key), candidate.get(key)) for key in dict.fromkeys(chain(reference, candidate))])


def why_apart(comparison: Comparison) -> tuple[str, list[str]]:
    """Why the sides have no cell in common, and the axes, other than the compared one, on which they share no value."""
    before, after = comparison.pairs.sides
    cases = {(group.suite, group.case) for group in before} & {(group.suite, group.case) for group in after}
    if not cases:
        return "the two sides have no case in common", []
    values = [_axis_values(group for group in side if (group.suite, group.case) in cases) for side in (before, after)]
    compared = _fixed_by(comparison.axis) if comparison.axis else {"provider", "model"}
    known = sorted((values[0].keys() | values[1].keys()) - compared)
    names = [name for name in known if values[0][name].isdisjoint(values[1][name])]
    here, there = ({name: " or ".join(sorted(side[name])) for name in names} for side in values)
    differing = "; ".join(f"{name} is {here[name]} on one side, {there[name]} on the other" for name in names)
    why = f"the two sides have {count(len(cases), 'case')} in common, but no cell{': ' * bool(names)}{differing}"
    return why, names


def _axis_values(groups: Iterable[Group]) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group in groups:
        for name, value in _coordinates(group).items():
            found[name].add(value)
    return found


def default_scope(pairs: Pairs) -> Scope:
    """*Cases like these* where the sides are different models: a choice of a model is about cases to come. Else *these cases*."""
    targets = {(before.target, after.target) for before, after in zip(*pairs.sides, strict=True)}
    differ = any(one.partition("/")[2] != other.partition("/")[2] for one, other in targets)
    return "cases like these" if differ else "these cases"


def _compare(pairs: Pairs, names: tuple[str, str], criteria: Criteria, axis: str | None = None) -> Comparison:
    return Comparison(
        reference=names[0],
        candidate=names[1],
        pairs=pairs,
        flips=list(_flips(pairs.both)),
        differences=differences(pairs.both, replace(criteria, scope=criteria.scope or default_scope(pairs.both))),
        breaks=breaks(pairs.both),
        notes=[
            *_unpaired(pairs, names),
            *(fault for side, name in zip(pairs.both.sides, names, strict=True) for fault in faults(side, name)),
            *note([group.tally for group in pairs.both.sides[0]], names[0]),
        ],
        provenance=(_provenance(pairs.sides[0]), _provenance(pairs.sides[1])),
        axis=axis,
    )


def compares_itself(comparison: Comparison) -> bool:
    """Whether both sides, which are of one run, are the same cells of it."""
    return all(before is not None and after is not None and before.id == after.id for before, after in comparison.pairs)


def replays_the_same(comparison: Comparison) -> bool:
    """Whether both sides replay recordings, and every number of them is equal, times included: so the recordings are the same."""
    if any(mode == "live" for side in comparison.provenance for mode, _, _ in side):
        return False
    numbers = {measure: one.evidence for measure, one in comparison.overall.items() if measure != "pass_rate"}
    return "latency_s" in numbers and all(seen.constant and not seen.change for seen in numbers.values())


def _provenance(groups: Sequence[Group]) -> Sequence[AnswerSource]:
    return sorted(frozenset[AnswerSource]().union(*{group.tally.sources for group in groups}))


def _flips(cells: Pairs) -> Iterator[Flip]:
    for reference, candidate in zip(*cells.sides, strict=True):
        if _judging(reference) == _judging(candidate):
            continue
        changed = _changed_checks(reference.tally, candidate.tally)
        if not changed and reference.status != candidate.status:
            changed = (("status", reference.status, candidate.status),)
        for check, was, now in changed:
            yield Flip(
                candidate.id,
                candidate.suite,
                check,
                was,
                now,
                candidate.place,
                _failure_of(candidate, check),
                (reference.id, candidate.id),
            )


_judging = attrgetter("tally", "require", "xfail")
"""Equal cells share one tally object, so comparing them is fast."""


def _failure_of(group: Group, check: str) -> FirstFailure | None:
    """The first failure of that check, if the group kept it. For ``status`` also a disagreement of unary and stream."""
    known = group.trouble
    if known is None and check == "status" and not group.agrees:
        return FirstFailure("", None, f"unary and stream disagree: {group.disagreement}")
    about_check = known is not None and (known.verdict is None or check in ("status", known.verdict.check))
    return known if about_check else None


@lru_cache(maxsize=1024)
def _changed_checks(before: Tally, after: Tally) -> tuple[tuple[str, str, str], ...]:
    """(check, state before, state after) for each check whose state differs."""
    checks = dict.fromkeys(check for tally in (before, after) for check, _, _ in tally.checks)
    states = ((check, _state(before, check), _state(after, check)) for check in checks)
    return tuple(state for state in states if state[1] != state[2])


def _state(tally: Tally, check: str) -> str:
    """``passed``, ``failed``, ``flaky`` or ``not judged``."""
    held, broke = tally.outcome(check)
    if held and broke:
        return "flaky"
    if not held and not broke:
        return "not judged"
    return "failed" if broke else "passed"


def read_answers(flips: Sequence[Flip], sources: tuple[Source, Source] | None) -> Iterator[Flip]:
    """The flips with the answers of both sides, read from disk once the first is asked for.

    Where the check failed, the answer is that of the first attempt that failed it.
    """
    if sources is None:
        yield from flips
        return
    sides = [_answers({(flip.groups[at], flip.check) for flip in flips}, rows) for at, (_, rows) in enumerate(sources)]
    for flip in flips:
        was, now = (side.get((name, flip.check), _NO_ANSWER) for side, name in zip(sides, flip.groups, strict=True))
        answers, trials = (was.text, now.text), (was.trial, now.trial)
        yield replace(flip, answers=answers, trials=trials, trouble=now.trouble or flip.trouble)


class _FlipAnswer(NamedTuple):
    """The trial that shows best how a check came out, its answer text, and its failure; None where there is none."""

    trial: str | None
    text: str | None = None
    trouble: FirstFailure | None = None

    def evidence_rank(self) -> tuple[bool, bool]:
        return self.trouble is not None, self.text is not None


_NO_ANSWER = _FlipAnswer(None)


def _answers(wanted: set[tuple[str, str]], rows: RowsOf) -> dict[tuple[str, str], _FlipAnswer]:
    """(group, check) -> the trial to show. Trials with a failure come first, then those with a text."""
    checks = {group: [check for _, check in same] for group, same in grouped(wanted, itemgetter(0)).items()}
    found: dict[tuple[str, str], _FlipAnswer] = {}
    for row in rows(checks) if checks else ():
        text = row.outcome.text[:ANSWER] if row.outcome else None
        for check in checks[row.group]:
            broke = next(
                (one for one in row.verdicts if one.check == check and one.status in ("failed", "error")), None
            )
            answer = _FlipAnswer(row.id, text, FirstFailure(row.id, broke) if broke else None)
            key = row.group, check
            if key not in found or answer.evidence_rank() > found[key].evidence_rank():
                found[key] = answer
    return found


def _unpaired(pairs: Pairs, names: tuple[str, str]) -> Iterator[str]:
    for at, name in enumerate(names):
        only = [pair.id for pair in pairs if pair[1 - at] is None]
        if only:
            yield f"only in {name}: {some(only)}"


def _by_side(two: Sequence[Any]) -> dict[str, Any]:
    return {"reference": two[0], "candidate": two[1]}


def _cell_row(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "suite": pair.suite,
        "case": pair.side.case,
        "axes": dict(pair.side.axes),
        "reference": _side_row(pair.reference),
        "candidate": _side_row(pair.candidate),
    }


def _side_row(group: Group | None) -> dict[str, Any] | None:
    if group is None:
        return None
    return {**group.row(), "target": group.target, "flaky": group.flaky, "measures": group.typicals()}


# --- several candidates ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Several candidates against one reference.

    ``comparisons``: one per candidate, in the order of the run. ``notes``: the notes that all comparisons share; each
    comparison keeps its other notes.
    """

    axis: str
    reference: str
    comparisons: Sequence[Comparison]
    notes: Sequence[str] = ()

    @property
    def simulated(self) -> bool:
        return any(comparison.simulated for comparison in self.comparisons)

    @property
    def corrected_for(self) -> int:
        """How many verdicts on pass rates the correction counts: those that can be significant at all."""
        rates = [comparison.overall.get("pass_rate") for comparison in self.comparisons]
        return max((rate.comparisons for rate in rates if rate), default=0)

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``. Each of its comparisons is a document of two sides."""
        return {
            "version": 1,
            "axis": self.axis,
            "reference": self.reference,
            "candidates": [comparison.candidate for comparison in self.comparisons],
            "corrected_for": self.corrected_for,
            "notes": list(self.notes),
            "comparisons": (comparison.to_json() for comparison in self.comparisons),
        }


def combine(axis: str, comparisons: Sequence[Comparison]) -> Comparisons:
    """Comparisons with one reference as one report.

    The verdicts are corrected for all comparisons together. Notes that all of them share appear once.
    """
    found = corrected([comparison.differences for comparison in comparisons])
    common = [note for note in comparisons[0].notes if all(note in comparison.notes for comparison in comparisons)]
    return Comparisons(
        axis=axis,
        reference=comparisons[0].reference,
        comparisons=[
            replace(comparison, differences=some, notes=[note for note in comparison.notes if note not in common])
            for comparison, some in zip(comparisons, found, strict=True)
        ],
        notes=common,
    )
