"""What runs said over time is what their files say, whatever happens to the database."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.results.history import FILE, PastRuns
from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import summarise
from tests.sample_rows import failed, row, run, unjudged

REAL = {
    "mode": "live",
    "recorded_from": "google",
    "recorded_at": "2026-11-22T10:00:00+00:00",
    "timing": "live",
    "simulated": False,
}


def saved(reports: Path, day: int, rows: list[Row], **more: Any) -> Path:
    date = f"2026-11-{day:02}"
    header = run(id=f"202611{day:02}-070000-000ab", started=f"{date}T07:00:00+00:00", **more)
    with RunWriter(reports, header) as writer:
        for row in rows:
            writer.append(row)
        writer.close(summarise(rows))
    return writer.path


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three days of a suite with two cases: all well, one failed, real answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = tmp_path / "reports"
    saved(folder, 19, [row("oslo"), row("lima", measures={"totalTokenCount": 10, "latency_s": 0.25, "cost_usd": 0.5})])
    saved(folder, 20, [row("oslo"), failed("lima"), row("quito", suite="other", target="simulator/pro")])
    saved(folder, 21, [row("oslo", provenance=REAL), unjudged("lima")])
    return folder


def printed(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["history", *argv]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def lines(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed(capsys, "--format", "json", *argv))["history"]
    return found


def test_a_line_per_run_suite_and_target_says_what_changed(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "--suite", "geography")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("2026")] == [
        ["20261119-070000-000ab", "2/2"],
        ["20261120-070000-000ab", "1/2"],
        ["20261121-070000-000ab", "1/2"],
    ]
    assert "answered by simulator / google (some answers SIMULATED)" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    found = lines(capsys, "--suite", "geography")
    assert [line["change"] for line in found] == ["", "+1 failed", "-1 failed, +1 error, real now"]
    assert [line["tokens"] for line in found] == [40, 60, 60]
    assert [line["simulated"] for line in found] == [True, True, False]


def test_a_run_that_stopped_by_design_says_why_it_is_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "reports", 19, [row("oslo"), row("lima"), row("rome")])
    saved(tmp_path / "reports", 20, [row("oslo")], looks=2, whole=3, planned=1)
    saved(tmp_path / "reports", 21, [row("oslo"), row("lima"), row("rome")], looks=5)
    assert [line["change"] for line in lines(capsys)] == ["", "stopped early by design, -2 in all", "+2 in all"]


def test_negative_tokens_are_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {"totalTokenCount": -15, "thoughtsTokenCount": -3, "latency_s": -1.0, "cost_usd": 0.5}
    saved(tmp_path / "reports", 19, [row("oslo", measures={"totalTokenCount": 10}), row("lima", measures=wrong)])
    [line] = lines(capsys)
    assert (line["tokens"], line["thoughts"], line["latency_s"]) == (10, None, None)


def test_what_an_answer_cost_that_could_not_be_judged_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(
        tmp_path / "reports",
        19,
        [row("oslo", measures={"cost_usd": 0.25}), unjudged("lima", measures={"cost_usd": 0.5})],
    )
    [line] = lines(capsys)
    assert line["cost_usd"] == 0.75


def test_what_is_not_known_is_null_and_a_dash(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *_ = lines(capsys)
    assert (first["cost_usd"], first["ttft_s"], first["latency_s"]) == (None, None, 0.375)
    (lima, *_) = lines(capsys, "-k", "lima")
    assert lima["cost_usd"] == 0.5
    assert "| - |" in printed(capsys, "-k", "lima", "--format", "markdown")


def test_lines_are_chosen(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def days(*argv: str) -> list[str]:
        return [line["run"][6:8] for line in lines(capsys, *argv)]

    assert days() == ["19", "20", "20", "21"]
    assert days("--last", "1") == ["21"]
    assert days("--since", "2026-11-20") == ["20", "20", "21"]
    assert days("--since", "2026-11-20T09:00+02:00", "--suite", "geography") == ["20", "21"]
    assert days("--target", "pro") == days("--target", "simulator/pro") == days("--suite", "other") == ["20"]
    assert days("-k", "lima") == days("-k", "geography/lima@simulator/flash") == ["19", "20", "21"]
    assert "2 earlier runs left out: --last shows more" in printed(capsys, "--last", "1")


def test_nothing_of_that_is_no_success(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--suite", "no"]) == 5
    assert "no saved run in " in capsys.readouterr().err
    assert main(["history", "--reports", "nowhere"]) == 5
    assert main(["history", "--since", "yesterday"]) == 4
    assert "--since yesterday: write a date, as in 2026-11-21" in capsys.readouterr().err


def test_new_changed_and_removed_runs_are_noticed(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys)
    path = saved(reports, 22, [row("oslo")])
    shutil.rmtree(reports / "20261119-070000-000ab")
    assert [line["run"][6:8] for line in lines(capsys, "-k", "oslo")] == ["20", "21", "22"]
    path.unlink()
    saved(reports, 22, [failed("oslo"), row("more")])
    assert lines(capsys)[-1]["failed"] == 1


def test_only_what_changed_is_read(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PastRuns(reports):
        pass
    monkeypatch.setattr("harness.results.history.load", lambda path: pytest.fail(f"{path} was read again"))
    with PastRuns(reports) as past:
        assert past.query("SELECT count(*) FROM runs").rows == [[3]]


@pytest.mark.parametrize("damage", [b"not a database, though it is long enough to be looked at" * 20, b""])
def test_a_damaged_database_is_not_needed(reports: Path, capsys: pytest.CaptureFixture[str], damage: bytes) -> None:
    before = lines(capsys)
    for path in reports.glob(f"{FILE}*"):
        path.unlink()
    (reports / FILE).write_bytes(damage)
    told_now = printed(capsys)
    assert ("cannot be used (file is not a database)" in " ".join(told_now.split())) == bool(damage)
    assert lines(capsys) == before
    (reports / FILE).unlink()
    assert "cannot be used" not in printed(capsys)


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ('"case":"oslo"', '"case":{"a":null}'),
        ('"axes":{}', '"axes":true'),
        ('"require":null', '"require":"x"'),
        ('"recorded_from":"simulator"', '"recorded_from":-1'),
        ('"finished":"', '"finished":{},"x":"'),
        ('"seconds":', '"seconds":[],"x":'),
    ],
)
def test_a_run_with_wrong_types_is_noted_and_left_out(
    reports: Path, capsys: pytest.CaptureFixture[str], was: str, is_now: str
) -> None:
    path = saved(reports, 22, [row("oslo")])
    text = path.read_text("utf-8")
    assert was in text
    path.write_text(text.replace(was, is_now), "utf-8")
    out = printed(capsys)
    assert "20261119-070000-000ab" in out
    left_out = re.search(r"\* run 20261122-070000-000ab is left out: (.*)", " ".join(out.split()))
    assert left_out is not None
    assert re.search(
        "this line is not a trial|its lines are not as expected|in its last line; the file was damaged", left_out[1]
    )


def test_more_tokens_than_sqlite_can_count_are_told_too(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a gateway says."""
    saved(reports, 22, [row("oslo", measures={"totalTokenCount": 10**29})])
    assert "20261122-070000-000ab" in printed(capsys)
    assert (
        max(float(line["tokens"]) for line in csv.DictReader(io.StringIO(printed(capsys, "--format", "csv")))) == 1e29
    )


