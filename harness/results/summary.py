"""Rows -> groups, totals, disagreements of unary and stream, and the exit code of a run.

The verdict that counts is that of a group (case x target x axes) over its attempts, by the case's ``require``. A `Summary`
takes one row at a time. It keeps counters, the values of measures and the first mismatch of each failed group, not the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING

from msgspec import Struct

from harness.model import Status
from harness.results.groups import (
    AnswerSource,
    Attempt,
    Group,
    Groups,
    OutcomeCount,
    attempt_outcome,
    settings,
    trouble,
)
from harness.results.rows import CostRow, OutcomeRow, PlaceRow, Row, VerdictRow

if TYPE_CHECKING:
    from harness.results.fast_decode import PassedRow

STATUSES: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
TRANSPORT_CHECKS = frozenset({"stream", "latency", "ttft"})
"""Checks on which unary and stream may differ."""


class Summary:
    """What the tables and the exit code need. Its size grows with the groups, not with attempts or the length of answers.

    ``like``: the summary of a similar run. Equal values are shared with it, to save memory.
    """

    def __init__(self, like: Summary | None = None) -> None:
        self.groups: Groups = Groups(like.groups if like is not None else None)
        self.warnings: Counter[str] = Counter()
        self.waived: dict[str, Counter[str]] = {}
        self._outcomes: dict[Attempt, OutcomeCount] = {}
        self._unpaired: dict[tuple[str, ...], _TwinAnswer] = {}
        """The answer of one transport, until the other is there."""

    def add(self, row: Row) -> int:
        """Add a row. Returns the number of its group."""
        at = self.groups.at(row["group"])
        if at is None:
            place = _place(row["place"]["file"], row["place"]["line"])
            at = self.groups.begin(row["group"], row["case"], settings(row), place)
        if (failure := trouble(row)) is not None:
            self.groups.remember(at, failure)
        for verdict in row["verdicts"]:
            self._note(verdict)
        self.groups.add(at, self._outcome_count(attempt_outcome(row)), row["measures"])
        if row["agree"] and row["outcome"] is not None:
            text = row["agree"] == "text"
            self._pair(
                at, row["attempt"], _twin_answer(at, row["outcome"], _broken(row["verdicts"]), text=text), text=text
            )
        return at

    def add_passed(self, row: PassedRow) -> int:
        """As ``add``, but faster. Raises ValueError, before it changes anything, if the row holds values of a wrong type."""
        outcome = row.answer() if row.agree else None
        at = self.groups.at(row.group)
        if at is None:
            at = self.groups.begin(row.group, row.case, row.settings(), _place(row.place.file, row.place.line))
        self.groups.add(at, self._outcome_count(row.attempt_outcome()), row.measures)
        if outcome is not None:
            text = row.agree == "text"
            self._pair(at, row.attempt, _twin_answer(at, outcome, _NONE_BROKE, text=text), text=text)
        return at

    def _outcome_count(self, attempt: Attempt) -> OutcomeCount:
        return self._outcomes.get(attempt) or self._outcomes.setdefault(attempt, OutcomeCount(attempt))

    def _note(self, verdict: VerdictRow) -> None:
        if verdict["status"] == "waived":
            self.waived.setdefault(verdict["check"], Counter())[verdict["message"]] += 1
        elif verdict["severity"] == "warn" and verdict["status"] == "failed":
            self.warnings[verdict["check"]] += 1

    @property
    def trials(self) -> int:
        return sum(outcome.times for outcome in self._outcomes.values())

    @property
    def provenance(self) -> dict[AnswerSource, list[str]]:
        """Where answers came from -> the first and the last day of recording; empty if unknown."""
        days: dict[AnswerSource, set[str]] = {}
        for origin in (attempt.origin for attempt in self._outcomes):
            if origin is not None:
                days.setdefault(origin.source, set()).update([origin.day] if origin.day else [])
        return {source: [min(known), max(known)] if known else [] for source, known in days.items()}

    @property
    def lost_timing(self) -> int:
        """The number of answers from recordings without times."""
        origins = ((attempt.origin, count.times) for attempt, count in self._outcomes.items() if attempt.origin)
        return sum(times for origin, times in origins if origin.timing == "lost" and origin.source[0] == "replay")

    @property
    def unpriced(self) -> Counter[str]:
        """Why the cost of a trial is not known -> number of trials."""
        found: Counter[str] = Counter()
        for attempt, count in self._outcomes.items():
            if attempt.unpriced is not None:
                found[attempt.unpriced] += count.times
        return found

    def _pair(self, at: int, attempt: int, own: _TwinAnswer, *, text: bool) -> None:
        """Compare unary and stream of one attempt, once both are there. ``text``: whether their texts must agree."""
        group = Group(self.groups, at)
        axes = tuple(f"{name}={value}" for name, value in group.axes.items() if name != "transport")
        key = (group.suite, group.case, group.target, *axes, str(attempt))
        twin = self._unpaired.pop(key, None)
        if twin is None or twin.group == own.group:
            self._unpaired[key] = own
            return
        unary, stream = (twin, own) if group.axes.get("transport") == "stream" else (own, twin)
        self.groups.pair(stream.group, next(_disagreements(unary, stream, text=text), None))

    def totals(self) -> dict[Status, int]:
        """The number of groups by status."""
        counts = Counter(group.status for group in self.groups.values())
        return {status: counts[status] for status in STATUSES}

    def cost(self, prices: str | None = None) -> CostRow:
        """The cost of all trials. ``prices`` names the price list that was used."""
        paid = [known.total for group in self.groups.values() if (known := group.measured("cost_usd")).size]
        return {
            "usd": round(sum(paid), 12) if paid else None,
            "unknown": self.unpriced.total(),
            "why": dict(self.unpriced),
            "prices": prices,
        }

    def exit_code(self, *, interrupted: bool = False, by_rate: Container[str] = ()) -> int:
        """The first exit code that applies, in this order: 2 interrupted, 3 internal error, 4 faulty suite, 1 failed, 6 not
        judged, 5 if no trial ran, 0 passed.

        ``by_rate``: the suites with a gate on the pass rate. Groups of these that only lack passed attempts do not fail the run.
        """
        unjudged = {kind for group in self.groups.values() if group.status == "error" for kind in group.tally.problems}
        totals = self.totals()
        if interrupted:
            return 2
        if "internal" in unjudged:
            return 3
        if "suite" in unjudged:
            return 4
        forgiven = sum(group.failed_by_rate and group.suite in by_rate for group in self.groups.values())
        if totals["failed"] > forgiven or totals["xpassed"]:
            return 1
        if totals["error"]:
            return 6
        return 0 if any(totals[status] for status in STATUSES if status != "skipped") else 5

    def by_suite(self) -> Iterator[tuple[str, list[Group]]]:
        """Suite and its groups, in the order of the rows."""
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
    """One object for all cases that come from the rows of one file."""
    return {"file": intern(file), "line": line}


class _TwinAnswer(Struct, frozen=True):
    """The answer of one transport: what unary and stream must agree on."""

    group: int
    finish_reason: str | None
    parts: tuple[str, ...]
    text: str
    """The beginning of the text and its hash; empty if texts need not agree."""
    broken: frozenset[str]


_NONE_BROKE: frozenset[str] = frozenset()


def _twin_answer(group: int, outcome: OutcomeRow, broken: frozenset[str], *, text: bool) -> _TwinAnswer:
    excerpt = f"{outcome['text'][:60]!r} {hash(outcome['text'])}" if text else ""
    return _TwinAnswer(group, outcome["finishReason"], tuple(outcome["parts"]), excerpt, broken)


def _disagreements(unary: _TwinAnswer, stream: _TwinAnswer, *, text: bool) -> Iterator[str]:
    if unary.finish_reason != stream.finish_reason:
        yield f"finishReason: {unary.finish_reason} unary, {stream.finish_reason} streamed"
    if unary.parts != stream.parts:
        yield f"parts: {_listed(unary.parts)} unary, {_listed(stream.parts)} streamed"
    if text and unary.text != stream.text:
        whole, streamed = (twin.text.rpartition(" ")[0] for twin in (unary, stream))
        yield f"text: {whole} unary, {streamed} streamed"
    for check in sorted(unary.broken ^ stream.broken):
        whole, streamed = ("fails" if check in twin.broken else "holds" for twin in (unary, stream))
        yield f"{check}: {whole} unary, {streamed} streamed"


def _listed(kinds: Sequence[str]) -> str:
    return " + ".join(kinds) or "none"


def _broken(verdicts: Sequence[VerdictRow]) -> frozenset[str]:
    return frozenset(
        verdict["check"]
        for verdict in verdicts
        if verdict["status"] == "failed"
        and verdict["severity"] == "error"
        and verdict["check"] not in TRANSPORT_CHECKS
        and (not verdict["check"].startswith("invariant:") or verdict["check"].startswith("invariant:json-"))
    )
