"""Checks that ask a model: what they send, what they make of the answer, and when they cannot judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.gemini.prices import OwnPrice
from harness.model import Provenance, Request, Result, Slot
from harness.results.rows import dumps, result_row
from harness.run.play import finish, play
from tests.factories import PARIS, Script, config, exchange, step, trial, user
from tests.judge.test_checks import complaints_of

RUBRIC = {"rubric": "It names a capital.", "min": 4}
GONE = {"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {
        **PARIS,
        "candidates": [{**PARIS["candidates"][0], "content": {"role": "model", "parts": [{"text": text}]}}],
        **more,
    }


def scored(score: Any, reason: str = "so it does") -> dict[str, Any]:
    return said(json.dumps({"reason": reason, "score": score}))


def embedded(*values: Any) -> dict[str, Any]:
    return {"embedding": {"values": list(values)}}


def judged(expect: dict[str, Any], *answers: Any, **settings: Any) -> tuple[Result, Script]:
    script = Script(*answers)
    return finish(play(trial([step("Capital of France?", expect)]), script, config(**settings))), script


def messages(result: Result) -> list[str]:
    return [verdict.message for verdict in result.verdicts if verdict.status == "failed"]


# --- what is sent -------------------------------------------------------------------------------------


def test_a_judge_sees_rubric_question_and_answer() -> None:
    result, script = judged({"judge": RUBRIC}, PARIS, scored(5))
    assert result.status == "passed"
    (_, first), (request, slot) = script.sent
    assert (first.position, slot.position) == ((0, 0, 0), (0, 0, 0, 1))
    assert request.url.endswith("/v1beta/models/gemini-3.8-flash:generateContent")
    (text,) = request.body["contents"][0]["parts"]
    for piece in ("It names a capital.", "Capital of France?", "Paris"):
        assert piece in text["text"]
    assert request.body["generationConfig"]["responseSchema"]["required"] == ["reason", "score"]


def test_similar_embeds_both_texts() -> None:
    result, script = judged({"similar": {"to": "Paris!"}}, PARIS, embedded(1, 0), embedded(2, 0))
    assert (result.status, result.measures["similarity"]) == ("passed", 1)
    assert [slot.position for _, slot in script.sent] == [(0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 2)]
    assert [request.body["content"]["parts"][0]["text"] for request, _ in script.sent[1:]] == ["Paris!", "Paris"]
    assert script.sent[1][0].url.endswith("/models/gemini-embedding-001:embedContent")


@pytest.mark.parametrize(
    ("by", "provider", "model"),
    [("there/m-1", "there", "m-1"), ("m-2", "here", "m-2"), ("there/tuned/m", "there/tuned", "m")],
)
def test_by_names_who_is_asked(by: str, provider: str, model: str) -> None:
    rows = config().providers
    known = {**rows, provider: rows["here"].__class__(provider, "http://127.0.0.1:9", kind="import", auth="none")}
    _, script = judged({"judge": {**RUBRIC, "by": by}}, PARIS, scored(5), providers=known)
    assert (script.sent[1][0].provider, script.sent[1][0].model) == (provider, model)


def test_both_checks_ask_in_the_order_of_the_case() -> None:
    result, script = judged({"judge": RUBRIC, "similar": {"to": "x"}}, PARIS, scored(5), embedded(1), embedded(1))
    assert (result.status, script.sent[3][1].position) == ("passed", (0, 0, 0, 3))
    assert (result.measures["judge_score"], result.measures["judge_requests"]) == (5, 3)


# --- what is made of it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "status"), [(5, "passed"), (4, "passed"), (4.5, "passed"), (3, "failed"), (1, "failed")]
)
def test_a_score_passes_from_the_minimum_on(score: float, status: str) -> None:
    result, _ = judged({"judge": {"rubric": "x"}}, PARIS, scored(score, "too short"))
    assert (result.status, result.measures["judge_score"]) == (status, score)
    if status == "failed":
        assert messages(result) == [
            f"judged by here/gemini-3.8-flash: {score:g} of 5, at least 4 is expected: too short"
        ]


def test_a_fault_on_the_way_to_the_judge_says_who_was_asked() -> None:
    busy = exchange({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, status=503)
    result, _ = judged({"judge": RUBRIC}, PARIS, busy)
    assert result.problem is not None
    assert result.problem.message.startswith("the check judge asks here/gemini-3.8-flash: HTTP 503: overloaded")


@pytest.mark.parametrize(
    "odd",
    [
        said("5"),
        said("great!"),
        said('{"reason": "x"}'),
        said('{"score": 6}'),
        said('{"score": 0}'),
        scored(True),
        scored("5"),
        said("[]"),
    ],
)
def test_a_judge_out_of_its_format_judges_nothing(odd: Any) -> None:
    result, _ = judged({"judge": RUBRIC}, PARIS, odd)
    assert (result.status, result.measures["judge_score"]) == ("error", None)
    assert result.problem is not None
    assert (
        "judge: here/gemini-3.8-flash answered out of its format, expected a score from 1 to 5: "
        in result.problem.message
    )


@pytest.mark.parametrize(
    ("vectors", "similarity"),
    [(([1, 0], [1, 0]), 1), (([1, 0], [0, 3]), 0), (([1, 1], [-1, -1]), -1), (([3, 4], [4, 3]), 0.96)],
)
def test_similarity_is_the_cosine(vectors: tuple[list[float], list[float]], similarity: float) -> None:
    first, second = vectors
    result, _ = judged({"similar": {"to": "x", "min": 0.9}}, PARIS, embedded(*first), embedded(*second))
    assert result.measures["similarity"] == pytest.approx(similarity)
    expected = (
        []
        if similarity > 0.9
        else [f"the similarity by here/gemini-embedding-001 is {similarity:.3f}, at least 0.9 is expected"]
    )
    assert messages(result) == expected


@pytest.mark.parametrize("odd", [embedded(), embedded(0, 0), embedded(1, 2, 3), {}, {"embedding": [1]}, b"<html>"])
def test_vectors_that_do_not_fit_are_no_similarity(odd: Any) -> None:
    result, _ = judged({"similar": {"to": "x"}}, PARIS, embedded(1, 0), odd)
    assert result.status == "error"
    assert result.problem is not None
    assert result.problem.message == "similar: here/gemini-embedding-001 sent no two vectors of one length"


# --- what cannot be judged ----------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["judge", "similar"])
def test_a_refusal_of_the_judge_is_an_error(check: str) -> None:
    expect = {"judge": RUBRIC, "similar": {"to": "x"}}[check]
    result, _ = judged({check: expect}, PARIS, exchange(GONE, status=404))
    assert result.status == "error"
    assert result.problem is not None
    assert f"{check}: here/gemini-" in result.problem.message
    assert "refuses, HTTP 404: no such model" in result.problem.message
    assert (result.problem.kind, result.problem.cause) == ("unknown", "cannot-judge"), "no error of the suite"


def test_a_busy_judge_is_no_mark_against_the_answer() -> None:
    busy = exchange({"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE"}}, status=503)
    result, _ = judged({"judge": RUBRIC}, PARIS, busy)
    assert result.problem is not None
    assert (result.status, result.problem.kind) == ("error", "ask")


@pytest.mark.parametrize("check", ["judge", "similar"])
def test_an_answer_without_text_fails_and_nobody_is_asked(check: str) -> None:
    expect = {"judge": RUBRIC, "similar": {"to": "x"}}[check]
    refused = {"error": {"code": 400, "message": "Bad thinking.", "status": "INVALID_ARGUMENT"}}
    result, script = judged({check: expect}, exchange(refused, status=400))
    assert (result.status, len(script.sent)) == ("failed", 1)
    assert any("Bad thinking." in message for message in messages(result))
    assert any(message.startswith("the answer has no text") for message in messages(result))


# --- what reports say ---------------------------------------------------------------------------------


def test_the_judge_is_priced_apart() -> None:
    prices = {name: OwnPrice(1.0, 1.0) for name in ("gemini-2.5-flash", "gemini-3.8-flash")}
    result, _ = judged({"judge": RUBRIC}, PARIS, scored(5), prices=prices)
    assert (result.measures["cost_usd"], result.measures["judge_cost_usd"]) == (5e-06, 5e-06)
    assert result.measures["totalTokenCount"] == 5
    assert dumps(result_row(result))


class Simulated(Script):
    """A script whose answers to checks are simulated."""

    async def send(self, request: Request, slot: Slot) -> Any:
        found = await super().send(request, slot)
        provenance = Provenance("live", "simulator", simulated=bool(slot.part))
        return exchange(json.loads(found.content), request, provenance=provenance)


def test_a_simulated_judge_is_labelled() -> None:
    result = finish(play(trial([step("?", {"judge": RUBRIC})]), Simulated(PARIS, scored(1)), config()))
    assert messages(result) == [
        "judged by here/gemini-3.8-flash (SIMULATED): 1 of 5, at least 4 is expected: so it does"
    ]


# --- what a suite may write ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameter", "complaint"),
    [
        ("judge", {"rubric": "x", "min": 6}, "expected a number from 1 to 5, got the number 6"),
        ("judge", {"rubric": "x", "min": 0}, "expected a number from 1 to 5, got the number 0"),
        ("judge", {"rubric": " "}, 'expected a text, got the text " "'),
        (
            "judge",
            {"rubric": "x", "by": "google/"},
            'expected provider/model, or a model at the provider of the trial, got the text "google/"',
        ),
        ("judge", {"min": 4}, 'the key "rubric" is missing'),
        ("similar", {"to": "x", "min": 1.5}, "expected a number from -1 to 1, got the number 1.5"),
        ("similar", {"to": ""}, 'expected a text, got the text ""'),
        (
            "similar",
            {"to": "x", "by": "/m"},
            'expected provider/model, or a model at the provider of the trial, got the text "/m"',
        ),
    ],
)
def test_parameters_that_are_refused(name: str, parameter: Any, complaint: str) -> None:
    assert complaints_of(name, parameter, Path()) == [complaint]


def test_the_question_is_the_last_turn() -> None:
    script = Script(PARIS, said("Rome"), scored(5))
    finish(play(trial([step("first"), step("second", {"judge": RUBRIC})]), script, config()))
    text = script.sent[2][0].body["contents"][0]["parts"][0]["text"]
    assert ("second" in text, "Rome" in text, "first" in text) == (True, True, False)
    assert script.sent[1][0].body["contents"][-1] == user("second")
