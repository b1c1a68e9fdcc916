"""``--watch``: what a change of a file brings about."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.main import main

SUITE = """
suite: {name}
cases:
  - id: greets-${{row.word}}
    each: ${{file:words.csv}}
    model: gemini-3.8-flash
    prompt: Say ${{row.word}}.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two suites that use one file of rows."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/words.csv").write_text("word\nhello\n")
    for name in ("first", "second"):
        (tmp_path / f"suites/{name}.yaml").write_text(SUITE.format(name=name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def editing(monkeypatch: pytest.MonkeyPatch, *edits: Callable[[], object]) -> None:
    """One edit after the other while the command waits; then Ctrl-C."""
    left = iter(edits)

    def sleep(_seconds: float) -> None:
        edit = next(left, None)
        if edit is None:
            raise KeyboardInterrupt
        edit()

    monkeypatch.setattr("harness.cli.watching.time.sleep", sleep)


def write(file: Path, text: str) -> None:
    later = file.stat().st_mtime + 10
    file.write_text(text)
    os.utime(file, (later, later))


def test_a_changed_suite_is_checked_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = project / "suites/first.yaml"
    editing(monkeypatch, lambda: write(first, first.read_text() + "    expct: {}\n"))
    assert main(["check", "--watch"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "2 suites, 2 cases, 2 trials: no problem found\n"
    assert "suites/first.yaml changed\n" in shown.err
    assert 'unknown key "expct"' in shown.err


def test_a_change_of_a_file_concerns_the_suites_that_use_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editing(monkeypatch, lambda: write(project / "suites/words.csv", "word\nhello\nbye\n"))
    assert main(["check", "--watch"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "2 suites, 2 cases, 4 trials: no problem found"


def test_a_run_is_played_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editing(monkeypatch, lambda: write(project / "suites/second.yaml", SUITE.format(name="other")))
    assert main(["run", "--watch", "-q"]) == 0
    ends = [line.partition(";")[0] for line in capsys.readouterr().out.splitlines() if "; run " in line]
    assert [end.partition(" in ")[0] for end in ends] == ["2 errors (2 trials)", "1 error (1 trial)"]


def test_watching_never_asks_again_by_itself(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--watch", "--live"]) == 4
    assert "--watch replays what changed" in capsys.readouterr().err
