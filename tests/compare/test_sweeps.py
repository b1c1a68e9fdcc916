"""Sweeps: which value is the knee, and when the data cannot tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.main import main
from harness.compare.sweeps import Sweep, sweeps
from harness.extensions import NEEDS_STATS
from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import summarise
from tests import sample_rows

TOKENS = {"minimal": 20, "low": 120, "high": 1_000}


def swept_rows(values: dict[Any, list[int]], axis: str = "thinking", *, repeat: int = 1, **more: Any) -> list[Row]:
    """Rows of a sweep. ``values``: value -> the numbers of its failed cases; ``more``: ``cases``, and fields of the rows.

    The tokens of a value come from ``TOKENS``, or from its position.
    """
    cases = more.pop("cases", 10)
    rows = []
    for place, (value, failing) in enumerate(values.items()):
        tokens = TOKENS.get(value, 100 * (place + 1))
        measures = {"thoughtsTokenCount": tokens - 20, "totalTokenCount": tokens, "latency_s": 1.0}
        for case in range(cases):
            make = sample_rows.failed if case in failing else sample_rows.row
            rows += [
                make(f"case-{case:03}", n=n + 1, axes={axis: value}, **{"measures": measures, **more})
                for n in range(repeat)
            ]
    return rows


def only_sweep(rows: list[Row], **more: Any) -> Sweep:
    (found,) = sweeps(summarise(rows), **more)
    return found


def test_the_cheapest_value_is_the_knee_if_more_buys_nothing() -> None:
    found = only_sweep(swept_rows({"minimal": [1], "low": [1], "high": [1]}, cases=400))
    assert (found.best, found.knee.value, found.price) == ("minimal", "minimal", "totalTokenCount")
    assert found.knee.message == (
        "more thinking buys nothing measurable: minimal is the knee: the best, 99.8% at 20 tokens"
    )


def test_the_knee_equals_the_best_and_cheaper_is_worse() -> None:
    found = only_sweep(swept_rows({"minimal": list(range(200)), "low": [1], "high": []}, cases=400))
    assert (found.best, found.knee.value) == ("high", "low")
    assert found.knee.message.startswith(
        "low is the knee: 99.8% at 120 tokens; not worse than high (100% at 1,000 tokens) by 2 pp; "
        "minimal is worse by more: -50.0 pp ("
    )


def test_a_slightly_lower_rate_is_not_a_measurable_loss() -> None:
    found = only_sweep(swept_rows({"minimal": [1], "low": [2], "high": []}, cases=400))
    assert found.best == "high"
    assert found.knee.message.startswith(
        "more thinking buys nothing measurable: minimal is the knee: 99.8% at 20 tokens"
    )


def test_no_value_is_cheaper_if_every_step_buys_something() -> None:
    found = only_sweep(swept_rows({"minimal": list(range(60)), "low": list(range(30)), "high": []}, cases=100))
    assert found.knee.value == "high"
    assert found.knee.message.startswith("high is the knee: the best, 100% at 1,000 tokens")
    assert found.knee.message.count("is worse by more:") == 2


def test_few_cases_cannot_tell_and_name_how_many_would() -> None:
    found = only_sweep(swept_rows({"minimal": [1, 2], "low": [], "high": []}))
    assert found.knee.value is None
    assert found.knee.seems == "low"
    assert found.knee.message.startswith("cannot tell: is minimal enough? Against low: -20.0 pp (")
    assert "needs at least 28 more cases." in found.knee.message
    assert found.knee.message.endswith("As far as was seen, low is the knee: 100% at 120 tokens")


def test_a_value_within_the_margin_is_not_out() -> None:
    """80, 95.3, 96.9 and 97% in 2,000 cases: the second is worse than the best, by less than 2 points, and half as dear."""
    failing = {1: list(range(400)), 2: list(range(94)), 3: list(range(62)), 4: list(range(60))}
    found = only_sweep(swept_rows(failing, axis="topK", cases=2_000))
    assert [point.standing for point in found.points] == ["out", "unclear", "enough", "enough"]
    assert (found.knee.value, found.knee.seems) == (None, "2")


def test_equal_values_in_few_cases_are_no_proof() -> None:
    found = only_sweep(swept_rows({"minimal": [], "low": [], "high": []}, cases=3))
    assert found.knee.value is None
    assert found.knee.message.startswith("cannot tell: is low better than minimal? ")


def test_a_value_that_is_surely_enough_is_named() -> None:
    found = only_sweep(swept_rows({"minimal": list(range(5)), "low": [7], "high": []}, cases=400))
    assert (found.knee.value, found.knee.seems) == (None, "minimal")
    assert "is minimal enough? Against high:" in found.knee.message
    assert " low is surely enough: -0.2 pp (" in found.knee.message


def test_one_case_says_nothing_about_others() -> None:
    found = only_sweep(swept_rows({"minimal": [0], "low": [], "high": []}, cases=1, repeat=50))
    assert found.knee.value is None
    assert found.knee.message.startswith(
        "cannot tell: one case says nothing about others, however often it is repeated"
    )


def test_if_nothing_passes_there_is_no_knee() -> None:
    every = list(range(10))
    found = only_sweep(swept_rows({"minimal": every, "low": every, "high": every}))
    assert found.knee == (
        None,
        "cannot tell: nothing passed at any value, so there is nothing to choose by",
        None,
    )


def test_a_cell_unjudged_at_one_value_is_left_out_at_all() -> None:
    rows = swept_rows({"minimal": [], "low": [], "high": []}, cases=5)
    rows += [
        sample_rows.row("lost", axes={"thinking": "minimal"}),
        sample_rows.row("lost", axes={"thinking": "low"}),
        sample_rows.unjudged("lost", axes={"thinking": "high"}),
    ]
    found = only_sweep(rows)
    assert (found.cells, found.left_out) == (5, 1)
    assert [point.attempts for point in found.points] == [5, 5, 5]


def test_a_sweep_without_judged_cells_cannot_tell() -> None:
    found = only_sweep([sample_rows.unjudged(axes={"thinking": value}) for value in TOKENS])
    assert found.knee.message == "cannot tell: no cell could be judged at every value"


def test_without_statistics_a_sweep_has_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.compare.sweeps.has_statistics", lambda: False)
    found = only_sweep(swept_rows({"minimal": [], "low": [], "high": []}))
    assert [point.rate for point in found.points] == [1, 1, 1]
    assert found.knee.value is None
    assert found.knee.message == f"cannot tell: {NEEDS_STATS}"


def test_values_stand_in_the_order_of_the_api() -> None:
    found = only_sweep(swept_rows({-1: [], 2048: [], "high": [], 0: [], "minimal": [], 512: []}))
    assert [point.name for point in found.points] == ["0", "minimal", "high", "512", "2048", "-1"]


def test_any_axis_with_an_order_is_a_sweep_and_others_are_not() -> None:
    assert only_sweep(swept_rows({1.0: [], 0.5: [], 0.0: []}, "temperature")).axis == "temperature"
    assert sweeps(summarise(swept_rows({"a": [], "b": [], "c": []}, "transport"))) == []
    assert sweeps(summarise(swept_rows({"minimal": [], "low": []}))) == []


def test_the_price_is_the_cost_where_it_is_known() -> None:
    rows = swept_rows({"minimal": [], "low": [], "high": []})
    for row in rows:
        row.measures["cost_usd"] = 0.001 if row.axes["thinking"] == "low" else 0.002
    found = only_sweep(rows)
    assert (found.price, found.best) == ("cost_usd", "low")
    assert found.knee.message.endswith("low is the knee: 100% at $0.0010")
    rows[0].measures["cost_usd"] = None  # known in fewer cells than tokens
    assert only_sweep(rows).price == "totalTokenCount"


def test_several_suites_are_swept_together_and_each() -> None:
    rows = [row for suite in ("a", "b") for row in swept_rows({"minimal": [], "low": [], "high": []}, suite=suite)]
    assert [(sweep.suite, sweep.cells) for sweep in sweeps(summarise(rows))] == [(None, 20), ("a", 10), ("b", 10)]
    assert [sweep.suite for sweep in sweeps(summarise(rows), suites=["b"])] == ["b"]


@settings(max_examples=40)
@given(
    failing=st.lists(st.sets(st.integers(0, 7)), min_size=3, max_size=3),
    repeat=st.integers(1, 2),
)
def test_a_knee_is_never_dearer_or_worse_than_the_best(failing: list[set[int]], repeat: int) -> None:
    values = dict(zip(TOKENS, map(list, failing), strict=True))
    found = only_sweep(swept_rows(values, cases=8, repeat=repeat))
    points = {point.name: point for point in found.points}
    best = points[found.best]
    assert best.rate == max(point.rate for point in points.values())
    assert all(point.interval[0] <= point.rate <= point.interval[1] for point in points.values())
    for name in (found.knee.value, found.knee.seems):
        if name is not None:
            assert points[name].rate >= best.rate - found.margin
            assert points[name].numbers["totalTokenCount"] <= best.numbers["totalTokenCount"]


# --- the command --------------------------------------------------------------------------------------


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    rows = swept_rows({"minimal": list(range(200)), "low": [1], "high": []}, cases=400)
    with RunWriter(tmp_path, sample_rows.run()) as writer:
        for row in rows:
            writer.append(row)
        writer.close(summarise(rows))
    return tmp_path


def test_the_table_fits_a_terminal_and_names_the_knee(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--reports", str(reports)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line.endswith(("knee", "best"))] == ["low", "high"]
    assert any(line.startswith("low is the knee: 99.8% at 120 tokens;") for line in lines)
    assert any("SIMULATED" in line for line in lines)


def test_of_values_that_all_fail_none_is_marked_as_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunWriter(tmp_path, sample_rows.run()) as writer:
        for row in (rows := swept_rows({value: [0, 1, 2] for value in TOKENS}, cases=3)):
            writer.append(row)
        writer.close(summarise(rows))
    main(["sweep", "--reports", str(tmp_path)])
    table = capsys.readouterr().out.partition("\nnotes")[0]
    assert "best" not in table


def test_every_format_says_the_same(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(name: str) -> str:
        assert main(["sweep", "last", "--reports", str(reports), "--format", name]) == 0
        return capsys.readouterr().out

    document = json.loads(printed("json"))
    (sweep,) = document["sweeps"]
    assert (document["version"], document["simulated"], sweep["knee"]["value"]) == (1, True, "low")
    assert sweep["points"][1]["cost_usd"] is None
    assert sweep["points"][0]["against_best"]["verdict"] == "worse"
    assert "**low is the knee: 99.8% at 120 tokens;" in printed("markdown")
    page = printed("html")
    assert "low is the knee: 99.8% at 120 tokens;" in page
    assert "SIMULATED" in page


def test_the_page_of_a_run_names_the_knee(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--reports", str(reports), "--format", "html"]) == 0
    assert "simulator/flash: low is the knee: 99.8% at 120 tokens;" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--axis", "thinkin"], 4, "has no swept axis 'thinkin'; did you mean \"thinking\"?"),
        (["--suite", "geology"], 4, "has no suite 'geology'"),
        (["--margin", "2"], 4, "--margin pass_rate: expected a number above 0 with pp, as in pass_rate=5pp; got '2'"),
        (["--margin", "latency=5%"], 4, "--margin: a sweep goes by pass rates, as in 5pp"),
        (["--format", "csv"], 4, "no format 'csv' for a sweep"),
    ],
)
def test_bad_usage_is_an_error(
    reports: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, message: str
) -> None:
    assert main(["sweep", "--reports", str(reports), *argv]) == code
    assert message in capsys.readouterr().err


def test_a_run_without_a_sweep_says_what_it_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = swept_rows({"low": [], "high": []})
    with RunWriter(tmp_path, sample_rows.run()) as writer:
        for row in rows:
            writer.append(row)
        writer.close(summarise(rows))
    assert main(["sweep", "--reports", str(tmp_path)]) == 5
    error = capsys.readouterr().err
    assert "holds no sweep" in error
    assert "The run has thinking: low, high" in error
