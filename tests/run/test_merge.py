"""Shards of one run, merged, are that run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.main import main
from harness.results.load import load, saved_runs

ROWS = """
suite: rows
repeat: 2
matrix:
  model: [gemini-3-flash-preview, gemini-2.5-flash]
cases:
  - id: in-${row.n}
    each: [{n: a}, {n: b}, {n: c}, {n: d}, {n: e}]
    prompt: "Country ${row.n}: what is the capital of Norway? One word."
    transport: [unary, stream]
    expect: {text: {icontains: oslo}}
"""


@pytest.fixture(scope="module")
def tape(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four suites and their cassettes."""
    folder = tmp_path_factory.mktemp("merged") / "project"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("reports"))
    (folder / "suites/rows.yaml").write_text(ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["run", "suites/rows.yaml", "--record-mode", "once", "--reports", "recording", "-q"])
    return folder


class Runs:
    """A folder where runs are made and merged."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.reports = Path("reports")
        shutil.rmtree(self.reports, ignore_errors=True)

    def call(self, *argv: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main([*argv, "--reports", str(self.reports)])
        comparable = self.capsys.readouterr()
        return code, comparable.out, comparable.err

    def played(self, *argv: str) -> str:
        self.call("run", *argv)
        return saved_runs(self.reports)[-1]

    def shards(self, count: int, *argv: str) -> list[str]:
        return [self.played(*argv, "--shard", f"{number + 1}/{count}") for number in range(count)]


@pytest.fixture
def runs(tape: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    monkeypatch.chdir(tape)
    return Runs(capsys)


def comparable(text: str) -> Any:
    """The document of a run without what is of a time or of a machine."""
    document = json.loads(text)
    for name in ("id", "started", "front", "options", "parts", "resumed"):
        document["run"].pop(name, None)
    return document


SELECTIONS: list[list[str]] = [
    [],
    ["suites/rows.yaml"],
    ["suites/capitals.yaml", "suites/wrong.yaml"],
    ["-k", "oslo or in-c or bergen"],
    ["--model", "gemini-2.5-flash", "suites/rows.yaml", "--repeat", "1"],
]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 7), argv=st.sampled_from(SELECTIONS), data=st.data())
def test_merged_shards_are_the_unsharded_run(runs: Runs, count: int, argv: list[str], data: st.DataObject) -> None:
    shutil.rmtree(runs.reports, ignore_errors=True)
    parts = data.draw(st.permutations(runs.shards(count, *argv)))
    merged = runs.call("merge", *parts, "--format", "json")
    whole = runs.call("run", *argv, "--format", "json")
    assert merged[0] == whole[0]
    assert comparable(merged[1]) == comparable(whole[1])
    saved = [name for name in saved_runs(runs.reports) if name not in parts]
    one, other = (load(name, runs.reports) for name in saved)
    assert [row.id for row in one.rows()] == [row.id for row in other.rows()]
    endings = [json.loads(run.path.read_bytes().splitlines()[-1]) for run in (one, other)]
    for key in ("groups", "totals", "trials", "cost"):
        assert endings[0][key] == endings[1][key]


def test_a_merged_run_names_its_parts_and_adds_up_their_seconds(runs: Runs) -> None:
    parts = runs.shards(2)
    code, out, err = runs.call("merge", *parts)
    assert (code, err) == (1, "")
    assert "(48 trials in" in out
    merged = load("last", runs.reports)
    assert summed(merged) == pytest.approx(sum(summed(load(part, runs.reports)) for part in parts))
    assert [part["id"] for part in merged.run["parts"]] == parts
    assert [part["shard"] for part in merged.run["parts"]] == [[1, 2], [2, 2]]
    assert merged.run["started"] == load(parts[0], runs.reports).run["started"]


def summed(saved: Any) -> Any:
    list(saved.rows())
    return saved.ending["seconds"]


def test_history_lists_a_merged_run_in_place_of_its_parts(runs: Runs) -> None:
    parts = runs.shards(2)
    before = json.loads(runs.call("history", "--format", "json")[1])["history"]
    assert {entry["run"] for entry in before} == set(parts)
    runs.call("merge", *parts)
    whole = runs.played()
    found = json.loads(runs.call("history", "--format", "json")[1])["history"]
    assert {entry["run"] for entry in found} == {*saved_runs(runs.reports)} - {*parts}
    assert {entry["change"] for entry in found if entry["run"] == whole} == {""}
    sql = "SELECT parts FROM runs WHERE parts IS NOT NULL"
    assert json.loads(json.loads(runs.call("history", "--format", "json", "--sql", sql)[1])["rows"][0][0]) == parts


def test_a_merged_run_is_not_resumed_its_parts_are(runs: Runs) -> None:
    parts = runs.shards(2)
    runs.call("merge", *parts)
    code, _, err = runs.call("run", "--resume", "last")
    assert code == 4
    assert err.endswith(
        f"it was merged from others; resume those of {', '.join(parts)} that were cut short, and merge them again\n"
    )


def test_a_missing_shard_is_an_error_and_with_partial_a_note(runs: Runs) -> None:
    first, _, third = runs.shards(3)
    code, _, err = runs.call("merge", first, third)
    assert code == 4
    assert err == (
        "the parts do not make a whole run:\n  shard 2/3 is not among them\nuse --partial to merge what is there\n"
    )
    assert len(saved_runs(runs.reports)) == 3
    code, out, _ = runs.call("merge", first, third, "--partial")
    assert code == 1
    assert "* merged in part: shard 2/3 is not among them" in out
    code, _, again = runs.call("merge", saved_runs(runs.reports)[-1])
    assert (code, again) == (4, err)
    _, out, _ = runs.call("merge", saved_runs(runs.reports)[-1], "--partial")
    assert out.count("merged in part") == 1


def test_an_unfinished_shard_is_an_error_with_the_next_command(runs: Runs) -> None:
    parts = runs.shards(2)
    cut(runs.reports / parts[1] / "run.jsonl")
    code, _, err = runs.call("merge", *parts)
    assert code == 4
    assert f"run {parts[1]} (shard 2/2) was cut short; go on with it: gemini-harness run --resume {parts[1]}\n" in err
    code, out, _ = runs.call("merge", *parts, "--partial")
    assert (code, "interrupted: " in out) == (2, True)
    assert runs.call("run", "--resume", parts[1])[0] == 0
    code, out, _ = runs.call("merge", *parts)
    assert (code, "(48 trials in" in out) == (1, True)


def test_what_a_part_noted_at_its_end_is_a_note_of_the_whole(runs: Runs) -> None:
    parts = runs.shards(2)
    path = runs.reports / parts[1] / "run.jsonl"
    *lines, last = path.read_text("utf-8").splitlines()
    ending = json.loads(last)
    ending["run"]["notes"] = [*ending["run"]["notes"], "the ceiling of $1.00 would be exceeded"]
    path.write_text("\n".join([*lines, json.dumps(ending), ""]), "utf-8")
    runs.call("merge", *parts)
    _, out, _ = runs.call("report", "last")
    assert out.count("the ceiling of $1.00 would be exceeded") == 1


def cut(path: Path) -> None:
    """As after kill -9 in the middle of a line."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2])[:-30])


