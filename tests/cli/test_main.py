"""The command line, through its front door: files in, text and an exit code out."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import progress
from harness.cli.main import main
from harness.config import Config
from harness.model import Target
from harness.run import session
from harness.simulator import serve
from tests.capitals import CONFIG, WRONG


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Example:
    """A folder of files to run the command in."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> Example:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    def run(self, *argv: str) -> Done:
        code = main(argv)
        captured = self.capsys.readouterr()
        return Done(code, captured.out, captured.err)


@pytest.fixture
def example(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Example:
    folder = tmp_path / "project"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("reports"))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    return Example(folder, capsys)


def saved_run(example: Example) -> Path:
    (run,) = saved(example.folder)
    return run


def saved(folder: Path) -> list[Path]:
    return list(folder.glob("reports/*/run.jsonl"))


# --- run ----------------------------------------------------------------------------------------------


def test_a_replay_prints_the_table_and_saves_the_run(example: Example) -> None:
    done = example.run("run", "suites/capitals.yaml")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("capitals at simulator\n\ncase         gemini-3-flash-preview  gemini-2.5-flash\n")
    assert "replayed; recorded from simulator (SIMULATED answers) 20" in done.out
    assert "6 passed (6 trials)" in done.out
    lines = [json.loads(line) for line in saved_run(example).read_text().splitlines()]
    assert lines[0]["run"]["suites"][0]["suite"] == "capitals"
    assert lines[1]["turns"][0]["text"] == "Oslo"
    assert lines[-1]["totals"]["passed"] == 6


def test_a_failure_names_line_expected_actual_and_what_to_do(example: Example) -> None:
    done = example.run("run", "suites/wrong.yaml")
    assert done.code == 1
    assert (
        textwrap.dedent("""
        FAIL wrong/not-bergen@simulator/gemini-3-flash-preview
          suites/wrong.yaml:8  text
            expected  string "Bergen"
            actual    string "Oslo"
          again: gemini-harness run suites/wrong.yaml -k wrong/not-bergen@simulator/gemini-3-flash-preview
        """)
        in done.out
    )


def test_the_command_that_a_failure_prints_plays_it_again(example: Example) -> None:
    again = next(line for line in example.run("run").out.splitlines() if "again:" in line)
    done = example.run(*again.split()[2:])
    assert done.code == 1
    assert "1 failed (1 trial)" in done.out


def test_a_failure_prints_the_command_that_repeats_it(example: Example) -> None:
    tapes = example.folder / "other tapes"
    shutil.move(example.folder / "cassettes", tapes)
    asked = ("--cassettes", "other tapes", "--repeat", "1", "--strict", "--model", "gemini-3-flash-preview")
    first = example.run("run", "suites/wrong.yaml", *asked)
    again = next(line for line in first.out.splitlines() if "again:" in line).partition("again: ")[2]
    assert again.endswith("--cassettes 'other tapes' --repeat 1 --strict")
    done = example.run(*shlex.split(again)[1:])
    assert (done.code, "1 failed (1 trial)" in done.out) == (1, True)


def test_the_command_that_records_names_the_folder_of_cassettes(example: Example) -> None:
    done = example.run("run", "suites/capitals.yaml", "--cassettes", "none here")
    record = next(line for line in done.out.splitlines() if "record them:" in line)
    assert record.endswith("--cassettes 'none here' --record-mode new_episodes")


def test_missing_recordings_are_one_entry_with_one_command(example: Example) -> None:
    shutil.rmtree(example.folder / "cassettes")
    done = example.run("run", "suites/capitals.yaml", "--model", "gemini-3-flash-preview", "--tag", "geography")
    assert "ERROR 3 recordings are missing\n" in done.out
    assert done.out.count("does not exist") == 2
    record = next(line for line in done.out.splitlines() if "record them:" in line).partition(": ")[2]
    assert record == (
        "gemini-harness run suites/capitals.yaml --tag geography --model gemini-3-flash-preview --record-mode new_episodes"
    )
    assert "3 passed" in example.run(*shlex.split(record)[1:]).out


def test_a_known_failure_is_green_and_noted(example: Example) -> None:
    done = example.run("run", "suites/known.yaml")
    assert done.code == 0
    assert "* expected to fail: known/still-fails@simulator/gemini-3-flash-preview: issue 7" in done.out


def test_no_recording_is_an_error_with_the_command_that_records(example: Example) -> None:
    example.write("suites/new.yaml", WRONG.replace("wrong", "new"))
    done = example.run("run", "suites/new.yaml")
    assert done.code == 6
    assert "record it: gemini-harness run suites/new.yaml" in done.out


@pytest.mark.parametrize("format", ["junit", "github"])
def test_what_could_not_be_judged_has_its_id_in_ci(example: Example, format: str) -> None:
    out = example.run("run", "--cassettes", "elsewhere", "--format", format).out
    assert {"junit": 'type="no-recording"', "github": "%0Awhat that is: gemini-harness explain no-recording"}[
        format
    ] in out


def test_skip_missing_skips_it_and_all_skipped_is_not_green(example: Example) -> None:
    example.write("suites/new.yaml", WRONG.replace("wrong", "new"))
    done = example.run("run", "suites/new.yaml", "--skip-missing")
    assert done.code == 5
    assert "1 skipped" in done.out
    assert done.err == "no trial ran: the run fails (exit code 5)\n"


@pytest.mark.parametrize("mode", [["--live"], *(["--record-mode", mode] for mode in ("once", "new_episodes", "all"))])
def test_nothing_begins_without_any_key(example: Example, monkeypatch: pytest.MonkeyPatch, mode: list[str]) -> None:
    without_key(monkeypatch)
    done = example.run("run", "suites/capitals.yaml", "--provider", "google", *mode)
    assert (done.code, done.out) == (6, "")
    assert done.err == "No key for provider 'google': set the environment variable GOOGLE_API_KEY or GEMINI_API_KEY.\n"
    assert saved(example.folder) == []


