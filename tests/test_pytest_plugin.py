"""``pytest suites/`` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.transport.cassette import load
from harness.transport.journal import append
from tests.capitals import WRONG

FLAKY = """
suite: flaky
cases:
  - id: {id}
    model: gemini-3-flash-preview
    prompt: What is the capital of Norway? One word.
    repeat: 4
    require: {require}
    expect:
      python: checks.py:odd
"""
ODD = """
from itertools import count

calls = count(1)

def odd(result):
    return next(calls) % 2 == 1
"""
FEW_PLUGINS = "-p no:recording -p no:hypothesispytest -p no:anyio"
"""What others installed here takes half of the time in which pytest starts."""


@pytest.fixture
def project(recorded: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_ADDOPTS", FEW_PLUGINS)
    shutil.copytree(recorded, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reports"))
    return pytester


def runs(project: pytest.Pytester) -> list[list[dict[str, Any]]]:
    files = sorted(project.path.glob("reports/*/run.jsonl"))
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


def recorded_flaky(project: pytest.Pytester, require: str) -> pytest.Pytester:
    """A case of four attempts, of which every other one passes."""
    (project.path / "suites/checks.py").write_text(ODD)
    (project.path / "suites/flaky.yaml").write_text(FLAKY.format(id="odd", require=require))
    assert main(["run", "suites/flaky.yaml", "--record-mode", "all", "--reports", "elsewhere", "--quiet"]) < 2
    return project


def test_a_trial_is_an_item_and_the_run_is_saved(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml", "-v")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "suites/capitals.yaml::oslo@simulator/gemini-3-flash-preview#1 PASSED*",
            "suites/capitals.yaml::streamed?stream?@simulator/gemini-2.5-flash#1 PASSED*",
            "replayed; recorded from simulator (SIMULATED answers) 20*",
            "6 passed (6 trials); tables: gemini-harness report 20*",
        ]
    )
    ((header, *rows, ending),) = runs(project)
    assert header["run"]["front"] == "pytest"
    assert len(rows) == 6
    assert rows[0]["turns"][0]["text"] == "Oslo"
    assert ending["run"]["suites"][0]["suite"] == "capitals"


def test_suites_in_another_folder_are_not_passed_over_in_silence(project: pytest.Pytester) -> None:
    (project.path / "suites").rename(project.path / "evals")
    result = project.runpytest("evals/")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(
        ["evals/ has suites that are not collected: name files (pytest evals/[*].yaml), or put*"]
    )


def test_a_failure_shows_the_suites_own_line_and_no_traceback(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/wrong.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "suites/wrong.yaml:8  text",
            "     8 |       text: {equals: Bergen}",
            '  expected  string "Bergen"',
            '  actual    string "Oslo"',
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_known_failure_is_xfailed_with_its_reason(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/known.yaml", "-rx")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL suites/known.yaml::still-fails*issue 7"])


def test_no_recording_is_an_error_not_a_failure(project: pytest.Pytester) -> None:
    (project.path / "suites/new.yaml").write_text(WRONG.replace("wrong", "new"))
    result = project.runpytest("suites/new.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*record it: gemini-harness run suites/new.yaml*"])


def test_all_skipped_is_not_green(project: pytest.Pytester) -> None:
    (project.path / "suites/new.yaml").write_text(WRONG.replace("wrong", "new"))
    result = project.runpytest("suites/new.yaml", "--harness-skip-missing")
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_skipped_by_the_suites_own_word(project: pytest.Pytester) -> None:
    (project.path / "suites/skip.yaml").write_text(WRONG.replace("wrong", "skip") + "    skip: not today\n")
    result = project.runpytest("suites/skip.yaml", "suites/capitals.yaml", "-rs")
    result.assert_outcomes(skipped=1, passed=6)
    result.stdout.fnmatch_lines(["SKIPPED*suites/skip.yaml: not today"])
    ((_, *rows, _),) = runs(project)
    assert [row["status"] for row in rows].count("skipped") == 1


def test_a_bad_suite_is_a_collection_error_with_its_complaints(project: pytest.Pytester) -> None:
    (project.path / "suites/bad.yaml").write_text("suite: bad\ncases:\n  - id: a\n    promt: hi\n")
    result = project.runpytest("suites/bad.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*suites/bad.yaml:4:5*", "*did you mean*prompt*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("option", "expression", "passed"),
    [
        ("-k", "oslo and 2.5", 1),
        ("-k", "streamed and not unary and flash-preview", 1),
        ("-m", "geography", 6),
        ("-m", "not geography", 0),
    ],
)
def test_pytests_own_selection_works(project: pytest.Pytester, option: str, expression: str, passed: int) -> None:
    result = project.runpytest("suites/capitals.yaml", "--strict-markers", option, expression)
    assert result.parseoutcomes().get("passed", 0) == passed


def test_a_node_id_plays_one_trial(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml::streamed[stream]@simulator/gemini-2.5-flash#1")
    result.assert_outcomes(passed=1)


def test_targets_may_be_chosen(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml", "--harness-target", "simulator/gemini-2.5-flash")
    result.assert_outcomes(passed=3)


def test_shards_are_a_partition(project: pytest.Pytester) -> None:
    parts = [project.runpytest("suites", "--harness-shard", f"{n}/2").parseoutcomes() for n in (1, 2)]
    assert [sum(part.get(word, 0) for word in ("passed", "failed", "xfailed")) for part in parts] == [3, 5]
    refused = project.runpytest("suites", "--harness-shard", "3/2")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--harness-shard 3/2: write I/N with I from 1 to N*"])


def test_an_unknown_provider_is_told_once_a_suite(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml", "--harness-provider", "simulatr")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no provider is called 'simulatr'; did you mean \"simulator\"*"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--harness-live --harness-provider=google",
            "No key for provider 'google': set the environment variable GOOGLE_API_KEY or GEMINI_API_KEY*",
        ),
        (
            "-n 2 --harness-live --harness-provider=google",
            "No key for provider 'google': set the environment variable GOOGLE_API_KEY or GEMINI_API_KEY*",
        ),
        ("--harness-target=gemini", "--harness-target 'gemini': write provider/model*"),
        ("--harness-var=tone", "--harness-var tone: write NAME=VALUE*"),
    ],
)
def test_what_no_trial_can_do_without_is_one_message(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str, message: str
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = project.runpytest("suites", *option.split())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


def test_two_suites_of_one_name_are_refused(project: pytest.Pytester) -> None:
    shutil.copy(project.path / "suites/wrong.yaml", project.path / "suites/zz.yaml")
    result = project.runpytest("suites")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*zz.yaml*the suite is called 'wrong', and so is suites/wrong.yaml*"])


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "worker"])
def test_both_fronts_write_the_same_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    suite = project.path / "suites/capitals.yaml"
    suite.write_text(
        suite.read_text().replace(
            "    prompt:", "    thinking: {gemini-3*: [low], gemini-2.5-*: [minimal]}\n    prompt:", 1
        )
    )
    monkeypatch.chdir(project.path)
    target = ["--target", "simulator/gemini-2.5-flash", "--target", "simulator/gemini-3-flash-preview"]
    main(["run", "suites/capitals.yaml", "--reports", "one", *target])
    project.runpytest(
        "suites/capitals.yaml",
        "--harness-reports",
        "other",
        *[option.replace("--t", "--harness-t") for option in target],
        *workers,
    )
    (cli,) = [saved_rows(file) for file in project.path.glob("one/*/run.jsonl")]
    (plugin,) = [saved_rows(file) for file in project.path.glob("other/*/run.jsonl")]
    assert cli[-1]["run"]["notes"] != []
    assert plugin == cli


def saved_rows(file: Path) -> list[dict[str, Any]]:
    """A saved run without what differs each time."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    header = {name: lines[0]["run"][name] for name in ("record_mode", "selection", "harness", "python")}
    ending = {name: value for name, value in lines[-1].items() if name not in ("finished", "seconds")}
    return [header, *lines[1:-1], ending]


