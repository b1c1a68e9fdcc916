"""A run that was cut short goes on: nothing that finished is lost, nothing that was answered is asked twice."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.main import main
from harness.results.load import load, saved_runs
from harness.results.rows import plain, without_turns
from harness.results.store import RunWriter, claim, run_row
from harness.results.summary import summarise
from harness.run.resume import kept, reopen
from harness.simulator import serve
from harness.simulator.app import Simulator
from tests.sample_rows import failed, row, unjudged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

SUITE = """
suite: slow
matrix:
  model: [gemini-3-flash-preview, gemini-2.5-flash]
repeat: 3
cases:
  - id: late
    model: gemini-2.5-flash
    repeat: 1
    prompt: "[simulate: fault slow] What is the capital of Norway? One word."
    expect: {text: {icontains: oslo}}
  - id: twins
    prompt: "[simulate: fault torn-event] What is the capital of Peru? One word."
    transport: [unary, stream]
    expect: {text: {icontains: lima}}
  - id: country-${row.n}
    each: ${file:data/numbers.csv}
    prompt: "What is the capital of Peru? One word. ${row.n}"
    expect: {text: {icontains: lima}}
"""
TRIALS = 1 + 3 * 2 * (2 + 6)
FLIGHT = 4
OLD, NEW = "simulator/gemini-2.5-flash", "simulator/gemini-3-flash-preview"
ASIDE = 3 * (2 + 6)
"""Trials of each side of a migration: what is pinned stays out."""
TOLD = """
suite: told
defaults: {model: gemini-2.5-flash}
cases:
  - id: capital-${row.n}
    each: ${file:data/numbers.csv}
    prompt: "What is the capital of ${env:COUNTRY}? One word. ${row.n} ${env:GATE_TOKEN}"
  - id: written-${row.n}
    each: [{n: 0, country: Peru}, {n: 1, country: "${env:COUNTRY}"}]
    prompt: What is the capital of ${row.country}?
  - id: both
    transport: [unary, stream]
    repeat: 6
    prompt: What is the capital of ${env:COUNTRY}?
  - id: by-itself
    repeat: 10
    prompt: What is the capital of Peru?
"""
TALKED = """
suite: talked
defaults: {model: gemini-2.5-flash}
cases:
  - id: said
    transport: stream
    turns:
      - user: "Tell me a long story about Oslo. ${env:GATE_TOKEN}"
        capture: {answer: "$.candidates[0].content.parts[0].text"}
      - user: "Why this? ${capture.answer}"
      - user: What is the capital of ${env:COUNTRY}?
      - user: Are you sure?
  - id: weather
    request:
      tools:
        - functionDeclarations:
            - {name: get_weather, parameters: {type: OBJECT, properties: {city: {type: STRING}}, required: [city]}}
    turns:
      - user: What should I wear in Oslo today?
        expect: {functionCalls: [{name: get_weather, args: {city: Oslo}}]}
      - reply: {get_weather: {temp_c: -4, sky: "${env:SKY}"}}
  - id: no-turn-to-go-on-from
    turns:
      - user: "[simulate: fault blocked]"
      - user: "${env:SKY}"
    xfail: {why: blocked}
  - id: fails  # after those above, however slow the machine is
    turns: &slow
      - user: "[simulate: fault slow] What is the capital of Peru?"
      - user: "[simulate: fault slow] And of Chile?"
      - user: "[simulate: fault slow] And of Cuba?"
        expect: {text: {equals: Oslo}}
  - id: left
    repeat: 2
    turns: *slow
