"""Documents begin with what their reader decides by: the bottom line of each."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from harness.compare.comparison import combine, compare_axis
from harness.compare.compatible import Compatibility, FeatureCell, Side, State
from harness.report import Kind, View, find
from harness.results.history_lines import History, HistoryEntry, lines
from harness.results.summary import summarise
from tests.sample_rows import failed, row

FORMATS = ("table", "markdown", "html")
ENTRY = HistoryEntry(
    run="20261121-070000-ab12", started="2026-11-21T07:00:00+00:00", record_mode="live", complete=True, suite="capitals",
    target="google/flash", group=None, status=None, passed=9, failed=1, errors=0, skipped=0, total=10, attempts=10, tokens=None,
    thoughts=None, ttft_s=None, latency_s=None, cost_usd=None, sources="google", simulated=False,
)  # fmt: skip


def written(name: str, kind: Kind, document: Any) -> str:
    find(name, kind)(document, View(width=200), out := io.StringIO())
    return out.getvalue()


def history(*passed: tuple[str, int]) -> History:
    """A run after the other, each of one suite, with how many of 10 cases passed."""
    entries = [
        replace(ENTRY, run=f"run-{number}", suite=suite, passed=count) for number, (suite, count) in enumerate(passed)
    ]
    return History(list(lines(entries)))


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([("a", 9)], "a single run so far"),
        ([("a", 9), ("a", 7)], "worse than in the run before: a at google/flash 7/10 after 9/10"),
        (
            [("a", 9), ("b", 5), ("a", 9), ("b", 6)],
            "better than in the run before: b at google/flash 6/10 after 5/10; ",
        ),
        ([("a", 9), ("a", 9)], "as many passed as in the run before: 1 of 1 subject"),
        ([], "no saved run has results yet"),
    ],
)
def test_a_history_begins_with_what_became_worse(passed: list[tuple[str, int]], expected: str) -> None:
    assert written("table", "history", history(*passed)).startswith(expected)
    assert written("markdown", "history", history(*passed)).startswith(f"**{expected.rstrip()}")
    assert f'<p class="bottom-line">{expected}' in written("html", "history", history(*passed))


@pytest.mark.parametrize("name", FORMATS)
def test_two_dialects_begin_with_how_many_features_work(name: str) -> None:
    native = Side("g/flash", "native", native=True, providers=("g",))
    other = Side("o/flash", "compatible", native=False, providers=("o",))
    states: dict[str, State] = {"text": "works", "thinking": "differs", "maps": "differs"}
    rows = [
        (
            feature,
            [FeatureCell("g/flash", "works", "", ("trial",)), FeatureCell("o/flash", state, "", ("trial",))],
        )
        for feature, state in states.items()
    ]
    shown = written(name, "compatible", Compatibility("flash", [native, other], rows))
    assert "features that work: native 3 of 3; compatible 1 of 3, 2 differ" in shown
    assert shown.index("features that work") < shown.index("thinking", shown.index("features that work"))


@pytest.mark.parametrize("name", FORMATS)
def test_candidates_begin_with_a_verdict_on_each(name: str) -> None:
    rows = [made(f"case-{n}", f"g/{side}") for n in range(30) for side, made in (("a", row), ("b", row), ("c", failed))]
    both = [compare_axis(summarise(rows), "target", "g/a", f"g/{side}") for side in "bc"]
    shown = written(name, "comparison", combine("target", both))
    assert "g/b: cannot tell; g/c: worse" in shown
    assert shown.index("g/b: cannot tell; g/c: worse") < shown.index("2 candidates against g/a; pass rates")
