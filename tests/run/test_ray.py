"""A run on workers of Ray saves and shows what one process does, and asks nothing twice."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.cli.main import main
from harness.errors import UsageError
from harness.results.load import saved_runs
from harness.run.case_worker import Facts
from harness.run.cluster import _join, compare, differences
from harness.simulator import serve

HAS_RAY = importlib.util.find_spec("ray") is not None
WHY = "Ray is not installed; `make ray` runs this in an environment that has it"
needs_ray = pytest.mark.skipif(not HAS_RAY, reason=WHY)

SUITE = """
suite: many
defaults: {model: gemini-2.5-flash}
cases:
  - id: country-${row.n}
    each: ${file:numbers.csv}
    repeat: 4
    prompt: "What is the capital of Peru? One word. ${row.n}"
    expect: {text: {icontains: lima}, python: checks.py:own}
  - id: talk
    turns:
      - user: What is the capital of Chile?
      - user: Are you sure?
"""
CHECK = """
import os
from pathlib import Path

calls = 0

def own(result):
    global calls
    calls += 1
    Path("players").mkdir(exist_ok=True)
    Path("players", str(os.getpid())).touch()
    if calls == 100 and Path("dies").exists():
        Path("dies").unlink(missing_ok=True)
        os.kill(os.getpid(), 9)
    return "Lima" in result.text
