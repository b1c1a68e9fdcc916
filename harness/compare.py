"""Rows -> groups, totals, disagreements, the exit code of a run; and what differs between two runs or two targets.

The verdict that counts is a group's (case x target x axes) over its attempts, by the case's ``require``. A `Summary` is
fed one row at a time and keeps counters, the values of measures and the first mismatch of what failed, never the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.model import Json, Status
from harness.rows import GroupRow, OutcomeRow, PlaceRow, Row, VerdictRow

STATUSES: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
OF_ONE_TRANSPORT = frozenset({"stream", "latency", "ttft"})
"""Checks that unary and stream need not agree on."""


def median(values: Sequence[float]) -> float:
    """The middle value. (The import of ``statistics`` takes longer than a small run.)"""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@dataclass(slots=True)
class Trouble:
    """The first attempt of a group that went wrong: its first mismatch, or why it could not be judged."""

    trial: str
    verdict: VerdictRow | None
    message: str = ""
    kind: str = ""
    more: int = 0
    """Further mismatches of the same attempt."""


@dataclass(slots=True)
class Group:
    """The attempts at one case on one target with one set of axis values."""

    id: str
    suite: str
    case: str
    target: str
    axes: Mapping[str, Json]
    place: PlaceRow
    streamed: bool = False
    require: int | None = None
    xfail: str | None = None
    skip: str | None = None
    statuses: Counter[Status] = field(default_factory=Counter)
    measures: dict[str, list[float]] = field(default_factory=dict)
    checks: dict[str, list[int]] = field(default_factory=dict)
    """Check -> attempts in which it held, attempts in which it did not."""
    warnings: int = 0
    trouble: Trouble | None = None
    problems: set[str] = field(default_factory=set)
    pairs: int = 0
    """Attempts that had a twin on the other transport, and what those that disagree say."""
    disagreements: list[str] = field(default_factory=list)

    @property
    def attempts(self) -> int:
        """Attempts that were made: the skipped ones are not among them."""
        return self.statuses.total() - self.statuses["skipped"]

    @property
    def passed(self) -> int:
        return self.statuses["passed"] + self.statuses["xpassed"]

    @property
    def needed(self) -> int:
        return self.attempts if self.require is None else min(self.require, self.attempts)

    @property
    def flaky(self) -> bool:
        return 0 < self.passed < self.attempts

    @property
    def agrees(self) -> bool:
        """Unary and stream agreed in as many pairs as ``require`` asks for."""
        wanted = self.pairs if self.require is None else min(self.require, self.pairs)
        return self.pairs - len(self.disagreements) >= wanted

    @property
    def status(self) -> Status:
        """By ``require``. An attempt that could not be judged counts as neither: where it could decide, *error*."""
        if not self.attempts:
            return "skipped"
        judged = self.attempts - self.statuses["error"]
        enough = self.passed >= self.needed and judged > 0
        if not enough and self.passed + self.statuses["error"] >= self.needed:
            return "error"
        if self.xfail is not None:
            return "xpassed" if enough else "xfailed"
        return "passed" if enough and self.agrees else "failed"

    def typical(self, measure: str) -> float | None:
        """The median over the attempts; None where it was never measured.

        Without a stream the first text comes with the last: no ``ttft_s`` or ``gap_s``.
        """
        if measure in ("ttft_s", "gap_s") and not self.streamed:
            return None
        values = self.measures.get(measure)
        return median(values) if values else None

    def row(self) -> GroupRow:
        return {"id": self.id, "status": self.status, "passed": self.passed, "attempts": self.attempts}

    def add(self, row: Row) -> None:
        self.statuses[row["status"]] += 1
        for name, value in row["measures"].items():
            if value is not None:
                self.measures.setdefault(name, []).append(value)
        self._judge(row["verdicts"])
        if row["error"] is not None:
            self.problems.add(row["error"]["kind"])
        if self.trouble is None:
            self.trouble = _trouble(row)

    def _judge(self, verdicts: Sequence[VerdictRow]) -> None:
        broken: dict[str, bool] = {}
        for verdict in verdicts:
            fails = verdict["status"] in ("failed", "error")
            if fails and verdict["severity"] == "warn":
                self.warnings += 1
            elif verdict["status"] != "waived":
                broken[verdict["check"]] = broken.get(verdict["check"], False) or fails
        for check, fails in broken.items():
            self.checks.setdefault(check, [0, 0])[fails] += 1


class Summary:
    """All that the tables and the exit code need, at a size that grows with groups, not with what was said."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.trials = 0
        self.warnings: Counter[str] = Counter()
        self.waived: dict[str, Counter[str]] = {}
        self.provenance: dict[tuple[str, str, bool], list[str]] = {}
        """(mode, recorded from, simulated) -> the first and the last date of recording, where known."""
        self.lost_timing = 0
        self._waiting: dict[tuple[str, ...], Row] = {}

    def add(self, row: Row) -> None:
        self.trials += 1
        group = self.groups.get(row["group"])
        if group is None:
            group = self.groups[row["group"]] = _group(row)
        group.add(row)
        for verdict in row["verdicts"]:
            self._note(verdict)
        self._hear(row)
        if row["agree"] and row["outcome"] is not None:
            self._pair(row)

    def _note(self, verdict: VerdictRow) -> None:
        if verdict["status"] == "waived":
            self.waived.setdefault(verdict["check"], Counter())[verdict["message"]] += 1
        elif verdict["severity"] == "warn" and verdict["status"] == "failed":
            self.warnings[verdict["check"]] += 1

    def _hear(self, row: Row) -> None:
        heard = row["provenance"]
        if heard is None:
            return
        self.lost_timing += heard["timing"] == "lost"
        dates = self.provenance.setdefault((heard["mode"], heard["recorded_from"], heard["simulated"]), [])
        if heard["recorded_at"]:
            date = heard["recorded_at"][:10]
            dates[:] = [min([date, *dates]), max([date, *dates])]

    def _pair(self, row: Row) -> None:
        axes = tuple(f"{name}={value}" for name, value in row["axes"].items() if name != "transport")
        key = (row["suite"], row["case"], row["target"], *axes, str(row["attempt"]))
        twin = self._waiting.pop(key, None)
        if twin is None or twin["group"] == row["group"]:
            self._waiting[key] = _kept(row)
            return
        unary, stream = (twin, row) if row["axes"].get("transport") == "stream" else (row, twin)
        group = self.groups[stream["group"]]
        group.pairs += 1
        said = next(_disagreements(unary, stream), None)
        if said is not None:
            group.disagreements.append(said)

    def totals(self) -> dict[Status, int]:
        """Of groups, by status."""
        counts = Counter(group.status for group in self.groups.values())
        return {status: counts[status] for status in STATUSES}

    def exit_code(self, *, interrupted: bool = False) -> int:
        """The first that holds of 2, 3, 4, 1, 6, 5; 0 where something ran and all of it is well."""
        unjudged = {kind for group in self.groups.values() if group.status == "error" for kind in group.problems}
        totals = self.totals()
        if interrupted:
            return 2
        if "internal" in unjudged:
            return 3
        if "suite" in unjudged:
            return 4
        if totals["failed"] or totals["xpassed"]:
            return 1
        if totals["error"]:
            return 6
        return 0 if any(totals[status] for status in STATUSES if status != "skipped") else 5

    def by_suite(self) -> Iterator[tuple[str, list[Group]]]:
        """The groups of each suite, in the order in which they were first met."""
        suites: dict[str, list[Group]] = {}
        for group in self.groups.values():
            suites.setdefault(group.suite, []).append(group)
        yield from suites.items()

    def by_target(self) -> Iterator[tuple[str, list[Group]]]:
        targets: dict[str, list[Group]] = {}
        for group in self.groups.values():
            targets.setdefault(group.target, []).append(group)
        yield from targets.items()


