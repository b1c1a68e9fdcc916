"""Which features work at which target: judged trials in, a row per feature with a cell per target out. No side effects.

A feature is a tag of the suites. The verdict that counts is that of the group (case, target, axes) over its attempts. Where several
runs hold the same trial, the latest one counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, NamedTuple

from harness.answer.refusals import message_of
from harness.compare.fidelity_answers import features_of
from harness.errors import NOT_AVAILABLE
from harness.gemini.features import features
from harness.judge.judging import violations
from harness.judge.recorded import evidence, operation
from harness.model import Exchange, Json
from harness.results.groups import how_many
from harness.results.rows import Row, RunRow
from harness.text.grouping import grouped
from harness.transport.cassette import Tape

Outcome = Literal["passed", "failed", "refused", "not available", "unasked"]
"""Of a trial. ``refused``: the API answered with 4xx; ``unasked``: there was no answer to judge, for the reason given."""
State = Literal["works", "partly", "failed", "refused", "not available", "not tried"]
EVIDENCE = 5
"""Trials that a cell names."""


class ScoredTrial(NamedTuple):
    """A judged trial. ``at_least``: how many attempts of its group must pass (None: all); ``date``: the day of its answer."""

    id: str
    group: str
    target: str
    features: tuple[str, ...]
    outcome: Outcome
    date: str
    reason: str = ""
    at_least: int | None = None
    simulated: bool = False


class ScoreCell(NamedTuple):
    """One feature at one target. ``passed`` of ``groups`` passed. ``date``: of its latest evidence; empty where there is none.
    ``trials``: those that show it, what did not pass first. ``reason``: why it is not ``works``."""

    target: str
    state: State
    date: str = ""
    trials: Sequence[ScoredTrial] = ()
    passed: int = 0
    groups: int = 0
    reason: str = ""

    @property
    def simulated(self) -> bool:
        return any(trial.simulated for trial in self.trials)

    def to_json(self) -> dict[str, Json]:
        known = {"date": self.date or None, "reason": self.reason or None, "simulated": self.simulated}
        return {**self._asdict(), "trials": [trial.id for trial in self.trials], **known}


class ScoreRow(NamedTuple):
    """A feature, with a cell per target in the order of the targets."""

    feature: str
    about: str
    cells: Sequence[ScoreCell]


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The document. ``untried``: features of the vocabulary that no trial has."""

    targets: Sequence[str]
    rows: Sequence[ScoreRow]
    untried: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    command: str = ""

    @property
    def cells(self) -> list[ScoreCell]:
        return [cell for row in self.rows for cell in row.cells]

    @property
    def simulated(self) -> bool:
        return any(cell.simulated for cell in self.cells)

    def to_json(self) -> dict[str, Json]:
        return {
            "version": 1,
            "targets": list(self.targets),
            "rows": [{"feature": row.feature, "cells": [cell.to_json() for cell in row.cells]} for row in self.rows],
            "untried": list(self.untried),
            "notes": list(self.notes),
            "simulated": self.simulated,
        }


def scoreboard(trials: Iterable[ScoredTrial]) -> Scoreboard:
    """The rows in the order of the vocabulary, other tags last; the targets that were tried on most features first, a model at its providers
    side by side."""
    cells: dict[tuple[str, str], list[ScoredTrial]] = defaultdict(list)
    for trial in _latest(trials).values():
        for feature in trial.features:
            cells[feature, trial.target].append(trial)
    tried = Counter(target for (_, target), inside in cells.items() if _asked(inside))
    targets = sorted(
        {target for _, target in cells}, key=lambda target: (-tried[target], target.partition("/")[2], target)
    )
    known = features()
    names = {feature for feature, _ in cells}
    rows = [
        ScoreRow(
            name,
            known[name].about if name in known else "",
            [_cell(target, cells.get((name, target), ())) for target in targets],
        )
        for name in [*(name for name in known if name in names), *sorted(names - known.keys())]
    ]
    return Scoreboard(targets, rows, [name for name in known if name not in names])


def _latest(trials: Iterable[ScoredTrial]) -> Mapping[str, ScoredTrial]:
    """Trial id -> the latest trial with it. One that was asked replaces one that was not, whatever their dates."""
    found: dict[str, ScoredTrial] = {}
    for trial in trials:
        other = found.get(trial.id)
        if other is None or (trial.outcome != "unasked", trial.date) >= (other.outcome != "unasked", other.date):
            found[trial.id] = trial
    return found


