"""The attempts at one case on one target with one set of axis values: the settings, the outcomes, the measures.

There may be a hundred thousand groups. Groups with equal settings share one object, and so do groups with equal outcomes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from functools import lru_cache
from itertools import repeat
from sys import intern
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from harness.model import Json, Status
from harness.results.measures import Measures, Moments, middle
from harness.results.rows import GroupRow, PlaceRow, Row, VerdictRow, dumps

AnswerSource = tuple[str, str, bool]
"""Where an answer came from: mode (live, replay), recorded from, simulated."""
Checks = tuple[tuple[str, int, int], ...]
"""(check, attempts in which it passed, attempts in which it failed)."""
Reasons = tuple[tuple[tuple[str, str], int], ...]
"""((check, reason), attempts that failed the check first of all for it). An invariant counts for the check that its name begins
with: ``invariant:json-schema`` for ``json``."""
STREAM_ONLY = frozenset({"ttft_s", "gap_s"})
"""Measures that have a meaning only for a stream: without one, the first text arrives with the last."""


class CellSettings(Struct, frozen=True):
    """What a group asks and how it is judged, apart from the case. ``axes``: the axis values, as JSON."""

    suite: str
    target: str
    axes: bytes
    streamed: bool
    require: int | None
    xfail: str | None
    skip: str | None


class Origin(Struct, frozen=True):
    """Where an answer came from, how far its timing counts (see ``ProvenanceRow``), and the day of recording (or empty)."""

    source: AnswerSource
    timing: str
    day: str


class Attempt(Struct, frozen=True):
    """The outcome of an attempt. ``checks`` judged it, ``broke`` are those that failed, ``warnings`` counts warnings.

    ``problem``: the kind of error if it could not be judged (see ``ErrorRow``). ``unpriced``: why its cost is not known.
    ``reasons``: the first reason of each check that gave one.
    """

    status: Status
    checks: tuple[str, ...] = ()
    broke: tuple[str, ...] = ()
    warnings: int = 0
    problem: str | None = None
    origin: Origin | None = None
    unpriced: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()


class Tally(Struct, frozen=True):
    """The outcomes of the attempts of a group, counted. ``attempts`` does not count the skipped ones.

    ``unjudged``: attempts that could not be judged. ``unpriced``: attempts without a known cost. ``pairs``: attempts that
    were made on both transports, unary and stream. ``disagreed``: pairs whose two answers disagree. ``reasons``: see ``Reasons``.
    """

    attempts: int = 0
    skipped: int = 0
    passed: int = 0
    unjudged: int = 0
    checks: Checks = ()
    warnings: int = 0
    unpriced: int = 0
    sources: frozenset[AnswerSource] = frozenset()
    problems: frozenset[str] = frozenset()
    pairs: int = 0
    disagreed: int = 0
    reasons: Reasons = ()

    @property
    def judged(self) -> int:
        """Attempts that could be judged."""
        return self.attempts - self.unjudged


NO_ATTEMPT = Tally()


class CheckOutcomes(NamedTuple):
    """In how many attempts a check held, of how many it judged; and reason -> the attempts that failed first of all for it."""

    held: int
    judged: int
    reasons: Mapping[str, int]


class OutcomeCount:
    """An outcome, and the number of attempts with it. ``once``: the tally of a group with one such attempt."""

    __slots__ = ("attempt", "once", "times")

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.times = attempt, 0
        self.once = _with(NO_ATTEMPT, attempt)


class FirstFailure(Struct):
    """An attempt that failed or could not be judged: its first mismatch, or the error with its ``kind`` and ``cause`` (see
    ``ErrorRow``)."""

    trial: str
    verdict: VerdictRow | None
    message: str = ""
    kind: str = ""
    more: int = 0
    """Further mismatches of the same attempt."""
    cause: str = ""


class Groups(Mapping[str, "Group"]):
    """Groups by their ids, in the order in which they began. Each attribute is a column: a value for each group.

    ``like``: the groups of a similar run. Equal values are shared with it, to save memory.
    """

    def __init__(self, like: Groups | None = None) -> None:
        self._like = like
        self.shared_settings: dict[CellSettings, CellSettings] = like.shared_settings if like is not None else {}
        """One object for all groups with equal settings."""
        self._at: dict[str, int] = {}
        self.ids: list[str] = []
        self.cases: list[str] = []
        self.settings: list[CellSettings] = []
        self.places: list[PlaceRow] = []
        self.tallies: list[Tally] = []
        self.measures = Measures()
        self.failures: dict[int, FirstFailure] = {}
        self.problems: dict[int, FirstFailure] = {}
        """Group number -> the first attempt that failed (``failures``), and the first that could not be judged (``problems``)."""
        self.disagreements: dict[int, str] = {}

    def __getitem__(self, name: str) -> Group:
        return Group(self, self._at[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def values(self) -> ValuesView[Group]:
        return _GroupValues(self)

    def at(self, name: str) -> int | None:
        """The number of a group; None if there is no such group."""
        return self._at.get(name)

    def begin(self, name: str, case: str, settings: CellSettings, place: PlaceRow) -> int:
        """Add a group without attempts. Returns its number."""
        at = len(self.ids)
        if at and self.cases[-1] == case:  # the cells of a case usually follow each other
            case = self.cases[-1]
        if self._like is not None and (twin := self._like.near(name, at)) is not None:
            name = self._like.ids[twin]
            case = self._like.cases[twin] if self._like.cases[twin] == case else case
        self._at[name] = at
        self.ids.append(name)
        self.cases.append(case)
        self.settings.append(self.shared_settings.setdefault(settings, settings))
        self.places.append(place)
        self.tallies.append(NO_ATTEMPT)
        self.measures.begin()
        return at

    def near(self, name: str, guess: int) -> int | None:
        """As ``at``, but faster if the guess is right. Runs of the same suites have most groups in the same order."""
        return guess if guess < len(self.ids) and self.ids[guess] == name else self._at.get(name)

    def remember(self, at: int, trouble: FirstFailure) -> None:
        """Keep the failure of an attempt, unless an earlier one is known."""
        (self.problems if trouble.kind else self.failures).setdefault(at, trouble)

    def add(self, at: int, outcome: OutcomeCount, measured: Mapping[str, float | None]) -> None:
        """Count one more attempt."""
        outcome.times += 1
        tally = self.tallies[at]
        self.tallies[at] = outcome.once if tally is NO_ATTEMPT else _with(tally, outcome.attempt)
        self.measures.add(at, measured)

    def pair(self, at: int, disagreement: str | None) -> None:
        """Count one more pair of attempts, unary and stream. ``disagreement`` is None if they agree."""
        tally = self.tallies[at]
        self.tallies[at] = replace(tally, pairs=tally.pairs + 1, disagreed=tally.disagreed + (disagreement is not None))
        if disagreement is not None:
            self.disagreements.setdefault(at, disagreement)


class _GroupValues(ValuesView["Group"]):
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
    def settings(self) -> CellSettings:
        return self.groups.settings[self.at]

    @property
    def place(self) -> PlaceRow:
        return self.groups.places[self.at]

    @property
    def tally(self) -> Tally:
        return self.groups.tallies[self.at]

    @property
    def trouble(self) -> FirstFailure | None:
        """The first failed attempt; if the status is ``error``, the first that could not be judged. None if there is none."""
        failure, problem = self.groups.failures.get(self.at), self.groups.problems.get(self.at)
        return (problem or failure) if self.status == "error" else (failure or problem)

    @property
    def disagreement(self) -> str:
        """The first disagreement of unary and stream; empty if they agree."""
        return self.groups.disagreements.get(self.at, "")

    @property
    def suite(self) -> str:
        return self.settings.suite

    @property
    def target(self) -> str:
        return self.settings.target

    @property
    def axes(self) -> Mapping[str, Json]:
        return _values(self.settings.axes)

    @property
    def streamed(self) -> bool:
        return self.settings.streamed

    @property
    def require(self) -> int | None:
        return self.settings.require

    @property
    def xfail(self) -> str | None:
        return self.settings.xfail

    @property
    def skip(self) -> str | None:
        return self.settings.skip

    @property
    def attempts(self) -> int:
        """Attempts that were made, without the skipped ones."""
        return self.tally.attempts

    @property
    def passed(self) -> int:
        return self.tally.passed

    @property
    def tried(self) -> int:
        """All attempts, with the skipped ones."""
        return self.tally.attempts + self.tally.skipped

    @property
    def judged(self) -> int:
        return self.tally.judged

    @property
    def needed(self) -> int:
        attempts, require = self.tally.attempts, self.settings.require
        return attempts if require is None else min(require, attempts)

    @property
    def flaky(self) -> bool:
        return 0 < self.tally.passed < self.tally.attempts

    @property
    def agrees(self) -> bool:
        """Unary and stream agreed in as many pairs as ``require`` asks for."""
        pairs, require = self.tally.pairs, self.settings.require
        return pairs - self.tally.disagreed >= (pairs if require is None else min(require, pairs))

    @property
    def status(self) -> Status:
        """The verdict by ``require``. It is ``error`` if the attempts that could not be judged would decide it."""
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
    def failed_by_rate(self) -> bool:
        """Whether it failed only because too few attempts passed."""
        return self.status == "failed" and self.agrees

    def typical(self, measure: str) -> float | None:
        """The median over the attempts; None if it was never measured, or has no meaning here (see ``STREAM_ONLY``)."""
        return middle(lambda: self.values(measure))

    def typicals(self) -> dict[str, float]:
        """``typical`` of every measure that was measured."""
        middles = self.groups.measures.middles(self.at)
        return middles if self.streamed else {name: value for name, value in middles.items() if name not in STREAM_ONLY}

    @property
    def measures(self) -> Iterator[str]:
        """The names of what was measured."""
        return self.groups.measures.names(self.at)

    def values(self, measure: str) -> Iterable[float]:
        """The values in the order of the attempts; none if the measure has no meaning here."""
        return self.groups.measures.values(self.at, measure) if self._has_meaning(measure) else ()

    def measured(self, measure: str) -> Moments:
        """Count, sum and squares over the attempts; empty if the measure has no meaning here."""
        return self.groups.measures.moments(self.at, measure) if self._has_meaning(measure) else Moments()

    def _has_meaning(self, measure: str) -> bool:
        return self.streamed or measure not in STREAM_ONLY

    def outcomes(self, check: str) -> CheckOutcomes | None:
        """How a check came out over the attempts; None if it judged none."""
        held, broke = next(((held, broke) for name, held, broke in self.tally.checks if name == check), (0, 0))
        reasons = {reason: number for (name, reason), number in self.tally.reasons if name == check}
        failed = max(broke, sum(reasons.values()))
        judged = max(failed, held + broke or (self.judged if failed else 0))
        return CheckOutcomes(judged - failed, judged, reasons) if judged else None

    @property
    def cost(self) -> float | None:
        """US dollars of all attempts; None if the cost of any is not known."""
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
    """The tally with one more attempt."""
    return replace(
        tally,
        attempts=tally.attempts + (attempt.status != "skipped"),
        skipped=tally.skipped + (attempt.status == "skipped"),
        passed=tally.passed + (attempt.status in ("passed", "xpassed")),
        unjudged=tally.unjudged + (attempt.status == "error"),
        checks=_counted(tally.checks, attempt.checks, attempt.broke),
        warnings=tally.warnings + attempt.warnings,
        unpriced=tally.unpriced + (attempt.unpriced is not None),
        sources=tally.sources if attempt.origin is None else tally.sources | {attempt.origin.source},
        problems=tally.problems if attempt.problem is None else tally.problems | {attempt.problem},
        reasons=tuple((Counter(dict(tally.reasons)) + Counter(attempt.reasons)).items()),
    )


@lru_cache(maxsize=4096)
def _counted(checks: Checks, judged: tuple[str, ...], broke: tuple[str, ...]) -> Checks:
    known = {check: (held, broken) for check, held, broken in checks}
    for check in judged:
        held, broken = known.get(check, (0, 0))
        known[intern(check)] = (held + (check not in broke), broken + (check in broke))
    return tuple((check, held, broken) for check, (held, broken) in known.items())


def settings(row: Row) -> CellSettings:
    axes = dumps(row["axes"]).encode() if row["axes"] else b"{}"
    return CellSettings(row["suite"], row["target"], axes, row["streamed"], row["require"], row["xfail"], row["skip"])


def attempt_outcome(row: Row) -> Attempt:
    """The outcome of the attempt of a row."""
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
        reasons=_reasons(row["verdicts"]),
    )


def _reasons(verdicts: Iterable[VerdictRow]) -> tuple[tuple[str, str], ...]:
    """(check, its first reason) of each check that failed and gives one, as ``Reasons`` counts them."""
    found: dict[str, str] = {}
    for verdict in verdicts:
        if "reason" in verdict and verdict["status"] == "failed" and verdict["severity"] == "error":
            kind, _, rule = verdict["check"].rpartition(":")
            found.setdefault(rule.partition("-")[0] if kind == "invariant" else verdict["check"], verdict["reason"])
    return tuple(found.items())


def _origin(row: Row) -> Origin | None:
    """Where the answer came from; None if there is none."""
    known = row["provenance"]
    if known is None:
        return None
    source = known["mode"], known["recorded_from"], known["simulated"]
    return Origin(source, known["timing"], (known["recorded_at"] or "")[:10])


def trouble(row: Row) -> FirstFailure | None:
    """The failure of an attempt; None if it did not fail."""
    if row["error"] is not None:
        error = row["error"]
        return FirstFailure(row["id"], None, error["message"], error["kind"], cause=error.get("cause", ""))
    if row["status"] not in ("failed", "xfailed", "error"):
        return None
    wrong = [verdict for verdict in row["verdicts"] if verdict["status"] in ("failed", "error")]
    wrong.sort(key=lambda verdict: verdict["severity"] == "warn")
    if not wrong:
        return FirstFailure(row["id"], None, "no check gives a reason")
    return FirstFailure(row["id"], wrong[0], more=len(wrong) - 1)
