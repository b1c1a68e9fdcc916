"""Rows -> groups, totals, disagreements of unary and stream, and the exit code of a run.

The verdict that counts is a group's (case x target x axes) over its attempts, by the case's ``require``. A `Summary` is
fed one row at a time and keeps counters, the values of measures and the first mismatch of what failed, never the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from harness import spread
from harness.model import Json, Status
from harness.rows import CostRow, GroupRow, OutcomeRow, PlaceRow, Row, VerdictRow
from harness.spread import Column, Measures, Moments, Shared, middle

if TYPE_CHECKING:
    from harness.passed import Broken, Passed

STATUSES: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
OF_ONE_TRANSPORT = frozenset({"stream", "latency", "ttft"})
"""Checks that unary and stream need not agree on."""

Heard = tuple[str, str, bool]
"""Where an answer came from: mode (live, replay), recorded from, simulated."""
_OF_A_STREAM = frozenset({"ttft_s", "gap_s"})
Checks = tuple[tuple[str, int, int], ...]
"""Checks, each with the attempts in which it held and in which it did not."""
_NO_AXES: Mapping[str, Json] = {}
"""Shared: there may be a hundred thousand groups, so they are kept small, and names in them are interned."""


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
    measures: Measures
    streamed: bool = False
    require: int | None = None
    xfail: str | None = None
    skip: str | None = None
    attempts: int = 0
    """Attempts that were made: the skipped ones are not among them."""
    skipped: int = 0
    passed: int = 0
    unjudged: int = 0
    """Attempts that could not be judged."""
    checks: Checks = ()
    warnings: int = 0
    unpriced: int = 0
    """Answered attempts whose cost is not known."""
    heard: frozenset[Heard] = frozenset()
    trouble: Trouble | None = None
    problems: frozenset[str] = frozenset()
    pairs: int = 0
    """Attempts that had a twin on the other transport, how many of them disagree, and what the first of those says."""
    disagreed: int = 0
    disagreement: str = ""

    @property
    def judged(self) -> int:
        """Attempts that could be judged."""
        return self.attempts - self.unjudged

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
        return self.pairs - self.disagreed >= wanted

    @property
    def status(self) -> Status:
        """By ``require``. An attempt that could not be judged counts as neither: where it could decide, *error*."""
        if not self.attempts:
            return "skipped"
        enough = self.passed >= self.needed and self.judged > 0
        if not enough and self.passed + self.unjudged >= self.needed:
            return "error"
        if self.xfail is not None:
            return "xpassed" if enough else "xfailed"
        return "passed" if enough and self.agrees else "failed"

    @property
    def outvoted(self) -> bool:
        """Failed for want of attempts that passed, and for nothing else."""
        return self.status == "failed" and self.agrees

    def typical(self, measure: str) -> float | None:
        """The median over the attempts; None where it was never measured.

        Without a stream the first text comes with the last: no ``ttft_s`` or ``gap_s``.
        """
        return middle(lambda: self.values(measure))

    def typicals(self) -> dict[str, float]:
        """``typical`` of every measure that was."""
        middles = self.measures.middles()
        return middles if self.streamed else {name: each for name, each in middles.items() if name not in _OF_A_STREAM}

    def values(self, measure: str) -> Iterable[float]:
        """Attempt by attempt, as far as they mean something (see ``typical``)."""
        return self.measures.values(measure) if self._means(measure) else ()

    def measured(self, measure: str) -> Moments:
        """Count, mean and noise over the attempts, as far as they mean something (see ``typical``)."""
        return self.measures.moments(measure) if self._means(measure) else Moments()

    def _means(self, measure: str) -> bool:
        return self.streamed or measure not in _OF_A_STREAM

    @property
    def cost(self) -> float | None:
        """Dollars of all attempts; None where that of any is not known."""
        paid = self.measures.moments("cost_usd")
        return None if self.unpriced or not paid.size else round(paid.total, 12)

    def row(self) -> GroupRow:
        return {
            "id": self.id,
            "status": self.status,
            "passed": self.passed,
            "attempts": self.attempts,
            "cost_usd": self.cost,
        }

    def add(self, row: Row) -> None:
        status = row["status"]
        self.attempts += status != "skipped"
        self.skipped += status == "skipped"
        self.passed += status in ("passed", "xpassed")
        self.unjudged += status == "error"
        self.measures.add(row["measures"])
        self.unpriced += "unpriced" in row
        self._judge(row["verdicts"])
        if row["error"] is not None:
            self.problems |= {row["error"]["kind"]}
        if (heard := row["provenance"]) is not None:
            self.heard = _also(self.heard, (heard["mode"], heard["recorded_from"], heard["simulated"]))
        if self.trouble is None:
            self.trouble = _trouble(row)

    def add_passed(self, row: Passed, held: Broken) -> None:
        """What ``add`` does for an attempt that passed, and all of whose checks held, but for who was heard."""
        self.attempts += 1
        self.passed += 1
        self.measures.add(row.measures)
        self.unpriced += row.unpriced is not None
        self.checks = _counted(self.checks, held)

    def _judge(self, verdicts: Sequence[VerdictRow]) -> None:
        broken: dict[str, bool] = {}
        for verdict in verdicts:
            fails = verdict["status"] in ("failed", "error")
            if fails and verdict["severity"] == "warn":
                self.warnings += 1
            elif verdict["status"] != "waived":
                broken[verdict["check"]] = broken.get(verdict["check"], False) or fails
        self.checks = _counted(self.checks, tuple(broken.items()))


@lru_cache(maxsize=4096)
def _counted(checks: Checks, broken: tuple[tuple[str, bool], ...]) -> Checks:
    """With one attempt more. Most groups have had the same checks hold equally often, and so share one value."""
    known = {check: (held, broke) for check, held, broke in checks}
    for check, fails in broken:
        held, broke = known.get(check, (0, 0))
        known[intern(check)] = (held + (not fails), broke + fails)
    return tuple((check, held, broke) for check, (held, broke) in known.items())


class Summary:
    """All that the tables and the exit code need, at a size that grows with groups, not with attempts or what was said.

    ``like``: another run of much the same groups, to share their names with.
    """

    def __init__(self, like: Summary | None = None) -> None:
        self._like = like.groups if like is not None else {}
        self.groups: dict[str, Group] = {}
        self.trials = 0
        self.warnings: Counter[str] = Counter()
        self.waived: dict[str, Counter[str]] = {}
        self.provenance: dict[Heard, list[str]] = {}
        """Where answers came from -> the first and the last date of recording, where known."""
        self.lost_timing = 0
        self.unpriced: Counter[str] = Counter()
        """Why the cost of a trial is not known -> of how many trials."""
        self.latest: Group | None = None
        """The group that the row which was added last is of."""
        self._shared = Shared()
        self._waiting: dict[tuple[str, ...], _Said] = {}
        """What one of two twins said until the other is there."""

    def add(self, row: Row) -> None:
        self.trials += 1
        group = self.groups.get(row["group"])
        if group is None:
            place = _place(row["place"]["file"], row["place"]["line"])
            group = self._begin(row["group"], row["suite"], row["case"], row["target"], row["axes"], place)
            group.streamed, group.require = row["streamed"], row["require"]
            group.xfail, group.skip = row["xfail"], row["skip"]
        group.add(row)
        self.latest = group
        for verdict in row["verdicts"]:
            self._note(verdict)
        if "unpriced" in row:
            self.unpriced[row["unpriced"]] += 1
        self._hear(row)
        if row["agree"] and row["outcome"] is not None:
            text = row["agree"] == "text"
            said = _said(group.id, row["outcome"], _broken(row["verdicts"]), text=text)
            self._pair(group, row["attempt"], said, text=text)

    def add_passed(self, row: Passed) -> bool:
        """What ``add`` does, for less; False where a check of the trial did not hold, and nothing was done.

        Raises ValueError where what the row holds is not what a trial has there.
        """
        held, outcome = row.checks(), row.answer() if row.agree else None
        if held is None:
            return False
        group = self.groups.get(row.group)
        if group is None:
            group = self._begin(row.group, row.suite, row.case, row.target, row.swept(), row.stands())
            group.streamed, group.require, group.skip = row.streamed, row.require, row.skip
        self.latest = group
        self.trials += 1
        group.add_passed(row, held)
        if row.unpriced is not None:
            self.unpriced[row.unpriced] += 1
        source = row.provenance
        if source is not None:
            heard = source.mode, source.recorded_from, source.simulated
            group.heard = _also(group.heard, heard)
            self._date(heard, source.timing, source.recorded_at)
        if outcome is not None:
            text = row.agree == "text"
            self._pair(group, row.attempt, _said(group.id, outcome, _NONE_BROKE, text=text), text=text)
        return True

    def _begin(self, name: str, suite: str, case: str, target: str, axes: Mapping[str, Json], place: PlaceRow) -> Group:
        """A group without attempts; what it has in common with that of the other run is shared."""
        like = self._like.get(name)
        group = self.groups[like.id if like else name] = Group(
            id=like.id if like else name,
            suite=intern(suite),
            case=like.case if like and like.case == case else case,
            target=intern(target),
            axes=like.axes if like and like.axes == axes else axes or _NO_AXES,
            place=place,
            measures=Measures(self._shared),
        )
        return group

    def _note(self, verdict: VerdictRow) -> None:
        if verdict["status"] == "waived":
            self.waived.setdefault(verdict["check"], Counter())[verdict["message"]] += 1
        elif verdict["severity"] == "warn" and verdict["status"] == "failed":
            self.warnings[verdict["check"]] += 1

    def _hear(self, row: Row) -> None:
        source = row["provenance"]
        if source is not None:
            heard = source["mode"], source["recorded_from"], source["simulated"]
            self._date(heard, source["timing"], source["recorded_at"])

    def _date(self, heard: Heard, timing: str, recorded_at: str | None) -> None:
        self.lost_timing += timing == "lost"
        dates = self.provenance.setdefault(heard, [])
        if recorded_at:
            date = recorded_at[:10]
            if not dates or not dates[0] <= date <= dates[1]:
                dates[:] = [min((date, *dates)), max((date, *dates))]

    def _pair(self, group: Group, attempt: int, own: _Said, *, text: bool) -> None:
        """Unary and stream of one attempt, once both are there. ``text``: whether their texts must agree."""
        axes = tuple(f"{name}={value}" for name, value in group.axes.items() if name != "transport")
        key = (group.suite, group.case, group.target, *axes, str(attempt))
        twin = self._waiting.pop(key, None)
        if twin is None or twin.group == own.group:
            self._waiting[key] = own
            return
        unary, stream = (twin, own) if group.axes.get("transport") == "stream" else (own, twin)
        group = self.groups[stream.group]
        group.pairs += 1
        said = next(_disagreements(unary, stream, text=text), None)
        if said is not None:
            group.disagreed += 1
            group.disagreement = group.disagreement or said

    def totals(self) -> dict[Status, int]:
        """Of groups, by status."""
        counts = Counter(group.status for group in self.groups.values())
        return {status: counts[status] for status in STATUSES}

    def cost(self, prices: str | None = None) -> CostRow:
        """Of all trials; ``prices`` names the price list that was used."""
        paid = [known.total for group in self.groups.values() if (known := group.measures.moments("cost_usd")).size]
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
        unjudged = {kind for group in self.groups.values() if group.status == "error" for kind in group.problems}
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


def column(groups: Sequence[Group], measure: str) -> Column:
    """``Group.measured`` of many groups."""
    nothing = Measures(Shared())
    streamed = measure not in _OF_A_STREAM
    return spread.column([each.measures if streamed or each.streamed else nothing for each in groups], measure)


def summarise(rows: Iterable[Row], like: Summary | None = None) -> Summary:
    summary = Summary(like)
    for row in rows:
        summary.add(row)
    return summary


@lru_cache(maxsize=256)
def _also(heard: frozenset[Heard], one: Heard) -> frozenset[Heard]:
    """Sets of equal members are one object: groups share them."""
    return heard | {one}


@lru_cache(maxsize=4096)
def _place(file: str, line: int) -> PlaceRow:
    """Cases that come from rows of a file stand in one place."""
    return {"file": intern(file), "line": line}


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


class _Said(NamedTuple):
    """What unary and stream must agree on, of one of them."""

    group: str
    finish_reason: str | None
    parts: tuple[str, ...]
    text: str
    """The beginning, and the hash of all: empty where texts need not agree."""
    broken: frozenset[str]


_NONE_BROKE: frozenset[str] = frozenset()


def _said(group: str, outcome: OutcomeRow, broken: frozenset[str], *, text: bool) -> _Said:
    told = f"{outcome['text'][:60]!r} {hash(outcome['text'])}" if text else ""
    return _Said(group, outcome["finishReason"], tuple(outcome["parts"]), told, broken)


def _disagreements(unary: _Said, stream: _Said, *, text: bool) -> Iterator[str]:
    if unary.finish_reason != stream.finish_reason:
        yield f"finishReason: {unary.finish_reason} unary, {stream.finish_reason} streamed"
    if unary.parts != stream.parts:
        yield f"parts: {_listed(unary.parts)} unary, {_listed(stream.parts)} streamed"
    if text and unary.text != stream.text:
        one, other = (each.text.rpartition(" ")[0] for each in (unary, stream))
        yield f"text: {one} unary, {other} streamed"
    for check in sorted(unary.broken ^ stream.broken):
        one, other = ("fails" if check in each.broken else "holds" for each in (unary, stream))
        yield f"{check}: {one} unary, {other} streamed"


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
