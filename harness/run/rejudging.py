"""Judges the answers of a saved run again, by what its suites expect today. Nothing is sent.

A saved run keeps each answer merged, with the times of its events. An answer that still stands on its cassette is taken from there,
byte by byte. Of another one it is not known what each event held; what was found about its form on the wire stays as it was found.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from harness.answer import reply as replies
from harness.errors import CannotAsk, CannotJudge, CassetteError, StaleRecording, cause
from harness.gemini.providers import GOOGLE_MODELS, is_chat, native_body
from harness.judge.registry import all_rules
from harness.model import (
    Exchange,
    Json,
    Problem,
    Request,
    Result,
    Slot,
    Step,
    Trial,
    Verdict,
)
from harness.results.rows import Row, TurnRow, saved_response
from harness.results.saved_turns import exchange_of
from harness.run.play import finish, play, status_of
from harness.run.resume import changed_request
from harness.run.session import Judge
from harness.transport.matching import address, moved
from harness.transport.wrapping import Transport

_WHAT_EVENTS_HELD = ("each", "first", "last")
"""The words of the check ``stream`` that look into the single events."""
_INVARIANT = "invariant:"


class SavedAnswers:
    """A transport for one trial: the answers that a run kept. ``lacks``: what a check needs that the run did not keep.

    ``merged``: whether an answer is not on its cassette any more, and so known only as it was merged; ``translated``: whether that was a
    chat completion, which is saved as a native answer.
    """

    def __init__(self, trial: Trial, row: Row, cassettes: Transport) -> None:
        self._steps = trial.steps
        self._turns = iter(row.turns or ())
        self._ttft = row.measures.get("ttft_s") if len(row.turns or ()) == 1 else None
        self._provenance = row.provenance
        self._cassettes = cassettes
        self._latest: Exchange | None = None
        self.lacks = ""
        self.merged = False
        self.translated = False

    async def send(self, request: Request, slot: Slot) -> Exchange:
        step = self._steps[slot.step]
        if slot.part and step.call and step.call.poll and self._latest is not None:
            return self._latest
        if slot.part:
            return await self._assessment(request, slot)
        turn = next(self._turns, None)
        if turn is None or moved(turn.url, request.url):
            raise self._missing(f"the run holds no answer to {request.method} {address(request.url)}")
        self._latest = await self._on_cassette(request, slot, turn) or self._kept(request, step, turn)
        return self._latest

    async def _on_cassette(self, request: Request, slot: Slot, turn: TurnRow) -> Exchange | None:
        """The recording of this very answer, if there is one."""
        try:
            found = await self._cassettes.send(request, slot)
        except (CannotAsk, CassetteError):
            return None
        reply = replies.read(found)
        same = found.status == turn.status and saved_response(reply) == turn.response
        return found if same and len(reply.events) == len(turn.times) else None

    async def _assessment(self, request: Request, slot: Slot) -> Exchange:
        """The answer to what a check asks: runs do not keep it."""
        try:
            return await self._cassettes.send(request, slot)
        except (CannotAsk, CassetteError):
            raise self._missing("a check asks a model, and a run does not keep what it answers") from None

    def _kept(self, request: Request, step: Step, turn: TurnRow) -> Exchange:
        self.merged = True
        self.translated = self.translated or is_chat(request.url)
        if turn.transport == "stream" and any(
            _looks_into_events(line.parameter) for line in step.expect if line.check == "stream"
        ):
            raise self._missing(
                "`stream: {each, first, last}` looks into the events of a stream, and a run keeps the merged answer"
            )
        asked = replace(request, body=turn.request)
        if is_chat(request.url):
            asked = replace(asked, body=native_body(asked), url=f"{GOOGLE_MODELS}/{request.model}:generateContent")
        return exchange_of(asked, turn, self._provenance, self._ttft)

    def hides(self, check: str) -> bool:
        """Whether it is an invariant that needs what the run did not keep: the bytes, and what each event held."""
        name = check.removeprefix(_INVARIANT)
        rule = all_rules().get(name)
        return name != check and (self.translated or (rule is not None and (rule.of_bytes or rule.of_events)))

    def _missing(self, lacks: str) -> CannotJudge:
        self.lacks = lacks
        return CannotJudge(lacks)


def _looks_into_events(words: Json) -> bool:
    return isinstance(words, Mapping) and not words.keys().isdisjoint(_WHAT_EVENTS_HELD)


# --- a trial ------------------------------------------------------------------------------------------


def rejudged(trial: Trial, row: Row, judge: Judge, cassettes: Transport) -> Row:
    """The row of a trial that was played before, judged by what its case expects now. ``cassettes``: where its recording may be.

    A trial without an answer stays as it is. What was measured stays too: the answers are the same.
    """
    if trial.skip is None and (not row.turns or (row.error and row.error.kind == "ask")):
        return row
    result = _result(trial, row, judge, cassettes)
    found = judge.row(result)
    if result.status == "skipped":
        return found
    return replace(
        found,
        measures={**found.measures, **row.measures},
        provenance=row.provenance,
        outcome=row.outcome,
        unpriced=row.unpriced,
        turns=row.turns,
    )


def _result(trial: Trial, row: Row, judge: Judge, cassettes: Transport) -> Result:
    change = None if trial.skip else next(changed_request(trial, row.turns or [], judge.sent), None)
    if change is not None:
        message = f"the case sends another request than the one that was answered: {change}; {_REMEDY}"
        return Result(trial, "error", problem=Problem("unknown", message, None, cause(StaleRecording(""))))
    answers = SavedAnswers(trial, row, cassettes)
    result = finish(play(trial, answers, judge.config))
    if answers.lacks:
        problem = Problem("unknown", f"{answers.lacks}; {_REMEDY}", None, cause(CannotJudge()))
        return replace(result, status="error", problem=problem)
    return _with_findings(result, row, answers) if answers.merged else result


_REMEDY = "play the trial to judge it"


def _with_findings(result: Result, row: Row, answers: SavedAnswers) -> Result:
    """The result, with what invariants found before where they look at what the run did not keep."""
    before = [verdict for verdict in row.verdicts if answers.hides(verdict.check)]
    own = [verdict for verdict in result.verdicts if not answers.hides(verdict.check)]
    verdicts = [*own, *(_again(verdict, result.trial.waive) for verdict in before)]
    hidden = {verdict.check for verdict in result.verdicts} - {verdict.check for verdict in own}
    passed = result.invariants_passed + len(hidden) - len({verdict.check for verdict in before})
    status = result.status if result.problem else status_of(result.trial, verdicts)
    return replace(
        result,
        status=status,
        verdicts=verdicts,
        invariants_passed=row.invariants_passed if answers.translated else passed,
    )


def _again(verdict: Verdict, waive: Mapping[str, str]) -> Verdict:
    """A saved verdict on an invariant; waived if the case waives it now."""
    waiver = waive.get(verdict.check.removeprefix(_INVARIANT))
    return verdict if waiver is None else replace(verdict, status="waived", message=waiver, reason="")