def summarise(rows: Iterable[Row]) -> Summary:
    summary = Summary()
    for row in rows:
        summary.add(row)
    return summary


def _group(row: Row) -> Group:
    return Group(
        id=row["group"],
        suite=row["suite"],
        case=row["case"],
        target=row["target"],
        axes=row["axes"],
        place=row["place"],
        streamed=row["streamed"],
        require=row["require"],
        xfail=row["xfail"],
        skip=row["skip"],
    )


def _trouble(row: Row) -> Trouble | None:
    if row["error"] is not None:
        return Trouble(row["id"], None, row["error"]["message"], row["error"]["kind"])
    if row["status"] not in ("failed", "xfailed", "error"):
        return None
    wrong = [each for each in row["verdicts"] if each["status"] in ("failed", "error")]
    wrong.sort(key=lambda each: each["severity"] == "warn")
    if not wrong:
        return Trouble(row["id"], None, "no check says why")
    return Trouble(row["id"], wrong[0], more=len(wrong) - 1)


def _kept(row: Row) -> Row:
    return {key: row[key] for key in ("group", "axes", "verdicts", "outcome", "agree")}  # type: ignore[return-value]


def _disagreements(unary: Row, stream: Row) -> Iterator[str]:
    one, other = unary["outcome"], stream["outcome"]
    if one is None or other is None:
        return
    yield from _shapes(one, other, text=unary["agree"] == "text")
    mine, theirs = _broken(unary["verdicts"]), _broken(stream["verdicts"])
    for check in sorted(mine ^ theirs):
        yield f"{check}: {'fails' if check in mine else 'holds'} unary, {'fails' if check in theirs else 'holds'} streamed"


def _shapes(one: OutcomeRow, other: OutcomeRow, *, text: bool) -> Iterator[str]:
    if one["finishReason"] != other["finishReason"]:
        yield f"finishReason: {one['finishReason']} unary, {other['finishReason']} streamed"
    if one["parts"] != other["parts"]:
        yield f"parts: {_listed(one['parts'])} unary, {_listed(other['parts'])} streamed"
    if text and one["text"] != other["text"]:
        yield f"text: {one['text'][:60]!r} unary, {other['text'][:60]!r} streamed"


def _listed(kinds: Sequence[str]) -> str:
    return " + ".join(kinds) or "none"


def _broken(verdicts: Sequence[VerdictRow]) -> frozenset[str]:
    return frozenset(
        each["check"]
        for each in verdicts
        if each["status"] == "failed"
        and each["severity"] == "error"
        and each["check"] not in OF_ONE_TRANSPORT
        and (not each["check"].startswith("invariant:") or each["check"].startswith("invariant:json-"))
    )


# --- two runs, or two targets of one run --------------------------------------------------------------


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
