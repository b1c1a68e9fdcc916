"""What surrounds the program: completion in shells, the container, versions of formats."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.cli.main import command_names, main
from tests.actions import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- completion ---------------------------------------------------------------------------------------


def completed(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["gemini-harness", "bas"], ["baseline"]),
        (["gemini-harness", "run", "--record-m"], ["--record-mode"]),
        (["gemini-harness", "run", "--record-mode", "on"], ["once"]),
        (["gemini-harness", "baseline", "s"], ["set"]),
        (["gemini-harness", "run", "sui"], ["suites"]),
        (["gemini-harness", "check", "--format", ""], ["text", "github"]),
    ],
)
def test_bash_completes(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: list[str]
) -> None:
    (project / "suites").mkdir()
    (project / "script").write_text(completed("bash", capsys))
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"source ./script; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _shtab_gemini_harness; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "--norc", "-u", "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert sorted(done.stdout.split()) == sorted(expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_completed(project: Path, capsys: pytest.CaptureFixture[str], shell: str) -> None:
    script = completed(shell, capsys)
    assert [name for name in command_names() if not re.search(rf"\b{name}\b", script)] == []
    if shutil.which(shell):
        check = ["fish", "--no-execute"] if shell == "fish" else [shell, "-n"]
        assert subprocess.run(check, input=script, text=True, check=False).returncode == 0


# --- the container, the formats -----------------------------------------------------------------------


def test_the_container_is_made_of_what_is_here() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    assert "USER harness" in text


def test_the_versions_of_formats_are_those_of_the_page(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/formats.md").read_text()
    rows = re.findall(r"^\| (.*?) \| .*? \| (\d+) \|$", page, re.MULTILINE)
    runs, documents, cassettes, beyond = (int(number) for _, number in rows)
    assert main(["init"]) == 0
    capsys.readouterr()
    assert main(["run", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == documents
    (saved,) = Path("reports").glob("*/run.jsonl")
    assert json.loads(saved.read_text().splitlines()[0])["version"] == runs
    for command in (["compare", "last", "last"], ["audit", "cassettes"], ["history"], ["models"]):
        assert main([*command, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["version"] == documents, command
    cassette = next(Path("cassettes").rglob("*.yaml")).read_text()
    assert re.findall(r"^version: (\d+)", cassette, re.MULTILINE) == [str(cassettes)]
    assert set(re.findall(r"^ +v: (\d+)$", cassette, re.MULTILINE)) == {str(beyond)}
