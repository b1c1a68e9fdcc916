"""``init``: from an empty folder to a green run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from harness.cli.commands.init import STARTER
from harness.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_what_it_writes_goes_green_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert "wrote  suites/first.yaml" in capsys.readouterr().out
    assert main(["check"]) == 0
    assert main(["run", "--strict"]) == 0
    out = capsys.readouterr().out
    assert "8 passed (8 trials)" in out
    assert "SIMULATED" in out


def test_its_cassettes_are_in_order(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert main(["cassettes", "check"]) == 0
    assert main(["cassettes", "stale"]) == 0
    assert main(["cassettes", "prune", "--dry-run"]) == 0
    assert "would remove" not in capsys.readouterr().out


def test_another_folder_is_made_and_the_way_there_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "my tests/gemini"]) == 0
    assert (project / "my tests/gemini/suites/first.yaml").is_file()
    assert "cd 'my tests/gemini' && gemini-harness run\n" in capsys.readouterr().out


def test_what_is_there_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "harness.toml").write_text('provider = "google"\n')
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert "kept   harness.toml" in out
    assert "wrote  suites/first.yaml" in out
    assert (project / "harness.toml").read_text() == 'provider = "google"\n'
    assert main(["init"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_a_file_in_the_way_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites").write_text("no folder")
    assert main(["init"]) == 4
    assert capsys.readouterr().err.startswith("cannot write suites/")


def test_runs_are_ignored_by_git_and_the_workflow_passes(project: Path) -> None:
    assert main(["init"]) == 0
    assert (project / "reports/.gitignore").read_text() == "*\n"
    workflow = yaml.safe_load((project / ".github/workflows/gemini-harness.yml").read_text())
    steps = workflow["jobs"]["replay"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("gemini-harness")]
    assert main(command.split()[1:]) == 0
    assert (project / "report.xml").is_file()


def test_the_wheel_carries_all_of_it(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    starter = {
        f"harness/cli/starter/{path.relative_to(STARTER).as_posix()}" for path in STARTER.rglob("*") if path.is_file()
    }
    assert starter <= packed
