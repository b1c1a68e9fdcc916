"""A suite with axes of every kind, calls, files and judges, on the command line: checked, shown, played and replayed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.results.load import saved_runs
from harness.simulator import serve
from harness.suite.matrix import expand
from harness.suite.parse import load

DATA = Path(__file__).parents[2] / "suites/data"

SUITE = """
suite: everything
vars: {place: the Moon}
defaults: {model: gemini-3.8-flash}
cases:
  - id: manner
    axes: {manner: [polite, terse]}
    request.generationConfig.topK: [2, 30]
    prompt: Name the capital of Norway in a ${axis.manner} manner, on ${var.place}.
    expect: {text: {present: true}}
  - id: kept-text
    turns:
      - call: POST cachedContents
        body: {model: "models/${model}", contents: "${file:data/logbook.json}", ttl: 120s}
        capture: {kept: $.name}
      - user: Who writes here?
        request: {cachedContent: "${capture.kept}"}
        expect: {cachedContentTokenCount: {min: 1}}
    finally:
      - call: DELETE ${capture.kept}
  - id: uploaded
    turns:
      - {call: POST files, upload: data/blue.png, capture: {file: $.file.name, uri: $.file.uri}}
      - {call: "GET ${capture.file}", until: {path: {$.state: ACTIVE}, every: 10ms, for: 1s}}
      - {user: Which colour is it?, files: [{uri: "${capture.uri}", mimeType: image/png}]}
    finally:
      - call: DELETE ${capture.file}
  - id: colour-${row.colour}
    each: ${file:data/pictures.csv}
    prompt: Which colour is this? One word.
    files: ["${row.path}"]
    expect: {text: {present: true}}
  - id: two-cities
    request:
      tools:
        - functionDeclarations:
            - {name: get_weather, parameters: {type: OBJECT, properties: {city: {type: STRING}}, required: [city]}}
    turns:
      - user: I am Grace.
        model: Hello Grace.
      - user: Compare the weather in Lima and Cairo.
        expect: {functionCalls: {min: 2}}
      - reply:
          - {name: get_weather, response: {temp_c: 19}}
          - {name: get_weather, response: {temp_c: 33}}
  - id: events
    transport: stream
    prompt: hello
    repeat: 2
    expect:
      stream: {each: {$.modelVersion: {present: true}}, last: {"$.candidates[0].finishReason": STOP}}
      responseId: {present: true}
      similar: {to: Good day, min: -1, by: simulator/gemini-embedding-001}
      judge: {rubric: It greets., min: 4}
  - id: counted
    turns: [{call: "POST models/${model}:countTokens", body: {contents: [{parts: [{text: one two}]}]}, expect: {totalTokens: {min: 1}}}]
  - id: card
    model: {feature: image_out}
    prompt: A blue ship
    request: {generationConfig: {responseModalities: [IMAGE], imageConfig: {aspectRatio: "16:9"}}}
    expect: {images: {count: 1, aspect: "16:9"}}
"""


@dataclass
class Project:
    """A folder with that suite, and a simulator that notes what it is asked."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    asked: list[str]

    def run(self, *argv: str) -> tuple[int, str, str]:
        code = main(argv)
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err

    def rows(self) -> list[Any]:
        """The trials of the latest run."""
        path = self.folder / "reports" / saved_runs(self.folder / "reports")[-1] / "run.jsonl"
        return [row for line in path.read_text().splitlines() if "verdicts" in (row := json.loads(line))]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Project]:
    shutil.copytree(DATA, tmp_path / "suites/data")
    (tmp_path / "harness.toml").write_text('provider = "simulator"\n')
    (tmp_path / "suites/everything.yaml").write_text(SUITE)
    asked: list[str] = []
    with serve.start(log=asked.append) as running:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SIMULATOR_BASE_URL", running.url)
        yield Project(tmp_path, capsys, asked)


def verdicts(row: Any) -> Any:
    return row["id"], row["status"], [(verdict["check"], verdict["status"]) for verdict in row["verdicts"]]


def test_everything_replays_with_the_same_verdicts(project: Project) -> None:
    code, out, err = project.run("check")
    assert (code, err) == (0, ""), err
    code, out, err = project.run("run", "--record-mode", "once")
    assert (code, err) == (0, ""), out
    live = [verdicts(row) for row in project.rows()]
    assert "the judge gave all repeats one score in 1 of 1 group" in out
    assert "checks asked models 6 times" in out
    project.asked.clear()
    code, out, err = project.run("run")
    assert (code, err, project.asked) == (0, "", []), out
    assert [verdicts(row) for row in project.rows()] == live
    assert len(live) == len({name for name, _, _ in live}) >= 4 + 1 + 1 + 2 + 1 + 2 + 1 + 1


def test_a_dry_run_counts_the_requests_of_calls(project: Project) -> None:
    code, out, _ = project.run("run", "-k", "uploaded", "--live", "--dry-run")
    assert (code, project.asked) == (0, [])
    assert "\n1 trial, 4 requests" in out, out