"""


@dataclass
class Project:
    """A folder with a suite, and a simulator that counts what it is asked. It is slow while a run is to be cut short."""

    folder: Path
    url: str
    simulator: Simulator
    asked: list[str] = field(default_factory=list)
    command: str = "run"

    def start(self, *argv: str) -> subprocess.Popen[str]:
        self.simulator.latency = 0.06
        command = [sys.executable, "-m", "harness", self.command, *argv, "--concurrency", str(FLIGHT)]
        environment = {**os.environ, "SIMULATOR_BASE_URL": self.url, "COLUMNS": "80"}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *argv: str) -> tuple[int, str, str]:
        """In this process: only what is killed needs one of its own."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setenv("SIMULATOR_BASE_URL", self.url)
            patch.setenv("COLUMNS", "80")
            code = main([self.command, *argv, "--concurrency", str(FLIGHT)])
        return code, out.getvalue(), err.getvalue()

    def cut(self, how: int, *argv: str, after: int = 8) -> str:
        """Begin a run and end it that way when so many trials are on disk; its id."""
        process = self.start(*argv)
        until(lambda: any(len(self.lines(run)) > after for run in saved_runs(self.reports)) or process.poll())
        process.send_signal(how)
        process.communicate(timeout=60)
        self.simulator.latency = 0.0
        return saved_runs(self.reports)[-1]

    def left_over(self) -> list[Path]:
        """What a killed run may leave."""
        return [path for path in self.folder.rglob("*") if path.suffix in (".journal", ".lock", ".tmp")]

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def lines(self, run: str) -> list[bytes]:
        return (self.reports / run / "run.jsonl").read_bytes().splitlines()

    def saved_figures(self, run: str) -> Any:
        """What a reader learns of a run, but for the times."""
        saved = load(run, self.reports)
        summary = summarise(saved.rows())
        rows = [told_of(row) for row in saved.rows()]
        message = {
            group.id: (group.row(), group.tally.disagreed, group.disagreement) for group in summary.groups.values()
        }
        assert saved.ending is not None
        ending = {name: saved.ending[name] for name in ("totals", "interrupted", "trials")}
        return rows, message, ending, saved.run["targets"]


def told_of(row: Any) -> Any:
    kept = plain(without_turns(row))
    return {name: value for name, value in kept.items() if name not in ("measures", "provenance")}


def until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def nightly(*values: object) -> Any:
    """Values of parameters that only ``make nightly`` tries: they start processes, and other values try nearly the same."""
    return pytest.param(*values, marks=pytest.mark.nightly)


