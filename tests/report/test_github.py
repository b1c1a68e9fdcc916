"""Output for GitHub Actions: annotations, the step's summary, and the workflow in docs/ci.md."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli import step_summary
from harness.cli.main import main
from harness.cli.step_summary import LIMIT, appended, fitting
from harness.compare.comparison import compare_axis
from harness.compare.gates import Gate, GateResult
from harness.report import Report, View, find
from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import summarise
from tests.sample_rows import failed, row, run, unjudged, verdict

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"::(error|warning|notice) ((?:\w+=[^:,]*,?)+)::([^\r\n]*)")
"""An annotation, as the runner reads it: the first ``::`` after the properties begins the message."""


def annotated(rows: list[Row], **view: Any) -> list[tuple[str, dict[str, str], str]]:
    out = io.StringIO()
    find("github", "run")(Report(run(), summarise(rows), lambda: rows), View(**view), out)
    return read(out.getvalue())


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = [SHOWN.fullmatch(line) for line in text.splitlines()]
    assert all(found)
    return [(match[1], dict(part.split("=", 1) for part in match[2].split(",")), match[3]) for match in found if match]


def test_each_failed_group_is_annotated_at_its_line() -> None:
    (level, about, message), (_, second, _), (closing, _, totals) = annotated([failed(), unjudged("b"), row("c")])
    assert (level, about["file"], about["line"]) == ("error", "suites/geography.yaml", "7")
    assert about["title"] == "FAIL geography/capital@simulator/flash"
    failure, command, what = message.rsplit("%0A", 2)
    assert failure == 'suites/geography.yaml:7  text%0A  expected  "Oslo"%0A  actual    "Bergen"'
    assert command == "again: gemini-harness run suites/geography.yaml -k geography/capital@simulator/flash"
    assert what == "what that is: gemini-harness explain text"
    assert second["title"].startswith("ERROR")
    assert (closing, totals[:30]) == ("notice", "1 passed, 1 failed, 1 error - ")


def test_groups_that_fail_for_one_reason_take_one_annotation() -> None:
    wrong = [unjudged(f"case-{number}") for number in range(20)]
    (level, about, message), (closing, _, _) = annotated(wrong)
    assert (level, about["title"], about["line"]) == ("warning", "ERROR 20 trials%3A no recording of this request", "7")
    assert "the same for 18 more: geography/case-2@simulator/flash, " in message
    assert closing == "notice"


@pytest.mark.parametrize("command", ["run", "check"])
def test_each_fault_of_a_suite_is_annotated_at_its_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "bad.yaml"
    suite.write_text(
        "suite: bad\ncases:\n  - id: a\n    model: gemini-3.8-flash\n    prompt: hi\n    expct: {}\n    tag: []\n"
    )
    assert main([command, str(suite), "--format", "github"]) == 4
    (level, about, message), second = read(capsys.readouterr().out)
    assert (level, about["line"], second[1]["line"]) == ("error", "6", "7")
    assert message == 'unknown key "expct"%0Adid you mean "expect"?'


def test_an_error_without_a_place_is_annotated_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "nowhere.yaml", "--format=github"]) == 4
    ((level, _, message),) = read(capsys.readouterr().out)
    assert (level, message) == ("error", "no such file or folder: nowhere.yaml")


def test_no_text_can_end_its_annotation() -> None:
    evil = "50%: a,b::c\r\n::error::d"
    wrong = verdict("text", ok=False, message=evil)
    ((_, about, message), _) = annotated([failed("a:b,c=d%", verdicts=[wrong])])
    assert about["title"] == "FAIL geography/a%3Ab%2Cc=d%25@simulator/flash"
    assert message.startswith("suites/geography.yaml:7  text%0A  50%25: a,b::c\\r%0A  ::error::d%0A")


@pytest.mark.parametrize(("wrong", "shown"), [(10, 10), (11, 10), (500, 10)])
def test_annotations_that_github_drops_become_one_line(wrong: int, shown: int) -> None:
    annotations = annotated([failed(f"case-{n}") for n in range(wrong)])
    errors = [message for level, _, message in annotations if level == "error"]
    assert len(errors) == shown
    left = re.match(r"and (\d+) more", errors[-1])
    assert (int(left[1]) if left else 1) == wrong - shown + 1


def test_files_are_named_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "repository" / "evals"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert step_summary.named("suites/a.yaml") == "suites/a.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "repository"))
    assert step_summary.named("suites/a.yaml") == "evals/suites/a.yaml"
    assert step_summary.named(str(inside / "b.yaml")) == "evals/b.yaml"
    assert step_summary.named("../../elsewhere.yaml") == "../../elsewhere.yaml"
    ((_, about, _), _) = annotated([failed()], display_path=step_summary.named)
    assert about["file"] == "evals/suites/geography.yaml"


def test_flips_and_gates_of_a_comparison_are_annotated() -> None:
    good = [verdict("text", ok=True)]
    rows = [
        row("a", "g/one", verdicts=good),
        failed("a", "g/two"),
        failed("b", "g/one"),
        row("b", "g/two", verdicts=good),
    ]
    out = io.StringIO()
    compared = compare_axis(summarise(rows), "target", "g/one", "g/two")
    gates = [
        GateResult(Gate("hard", checks=("text",), suite="s"), crossed, "it says") for crossed in (True, False, None)
    ]
    find("github", "comparison")(replace(compared, gates=gates), View(), out)
    crossed, worse, untold, better, closing = read(out.getvalue())
    assert crossed == ("error", {"title": "gemini-harness"}, "gate hard: text (s): crossed: it says")
    assert (untold[0], untold[2]) == ("warning", "gate hard: text (s): cannot tell: it says")
    assert (worse[0], worse[1]["title"]) == ("error", "passed -> failed  text  geography/a@g/two")
    assert (worse[1]["line"], worse[2]) == ("7", 'text: expected "Oslo", got "Bergen"')
    assert (better[0], better[1]["title"]) == ("notice", "failed -> passed  text  geography/b@g/two")
    assert closing[2].startswith("cannot tell: 2 of 2 cells flipped, 1 for the worse, 1 for the better")
    assert closing[2].endswith("some or all of these answers are SIMULATED")


# --- the step's summary -------------------------------------------------------------------------------


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    summary = tmp_path / "summary.md"
    summary.touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    reports = tmp_path / "reports"
    rows = [failed(), row("b")]
    with RunWriter(reports, run()) as writer:
        for trial in rows:
            writer.append(trial)
        writer.close(summarise(rows))
    return summary


def report(step: Path, *formats: str) -> int:
    asked = (part for name in formats for part in ("--format", name))
    return main(["report", "--reports", str(step.parent / "reports"), *asked])


def test_github_appends_the_summary_of_its_step(step: Path) -> None:
    step.write_text("# before\n")
    assert report(step, "github") == 0
    text = step.read_text()
    assert text.startswith("# before\n**1 passed, 1 failed**\n\nreplayed; recorded from simulator (SIMULATED")
    assert "| capital | **FAIL**" in text


def test_no_other_format_writes_the_step_summary(step: Path) -> None:
    report(step, "table", "markdown:" + str(step.parent / "x.md"))
    assert step.read_text() == ""


def test_a_log_may_hold_the_table_and_the_annotations(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(step, "table", "github") == 0
    out = capsys.readouterr().out
    assert "1 passed, 1 failed (2 trials)" in out
    assert "\n::error file=" in out


COMMANDS = "boom\n::set-env name=A::b\n  ::error::c\n##[group]d"


@pytest.mark.parametrize(("actions", "commands"), [("true", 0), ("", 3)])
def test_no_text_is_a_command_in_the_log_of_a_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    actions: str,
    commands: int,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    rows = [unjudged(error={"kind": "ask", "message": COMMANDS, "traceback": None})]
    with RunWriter(tmp_path, run()) as writer:
        writer.append(rows[0])
        writer.close(summarise(rows))
    main(["report", "--reports", str(tmp_path)])
    out = capsys.readouterr().out
    assert len(re.findall(r"(?m)^\s*::|##\[", out)) == commands  # as the runner finds them
    assert out.count("set-env") == 1
    main(["report", "--reports", str(tmp_path), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["results"][0]["error"]["message"] == COMMANDS


def test_a_summary_that_cannot_be_written_is_reported(
    step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step.parent))
    assert report(step, "github") == 4
    assert "cannot write the step's summary" in capsys.readouterr().err


def test_a_summary_that_is_too_long_is_cut_between_lines(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("x" * 100_000 + "\n")
    with appended(file) as out:
        out.write("<details open>\n" + "\N{TROPHY} a line\n" * 200_000)
    data = file.read_bytes()
    assert LIMIT - 100 < len(data) <= LIMIT
    text = data.decode()
    assert text.endswith("</details>" + step_summary.CUT)
    assert set(text.splitlines()[2:-4]) == {"\N{TROPHY} a line"}


@pytest.mark.parametrize("room", [-5, 0, 50])
def test_without_room_the_summary_is_empty(room: int) -> None:
    assert fitting("a\n" * 1000, room) == b""


# --- the workflow -------------------------------------------------------------------------------------


def test_the_workflows_in_the_documentation_are_valid() -> None:
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    workflows = [
        yaml.safe_load(found) for found in re.findall(r"```yaml\n((?:name|jobs): .*?|jobs:.*?)```", text, re.DOTALL)
    ]
    assert len(workflows) == 2
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    steps = [step for workflow in workflows for job in workflow["jobs"].values() for step in job["steps"]]
    own = [step for step in steps if step["uses"].startswith("OWNER/gemini-harness@")]
    assert len(own) == 4
    assert [key for step in own for key in step["with"] if key not in inputs] == []
