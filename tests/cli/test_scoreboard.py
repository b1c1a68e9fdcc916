"""``scoreboard`` through the front door: states, evidence, several runs, recordings, and what cannot be shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.results.rows import Row, dumps
from tests.exchanges import answer as reply
from tests.sample_rows import PROVENANCE, failed, row, run, unjudged

LIVE = {**PROVENANCE, "mode": "live", "recorded_from": "google", "recorded_at": None, "simulated": False}
ASKED = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(
    *rows: Row, run_id: str = "20261121-070000-ab12", suites: tuple[str, ...] = ("geography",), **more: Any
) -> Path:
    """A saved run with these rows, ended in order."""
    header = run(
        id=run_id, planned=len(rows), suites=[{"suite": name, "file": "", "sha256": ""} for name in suites], **more
    )
    folder = Path("reports") / run_id
    folder.mkdir(parents=True)
    ending = {"run": {}, "totals": {}, "groups": [], "trials": len(rows), "interrupted": False}
    lines = [{"version": 1, "run": header}, *rows, ending]
    (folder / "run.jsonl").write_text("".join(f"{dumps(line)}\n" for line in lines))
    return folder


def tagged(*tags: str, **more: Any) -> dict[str, Any]:
    return {"tags": list(tags), "provenance": LIVE, **more}


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["scoreboard", *arguments, "--format", "json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def cells(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(row["feature"], cell["target"]): cell["state"] for row in found["rows"] for cell in row["cells"]}


def only(found: dict[str, Any]) -> dict[str, Any]:
    ((cell,),) = (row["cells"] for row in found["rows"])
    assert isinstance(cell, dict)
    return cell


def test_a_run_in_which_nothing_could_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    save(unjudged(**tagged("search")))
    main(["scoreboard", "last"])
    assert "Nothing was tried." in capsys.readouterr().out


def test_the_command_names_the_folder_of_runs(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("search")))
    Path("reports").rename("elsewhere")
    main(["scoreboard", "--reports", "elsewhere"])
    assert "again: gemini-harness scoreboard last --reports elsewhere\n" in capsys.readouterr().out


REFUSED: dict[str, Any] = {"http": 400, "finishReason": None, "parts": [], "text": ""}
NO_FIELD = "not available: chat completions have no thinkingBudget"


@pytest.mark.parametrize(
    ("state", "rows"),
    [
        ("works", [row(**tagged("search"))]),
        ("works", [row(status="xpassed", **tagged("search"))]),
        ("works", [row(n=1, **tagged("search", require=1)), failed(n=2, **tagged("search", require=1))]),
        ("partly", [row(**tagged("search")), failed("other", **tagged("search"))]),
        ("partly", [row(n=1, **tagged("search")), failed(n=2, **tagged("search"))]),
        ("failed", [failed(**tagged("search"))]),
        ("failed", [failed(status="xfailed", **tagged("search", xfail="known"))]),
        ("failed", [failed(**tagged("search")), failed("other", **tagged("search", outcome=REFUSED))]),
        ("refused", [failed(**tagged("search", outcome=REFUSED))]),
        ("not available", [row(status="skipped", **tagged("search", skip=NO_FIELD))]),
        ("not tried", [row(status="skipped", **tagged("search", skip="later"))]),
        ("not tried", [unjudged(tags=["search"])]),
        ("not tried", [failed(**tagged("search", outcome={**REFUSED, "http": 401}))]),
        ("not tried", [failed(**tagged("search", require=0))]),
    ],
)
def test_a_cell_says_what_its_trials_show(state: str, rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    save(*rows)
    found = document(capsys)
    assert (found["version"], found["targets"]) == (1, ["simulator/flash"])
    assert only(found)["state"] == state


def test_a_cell_names_its_trials_and_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("search")), failed("other", **tagged("search")))
    cell = only(document(capsys))
    assert (cell["date"], cell["passed"], cell["groups"]) == ("2026-11-21", 1, 2)
    assert cell["trials"] == ["geography/other@simulator/flash#1", "geography/capital@simulator/flash#1"]
    assert cell["reason"] == 'expected "Oslo", got "Bergen"'
    assert cell["simulated"] is False


def test_features_have_the_order_of_the_vocabulary(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("zebra", "search", "text")), row("b", "google/pro", **tagged("text")))
    found = document(capsys)
    assert [row["feature"] for row in found["rows"]] == ["text", "search", "zebra"]
    assert found["targets"] == ["simulator/flash", "google/pro"]
    assert cells(found)["zebra", "google/pro"] == "not tried"
    assert "thinking" in found["untried"]


def test_the_latest_run_of_a_trial_counts(capsys: pytest.CaptureFixture[str]) -> None:
    save(failed(**tagged("search")))
    save(row(**tagged("search")), run_id="20261122-070000-ab12", started="2026-11-22T07:00:00+00:00")
    save(unjudged(tags=["search"]), run_id="20261123-070000-ab12", started="2026-11-23T07:00:00+00:00")
    cell = only(document(capsys, "reports"))
    assert (cell["state"], cell["date"]) == ("works", "2026-11-22")
    assert only(document(capsys, "reports", "--since", "2026-11-23"))["state"] == "not tried"


def test_recordings_are_judged_by_the_invariants(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]}
    refusal = {"error": {"code": 400, "message": "Search is not enabled", "status": "INVALID_ARGUMENT"}}
    log = [
        {
            "request": {"method": "POST", "url": ASKED, "body": asked},
            "response": {"status": status, "headers": {}, "body": came},
        }
        for asked, status, came in [({"contents": body["contents"]}, 200, reply()), (body, 400, refusal)]
    ]
    Path("log.json").write_text(json.dumps(log))
    found = document(capsys, "log.json")
    google = "google/gemini-3.8-flash"
    assert cells(found) == {("text", google): "works", ("search", google): "refused"}
    assert found["rows"][1]["cells"][0]["reason"] == "HTTP 400: Search is not enabled"


SUITE = """
suite: capitals
tags: [text]
matrix: {model: [gemini-3.8-flash]}
cases:
  - {id: one, prompt: What is the capital of Norway? One word.}
  - {id: wrong, tags: [errors], request: {generationConfig: {temperature: 99}}, prompt: hi, expect: {http: 400}}
