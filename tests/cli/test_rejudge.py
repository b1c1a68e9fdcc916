"""``rejudge``: the answers of a saved run, judged by what its suites expect now."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main

SUITE = """
suite: capitals
defaults: {provider: simulator, model: gemini-3.8-flash}
cases:
  - id: norway
    prompt: What is the capital of Norway? One word.
    transport: [unary, stream]
    expect: {text: {icontains: oslo}}
  - id: again
    turns:
      - user: What is the capital of Peru? One word.
        capture: {first: "$.candidates[0].content.parts[0].text"}
      - user: "You said ${capture.first}. Of which country is it the capital?"
        expect: {http: 200}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the suite, with some of its text replaced."""
    monkeypatch.chdir(tmp_path)

    def write(changes: Mapping[str, str] | None = None) -> None:
        text = SUITE
        for before, after in (changes or {}).items():
            assert before in text
            text = text.replace(before, after)
        Path("suites").mkdir(exist_ok=True)
        Path("suites/capitals.yaml").write_text(text)

    return write


def rows() -> list[dict[str, dict[str, Any]]]:
    """The trials of the saved runs, the oldest run first: id -> row."""
    files = sorted(Path("reports").glob("*/run.jsonl"))
    lines = ([json.loads(line) for line in file.read_text().splitlines()] for file in files)
    return [{line["id"]: line for line in run if "id" in line} for run in lines]


@pytest.mark.parametrize("way", ["--live", "--record-mode=once"])
def test_the_same_suite_gives_the_same_rows(suite: Callable[..., None], way: str) -> None:
    suite()
    assert main(["run", way]) == 0
    assert main(["rejudge", "last"]) == 0
    played, judged = rows()
    assert judged == played


@pytest.mark.parametrize("fault", ["html-200", "wrong-sum", "done", "torn-event", "prompt-drift"])
def test_what_was_wrong_with_an_answer_stays_known(suite: Callable[..., None], fault: str) -> None:
    question = "What is the capital of Norway? One word."
    suite({f"prompt: {question}": f"prompt: '{question} [simulate: fault {fault}]'"})
    main(["run", "--live"])
    main(["rejudge", "last"])
    played, judged = (
        {name: {(verdict["check"], verdict["status"]) for verdict in row["verdicts"]} for name, row in run.items()}
        for run in rows()
    )
    assert judged == played
    assert any(status == "failed" for found in judged.values() for _, status in found)


def test_a_changed_expectation_flips_its_cells(suite: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    suite()
    main(["run", "--live"])
    suite({"icontains: oslo": "icontains: bergen"})
    capsys.readouterr()
    assert main(["rejudge", "last", "--format", "json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["bottom_line"] == {"verdict": "worse", "message": "2 of 3 cells flipped, all one way"}
    assert [(flip["from"], flip["to"]) for flip in shown["flips"]] == [("passed", "failed")] * 2
    assert shown["verdicts"] == []
    played, judged = rows()
    assert [row["measures"] for row in judged.values()] == [row["measures"] for row in played.values()]
    assert main(["report", "last", "-q"]) == 0


def test_nothing_is_sent(suite: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    suite()
    main(["run", "--live"])

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a request was made")

    monkeypatch.setattr("socket.socket.connect", refused)
    assert main(["rejudge", "last"]) == 0


def test_a_changed_request_is_played_again(suite: Callable[..., None]) -> None:
    suite()
    main(["run", "--live"])
    suite({"capital of Norway? One": "capital of Norway? Answer in one"})
    assert main(["rejudge", "last"]) == 6
    row = rows()[-1]["capitals/norway[unary]@simulator/gemini-3.8-flash#1"]
    assert row["error"]["kind"] == "unknown"
    assert "sends another request than the one that was answered" in row["error"]["message"]
    assert "play the trial to judge it" in row["error"]["message"]
    assert rows()[-1]["capitals/again@simulator/gemini-3.8-flash#1"]["status"] == "passed"


@pytest.mark.parametrize(
    ("recorded", "code"), [(True, 0), (False, 6)], ids=["its cassette is there", "its cassette is gone"]
)
def test_single_events_are_on_cassettes_only(suite: Callable[..., None], recorded: bool, code: int) -> None:
    suite()
    main(["run", "--record-mode", "once"])
    suite({"icontains: oslo}}": "icontains: oslo}, stream: {last: {'$.candidates[0].finishReason': STOP}}}"})
    if not recorded:
        shutil.rmtree("cassettes")
    assert main(["rejudge", "last"]) == code
    unjudged = [row["error"]["message"] for row in rows()[-1].values() if row["error"]]
    assert [message[:36] for message in unjudged] == [] if recorded else ["`stream: {each, first, last}` looks "]


def test_times_of_a_stream_stay_known(suite: Callable[..., None]) -> None:
    suite()
    main(["run", "--live"])
    suite(
        {
            "icontains: oslo}}": "icontains: oslo}, ttft: {min: 1ms, max: 60s}, latency: {min: 1ms}, stream: {chunks: {min: 1}}}"
        }
    )
    assert main(["rejudge", "last"]) == 0


def test_cases_that_are_gone_are_named(suite: Callable[..., None]) -> None:
    suite()
    main(["run", "--live"])
    suite({"- id: again": "- id: once-more"})
    assert main(["rejudge", "last"]) == 0
    last = json.loads(max(Path("reports").glob("*/run.jsonl")).read_text().splitlines()[-1])
    assert "1 trial of the run is not in the suites now, and left out" in last["run"]["notes"]


def test_a_skip_of_today_counts(suite: Callable[..., None]) -> None:
    suite()
    main(["run", "--live"])
    suite({"- id: again": "- id: again\n    skip: not now"})
    assert main(["rejudge", "last"]) == 0
    assert rows()[-1]["capitals/again@simulator/gemini-3.8-flash#1"]["status"] == "skipped"


def test_a_run_without_its_suites_says_so(suite: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    suite()
    main(["run", "--live"])
    shutil.rmtree("suites")
    capsys.readouterr()
    assert main(["rejudge", "last"]) == 4
    assert "played suites/capitals.yaml, which is not here" in capsys.readouterr().err


def test_a_rejudged_run_is_no_run_to_resume(suite: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    suite()
    main(["run", "--live"])
    main(["rejudge", "last"])
    capsys.readouterr()
    assert main(["run", "--resume", "last"]) == 4
    assert "cannot be resumed" in capsys.readouterr().err
    assert main(["rejudge", "last"]) == 0


def test_two_replays_of_the_same_recordings_are_the_same(
    suite: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Three cells are few, but nothing is left to chance. So a gate with a confidence is answered, too."""
    suite()
    main(["run", "--record-mode", "once"])
    main(["run"])
    main(["run"])
    before, after = sorted(path.name for path in Path("reports").glob("2*"))[-2:]
    capsys.readouterr()
    assert main(["compare", before, after, "--gate", "pass_rate=2pp@95%", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["bottom_line"] == {"verdict": "same", "message": "none of 3 cells flipped"}
    assert (shown["verdicts"], shown["gates"][0]["crossed"]) == ([], False)
    assert main(["noise", before, after]) == 4
    assert "these attempts replay the same recordings" in capsys.readouterr().err


def test_two_live_runs_are_not_the_same_answers(suite: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    suite()
    main(["run", "--live"])
    main(["run", "--live"])
    before, after = sorted(path.name for path in Path("reports").glob("2*"))[-2:]
    capsys.readouterr()
    assert main(["compare", before, after, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["bottom_line"]["verdict"] == "cannot tell"
