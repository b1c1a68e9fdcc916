"""A run on disk survives what can happen to it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from harness.errors import RunError
from harness.results import decoding
from harness.results.load import load, saved_runs
from harness.results.rows import Row, TurnRow, dumps, row_line
from harness.results.store import RunWriter, run_row
from harness.results.summary import Summary, summarise
from tests.sample_rows import PROVENANCE, failed, row, run, unjudged, verdict


def saved(tmp_path: Path, rows: list[Row], *, ended: bool = True) -> Path:
    with RunWriter(tmp_path, run()) as writer:
        for row in rows:
            writer.append(row)
        writer.close(summarise(rows) if ended else None)
    return writer.path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    rows = [row("a"), failed("日本")]
    read = load(saved(tmp_path, rows))
    assert list(read.rows()) == rows
    assert read.run == run(targets=["simulator/flash"])
    assert read.ending is not None
    assert read.ending["totals"]["failed"] == 1
    assert not read.notes


def test_the_trial_of_another_process_is_its_row_without_the_turns() -> None:
    turn = TurnRow("unary", "https://a.example", {"contents": []}, 200, "Oslo", "", {}, [0.1], 1)
    found = replace(failed("a"), turns=[turn])
    assert asdict(decoding.own(row_line(found))) == asdict(replace(found, turns=None))


def test_every_line_is_on_disk_when_its_trial_is_finished(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, run())
    writer.append(row("a"))
    assert [row.case for row in load(writer.path).rows()] == ["a"]
    writer.close()


def test_a_run_that_was_killed_is_read_and_said(tmp_path: Path) -> None:
    path = saved(tmp_path, [row("a"), row("b")], ended=False)
    path.write_bytes(path.read_bytes()[:-40])
    read = load(path)
    assert [row.case for row in read.rows()] == ["a"]
    assert read.notes == [f"{path}:3: the last line was cut off; that trial is not shown"]


def test_a_run_without_its_last_line_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, [row("a")], ended=False)
    read = load(path)
    assert len(list(read.rows())) == 1
    assert read.notes == [f"{path}: the run was not finished; the trials that it finished are here"]


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path, [row("a"), row("b")])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"{broken\n", *lines[2:]]))
    with pytest.raises(RunError, match=r"run\.jsonl:2: this line is not JSON"):
        list(load(path).rows())


@pytest.mark.parametrize("measure", ["1e999", "-1e101", "1" * 400, "-Infinity", "NaN", '"fast"', "[1]"])
def test_a_measure_that_is_no_number_is_an_error(tmp_path: Path, measure: str) -> None:
    path = saved(tmp_path, [row("a"), row("b")])
    path.write_text(path.read_text("utf-8").replace('"latency_s":0.5', f'"latency_s":{measure}'), "utf-8")
    with pytest.raises(RunError, match=r"run\.jsonl:2: this line is (not a trial .*\$\.measures|not JSON)"):
        summarise(load(path).rows())


@pytest.mark.parametrize("line", ["[1]", "3", '{"foo": 1}', '{"id": "a", "group": 3}'])
def test_a_line_that_is_no_trial_is_an_error(tmp_path: Path, line: str) -> None:
    path = saved(tmp_path, [row("a")], ended=False)
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RunError, match=r"run\.jsonl:3: this line is not a trial \(.*\); the file was damaged"):
        summarise(load(path).rows())


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ('"case":"a"', '"case":{}'),
        ('"axes":{}', '"axes":true'),
        ('"place":{"file":', '"place":{"fil":'),
        ('"require":null', '"require":"x"'),
        ('"simulated":true', '"simulated":[]'),
        ('"verdicts":[]', '"verdicts":[3]'),
        ('"error":null', '"error":"e"'),
        ('"attempt":1', '"attempt":1000000000000'),
        ('"axes":{}', f'"axes":{{"a":{"[" * 300}{"]" * 300}}}'),
        ('"turns":[]', '"turns":[{}]'),
        ('"case":"a"', '"case":"\\ud83d"'),
    ],
)
def test_a_trial_with_a_value_of_another_kind_is_an_error(tmp_path: Path, was: str, is_now: str) -> None:
    path = saved(tmp_path, [row("a", turns=[])])
    assert was in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(was, is_now, 1), "utf-8")
    with pytest.raises(
        RunError, match=r"run\.jsonl:2: this line is (not a trial \(.*\)|not JSON); the file was damaged"
    ):
        list(load(path).rows())


@pytest.mark.parametrize(
    "header_part",
    [
        {"started": "yesterday"},
        {"started": "0001-01-01T00:00:00+14:00"},
        {"selection": {"shard": [1, 10**12]}},
        {"selection": {"shard": [1]}},
        {"options": {"repeat": 10**12}},
        {"options": {"paths": {}}},
        {"options": {"cassettes": "a\0b"}},
        {"options": {"record_mode": "some"}},
        {"planned": 10**30},
        {"suites": [{"suite": "s", "file": "s.yaml", "sha256": "", "gate": {"latency": 2.5}}]},
    ],
    ids=str,
)
def test_a_header_with_what_no_run_says_is_refused(tmp_path: Path, header_part: dict[str, object]) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps({"version": 1, "run": {"id": "a", "started": "2026-01-01", **header_part}}) + "\n")
    with pytest.raises(RunError, match=r"is not a saved run: .* in its header"):
        load(path)


@pytest.mark.parametrize(
    ("text", "header_part"),
    [
        ('{"version": 2, "run": {}}\n', "has version 2 of the run format; this program reads version 1"),
        ("hello\n", "is not a saved run: its first line is not JSON"),
        ('{"version": 1, "run": {}}\n', "is not a saved run: its first line should hold version and run"),
        ("[]\n", "is not a saved run: its first line should hold version and run"),
    ],
)
def test_what_is_not_a_run_is_refused(tmp_path: Path, text: str, header_part: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(RunError, match=header_part):
        load(path)


def test_a_run_is_found_by_path_folder_id_beginning_and_last(tmp_path: Path) -> None:
    path = saved(tmp_path, [row()])
    for name in (path, path.parent, "20261121-070000-ab12", "20261121", "last"):
        assert load(name, tmp_path).path == path


def test_a_whole_id_is_that_run_though_it_begins_another_one(tmp_path: Path) -> None:
    path = saved(tmp_path, [row()])
    with RunWriter(tmp_path, run(id="20261121-070000-ab12-2")) as longer:
        longer.append(row())
    assert load("20261121-070000-ab12", tmp_path).path == path
    with pytest.raises(RunError, match="'20261121-07' is the beginning of 2 runs"):
        load("20261121-07", tmp_path)
    renamed = path.parent.rename(tmp_path / "baseline")
    assert load("20261121-070000-ab12", tmp_path).path == renamed / "run.jsonl"


def test_a_run_whose_folder_was_renamed_is_found_by_its_id(tmp_path: Path) -> None:
    path = saved(tmp_path, [row()])
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.jsonl").write_text("{")
    renamed = path.parent.rename(tmp_path / "baseline")
    assert load("20261121-070000-ab12", tmp_path).path == renamed / "run.jsonl"


def test_the_last_run_is_the_latest_whatever_folders_are_called(tmp_path: Path) -> None:
    (tmp_path / "zzz").mkdir()
    (tmp_path / "zzz" / "run.jsonl").write_text("{")
    saved(tmp_path, [row()]).parent.rename(tmp_path / "baseline")
    with RunWriter(tmp_path, run(id="20261122-070000-ab12")) as writer:
        writer.append(row())
    assert load("last", tmp_path).path == writer.path
    assert saved_runs(tmp_path) == ["zzz", "baseline", "20261122-070000-ab12"]


def test_no_such_run_names_the_latest(tmp_path: Path) -> None:
    saved(tmp_path, [row()])
    with pytest.raises(RunError, match=r"no saved run 'x' in .*; the latest are 20261121-070000-ab12"):
        load("x", tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(RunError, match=r"cannot write the run to .*; --reports DIR .* saves it elsewhere"):
        RunWriter(tmp_path / "reports", run())


def test_ids_of_runs_sort_by_time() -> None:
    made = run_row(record_mode="none", front="cli")
    assert made["id"].startswith(made["started"][:10].replace("-", ""))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_any_value_becomes_one_strict_line(value: object) -> None:
    line = dumps(value)
    assert "\n" not in line
    assert line.encode()
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


held = [verdict("text", ok=True), verdict("json", ok=True)]
warned = verdict("latency", ok=False, severity="warn")
waived = verdict("invariant:usage-sum", ok=True, status="waived", message="the gateway rounds")
some_rows = st.lists(
    st.sampled_from(
        [
            row("a", verdicts=held),
            row("a", n=2, verdicts=held[:1], measures={"latency_s": 2.5, "ttft_s": None, "chunks": 3}),
            row("a", n=3, provenance={**PROVENANCE, "recorded_at": "2026-11-19T23:00:00+00:00", "timing": "lost"}),
            row("a", n=4, provenance=None, unpriced="no price is known"),
            row("b", verdicts=[*held, warned], place={"file": "other.yaml", "line": 3}),
            row("b", n=2, verdicts=[waived], streamed=True, require=1, skip="not always"),
            row("b", "google/pro", "xfailed", xfail="known", verdicts=[verdict("text", ok=False)]),
            row(
                "c",
                axes={"transport": "unary"},
                agree="shape",
                outcome={"finishReason": "STOP", "parts": [], "text": ""},
            ),
            row(
                "c",
                axes={"transport": "stream"},
                agree="shape",
                outcome={"finishReason": "MAX_TOKENS", "parts": [], "text": ""},
            ),
            row(
                "c",
                axes={"transport": "stream"},
                agree="text",
                outcome={"finishReason": "STOP", "parts": ["text"], "text": "Oslo"},
            ),
            row("d", axes={"thinking": "low"}),
            failed("a", n=5),
            failed("a", n=6, verdicts=[verdict("json", ok=False, reason="cut")]),
            failed("a", n=7, verdicts=[held[0], verdict("invariant:json-schema", ok=False, reason="missing key")]),
            unjudged("d", axes={"thinking": "low"}, n=2),
            row("e", status="skipped", provenance=None),
        ]
    ),
    max_size=30,
)


def figures(summary: Summary) -> dict[str, Any]:
    """All that a summary says."""
    fields = ("id", "suite", "case", "target", "axes", "streamed", "require", "xfail", "skip", "place", "tally")
    return {
        "groups": {
            name: (
                [getattr(group, field) for field in (*fields, "trouble", "disagreement")],
                {measure: list(group.values(measure)) for measure in group.measures},
            )
            for name, group in summary.groups.items()
        },
        "counts": (summary.trials, summary.lost_timing, summary.warnings, summary.waived, summary.unpriced),
        "heard": {source: list(dates) for source, dates in summary.provenance.items()},
        "said": (summary.totals(), summary.cost(), summary.exit_code()),
    }


@given(some_rows)
def test_a_summary_read_from_disk_is_that_of_its_rows(rows: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        read = load(saved(Path(folder), rows))
        summary = read.summary()
        assert figures(summary) == figures(summarise(rows))
        assert read.ending is not None
        assert "groups" not in read.ending


@given(some_rows, st.sets(st.sampled_from("abcde")))
def test_the_rows_of_some_groups_are_found_again(rows: list[Row], cases: set[str]) -> None:
    wanted = {row.group for row in rows if row.case in cases}
    with TemporaryDirectory() as folder:
        read = load(saved(Path(folder), rows))
        found = [row.id for row in read.rows_of(wanted)]
    assert found == [row.id for row in rows if row.group in wanted]


def test_a_summary_of_a_run_that_was_killed_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path, [row("a"), row("b")], ended=False)
    path.write_bytes(path.read_bytes()[:-100])
    read = load(path)
    assert list(read.summary().groups) == ["geography/a@simulator/flash"]
    assert [note.partition(": ")[2] for note in read.notes] == ["the last line was cut off; that trial is not shown"]