HOARDER = """
def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    kept = [report for reports in reporter.stats.values() for report in reports]
    assert len(kept) > 8
    assert not [report for report in kept if hasattr(report, "harness")]
    assert not [item for item in session.items if item.row is not None]
"""


def test_answers_are_not_kept_until_the_end(project: pytest.Pytester) -> None:
    project.makeconftest(HOARDER)
    result = project.runpytest("suites")
    result.assert_outcomes(passed=6, failed=1, xfailed=1)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_a_run_that_cannot_be_saved_fails_the_session(project: pytest.Pytester) -> None:
    (project.path / "file").touch()
    done = project.runpytest("suites/capitals.yaml", "--harness-reports", "file/reports")
    done.assert_outcomes(passed=6)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert done.stdout.str().count("cannot write the run to ") == 1


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "worker"])
def test_nothing_more_is_sent_once_the_run_cannot_be_saved(project: pytest.Pytester, workers: list[str]) -> None:
    (project.path / "file").touch()
    done = project.runpytest("suites/capitals.yaml", "--harness-live", "--harness-reports", "file/reports", *workers)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert done.parseoutcomes()["passed"] < 6
    assert "cannot write the run to " in done.stdout.str()
    assert "INTERNALERROR" not in done.stdout.str()


def test_a_run_that_pytest_itself_broke_off_is_not_whole(project: pytest.Pytester) -> None:
    project.makeconftest("def pytest_runtest_logfinish(nodeid): 1 / ('oslo' not in nodeid)")
    assert project.runpytest("suites/capitals.yaml").ret == pytest.ExitCode.INTERNAL_ERROR
    (run,) = project.path.glob("reports/*/run.jsonl")
    assert json.loads(run.read_bytes().splitlines()[-1])["interrupted"] is True