def test_a_case_that_names_its_provider_is_the_reason_for_its_key(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_key(monkeypatch)
    example.write(
        "suites/own.yaml", "suite: own\ncases: [{id: a, provider: google, model: gemini-2.5-flash, prompt: hi}]\n"
    )
    done = example.run("run", "suites/own.yaml", "--live", "--provider", "simulator")
    assert (done.code, done.err.splitlines()[1:]) == (
        6,
        ["The cases say `provider: google` themselves, which --provider does not change: take it out of them."],
    )


def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


def test_a_wrong_key_on_purpose_needs_no_key(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    without_key(monkeypatch)
    example.write("harness.toml", f"{CONFIG}\n[providers.google]\nbase_url = 'http://127.0.0.1:1'\n")
    example.write("suites/auth.yaml", "suite: auth\ncases: [{id: a, apiKey: wrong, prompt: hi, expect: {http: 400}}]\n")
    done = example.run("run", "suites/auth.yaml", "--provider", "google", "--model", "gemini-2.5-flash", "--live")
    assert (done.code, "No key" in done.out + done.err, len(saved(example.folder))) == (6, False, 1)


def test_one_reason_for_many_errors_is_said_once(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    without_key(monkeypatch)
    done = example.run("run", "suites/capitals.yaml", "--live", "--provider", "google", "--provider", "simulator")
    assert done.code == 6
    assert done.out.count("GOOGLE_API_KEY or GEMINI_API_KEY") == 1
    assert "ERROR 6 trials: No key for provider 'google'" in " ".join(done.out.split())


def test_a_command_that_plays_all_failures_is_printed_once(example: Example) -> None:
    cases = "".join(f"  - {{id: c{n}, prompt: hi, expect: {{cost: {{max: 0}}}}}}\n" for n in range(3))
    models = "[gemini-2.5-flash, gemini-3-flash-preview]"
    example.write("suites/dear.yaml", f"suite: dear\ndefaults: {{model: {models}}}\ncases:\n{cases}")
    done = example.run("run", "suites/dear.yaml", "--live")
    assert (done.code, done.out.count("FAIL 2 trials"), done.out.count("again, with all others")) == (1, 3, 1)
    page = example.run("report", "last", "--format", "markdown")
    assert page.out.count("run --last-failed") == 1


def test_a_page_says_how_a_part_of_the_suites_was_chosen(example: Example) -> None:
    example.run("run", "suites/capitals.yaml", "--model", "gemini-2.5-flash", "-k", "not france")
    page = example.run("report", "last", "--format", "html").out
    assert "gemini-harness run suites/capitals.yaml -k &#x27;not france&#x27; --model gemini-2.5-flash" in page


@pytest.mark.parametrize(
    ("option", "hint"),
    [("--provder", 'did you mean "--provider"?'), ("--junit", "gemini-harness run suites/ --format junit:junit.xml")],
)
def test_an_unknown_option_has_a_near_one_or_the_examples(example: Example, option: str, hint: str) -> None:
    done = example.run("run", option, "x")
    assert (done.code, hint in done.err, "did you mean" in done.err) == (4, True, option == "--provder")


@pytest.mark.parametrize("command", [["report", "last"], ["models"], ["history"]])
def test_nothing_is_printed_before_an_unknown_format_is_refused(example: Example, command: list[str]) -> None:
    example.run("run", "suites/capitals.yaml")
    done = example.run(*command, "--format", "markdwn:x.md")
    assert (done.code, done.out, 'did you mean "markdown"?' in done.err) == (4, "", True)


def test_a_missing_word_of_a_command_is_named_alone(example: Example) -> None:
    done = example.run("cassettes")
    assert (done.code, "the following arguments are required: action\n" in done.err) == (4, True)


def test_measures_are_chosen(example: Example) -> None:
    done = example.run("run", "suites/wrong.yaml", "--measures", "latency,prompt")
    assert "case        verdict  latency s  prompt\n" in done.out
    done = example.run("run", "suites/wrong.yaml", "--measures", "text")
    assert "case        verdict  text\n" in done.out


def test_last_failed_plays_what_failed_with_the_options_of_that_run(example: Example) -> None:
    example.run("run", "suites/wrong.yaml", "suites/capitals.yaml", "--repeat", "2", "--live")
    again = example.run("run", "--last-failed")
    assert (again.code, "1 failed (2 trials in 1 group)" in again.out) == (1, True)
    example.write("suites/wrong.yaml", WRONG.replace("Bergen", "Oslo"))
    mended = example.run("run", "--last-failed")
    assert (mended.code, "1 passed (2 trials in 1 group)" in mended.out) == (0, True)
    nothing = example.run("run", "--last-failed")
    assert (nothing.code, "so there is nothing to play again" in nothing.err) == (4, True)


def test_last_failed_remembers_what_was_not_played_again(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG + WRONG.partition("cases:\n")[2].replace("not-bergen", "second"))
    example.run("run", "suites/wrong.yaml", "--live")
    stopped = example.run("run", "--last-failed", "--max-failures", "1", "--concurrency", "1")
    assert "1 failed (1 trial)" in stopped.out
    assert "2 failed (2 trials)" in example.run("run", "--last-failed").out


def test_max_failures_ends_the_run(example: Example) -> None:
    shutil.rmtree(example.folder / "cassettes")
    done = example.run("run", "suites/capitals.yaml", "--max-failures", "2")
    assert (done.code, "2 errors (2 trials)" in done.out) == (6, True)


def test_fail_fast_stops_at_the_first_failure(example: Example) -> None:
    done = example.run("run", "suites/wrong.yaml", "suites/capitals.yaml", "--fail-fast")
    assert done.code == 1
    assert "1 failed (1 trial)" in done.out


def test_an_empty_selection_is_an_error_with_the_nearest_name(example: Example) -> None:
    done = example.run("run", "-k", "osl0")
    assert done.code == 4
    assert "selects none of" in done.err
    assert done.out == ""


def test_what_a_selection_could_have_said_has_no_empty_word(example: Example) -> None:
    assert "known here: capitals, " in example.run("run", "-k", "zzz").err


def test_what_is_missing_is_named_without_what_may_be(example: Example) -> None:
    done = example.run("migrate", "gemini-2.5-flash")
    assert done.code == 4
    assert "the following arguments are required: NEW\n" in done.err


@pytest.mark.parametrize("argv", [["run"], ["report"], ["audit"], ["cassettes", "check"]])
def test_a_name_that_no_file_can_have_is_a_mistake_of_the_user(example: Example, argv: list[str]) -> None:
    done = example.run(*argv, "x" * 300)
    assert (done.code, done.err.endswith("xxx: File name too long\n")) == (4, True)


def test_a_folder_without_anything_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = Example(tmp_path, capsys)
    done = empty.run("run")
    assert (done.code, done.err[:36]) == (4, "there is no folder suites/ here: nam")
    assert "`gemini-harness init`" in done.err
    done = empty.run("cassettes", "check")
    assert (done.code, done.out) == (5, "no cassettes: the folder cassettes/ does not exist\n")
    done = empty.run("history")
    assert (done.code, done.err) == (5, "no saved run in reports/ has a trial yet: `gemini-harness run` saves one\n")


def test_json_is_the_only_thing_on_stdout(example: Example) -> None:
    done = example.run(
        "run", "--format", "json", "--format", "junit:out/junit.xml", "--format", "markdown:out/table.md"
    )
    document = json.loads(done.out)
    assert done.code == 1
    assert len(document["results"]) == 8
    assert document["totals"] == {"passed": 6, "failed": 1, "error": 0, "skipped": 0, "xfailed": 1, "xpassed": 0}
    assert ET.parse(example.folder / "out/junit.xml").getroot().get("tests") == "8"
    assert "### capitals at simulator" in (example.folder / "out/table.md").read_text()


def test_a_dry_run_is_a_document_too(example: Example) -> None:
    done = example.run("run", "suites/capitals.yaml", "--dry-run", "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["version"], document["totals"]) == (0, 1, {"trials": 6, "requests": 6})
    first = document["trials"][0]
    assert (first["method"], first["requests"], first["skip"]) == ("POST", 1, None)
    assert first["bytes"] > 0
    refused = example.run("run", "--dry-run", "--format", "junit")
    assert refused.code == 4
    assert "--dry-run sends nothing, so it has no answers to show as junit; use table or json" in refused.err


def test_a_dry_run_says_what_and_how_many_and_saves_nothing(example: Example) -> None:
    done = example.run("run", "--dry-run", "--live")
    assert done.code == 0
    assert "capitals/oslo@simulator/gemini-3-flash-preview#1" in done.out
    assert "8 trials, 8 requests, all of them live; nothing was sent" in done.out
    assert not (example.folder / "reports").exists()


def test_an_interrupted_run_is_saved_and_reported(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = "suite: slow\nrepeat: 100\ncases:\n  - {id: hi, model: gemini-3-flash-preview, prompt: hi}\n"
    (tmp_path / "harness.toml").write_text(CONFIG)
    (tmp_path / "slow.yaml").write_text(suite)
    command = [sys.executable, "-m", "harness", "run", "slow.yaml", "--live", "--concurrency", "2", "-v"]
    with serve.start(latency=0.2) as running:  # ten seconds in all
        environment = {**os.environ, "SIMULATOR_BASE_URL": running.url}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and sum(len(run.read_bytes().splitlines()) for run in saved(tmp_path)) < 4:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    printed = re.search(r"\* interrupted after (\d+) of 100 trials\n", out)
    assert printed, out
    (run,) = saved(tmp_path)
    _, *trials, ending = map(json.loads, run.read_bytes().splitlines())
    assert 3 <= len(trials) == int(printed[1]) == ending["trials"] < 100
    assert ending["interrupted"]
    assert f"interrupted: 1 passed ({printed[1]} trials in 1 group)" in out
    assert "Traceback" not in err
    compared = Example(tmp_path, capsys).run("compare", str(run), str(run)).out
    assert f"was cut short: {printed[1]} of 100 trials are in it" in " ".join(compared.split())


# --- other commands -----------------------------------------------------------------------------------


def test_check_says_every_problem_at_once(example: Example) -> None:
    example.write("suites/bad.yaml", "suite: bad\ncases:\n  - id: a\n    promt: hi\n  - id: a\n    expekt: {}\n")
    done = example.run("check")
    assert done.code == 4
    assert "suites/bad.yaml:4:5" in done.err
    assert "suites/bad.yaml:6:5" in done.err


def test_a_suite_in_another_encoding_is_not_passed_over(example: Example) -> None:
    (example.folder / "suites/wide.yaml").write_bytes(WRONG.replace("wrong", "wide").encode("utf-16"))
    done = example.run("check")
    assert done.code == 4
    assert "suites/wide.yaml:1:1: this is UTF-16\n  save the file as UTF-8" in done.err


def test_a_suite_without_permission_is_not_passed_over(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = example.folder / "suites/capitals.yaml"

    def opened(path: Path, *flags: int) -> int:
        if path.resolve() == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *flags)

    really = os.open
    monkeypatch.setattr("harness.text.project.os.open", opened)
    monkeypatch.setattr("harness.run.session.os.access", lambda path, _mode: path.resolve() != closed)
    done = example.run("check")
    assert (done.code, done.err) == (4, "suites/capitals.yaml:1:1: cannot be read: permission denied\n")


def test_an_empty_suite_that_is_named_is_a_mistake(example: Example) -> None:
    done = example.write("suites/new.yaml", "# soon\n").run("run", "suites/new.yaml")
    assert (done.code, done.err.splitlines()[0]) == (
        4,
        "suites/new.yaml:1:1: the file is empty: a suite is a mapping that starts with the key suite:, its name",
    )


@pytest.mark.parametrize("rows", [None, b"", b"a\nb,c\n", b"a\n\xff\n"], ids=["missing", "empty", "long", "encoding"])
def test_rows_that_cannot_be_read_are_the_one_complaint(example: Example, rows: bytes | None) -> None:
    suite = "suite: s\ncases:\n  - {id: c, model: gemini-3.8-flash, each: '${file:r.csv}', prompt: hi, "
    example.write("suites/s.yaml", suite + "expect: {text: '${row.a}'}}\n")
    if rows is not None:
        (example.folder / "suites/r.csv").write_bytes(rows)
    done = example.run("check", "suites/s.yaml")
    assert done.code == 4
    assert done.err.count("suites/s.yaml:3:") == 1
    assert "r.csv" in done.err


def test_check_of_good_suites(example: Example) -> None:
    assert example.run("check").out.endswith("3 suites, 4 cases, 8 trials: no problem found\n")


def test_a_model_that_ends_is_noted_once_with_its_day(example: Example) -> None:
    assert example.run("check").out.count("2026-12-01") == 1
    assert "2026-12-01" not in example.run("check", "suites/known.yaml").out
    done = example.run("run", "suites/capitals.yaml", "--format", "json")
    notes = json.loads(done.out)["run"]["notes"]
    assert [note.partition(":")[0] for note in notes] == ["gemini-2.5-flash"]
    assert "gemini-3.5-flash-lite answers for it" in notes[0]
    assert done.err == ""  # no warning: nothing real is asked


def test_a_model_that_was_shut_down_gets_a_warning() -> None:
    asked = [Target("simulator", "gemini-2.0-flash"), Target("google", "gemini-2.0-flash")]
    message = "warning: gemini-2.0-flash: shut down 2026-06-01"
    assert list(session.endings(asked, Config())) == [message]
    assert list(session.endings([*asked[:1], Target("google", "gemini-4-carbon")], Config())) == []


def test_list_names_every_trial(example: Example) -> None:
    done = example.run("list", "suites/known.yaml")
    assert done.out == "known/still-fails@simulator/gemini-3-flash-preview#1\n"
    assert done.err.startswith("1 trial of 1 suite\n")


@pytest.mark.parametrize(
    ("what", "one"),
    [
        ("checks", "finishReason"),
        ("rules", "usage-sum"),
        ("formats", "junit"),
        ("tags", "thinking"),
        ("providers", "cometapi"),
        ("models", "gemini-2.5-flash"),
    ],
)
def test_list_names_what_there_is(example: Example, what: str, one: str) -> None:
    assert any(line.startswith(one) for line in example.run("list", what).out.splitlines())


@pytest.mark.parametrize("what", ["checks", "rules", "formats"])
def test_a_terminal_folds_the_last_column_of_a_list(
    example: Example, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = example.run("list", what).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["list", what]) == 0
    folded = capsys.readouterr().out
    assert max(map(len, whole.splitlines())) > 120 >= max(map(len, folded.splitlines()))
    assert folded.split() == whole.split()


def test_list_providers_shows_their_limits(example: Example) -> None:
    row = 'rpm = 600\ntpm = 4_000_000\nlimits."gemini-3.1-pro*" = {rpm = 150, concurrency = 2}\n'
    example.write("harness.toml", f'provider = "simulator"\n[providers.google]\n{row}')
    lines = {line.split()[0]: line for line in example.run("list", "providers").out.splitlines()}
    wanted = "600 requests a minute, 4,000,000 tokens a minute; gemini-3.1-pro*: 150 requests a minute, 2 in flight"
    assert wanted in lines["google"]
    assert "no limits" in lines["simulator"]
    assert lines["simulator"].endswith("default")


def test_list_of_nothing_known_names_the_nearest(example: Example) -> None:
    done = example.run("list", "checkz")
    assert (done.code, done.out) == (4, "")
    assert done.err == 'no such file or folder, and no such list: checkz; did you mean "checks"?\n'


def test_show_prints_request_origins_and_curl(example: Example) -> None:
    done = example.run("show", "not-bergen")
    assert done.code == 0
    assert '"text": "What is the capital of Norway? One word."' in done.out
    assert "  $.contents  the case's first turn, suites/wrong.yaml:4:9" in done.out
    assert "curl http" in done.out


def test_show_of_an_unknown_trial_names_the_nearest(example: Example) -> None:
    done = example.run("show", "wrong/not-bergn@simulator/gemini-3-flash-preview")
    assert done.code == 4
    assert "not-bergen@simulator/gemini-3-flash-preview" in done.err


def test_a_configuration_elsewhere_is_named(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    example.write("harness.toml", 'provider = "simulator"\n')
    note = "project/harness.toml is not used: run in project/ for its provider and folders\n"
    assert note not in example.run("list").err
    monkeypatch.chdir(example.folder.parent)
    assert f"note: {note}" in example.run("list", "project/suites").err


def test_an_unknown_dialect_of_a_provider_is_an_error_before_any_request(example: Example) -> None:
    row = 'base_url = "https://gateway.example"\ndialect = "opnai"'
    example.write("harness.toml", f'provider = "gateway"\n[providers.gateway]\n{row}\n')
    done = example.run("check")
    assert done.code == 4
    assert "providers.gateway.dialect: no dialect is called 'opnai'; did you mean \"openai\"?" in done.err


def test_a_model_that_is_written_with_its_provider_is_noted(example: Example) -> None:
    done = example.run("list", "--model", "google/gemini-3-flash-preview")
    assert "to ask google, write provider: google, model: gemini-3-flash-preview" in done.err


def test_a_misspelled_model_of_the_command_line_is_noted(example: Example) -> None:
    done = example.run("list", "--model", "gemini-3-flash-previw")
    assert (
        'there is no model "gemini-3-flash-previw" in the catalogue; did you mean "gemini-3-flash-preview"?' in done.err
    )


def test_check_knows_the_providers(example: Example) -> None:
    example.write(
        "suites/more.yaml", "suite: more\ncases: [{id: a, model: gemini-3.8-flash, provider: gogle, prompt: hi}]\n"
    )
    done = example.run("check", "suites/more.yaml")
    where = "suites/more.yaml:2:52: "
    assert (done.code, done.err) == (4, f"{where}no provider is called 'gogle'; did you mean \"google\"?\n")


def test_baseline_set_says_how_the_run_ended(example: Example) -> None:
    example.run("run", "--model", "gemini-2.5-flash", "--provider", "google", "suites/wrong.yaml")
    assert re.search(r": run \S+, \d trials? \(\d error\), ", example.run("baseline", "set", "last").out)


def test_show_takes_the_words_of_the_command_that_a_failure_prints(example: Example) -> None:
    whole = "wrong/not-bergen@google/gemini-3-flash-preview"
    by_keyword = example.run("show", "suites/wrong.yaml", "-k", whole)
    assert by_keyword == example.run("show", whole)  # the provider of the id is asked, not that of the configuration
    assert by_keyword.out.startswith(f"{whole}#1\n")


@pytest.mark.parametrize("words", [["suites/wrong.yaml", "not-bergen"], ["suites/wrong.yaml"]])
def test_show_says_that_the_trial_comes_first(example: Example, words: list[str]) -> None:
    done = example.run("show", *words)
    assert done.code == 4
    assert "the trial comes first: gemini-harness show TRIAL suites/wrong.yaml" in done.err


def test_no_key_is_ever_shown(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-secret")
    done = example.run("show", "not-bergen", "--provider", "google")
    assert '-H "x-goog-api-key: $GEMINI_API_KEY"' in done.out
    assert "secret" not in done.out


SECRET = """
suite: secret
cases:
  - id: says-it
    model: gemini-3-flash-preview
    prompt: "Say ${env:THEIR_TOKEN}"
    expect: {text: {not: {contains: "${env:THEIR_TOKEN}"}}}
"""


def test_a_secret_in_a_suite_reaches_no_file_and_no_screen(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_TOKEN", "hunter2hunter2")
    example.write("suites/secret.yaml", SECRET)
    live = example.run("run", "suites/secret.yaml", "--live", "--format", "json:out.json")
    assert live.code == 1
    assert 'actual    string "[the value of THEIR_TOKEN]' in live.out
    recorded = example.run("run", "suites/secret.yaml", "--record-mode", "once")
    assert recorded.code == 6
    assert "not recorded: the value of THEIR_TOKEN in the request's body" in recorded.out
    shown = example.run("show", "says-it")
    assert "Say [the value of THEIR_TOKEN]" in shown.out
    example.write("suites/wrong.yaml", WRONG + "    temperature: ${env:THEIR_TOKEN}\n")
    complaint = example.run("check")
    assert complaint.code == 4
    assert 'got the text "[the value of THEIR_TOKEN]"' in complaint.err
    message = "".join(done.out + done.err for done in (live, recorded, shown, complaint))
    assert "hunter2" not in message
    written = [path for path in example.folder.rglob("*") if path.is_file()]
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []


def test_a_report_is_the_run_again(example: Example) -> None:
    first = example.run("run", "suites/capitals.yaml").out
    again = example.run("report", "last").out
    assert first.splitlines()[:-1] == again.splitlines()[:-1]


@pytest.mark.parametrize(
    ("command", "shown"), [("run", True), ("report", True), ("compare", False), ("history", False)]
)
def test_help_has_measures_where_cells_show_them(example: Example, command: str, *, shown: bool) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert ("--measures" in example.capsys.readouterr().out) is shown


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of a size that is asked for")
def test_progress_keeps_within_its_terminal(example: Example) -> None:
    import fcntl
    import termios

    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 40, 0, 0))
    command = [sys.executable, "-m", "harness", "run", "suites/capitals.yaml", "--live", "--repeat", "20"]
    environment = {**os.environ, "TERM": "xterm"}
    played = subprocess.Popen(command, cwd=example.folder, env=environment, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    with os.fdopen(master, "rb", buffering=0) as terminal:
        shown = "".join(iter(lambda: _read(terminal), ""))
    assert played.wait() == 0
    lines = re.split(r"[\r\n]+|\x1b\[[?0-9]*[A-Za-z]", shown)
    assert any(line.startswith("simulator ") and "/120  " in line and " passed" in line for line in lines)
    assert max(map(len, lines)) <= 40


def _read(terminal: Any) -> str:
    try:
        return str(terminal.read(4096).decode())
    except OSError:  # the other end is closed
        return ""


def test_a_log_shows_no_progress(example: Example) -> None:
    assert "simulator" not in example.run("run", "suites/capitals.yaml", "--live", "--repeat", "5").err


def test_progress_is_a_line_for_each_provider() -> None:
    known = progress.ProviderProgress(270, Counter(passed=118, failed=2), in_flight=8, retries=4, spent=0.123)
    assert known.line("google", 40.0) == (
        "google 120/270  118 passed, 2 failed  8 in flight  3.0/s  4 retried  $0.12  50 s left"
    )
    assert progress.ProviderProgress(3).line("google", 0.0) == "google 0/3"


def test_compare_two_runs_names_the_flip(example: Example) -> None:
    example.run("run", "suites/wrong.yaml")
    base = saved_run(example).parent.name
    example.write("suites/wrong.yaml", WRONG.replace("Bergen", "Oslo"))
    example.run("run", "suites/wrong.yaml")
    done = example.run("compare", base, "last")
    assert done.code == 0
    assert "failed -> passed  text  wrong/not-bergen@simulator/gemini-3-flash-preview" in done.out
    assert "the suite wrong was changed between the two runs" in done.out


def test_models_that_were_asked_different_cases_say_what_to_do(example: Example) -> None:
    case = "  - {{id: {id}, model: {model}, prompt: What is the capital of Peru? One word.}}\n"
    cases = case.format(id="one", model="gemini-2.5-flash") + case.format(id="two", model="gemini-3-flash-preview")
    example.write("suites/apart.yaml", f"suite: apart\ndefaults: {{provider: simulator}}\ncases:\n{cases}")
    example.run("run", "suites/apart.yaml", "--live", "-q")
    done = example.run("compare", "last")
    assert done.code == 5
    assert (
        "have no case in common; `gemini-harness run --model ONE --model OTHER` asks both models every case" in done.err
    )


def test_what_was_judged_on_one_side_only_is_no_comparison(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    base = saved_run(example).parent.name
    assert example.run("run", "suites/capitals.yaml", "--cassettes", "nowhere").code == 6
    done = example.run("compare", base, "last")
    assert (done.code, done.err) == (5, "nothing to compare: no cell was judged on both sides\n")
    assert "text  capitals/" in done.out


def test_compare_two_targets_of_a_run(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    done = example.run("compare", "last", "--format", "json")
    document = json.loads(done.out)
    assert (document["reference"], document["candidate"]) == (
        "simulator/gemini-3-flash-preview",
        "simulator/gemini-2.5-flash",
    )
    assert {verdict["verdict"] for verdict in document["verdicts"]} == {"cannot tell"}


def test_audit_needs_no_suite(example: Example) -> None:
    done = example.run("audit", "cassettes", "--format", "json")
    document = json.loads(done.out)
    assert done.code == 0
    assert document["native_interactions"] == 8


def test_audit_of_nothing_is_not_green(example: Example) -> None:
    assert example.run("audit", "suites").code == 6


def test_cassettes_are_checked_and_found_fresh(example: Example) -> None:
    assert example.run("cassettes", "check").code == 0
    assert example.run("cassettes", "stale").out == "8 requests, 0 of them not answered\n"


def test_a_changed_prompt_makes_a_cassette_stale(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG.replace("One word.", "Two words."))
    done = example.run("cassettes", "stale", "suites/wrong.yaml")
    assert done.code == 6
    assert ".yaml: stale: for POST /v1beta/models/" in done.out
    assert "$.contents[0].parts[0].text" in done.out


def test_prune_removes_what_no_trial_asks_for(example: Example) -> None:
    (example.folder / "suites/wrong.yaml").unlink()
    assert "1 orphaned cassette" in example.run("cassettes", "prune").out
    assert not list(example.folder.glob("cassettes/wrong/**/*.yaml"))
    assert example.run("run", "suites/capitals.yaml").code == 0


def test_check_holds_the_folder_against_the_suites(example: Example) -> None:
    (example.folder / "suites/known.yaml").unlink()
    example.write("suites/wrong.yaml", WRONG.replace("One word.", "Two words."))
    done = example.run("cassettes", "check")
    assert done.code == 1
    lines = [line.partition(": ")[2] for line in done.out.splitlines() if ".yaml: " in line]
    assert [line.partition(":")[0] for line in lines] == ["orphaned", "stale"]
    assert "8 cassettes, 2 problems" in done.out
    assert example.run("cassettes", "check", "cassettes").code == 0


def test_what_another_target_recorded_is_no_orphan(example: Example) -> None:
    ask = ("run", "suites/wrong.yaml", "--target", "simulator-gateway/gemini-2.5-pro", "--record-mode", "once")
    assert example.run(*ask).code == 1
    assert "0 orphaned cassettes" in example.run("cassettes", "prune").out
    assert "0 orphaned cassettes" in example.run("cassettes", "prune", "suites/known.yaml").out
    (example.folder / "suites/wrong.yaml").unlink()
    assert "2 orphaned cassettes" in example.run("cassettes", "prune").out


def test_the_schema_is_one_json_document(example: Example) -> None:
    assert json.loads(example.run("schema").out)["$ref"] == "#/$defs/SuiteWords"


# --- manners ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["simulate", "--replay", "nowhere"], "no such file or folder: nowhere"),
        (["simulate", "--faults", "no-usage"], "gemini-harness simulate: 'no-usage' belongs to no option"),
        (["run", "--recordmode", "none"], "there is no option '--recordmode'; did you mean \"--record-mode\"?"),
        (["run", "--gat=x"], 'did you mean "--gate"?\n(try gemini-harness run --help)'),
        (["baseline"], "the following arguments are required: set"),
        (
            ["audit", "last"],
            "audit reads recordings; a run is judged when it is played: `gemini-harness report last`",
        ),
        (["simulate", "--host", "nowhere.invalid"], "Choose another --host or --port; --port 0 takes any free one."),
        (["rnu"], "there is no command 'rnu'; did you mean \"run\"?"),
        (["eval", "suites/"], "there is no command 'eval'; did you mean \"run\"?"),
        (["validate", "suites/"], "there is no command 'validate'; did you mean \"check\"?"),
        (["help"], "there is no command 'help'; did you mean \"--help\"?"),
        (["run", "--mode", "all"], "there is no option '--mode'; did you mean \"--record-mode\"?"),
        (["run", "-n", "2"], "there is no option '-n'; did you mean \"--processes\"?"),
        (["compare", "last", "--by", "model"], "there is no option '--by'; did you mean \"--axis\"?"),
        (["show", "nope"], "there is no trial nope; `gemini-harness list` shows all"),
        (["probe", "gemini-3.8-flash"], "gemini-harness probe --model gemini-3.5-flash-lite"),
        (["run", "nowhere"], "no such file or folder: nowhere"),
        (["run", "suits"], "no such file or folder: suits (did you mean suites?)"),
        (["import", "-"], "-: import reads files: save the page or the command as one"),
        (["import", "https://ai.example/docs"], "docs: import reads files"),
        (["audit", "casettes"], "no such file or folder: casettes (did you mean cassettes?)"),
        (["run", "--target", "flash"], "write provider/model"),
        (["run", "--target", "gogle/x"], 'did you mean "google"'),
        (["run", "--shard", "5/4"], "--shard"),
        (["run", "--repeat", "0"], "expected a whole number above 0"),
        (["run", "--live", "--record-mode", "all"], "not both"),
        (["run", "--format", "json", "--format", "csv"], "cannot both go to stdout"),
        (["run", "--format", "jsn"], 'did you mean "json"'),
        (["run", "--format", "html:suites"], "html:suites: that is a folder; name a file"),
        (["run", "--measures", "thots"], "no measure 'thots'; did you mean \"thoughts\"?"),
        (["run", "--measures", "zzz"], "no measure 'zzz'; there are thoughts"),
        (["run", "--measures", "jsn"], "ttft_s, and the checks, such as json"),
        (["report", "nothing"], "no saved run 'nothing'"),
    ],
)
def test_bad_usage_is_a_sentence_and_4(example: Example, argv: list[str], message: str) -> None:
    done = example.run(*argv)
    assert done.code == 4
    assert message in done.err
    assert done.out == ""


def test_a_fault_of_ours_is_two_lines_and_a_file(
    example: Example, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from harness.cli.commands import check

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(check, "main", lambda _: 1 / 0)
    done = example.run("check")
    assert done.code == 3
    assert done.err.startswith("internal error: ZeroDivisionError: division by zero\n")
    assert "Traceback" in Path(done.err.split()[-1]).read_text()
    assert "Traceback" in example.run("check", "-v").err


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUTF8": "1"}


def test_version_imports_nothing_heavy(environment: dict[str, str]) -> None:
    code = "import sys; from harness.cli.main import main; main(['--version']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("gemini-harness ")
    for heavy in ("argparse", "yaml", "json", "asyncio", "httpx", "tabulate", "jsonschema", "dataclasses"):
        assert f"'{heavy}'" not in done.stderr


def test_a_replay_imports_no_client_no_vcr_no_event_loop(example: Example, environment: dict[str, str]) -> None:
    code = "import sys; from harness.cli.main import main; main(['run', 'suites/capitals.yaml']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=example.folder
    )
    others = ("difflib", "harness.compare", "harness.transport.batch_jobs", "harness.transport.cassette.sources")
    unseen = ("shutil", "threading")  # only terminals and shown progress need them
    rare = ("fractions", "random", "statistics", "traceback")  # for long streams and faults
    for heavy in ("asyncio", "httpx", "aiohttp", "vcr", "uvicorn", "pytest", "jsonschema", *others, *unseen, *rare):
        assert f"'{heavy}'" not in done.stderr
    assert "'tabulate'" in done.stderr  # whose own imports take as long as all of ours
    assert not {"'importlib.metadata'", "'wcwidth'"} & set(re.findall(r"'[\w.]+'", done.stderr))


def test_a_check_without_gates_imports_no_comparison(example: Example, environment: dict[str, str]) -> None:
    code = "import sys; from harness.cli.main import main; main(['check', 'suites/capitals.yaml']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=example.folder
    )
    assert "no problem found" in done.stdout
    for heavy in ("harness.compare", "tarfile"):
        assert f"'{heavy}'" not in done.stdout


def test_a_reader_that_goes_away_is_no_error(example: Example) -> None:
    command = [sys.executable, "-m", "harness", "list", "rules"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=example.folder)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 0


def test_a_closed_pipe_changes_neither_verdict_nor_files(example: Example) -> None:
    command = [
        sys.executable,
        "-m",
        "harness",
        "run",
        "suites/wrong.yaml",
        "--format",
        "table",
        "--format",
        "csv:out.csv",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=example.folder)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 1
    assert (example.folder / "out.csv").read_text().startswith("id,suite,case")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("argv", [["--version"], ["list", "rules"], ["run", "suites/wrong.yaml"]])
def test_a_full_disk_under_stdout_is_one_sentence(example: Example, argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "harness", *argv]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=example.folder, check=False)
    assert (done.returncode, done.stderr) == (4, "cannot write to stdout: No space left on device\n")


def test_one_report_that_cannot_be_written_takes_no_other_down(example: Example) -> None:
    done = example.run(
        "run", "suites/wrong.yaml", "--format", "json:suites/wrong.yaml/x.json", "--format", "csv:out.csv"
    )
    assert done.code == 4
    assert done.err.startswith("cannot write suites/wrong.yaml/x.json: ")
    assert "1 failed (1 trial)" in done.out
    assert (example.folder / "out.csv").exists()


def test_a_full_disk_under_the_reports_shows_what_ran(example: Example) -> None:
    code = """import resource, sys
from harness.cli.main import main
sys.dont_write_bytecode = True  # a file of compiled code that is cut short breaks later imports
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
sys.exit(main(["run", "suites/wrong.yaml", "suites/capitals.yaml"]))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=example.folder, check=False)
    assert (done.returncode, saved_run(example).stat().st_size) == (4, 6000)
    assert "cannot write the run to reports/" in done.stderr
    assert "of 7 trials were not played\ngo on with it: gemini-harness run --resume " in done.stderr
    assert "FAIL wrong/not-bergen" in done.stdout


def test_a_full_disk_under_the_reports_of_a_live_run(example: Example) -> None:
    code = """import resource, sys
from harness.cli.main import main
sys.dont_write_bytecode = True  # a file of compiled code that is cut short breaks later imports
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
sys.exit(main(["run", "suites/capitals.yaml", "--live", "--repeat", "9"]))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=example.folder, check=False)
    assert done.returncode == 4
    assert "cannot write the run to reports/" in done.stderr
    assert "trials were not played" in done.stderr


def test_every_character_finds_its_way_out(example: Example, environment: dict[str, str]) -> None:
    example.write("suites/wrong.yaml", WRONG.replace("suite: wrong", "suite: wrong\nabout: Tromsø, 日本"))
    for encoding, message in (("", "Tromsø, 日本"), ("ascii", "Troms\\xf8, \\u65e5\\u672c")):
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", "suites/wrong.yaml"],
            capture_output=True,
            check=False,
            cwd=example.folder,
            env={
                **environment,
                "LC_ALL": "C",
                "PYTHONUTF8": "0",
                "PYTHONCOERCECLOCALE": "0",
                "PYTHONIOENCODING": encoding,
            },
        )
        assert (done.returncode, done.stderr) == (1, b"")
        assert message in done.stdout.decode()


def test_the_command_that_a_failure_prints_says_the_target(example: Example) -> None:
    chosen = ("--target", "simulator-gateway/gemini-2.5-flash")
    missing = example.run("run", "suites/capitals.yaml", "-k", "oslo", *chosen)
    again = next(line for line in missing.out.splitlines() if "again:" in line)
    assert "simulator-gateway" in example.run(*shlex.split(again)[2:]).out
    record = next(line for line in missing.out.splitlines() if "record it:" in line)
    assert example.run(*shlex.split(record)[3:]).code == 0
    assert example.run("run", "suites/capitals.yaml", "-k", "oslo", *chosen).code == 0


def test_what_is_stale_many_times_is_said_once(example: Example) -> None:
    example.run("run", "suites/wrong.yaml", "--record-mode", "all", "--repeat", "3")
    example.write("suites/wrong.yaml", WRONG.replace("One word.", "Two words.") + "    repeat: 3\n")
    done = example.run("cassettes", "stale", "suites/wrong.yaml")
    assert done.out.count("One word.") == 1
    assert "(3 times)\n3 requests, 3 of them not answered\n" in done.out


def test_options_may_stand_between_the_words(example: Example) -> None:
    shown = example.run("show", "not-bergen", "--model", "gemini-2.5-flash", "suites/wrong.yaml")
    assert shown.code == 0
    assert example.run("cassettes", "prune", "--dry-run", "suites/wrong.yaml").code == 0
    assert "the trial comes first" in example.run("show", "--model", "x").err


def test_a_suite_that_is_met_twice_is_played_once(example: Example) -> None:
    (example.folder / "suites/link.yaml").symlink_to("wrong.yaml")
    assert "1 suite, 1 case, 1 trial" in example.run("check", "suites/wrong.yaml", "suites/link.yaml").out
    assert "3 suites" in example.run("check", "suites", "suites/wrong.yaml", ".").out


def test_show_of_a_case_is_its_first_attempt(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG + "    repeat: 3\n")
    assert example.run("show", "not-bergen").out.startswith("wrong/not-bergen@simulator/gemini-3-flash-preview#1\n")


GATED = "\ncompare:\n  gate:\n    hard: [text]\n"


def test_a_gate_of_a_suite_fails_a_comparison(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG.replace("Bergen", "Oslo") + GATED)
    example.run("run", "suites/wrong.yaml")
    base = saved_run(example).parent.name
    example.write("suites/wrong.yaml", WRONG + GATED)
    example.run("run", "suites/wrong.yaml")
    done = example.run("compare", base, "last")
    assert done.code == 1
    assert (
        "* gate hard: text (wrong): crossed: text of wrong/not-bergen@simulator/gemini-3-flash-preview went from passed to failed"
        in " ".join(done.out.split())
    )


def test_a_gate_that_cannot_tell_has_its_own_code(example: Example) -> None:
    example.run("run", "suites/capitals.yaml", "--live")
    base = saved_run(example).parent.name
    example.run("run", "suites/capitals.yaml", "--live")
    done = example.run("compare", base, "last", "--gate", "pass_rate=2pp@95%", "--format", "json")
    assert done.code == 7
    assert json.loads(done.out)["gates"][0]["crossed"] is None
    assert example.run("compare", "last", "last", "--gate", "hard=text").code == 0


def test_a_run_compared_with_itself_says_so(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    printed = "this compares a run with itself"
    assert printed in example.run("compare", "last", "last").out
    base = saved_run(example).parent.name
    example.run("run", "suites/capitals.yaml")
    assert printed not in example.run("compare", base, "last").out


def test_a_live_run_is_surely_the_same_as_itself(example: Example) -> None:
    example.run("run", "suites/capitals.yaml", "--live")
    alike = example.run("compare", "last", "last", "--gate", "pass_rate=2pp@95%")
    assert (alike.code, alike.out.count("cannot tell:")) == (0, 0)
    assert "this compares a run with itself, so nothing can differ" in " ".join(alike.out.split())
    assert "same: none of" in alike.out


def test_gates_that_cannot_be_read_are_never_green(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    example.write("suites/capitals.yaml", "suite: capitals\ncompare: {gate: {latency: {rise: 2pp}}}\ncases: []\n")
    assert example.run("compare", "last", "last").code == 4
    (example.folder / "suites/capitals.yaml").write_bytes(b"\xff\xfe")
    done = example.run("compare", "last", "last")
    assert (done.code, done.err) == (
        4,
        "suites/capitals.yaml:1:1: this is UTF-16\n  save the file as UTF-8\n",
    )
    (example.folder / "suites/capitals.yaml").unlink()
    assert "gates of capitals were not checked" in " ".join(example.run("compare", "last", "last").out.split())


def test_a_run_is_held_to_its_gates(example: Example) -> None:
    holds, crossed = "latency.max=1h", "totalTokenCount.max=0"
    done = example.run("run", "suites/capitals.yaml", "--gate", holds, "--gate", crossed)
    message = " ".join(done.out.split())
    assert done.code == 1
    assert "gate latency may be at most 3,600 s: holds: latency is" in message
    assert "gate totalTokenCount may be at most 0: crossed: totalTokenCount is" in message
    assert "crossed: totalTokenCount is" in " ".join(example.run("report", "last").out.split())
    assert example.run("run", "suites/capitals.yaml", "--gate", holds).code == 0
    untold = example.run("run", "suites/capitals.yaml", "--gate", "ttft.max=1s@95%", "--quiet")
    assert (untold.code, "cannot tell: " in untold.err) == (7, True)


def test_a_run_that_goes_on_is_held_to_its_gates(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG)
    example.run("run", "suites", "--fail-fast", "--gate", "totalTokenCount.max=0")
    done = example.run("run", "--resume", "last")
    assert "gate totalTokenCount may be at most 0: crossed" in " ".join(done.out.split())


def test_programs_and_servers_are_told_of_the_gates_of_a_run(example: Example) -> None:
    asked = ["--gate", "pass_rate.min=50%", "--gate", "totalTokenCount.max=0", "--gate", "chunks.max=1@95%"]
    files = ["--format", "json:out.json", "--format", "junit:out.xml", "--format", "github"]
    done = example.run("run", "suites/capitals.yaml", *asked, *files)
    document = json.loads((example.folder / "out.json").read_text())
    assert [gate["crossed"] for gate in document["gates"]] == [False, True, None]
    assert "::error title=gemini-harness::gate totalTokenCount may be at most 0: crossed" in done.out
    suite = ET.parse(example.folder / "out.xml").getroot().find("testsuite[@name='gates']")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }


def test_a_gate_on_the_pass_rate_forgives_what_it_allows(example: Example) -> None:
    example.write("suites/wrong.yaml", WRONG)
    paths = ("suites/capitals.yaml", "suites/wrong.yaml")
    assert example.run("run", *paths).code == 1
    forgiven = example.run("run", *paths, "--gate", "pass_rate.min=50%")
    assert (forgiven.code, "FAIL" in forgiven.out) == (0, True)
    assert example.run("run", *paths, "--gate", "pass_rate.min=99%").code == 1
    assert example.run("run", *paths, "--gate", "latency.max=1h").code == 1


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (["--gate", "latency=25%"], "latency may rise by 25% takes two sides: ask it of compare"),
        (["--gate", "hard=text"], "hard: text takes two sides"),
        (["--gate", "pass_rate.min=90%", "--fail-fast"], "--fail-fast and --max-failures end early"),
    ],
)
def test_gates_that_do_not_apply_to_a_run_are_refused_first(example: Example, asked: list[str], wrong: str) -> None:
    done = example.run("run", "suites/capitals.yaml", *asked)
    assert (done.code, wrong in done.err) == (4, True)
    assert not list((example.folder / "reports").glob("*"))


def test_a_budget_of_a_suite_is_checked_in_comparisons(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    text = (example.folder / "suites/capitals.yaml").read_text()
    example.write("suites/capitals.yaml", text + "\ncompare: {gate: {totalTokenCount: {max: 0}}}\n")
    done = example.run("compare", "last", "last")
    assert (done.code, "crossed: totalTokenCount is" in " ".join(done.out.split())) == (1, True)


def test_a_comparison_says_that_its_answers_are_simulated(example: Example) -> None:
    example.run("run", "suites/capitals.yaml")
    assert "SIMULATED" in example.run("compare", "last").out


# --- what suites compare ------------------------------------------------------------------------------

COMPARED = """
suite: compared
matrix:
  model: [gemini-3-flash-preview, gemini-2.5-flash{more}]
cases:
  - id: oslo
    prompt: What is the capital of Norway? One word.
compare: {{by: model, baseline: gemini-2.5-flash}}
"""


def compared_suite(example: Example, more: str = "") -> None:
    example.write("suites/compared.yaml", COMPARED.format(more=more))
    example.run("run", "suites/compared.yaml", "--live", "-q")


def test_a_run_is_compared_as_its_suite_says(example: Example) -> None:
    compared_suite(example)
    document = json.loads(example.run("compare", "last", "--format", "json").out)
    assert (document["reference"], document["candidate"]) == ("model=gemini-2.5-flash", "model=gemini-3-flash-preview")
    assert "compared by model, as the suite compared says" in document["notes"]
    assert example.run("compare", "last").out.count("one case says") == 1  # of all measures, in a sentence
    two = ("--target", "simulator/gemini-3-flash-preview", "--target", "simulator/gemini-2.5-flash")
    asked = json.loads(example.run("compare", "last", *two, "--format", "json").out)
    assert asked["reference"] == "simulator/gemini-3-flash-preview"  # what is asked for counts


def test_more_than_two_values_are_compared_with_the_baseline(example: Example) -> None:
    compared_suite(example, ", gemini-3.1-pro-preview")
    done = example.run("compare", "last", "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["version"], document["axis"]) == (0, 1, "model")
    assert (document["reference"], document["candidates"]) == (
        "model=gemini-2.5-flash",
        ["model=gemini-3-flash-preview", "model=gemini-3.1-pro-preview"],
    )
    assert [
        (comparison["reference"], comparison["candidate"], len(comparison["cells"]))
        for comparison in document["comparisons"]
    ] == [("model=gemini-2.5-flash", candidate, 1) for candidate in document["candidates"]]
    assert "compared by model, as the suite compared says" in document["notes"]
    assert {one["verdicts"][0]["comparisons"] for one in document["comparisons"]} == {document["corrected_for"]}
    assert {one["verdicts"][0]["scope"] for one in document["comparisons"]} == {"cases like these"}
    out = example.run("compare", "last", "--format", "html:page.html").out
    assert max(map(len, out.splitlines())) <= 80
    table = " ".join(out.split())
    assert "2 candidates against model=gemini-2.5-flash; pass rates are corrected for 2 candidates" in table
    assert "SIMULATED" in table
    assert "<h2>model=gemini-3.1-pro-preview</h2>" in (example.folder / "page.html").read_text()


def test_the_worst_of_several_candidates_is_the_exit_code(example: Example) -> None:
    compared_suite(example, ", gemini-3.1-pro-preview")
    limits = {limit: example.run("compare", "last", "--gate", f"totalTokenCount.max={limit}") for limit in (1, 9999)}
    assert {limit: done.code for limit, done in limits.items()} == {1: 1, 9999: 0}
    assert limits[1].out.count("crossed: totalTokenCount is") == 2
    unsure = example.run("compare", "last", "--gate", "pass_rate=2pp@95%")
    assert (unsure.code, unsure.out.count("cannot tell: pass_rate")) == (7, 2)


def test_values_without_a_common_cell_are_left_out(example: Example) -> None:
    compared_suite(example, ", gemini-3.1-pro-preview")
    named = ("gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-3-flash-preview")
    asked = [part for model in named for part in ("--target", f"simulator/{model}")]
    document = json.loads(example.run("compare", "last", *asked, "--format", "json").out)
    assert [document["reference"], *document["candidates"]] == [f"simulator/{model}" for model in named]
    other = (
        COMPARED.format(more="").partition("compare:")[0].replace("compared", "other").replace("2.5-flash", "2.5-pro")
    )
    example.write("suites/compared.yaml", COMPARED.format(more=", gemini-2.5-flash-lite").partition("compare:")[0])
    example.write("suites/other.yaml", re.sub(r"gemini-3-flash-preview, ", "", other))
    example.run("run", "suites/compared.yaml", "suites/other.yaml", "--live", "-q")
    done = example.run("compare", "last", "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["candidates"]) == (0, ["simulator/gemini-2.5-flash", "simulator/gemini-2.5-flash-lite"])
    left_out = (
        "left out, since they have no cell in common with simulator/gemini-3-flash-preview: simulator/gemini-2.5-pro"
    )
    assert left_out in document["notes"]


def test_targets_of_two_runs_are_compared(example: Example) -> None:
    for model in ("gemini-2.5-flash", "gemini-3-flash-preview"):
        example.write("suites/compared.yaml", f"suite: s\ncases: [{{id: c, model: {model}, prompt: hi}}]\n")
        example.run("run", "suites/compared.yaml", "--live", "-q")
    base = min(path.name for path in (example.folder / "reports").iterdir())
    sides = "--target simulator/gemini-2.5-flash --target simulator/gemini-3-flash-preview"
    alone = example.run("compare", base, "last")
    assert (alone.code, f"{sides.split()[1]} on one side, {sides.split()[3]} on the other; {sides}" in alone.err) == (
        5,
        True,
    )
    done = example.run("compare", base, "last", *sides.split(), "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["candidate"], len(document["cells"])) == (0, "simulator/gemini-3-flash-preview", 1)
    assert document["verdicts"][0]["scope"] == "cases like these"
    three = example.run("compare", base, "last", *sides.split()[:2])
    assert (three.code, "--target names two values" in three.err) == (4, True)


def test_settings_of_each_model_keep_its_cells_comparable(example: Example) -> None:
    for thinking, code in (
        ("{gemini-2.5-flash: 0, gemini-2.5-pro: 512}", 0),
        ("{gemini-2.5-flash: [0], gemini-2.5-pro: [512]}", 5),
    ):
        example.write(
            "suites/compared.yaml",
            f"suite: s\ncases: [{{id: c, model: [gemini-2.5-flash, gemini-2.5-pro], thinking: {thinking}, prompt: hi}}]\n",
        )
        example.run("run", "suites/compared.yaml", "--live", "-q")
        done = example.run("compare", "last")
        assert (
            done.code,
            "thinking is 0 on one side, 512 on the other; with one value for each model, `thinking: {MODEL: VALUE"
            in done.err,
        ) == (code, code == 5)


def test_one_value_is_compared_with_the_baseline(example: Example) -> None:
    compared_suite(example, ", gemini-3.1-pro-preview")
    done = example.run("compare", "last", "--axis", "model=gemini-3.1-pro-preview", "--format", "json")
    document = json.loads(done.out)
    assert (document["reference"], document["candidate"]) == ("model=gemini-2.5-flash", "model=gemini-3.1-pro-preview")


def test_a_run_of_one_target_says_what_to_compare_it_with(example: Example) -> None:
    text = "suite: one\ncases: [{id: a, model: gemini-3.8-flash, prompt: hi}]\n"
    example.write("suites/one.yaml", text).run("run", "suites/one.yaml", "--live", "-q", "--provider", "simulator")
    (run,) = saved(example.folder)
    done = example.run("compare", "last")
    assert done.code == 4
    assert f"name another run, as in gemini-harness compare baseline {run.parent.name}" in done.err


def test_an_axis_alone_compares_all_its_values_and_an_unknown_one_is_named(example: Example) -> None:
    compared_suite(example, "")
    example.run(
        "run", "suites/compared.yaml", "--live", "-q", "--provider", "simulator", "--provider", "simulator-gateway"
    )
    done = example.run("compare", "last", "--axis", "provider", "--format", "json")
    document = json.loads(done.out)
    assert (document["reference"], document["candidate"]) == ("provider=simulator", "provider=simulator-gateway")
    done = example.run("compare", "last", "--axis", "provder=simulator")
    assert (done.code, "has no axis 'provder'; did you mean \"provider\"?" in done.err) == (4, True)


def test_the_baseline_is_not_compared_with_itself(example: Example) -> None:
    compared_suite(example, ", gemini-3.1-pro-preview")
    one = ("--axis", "model=gemini-2.5-flash")
    for asked in (one, one * 2):
        done = example.run("compare", "last", *asked)
        assert done.code == 4
        assert (
            "gemini-2.5-flash is the baseline, as the suite compared says: name what to compare with it; " in done.err
        )
        assert done.err.endswith("; there are gemini-3-flash-preview, gemini-3.1-pro-preview\n")
    compared_suite(example, "")
    example.run("run", "suites/compared.yaml", "--live", "-q", "--model", "gemini-2.5-flash")
    assert example.run("compare", "last", *one).err.endswith("; this run has no other value\n")


def test_a_suite_may_compare_values_that_the_run_lacks(example: Example) -> None:
    compared_suite(example)
    example.run("run", "suites/capitals.yaml", "--model", "gemini-2.5-flash", "-q")
    assert "simulator/gemini-2.5-flash" in example.run("compare", "last").err


def test_a_provider_that_a_case_fixes_is_named(example: Example) -> None:
    fixed = "suite: fixed\ncases: [{id: a, model: gemini-3.8-flash, provider: simulator, prompt: hi}]\n"
    example.write("suites/fixed.yaml", fixed)
    note = "suites/fixed.yaml:2:52: the provider is fixed, in 1 case, whatever the command line says\n"
    assert note in example.run("list", "suites/fixed.yaml", "--provider", "google").err
    assert "fixed here" not in example.run("list", "suites/fixed.yaml", "--provider", "simulator").err
