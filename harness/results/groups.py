"""The attempts at one case on one target with one set of axis values: what was asked, how it came out, what was measured.

There may be a hundred thousand groups. Most were asked alike but for the case, and came out alike: they share one object that says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from sys import intern
from typing import NamedTuple

from harness.model import Json, Status
from harness.results.measures import Measures, Moments, middle
from harness.results.rows import GroupRow, PlaceRow, Row, VerdictRow, dumps

Heard = tuple[str, str, bool]
"""Where an answer came from: mode (live, replay), recorded from, simulated."""
Checks = tuple[tuple[str, int, int], ...]
"""Checks, each with the attempts in which it held and in which it did not."""
OF_A_STREAM = frozenset({"ttft_s", "gap_s"})
"""Measures that mean nothing without a stream: the first text comes with the last."""


class CellSettings(NamedTuple):
    """What was asked, and how it is judged, but for the case. ``axes``: the swept values, as JSON."""

    suite: str
    target: str
    axes: bytes
    streamed: bool
    require: int | None
    xfail: str | None
    skip: str | None


class Origin(NamedTuple):
    """Who answered, what the timing is worth (see ``ProvenanceRow``), and the day of the recording; empty where that is not known."""

    heard: Heard
    timing: str
    day: str


class Attempt(NamedTuple):
    """How an attempt came out: the checks that judged it, those of them that broke, its warnings, why it could not be judged, who
    answered, and why its cost is not known.
    """

    status: Status
    checks: tuple[str, ...] = ()
    broke: tuple[str, ...] = ()
    warnings: int = 0
    problem: str | None = None
    origin: Origin | None = None
    unpriced: str | None = None


class Tally(NamedTuple):
    """How the attempts of a group came out. Those that were skipped are not among the ``attempts``.

    ``unjudged`` could not be judged, of ``unpriced`` the cost is not known. ``pairs`` had a twin on the other transport, ``disagreed``
    counts those that disagree with it.
    """

    attempts: int = 0
    skipped: int = 0
    passed: int = 0
    unjudged: int = 0
    checks: Checks = ()
    warnings: int = 0
    unpriced: int = 0
    heard: frozenset[Heard] = frozenset()
    problems: frozenset[str] = frozenset()
    pairs: int = 0
    disagreed: int = 0

    @property
    def judged(self) -> int:
        """Attempts that could be judged."""
        return self.attempts - self.unjudged


NOTHING = Tally()


class OutcomeCount:
    """A way to come out, and how many attempts did. ``once``: the tally of a group with such an attempt only."""

    __slots__ = ("attempt", "once", "times")

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.times = attempt, 0
        self.once = _with(NOTHING, attempt)


@dataclass(slots=True)
class FirstFailure:
    """An attempt that went wrong: its first mismatch, or why it could not be judged, and of which ``kind`` that is (see ``ErrorRow``)."""

    trial: str
    verdict: VerdictRow | None
    message: str = ""
    kind: str = ""
    more: int = 0
    """Further mismatches of the same attempt."""


class Groups(Mapping[str, "Group"]):
    """Groups by their ids, in the order in which they began: a column for each thing that is known of them.

    ``like``: those of another run that asks much the same, to share what is equal with.
    """

    def __init__(self, like: Groups | None = None) -> None:
        self._like = like
        self.alike: dict[CellSettings, CellSettings] = like.alike if like is not None else {}
        """One object for groups that were asked alike."""
        self._at: dict[str, int] = {}
        self.ids: list[str] = []
        self.cases: list[str] = []
        self.asked: list[CellSettings] = []
        self.places: list[PlaceRow] = []
        self.tallies: list[Tally] = []
        self.measures = Measures()
        self.mistakes: dict[int, FirstFailure] = {}
        self.problems: dict[int, FirstFailure] = {}
        """The first attempt that was judged and went wrong, and the first that could not be judged."""
        self.disagreements: dict[int, str] = {}

    def __getitem__(self, name: str) -> Group:
        return Group(self, self._at[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def values(self) -> ValuesView[Group]:
        return _Each(self)

    def at(self, name: str) -> int | None:
        """The number of a group."""
        return self._at.get(name)

    def begin(self, name: str, case: str, asked: CellSettings, place: PlaceRow) -> int:
        """A group without attempts: its number."""
        at = len(self.ids)
        if at and self.cases[-1] == case:  # the cells of a case mostly follow each other
            case = self.cases[-1]
        if self._like is not None and (twin := self._like.near(name, at)) is not None:
            name = self._like.ids[twin]
            case = self._like.cases[twin] if self._like.cases[twin] == case else case
        self._at[name] = at
        self.ids.append(name)
        self.cases.append(case)
        self.asked.append(self.alike.setdefault(asked, asked))
        self.places.append(place)
        self.tallies.append(NOTHING)
        self.measures.begin()
        return at

    def near(self, name: str, guess: int) -> int | None:
        """``at``, quicker where the guess is right: runs of the same suites have most groups in the same order."""
        return guess if guess < len(self.ids) and self.ids[guess] == name else self._at.get(name)

    def remember(self, at: int, trouble: FirstFailure) -> None:
        """What went wrong in an attempt, unless it is known of an earlier one."""
        (self.problems if trouble.kind else self.mistakes).setdefault(at, trouble)

    def add(self, at: int, way: OutcomeCount, measured: Mapping[str, float | None]) -> None:
        """One more attempt."""
        way.times += 1
        tally = self.tallies[at]
        self.tallies[at] = way.once if tally is NOTHING else _with(tally, way.attempt)
        self.measures.add(at, measured)

    def pair(self, at: int, disagreement: str | None) -> None:
        """One more attempt has a twin on the other transport; None: they agree."""
        tally = self.tallies[at]
        self.tallies[at] = tally._replace(pairs=tally.pairs + 1, disagreed=tally.disagreed + (disagreement is not None))
        if disagreement is not None:
            self.disagreements.setdefault(at, disagreement)


class _Each(ValuesView["Group"]):
    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return map(Group, repeat(self._groups), range(len(self._groups)))


class Group:
    """The attempts at one case on one target with one set of axis values: ``at`` is its number among ``groups``."""

    __slots__ = ("at", "groups")

    def __init__(self, groups: Groups, at: int) -> None:
        self.groups, self.at = groups, at

    @property
    def id(self) -> str:
        return self.groups.ids[self.at]

    @property
    def case(self) -> str:
        return self.groups.cases[self.at]

    @property
    def asked(self) -> CellSettings:
        return self.groups.asked[self.at]

    @property
    def place(self) -> PlaceRow:
        return self.groups.places[self.at]

    @property
    def tally(self) -> Tally:
        return self.groups.tallies[self.at]

    @property
    def trouble(self) -> FirstFailure | None:
        """The first attempt that went wrong, in the way that the status tells, if there is one."""
        mistake, problem = (failures.get(self.at) for failures in (self.groups.mistakes, self.groups.problems))
        return (problem or mistake) if self.status == "error" else (mistake or problem)

    @property
    def disagreement(self) -> str:
        """The first of unary and stream; empty where they agree."""
        return self.groups.disagreements.get(self.at, "")

    @property
    def suite(self) -> str:
        return self.asked.suite

    @property
    def target(self) -> str:
        return self.asked.target

    @property
    def axes(self) -> Mapping[str, Json]:
        return _values(self.asked.axes)

    @property
    def streamed(self) -> bool:
        return self.asked.streamed

    @property
    def require(self) -> int | None:
        return self.asked.require

    @property
    def xfail(self) -> str | None:
        return self.asked.xfail

    @property
    def skip(self) -> str | None:
        return self.asked.skip

    @property
    def attempts(self) -> int:
        """Attempts that were made: the skipped ones are not among them."""
        return self.tally.attempts

    @property
    def passed(self) -> int:
        return self.tally.passed

    @property
    def tried(self) -> int:
        """Attempts, the skipped ones too."""
        return self.tally.attempts + self.tally.skipped

    @property
    def judged(self) -> int:
        return self.tally.judged

    @property
    def needed(self) -> int:
        attempts, require = self.tally.attempts, self.asked.require
        return attempts if require is None else min(require, attempts)

    @property
    def flaky(self) -> bool:
        return 0 < self.tally.passed < self.tally.attempts

    @property
    def agrees(self) -> bool:
        """Unary and stream agreed in as many pairs as ``require`` asks for."""
        pairs, require = self.tally.pairs, self.asked.require
        return pairs - self.tally.disagreed >= (pairs if require is None else min(require, pairs))

    @property
    def status(self) -> Status:
        """By ``require``. An attempt that could not be judged counts as neither: where it could decide, *error*."""
        tally, needed = self.tally, self.needed
        if not tally.attempts:
            return "skipped"
        enough = tally.passed >= needed and self.judged > 0
        if not enough and tally.passed + tally.unjudged >= needed:
            return "error"
        if self.xfail is not None:
            return "xpassed" if enough else "xfailed"
        return "passed" if enough and self.agrees else "failed"

    @property
    def outvoted(self) -> bool:
        """Failed for want of attempts that passed, and for nothing else."""
        return self.status == "failed" and self.agrees

    def typical(self, measure: str) -> float | None:
        """The median over the attempts; None where it was never measured, or means nothing (see ``OF_A_STREAM``)."""
        return middle(lambda: self.values(measure))

    def typicals(self) -> dict[str, float]:
        """``typical`` of every measure that was."""
        middles = self.groups.measures.middles(self.at)
        return middles if self.streamed else {name: value for name, value in middles.items() if name not in OF_A_STREAM}

    @property
    def measures(self) -> Iterator[str]:
        """The names of what was measured."""
        return self.groups.measures.names(self.at)

    def values(self, measure: str) -> Iterable[float]:
        """Attempt by attempt, as far as they mean something."""
        return self.groups.measures.values(self.at, measure) if self._means(measure) else ()

    def measured(self, measure: str) -> Moments:
        """Count, mean and noise over the attempts, as far as they mean something."""
        return self.groups.measures.moments(self.at, measure) if self._means(measure) else Moments()

    def _means(self, measure: str) -> bool:
        return self.streamed or measure not in OF_A_STREAM

    @property
    def cost(self) -> float | None:
        """Dollars of all attempts; None where that of any is not known."""
        paid = self.measured("cost_usd")
        return None if self.tally.unpriced or not paid.size else round(paid.total, 12)

    def row(self) -> GroupRow:
        return {
            "id": self.id,
            "status": self.status,
            "passed": self.passed,
            "attempts": self.attempts,
            "cost_usd": self.cost,
        }


@lru_cache(maxsize=4096)
def _values(axes: bytes) -> Mapping[str, Json]:
    found: dict[str, Json] = json.loads(axes)
    return found


@lru_cache(maxsize=4096)
def _with(tally: Tally, attempt: Attempt) -> Tally:
    """With one attempt more."""
    return tally._replace(
        attempts=tally.attempts + (attempt.status != "skipped"),
        skipped=tally.skipped + (attempt.status == "skipped"),
        passed=tally.passed + (attempt.status in ("passed", "xpassed")),
        unjudged=tally.unjudged + (attempt.status == "error"),
        checks=_counted(tally.checks, attempt.checks, attempt.broke),
        warnings=tally.warnings + attempt.warnings,
        unpriced=tally.unpriced + (attempt.unpriced is not None),
        heard=tally.heard if attempt.origin is None else tally.heard | {attempt.origin.heard},
        problems=tally.problems if attempt.problem is None else tally.problems | {attempt.problem},
    )


@lru_cache(maxsize=4096)
def _counted(checks: Checks, judged: tuple[str, ...], broke: tuple[str, ...]) -> Checks:
    known = {check: (held, broken) for check, held, broken in checks}
    for check in judged:
        held, broken = known.get(check, (0, 0))
        known[intern(check)] = (held + (check not in broke), broken + (check in broke))
    return tuple((check, held, broken) for check, (held, broken) in known.items())


def asked(row: Row) -> CellSettings:
    axes = dumps(row["axes"]).encode() if row["axes"] else b"{}"
    return CellSettings(row["suite"], row["target"], axes, row["streamed"], row["require"], row["xfail"], row["skip"])


def attempted(row: Row) -> Attempt:
    """How the attempt of a row came out."""
    warnings, broken = 0, dict[str, bool]()
    for verdict in row["verdicts"]:
        fails = verdict["status"] in ("failed", "error")
        if fails and verdict["severity"] == "warn":
            warnings += 1
        elif verdict["status"] != "waived":
            broken[verdict["check"]] = broken.get(verdict["check"], False) or fails
    return Attempt(
        status=row["status"],
        checks=tuple(broken),
        broke=tuple(check for check, fails in broken.items() if fails),
        warnings=warnings,
        problem=None if row["error"] is None else row["error"]["kind"],
        origin=_origin(row),
        unpriced=row.get("unpriced"),
    )


def _origin(row: Row) -> Origin | None:
    """Who answered; None where nobody did."""
    known = row["provenance"]
    if known is None:
        return None
    heard = known["mode"], known["recorded_from"], known["simulated"]
    return Origin(heard, known["timing"], (known["recorded_at"] or "")[:10])


def trouble(row: Row) -> FirstFailure | None:
    """What went wrong in an attempt; None where nothing did."""
    if row["error"] is not None:
        return FirstFailure(row["id"], None, row["error"]["message"], row["error"]["kind"])
    if row["status"] not in ("failed", "xfailed", "error"):
        return None
    wrong = [verdict for verdict in row["verdicts"] if verdict["status"] in ("failed", "error")]
    wrong.sort(key=lambda verdict: verdict["severity"] == "warn")
    if not wrong:
        return FirstFailure(row["id"], None, "no check says why")
    return FirstFailure(row["id"], wrong[0], more=len(wrong) - 1)