@pytest.mark.parametrize("options", [("-x",), ("--maxfail=1",), ("--stepwise",), ("-x", "-n", "1")])
def test_a_run_that_a_failure_ended_is_not_whole(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    project.runpytest("suites/known.yaml", "suites/wrong.yaml", "suites/capitals.yaml", *options)
    ((header, *rows, ending),) = runs(project)
    assert (header["run"]["planned"], ending["trials"]) == (8, len(rows))
    assert 2 <= len(rows) < 8
    capsys.readouterr()
    main(["compare", "last", "last", "--format", "json"])
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert f"run {header['run']['id']} was cut short: {len(rows)} of 8 trials are in it" in notes
    main(["history"])
    assert "cut short" in capsys.readouterr().out
    assert main(["merge", "last"]) == 4
    assert f"run {header['run']['id']} was cut short; run its suites again" in capsys.readouterr().err


def test_a_run_of_what_was_chosen_is_whole(project: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    project.makepyfile(test_other="def test_other(): pass")
    for options in (("-k", "oslo"), ("--harness-shard", "1/2"), ("-n", "1"), ("--deselect", "suites/wrong.yaml")):
        project.runpytest("suites", "test_other.py", *options)
        header, *rows, _ = runs(project)[-1]
        assert header["run"]["planned"] == len(rows)
    capsys.readouterr()
    main(["history"])
    assert "cut short" not in capsys.readouterr().out


def test_a_bad_configuration_is_one_sentence(project: pytest.Pytester) -> None:
    (project.path / "harness.toml").write_text("provder = 3\n")
    done = project.runpytest("suites")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert "harness.toml: provder: unknown key" in done.stdout.str()
    assert "pytest_plugin.py" not in done.stdout.str()


def test_only_suites_are_collected(project: pytest.Pytester) -> None:
    (project.path / "suites/data.yaml").write_text("colours: [red]\n")
    (project.path / "elsewhere").mkdir()
    shutil.copy(project.path / "suites/wrong.yaml", project.path / "elsewhere/wrong.yaml")
    result = project.runpytest("--collect-only", "-q")
    result.stdout.no_fnmatch_line("*elsewhere*")
    result.stdout.no_fnmatch_line("*data.yaml*")
    result.stdout.fnmatch_lines(["suites/wrong.yaml::not-bergen@simulator/gemini-3-flash-preview#1"])
    assert not runs(project)
    named = project.runpytest("--collect-only", "-q", "elsewhere/wrong.yaml")
    named.stdout.fnmatch_lines(["elsewhere/wrong.yaml::not-bergen*"])


def test_two_workers_write_one_run_with_the_same_verdicts(project: pytest.Pytester) -> None:
    project.runpytest("suites").assert_outcomes(passed=6, failed=1, xfailed=1)
    project.runpytest("suites", "-n", "2").assert_outcomes(passed=6, failed=1, xfailed=1)
    alone, together = runs(project)
    assert {row["id"]: row["status"] for row in alone[1:-1]} == {row["id"]: row["status"] for row in together[1:-1]}
    assert together[-1]["totals"] == alone[-1]["totals"]


def test_junit_names_the_trial(project: pytest.Pytester) -> None:
    project.runpytest("suites/wrong.yaml", "--junitxml", "out.xml")
    case = ET.parse(project.path / "out.xml").find(".//testcase")
    assert case is not None
    assert case.get("name") == "not-bergen@simulator/gemini-3-flash-preview#1"
    assert case.find("failure") is not None


def test_failing_attempts_within_the_tolerance_are_xfailed(project: pytest.Pytester) -> None:
    result = recorded_flaky(project, "2/4").runpytest("suites/flaky.yaml")
    result.assert_outcomes(passed=2, xfailed=2)
    ((*_, ending),) = runs(project)
    (group,) = ending["groups"]
    assert (group["status"], group["passed"], group["attempts"]) == ("passed", 2, 4)


def test_the_first_failing_attempt_beyond_the_tolerance_fails(project: pytest.Pytester) -> None:
    result = recorded_flaky(project, "3/4").runpytest("suites/flaky.yaml")
    result.assert_outcomes(passed=2, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["FAIL flaky/odd@simulator/gemini-3-flash-preview: 2/4 passed, needs 3:*"])


def test_twins_that_disagree_fail_the_session(project: pytest.Pytester) -> None:
    cassette = project.path / "cassettes/capitals/streamed/simulator.gemini-2.5-flash.stream.yaml"
    text = cassette.read_text()
    assert '"finishReason": "STOP"' in text or '"finishReason":"STOP"' in text
    suite = project.path / "suites/capitals.yaml"
    suite.write_text(
        suite.read_text().replace(
            "    transport: [unary, stream]\n", "    transport: [unary, stream]\n    waive: {finish-reason: a test}\n"
        )
    )
    cassette.write_text(
        text.replace('"finishReason": "STOP"', '"finishReason": "OTHER"').replace(
            '"finishReason":"STOP"', '"finishReason":"OTHER"'
        )
    )
    result = project.runpytest("suites/capitals.yaml")
    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["FAIL capitals/streamed?stream?@*: unary and stream disagree: finishReason: STOP unary, OTHER streamed"]
    )


def test_recording_from_pytest(project: pytest.Pytester) -> None:
    shutil.rmtree(project.path / "cassettes")
    project.runpytest("suites/capitals.yaml", "--harness-record-mode", "once").assert_outcomes(passed=6)
    project.runpytest("suites/capitals.yaml").assert_outcomes(passed=6)


MANY = """
suite: many
defaults: {model: gemini-2.5-flash}
cases:
  - id: peru
    repeat: 8
    prompt: "What is the capital of Peru? One word."
    expect: {text: {icontains: lima}}
  - id: chile
    transport: [unary, stream]
    repeat: 4
    prompt: "What is the capital of Chile? One word."
    expect: {text: {icontains: santiago}}
"""
RECORD = ("suites/many.yaml", "--harness-record-mode", "once")


@pytest.fixture
def many(project: pytest.Pytester) -> pytest.Pytester:
    (project.path / "suites/many.yaml").write_text(MANY)
    return project


def nightly(value: object) -> Any:
    """A value of a parameter that only ``make nightly`` tries: it starts several processes, and another value tries the same."""
    return pytest.param(value, marks=pytest.mark.nightly)


def tapes(project: pytest.Pytester) -> list[str]:
    return sorted(path.name for path in (project.path / "cassettes/many").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "dist", ["load", *(nightly(dist) for dist in ("loadgroup", "loadscope", "loadfile", "worksteal"))]
)
def test_workers_record_one_cassette_together(many: pytest.Pytester, dist: str) -> None:
    many.runpytest(*RECORD, "-n", "2", "--dist", dist).assert_outcomes(passed=16)
    assert tapes(many) == [
        "simulator.gemini-2.5-flash.stream.yaml",
        "simulator.gemini-2.5-flash.unary.yaml",
        "simulator.gemini-2.5-flash.yaml",
    ]
    many.runpytest("suites/many.yaml").assert_outcomes(passed=16)


@pytest.mark.parametrize("workers", [[], nightly(["-n", "2"])], ids=["alone", "workers"])
def test_what_a_killed_recording_left_is_not_asked_for_again(many: pytest.Pytester, workers: list[str]) -> None:
    many.runpytest(*RECORD, "-k", "peru").assert_outcomes(passed=8)
    (tape,) = (many.path / "cassettes/many").rglob("*.yaml")
    whole = load(tape)["interactions"]
    tape.unlink()
    for number, interaction in enumerate(whole[:5]):
        append(tape, interaction, f"gw{number % 2}")
    many.runpytest(*RECORD, "-k", "peru", *workers).assert_outcomes(passed=8)
    assert tapes(many) == [tape.name]
    assert load(tape)["interactions"][:5] == whole[:5]
    assert len(load(tape)["interactions"]) == 8


@pytest.mark.parametrize("workers", [[], nightly(["-n", "2"])], ids=["alone", "workers"])
def test_an_unwritable_folder_is_reported_before_any_request(many: pytest.Pytester, workers: list[str]) -> None:
    (many.path / "cassettes/many").write_text("in the way")
    result = many.runpytest(*RECORD, *workers)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert result.ret != 0
    assert "cassettes/many" in result.stdout.str() + result.stderr.str()
    assert "live from" not in result.stdout.str()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("workers", [[], nightly(["-n", "2"])], ids=["alone", "workers"])
def test_sigterm_ends_a_recording_as_ctrl_c_does(many: pytest.Pytester, workers: list[str]) -> None:
    (many.path / "suites/many.yaml").write_text(MANY.replace("What is", "[simulate: fault slow] What is"))
    argv = [sys.executable, "-m", "pytest", *RECORD, *workers]
    with subprocess.Popen(argv, cwd=many.path, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(list(many.path.rglob("run.jsonl"))) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, out
    ((*_, ending),) = runs(many)
    assert ending["interrupted"] is True
    assert not [name for name in tapes(many) if not name.endswith(".yaml")]


def test_without_suites_the_plugin_imports_nothing_of_ours(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", FEW_PLUGINS)
    pytester.makepyfile(
        "import sys\ndef test_it(): assert not [name for name in sys.modules if name.startswith('harness.') and name != 'harness.pytest_plugin']"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_ceiling_makes_errors_of_what_is_too_dear(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml", "--harness-live", "--harness-max-cost", "0.0000001")
    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(
        ["not played: the ceiling of $0.00000010 would be exceeded: $0.00 is spent, and capitals/*"]
    )
    result.stdout.no_fnmatch_line("*During handling of the above exception*")


def test_a_ceiling_is_shared_out_among_workers(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml", "--harness-live", "--harness-max-cost", "0.0000002", "-n", "2")
    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(
        [
            "not played: the ceiling of $0.00000010 (a worker's share of $0.00000020) would be exceeded: $0.00 is spent, *"
        ]
    )


def test_a_ceiling_that_is_high_enough_is_not_felt(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/wrong.yaml", "--harness-live", "--harness-max-cost", "5")
    result.assert_outcomes(failed=1)


def test_a_ceiling_over_an_unknown_price_is_refused(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "key-of-comet")
    result = project.runpytest(
        "suites/wrong.yaml", "--harness-live", "--harness-max-cost", "5", "--harness-provider", "cometapi"
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["not played: a ceiling cannot be kept: provider 'cometapi' has no price for *"])


# --- what suites hold it to ---------------------------------------------------------------------------


def gated(project: pytest.Pytester, gate: str) -> pytest.Pytester:
    """The suite of capitals with that block of gates."""
    suite = project.path / "suites/capitals.yaml"
    suite.write_text(f"{suite.read_text()}\ncompare: {{gate: {gate}}}\n")
    return project


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "worker"])
def test_a_budget_of_a_suite_fails_the_session(project: pytest.Pytester, workers: list[str]) -> None:
    result = gated(project, "{totalTokenCount: {max: 0}, latency: {max: 1h, rise: 25%}}").runpytest(
        "suites/capitals.yaml", *workers
    )
    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "gate totalTokenCount may be at most 0 (capitals): crossed: totalTokenCount is *",
            "gate latency may be at most 3,600 s (capitals): holds: latency is *",
        ]
    )
    assert [gate["crossed"] for gate in runs(project)[0][-1]["run"]["gates"]] == [True, False]
    assert main(["report", "last", "--format", "junit:gates.xml"]) == 0
    junit = ET.parse(project.path / "gates.xml").find("testsuite[@name='gates']")
    assert junit is not None
    assert (junit.get("tests"), junit.get("failures")) == ("2", "1")


def test_a_budget_that_cannot_be_answered_is_not_green(project: pytest.Pytester) -> None:
    result = gated(project, "{latency: {max: 1h, confidence: 95%}}").runpytest("suites/capitals.yaml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_part_of_a_suite_is_not_held_to_its_budgets(project: pytest.Pytester) -> None:
    result = gated(project, "{totalTokenCount: {max: 0}}").runpytest("suites/capitals.yaml", "-k", "oslo")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["1 gate of capitals: not asked: 2 of the suite's 6 trials are in this run"])


def test_a_budget_that_makes_no_sense_is_an_error_of_its_suite(project: pytest.Pytester) -> None:
    result = gated(project, "{latency: {max: -1}}").runpytest("suites")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*suites/capitals.yaml:*: expected a time span * at least 0, got the number -1"])


def test_the_summary_says_what_it_cost(project: pytest.Pytester) -> None:
    result = project.runpytest("suites/capitals.yaml")
    result.stdout.fnmatch_lines(["cost $* at the prices of genai-prices *, for tokens that were SIMULATED"])


def test_a_variable_of_the_command_line_fills_suites(project: pytest.Pytester) -> None:
    (project.path / "suites/open.yaml").write_text(
        "suite: open\ncases: [{id: c, model: gemini-3-flash-preview, prompt: 'Say ${var.word}'}]\n"
    )
    project.runpytest("suites/open.yaml").stdout.fnmatch_lines(["*${var.word} has no value*"])
    result = project.runpytest("suites/open.yaml", "--harness-var", "word=yes", "--harness-live")
    result.assert_outcomes(passed=1)
    ((header, *_),) = runs(project)
    assert header["run"]["selection"]["var"] == ["word=yes"]


def test_workers_without_xdist_name_the_extra(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-p", "no:xdist", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*-n needs pytest-xdist*gemini-harness[[]xdist[]]*"])
