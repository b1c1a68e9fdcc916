"""A run on workers of Ray saves and shows what one process does, and asks nothing twice."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
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

from harness.results.load import saved_runs
from harness.run.case_worker import Facts
from harness.run.cluster import differences
from harness.simulator import serve

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(
    not HAS_RAY, reason="Ray is not installed; `make ray` runs this in an environment that has it"
)

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

def own(result):
    Path("players").mkdir(exist_ok=True)
    Path("players", str(os.getpid())).touch()
    left = Path("dies")
    if left.exists() and len(list(Path("players", "asked").iterdir())) > 40 if Path("players", "asked").exists() else False:
        left.unlink()
        os.kill(os.getpid(), 9)
    return "Lima" in result.text
"""


class Project:
    """A folder with a suite, and a simulator that counts what it is asked."""

    def __init__(self, folder: Path, url: str, asked: list[str]) -> None:
        self.folder, self.url, self.asked = folder, url, asked

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
    asked: list[str] = []
    with serve.start(log=asked.append, latency=0.02) as running:
        yield Project(tmp_path, running.url, asked)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster that is there before the runs, as ``ray start`` makes it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port", str(port)]
    options = ["--num-cpus", "2", "--include-dashboard=false", "--object-store-memory", str(10**8)]
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    process = subprocess.Popen([*ray, *options], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
