"""Trials at the OpenAI-compatible endpoints of the simulator: played, recorded, replayed, or not available."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main

SUITE = """
suite: dialects
matrix:
  model: gemini-3.8-flash
  provider: [simulator-openai, simulator-google-openai]
cases:
  - {id: capital, prompt: What is the capital of Norway? One word., transport: [unary, stream], expect: {text: {icontains: oslo}, totalTokenCount: {min: 1}}}
  - id: weather
    transport: [unary, stream]
    request:
      tools:
        - functionDeclarations:
            - {name: get_weather, description: The weather in a city., parameters: {type: OBJECT, properties: {city: {type: STRING}}, required: [city]}}
    turns:
      - user: Compare the weather in Oslo and Rome.
        expect: {functionCalls: {min: 2}}
      - reply:
          - {name: get_weather, response: {temp_c: -4}}
          - {name: get_weather, response: {temp_c: 21}}
        expect: {text: {contains: "21"}}
  - id: thoughts
    prompt: What is 17 * 23?
    thinking: {level: low, includeThoughts: true}
    expect: {thoughts: {present: true}}
  - {id: schema, prompt: What is the capital of Norway?, schema: {type: OBJECT, properties: {capital: {type: STRING}}, required: [capital]}, expect: {json: {valid: request}}}
  - {id: search, prompt: Who won the euro 2024?, tools: [googleSearch], expect: {groundingChunks: {min: 1}}}
  - {id: tokens, turns: [{call: "POST models/${model}:countTokens", body: {contents: [{parts: [{text: hi}]}]}, expect: {totalTokens: {min: 1}}}]}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialects.yaml").write_text(SUITE, "utf-8")
    return "dialects.yaml"


def test_recorded_and_replayed(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    for mode in ("all", "none"):
        assert main(["run", suite, "--record-mode", mode, "--strict", "--format", "json"]) == 0
        run = json.loads(capsys.readouterr().out)
        passed = [row["id"] for row in run["results"] if row["status"] == "passed"]
        assert len(passed) == 11
    reasons = {(row["case"], row["target"].split("/")[0]): row["skip"] for row in run["results"] if row["skip"]}
    field = "not available: chat completions have no field for"
    call = "not available: the OpenAI-compatible dialect has no call POST models/gemini-3.8-flash:countTokens"
    assert reasons == {
        ("thoughts", "simulator-openai"): f"{field} thinkingConfig.includeThoughts",
        ("search", "simulator-openai"): f"{field} tools.googleSearch",
        ("search", "simulator-google-openai"): f"{field} tools.googleSearch",
        ("tokens", "simulator-openai"): call,
        ("tokens", "simulator-google-openai"): call,
    }
    assert main(["audit", "cassettes", "--strict"]) == 0
    assert "0 native and 15 compatible of 15 interactions; 0 errors" in " ".join(capsys.readouterr().out.split())


def test_the_table_says_what_is_not_available(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", suite, "--live"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "not available: chat completions have no field for tools.googleSearch" in out
    assert "11 passed, 5 skipped (16 trials)" in out


def test_a_dry_run_sends_nothing_for_it(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", suite, "--dry-run", "-k", "search"]) == 5
    assert capsys.readouterr().out.count("skipped: not available: ") == 2


def test_show_says_that_it_cannot_be_sent(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    trial = "dialects/search@simulator-openai/gemini-3.8-flash#1"
    assert main(["show", trial, suite]) == 4
    assert "not available: chat completions have no field for tools.googleSearch" in capsys.readouterr().err


def test_a_judge_needs_a_native_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    case = "{id: c, model: gemini-3.8-flash, provider: simulator-openai, prompt: hi, expect: {similar: {to: Hello, min: 0.1%s}}}"
    for by, code in (("", 4), (", by: simulator/gemini-embedding-001", 0)):
        (tmp_path / "s.yaml").write_text(f"suite: s\ncases:\n  - {case % by}\n", "utf-8")
        assert main(["run", "s.yaml", "--live"]) == code
        out = " ".join(capsys.readouterr().out.split())
        assert ("simulator-openai does not answer so: name another with by:" in out) == bool(code)


def test_a_request_field_is_compared_across_dialects(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    targets = ["simulator/gemini-3.8-flash", "simulator-openai/gemini-3.8-flash"]
    asked = [f"--target={target}" for target in targets]
    assert main(["run", suite, "--live", "-q", "-k", "capital or weather", "--repeat", "3", *asked]) == 0
    capsys.readouterr()
    assert main(["fidelity", "last", "--target", "simulator", "--target", "simulator-openai", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [
        change for feature in found["features"] for change in feature["changes"] if change["kind"] == "ignored"
    ] == []


def test_an_unknown_dialect_is_an_error_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    row = '[providers.odd]\nbase_url = "http://127.0.0.1:1"\ndialect = "opnai"\nauth = "none"\n'
    (tmp_path / "harness.toml").write_text(row, "utf-8")
    (tmp_path / "s.yaml").write_text("suite: s\ncases: [{id: c, model: m, provider: odd, prompt: hi}]\n", "utf-8")
    assert main(["run", "s.yaml", "--live"]) == 4
    printed = capsys.readouterr()
    assert "providers.odd.dialect: no dialect is called 'opnai'; did you mean \"openai\"?" in printed.out + printed.err


def test_a_gate_counts_what_is_not_available_as_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(
        "suite: s\n"
        "matrix: {model: gemini-3.8-flash, provider: [simulator, simulator-openai]}\n"
        "compare: {gate: {pass_rate: {min: 90%}}}\n"
        "cases: [{id: c, prompt: Who won the euro 2024?, tools: [googleSearch]}]\n",
        "utf-8",
    )
    main(["run", "s.yaml", "--live", "--format", "json"])
    (gate,) = json.loads(capsys.readouterr().out)["gates"]
    assert gate["asked"], gate["message"]
