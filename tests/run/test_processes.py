"""A replay on several processes saves and prints what one process does."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.results.load import saved_runs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

SUITE = """
suite: many
defaults: {model: gemini-2.5-flash}
cases:
  - id: country-${row.n}
    each: ${file:numbers.csv}
    prompt: "What is the capital of Peru? One word. ${row.n}"
    expect: {text: {icontains: lima}, python: checks.py:own}
  - id: wrong
    prompt: What is the capital of Peru? One word.
    expect: {text: {equals: Oslo}}
  - id: again
    repeat: 30
    prompt: What is the capital of Norway? One word.
    expect: {text: {icontains: oslo}}
"""
ROWS = 20
TRIALS = ROWS + 1 + 30
CHECK = """
import multiprocessing, os, time
from pathlib import Path

def own(result):
    Path("players").mkdir(exist_ok=True)
    Path("players", str(os.getpid())).touch()
    if Path("dies").exists() and multiprocessing.parent_process():
        os._exit(9)
    if Path("slow").exists():
        time.sleep(0.5)
    return "Lima" in result.text
"""


@pytest.fixture(scope="module")
def recorded_many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    (folder / "suites").mkdir()
    (folder / "suites" / "many.yaml").write_text(SUITE)
    (folder / "suites" / "checks.py").write_text(CHECK)
    (folder / "suites" / "numbers.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(ROWS)))
    (folder / "harness.toml").write_text('provider = "simulator"\n')
    done = alone(folder, "--record-mode", "all", "--reports", "recorded")
    assert done.returncode == 1, done.stdout + done.stderr
    return folder


@pytest.fixture
def project(recorded_many: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(recorded_many, folder)
    shutil.rmtree(folder / "players", ignore_errors=True)
    return folder


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "harness", "run", *options]


def alone(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run on one process: this one."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["run", *options])
    return subprocess.CompletedProcess(options, code, out.getvalue(), err.getvalue())


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*options), cwd=folder, capture_output=True, text=True, check=False)


def lines(folder: Path, reports: str) -> list[bytes]:
    """The trials of the latest run, as they are saved."""
    name = saved_runs(folder / reports)[-1]
    written = (folder / reports / name / "run.jsonl").read_bytes().splitlines()
    return [line for line in written if line.startswith(b'{"id"')]


def players(folder: Path) -> set[int]:
    return {int(file.name) for file in (folder / "players").iterdir()}


@pytest.mark.parametrize("options", [[], ["--fail-fast"], ["--strict", "-k", "again"]], ids=" ".join)
def test_the_run_is_the_same_whatever_the_number(project: Path, options: list[str]) -> None:
    one = alone(project, "-j", "1", "--reports", "one", "-q", *options)
    three = run(project, "-j", "3", "--reports", "three", "-q", *options)
    assert three.returncode == one.returncode, three.stderr
    assert lines(project, "three") == lines(project, "one")
    assert lines(project, "one")
    assert without_times(three.stdout) == without_times(one.stdout)


def without_times(printed: str) -> list[str]:
    return re.sub(r"in \d\S* s;|\d{8}-\d{6}-\w{5}", "", printed).splitlines()


def test_own_checks_run_in_several_processes(project: Path) -> None:
    assert run(project, "-j", "3", "-q").returncode == 1
    assert len(players(project)) == 3


def test_a_small_run_has_one_process(project: Path) -> None:
    assert alone(project, "-q").returncode == 1
    assert players(project) == {os.getpid()}


def test_checks_that_cannot_be_imported_are_a_mistake_of_the_suite(project: Path) -> None:
    (project / "suites" / "checks.py").write_text("import nothing_there\n")
    one, three = alone(project, "-j", "1"), run(project, "-j", "3")
    assert (three.returncode, three.stderr) == (one.returncode, one.stderr)
    assert one.returncode == 4
    assert "checks.py has no function 'own'" in one.stderr
    assert not (project / "reports").exists()


def test_a_check_that_ends_its_process_is_the_same_with_several(project: Path) -> None:
    (project / "suites" / "checks.py").write_text("def own(result):\n    raise SystemExit(3)\n")
    one = alone(project, "-j", "1", "--reports", "one")
    three = run(project, "-j", "3", "--reports", "three")
    assert (three.returncode, three.stderr) == (one.returncode, one.stderr)
    assert lines(project, "three") == lines(project, "one")


def test_what_a_dead_process_leaves_is_played(project: Path) -> None:
    (project / "dies").touch()
    done = run(project, "-j", "2", "-q")
    assert done.returncode == 1, done.stderr
    assert len(lines(project, "reports")) == TRIALS


def test_ctrl_c_ends_all_and_the_run_goes_on(project: Path) -> None:
    (project / "slow").touch()
    process = subprocess.Popen(command("-j", "2", "-q"), cwd=project, start_new_session=True, stderr=subprocess.PIPE)
    while not (project / "players").is_dir() or len(players(project)) < 2:
        assert process.poll() is None, process.stderr
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 2
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    (project / "slow").unlink()
    done = run(project, "--resume", "-j", "2", "-q")
    assert done.returncode == 1, done.stderr
    whole = alone(project, "-j", "1", "-q", "--reports", "one")
    assert whole.returncode == 1
    assert lines(project, "reports") == lines(project, "one")


@pytest.mark.parametrize("asks", [["--live"], ["--record-mode", "once"]], ids=" ".join)
def test_requests_are_sent_by_one_process(project: Path, asks: list[str]) -> None:
    done = alone(project, "-j", "2", *asks)
    assert done.returncode == 4
    assert (
        done.stderr
        == "-j 2 is for replays; requests are sent by one process: use --concurrency to have more in flight\n"
    )


def test_too_many_processes_are_refused(project: Path) -> None:
    done = alone(project, "-j", "65")
    assert (done.returncode, done.stderr) == (4, "-j 65: expected at most 64 processes\n")
