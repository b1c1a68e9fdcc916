"""Asks a model what the catalogue says of it: questions become trials, results become findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from pathlib import Path
from typing import Any

from harness.answer.refusals import message_of
from harness.errors import GivenUp
from harness.gemini.capabilities import PLAIN, Finding, Outcome, Question
from harness.gemini.models import answers_for
from harness.model import Exchange, Place, Request, Result, Slot, Step, Target, Trial, Turn
from harness.text.grouping import grouped
from harness.text.names import slug
from harness.transport.wrapping import Around

NOT_FOUND = "the model was not found (HTTP 404)"
_PLACE = Place("gemini-harness probe", 1)


@dataclass(frozen=True, slots=True)
class Probed:
    """A question to a target, and the trial that asks it."""

    target: Target
    question: Question
    trial: Trial


def probed(target: Target, questions: Iterable[Question]) -> Iterator[Probed]:
    """The trials that ask these questions. They have no expectations: whatever comes back is an answer."""
    for question in questions:
        step = Step(question.body, question.contents, question.transport, [], _PLACE)
        group = f"probe/{slug(question.ask)}@{target}"
        trial = Trial(f"{group}#1", group, "probe", question.ask, target, {}, 1, 0, [step], Path("probe"), _PLACE)
        yield Probed(target, question, trial)


class Attentive(Around):
    """A transport that asks a model nothing more if it is not found, and answered nothing before."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._gone: set[str] = set()
        self._there: set[str] = set()

    async def send(self, request: Request, slot: Slot) -> Exchange:
        if request.model in self._gone:
            raise GivenUp(NOT_FOUND)
        exchange = await super().send(request, slot)
        if exchange.status == 200:
            self._there.add(request.model)
        elif exchange.status == 404 and request.model not in self._there:
            self._gone.add(request.model)
        return exchange


def in_turns(asked: Iterable[Probed]) -> list[Probed]:
    """The first question of every target, then the second ...: a target that is not there costs one question."""
    by_target = grouped(asked, attrgetter("target")).values()
    return [one for turn in zip_longest(*by_target) for one in turn if one]


def all_findings(asked: Iterable[Probed], results: Mapping[str, Result], why: str) -> Iterator[Finding]:
    """The findings in the order of the questions. ``why``: the reason where there is no result.

    Where the first question of a target says that the model is not there, no other 404 says anything about a feature.
    """
    opened: dict[Target, Result | None] = {}
    for one in asked:
        result = results.get(one.trial.id)
        first = opened.setdefault(one.target, result)
        if result is None:
            yield not_asked(one, why)
        elif first is not result and first and _status(first) == _status(result) == 404:
            yield not_asked(one, NOT_FOUND)
        else:
            yield from findings(one, result)


def _status(result: Result) -> int | None:
    return result.turns[-1].exchange.status if result.turns else None


def findings(asked: Probed, result: Result) -> Iterator[Finding]:
    """What the result says about the question; of an answer to the plain one also which model gave it."""
    question = asked.question
    if not result.turns or (result.problem and result.problem.kind == "ask"):
        yield not_asked(asked, result.problem.message.splitlines()[0] if result.problem else "not asked")
        return
    turn = result.turns[-1]
    status, outcome = turn.exchange.status, _outcome(question, turn)
    message = message_of(turn.reply.error).replace("\n", " ")
    if outcome == "unanswered":
        message = "the answer was cut off at the token limit before it showed"
    yield Finding(str(asked.target), question.ask, question.claim, outcome, question.verdict(outcome), status, message)
    version = turn.reply.model_version
    if question.ask == PLAIN and outcome == "works" and version:
        yield _identity(asked, version, status)


def _outcome(question: Question, turn: Turn) -> Outcome:
    if turn.exchange.status != 200 or turn.reply.error is not None:
        return "refused"
    if question.shown_by(turn.reply):
        return "works"
    return "unanswered" if turn.reply.finish_reason == "MAX_TOKENS" else "no sign"


def _identity(asked: Probed, version: str, status: int) -> Finding:
    same = answers_for(asked.target.model, version)
    return Finding(
        str(asked.target),
        "modelVersion",
        claim=True,
        outcome="works" if same else "no sign",
        verdict="agrees" if same else "differs",
        status=status,
        message="" if same else f"{version} answers",
    )


def not_asked(asked: Probed, why: str) -> Finding:
    question = asked.question
    return Finding(str(asked.target), question.ask, question.claim, "unanswered", "open", message=why)
