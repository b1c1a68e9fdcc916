"""Questions about a model follow from what the catalogue says of it, and answers agree with that or differ."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.gemini.canonical import request_findings
from harness.gemini.capabilities import Outcome, Question, Verdict, _rows, probeable, questions
from harness.gemini.models import catalogue, facts
from harness.model import Reply

DAY = date(2026, 11, 28)


def claims(model: str) -> dict[str, bool | None]:
    return {question.ask: question.claim for question in questions(facts(model), DAY)}


@pytest.mark.parametrize(
    ("model", "ask", "claim"),
    [
        ("gemini-3.8-flash", "plain answer", True),
        ("gemini-2.5-flash-lite", "plain answer", None),
        ("gemma-4-31b-it", "function calling", True),
        ("gemma-4-31b-it", "Google Search", None),
        ("gemini-2.0-flash", "plain answer", False),
        ("gemini-2.5-flash-preview-tts", "speech", False),
        ("gemini-3.8-flash", "thinkingLevel LOW", True),
        ("gemini-3.8-flash", "thinkingLevel MINIMAL", False),
        ("gemini-3.8-flash", "thinkingBudget 0", True),
        ("gemini-3.8-flash", "thinkingBudget -1", None),
        ("gemini-3.8-flash", "a last turn of the model", False),
        ("gemini-3.8-flash", "candidateCount 2", None),
        ("gemini-3.8-flash", "function calling", True),
        ("gemini-3.8-flash", "thinkingLevel LOW with thinkingBudget 512", False),
        ("gemini-3.5-flash-lite", "thinkingBudget 0", False),
        ("gemini-3.5-flash-lite", "thinkingBudget 512", True),
        ("gemini-3-flash-preview", "thinkingBudget 0", None),
        ("gemini-4-neon", "thinkingBudget 512", False),
        ("gemini-4-neon", "candidateCount 2", False),
        ("gemini-2.5-pro", "thinkingBudget 0", False),
        ("gemini-2.5-pro", "thinkingBudget -1", True),
        ("gemini-2.5-pro", "thinkingBudget 32769", False),
        ("gemini-2.5-pro", "thinkingLevel HIGH", False),
        ("gemini-2.5-pro", "JSON mode with functions", False),
        ("gemini-2.5-flash-image", "thinkingBudget 512", False),
        ("gemini-nano-banana-2.1", "thinkingLevel HIGH", None),
        ("gemini-nano-banana-2.1", "image output", True),
    ],
)
def test_a_question_knows_what_the_catalogue_claims(model: str, ask: str, claim: bool | None) -> None:
    assert claims(model)[ask] is claim


def test_images_and_speech_are_asked_of_those_who_make_them() -> None:
    assert "image output" not in claims("gemini-3.8-flash")
    assert list(claims("gemini-3.8-flash-tts")) == ["speech"]


def test_nothing_is_claimed_of_an_unknown_model() -> None:
    found = {question.ask: question.claim for question in questions(None, DAY)}
    assert found.pop("thinkingLevel LOW with thinkingBudget 512") is False
    assert set(found.values()) == {None}


def test_every_model_that_answers_has_questions() -> None:
    known = [model for model in catalogue().models.values() if probeable(model)]
    assert all(questions(model, DAY) for model in known)
    assert not {model.name for model in known} & {"gemini-3.8-live", "gemini-embedding-2", "gemini-omni-1.1-flash"}


def test_questions_name_what_the_catalogue_names() -> None:
    features = {feature for model in catalogue().models.values() for feature in model.features}
    named = [row[key] for row in _rows() for key in ("feature", "restriction") if key in row]
    assert set(named) <= features


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "gemini-3.8-flash", "gemini-3-pro-image", "gemini-3.8-flash-tts"])
def test_every_question_is_one_that_the_api_can_read(model: str) -> None:
    for question in questions(facts(model), DAY):
        assert list(request_findings({**question.body, "contents": question.contents})) == []


@pytest.mark.parametrize(
    ("claim", "outcome", "certain", "verdict"),
    [
        (True, "works", True, "agrees"),
        (True, "refused", True, "differs"),
        (True, "no sign", True, "differs"),
        (True, "no sign", False, "agrees"),
        (False, "works", True, "differs"),
        (False, "refused", True, "agrees"),
        (False, "no sign", True, "agrees"),
        (None, "works", True, "news"),
        (None, "refused", True, "news"),
        (True, "unanswered", True, "open"),
        (None, "unanswered", True, "open"),
    ],
)
def test_an_answer_agrees_or_differs(claim: bool | None, outcome: Outcome, certain: bool, verdict: Verdict) -> None:
    assert Question("x", claim, {}, [], certain=certain).verdict(outcome) == verdict


@pytest.mark.parametrize(
    ("sign", "answer", "text", "shown"),
    [
        ("", {}, "", True),
        ("json", {}, '{"capital": "Oslo"}', True),
        ("json", {}, "Oslo", False),
        ("json", {}, "3", False),
        ("$.candidates[1]", {"candidates": [{}, {}]}, "", True),
        ("$.candidates[1]", {"candidates": [{}]}, "", False),
    ],
)
def test_a_sign_is_looked_for_in_the_answer(sign: str, answer: dict[str, Any], text: str, shown: bool) -> None:
    reply = Reply("json", [], answer, None, [], text=text)
    assert Question("x", True, {}, [], sign=sign).shown_by(reply) is shown