def test_the_same_shard_twice_is_an_error(runs: Runs) -> None:
    one, other = runs.played("--shard", "1/2"), runs.played("--shard", "1/2")
    assert f"runs {one} and {other} are both shard 1/2: name one of them" in runs.call("merge", one, other)[2]
    assert runs.call("merge", one, one)[2] == f"run {one} is named twice\n"


def test_a_trial_counts_once(runs: Runs) -> None:
    one, other = runs.played("suites/wrong.yaml"), runs.played("suites/wrong.yaml")
    code, _, err = runs.call("merge", one, other)
    assert (code, err) == (4, f"wrong/not-bergen is in run {one} and in run {other}: a trial may be in one part only\n")
    assert len(saved_runs(runs.reports)) == 2
    assert sorted(path.name for path in runs.reports.iterdir()) == sorted([one, other])


def test_runs_of_different_suites_become_one(runs: Runs) -> None:
    one, other = runs.played("suites/wrong.yaml"), runs.played("suites/known.yaml")
    code, out, _ = runs.call("merge", one, other)
    assert (code, "1 failed, 1 xfailed (2 trials)" in out) == (1, True)


def test_what_is_no_part_of_one_run_is_named(runs: Runs) -> None:
    one = runs.played("--shard", "1/2")
    other = runs.played("--shard", "2/2", "--repeat", "1", "--skip-missing")
    assert "these are not parts of one run; repeat: none in run " in runs.call("merge", one, other)[2]
    other = runs.played("--shard", "2/3")
    assert f"number of shards: 2 in run {one}, 3 in run {other}" in runs.call("merge", one, other)[2]
    path = Path("suites/wrong.yaml")
    text = path.read_text()
    path.write_text(text + "\n")
    other = runs.played("--shard", "2/2")
    path.write_text(text)
    assert "the suite wrong (suites/wrong.yaml) differs: run " in runs.call("merge", one, other)[2]
