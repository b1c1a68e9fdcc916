"""A suite that replays straight from recordings of real traffic, through both front doors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main
from harness.transport import cassette

SUITE = Path(__file__).parents[1] / "suites/recorded.yaml"
PLACES = {"files-are-searched": 3}
"""Where in its cassette a case's exchange is, unless it is the first."""
CASES: list[Mapping[str, Any]] = yaml.safe_load(SUITE.read_text("utf-8"))["cases"]
TRIALS = sum(case.get("repeat", 1) for case in CASES)


@pytest.fixture
def project(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The suite, and beside it the requests that the recordings hold."""
    recordings = shared.resolve() / "recordings"
    monkeypatch.setenv("RECORDINGS", str(recordings))
    monkeypatch.chdir(tmp_path)
    shutil.copy(SUITE, tmp_path / "recorded.yaml")
    (tmp_path / "requests").mkdir()
    for case in CASES:
        tape = cassette.read(recordings / case["cassette"].removeprefix("${env:RECORDINGS}/"))
        body = tape.interactions[PLACES.get(case["id"], 0)].exchange.request.body
        (tmp_path / f"requests/{case['id']}.json").write_text(json.dumps(body), "utf-8")
    return tmp_path


def test_natural_assertions_hold_for_real_answers(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["run", "recorded.yaml", "--allow-outside-files", "--format", "json", "--format", "table:table.txt"])
    document = json.loads(capsys.readouterr().out)
    wrong = {
        result["id"]: (result["verdicts"], result["error"])
        for result in document["results"]
        if result["status"] != "passed"
    }
    assert wrong == {}
    assert code == 0
    assert document["totals"]["passed"] == len(CASES)
    assert {result["provenance"]["timing"] for result in document["results"]} == {"lost"}
    assert "replayed; recorded from google" in (project / "table.txt").read_text()


def test_a_wrong_assertion_fails_on_the_same_tape(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = project / "recorded.yaml"
    suite.write_text(suite.read_text("utf-8").replace("$.dayOfWeek: Friday", "$.dayOfWeek: Monday"))
    assert main(["run", "recorded.yaml", "--allow-outside-files"]) == 1
    assert f"{len(CASES) - 1} passed, 1 failed ({TRIALS} trials in" in capsys.readouterr().out


def test_a_changed_request_is_not_answered_by_another(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = project / "requests/search-is-grounded.json"
    request.write_text(json.dumps({**json.loads(request.read_text("utf-8")), "labels": {"a": "b"}}))
    assert main(["run", "recorded.yaml", "--allow-outside-files", "-k", "search-is-grounded"]) == 6
    assert '$.labels: added: now {"a":"b"}' in capsys.readouterr().out


def test_pytest_plays_it_too(project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:recording -p no:hypothesispytest -p no:anyio")
    shutil.copytree(project, pytester.path, dirs_exist_ok=True)
    monkeypatch.chdir(pytester.path)
    pytester.runpytest("recorded.yaml", "--harness-allow-outside-files").assert_outcomes(passed=TRIALS)