@contextmanager
def a_project(folder: Path) -> Iterator[Project]:
    (folder / "suites/data").mkdir(parents=True)
    (folder / "harness.toml").write_text('provider = "simulator"\n')
    (folder / "suites/slow.yaml").write_text(SUITE)
    (folder / "suites/data/numbers.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(6)))
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch, serve.start(log=asked.append) as running:
        patch.setattr("harness.simulator.faults.transport.SLOW", 0.5)
        yield Project(folder, running.url, running.app, asked)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as project:
        yield project


@pytest.fixture(scope="module")
def a_killed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a live run of the suite that was killed."""
    with a_project(tmp_path_factory.mktemp("killed")) as project:
        project.cut(signal.SIGKILL, "--live")
        return project.reports


@pytest.fixture
def killed(project: Project, a_killed_run: Path) -> str:
    """A live run of the suite was killed in the project; its id."""
    shutil.copytree(a_killed_run, project.reports)
    return saved_runs(project.reports)[-1]


@pytest.mark.parametrize(
    ("how", "mode"),
    [
        (signal.SIGKILL, ["--record-mode", "once"]),
        (signal.SIGTERM, ["--live"]),
        nightly(signal.SIGKILL, ["--live"]),
        nightly(signal.SIGKILL, ["--record-mode", "all"]),
        nightly(signal.SIGINT, ["--record-mode", "once"]),
    ],
)
def test_a_run_that_was_cut_short_goes_on_as_if_uncut(project: Project, how: int, mode: list[str]) -> None:
    run = project.cut(how, *mode)
    finished = len(project.lines(run)) - (1 if how == signal.SIGKILL else 2)
    assert 0 < finished < TRIALS
    code, out, err = project.run("--resume")
    assert err.startswith(f"run {run} goes on: ")
    assert (code, saved_runs(project.reports)) == (1, [run])
    assert f"({TRIALS} trials in" in out
    assert TRIALS <= len(project.asked) <= TRIALS + FLIGHT  # what was in flight when it was cut had no answer yet
    assert project.left_over() == []
    if mode != ["--live"]:
        code, out, _ = project.run("--reports", "replayed")
        assert (code, f"({TRIALS} trials in" in out) == (1, True)
    again = project.folder / "again"
    project.run("--live", "--reports", "again")
    (undisturbed,) = saved_runs(again)
    (again / undisturbed).rename(project.reports / undisturbed)
    assert project.saved_figures(run) == project.saved_figures(undisturbed)
    assert any(project.saved_figures(run)[1].values())  # the twins disagree


def test_cassettes_finished_before_the_kill_are_folded(project: Project) -> None:
    run = project.cut(signal.SIGKILL, "--record-mode", "once", after=TRIALS - 6)
    assert len(project.left_over()) > 1
    assert project.run("--resume", run)[0] == 1
    assert project.left_over() == []
    assert "could not" not in project.run()[1]
    assert len(project.asked) <= TRIALS + FLIGHT


@pytest.mark.parametrize("mode", ["none", "once"])
def test_the_next_run_completes_cassettes_from_journals(project: Project, mode: str) -> None:
    project.cut(signal.SIGKILL, "--record-mode", "all", after=TRIALS - 6)
    assert project.left_over() != []
    _, _, err = project.run("--record-mode", mode)
    assert "an interrupted recording had left " in err
    assert err.count(" in journals; they are in their cassettes now\n") == 1
    assert project.left_over() == []


def test_a_replay_leaves_the_journals_of_a_recording_that_goes_on(project: Project) -> None:
    recording = project.start("--record-mode", "all")
    until(lambda: any(len(project.lines(run)) > 8 for run in saved_runs(project.reports)))
    code, out, err = project.run("--reports", "replayed")
    assert (code, err.count("in journals")) == (6, 0)
    assert "is being recorded by another process; wait for it" in out
    recording.communicate(timeout=60)
    assert (project.run()[0], project.left_over()) == (1, [])


def test_a_write_of_cassettes_that_is_interrupted_says_what_is_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("harness.transport.cassette.dump", interrupted)
        code, _, err = project.run("--record-mode", "all", "-k", "twins")
    assert code == 2
    assert err == (
        "interrupted before 4 cassettes could be written: the answers are kept in journals, which the next run puts into the "
        "cassettes\n"
    )
    code, _, err = project.run("-k", "twins")
    assert (code, err) == (
        1,
        "an interrupted recording had left 12 exchanges in journals; they are in their cassettes now\n",
    )
    assert project.left_over() == []


def test_what_could_not_be_asked_is_asked_again(project: Project) -> None:
    whole = project.url
    project.url = "http://127.0.0.1:1"
    code, _, err = project.run("--live", "-k", "twins")
    (run,) = saved_runs(project.reports)
    assert (code, err) == (6, f"go on with it: gemini-harness run --resume {run}\n")
    project.url = whole
    code, _, err = project.run("--resume", run)
    assert (code, err) == (1, f"run {run} goes on: 0 trials kept, 12 to play\n")
    assert len(project.asked) == 12
    code, _, err = project.run("--resume", run)
    assert (code, err) == (1, f"run {run} goes on: 12 trials kept, 0 to play\n")
    assert len(project.asked) == 12
    sittings = load(run, project.reports).run["resumed"]
    assert [open_session["kept"] for open_session in sittings] == [0, 12]
    assert all(open_session["seconds"] is not None for open_session in sittings)


def test_fail_fast_and_then_the_rest(project: Project) -> None:
    code, _, err = project.run("--live", "--fail-fast")
    (run,) = saved_runs(project.reports)
    assert code == 1
    assert err.endswith(f"go on with it: gemini-harness run --resume {run}\n")
    code, out, _ = project.run("--resume")
    assert code == 1
    assert f"({TRIALS} trials in" in out
    assert TRIALS <= len(project.asked) <= TRIALS + FLIGHT


def test_a_full_disk_and_then_room_again(project: Project) -> None:
    limit = "import resource, sys; from harness.cli.main import main; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000));"
    program = f"{limit} sys.exit(main(['run', '--live', '--concurrency', '{FLIGHT}']))"
    environment = {**os.environ, "SIMULATOR_BASE_URL": project.url}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (run,) = saved_runs(project.reports)
    assert done.returncode == 4, done.stderr
    assert done.stderr.endswith(f"go on with it: gemini-harness run --resume {run}\n")
    code, out, _ = project.run("--resume")
    assert code == 1
    assert f"({TRIALS} trials in" in out
    assert len(project.asked) <= TRIALS + FLIGHT + 1  # the one whose line was cut off, and those in flight


def test_a_run_without_room_for_its_last_line_can_be_resumed(project: Project) -> None:
    project.run("--live", "-k", "twins", "--reports", "whole")
    (whole,) = (project.folder / "whole").rglob("run.jsonl")
    room = whole.stat().st_size - len(whole.read_bytes().splitlines()[-1]) // 2
    limit = f"import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}));"
    program = f"{limit} import sys; from harness.cli.main import main; sys.exit(main(['run', '--live', '-k', 'twins']))"
    environment = {**os.environ, "SIMULATOR_BASE_URL": project.url}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    (run,) = saved_runs(project.reports)
    assert (done.returncode, "(12 trials in" in done.stdout) == (4, True)
    assert done.stderr.endswith(f"go on with it: gemini-harness run --resume {run}\n")
    code, out, err = project.run("--resume")
    assert (code, err, "(12 trials in" in out) == (1, f"run {run} goes on: 12 trials kept, 0 to play\n", True)


FULL = """
import errno, os, sys
from harness.cli.main import main

write, left = os.write, [30_000]

def written(descriptor, data):
    if not left[0]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    done = write(descriptor, data[: left[0]])
    left[0] -= done
    return done

os.write = written
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_under_the_cassettes_ends_the_asking(project: Project) -> None:
    trials = 3 * 2 * 6
    argv = ["run", "--record-mode", "once", "-k", "country", "--concurrency", str(FLIGHT)]
    command = [sys.executable, "-c", FULL, *argv]
    environment = {**os.environ, "SIMULATOR_BASE_URL": project.url}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    (run,) = saved_runs(project.reports)
    finished = len(project.lines(run)) - 2
    first, left, remedy = done.stderr.splitlines()
    assert (done.returncode, finished > 4) == (6, True)
    assert ".yaml.journal: cannot be written: No space left on device. " in first
    assert left == f"{trials - finished} of {trials} trials were not played"
    assert remedy == f"go on with it: gemini-harness run --resume {run}"
    assert len(project.asked) <= finished + 1 + FLIGHT
    code, out, _ = project.run("--resume")
    assert (code, f"({trials} trials in" in out, project.left_over()) == (0, True, [])
    assert len(project.asked) <= trials + 1 + FLIGHT
    assert project.run("-k", "country")[0] == 0


@pytest.mark.parametrize("in_the_way", ["cassettes", "cassettes/slow", "cassettes/slow/late"])
def test_where_cassettes_cannot_be_written_nothing_is_asked(project: Project, in_the_way: str) -> None:
    path = project.folder / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file")
    code, _, err = project.run("--record-mode", "all")
    (run,) = saved_runs(project.reports)
    assert (code, project.asked) == (6, [])
    assert f"{in_the_way.removesuffix('/late')}" in err.splitlines()[0]
    path.unlink()
    assert project.run("--resume", run)[0] == 1


def test_the_second_recording_of_a_cassette_waits_for_the_first(project: Project) -> None:
    first = project.start("--record-mode", "once", "--reports", "first")
    until(project.left_over)
    code, _, err = project.run("--record-mode", "once")
    assert err.startswith("cassettes/slow is being recorded by another process: waiting for it ")
    assert (first.wait(), code, len(project.asked)) == (1, 1, TRIALS)
    first.communicate()


@pytest.mark.parametrize("mode", [["--live"], ["--record-mode", "once"]])
def test_repeated_ctrl_c_loses_nothing_and_exits_the_same(project: Project, mode: list[str]) -> None:
    process = project.start(*mode)
    until(lambda: any(len(project.lines(run)) > 4 for run in saved_runs(project.reports)))
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    process.communicate()
    assert process.returncode == 2
    code, out, _ = project.run("--resume")
    assert (code, f"({TRIALS} trials in" in out) == (1, True)
    assert TRIALS <= len(project.asked) <= TRIALS + FLIGHT


def test_sigterm_ends_a_run_behind_a_scripts_ampersand(project: Project) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the shell does there
    try:
        run = project.cut(signal.SIGTERM, "--live", after=4)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not any("is closed" in str(line) for line in project.lines(run))
    assert len(project.asked) < TRIALS


def test_two_processes_never_play_one_run(project: Project) -> None:
    first = project.start("--live")
    until(lambda: saved_runs(project.reports))
    code, _, err = project.run("--resume")
    (run,) = saved_runs(project.reports)
    assert (code, err) == (4, f"run {run} is being played by another process; wait for it, or end it\n")
    first.communicate(timeout=60)
    assert len(project.asked) == TRIALS


def test_what_was_changed_since_is_named(project: Project, killed: str) -> None:
    before = project.lines(killed)
    (project.folder / "suites/data/numbers.csv").write_text("n\n1\n")
    (project.folder / "suites/more.yaml").write_text(SUITE.replace("suite: slow", "suite: more"))
    code, _, err = project.run("--resume")
    assert code == 4
    assert "\n  data/numbers.csv was changed (suite slow)\n" in err
    assert "\n  suites/more.yaml is new (suite more)\n" in err
    assert project.lines(killed) == before


def test_what_would_be_sent_otherwise_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "suites/slow.yaml").write_text(TOLD)
    monkeypatch.setenv("COUNTRY", "Norway")
    monkeypatch.setenv("GATE_TOKEN", "open-sesame-1")
    run = project.cut(signal.SIGKILL, "--live", after=19)  # so that each case was asked
    before = project.lines(run)
    monkeypatch.setenv("COUNTRY", "Peru")
    code, _, err = project.run("--resume")
    assert (code, project.lines(run)) == (4, before)
    saved_figures, first, *others, more, remedy = err.splitlines()
    assert saved_figures == f"run {run} cannot be resumed, because it would now send other requests than when it began:"
    assert first == (
        '  suites/slow.yaml:5:9: told/capital-0@simulator/gemini-2.5-flash: $.contents[0].parts[0].text: was "What is the '
        'capital of Norway? One word. 0 [the value of GATE_TOKEN]", now "What is the capital of Peru? One word. 0 [the value '
        'of GATE_TOKEN]"'
    )
    assert [line.split(": ")[1].partition("@")[0] for line in others] == ["told/written-1", "told/both[unary]"]
    assert more == "  and 1 more"
    assert remedy.endswith("as they were then, or run the suites again without --resume")
    monkeypatch.setenv("COUNTRY", "Norway")
    monkeypatch.setenv("GATE_TOKEN", "open-sesame-2")  # a secret may change: nothing of it is saved
    assert project.run("--resume")[0] == 0
    assert len(project.asked) <= 30 + FLIGHT
    assert b"sesame" not in b"".join(project.lines(run))


