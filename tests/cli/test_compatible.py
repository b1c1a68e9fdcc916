"""``compatible`` through the front door: what works natively and in the OpenAI-compatible dialect, from a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main

SUITES = Path(__file__).parents[2] / "suites"
CASSETTES = SUITES.parent / "cassettes"
SIDES = ("simulator", "simulator-openai", "simulator-google-openai")
GATEWAY = """
provider = "simulator"

[providers.comet-openai]
base_url = "http://simulator.invalid/comet"
path = "/v1/chat/completions"
record_host = "simulator.invalid"
auth = "bearer"
dialect = "openai"
simulated = true
key = "simulator"
"""
ODD = """
suite: odd
matrix:
  model: gemini-3.8-flash
  provider: [simulator, simulator-openai]
cases:
  - {id: too-hot, prompt: hi, request: {generationConfig: {temperature: 99}}, waive: {request-known: on purpose}, expect: {http: {in: [200, 400]}}}
  - {id: refused, prompt: hi, request: {generationConfig: {temperature: 99}}, waive: {request-known: on purpose}, xfail: {why: "no", targets: ["simulator/*"]}}
  - {id: wrong, prompt: What is the capital of Norway?, expect: {text: {contains: Bergen}}}
  - {id: native-only, provider: simulator, prompt: hi}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").write_text(GATEWAY, "utf-8")
    shutil.copy(SUITES / "compatible.yaml", tmp_path / "compatible.yaml")
    return tmp_path


def replayed() -> None:
    assert main(["run", "compatible.yaml", "-q", "--cassettes", str(CASSETTES)]) == 0


def states(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, dict[str, Any]]:
    """Feature -> provider -> cell."""
    capsys.readouterr()
    assert main(["compatible", *argv, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    return {row["feature"]: {cell["side"].partition("/")[0]: cell for cell in row["cells"]} for row in document["rows"]}


def test_the_shipped_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed()
    found = {feature: [cells[side]["state"] for side in SIDES] for feature, cells in states(capsys).items()}
    works, gap, differs = "works", "not available", "differs"
    assert found == {
        "thinking control": [works, works, works],
        "search grounding": [works, gap, gap],
        "maps grounding": [works, gap, gap],
        "image modality": [works, gap, gap],
        "auth header": [works, differs, differs],
        "response format": [works, differs, differs],
        "schemas": [works, works, works],
        "parallel calls": [works, works, works],
        "usage in streams": [works, works, works],
        "thoughts": [works, gap, works],
        "safety": [works, gap, gap],
        "caching": [works, gap, works],
        "token counts": [works, differs, differs],
    }


def test_a_cell_has_its_reason_and_its_trial(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed()
    found = states(capsys)
    assert found["auth header"]["simulator-openai"]["reason"] == "Bearer; natively x-goog-api-key, Bearer"
    assert found["response format"]["simulator-openai"]["reason"] == "choices, message; natively candidates, parts"
    search = found["search grounding"]["simulator-openai"]
    assert search["reason"] == "chat completions have no field for tools.googleSearch"
    assert search["trials"] == ["compatible/search-grounding@simulator-openai/gemini-3.8-flash#1"]


def test_the_document_for_readers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed()
    capsys.readouterr()
    assert main(["compatible", "last", "--format", "markdown", "--format", "html:page.html"]) == 0
    text = capsys.readouterr().out
    assert "| feature | native | compatible | with extra\\_body |" in text
    assert "| search grounding | works | not available | not available |" in text
    assert "SIMULATED" in text
    page = (folder / "page.html").read_text("utf-8")
    assert "compatible/search-grounding@simulator-openai/gemini-3.8-flash#1" in page
    assert "SIMULATED" in page


def test_a_gateway_that_counts_otherwise_differs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--provider", "simulator", "--provider", "comet-openai"]
    assert main(["run", "compatible.yaml", "--live", "-q", "-k", "token-counts or usage-in", *asked]) == 0
    found = states(capsys)
    usage = found["usage in streams"]["comet-openai"]
    assert (usage["state"], usage["reason"]) == ("differs", "in the last event; natively in every event")
    counts = found["token counts"]["comet-openai"]["reason"]
    assert counts == "prompt 12; answer, thoughts, total; natively prompt 12; answer, thoughts, total, by modality"


def test_refusals_and_failures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "odd.yaml").write_text(ODD, "utf-8")
    assert main(["run", "odd.yaml", "--live", "-q"]) == 1
    found = states(capsys)
    assert {side: cell["state"] for side, cell in found["too hot"].items()} == {
        "simulator": "works",
        "simulator-openai": "works",
    }
    refused = found["refused"]["simulator-openai"]
    assert refused["state"] == "not available"
    assert refused["reason"].startswith("HTTP 400, INVALID_ARGUMENT: ")
    wrong = found["wrong"]["simulator-openai"]
    assert (wrong["state"], wrong["reason"].partition(":")[0]) == ("failed", "text")
    assert "native only" not in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "simulator/gemini-3.8-flash"], "the run asks gemini-3.8-flash at no OpenAI-compatible endpoint; play a suite on both:"),
        (["--target", "simulator-openai/gemini-3.8-flash"], "the run asks gemini-3.8-flash at no native endpoint; play a suite on both:"),
    ],
)  # fmt: skip
def test_a_run_with_one_dialect_says_how_to_ask_both(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "compatible.yaml", "--live", "-q", "-k", "schemas", *arguments]) == 0
    capsys.readouterr()
    assert main(["compatible"]) == 4
    assert capsys.readouterr().err.startswith(message)


def test_without_a_run_it_says_which_command_makes_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compatible"]) == 4
    assert "gemini-harness run SUITE --live --provider google" in capsys.readouterr().err


def test_an_unknown_model_names_those_of_the_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed()
    assert main(["compatible", "--model", "gemini-9"]) == 4
    assert "the run does not ask gemini-9; it asks gemini-3.8-flash" in capsys.readouterr().err
