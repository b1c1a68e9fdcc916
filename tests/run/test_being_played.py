"""A run that another process is still playing is not one that was cut short: every command that reads it says which it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.cli.commands.view import _entry
from harness.cli.main import main
from harness.disk import is_locked
from harness.errors import RunError
from harness.report.html.server_pages import listing
from harness.results.store import RunWriter, claim
from harness.results.summary import summarise
from tests.sample_rows import failed, row, run

EARLIER, NOW = "20261120-070000-ab12", "20261121-070000-ab12"
STILL = f"run {NOW} is still being played by another process: 3 of 10 trials are finished so far"


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunWriter]:
    """A run with three of ten trials, and whoever plays it; one of the day before, at its end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    rows = [
        row("oslo", axes={"thinking": 0}),
        row("oslo", axes={"thinking": 512}),
        failed("oslo", axes={"thinking": 1024}),
    ]
    with RunWriter(Path("reports"), run(id=EARLIER)) as earlier:
        for line in rows:
            earlier.append(line)
        earlier.close(summarise(rows))
    with closing(RunWriter(Path("reports"), run(id=NOW, planned=10, options={}))) as now:
        for line in rows:
            now.append(line)
        yield now


def printed(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(argv) == code
    text = capsys.readouterr()
    return " ".join((text.out + text.err).split())


def test_a_report_says_that_it_goes_on(writer: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    table = printed(capsys, "report", "last")
    assert f"* {STILL}" in table
    assert f"still being played: 2 passed, 1 failed (3 trials); run {NOW}" in table
    assert "interrupted" not in table
    assert "its end" not in table
    assert f"- {STILL}" in printed(capsys, "report", "last", "--format", "markdown")
    page = printed(capsys, "report", "last", "--format", "html")
    assert STILL in page
    assert ", still being played</dd>" in page
    about = json.loads(printed(capsys, "report", "last", "--format", "json"))["run"]
    assert (about["playing"], about["interrupted"], about["notes"]) == (True, True, [STILL])


def test_a_trial_that_is_just_being_written_is_no_damage(writer: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    with writer.path.open("ab") as file:
        file.write(b'{"id":"geography/lima@simul')
    assert "cut off" not in printed(capsys, "report", "last")


def test_comparisons_and_sweeps_say_so(writer: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ("compare", EARLIER, "last"),
        ("compare", "last", "--axis", "thinking=0", "--axis", "thinking=1024"),
        ("sweep", "last"),
    ):
        table = printed(capsys, *command)
        assert STILL in table
        assert "cut short" not in table


def test_the_history_says_so(writer: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    assert "2/3 still being played" in printed(capsys, "history")
    found = json.loads(printed(capsys, "history", "--format", "json"))["history"]
    assert [(entry["complete"], entry["playing"]) for entry in found] == [(True, False), (False, True)]
    writer.close()
    assert "2/3 cut short" in printed(capsys, "history")


def test_the_list_of_runs_says_so(writer: RunWriter) -> None:
    assert "still being played" in "".join(listing([_entry(writer.path)], "reports"))
    writer.close()
    assert "unfinished" in "".join(listing([_entry(writer.path)], "reports"))


def test_it_is_not_merged_and_nobody_is_told_to_resume_it(
    writer: RunWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "merge", NOW, code=4)
    assert f"run {NOW} is still being played by another process; wait for it, or end it" in text
    assert "--resume" not in text


def test_once_nobody_plays_it_any_more_it_was_cut_short(writer: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    writer.close()
    table = printed(capsys, "report", "last")
    assert "the run was not finished" in table
    assert "interrupted: 2 passed, 1 failed (3 trials)" in table
    assert json.loads(printed(capsys, "report", "last", "--format", "json"))["run"]["playing"] is False


def test_whoever_looks_does_not_keep_the_run_from_being_played(writer: RunWriter) -> None:
    folder = writer.path.parent
    assert is_locked(folder)
    with pytest.raises(RunError, match="is being played by another process"):
        claim(folder)
    writer.close()
    assert not is_locked(folder)
    claim(folder).close()
    assert not is_locked(folder / "gone")
