"""Runs of every shape, in every format: no exception, and every cell is shown or counted."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from harness.compare.comparison import combine, compare_axis, compare_runs
from harness.compare.migration import Migration, unsupported
from harness.compare.sweeps import Sweeps, sweeps
from harness.report import Kind, Report, View, all_formats, find, layout
from harness.results import history_lines
from harness.results.groups import Group
from harness.results.rows import Row
from harness.results.summary import Summary, summarise
from tests.sample_rows import failed, row, rows_of, run, unjudged

TARGETS = ("google/flash", "google/gemini-3.1-pro-preview-with-a-name-that-folds", "cometapi/pro")
AXES: tuple[dict[str, Any], ...] = (
    {},
    {"thinking": "low"},
    {"thinking": "high"},
    {"thinking": 512, "transport": "stream"},
    {"thinking": 512, "transport": "unary"},
)
MAKE: dict[str, Callable[..., Row]] = {
    "passed": row,
    "failed": failed,
    "error": lambda case, target, _status, **more: unjudged(case, target, **more),
    "skipped": row,
    "xfailed": failed,
    "xpassed": row,
}
MORE = re.compile(r"and ([\d,]+) more cases?(?!s)")

cells = st.dictionaries(
    st.tuples(
        st.sampled_from(["geography", "grounding"]), st.integers(0, 6), st.sampled_from(TARGETS), st.integers(0, 4)
    ),
    st.sampled_from(sorted(MAKE)),
    max_size=24,
)
views = st.builds(
    View,
    width=st.sampled_from([1, 20, 40, 80, 200]),
    color=st.booleans(),
    measures=st.just(("chunks",)),
    details=st.sampled_from([None, 0, 1, 20]),
    cases=st.sampled_from([None, 1, 2, 3, 100]),
)
Cells = dict[tuple[str, int, str, int], str]


def rows_of_cells(asked: Cells) -> list[Row]:
    """A row per cell, each with a number of its own among its measures."""
    return [
        MAKE[status](
            f"case-{case}", target, status, suite=suite, axes=AXES[axes],
            measures={"chunks": 10_001 + number, "totalTokenCount": 7}, xfail="known" if status[0] == "x" else None,
        )
        for number, ((suite, case, target, axes), status) in enumerate(asked.items())
    ]  # fmt: skip


def write(kind: Kind, name: str, document: Any, view: View) -> str:
    out = io.StringIO()
    find(name, kind)(document, view, out)
    return out.getvalue()


def hidden(summary: Summary, view: View) -> Iterator[Group]:
    """The cells of the cases that a table leaves out."""
    suites = [list(layout.grids(groups)) for _, groups in summary.by_suite()]
    for grid in (grid for grids in layout.limited(suites, view.cases) for grid in grids):
        yield from (group for (case, _), group in grid.cells.items() if case in grid.left_out)


SPARSE: Cells = {("geography", case, TARGETS[0], 0): "passed" for case in range(3)} | {
    ("geography", 3 + case, TARGETS[1], 0): "passed" for case in range(3)
}


@given(cells, views)
@example(SPARSE, View(width=80, cases=3, measures=("chunks",)))
@example(SPARSE, View(width=40, cases=2, measures=("chunks",)))
def test_every_asked_cell_is_shown_or_counted(asked: Cells, view: View) -> None:
    rows = rows_of_cells(asked)
    summary = summarise(rows)
    left_out = {group.id: group for group in hidden(summary, view)}
    cases = {(group.suite, tuple(group.axes), group.case) for group in left_out.values()}
    document = Report(run(), summary, lambda: rows)
    for name in ("table", "markdown"):
        shown = write("run", name, document, view)
        for number, group in enumerate(summary.groups.values()):
            assert (f"{10_001 + number:,}" in shown) is (group.id not in left_out), (name, group.id)
        assert sum(int(number.replace(",", "")) for number in MORE.findall(shown)) == len(cases), name
    page = write("run", "html", document, view)
    assert all(f">{10_001 + number:,}</small>" in page for number in range(len(rows)))


@given(cells, views)
def test_formats_for_programs_have_every_cell(asked: Cells, view: View) -> None:
    rows = rows_of_cells(asked)
    summary = summarise(rows)
    document = Report(run(), summary, lambda: rows)
    ids = set(summary.groups)
    assert {
        line["id"].removesuffix("#1") for line in csv.DictReader(io.StringIO(write("run", "csv", document, view)))
    } == ids
    assert {group["id"] for group in json.loads(write("run", "json", document, view))["groups"]} == ids
    named = ET.fromstring(write("run", "junit", document, view)).iter("testcase")
    assert {f"{case.get('classname')}/{case.get('name')}" for case in named} == ids
    wrong = [group.id for group in summary.groups.values() if group.status in ("failed", "xpassed", "error")]
    log = write("run", "github", document, view).replace("%2C", ",").replace("%3A", ":")
    shown = [group_id for group_id in wrong if group_id in log]
    counted = sum(
        max(int(number) - 3, 0) for number in re.findall(r"the same for (\d+) more: ", log)
    )  # three are named
    assert len(shown) + counted == len(wrong) or " more, which GitHub would not show" in log


@given(cells, cells, views)
def test_every_document_is_written_in_every_format(before: Cells, after: Cells, view: View) -> None:
    rows = rows_of_cells(before), rows_of_cells(after)
    base, candidate = map(summarise, rows)
    runs = compare_runs(base, candidate, ("base", "candidate"))
    two = compare_axis(base, "target", TARGETS[0], TARGETS[1])
    three = [compare_axis(base, "target", TARGETS[0], target) for target in TARGETS[1:]]
    entries = [_entry(group) for summary in (base, candidate) for group in summary.groups.values()]
    moved = Migration(two, ["stage: preview -> stable"], unsupported(two, "pro"))
    documents: list[tuple[Kind, Any]] = [
        ("run", Report(run(), base, lambda: rows[0])),
        ("comparison", runs),
        ("comparison", combine("target", three)),
        ("sweep", Sweeps("a-run", "live from google", False, sweeps(base))),
        ("migration", moved),
        ("history", history_lines.History(list(history_lines.lines(entries)), ["a note"], 2)),
    ]
    for kind, document in documents:
        for name, writers in all_formats().items():
            if kind in writers:
                assert write(kind, name, document, view) or name == "github"
    assert rows_of(*rows[0])(list(base.groups)) == rows[0]


@given(cells, cells, views)
def test_every_flip_and_missing_cell_is_shown_or_counted(before: Cells, after: Cells, view: View) -> None:
    base, candidate = summarise(rows_of_cells(before)), summarise(rows_of_cells(after))
    runs = compare_runs(base, candidate, ("base", "candidate"))
    gone = unsupported(runs, "pro")
    document = Migration(runs, [], gone)
    table, markdown = (write("migration", name, document, view) for name in ("table", "markdown"))
    states = "passed|failed|error|skipped|xfailed|xpassed|flaky|not judged"
    in_table = re.findall(rf"^(?:{states}) -> (?:{states})  ", table, re.MULTILINE)
    in_markdown = re.findall(rf"^- (?:{states}) -&gt; (?:{states})  ", markdown.replace("**", ""), re.MULTILINE)
    for shown, text in ((in_table, table), (in_markdown, markdown)):
        flat = " ".join(text.split())
        more = sum(map(int, re.findall(r"and (\d+) more \(the worst", flat)))
        assert len(shown) + more == len(runs.flips)
        named = len([cell for cell, _ in gone if f"{cell}: " in flat.replace("\\", "")])
        left = sum(map(int, re.findall(r"and (\d+) more \(-v", flat)))
        assert named + left >= len(gone)


def _entry(group: Group) -> history_lines.HistoryEntry:
    known = group.typical("totalTokenCount")
    return history_lines.HistoryEntry(
        run="20261121-070000-ab12", started="2026-11-21T07:00:00+00:00", record_mode="live", complete=True,
        suite=group.suite, target=group.target, group=None, status=group.status, passed=group.passed, failed=0, errors=0,
        skipped=0, total=1, attempts=1, tokens=None if known is None else int(known), thoughts=None, ttft_s=None,
        latency_s=None, cost_usd=None, sources="google", simulated=False,
    )  # fmt: skip