def _asked(trials: Sequence[ScoredTrial]) -> list[ScoredTrial]:
    return [trial for trial in trials if trial.outcome != "unasked"]


def _cell(target: str, trials: Sequence[ScoredTrial]) -> ScoreCell:
    asked = _asked(trials)
    if not asked:
        return ScoreCell(target, "not tried", reason=trials[0].reason if trials else "")
    groups = grouped(asked, attrgetter("group"))
    passed = sum(
        sum(trial.outcome == "passed" for trial in group) >= how_many(len(group), group[0].at_least)
        for group in groups.values()
    )
    state = _state(asked, passed, len(groups))
    shown = sorted(asked, key=lambda trial: (trial.outcome == "passed") != (state == "works"))
    wrong = next((trial.reason for trial in asked if trial.outcome != "passed" and trial.reason), "")
    date = max(trial.date for trial in asked)
    return ScoreCell(target, state, date, shown[:EVIDENCE], passed, len(groups), "" if state == "works" else wrong)


def _state(asked: Sequence[ScoredTrial], passed: int, groups: int) -> State:
    if passed == groups:
        return "works"
    outcomes = {trial.outcome for trial in asked}
    if "passed" in outcomes:
        return "partly"
    if outcomes == {"not available"}:
        return "not available"
    return "refused" if "failed" not in outcomes else "failed"


# --- trials of a run --------------------------------------------------------------------------------------------

_PASSING = frozenset({401, 407, 408, 429})
"""Statuses of 4xx that say nothing about a feature: no valid key, too many requests."""


def from_rows(run: RunRow, rows: Iterable[Row]) -> Iterator[ScoredTrial]:
    """The trials of a saved run. Those without tags have no feature."""
    for row in rows:
        source = row.provenance
        outcome, reason = _outcome(row)
        yield ScoredTrial(
            id=row.id,
            group=row.group,
            target=row.target,
            features=tuple(row.tags),
            outcome=outcome,
            date=(source and source.day) or run["started"][:10],
            reason=reason,
            at_least=row.require,
            simulated=bool(source and source.simulated),
        )


def _outcome(row: Row) -> tuple[Outcome, str]:
    status = row.status
    if status in ("passed", "xpassed"):
        return "passed", ""
    reason = row.skip or (row.error.message if row.error else "").partition("\n")[0]
    if NOT_AVAILABLE in reason:
        return "not available", reason.partition(NOT_AVAILABLE)[2].strip()
    if status in ("skipped", "error"):
        return "unasked", reason
    if row.require == 0:
        return "unasked", "observed only: no attempt has to pass"
    http = row.outcome.http if row.outcome else 0
    wrong = (verdict.message for verdict in row.verdicts if verdict.status in ("failed", "error"))
    reason = row.xfail or next(wrong, "")
    if http in _PASSING:
        return "unasked", f"HTTP {http}"
    return ("refused", f"HTTP {http}: {reason}") if 400 <= http < 500 else ("failed", reason)


# --- recordings -------------------------------------------------------------------------------------------------


def from_tapes(tapes: Iterable[Tape], left_out: list[str]) -> Iterator[ScoredTrial]:
    """The native exchanges of recordings: an answer passes if it breaks no invariant. Their features are what they ask for.

    A refusal on a cassette of a suite may be what the suite expects: such exchanges are added to ``left_out``.
    """
    for tape in tapes:
        for interaction in tape.interactions:
            exchange = interaction.exchange
            native = operation(exchange.request)
            if native is None:
                continue
            at = f"{tape.path}#{interaction.index}"
            if exchange.own and exchange.status != 200:
                left_out.append(at)
                continue
            outcome, reason = _judged(exchange)
            yield ScoredTrial(
                id=at,
                group=at,
                target=f"{exchange.provenance.recorded_from}/{native[0]}",
                features=tuple(features_of(exchange.request.body, native[1])),
                outcome=outcome,
                date=exchange.provenance.day,
                reason=reason,
                simulated=exchange.provenance.simulated,
            )


def _judged(exchange: Exchange) -> tuple[Outcome, str]:
    status, case = exchange.status, evidence(exchange)
    if status in _PASSING or status >= 500:
        return "unasked", f"HTTP {status}"
    if 400 <= status < 500:
        message = message_of(case.reply.error) or "no message"
        return "unasked" if "API key" in message else "refused", f"HTTP {status}: {message}"
    broken = next((one for one in violations(case) if one.severity == "error"), None)
    return ("failed", f"{broken.rule.id}: {broken.mismatch.message}") if broken else ("passed", "")
