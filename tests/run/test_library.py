"""The harness inside somebody's own test: suites, comparisons, audits and plain replies in one call."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import harness
from harness import audit, compare_runs, judge_reply, play
from harness.errors import RunError, SuiteError, UsageError
from tests.actions import ROOT

ANSWER: Mapping[str, Any] = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}
WRONG_SUM = {**ANSWER, "usageMetadata": {**ANSWER["usageMetadata"], "totalTokenCount": 9}}
URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
REQUEST = {"contents": [{"role": "user", "parts": [{"text": "Capital of Norway?"}]}]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    from harness.cli.main import main

    assert main(["init"]) == 0
    return tmp_path


class GoogleResponse:
    """A response as google-genai's are: a pydantic model with the names of the wire as aliases."""

    def model_dump(self, **how: Any) -> dict[str, Any]:
        assert how == {"mode": "json", "by_alias": True, "exclude_none": True}
        return {**ANSWER, "sdkHttpResponse": {"headers": {}}, "automaticFunctionCallingHistory": []}


@pytest.mark.parametrize(
    "reply",
    [
        ANSWER,
        json.dumps(ANSWER),
        json.dumps(ANSWER).encode(),
        GoogleResponse(),
        httpx.Response(200, json=ANSWER),
        httpx.Response(200, json=ANSWER, request=httpx.Request("POST", URL, json=REQUEST)),
    ],
    ids=["mapping", "text", "bytes", "google-genai", "httpx", "httpx-with-request"],
)
def test_a_reply_of_any_form_is_judged(reply: Any) -> None:
    assert judge_reply(reply).passed
    assert judge_reply(reply, expect={"text": "Oslo", "finishReason": "STOP"}).passed
    failed = judge_reply(reply, REQUEST, {"text": {"icontains": "bergen"}})
    assert repr(failed) == (
        '1 of 1 verdicts failed\ntext: expected text containing "bergen" (any case), got string "Oslo"'
    )


def test_a_broken_invariant_fails_a_reply() -> None:
    assert [verdict.check for verdict in judge_reply(WRONG_SUM).failures] == ["invariant:usage-sum"]
    assert judge_reply(WRONG_SUM, waive={"usage-sum": "the gateway adds one"}).passed


def test_what_was_asked_is_held_against_the_reply() -> None:
    asked = {**REQUEST, "generationConfig": {"responseMimeType": "application/json"}}
    assert not judge_reply(ANSWER, asked, {"json": {}}).passed


def test_a_stream_is_judged_from_its_chunks() -> None:
    first = {key: value for key, value in ANSWER.items() if key != "usageMetadata"}
    first["candidates"] = [{"content": {"role": "model", "parts": [{"text": "Os"}]}, "index": 0}]
    last = json.loads(json.dumps(ANSWER).replace("Oslo", "lo"))
    assert judge_reply([first, last], expect={"text": "Oslo"}).passed
    assert not judge_reply([first], expect={"text": "Os"}).passed, "no chunk has a finishReason"


def test_an_error_reply_is_judged_as_one() -> None:
    error = {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}
    assert not judge_reply(error, status=400).passed
    assert judge_reply(error, expect={"http": 400, "error": {"status": "INVALID_ARGUMENT"}}, status=400).passed


@pytest.mark.parametrize(
    ("reply", "expect", "error", "message"),
    [
        (ANSWER, {"txt": "Oslo"}, SuiteError, 'did you mean "text"?'),
        (ANSWER, {"judge": {"rubric": "polite"}}, UsageError, "judge asks a model, which a reply alone cannot do"),
        (7, {}, UsageError, "expected a reply as a mapping, text, bytes"),
    ],
)
def test_a_mistake_is_a_clear_error(reply: Any, expect: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        judge_reply(reply, expect=expect)
    assert message in str(caught.value)


def test_half_a_character_in_the_name_of_the_model_is_judged_as_any_other() -> None:
    verdicts = judge_reply({**ANSWER, "modelVersion": "gemini-\ud83d"})
    assert [verdict.check for verdict in verdicts.failures] == []


def test_suites_are_played_and_compared(project: Path) -> None:
    results = play("suites/first.yaml")
    assert results.passed
    assert repr(results) == "8 passed"
    assert [result.status for result in play(model="gemini-3.8-flash", keywords="capital")] == ["passed", "passed"]
    assert not compare_runs(results, results).flips
    suite = project / "suites/first.yaml"
    suite.write_text(suite.read_text().replace("icontains: oslo", "icontains: bergen"))
    worse = play()
    assert not worse.passed
    assert 'first/capital@simulator/gemini-3.8-flash#1: expected text containing "bergen"' in repr(worse)
    assert len(compare_runs(results, worse).flips) == 2


def test_live_results_have_the_order_of_their_trials(project: Path) -> None:
    cases = "".join(f"  - {{id: c{n}, prompt: List {n} planets}}\n" for n in range(24))
    (project / "many.yaml").write_text(
        f"suite: many\nmatrix: {{model: gemini-3.8-flash, transport: [unary, stream]}}\ncases:\n{cases}"
    )
    recorded, live = play("many.yaml", record_mode="all"), play("many.yaml", live=True)
    assert len(live) == 48
    assert [result.trial.id for result in live] == [result.trial.id for result in play("many.yaml")]
    assert [result.trial.id for result in recorded] == [result.trial.id for result in live]


def test_a_saved_run_compares_with_a_new_one(project: Path) -> None:
    from harness.cli.main import main

    assert main(["run"]) == 0
    assert main(["baseline", "set", "last"]) == 0
    assert not compare_runs("baseline", play()).flips
    assert not compare_runs("last", "baseline").flips
    with pytest.raises(RunError):
        compare_runs("none", "last")


def test_recordings_are_audited(project: Path) -> None:
    done = audit("cassettes")
    assert len(done.exchanges) == 8
    assert not done.errors
    with pytest.raises(UsageError, match="no such file"):
        audit("missing")


def test_the_public_names_are_typed(tmp_path: Path) -> None:
    code = tmp_path / "own_test.py"
    code.write_text(
        "from harness import compare_runs, judge_reply, play\n"
        "passed: bool = play('suites/').passed\n"
        "flips: str = compare_runs('a', 'b').flips\n"
        "judge_reply({}, expected={})\n"
    )
    homes = ("harness/__init__.pyi", "harness/run/library.py", "harness/compare/comparison.py")
    options = ("--no-incremental", "--follow-imports=skip", "--config-file", "pyproject.toml")
    command = [sys.executable, "-m", "mypy", *options, str(code), *homes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = re.findall(rf"{code.name}:(\d+): error: ", done.stdout)
    assert lines == ["3", "4"], done.stdout


@pytest.mark.parametrize("name", harness.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(harness, name).__doc__ or name == "Json"