def test_what_a_later_turn_would_send_otherwise_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "suites/slow.yaml").write_text(TALKED)
    first = {"COUNTRY": "Norway", "SKY": "snow", "GATE_TOKEN": "open-sesame-1"}
    for name, value in first.items():
        monkeypatch.setenv(name, value)
    code, out, err = project.run("--live", "--fail-fast")
    assert (code, "2 passed, 1 failed, 1 xfailed" in out) == (1, True)
    refused = []
    for name, value in {"COUNTRY": "Peru", "SKY": "fog"}.items():
        monkeypatch.setenv(name, value)
        code, _, err = project.run("--resume")
        assert code == 4
        refused += err.splitlines()[1:-1]
        monkeypatch.setenv(name, first[name])
    message, weather = refused
    assert message == (
        '  suites/slow.yaml:5:9: talked/said@simulator/gemini-2.5-flash, turn 3: $.contents[4].parts[0].text: was "What is the '
        'capital of Norway?", now "What is the capital of Peru?"'
    )
    assert (
        "talked/weather@simulator/gemini-2.5-flash, turn 2: $.contents[2].parts[0].functionResponse.response.sky"
        in weather
    )
    assert weather.endswith('was "snow", now "fog"')
    monkeypatch.setenv("GATE_TOKEN", "open-sesame-2")
    code, out, err = project.run("--resume")
    assert (code, "(6 trials in" in out) == (1, True), err


