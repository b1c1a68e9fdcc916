"""A folder with a suite and a simulator that counts requests, for attacks on runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.results.load import saved_runs
from harness.simulator import serve

SUITE = """
suite: attacked
defaults: {model: gemini-2.5-flash}
repeat: 4
cases:
  - id: peru
    prompt: "What is the capital of Peru? One word."
    transport: [unary, stream]
    expect: {text: {icontains: lima}}
  - id: norway
    prompt: "What is the capital of Norway? One word."
    thinking: [0, 512, 1024]
    expect: {text: {icontains: oslo}}
  - id: talk
    turns:
      - user: What is the capital of Chile?
      - user: Are you sure?
"""
TRIALS = 4 * (2 + 3 + 1)
REQUESTS = TRIALS + 4
FLIGHT = 4
PATIENCE = 60
"""Seconds after which a command counts as hanging."""


@dataclass
class Project:
    """``broken``: what commands did that is never allowed."""

    folder: Path
    url: str
    asked: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    patience: float = PATIENCE

    def start(self, *argv: str, program: Sequence[str] = ("-m", "harness")) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *program, *argv],
            cwd=self.folder,
            env={**os.environ, "SIMULATOR_BASE_URL": self.url, "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *argv: str, program: Sequence[str] = ("-m", "harness"), may_end_with: Sequence[int] = (0,)) -> str:
        """What the command printed. Another exit code, a traceback and a hang are recorded in ``broken``."""
        process = self.start(*argv, program=program)
        try:
            out, _ = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        if process.returncode not in may_end_with or "Traceback" in out or "internal error" in out:
            self.broken.append(f"{' '.join(argv)}: exit code {process.returncode}\n{out}")
        return out

    def run_file(self) -> Path | None:
        """The file of the latest run; None if there is no run."""
        names = saved_runs(self.folder / "reports")
        return self.folder / "reports" / names[-1] / "run.jsonl" if names else None

    def rows(self) -> list[dict[str, Any]]:
        """The finished trials in the latest run's file."""
        file = self.run_file()
        lines = file.read_bytes().splitlines() if file else ()
        return [json.loads(line) for line in lines if line.startswith(b'{"id":') and line.endswith(b"}")]

    def trials(self) -> Counter[str]:
        """Judged trial -> how often it is in the latest run's file."""
        return Counter(row["id"] for row in self.rows() if row["status"] != "error")

    def left_over(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.suffix in (".journal", ".lock", ".tmp")]


@contextmanager
def project(latency: float = 0.02, suite: str = SUITE, patience: float = PATIENCE, **options: Any) -> Iterator[Project]:
    """``options``: of the simulator."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "suites").mkdir()
        (folder / "suites/attacked.yaml").write_text(suite)
        (folder / "harness.toml").write_text(f'provider = "simulator"\nconcurrency = {FLIGHT}\n')
        asked: list[str] = []
        with serve.start(log=asked.append, latency=latency, **options) as running:
            yield Project(folder, running.url, asked, patience=patience)
