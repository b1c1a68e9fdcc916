"""What changes by itself, and the smallest change that a suite can see."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.cli.main import main
from harness.compare.comparison import compare_runs
from harness.compare.noise import TargetNoise, noise
from harness.compare.stats.rates import Attempts, rates
from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import Summary, summarise
from tests.sample_rows import failed, row, run


def rows(passed: list[int], repeats: int) -> list[Row]:
    return [
        (row if n < count else failed)(f"case-{case:02}", n=n + 1, measures={"latency_s": 1.0 + 0.1 * n})
        for case, count in enumerate(passed)
        for n in range(repeats)
    ]


def made(*runs: Summary) -> TargetNoise:
    [found] = noise(runs)
    return found


def test_cells_that_flip_by_themselves_are_named() -> None:
    found = made(summarise(rows([5] * 18 + [4, 3], 5)))
    assert [(one.id, one.passed, one.judged) for one in found.unstable] == [
        ("geography/case-19@simulator/flash", 3, 5),
        ("geography/case-18@simulator/flash", 4, 5),
    ]
    assert [one.flips for one in found.unstable] == pytest.approx([0.6, 0.4])
    assert found.flips == pytest.approx(1 / 20)
    assert found.interval[0] < 1 / 20 < found.interval[1]
    assert (found.cells, found.repeats) == (20, 5)


def test_two_runs_of_the_same_target_are_repeats() -> None:
    found = made(summarise(rows([1, 1, 0, 1], 1)), summarise(rows([1, 0, 0, 1], 1)))
    assert [(one.passed, one.judged, one.flips) for one in found.unstable] == [(1, 2, 1.0)]
    assert found.repeats == 1


def test_the_noise_of_one_cell_is_that_of_its_attempts() -> None:
    found = made(summarise(rows([4], 5)))
    assert found.interval == found.unstable[0].interval
    assert found.visible[0].by_repeats[5] > 0.9


def test_no_flip_says_what_could_be_hidden() -> None:
    found = made(summarise(rows([2] * 10, 2)))
    assert found.interval == pytest.approx((0, 1 - 0.05**0.1))
    assert found.unstable == []


def test_the_smallest_visible_change_is_seen_in_four_reports_of_five() -> None:
    found = made(summarise(rows([5] * 20 + [4] * 15 + [3] * 5, 5)))
    least = found.visible[0].by_repeats[5]
    rng, before = np.random.default_rng(1), np.array([1.0] * 20 + [0.8] * 15 + [0.6] * 5)
    after = np.clip(before - least * 40 / 20 * (before < 1), 0, 1)
    seen = 0
    for _ in range(200):
        sides = (Attempts(rng.binomial(5, chances), [5] * 40) for chances in (before, after))
        seen += (rates(range(40), *sides, margin=0.02, scope="these cases").p or 1) <= 0.05
    assert 0.65 < seen / 200 < 0.95


def test_more_repeats_lower_the_smallest_change() -> None:
    found = made(summarise(rows([4] * 30, 5)))
    for one in found.visible:
        changes = list(one.by_repeats.values())
        assert changes == sorted(changes, reverse=True)


def test_a_comparison_of_repeats_shows_the_noise_of_the_reference() -> None:
    before, after = summarise(rows([5] * 9 + [3], 5)), summarise(rows([5] * 10, 5))
    assert compare_runs(before, after, ("run 1", "run 2")).notes == [
        "noise: two attempts at the same cell of run 1 disagree in 6.0% of pairs; 1 of 10 cells is unstable"
    ]


def test_the_command_shows_it_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = rows([5] * 18 + [4, 3], 5)
    with RunWriter(tmp_path, run(id="noisy")) as writer:
        for one in sample:
            writer.append(one)
        writer.close(summarise(sample))
    asked = ["noise", "noisy", "--reports", str(tmp_path)]
    shown = {}
    for name in ("table", "markdown", "html", "json"):
        assert main([*asked, "--format", name]) == 0
        shown[name] = capsys.readouterr().out
    assert "2 of 20 cells are unstable; two attempts disagree in 5.0% of pairs" in shown["table"]
    assert all("case-19" in text for text in shown.values())
    assert "any: the attempts at each case are equal, so any change is seen" in " ".join(shown["table"].split())
    document = json.loads(shown["json"])
    assert document["targets"][0]["unstable"][0]["passed"] == 3
    assert main([*asked, "--target", "a/b"]) == 4
    assert "run noisy has no target a/b; it has simulator/flash" in capsys.readouterr().err
    assert main(["noise", "noisy", "noisy", "--reports", str(tmp_path)]) == 4


def test_a_run_without_repeats_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunWriter(tmp_path, run(id="once")) as writer:
        writer.append(row())
        writer.close(summarise([row()]))
    assert main(["noise", "once", "--reports", str(tmp_path)]) == 5
    assert "no cell was judged twice; run with --repeat 3, or name two runs" in capsys.readouterr().err


def test_equal_attempts_have_no_noise_whatever_the_rounding() -> None:
    found = made(summarise([row("capital", n=n, measures={"latency_s": 0.1}) for n in (1, 2, 3)]))
    assert {one.measure: one.by_repeats[3] for one in found.visible}["latency_s"] == 0
