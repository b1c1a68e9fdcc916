"""``probe``: what a model does, against what the catalogue says; asked of the simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.cli.commands import probe
from harness.cli.main import main
from harness.gemini.models import ModelFacts, Thinking, answering
from harness.report.blocks import SIMULATED
from harness.run import session
from harness.simulator import serve

LITE = "gemini-3.1-flash-lite"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(session, "start_simulator", lambda: serve.start(latency=0, pace=0))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*argv: str) -> tuple[int, str, str]:
        code = main(["probe", "--as-of", "2026-11-28", *argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def wrong(model: str, _day: date) -> ModelFacts:
    """Facts with faults: a level too many, one too few, and no function calling."""
    known = answering(model, date(2026, 11, 28))
    assert known is not None
    levels = Thinking("level", ("LOW", "MEDIUM", "HIGH", "XHIGH"), budgets="any")
    return replace(known, thinking=levels, features=known.features - {"function_calling"})


def test_what_the_catalogue_has_wrong_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "answering", wrong)
    code, out, err = run("--provider", "simulator", "--model", LITE, "--format", "json")
    assert code == 1
    document = json.loads(out)
    found: dict[str, dict[str, Any]] = {row["capability"]: row for row in document["findings"]}
    assert document["simulated"] is True
    assert document["totals"]["asked"] == len(found)
    assert found["thinkingLevel XHIGH"] == {
        "target": f"simulator/{LITE}",
        "capability": "thinkingLevel XHIGH",
        "claimed": True,
        "outcome": "refused",
        "verdict": "differs",
        "status": 400,
        "message": found["thinkingLevel XHIGH"]["message"],
    }
    assert "XHIGH" in found["thinkingLevel XHIGH"]["message"]
    for capability in ("thinkingLevel MINIMAL", "function calling"):
        row = found[capability]
        assert (row["claimed"], row["outcome"], row["verdict"]) == (False, "works", "differs")
    for capability in (
        "plain answer",
        "modelVersion",
        "streaming",
        "responseSchema",
        "Google Search",
        "code execution",
    ):
        assert found[capability]["verdict"] == "agrees"
    assert "SIMULATED" not in err


def test_what_differs_is_shown_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "answering", wrong)
    code, out, _ = run("--provider", "simulator", "--model", LITE)
    plain = " ".join(out.split())
    assert code == 1
    assert plain.startswith(f"What differs from the catalogue {''.join(SIMULATED.texts)} simulator/{LITE}: ")
    assert "DIFFERS thinkingLevel XHIGH: refused, though the catalogue has it: HTTP 400: " in plain
    assert "as known" not in plain
    assert " cost $" in plain
    assert max(map(len, out.splitlines())) <= 80


def test_speech_as_the_catalogue_says(run: Run) -> None:
    code, out, _ = run("--provider", "simulator", "--model", "gemini-3.8-flash-tts", "-v")
    assert (code, out.splitlines()[5:7]) == (
        0,
        [
            "simulator/gemini-3.8-flash-tts: 1 of 1 answer as the catalogue says",
            "  as known  speech: works",
        ],
    )


def test_a_dry_run_says_what_it_would_ask(run: Run) -> None:
    code, out, _ = run("--provider", "google", "--model", "gemini-4-n*", "--model", LITE, "--dry-run")
    lines = out.splitlines()
    assert code == 0
    assert [line.partition(":")[0] for line in lines[:2]] == ["google/gemini-4-neon", f"google/{LITE}"]
    assert "nothing was sent" in lines[3]
    assert "asks " in lines[4]
    assert "at most $" in lines[4]


def test_a_dry_run_shows_every_request(run: Run) -> None:
    _, out, _ = run("--provider", "google", "--model", LITE, "--dry-run", "--format", "json")
    document = json.loads(out)
    (row,) = [row for row in document["requests"] if row["capability"] == "thinkingBudget 0"]
    assert row["claimed"] is True
    assert row["url"].endswith(f"/models/{LITE}:generateContent")
    assert row["body"]["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}
    assert document["cost"]["at_most_usd"] > 0


def test_a_retired_model_is_compared_with_the_one_that_answers() -> None:
    before, after = (answering("gemini-2.5-flash", date(2026, month, 1)) for month in (11, 12))
    assert before
    assert after
    assert (before.name, after.name) == ("gemini-2.5-flash", "gemini-3.5-flash-lite")


def test_an_unknown_model_costs_few_questions(run: Run) -> None:
    code, out, err = run("--provider", "simulator", "--model", "gemini-9", "--concurrency", "1", "--format", "json")
    assert code == 6
    assert err.startswith("note: nothing is known of gemini-9, so nothing can differ")
    first, *others = json.loads(out)["findings"]
    assert (first["capability"], first["verdict"], first["status"]) == ("plain answer", "news", 404)
    assert {(row["message"], row["status"]) for row in others} == {("the model was not found (HTTP 404)", None)}


def test_without_a_key_nothing_is_asked(run: Run) -> None:
    code, out, err = run("--provider", "google", "--model", LITE)
    assert (code, out) == (6, "")
    assert err.startswith("No key for provider 'google'")


def test_a_ceiling_holds(run: Run) -> None:
    code, out, err = run("--provider", "simulator", "--model", LITE, "--max-cost", "0.00001", "--concurrency", "1")
    assert code == 6
    assert "the ceiling of $0.000010 would be exceeded" in err
    assert "without an answer" in " ".join(out.split())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--provider", "simulatr"], "no provider is called 'simulatr'; did you mean \"simulator\"?"),
        (["--model", "gemini-9*"], "--model: no model matches 'gemini-9*' in the catalogue"),
        (["--model", "gemini-3.8-live"], "--model: gemini-3.8-live does not answer generateContent"),
        (["--format", "junit"], "no format 'junit' for a probe"),
        (["--max-cost", "0"], "expected dollars above 0"),
    ],
)
def test_a_mistake_is_named(run: Run, argv: list[str], message: str) -> None:
    code, out, err = run(*argv)
    assert (code, out) == (4, "")
    assert message in err


def test_a_404_of_a_model_that_is_not_there_says_nothing_else(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in flight with the first question is refused too, but not for lack of a feature."""
    known = answering(LITE, date(2026, 11, 28))
    monkeypatch.setattr(probe, "answering", lambda _model, _day: known)
    _, out, _ = run("--provider", "simulator", "--model", "gemini-9", "--format", "json")
    verdicts = {row["capability"]: row["verdict"] for row in json.loads(out)["findings"]}
    assert verdicts.pop("plain answer") == "differs"
    assert set(verdicts.values()) == {"open"}