def test_show_lists_calls_in_order(project: Project) -> None:
    code, out, _ = project.run("show", "uploaded")
    assert code == 0
    for text in (
        "/upload/v1beta/files?uploadType=multipart",
        "then turn 2: GET ${capture.file} ",
        '  every 0.01 s, for 1 s, until {"$.state":"ACTIVE"}',
        "then turn 3: a request ",
        "at the end, whatever happened: DELETE ${capture.file} ",
        "--data-binary @BODY",
    ):
        assert text in out
    code, out, _ = project.run("show", "two-cities")
    assert code == 0
    assert '  the result of get_weather: {"temp_c":33}' in out


def test_show_says_which_axis_a_value_comes_from(project: Project) -> None:
    code, out, _ = project.run("show", "manner[manner=polite,topK=30]")
    assert code == 0
    assert "axis request.generationConfig.topK" in out
    assert "in a polite manner, on the Moon." in out


# --- --var --------------------------------------------------------------------------------------------


def test_a_variable_replaces_the_default(project: Project) -> None:
    assert "on Mars." in project.run("show", "manner=polite,topK=2", "--var", "place=Mars")[1]
    code, out, _ = project.run("run", "-k", "manner", "--live", "--var", "place=Mars", "--fail-fast")
    assert (code, "4 passed (4 trials)" in out) == (0, True)


def test_the_command_that_plays_it_again_has_the_variable(project: Project) -> None:
    (project.folder / "suites/wrong.yaml").write_text(
        "suite: wrong\ncases: [{id: c, model: gemini-3.8-flash, prompt: 'hi ${var.x}', expect: {text: no}}]\n"
    )
    code, out, _ = project.run("run", "suites/wrong.yaml", "--live", "--var", "x=1 2")
    assert code == 1
    assert "--var 'x=1 2'" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "${var.x} has no value\n"),
        (("--var", "x"), "--var x: "),
        (("--var", "=1"), "--var =1: "),
        (("--var", "xs=1"), 'did you mean "xs"?'),
    ],
)
def test_a_variable_without_a_value_is_a_mistake(project: Project, argv: tuple[str, ...], message: str) -> None:
    (project.folder / "suites/open.yaml").write_text("suite: open\ncases: [{id: c, model: m, prompt: 'hi ${var.x}'}]\n")
    code, _, err = project.run("check", "suites/open.yaml", *argv)
    assert code == 4
    assert message in err


# --- --resume -----------------------------------------------------------------------------------------


def test_a_run_with_calls_and_polls_goes_on(project: Project) -> None:
    code, _, err = project.run(
        "run", "-k", "uploaded or kept or counted", "--live", "--fail-fast", "--var", "place=Mars"
    )
    (run,) = saved_runs(project.folder / "reports")
    assert code == 0, err
    path = project.folder / "reports" / run / "run.jsonl"
    header, first, *_ = path.read_text().splitlines(keepends=True)
    path.write_text(header + first)
    project.asked.clear()
    code, out, err = project.run("run", "--resume", run)
    assert (code, err) == (0, f"run {run} goes on: 1 trial kept, 2 to play\n")
    assert "3 passed (3 trials)" in out
    assert [line for line in project.asked if "cachedContents" in line] == []
    assert any("files" in line for line in project.asked)


def test_a_call_that_would_be_another_now_is_named(project: Project) -> None:
    suite = project.folder / "suites/calling.yaml"
    text = """\
suite: calling
cases:
  - id: c-${row.n}
    each: [{n: 1}, {n: 2}]
    model: gemini-3.8-flash
    turns:
      - {call: GET models, capture: {first: "$.models[0].name"}}
      - {call: "GET ${capture.first}?key-of=${env:VIEW}", expect: {http: 400}}
"""
    suite.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIEW", "a")
        assert project.run("run", "suites/calling.yaml", "--live")[0] == 0
        (run,) = saved_runs(project.folder / "reports")
        path = project.folder / "reports" / run / "run.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
        patch.setenv("VIEW", "b")
        code, _, err = project.run("run", "--resume", run)
        assert (code, "it would now send other requests" in err) == (4, True), err
        patch.setenv("VIEW", "a")
        assert project.run("run", "--resume", run)[0] == 0


# --- values of every kind -----------------------------------------------------------------------------


def test_the_suite_has_a_trial_for_every_combination(project: Project) -> None:
    found = [trial.id.split("@")[0] for trial in expand(load(project.folder / "suites/everything.yaml"))]
    assert found[:4] == [
        "everything/manner[manner=polite,topK=2]",
        "everything/manner[manner=polite,topK=30]",
        "everything/manner[manner=terse,topK=2]",
        "everything/manner[manner=terse,topK=30]",
    ]
    assert {"everything/colour-red", "everything/colour-blue", "everything/card"} <= set(found)
