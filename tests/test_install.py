"""The wheel and the source distribution, installed into an empty environment, run; without the statistics too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.extensions import NEEDS_STATS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_installs_and_runs(built: Path, tmp_path: Path, kind: str) -> None:
    (package,) = built.glob(kind)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    programs = tmp_path / "env/bin"
    installed = subprocess.run(
        [programs / "python", "-m", "pip", "install", "-q", package], capture_output=True, text=True, check=False
    )
    if "No matching distribution" in installed.stderr:
        pytest.skip("the package index is not reachable")
    assert installed.returncode == 0, installed.stderr
    size = sum(file.stat().st_size for file in (tmp_path / "env").rglob("*") if file.is_file()) / 2**20
    print(f"{package.name}: {size:.0f} MiB without statistics")
    assert size < 200
    project = tmp_path / "project"
    project.mkdir()
    for command, code in (
        (["--version"], 0),
        (["init"], 0),
        (["check"], 0),
        (["run"], 0),
        (["compare", "last", "last"], 4),
    ):
        done = subprocess.run(
            [programs / "gemini-harness", *command], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == f"{NEEDS_STATS}\n"


WITHOUT_STATISTICS = """
import importlib.util, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("numpy", "scipy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("numpy", "scipy") else found(name, package)
from harness.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def without_statistics(*command: str) -> subprocess.CompletedProcess[str]:
    """The command where numpy and scipy are missing, in this folder."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", WITHOUT_STATISTICS, *command]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command", ["compare last last", "sweep last", "migrate gemini-3.8-flash gemini-3.5-flash-lite"]
)
def test_what_needs_statistics_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert main(["run"]) == 0
    capsys.readouterr()
    done = without_statistics(*command.split())
    assert (done.returncode, done.stderr) == (4, f"{NEEDS_STATS}\n")


def test_a_page_of_sweeps_needs_no_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    suite = ROOT / "suites" / "thinking-levels.yaml"
    done = without_statistics(
        *("run", str(suite), "--cassettes", str(ROOT / "cassettes"), "--provider", "simulator", "-k", "two-trains"),
        *("--format", "html:run.html"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = Path("run.html").read_text(encoding="utf-8")
    assert "pass rate by thought tokens" in page
