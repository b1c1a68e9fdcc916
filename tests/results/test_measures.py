"""Of many values nothing is lost: most of them are just not in memory."""

from __future__ import annotations

import errno
import math
import statistics
import tracemalloc
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.compare.stats import side
from harness.results import measures as measures_module
from harness.results.measures import RECENT_ATTEMPTS, Measures, middle

values = st.floats(0, 1e9) | st.integers(0, 5_000)
"""Seconds, dollars, tokens."""
attempts = st.lists(st.none() | values, max_size=60)


def measured(*groups: Iterable[float | None], name: str = "latency_s") -> Measures:
    """Group after group, attempt after attempt."""
    measures = Measures()
    for number, tried in enumerate(groups):
        measures.begin()
        for value in tried:
            measures.add(number, {"before": 3, name: value, "after": None})
    return measures


@given(attempts)
def test_every_value_is_there_as_it_was_measured(tried: list[float | None]) -> None:
    measures, known = measured(tried), [value for value in tried if value is not None]
    assert list(measures.values(0, "latency_s")) == known
    assert list(measures.names(0)) == (["before"] if tried else []) + (["latency_s"] if known else [])
    assert list(measures.values(0, "ttft_s")) == list(measures.values(0, "after")) == []


@given(st.lists(values, min_size=1, max_size=60))
def test_count_mean_and_noise_are_exact_however_many(several: list[float]) -> None:
    found = measured(several).moments(0, "latency_s")
    assert found.size == len(several)
    assert found.total == pytest.approx(math.fsum(several))
    if len(several) > 1:
        highest = max(several)
        assert found.noise == pytest.approx(statistics.variance(several) / len(several), abs=1e-12 * highest**2)


@given(st.lists(attempts, min_size=1, max_size=6), st.booleans())
def test_a_column_says_of_many_groups_what_each_says_of_itself(groups: list[list[float | None]], turned: bool) -> None:
    measures = measured(*groups, [])
    asked = range(len(groups), -1, -1) if turned else range(len(groups) + 1)
    for name in ("before", "latency_s", "after", "chunks"):
        found = [measures.moments(number, name) for number in asked]
        sizes, means, noises = side(measures, list(asked) if turned else asked, name)
        assert list(sizes) == [moments.size for moments in found]
        assert list(means) == pytest.approx(
            [moments.mean if moments.size else math.nan for moments in found], nan_ok=True
        )
        assert list(noises) == pytest.approx([moments.noise for moments in found], nan_ok=True)


@given(st.lists(st.lists(values, max_size=3 * RECENT_ATTEMPTS), max_size=5), st.randoms())
def test_groups_may_take_turns(groups: list[list[float]], chance: Any) -> None:
    measures = measured(*[[] for _ in groups])
    turns = [at for at, tried in enumerate(groups) for _ in tried]
    chance.shuffle(turns)
    ahead = [iter(tried) for tried in groups]
    for at in turns:
        measures.add(at, {"latency_s": next(ahead[at])})
    assert [list(measures.values(at, "latency_s")) for at in range(len(groups))] == groups


@pytest.mark.parametrize("before", [0, 1, RECENT_ATTEMPTS, RECENT_ATTEMPTS + 1, 40])
def test_a_measure_may_come_late_and_in_any_order(before: int) -> None:
    measures = measured([])
    for _ in range(before):
        measures.add(0, {"latency_s": 2.0})
    for _ in range(40):
        measures.add(0, {})
        measures.add(0, {"chunks": 4, "latency_s": 2.0})
        measures.add(0, {"cost_usd": 0.5})
    assert {name: measures.moments(0, name).size for name in measures.names(0)} == {
        "latency_s": before + 40,
        "chunks": 40,
        "cost_usd": 40,
    }
    assert set(measures.values(0, "chunks")) == {4}
    assert list(measures.values(0, "ttft_s")) == []
    assert measures.middles(0) == {"latency_s": 2.0, "chunks": 4, "cost_usd": 0.5}


many_values = st.lists(values, min_size=1, max_size=60).flatmap(
    lambda few: st.lists(st.sampled_from(few), min_size=1, max_size=400)
)


@pytest.mark.parametrize("many", [8, 40, 1_000])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(several=many_values)
def test_the_median_is_that_of_all(several: list[float], many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where those of ``many`` values that are near the middle are looked at, and where a sample misleads."""
    monkeypatch.setattr(measures_module, "MANY", many)
    assert middle(lambda: several) == statistics.median(several)


def test_nothing_has_no_median() -> None:
    assert middle(list) is None


def kept(attempts: int) -> int:
    """Bytes in memory."""
    tracemalloc.start()
    measures = measured([])
    for number in range(attempts):
        measures.add(0, {"latency_s": 1 + number * 7_919 % 1_009 / 1_009, "chunks": number % 7})
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_memory_does_not_grow_with_attempts() -> None:
    kept(2_000)  # what is made once and shared
    assert abs(kept(20_000) - kept(2_000)) < 1_000  # bytes; eighteen thousand attempts more have 288,000 of them


def test_where_no_file_can_be_written_the_values_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(measures_module, "TemporaryFile", refused)
    assert list(measured(range(50)).values(0, "latency_s")) == list(range(50))


def test_a_disk_that_fills_up_loses_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    class Small:
        """Takes 700 bytes, and of what is more only a part."""

        def __init__(self, **_: object) -> None:
            self.data, self.at = b"", 0

        def seek(self, at: int) -> None:
            self.at = at

        def write(self, data: bytes) -> int:
            fits = data[: 700 - self.at]
            self.data = self.data[: self.at] + fits
            return len(fits)

        def read(self, count: int) -> bytes:
            return self.data[self.at : self.at + count]

        def close(self) -> None: ...

    monkeypatch.setattr(measures_module, "TemporaryFile", Small)
    assert list(measured(range(90)).values(0, "latency_s")) == list(range(90))


def test_what_is_kept_goes_with_the_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []

    def noted(**how: Any) -> Any:
        files.append(TemporaryFile(**how))  # noqa: SIM115  to see who closes it
        return files[-1]

    monkeypatch.setattr(measures_module, "TemporaryFile", noted)
    measures = measured(range(50))
    assert [file.closed for file in files] == [False]
    del measures
    assert [file.closed for file in files] == [True]
