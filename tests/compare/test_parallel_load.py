"""Large runs are read by two processes, and what is read is the same."""

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
from tests.made import failed, row, run, unjudged
from tests.results.test_store import figures


@pytest.fixture(autouse=True)
def every_run_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_load, "LARGE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def saved(reports: Path, name: str, rows: list[Row]) -> SavedRun:
    with RunWriter(reports, run(id=name)) as writer:
        for each in rows:
            writer.append(each)
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
def test_what_is_read_is_the_same(tmp_path: Path, rows: list[Row], helpers: list[Any]) -> None:
    runs = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", rows)
    (base, one), (candidate, other) = parallel_load.read(*runs)
    assert [figures(one), figures(other)] == [figures(load(each.path).summary()) for each in (base, candidate)]
    assert candidate.ending is not None
    assert [each["id"] for each in candidate.rows_of({rows[0]["group"]})] == [
        each["id"] for each in rows if each["group"] == rows[0]["group"]
    ]
    assert [each.is_alive() for each in helpers] == [False]


def test_the_comparison_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, helpers: list[Any]
) -> None:
    said = []
    runs = [str(saved(tmp_path, name, rows).path) for name, rows in (("1", BEFORE), ("2", AFTER))]
    for size in (0, 1 << 40):
        monkeypatch.setattr(parallel_load, "LARGE", size)
        said.append((main(["compare", *runs, "--format", "json"]), capsys.readouterr().out))
    assert said[0] == said[1]
    assert len(helpers) == 1


def test_where_the_other_process_is_killed_this_one_reads(
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
    _, (_, other) = parallel_load.read(*runs)
    assert figures(other) == expected


def test_a_damaged_run_is_said_to_be(tmp_path: Path) -> None:
    base, candidate = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", AFTER)
    candidate.path.write_text(candidate.path.read_text().replace('"status":"error"', '"status":7'))
    with pytest.raises(RunError, match="this line is not a trial"):
        parallel_load.read(base, load(candidate.path))


def test_small_runs_repeated_ones_and_a_single_processor_need_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: list[Any]
) -> None:
    runs = saved(tmp_path, "1", BEFORE), saved(tmp_path, "2", AFTER)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    parallel_load.read(*runs)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(parallel_load, "LARGE", 1 << 20)
    parallel_load.read(*runs)
    monkeypatch.setattr(parallel_load, "LARGE", 0)
    parallel_load.read(runs[0], saved(tmp_path, "3", REPEATED[1:]))
    assert helpers == []