def test_a_trial_that_is_there_twice_counts_once(project: Project) -> None:
    project.run("--live", "-k", "twins")
    (run,) = saved_runs(project.reports)
    path = project.reports / run / "run.jsonl"
    header, first, second, *_ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + first + second + first)
    code, out, err = project.run("--resume")
    assert (code, err) == (1, f"run {run} goes on: 2 trials kept, 10 to play\n")
    assert "(12 trials in" in out


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.sampled_from([row, failed, unjudged]))),
    st.booleans(),
)
def test_what_is_kept_stays_byte_for_byte(trials: list[tuple[str, int, Any]], cut_off: bool) -> None:
    rows = [make(case, n=attempt) for case, attempt, make in trials]
    with tempfile.TemporaryDirectory() as folder:
        writer = RunWriter(Path(folder), run_row(record_mode="live", front="cli"))
        for trial in rows:
            writer.append(trial)
        writer.close()
        if cut_off:
            with writer.path.open("ab") as file:
                file.write(b'{"id":"geography/')
        _, *lines = writer.path.read_bytes().splitlines(keepends=True)
        first: dict[str, bytes] = {}
        for trial, line in zip(rows, lines, strict=False):
            if trial.status != "error":
                first.setdefault(trial.id, line)
        saved = load(writer.path)
        found = kept(saved)
        reopen(saved, found, claim(writer.path.parent)).close()
        header, *left = writer.path.read_bytes().splitlines(keepends=True)
        assert left == list(first.values())
        assert json.loads(header)["run"]["resumed"][0]["kept"] == len(found) == len(first)
        named = {f"{group}#{n}" for group, bits in found.attempts.items() for n in range(9) if bits >> n & 1}
        assert named == first.keys()