"""
FLIGHT = 8
TRIALS = 60 * 4 + 1
IN_HAND = 2 * FLIGHT // 2 + 3
"""The most trials that one of two workers was given and has not sent home: twice those in flight, to the end of a case."""


def expected(rows: int) -> list[str]:
    countries = [f"many/country-{n}@simulator/gemini-2.5-flash#{k}" for n in range(rows) for k in range(1, 5)]
    return [*countries, "many/talk@simulator/gemini-2.5-flash#1"]


class Project:
    """A folder with a suite, and a simulator that counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.asked: list[str] = []
        self.times: list[float] = []

    def log(self, line: str) -> None:
        self.asked.append(line)
        self.times.append(time.monotonic())

    def fill(self, rows: int, check: str = CHECK) -> None:
        (self.folder / "suites").mkdir()
        (self.folder / "suites" / "many.yaml").write_text(SUITE)
        (self.folder / "suites" / "checks.py").write_text(check)
        (self.folder / "suites" / "numbers.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(rows)))
        (self.folder / "harness.toml").write_text('provider = "simulator"\n')

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "harness", "run", *options],
            cwd=self.folder,
            env={**os.environ, "SIMULATOR_BASE_URL": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*options)
        out, err = process.communicate(timeout=240)
        assert process.returncode == code, out + err
        return out, err

    def rows(self, reports: str = "reports") -> list[dict[str, Any]]:
        """The trials of the latest run, as they are saved."""
        name = saved_runs(self.folder / reports)[-1]
        lines = (self.folder / reports / name / "run.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines if line.startswith(b'{"id"')]

    def ids(self, reports: str = "reports") -> list[str]:
        return [row["id"] for row in self.rows(reports)]

    def workers(self) -> set[int]:
        return {int(file.name) for file in (self.folder / "players").iterdir()}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    if not HAS_RAY:
        pytest.skip(WHY)
    found = Project(tmp_path)
    with serve.start(log=found.log, latency=0.02) as running:
        found.url = running.url
        yield found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster that is there before the runs, as ``ray start`` makes it."""
    if not HAS_RAY:
        pytest.skip(WHY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port", str(port)]
    options = ["--num-cpus", "2", "--include-dashboard=false", "--object-store-memory", str(10**8)]
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    process = subprocess.Popen([*ray, *options], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "ray start ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return


def test_two_thousand_trials_and_a_lost_worker(project: Project) -> None:
    project.fill(rows=500)
    (project.folder / "dies").touch()
    out, err = project.run("--live", "--ray", "-j", "2", "-q", "-k", "country")
    assert "500 passed (2,000 trials in 500 groups)" in out
    assert err == ""
    assert not (project.folder / "dies").exists()
    assert len(project.workers()) == 3
    assert project.ids() == expected(500)[:-1]
    assert {row["status"] for row in project.rows()} == {"passed"}
    assert 2000 <= len(project.asked) <= 2000 + IN_HAND


def test_ctrl_c_ends_all_and_the_run_goes_on(project: Project) -> None:
    project.fill(rows=60)
    process = project.start("--live", "--ray", "-j", "2", "-q")
    while len(project.asked) < 60:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    kept = project.ids()
    assert 60 - 2 * FLIGHT <= len(kept) < TRIALS
    project.run("--resume", "--ray", "-j", "2", "-q")
    assert Counter(project.ids()) == Counter(expected(60))
    assert project.ids() == expected(60)
    assert len(project.asked) <= TRIALS + 1 + 2 * FLIGHT


def test_recordings_come_home_and_replay(project: Project, cluster: str) -> None:
    project.fill(rows=10)
    project.run("--record-mode", "once", "--ray", cluster, "-q")
    asked = len(project.asked)
    assert asked == 10 * 4 + 2
    assert not list(project.folder.rglob("*.journal"))
    project.run("-q", "--reports", "one")
    project.run("-q", "--ray", cluster, "--reports", "ray")
    assert project.rows("ray") == project.rows("one")
    assert len(project.rows("one")) == 10 * 4 + 1
    assert len(project.asked) == asked


def test_one_pace_and_one_ceiling_for_all_workers(project: Project, cluster: str) -> None:
    project.fill(rows=20)
    (project.folder / "harness.toml").write_text('provider = "simulator"\n[providers.simulator]\nrpm = 600\n')
    _, err = project.run("--live", "--ray", cluster, "-q", "--max-cost", "0.004", code=6)
    assert "the ceiling of $0.0040 would be exceeded" in err
    rows = project.rows()
    spent = [row["measures"]["cost_usd"] for row in rows]
    assert 0.003 < sum(spent) <= 0.004 + max(spent)
    assert len(rows) == len(project.asked), "what was asked is saved, and nothing else was asked"
    span = project.times[-1] - project.times[0]
    assert span >= 0.9 * (len(rows) - 1) * 0.1


def test_the_first_failure_ends_it(project: Project, cluster: str) -> None:
    project.fill(rows=60, check=CHECK + "\n\ndef own(result):\n    return False\n")
    project.run("--live", "--ray", cluster, "-q", "--fail-fast", code=1)
    assert 1 <= len(project.rows()) <= 4 * FLIGHT
    assert len(project.asked) < TRIALS / 2


def test_gates_that_are_answered_end_it(project: Project, cluster: str) -> None:
    project.fill(rows=60)
    _, err = project.run(
        *["--live", "-q", "-k", "country", "--until-told", "--gate", "pass_rate.min=20%"], "--ray", cluster
    )
    assert "cases" in err
    ids = project.ids()
    assert len(ids) == len(set(ids)) == len(project.asked) < TRIALS


def test_cases_that_end_every_worker_are_named(project: Project, cluster: str) -> None:
    project.fill(rows=1, check="import os\n\ndef own(result):\n    os._exit(9)\n")
    _, err = project.run("--live", "--ray", cluster, "-q", "-k", "country", code=6)
    assert "many/country-0@simulator/gemini-2.5-flash#1: 3 workers were lost while they played it" in err
    assert "go on with it" in err
    assert "Traceback" not in err


# --- bad input ----------------------------------------------------------------------------------------


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["run", *options]) == 4
    return capsys.readouterr().err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "s.yaml").write_text(
        "suite: s\ncases:\n  - {id: a, model: gemini-2.5-flash, prompt: hi, transport: [unary, batch]}\n"
    )
    return tmp_path


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_one_line_says_how_to_get_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(here, capsys, "--ray") == (
        "--ray needs Ray, which is not installed: pip install 'gemini-harness[ray]'\n"
    )
    assert not (here / "reports").exists()


@needs_ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "127.0.0.1:1",
            "--ray 127.0.0.1:1: no Ray cluster answers there: Connection refused; `ray start --head` starts one\n",
        ),
        (
            "nonsense",
            "--ray nonsense: write HOST:PORT, as in --ray 10.0.0.1:6379; without an address it is this machine\n",
        ),
        (
            "ray://a:1",
            "--ray ray://a:1: write HOST:PORT, as in --ray 10.0.0.1:6379; without an address it is this machine\n",
        ),
    ],
)
def test_an_address_without_a_cluster(
    here: Path, address: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(here, capsys, "--ray", address) == message


@needs_ray
def test_an_address_that_is_something_else(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.cluster._ANSWERS", 4.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        err = refused(here, capsys, "--ray", address)
    assert err == f"--ray {address}: what answers there is no Ray cluster, or it did not answer for 4 s\n"


def test_batches_are_sent_by_one_process(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(here, capsys, "--ray", "--live", "-q")
    assert err == "--ray: cases with transport: batch are sent by one process: leave out --ray\n"


SUITE_ROW: Any = {"suite": "s", "file": "s.yaml", "sha256": "1", "about": "", "files": {"checks.py": "2"}}
HERE = Facts("here", "0.1", "3.11", [SUITE_ROW], {"cassettes/s": "3"})


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (HERE, None),
        (replace(HERE, python="3.12"), "Python is 3.12 there and 3.11 here"),
        (replace(HERE, harness="0.2"), "gemini-harness is 0.2 there and 0.1 here"),
        (replace(HERE, suites=[{**SUITE_ROW, "sha256": "9"}]), "s.yaml was changed (suite s)"),
        (replace(HERE, suites=[{**SUITE_ROW, "files": {}}]), "checks.py is gone (suite s)"),
        (
            replace(HERE, cassettes={"cassettes/s": ""}),
            "cassettes/s holds other cassettes: share the folder, or copy it to every machine",
        ),
    ],
)
def test_machines_have_to_be_alike(there: Facts, message: str | None) -> None:
    assert list(differences(HERE, there)) == ([message] if message else [])
    if message is None:
        compare(HERE, there)
    else:
        with pytest.raises(UsageError, match="the worker on here would not play the same:\n  "):
            compare(HERE, there)


class OtherVersion:
    """Ray, on a machine with another Python than its cluster."""

    def init(self, *_: object, **__: object) -> None:
        there, here = ("Ray: 2.60.0\n    Python: 3.11.7\n", "Ray: 2.60.0\n    Python: 3.12.1\n")
        raise RuntimeError(
            f"Version mismatch: The cluster was started with:\n    {there}This process was started with:\n    {here}"
        )


def test_another_python_on_the_cluster_is_a_sentence() -> None:
    with pytest.raises(UsageError) as refused:
        _join(OtherVersion(), "10.0.0.1:6379", 1, "")
    assert str(refused.value) == (
        "--ray 10.0.0.1:6379: another Python or Ray on the cluster; install the same here. Version mismatch: The cluster was "
        "started with: Ray: 2.60.0 Python: 3.11.7 This process was started with: Ray: 2.60.0 Python: 3.12.1"
    )
