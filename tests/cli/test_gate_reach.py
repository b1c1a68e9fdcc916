"""Which gates the cases of a suite can answer, shown before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.compare.comparison import compare_runs
from harness.compare.gates import evaluate, from_option
from harness.compare.gates.reach import reach
from harness.results.summary import summarise
from tests.sample_rows import row


@pytest.mark.parametrize(
    ("gate", "cells", "attempts", "answer"),
    [
        (
            "pass_rate=2pp@95%",
            12,
            1,
            "12 cells cannot answer it, even if every attempt passes; it takes 149 cells, or a limit of 23 pp",
        ),
        (
            "pass_rate=2pp@95%",
            200,
            1,
            "keeps it in about 23% of runs; for 80%, it takes 1,469 cells, or a limit of 6 pp",
        ),
        (
            "pass_rate=10pp@95%",
            100,
            1,
            "100 cells can answer it; an unchanged model that passes 95% keeps it in about 95%",
        ),
        ("pass_rate=2pp", 30, 1, "keeps it in about 64% of runs"),
        ("pass_rate.min=90%@95%", 28, 1, "cannot answer it, even if every attempt passes; it takes 29 cells"),
        ("pass_rate.min=90%@95%", 6, 5, "6 cells of 5 attempts can answer it"),
        ("latency=25%@95%", 3, 1, "3 cells cannot answer it: it takes at least 5 cases"),
        ("latency=25%@99%", 6, 1, "6 cells cannot answer it: it takes at least 7 cases"),
    ],
)
def test_a_gate_says_what_it_takes(gate: str, cells: int, attempts: int, answer: str) -> None:
    assert answer in (reach(from_option(gate), cells, attempts) or "")


@pytest.mark.parametrize("gate", ["latency.max=2s", "pass_rate.min=95%", "hard=json", "latency=25%@95%"])
def test_a_gate_that_is_always_answered_says_nothing(gate: str) -> None:
    assert reach(from_option(gate), 8) is None


@pytest.mark.parametrize(("old", "apart"), [("gemini-3.5-flash, gemini-2.5-flash", False), ("gemini-2.5-flash", True)])
def test_check_says_that_two_models_have_no_cell_in_common(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, *, apart: bool
) -> None:
    (tmp_path / "s.yaml").write_text(
        f"suite: s\nmatrix: {{model: [{old}, gemini-3.8-flash], thinking: {{gemini-3*: [low, high], gemini-2.5-*: [0, 512]}}}}\n"
        "cases: [{id: c, prompt: hi}]\ncompare: {by: model}\n"
    )
    assert main(["check", str(tmp_path)]) == 0
    assert ("compare by model: no two models have a cell in common" in capsys.readouterr().out) is apart


def test_check_list_and_dry_run_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("suites").mkdir()
    Path("suites/few.yaml").write_text(
        "suite: few\ndefaults: {model: [gemini-3.8-flash, gemini-2.5-flash]}\n"
        "cases:\n  - {id: a, prompt: hi, expect: {http: 200}}\n  - {id: b, prompt: ho, expect: {http: 200}}\n"
        "compare: {by: model, baseline: gemini-2.5-flash, gate: {pass_rate: {drop: 2pp, confidence: 95%}}}\n"
    )
    line = "gate pass_rate may drop by 2 pp with 95% confidence (few): 2 cells cannot answer it"
    for command in (["check"], ["list"], ["run", "--dry-run"]):
        assert main(command) == 0
        shown = capsys.readouterr()
        assert line in shown.out + shown.err
    main(["run", "--dry-run", "--gate", "pass_rate.min=90%@95%", "--format", "json"])
    [budget, change] = json.loads(capsys.readouterr().out)["gate_notes"]
    assert budget.startswith("gate pass_rate must be at least 90% with 95% confidence: 4 cells cannot answer it")
    assert change.startswith(line)


@pytest.mark.parametrize(("confidence", "cases"), [(95, 5), (99, 7)])
def test_with_one_case_less_there_is_no_interval(confidence: int, cases: int) -> None:
    for number in (cases - 1, cases):
        base, later = (
            summarise(row(f"case-{n}", measures={"latency_s": 1.0 + n * by}) for n in range(number)) for by in (0, 0.01)
        )
        found = evaluate(from_option(f"latency=900%@{confidence}%"), compare_runs(base, later, ("1", "2")))
        assert found.crossed is (None if number < cases else False)
        assert (reach(found.gate, number) is None) == (number == cases)