def test_a_torn_page_is_damage_too(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lines(capsys)
    for file in reports.glob(f"{FILE}-*"):
        file.unlink()
    path = reports / FILE
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    assert lines(capsys) == before


def test_another_version_of_the_schema_is_built_again(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lines(capsys)
    with closing(sqlite3.connect(reports / FILE)) as db, db:
        db.execute("PRAGMA user_version = 99")
        db.execute("DROP TABLE groups")
    assert lines(capsys) == before


def test_a_removed_database_is_made_again(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lines(capsys)
    with closing(sqlite3.connect(reports / FILE)) as db, db:
        db.execute("UPDATE lines SET passed = 77")
    assert lines(capsys) != before
    for path in reports.glob(f"{FILE}*"):
        path.unlink()
    assert lines(capsys) == before


def test_a_damaged_run_is_noted_and_the_others_are_there(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = reports / "20261120-070000-000ab/run.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"{broken\n" + b"".join(rest))
    (reports / "empty").mkdir()
    (reports / "empty/run.jsonl").write_bytes(b"")
    out = " ".join(printed(capsys).split())
    assert "run 20261120-070000-000ab is left out: " in out
    assert "run.jsonl:2: this line is not JSON; the file was damaged" in out
    assert "run empty is left out: " in out
    assert [line["run"][6:8] for line in lines(capsys)] == ["19", "21"]


def test_a_run_that_was_cut_short_says_so(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = reports / "20261121-070000-000ab/run.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1])[:-9])
    assert "cut short" in lines(capsys)[-1]["change"]


def test_where_nothing_can_be_written_the_database_is_in_memory(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (reports / FILE).mkdir()
    out = " ".join(printed(capsys).split())
    assert (
        "history.sqlite cannot be used (unable to open database file): the runs are read again each time; remove it, and a new one is made"
        in out
    )
    assert len(lines(capsys)) == 4


def test_queries_are_answered(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT suite, sum(passed) AS good, max(cost_usd) AS cost FROM lines GROUP BY suite ORDER BY suite"
    assert printed(capsys, "--sql", sql).splitlines()[-1].split() == ["other", "1", "-"]
    assert json.loads(printed(capsys, "--sql", sql, "--format", "json"))["rows"] == [
        ["geography", 4, None],
        ["other", 1, None],
    ]
    assert next(csv.reader(io.StringIO(printed(capsys, "--sql", sql, "--format", "csv")))) == ["suite", "good", "cost"]
    assert printed(capsys, "--sql", "SELECT 1 WHERE 0") == "no rows\n"


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE runs",
        "SELECT 1; DELETE FROM runs",
        "ATTACH 'x.db' AS x",
        "PRAGMA query_only = OFF",
        "SELEKT",
        "",
        "SELECT nope",
    ],
)
def test_a_query_only_reads(reports: Path, capsys: pytest.CaptureFixture[str], sql: str) -> None:
    before = lines(capsys)
    assert main(["history", "--sql", sql]) == 4
    assert lines(capsys) == before


def test_calls_at_the_same_time_do_not_disturb_each_other(reports: Path) -> None:
    for day in range(1, 15):
        saved(reports, day, [row(f"case-{number}") for number in range(40)])
    command = [sys.executable, "-m", "harness", "history", "--format", "json"]
    calls = [subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) for _ in range(4)]
    output = [call.communicate(timeout=60)[0] for call in calls]
    assert [call.returncode for call in calls] == [0] * 4
    assert len(set(output)) == 1
    assert len(json.loads(output[0])["history"]) == 18
