"""The attempts at one case on one target with one set of axis values: the settings, the outcomes, the measures.

There may be a hundred thousand groups. Those with equal outcomes share one object.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from sys import intern

from msgspec import Struct
from msgspec.structs import replace

from harness.model import Json, Place, Provenance, Status, Verdict
from harness.results.measures import Measures, middle
from harness.results.rows import Row

AnswerSource = tuple[str, str, bool]
"""Where an answer came from: mode (live, replay), recorded from, simulated."""
Checks = tuple[tuple[str, int, int], ...]
"""(check, attempts in which it passed, attempts in which it failed)."""
Reasons = tuple[tuple[tuple[str, str], int], ...]
"""((check, reason), attempts that failed the check first of all for it). An invariant counts for the check that its name begins
with: ``invariant:json-schema`` for ``json``."""
STREAM_ONLY = frozenset({"ttft_s", "gap_s"})
"""Measures that have a meaning only for a stream: without one, the first text arrives with the last."""


class Attempt(Struct, frozen=True):
    """The outcome of an attempt. ``checks`` judged it, ``broke`` are those that failed, ``warnings`` counts warnings.

    ``problem``: the kind of error if it could not be judged (see `Problem`). ``source``: None without an answer.
    ``unpriced``: whether its cost is not known. ``reasons``: the first reason of each check that gave one.
    """

    status: Status
    checks: tuple[str, ...]
    broke: tuple[str, ...]
    warnings: int
    problem: str | None
    source: AnswerSource | None
    unpriced: bool
    reasons: tuple[tuple[str, str], ...]


class Tally(Struct, frozen=True, cache_hash=True):
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

    def agrees(self, require: int | None) -> bool:
        """Unary and stream agreed in as many pairs as ``require`` asks for."""
        return self.pairs - self.disagreed >= how_many(self.pairs, require)

    def counted(self, check: str) -> tuple[int, int]:
        """In how many attempts the check passed, and in how many it failed, as rows count it."""
        return next(((held, broke) for name, held, broke in self.checks if name == check), (0, 0))

    def outcome(self, check: str) -> tuple[int, int]:
        """The same, where an invariant passed in every judged attempt in which it did not fail: it leaves no row where it passes."""
        held, broke = self.counted(check)
        return self.judged - broke if check.startswith("invariant:") else held, broke


class FirstFailure(Struct):
    """An attempt that failed or could not be judged: its first mismatch, or the error with its ``kind`` and ``cause`` (see
    `Problem`)."""

    trial: str
    verdict: Verdict | None
    message: str = ""
    kind: str = ""
    more: int = 0
    """Further mismatches of the same attempt."""
    cause: str = ""
    before: Verdict | None = None
    """What an earlier turn failed, where the attempt could not be judged to its end."""


class Group(Struct, eq=False):
    """The attempts at one case on one target with one set of axis values: ``at`` is its number among those of the run.

    ``failure``: the first attempt that failed the check that most attempts fail; ``problem``: the first that could not be judged.
    ``disagreement``: the first of unary and stream; empty if they agree. ``samples``: the measures of all groups.
    """

    id: str
    suite: str
    case: str
    target: str
    axes: Mapping[str, Json]
    streamed: bool
    place: Place
    require: int | None
    xfail: str | None
    skip: str | None
    at: int
    samples: Measures
    tally: Tally = Tally()
    failure: FirstFailure | None = None
    problem: FirstFailure | None = None
    disagreement: str = ""

    def add(self, row: Row) -> None:
        """Count one more attempt."""
        self.tally = _with(self.tally, attempt_outcome(row))
        self.samples.add(self.at, row.measures)
        if (first := first_failure(row)) is not None:
            if first.kind:
                self.problem = self.problem or first
            elif self.failure is None or self.alike(first) > self.alike(self.failure):
                self.failure = first

    def alike(self, trouble: FirstFailure) -> int:
        """How many attempts failed the check that this one failed; all that did not pass where that is not counted."""
        failed = self.tally.counted(trouble.verdict.check)[1] if trouble.verdict else self.tally.unjudged
        return failed or self.attempts - self.passed

    def pair(self, disagreement: str | None) -> None:
        """Count one more pair of attempts, unary and stream. ``disagreement`` is None if they agree."""
        tally = self.tally
        self.tally = replace(tally, pairs=tally.pairs + 1, disagreed=tally.disagreed + (disagreement is not None))
        self.disagreement = self.disagreement or disagreement or ""

    @property
    def trouble(self) -> FirstFailure | None:
        """``failure``; if the status is ``error``, the first that could not be judged. None if there is none."""
        return (self.problem or self.failure) if self.status == "error" else (self.failure or self.problem)

    @property
    def attempts(self) -> int:
        """Attempts that were made, without the skipped ones."""
        return self.tally.attempts

    @property
    def passed(self) -> int:
        return self.tally.passed

    @property
    def judged(self) -> int:
        return self.tally.judged

    @property
    def needed(self) -> int:
        return how_many(self.attempts, self.require)

    @property
    def flaky(self) -> bool:
        return 0 < self.tally.passed < self.tally.attempts

    @property
    def agrees(self) -> bool:
        """As `Tally.agrees`."""
        return self.tally.agrees(self.require)

    @property
    def status(self) -> Status:
        """The verdict by ``require``. It is ``error`` if the attempts that could not be judged would decide it."""
        return _status(self.tally, self.require, self.xfail is not None)

    @property
    def failed_by_rate(self) -> bool:
        """Whether it failed only because too few attempts passed."""
        return self.status == "failed" and self.agrees

    def typical(self, measure: str) -> float | None:
        """The median over the attempts; None if it was never measured, or has no meaning here (see ``STREAM_ONLY``)."""
        return middle(self.values(measure))

    def typicals(self) -> dict[str, float | None]:
        """``typical`` of every measure that was measured."""
        every = self.samples.all_values(self.at).items()
        return {name: middle(values) for name, values in every if self._has_meaning(name)}

    @property
    def measures(self) -> list[str]:
        """The names of what was measured."""
        return list(self.samples.all_values(self.at))

    def values(self, measure: str) -> list[float]:
        """The values in the order of the attempts; none if the measure has no meaning here."""
        return self.samples.values(self.at, measure) if self._has_meaning(measure) else []

    def _has_meaning(self, measure: str) -> bool:
        return self.streamed or measure not in STREAM_ONLY

    def outcomes(self, check: str) -> tuple[int, int, Mapping[str, int]] | None:
        """(attempts in which a check held, those that it judged, reason -> those that failed first of all for it); None if it
        judged none."""
        held, broke = self.tally.counted(check)
        reasons = {reason: number for (name, reason), number in self.tally.reasons if name == check}
        failed = max(broke, sum(reasons.values()))
        judged = max(failed, held + broke or (self.judged if failed else 0))
        return (judged - failed, judged, reasons) if judged else None

    @property
    def cost(self) -> float | None:
        """US dollars of all attempts; None if the cost of any is not known."""
        paid = self.values("cost_usd")
        return None if self.tally.unpriced or not paid else round(math.fsum(paid), 12)

    def row(self) -> dict[str, Json]:
        """The verdict over the attempts, as the last line of a saved run has it."""
        return {
            "id": self.id,
            "status": self.status,
            "passed": self.passed,
            "attempts": self.attempts,
            "cost_usd": self.cost,
        }


def case_numbers(cells: Iterable[Group]) -> list[int]:
    """The number of the case of each cell, from 0 in the order in which cases first occur."""
    numbers: dict[tuple[str, str], int] = {}
    return [numbers.setdefault((cell.suite, cell.case), len(numbers)) for cell in cells]


def values_of(groups: Iterable[Group], measure: str) -> Iterator[float]:
    """The values of a measure over all attempts of these groups."""
    return chain.from_iterable(group.values(measure) for group in groups)


def median_of(groups: Iterable[Group], measure: str) -> float | None:
    """The median of a measure over all attempts of these groups; None where it was never measured."""
    return middle(values_of(groups, measure))


def total_of(groups: Iterable[Group], measure: str) -> float | None:
    """The sum of a measure over all attempts of these groups; None where it was never measured."""
    found = [math.fsum(known) for group in groups if (known := group.values(measure))]
    return sum(found) if found else None


@lru_cache(maxsize=4096)
def _status(tally: Tally, require: int | None, xfail: bool) -> Status:
    needed = how_many(tally.attempts, require)
    if not tally.attempts:
        return "skipped"
    enough = tally.passed >= needed and tally.judged > 0
    if not enough and tally.passed + tally.unjudged >= needed:
        return "error"
    if xfail:
        return "xpassed" if enough else "xfailed"
    return "passed" if enough and tally.agrees(require) else "failed"


def how_many(attempts: int, require: int | None) -> int:
    """How many of the attempts have to pass; ``require``: None: all."""
    return attempts if require is None else min(require, attempts)


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
        unpriced=tally.unpriced + attempt.unpriced,
        sources=tally.sources if attempt.source is None else tally.sources | {attempt.source},
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


def attempt_outcome(row: Row) -> Attempt:
    """The outcome of the attempt of a row."""
    wrong = [verdict for verdict in row.verdicts if verdict.status != "passed"]
    failed = [verdict for verdict in wrong if verdict.status != "waived"]
    broke = tuple(dict.fromkeys([verdict.check for verdict in failed if verdict.severity == "error"]))
    judged = [verdict.check for verdict in row.verdicts if verdict.status == "passed" or verdict.check in broke]
    return Attempt(
        status=row.status,
        checks=tuple(dict.fromkeys(judged)),
        broke=broke,
        warnings=sum([verdict.severity == "warn" for verdict in failed]),
        problem=None if row.error is None else row.error.kind,
        source=source_of(row.provenance),
        unpriced=row.unpriced is not None,
        reasons=_reasons(failed),
    )


def _reasons(failed: Iterable[Verdict]) -> tuple[tuple[str, str], ...]:
    """(check, its first reason) of each check that failed and gives one, as ``Reasons`` counts them."""
    found: dict[str, str] = {}
    for verdict in failed:
        if verdict.reason and verdict.status == "failed" and verdict.severity == "error":
            kind, _, rule = verdict.check.rpartition(":")
            found.setdefault(rule.partition("-")[0] if kind == "invariant" else verdict.check, verdict.reason)
    return tuple(found.items())


def source_of(known: Provenance | None) -> AnswerSource | None:
    """Where an answer came from; None if there is none."""
    return None if known is None else (known.mode, known.recorded_from, known.simulated)


def failed_verdicts(row: Row) -> list[Verdict]:
    """The checks that failed, or could not be judged; warnings come last."""
    wrong = [verdict for verdict in row.verdicts if verdict.status in ("failed", "error")]
    return sorted(wrong, key=lambda verdict: verdict.severity == "warn")


def first_failure(row: Row) -> FirstFailure | None:
    """The failure of an attempt; None if it did not fail."""
    if row.error is not None:
        before = next((verdict for verdict in failed_verdicts(row) if verdict.status == "failed"), None)
        return FirstFailure(row.id, None, row.error.message, row.error.kind, cause=row.error.cause, before=before)
    if row.status not in ("failed", "xfailed", "error"):
        return None
    wrong = failed_verdicts(row)
    if not wrong:
        return FirstFailure(row.id, None, "no check gives a reason")
    return FirstFailure(row.id, wrong[0], more=len(wrong) - 1)
