"""What is kept of many values says what all of them would."""

from __future__ import annotations

import math
import statistics
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spread import ERROR, EXACT, Measures, middle

SMALLEST = 1e-27
values = st.floats(0, 1e9) | st.integers(0, 5_000)
"""Seconds, dollars, tokens."""
many = st.lists(values, min_size=1, max_size=60).flatmap(
    lambda few: st.lists(st.sampled_from(few), min_size=1, max_size=900)
)


def measured(attempts: Sequence[float | None], name: str = "latency_s") -> Measures:
    measures = Measures()
    for each in attempts:
        measures.add({"before": 3, name: each, "after": None})
    return measures


@given(st.lists(values, min_size=1, max_size=EXACT))
def test_few_values_are_kept_as_they_are(few: list[float]) -> None:
    measures = measured(few)
    assert list(measures.get("latency_s")) == few
    assert middle(measures.weighed("latency_s")) == statistics.median(few)


@given(many)
def test_of_many_values_each_is_known_to_a_thousandth(several: list[float]) -> None:
    kept = sorted(measured(several).get("latency_s"))
    assert kept == pytest.approx(sorted(several), rel=ERROR, abs=SMALLEST)


@given(many)
def test_the_median_of_many_is_known_to_a_thousandth(several: list[float]) -> None:
    found = middle(measured(several).weighed("latency_s"))
    assert found == pytest.approx(statistics.median(several), rel=ERROR, abs=SMALLEST)


@given(many)
def test_count_mean_and_noise_are_exact_however_many(several: list[float]) -> None:
    found = measured(several).moments("latency_s")
    assert found.size == len(several)
    assert found.total == pytest.approx(math.fsum(several))
    if len(several) > 1:
        spread = max(several)
        assert found.noise == pytest.approx(statistics.variance(several) / len(several), abs=1e-12 * spread**2)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=700))
def test_small_counts_stay_exact(counts: list[int]) -> None:
    assert sorted(measured(list(counts), "chunks").get("chunks")) == sorted(counts)


@given(st.lists(st.none() | values, max_size=700))
def test_what_is_not_known_counts_for_nothing(attempts: list[float | None]) -> None:
    measures, known = measured(attempts), [each for each in attempts if each is not None]
    assert measures.moments("latency_s").size == len(measures.get("latency_s")) == len(known)
    assert list(measures) == (["before"] if attempts else []) + (["latency_s"] if known else [])


@pytest.mark.parametrize("before", [0, 3, 40, 600])
def test_a_measure_may_come_late_and_in_any_order(before: int) -> None:
    measures = Measures()
    for _ in range(before):
        measures.add({"latency_s": 2.0})
    for _ in range(40):
        measures.add({})
        measures.add({"chunks": 4, "latency_s": 2.0})
        measures.add({"cost_usd": 0.5})
    assert {name: measures.moments(name).size for name in measures} == {
        "latency_s": before + 40,
        "chunks": 40,
        "cost_usd": 40,
    }
    assert set(measures.get("chunks")) == {4}
    assert list(measures.get("ttft_s")) == []


def test_memory_is_bounded_by_the_values_that_differ() -> None:
    def kept(attempts: int) -> int:
        tracemalloc.start()
        measures = Measures()
        for number in range(attempts):
            measures.add({"latency_s": 1 + number * 7_919 % 1_009 / 1_009, "chunks": number % 7})
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size

    kept(2_000)  # what is made once and shared
    assert kept(20_000) < kept(2_000) + 8_192 < 40_000
