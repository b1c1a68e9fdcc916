"""Two processes load large runs, with the same result as one process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.compare import parallel_load
from harness.errors import RunError
from harness.results.load import SavedRun, load
from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import Summary
from tests.results.test_store import figures
from tests.sample_rows import failed, row, run, unjudged


@pytest.fixture(autouse=True)
def every_run_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_load, "LARGE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def saved(reports: Path, name: str, rows: list[Row]) -> SavedRun:
    with RunWriter(reports, run(id=name)) as writer:
        for trial in rows:
            writer.append(trial)
        writer.close(Summary())
    return load(writer.path)


BEFORE = [row("a"), row("b"), failed("c"), row("d")]
AFTER = [row("a"), failed("b"), unjudged("c"), row("e")]
REPEATED = [row("b"), *(row("a", n=n, measures={"latency_s": n / 7}) for n in range(1, 30))]


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that were started."""
    context, started = multiprocessing.get_context("spawn"), []

    def process(**how: Any) -> Any:
        started.append(context.Process(**how))
        return started[-1]

    class Noted:
        Pipe = context.Pipe
        Process = staticmethod(process)

    monkeypatch.setattr(multiprocessing, "get_context", lambda _: Noted)
    return started


@pytest.mark.parametrize("rows", [AFTER, REPEATED], ids=["one-attempt-each", "values-in-a-file"])
def test_a_parallel_load_reads_the_same_runs(tmp_path: Path, rows: list[Row], helpers: list[Any]) -> None:
    runs = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", rows)
    (base, base_summary), (candidate, candidate_summary) = parallel_load.load_both(*runs)
    assert [figures(base_summary), figures(candidate_summary)] == [
        figures(load(run.path).summary()) for run in (base, candidate)
    ]
    assert candidate.ending is not None
    assert [trial["id"] for trial in candidate.rows_of({rows[0]["group"]})] == [
        trial["id"] for trial in rows if trial["group"] == rows[0]["group"]
    ]
    assert [helper.is_alive() for helper in helpers] == [False]


def test_the_comparison_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, helpers: list[Any]
) -> None:
    outputs = []
    runs = [str(saved(tmp_path, name, rows).path) for name, rows in (("1", BEFORE), ("2", AFTER))]
    for size in (0, 1 << 40):
        monkeypatch.setattr(parallel_load, "LARGE", size)
        outputs.append((main(["compare", *runs, "--format", "json"]), capsys.readouterr().out))
    assert outputs[0] == outputs[1]
    assert len(helpers) == 1


def test_if_the_child_is_killed_the_parent_reads_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: list[Any]
) -> None:
    read = SavedRun.summary

    def after_a_kill(saved: SavedRun, like: Summary | None = None) -> Summary:
        if helpers[0].is_alive():
            os.kill(helpers[0].pid, signal.SIGKILL)
            helpers[0].join()
        return read(saved, like)

    runs = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", AFTER)
    expected = figures(load(runs[1].path).summary())
    monkeypatch.setattr(SavedRun, "summary", after_a_kill)
    _, (_, candidate_summary) = parallel_load.load_both(*runs)
    assert figures(candidate_summary) == expected


def test_a_damaged_run_raises_its_error(tmp_path: Path) -> None:
    base, candidate = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", AFTER)
    candidate.path.write_text(candidate.path.read_text().replace('"status":"error"', '"status":7'))
    with pytest.raises(RunError, match="this line is not a trial"):
        parallel_load.load_both(base, load(candidate.path))


def test_small_or_repeated_runs_need_no_child_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: list[Any]
) -> None:
    runs = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", AFTER)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    parallel_load.load_both(*runs)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(parallel_load, "LARGE", 1 << 20)
    parallel_load.load_both(*runs)
    monkeypatch.setattr(parallel_load, "LARGE", 0)
    parallel_load.load_both(runs[0], saved(tmp_path, "3", REPEATED[1:]))
    assert helpers == []
