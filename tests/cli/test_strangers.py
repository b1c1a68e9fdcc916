"""Files of strangers end every command that reads them with a sentence: never a fault of this program, never without end."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.attack import mutants

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="alarms")
RUNS = mutants.KINDS["run files"].tries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("project")
    mutants.project(made)
    return made


@pytest.mark.parametrize("first", [0, 1000, RUNS, RUNS + 600, RUNS + 1250])
def test_mutants_end_with_a_sentence(first: int) -> None:
    assert list(mutants.wrong(range(first, first + 8))) == []


def test_runs_of_strangers_end_with_a_sentence(shared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for number, file in enumerate(sorted((shared / "hostile").glob("run-*.jsonl"))):
        shutil.rmtree("reports", ignore_errors=True)
        for name in (mutants.RUN, mutants.OTHER):
            source = file if name == mutants.RUN else next(Path("made/run").glob("*/run.jsonl"))
            Path("reports", name).mkdir(parents=True)
            shutil.copyfile(source, Path("reports", name, "run.jsonl"))
        commands = mutants.KINDS["run files"].commands
        for command in [*commands[number % 3 :: 3], "merge last --partial"]:
            assert mutants.outcome(command.split()) == "", (file.name, command)


def test_cassettes_of_strangers_end_with_a_sentence(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(shared / "hostile", tmp_path / "hostile"))
    for file in [*Path().glob("alias-*.yaml"), *Path().glob("x-*.yaml")]:
        for command in ("audit", "import", "cassettes check"):
            assert mutants.outcome([*command.split(), str(file)]) == "", (file, command)
    for file in Path().glob("s-*.yaml"):
        for command in ("run", "list", "check", "cassettes stale"):
            assert mutants.outcome([*command.split(), str(file)]) == "", (file, command)