"""


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_simulated_evidence_is_labelled_in_every_format(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("suites").mkdir()
    Path("suites/capitals.yaml").write_text(SUITE)
    Path("harness.toml").write_text('provider = "simulator"\n')
    assert main(["run", "--record-mode", "once", "-q"]) == 0
    capsys.readouterr()
    assert main(["scoreboard", "-v", "--format", name]) == 0
    out = capsys.readouterr().out
    assert out.count("SIMULATED") >= 3
    assert "capitals/one@simulator/gemini-3.8-flash#1" in out
    found = document(capsys)
    assert found["simulated"] is True
    target = "simulator/gemini-3.8-flash"
    assert cells(found) == {("text", target): "works", ("errors", target): "works"}
    recorded = document(capsys, "cassettes")
    assert cells(recorded) == {("text", target): "works"}
    assert any(note.startswith("1 refusal on cassettes of suites left out") for note in recorded["notes"])


def test_each_feature_opens_its_evidence_in_html(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("search")), failed("b", "google/pro", **tagged("search")))
    capsys.readouterr()
    assert main(["scoreboard", "--format", "html"]) == 0
    page = capsys.readouterr().out
    feature, *_ = re.findall("<details>(.*?)</details>", page, re.DOTALL)
    assert "geography/capital@simulator/flash#1" in feature
    assert "geography/b@google/pro#1" in feature


def test_runs_of_different_suites_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("text")))
    save(row(suite="poems", **tagged("text")), run_id="20261122-070000-ab12", suites=("poems",))
    notes = document(capsys, "reports")["notes"]
    assert any("the runs are of different suites (geography, poems not in all of them)" in note for note in notes)


def test_targets_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    save(row(**tagged("text")), row("b", "google/pro", **tagged("text")))
    assert document(capsys, "--target", "google")["targets"] == ["google/pro"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["untagged"], 4, "no trial has a tag, so there is no feature to show: write tags: [...] in the suites"),
        (["empty"], 4, "nothing to show: run empty holds no trial. Name a run that has played"),
        (["nowhere"], 4, "no saved run 'nowhere'"),
        (["nowhere.jsonl"], 4, "no such file or folder: nowhere.jsonl"),
        (["notes.txt"], 4, "nothing to show: no exchange of generateContent is in notes.txt; not read: notes.txt: "),
        (["20261121", "--since", "2027-01-01"], 5, "nothing to show: no trial is left with these options"),
        (["20261121", "--since", "soon"], 4, "expected a day such as 2026-12-01, got 'soon'"),
        (
            ["20261121", "--target", "cometapi"],
            4,
            "--target cometapi: there is no such target; there are simulator/flash",
        ),
    ],
)
def test_what_cannot_be_shown(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(row(**tagged("text")))
    save(row(), run_id="untagged")
    save(run_id="empty")
    Path("notes.txt").write_text("no run\n")
    assert main(["scoreboard", *arguments]) == code
    assert message in capsys.readouterr().err


def test_without_any_run_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard"]) == 4
    assert "no saved run 'last' in reports/; no run has been saved there yet" in capsys.readouterr().err