# --- migrations ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cassettes of the old model."""
    with a_project(tmp_path_factory.mktemp("taped")) as project:
        project.run("--record-mode", "once", "--target", OLD, "--reports", "tape")
        return project.folder / "cassettes"


@pytest.fixture
def taped(project: Project, tape: Path) -> Project:
    """With a tape of the old model, and nothing asked yet."""
    shutil.copytree(tape, project.folder / "cassettes")
    project.command = "migrate"
    return project


@pytest.mark.parametrize(
    ("how", "after", "mode"),
    [
        (signal.SIGKILL, ASIDE + 6, []),
        (signal.SIGKILL, 3, []),
        nightly(signal.SIGINT, ASIDE + 6, []),
        nightly(signal.SIGKILL, ASIDE + 6, ["--record-mode", "all"]),
    ],
)
def test_a_migration_that_was_cut_short_goes_on(taped: Project, how: int, after: int, mode: list[str]) -> None:
    run = taped.cut(how, OLD, NEW, *mode, after=after)
    assert len(taped.lines(run)) < 2 * ASIDE
    code, out, err = taped.run("--resume")
    assert err.startswith(f"run {run} goes on: ")
    assert (code, saved_runs(taped.reports)) == (0, [run])
    assert ASIDE <= len(taped.asked) <= ASIDE + FLIGHT
    assert taped.left_over() == []
    assert f"saved as run {run}" in " ".join(out.split())
    assert taped.run(OLD, NEW, "--reports", "again")[0] == 0
    again = taped.folder / "again"
    (undisturbed,) = saved_runs(again)
    (again / undisturbed).rename(taped.reports / undisturbed)
    assert taped.saved_figures(run) == taped.saved_figures(undisturbed)


