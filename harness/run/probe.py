"""Asks a model what the catalogue says of it: questions become trials, results become findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from harness.answer.refusals import message_of
from harness.gemini.capabilities import PLAIN, Finding, Outcome, Question
from harness.gemini.models import answers_for
from harness.model import Place, Result, Step, Target, Trial, Turn
from harness.text.grouping import grouped
from harness.text.names import slug

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


def in_turns(asked: Iterable[Probed], results: Mapping[str, Result]) -> Iterator[Trial]:
    """The first question of every target, then the second ...: a target that is not there costs one question. ``results``: so far."""
    by_target = grouped(asked, attrgetter("target")).values()
    for place in range(max(map(len, by_target), default=0)):
        for mine in by_target:
            if place < len(mine) and _status(results.get(mine[0].trial.id)) != 404:
                yield mine[place].trial


def all_findings(asked: Iterable[Probed], results: Mapping[str, Result], why: str) -> Iterator[Finding]:
    """The findings in the order of the questions. ``why``: the reason where there is no result.

    Where the first question of a target says that the model is not there, no other 404 says anything about a feature.
    """
    opened: dict[Target, Result | None] = {}
    for one in asked:
        result = results.get(one.trial.id)
        first = opened.setdefault(one.target, result)
        if first is not result and _status(first) == 404 and _status(result) in (404, None):
            yield not_asked(one, NOT_FOUND)
        elif result is None:
            yield not_asked(one, why)
        else:
            yield from findings(one, result)


def _status(result: Result | None) -> int | None:
    return result.turns[-1].exchange.status if result and result.turns else None


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
