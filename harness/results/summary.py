"""Rows -> groups, totals, disagreements of unary and stream, and the exit code of a run.

The verdict that counts is that of a group (case x target x axes) over its attempts, by the case's ``require``. A `Summary`
takes one row at a time. It keeps counters, the values of measures and the first mismatch of each failed group, not the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from sys import intern
from typing import Any

from msgspec import Struct

from harness.errors import first
from harness.model import Provenance, Status, Verdict
from harness.results.groups import AnswerSource, Group, source_of, total_of
from harness.results.measures import Measures
from harness.results.rows import GateRow, OutcomeRow, Row
from harness.text.grouping import grouped

STATUSES: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
TRANSPORT_CHECKS = frozenset({"stream", "latency", "ttft"})
"""Checks on which unary and stream may differ."""


class Summary:
    """What the tables and the exit code need. It keeps no row: its size grows with the groups and the measures of attempts.

    ``groups``: by id, in the order in which they began. ``warnings``: check -> how many. ``waived``: check -> reason -> how many.
    ``trials``: how many there are. ``lost_timing``: how many answers are from recordings without times. ``unpriced``: why the
    cost of a trial is not known -> how many.
    """

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.measures = Measures()
        self.warnings: Counter[str] = Counter()
        self.waived: dict[str, Counter[str]] = {}
        self.trials = 0
        self.lost_timing = 0
        self.unpriced: Counter[str] = Counter()
        self._days: dict[AnswerSource, set[str]] = {}
        self._unpaired: dict[tuple[str, ...], _TwinAnswer] = {}
        """The answer of one transport, until the other is there."""

    def add(self, row: Row) -> None:
        """Add a row."""
        group = self.groups.get(row.group) or self._begin(row)
        group.add(row)
        self.trials += 1
        if row.unpriced is not None:
            self.unpriced[row.unpriced] += 1
        self._note_source(row.provenance)
        for verdict in row.verdicts:
            if verdict.status != "passed":
                self._note(verdict)
        if row.agree and row.outcome is not None:
            self._pair(group, row.attempt, _twin_answer(row.outcome, row))

    def _begin(self, row: Row) -> Group:
        """A new group."""
        group = self.groups[row.group] = Group(
            id=row.group,
            suite=intern(row.suite),
            case=row.case,
            target=intern(row.target),
            axes=row.axes,
            streamed=row.streamed,
            place=row.place,
            require=row.require,
            xfail=row.xfail,
            skip=row.skip,
            at=len(self.groups),
            samples=self.measures,
        )
        return group

    def _note(self, verdict: Verdict) -> None:
        if verdict.status == "waived":
            self.waived.setdefault(verdict.check, Counter())[verdict.message] += 1
        elif verdict.status == "failed" and verdict.severity == "warn":
            self.warnings[verdict.check] += 1

    def _note_source(self, provenance: Provenance | None) -> None:
        source = source_of(provenance)
        if provenance is None or source is None:
            return
        self.lost_timing += provenance.timing == "lost" and provenance.mode == "replay"
        days = self._days.setdefault(source, set())
        if provenance.day:
            days.add(provenance.day)

    @property
    def provenance(self) -> dict[AnswerSource, list[str]]:
        """Where answers came from -> the first and the last day of recording; empty if unknown."""
        return {source: [min(days), max(days)] if days else [] for source, days in self._days.items()}

    def _pair(self, group: Group, attempt: int, answer: _TwinAnswer) -> None:
        """Compare unary and stream of one attempt, once both are there."""
        axes = (f"{name}={value}" for name, value in group.axes.items() if name != "transport")
        key = (group.suite, group.case, group.target, *axes, str(attempt))
        twin = self._unpaired.pop(key, None)
        if twin is None or twin.group == answer.group:
            self._unpaired[key] = answer
            return
        unary, stream = (twin, answer) if group.axes.get("transport") == "stream" else (answer, twin)
        self.groups[stream.group].pair(next(_disagreements(unary, stream), None))

    def totals(self) -> dict[Status, int]:
        """The number of groups by status."""
        counts = Counter(group.status for group in self.groups.values())
        return {status: counts[status] for status in STATUSES}

    def cost(self, prices: str | None = None) -> dict[str, Any]:
        """The cost of all trials. ``usd``: US dollars of the trials with a known cost (None: no such trial). ``unknown``: the number
        of the others. ``why``: reason -> number of trials. ``prices`` names the price list that was used."""
        paid = total_of(self.groups.values(), "cost_usd")
        return {
            "usd": None if paid is None else round(paid, 12),
            "unknown": self.unpriced.total(),
            "why": dict(self.unpriced),
            "prices": prices,
        }

    def exit_code(self, gates: Sequence[GateRow] = (), *, interrupted: bool = False) -> int:
        """The first exit code that applies: see ``errors.first``. 5 if no trial ran, whatever its gates say.

        A gate on the pass rate of a suite, or of all, decides instead of its groups that only lack passed attempts. A gate that was
        not asked changes nothing: in particular, it forgives no failed group.
        """
        totals = self.totals()
        if not interrupted and totals["skipped"] == len(self.groups):
            return 5
        asked = [gate for gate in gates if gate["asked"]]
        rated = {gate["suite"] for gate in asked if gate["name"] == "pass_rate"}
        groups = self.groups.values()
        forgiven = sum(group.failed_by_rate and not rated.isdisjoint((None, group.suite)) for group in groups)
        unjudged = {kind for group in groups if group.status == "error" for kind in group.tally.problems}
        applies = {
            2: interrupted,
            3: "internal" in unjudged,
            4: "suite" in unjudged,
            1: totals["failed"] > forgiven or totals["xpassed"] or any(gate["crossed"] for gate in asked),
            6: totals["error"],
            7: any(gate["crossed"] is None for gate in asked),
        }
        return first([0, *(code for code, found in applies.items() if found)])

    def by_suite(self) -> Iterable[tuple[str, list[Group]]]:
        """Suite and its groups, in the order of the rows."""
        return grouped(self.groups.values(), attrgetter("suite")).items()

    def by_target(self) -> Iterable[tuple[str, list[Group]]]:
        return grouped(self.groups.values(), attrgetter("target")).items()


def summarise(rows: Iterable[Row]) -> Summary:
    summary = Summary()
    for row in rows:
        summary.add(row)
    return summary


class _TwinAnswer(Struct, frozen=True):
    """The answer of one transport: what unary and stream must agree on."""

    group: str
    finish_reason: str | None
    parts: str
    text: str
    """The beginning of the text and its hash; empty if texts need not agree."""
    broken: frozenset[str]


def _twin_answer(outcome: OutcomeRow, row: Row) -> _TwinAnswer:
    excerpt = f"{outcome.text[:60]!r} {hash(outcome.text)}" if row.agree == "text" else ""
    parts = " + ".join(outcome.parts) or "none"
    return _TwinAnswer(row.group, outcome.finishReason, parts, excerpt, _broken(row.verdicts))


def _disagreements(unary: _TwinAnswer, stream: _TwinAnswer) -> Iterator[str]:
    if unary.finish_reason != stream.finish_reason:
        yield f"finishReason: {unary.finish_reason} unary, {stream.finish_reason} streamed"
    if unary.parts != stream.parts:
        yield f"parts: {unary.parts} unary, {stream.parts} streamed"
    if unary.text != stream.text:
        whole, streamed = (twin.text.rpartition(" ")[0] for twin in (unary, stream))
        yield f"text: {whole} unary, {streamed} streamed"
    for check in sorted(unary.broken ^ stream.broken):
        whole, streamed = ("fails" if check in twin.broken else "holds" for twin in (unary, stream))
        yield f"{check}: {whole} unary, {streamed} streamed"


def _broken(verdicts: Sequence[Verdict]) -> frozenset[str]:
    return frozenset(
        verdict.check
        for verdict in verdicts
        if verdict.status == "failed"
        and verdict.severity == "error"
        and verdict.check not in TRANSPORT_CHECKS
        and (not verdict.check.startswith("invariant:") or verdict.check.startswith("invariant:json-"))
    )