def test_what_a_migration_could_not_ask_is_asked_again(taped: Project) -> None:
    whole, taped.url = taped.url, "http://127.0.0.1:1"
    code, _, err = taped.run(OLD, NEW)
    (run,) = saved_runs(taped.reports)
    assert code == 6
    assert err.endswith(f"go on with it: gemini-harness migrate --resume {run}\n")
    taped.url = whole
    code, out, err = taped.run("--resume", run)
    assert (code, err) == (0, f"run {run} goes on: {ASIDE} trials kept, {ASIDE} to play\n")
    assert "candidate: live from simulator" in out
    assert len(taped.asked) == ASIDE


def test_runs_and_migrations_go_on_by_their_own_commands(taped: Project) -> None:
    run = taped.cut(signal.SIGKILL, OLD, NEW, after=3)
    code, _, err = taped.run("--resume", run, "--repeat", "2")
    assert (code, f"run {run} began without it, so --repeat 2 cannot" in err) == (4, True)
    code, _, err = taped.run("--resume", run, "--record-mode", "none")
    assert (code, "so --record-mode none cannot" in err) == (4, True)
    taped.command = "run"
    code, _, err = taped.run("--resume", run)
    assert code == 4
    assert err == f"run {run} is not a run of suites; go on with it: gemini-harness migrate --resume {run}\n"
    code, _, err = taped.run("--resume")
    assert (code, "no run that can be resumed has been saved there" in err) == (4, True)
    shutil.rmtree(taped.reports)
    taped.command = "migrate"
    code, _, err = taped.run("--resume")
    assert (code, "no migration that can be resumed has been saved there" in err) == (4, True)


# --- what is refused ----------------------------------------------------------------------------------


def test_options_that_contradict_are_refused(project: Project) -> None:
    project.run("--live", "-k", "twins")
    (run,) = saved_runs(project.reports)
    for options, message in (
        (["--shard", "1/2"], "began without it, so --shard 1/2 cannot apply to the rest of it"),
        (["-k", "late"], "began with -k twins, so -k late cannot apply to the rest of it"),
        (["--record-mode", "all"], "began without it, so --record-mode all cannot"),
        (["--strict"], "began without it, so --strict cannot"),
    ):
        code, _, err = project.run("--resume", run, *options)
        assert code == 4
        assert message in err


def test_a_dry_run_says_what_is_left(project: Project, killed: str) -> None:
    before = project.lines(killed)
    code, out, _ = project.run("--resume", "--dry-run")
    assert code == 0
    assert f"\n{TRIALS - len([line for line in before[1:] if line.endswith(b'}')])} trials, " in out
    assert project.lines(killed) == before


def test_where_nothing_was_cut_short_the_latest_are_named(project: Project) -> None:
    code, _, err = project.run("--resume")
    assert (code, "no run in " in err, "no run that can be resumed has been saved there" in err) == (4, True, True)
    project.run("--live", "-k", "twins")
    (run,) = saved_runs(project.reports)
    code, _, err = project.run("--resume")
    assert code == 4
    assert f"was cut short; the latest are {run} " in err
    RunWriter(project.reports, run_row(record_mode="none", front="pytest")).close()
    _, _, err = project.run("--resume")
    assert f"was cut short; the latest are {run} " in err  # what pytest played cannot go on


def test_a_copy_of_a_run_is_not_the_one_that_goes_on(project: Project, killed: str) -> None:
    shutil.copytree(project.reports / killed, project.reports / "zz-copy")
    assert project.run("--resume")[2].startswith(f"run {killed} goes on: ")
    code, _, err = project.run("--resume", "zz-copy")
    assert (code, "zz-copy/run.jsonl is a copy: " in err) == (4, True)


def test_runs_that_do_not_say_how_they_began_are_refused(project: Project) -> None:
    project.run("--live", "-k", "twins")
    (run,) = saved_runs(project.reports)
    path = project.reports / run / "run.jsonl"
    header, *rest = path.read_bytes().splitlines(keepends=True)
    old = json.loads(header)
    del old["run"]["options"]
    path.write_bytes(json.dumps(old).encode() + b"\n" + b"".join(rest))
    code, _, err = project.run("--resume", run)
    assert code == 4
    assert "it does not say with which options it began" in err
