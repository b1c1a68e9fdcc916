"""Rows -> groups, totals, disagreements of unary and stream, and the exit code of a run.

The verdict that counts is a group's (case x target x axes) over its attempts, by the case's ``require``. A `Summary` is
fed one row at a time and keeps counters, the values of measures and the first mismatch of what failed, never the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from harness.model import Status
from harness.results.groups import Attempt, Group, Groups, Heard, OutcomeCount, asked, attempted, trouble
from harness.results.rows import CostRow, OutcomeRow, PlaceRow, Row, VerdictRow

if TYPE_CHECKING:
    from harness.results.fast_decode import PassedRow

STATUSES: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
OF_ONE_TRANSPORT = frozenset({"stream", "latency", "ttft"})
"""Checks that unary and stream need not agree on."""


class Summary:
    """All that the tables and the exit code need, at a size that grows with groups, not with attempts or what was said.

    ``like``: another run of much the same groups, to share their names with.
    """

    def __init__(self, like: Summary | None = None) -> None:
        self.groups: Groups = Groups(like.groups if like is not None else None)
        self.warnings: Counter[str] = Counter()
        self.waived: dict[str, Counter[str]] = {}
        self._ways: dict[Attempt, OutcomeCount] = {}
        self._waiting: dict[tuple[str, ...], _Said] = {}
        """What one of two twins said until the other is there."""

    def add(self, row: Row) -> int:
        """The number of the group that the row is of."""
        at = self.groups.at(row["group"])
        if at is None:
            place = _place(row["place"]["file"], row["place"]["line"])
            at = self.groups.begin(row["group"], row["case"], asked(row), place)
        if (went_wrong := trouble(row)) is not None:
            self.groups.remember(at, went_wrong)
        for verdict in row["verdicts"]:
            self._note(verdict)
        self.groups.add(at, self._way(attempted(row)), row["measures"])
        if row["agree"] and row["outcome"] is not None:
            text = row["agree"] == "text"
            self._pair(at, row["attempt"], _said(at, row["outcome"], _broken(row["verdicts"]), text=text), text=text)
        return at

    def add_passed(self, row: PassedRow) -> int:
        """What ``add`` does, for less. Raises ValueError, and has done nothing, where what the row holds is not what a trial has there."""
        outcome = row.answer() if row.agree else None
        at = self.groups.at(row.group)
        if at is None:
            at = self.groups.begin(row.group, row.case, row.asked(), _place(row.place.file, row.place.line))
        self.groups.add(at, self._way(row.came_out()), row.measures)
        if outcome is not None:
            text = row.agree == "text"
            self._pair(at, row.attempt, _said(at, outcome, _NONE_BROKE, text=text), text=text)
        return at

    def _way(self, attempt: Attempt) -> OutcomeCount:
        return self._ways.get(attempt) or self._ways.setdefault(attempt, OutcomeCount(attempt))

    def _note(self, verdict: VerdictRow) -> None:
        if verdict["status"] == "waived":
            self.waived.setdefault(verdict["check"], Counter())[verdict["message"]] += 1
        elif verdict["severity"] == "warn" and verdict["status"] == "failed":
            self.warnings[verdict["check"]] += 1

    @property
    def trials(self) -> int:
        return sum(way.times for way in self._ways.values())

    @property
    def provenance(self) -> dict[Heard, list[str]]:
        """Where answers came from -> the first and the last day of recording, where known."""
        days: dict[Heard, set[str]] = {}
        for origin in (attempt.origin for attempt in self._ways):
            if origin is not None:
                days.setdefault(origin.heard, set()).update([origin.day] if origin.day else [])
        return {heard: [min(known), max(known)] if known else [] for heard, known in days.items()}

    @property
    def lost_timing(self) -> int:
        """Answers from recordings that do not tell when they came."""
        ways = self._ways.items()
        return sum(way.times for attempt, way in ways if attempt.origin and attempt.origin.timing == "lost")

    @property
    def unpriced(self) -> Counter[str]:
        """Why the cost of a trial is not known -> of how many trials."""
        found: Counter[str] = Counter()
        for attempt, way in self._ways.items():
            if attempt.unpriced is not None:
                found[attempt.unpriced] += way.times
        return found

    def _pair(self, at: int, attempt: int, own: _Said, *, text: bool) -> None:
        """Unary and stream of one attempt, once both are there. ``text``: whether their texts must agree."""
        group = Group(self.groups, at)
        axes = tuple(f"{name}={value}" for name, value in group.axes.items() if name != "transport")
        key = (group.suite, group.case, group.target, *axes, str(attempt))
        twin = self._waiting.pop(key, None)
        if twin is None or twin.group == own.group:
            self._waiting[key] = own
            return
        unary, stream = (twin, own) if group.axes.get("transport") == "stream" else (own, twin)
        self.groups.pair(stream.group, next(_disagreements(unary, stream, text=text), None))

    def totals(self) -> dict[Status, int]:
        """Of groups, by status."""
        counts = Counter(group.status for group in self.groups.values())
        return {status: counts[status] for status in STATUSES}

    def cost(self, prices: str | None = None) -> CostRow:
        """Of all trials; ``prices`` names the price list that was used."""
        paid = [known.total for group in self.groups.values() if (known := group.measured("cost_usd")).size]
        return {
            "usd": round(sum(paid), 12) if paid else None,
            "unknown": self.unpriced.total(),
            "why": dict(self.unpriced),
            "prices": prices,
        }

    def exit_code(self, *, interrupted: bool = False, by_rate: Container[str] = ()) -> int:
        """The first that holds of 2, 3, 4, 1, 6, 5; 0 where something ran and all of it is well.

        ``by_rate``: the suites that are held to a pass rate, so that cells which are short of passed attempts do not count by themselves.
        """
        unjudged = {kind for group in self.groups.values() if group.status == "error" for kind in group.tally.problems}
        totals = self.totals()
        if interrupted:
            return 2
        if "internal" in unjudged:
            return 3
        if "suite" in unjudged:
            return 4
        forgiven = sum(group.outvoted and group.suite in by_rate for group in self.groups.values())
        if totals["failed"] > forgiven or totals["xpassed"]:
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


def summarise(rows: Iterable[Row], like: Summary | None = None) -> Summary:
    summary = Summary(like)
    for row in rows:
        summary.add(row)
    return summary


@lru_cache(maxsize=4096)
def _place(file: str, line: int) -> PlaceRow:
    """Cases that come from rows of a file stand in one place."""
    return {"file": intern(file), "line": line}


class _Said(NamedTuple):
    """What unary and stream must agree on, of one of them."""

    group: int
    finish_reason: str | None
    parts: tuple[str, ...]
    text: str
    """The beginning, and the hash of all: empty where texts need not agree."""
    broken: frozenset[str]


_NONE_BROKE: frozenset[str] = frozenset()


def _said(group: int, outcome: OutcomeRow, broken: frozenset[str], *, text: bool) -> _Said:
    told = f"{outcome['text'][:60]!r} {hash(outcome['text'])}" if text else ""
    return _Said(group, outcome["finishReason"], tuple(outcome["parts"]), told, broken)


def _disagreements(unary: _Said, stream: _Said, *, text: bool) -> Iterator[str]:
    if unary.finish_reason != stream.finish_reason:
        yield f"finishReason: {unary.finish_reason} unary, {stream.finish_reason} streamed"
    if unary.parts != stream.parts:
        yield f"parts: {_listed(unary.parts)} unary, {_listed(stream.parts)} streamed"
    if text and unary.text != stream.text:
        one, other = (twin.text.rpartition(" ")[0] for twin in (unary, stream))
        yield f"text: {one} unary, {other} streamed"
    for check in sorted(unary.broken ^ stream.broken):
        one, other = ("fails" if check in twin.broken else "holds" for twin in (unary, stream))
        yield f"{check}: {one} unary, {other} streamed"


def _listed(kinds: Sequence[str]) -> str:
    return " + ".join(kinds) or "none"


def _broken(verdicts: Sequence[VerdictRow]) -> frozenset[str]:
    return frozenset(
        verdict["check"]
        for verdict in verdicts
        if verdict["status"] == "failed"
        and verdict["severity"] == "error"
        and verdict["check"] not in OF_ONE_TRANSPORT
        and (not verdict["check"].startswith("invariant:") or verdict["check"].startswith("invariant:json-"))
    )
