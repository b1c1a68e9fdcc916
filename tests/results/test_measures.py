"""Every value of every attempt is there, by its group and by its measure."""

from __future__ import annotations

import math
import statistics
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.stats.cells import side
from harness.results.measures import MOST_NAMES, Measures, middle

values = st.floats(0, 1e9) | st.integers(0, 5_000)
"""Seconds, dollars, tokens."""
attempts = st.lists(st.none() | values, max_size=60)


def measured(*groups: Iterable[float | None], name: str = "latency_s") -> Measures:
    """Group after group, attempt after attempt."""
    measures = Measures()
    for number, tried in enumerate(groups):
        for value in tried:
            measures.add(number, {"before": 3, name: value, "after": None})
    return measures


@given(attempts)
def test_every_value_is_there_as_it_was_measured(tried: list[float | None]) -> None:
    measures, known = measured(tried), [value for value in tried if value is not None]
    assert measures.values(0, "latency_s") == known
    assert list(measures.all_values(0)) == (["before"] if tried else []) + (["latency_s"] if known else [])
    assert measures.values(0, "ttft_s") == measures.values(0, "after") == []


@given(st.lists(values, min_size=1, max_size=60))
def test_count_mean_and_noise_are_exact_however_many(several: list[float]) -> None:
    (size,), (mean,), (noise,) = side(measured(several), [0], "latency_s")
    assert (size, mean) == (len(several), pytest.approx(math.fsum(several) / len(several)))
    assert noise == pytest.approx(noise_of(several), nan_ok=True, abs=1e-12 * max(several) ** 2)


def noise_of(several: list[float]) -> float:
    """The variance of the mean; nan for one value."""
    return statistics.variance(several) / len(several) if len(several) > 1 else math.nan


@given(st.lists(attempts, min_size=1, max_size=6), st.booleans())
def test_a_column_says_of_many_groups_what_each_says_of_itself(groups: list[list[float | None]], turned: bool) -> None:
    measures = measured(*groups, [])
    asked = list(range(len(groups), -1, -1) if turned else range(len(groups) + 1))
    for name in ("before", "latency_s", "after", "chunks"):
        found = [measures.values(number, name) for number in asked]
        sizes, means, noises = side(measures, asked, name)
        assert list(sizes) == list(map(len, found))
        assert list(means) == pytest.approx(
            [statistics.fmean(known) if known else math.nan for known in found], nan_ok=True
        )
        highest = max((value or 0 for tried in groups for value in tried), default=0)
        noise = pytest.approx(list(map(noise_of, found)), nan_ok=True, abs=1e-12 * highest**2)
        assert list(noises) == noise


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-7, 86_399.99])
def test_equal_values_have_no_noise_however_many(value: float) -> None:
    sizes, means, noises = side(measured([value] * 3, [value] * 7), [0, 1], "latency_s")
    assert list(sizes) == [3, 7]
    assert list(means) == [value, value]
    assert list(noises) == [0, 0]


@given(st.lists(st.lists(values, max_size=24), max_size=5), st.randoms())
def test_groups_may_take_turns(groups: list[list[float]], chance: Any) -> None:
    measures = Measures()
    turns = [at for at, tried in enumerate(groups) for _ in tried]
    chance.shuffle(turns)
    ahead = [iter(tried) for tried in groups]
    for at in turns:
        measures.add(at, {"latency_s": next(ahead[at])})
    assert [measures.values(at, "latency_s") for at in range(len(groups))] == groups


@pytest.mark.parametrize("before", [0, 1, 40])
def test_a_measure_may_come_late_and_in_any_order(before: int) -> None:
    measures = measured()
    for _ in range(before):
        measures.add(0, {"latency_s": 2.0})
    for number in range(40):
        measures.add(0, {})
        measures.add(0, {"chunks": 4, "latency_s": 2.0})
        measures.add(0, {"cost_usd": number})
    assert measures.all_values(0) == {
        "latency_s": [2.0] * (before + 40),
        "chunks": [4.0] * 40,
        "cost_usd": [*range(40)],
    }
    assert measures.values(0, "ttft_s") == []


def test_a_run_that_names_another_measure_in_each_trial_stays_small() -> None:
    measures = Measures()
    for number in range(2 * MOST_NAMES):
        measures.add(number, {"chunks": 1, f"measure-{number}": 1})
    assert len(measures.names) == MOST_NAMES
    assert measures.values(2 * MOST_NAMES - 1, "chunks") == [1]


def test_the_median_is_that_of_the_standard_library() -> None:
    assert middle([3.0, 1.0, 2.0, 10.0]) == statistics.median([3.0, 1.0, 2.0, 10.0])
    assert middle([]) is None


def test_a_value_takes_little_more_than_its_eight_bytes() -> None:
    tracemalloc.start()
    measures = measured([1.5] * 20_000)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(measures.groups) == 20_000
    assert size < 1.2 * 20_000 * (3 * 8 + 4)  # three measures, and the number of the group
