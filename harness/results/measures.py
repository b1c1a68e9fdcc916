"""The measures of groups over their attempts: a column of floats for each measure, with a value for each attempt."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import NamedTuple

MOST_NAMES = 200
"""Measures of a run that are kept. A run has about fifteen; a damaged one may name another in each trial."""


class Moments(NamedTuple):
    """How many values there are, their sum, and the sum of their squared distances from the mean."""

    size: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        return self.total / self.size

    @property
    def noise(self) -> float:
        """The variance of the mean; NaN for one value."""
        return self.squares / (self.size - 1) / self.size if self.size > 1 else math.nan


def moments(values: Sequence[float]) -> Moments:
    """The moments of these values."""
    if len(values) < 2:
        return Moments(1.0, values[0]) if values else _NO_VALUE
    total = math.fsum(values)
    mean = total / len(values)
    return Moments(len(values), total, math.fsum((value - mean) ** 2 for value in values))


_NO_VALUE = Moments()


def median(values: Iterable[float]) -> float:
    """As ``statistics.median``, whose import would cost each start 10 ms."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def middle(values: Iterable[float]) -> float | None:
    """The median; None if there is no value."""
    known = list(values)
    return median(known) if known else None


class Measures:
    """The measures of all attempts at the groups of a run, which are numbered from 0.

    The values of an attempt are beside each other, one for each of ``names``; NaN: not known.
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self._groups = array("I")
        self._values = array("d")
        self._sorted = True

    def add(self, group: int, measured: Mapping[str, float | None]) -> None:
        """Add an attempt at a group; None: not known."""
        if tuple(measured) != self.names:
            self._widen([intern(name) for name in measured if name not in self.names][: MOST_NAMES - len(self.names)])
            measured = {name: measured.get(name) for name in self.names}
        if self._groups and group < self._groups[-1]:
            self._sorted = False
        self._groups.append(group)
        self._values.fromlist([math.nan if value is None else value for value in measured.values()])

    def _widen(self, names: Sequence[str]) -> None:
        if names:
            unknown = array("d", [math.nan]) * len(self._groups)
            columns = [*map(self._column, range(len(self.names))), *[unknown] * len(names)]
            self.names += tuple(names)
            self._replace(columns)

    def _column(self, number: int) -> array[float]:
        return self._values[number :: len(self.names)]

    def _replace(self, columns: Sequence[array[float]]) -> None:
        self._values = array("d", [math.nan]) * (len(columns) * len(self._groups))
        for number, column in enumerate(columns):
            self._values[number :: len(columns)] = column

    @property
    def groups(self) -> array[int]:
        """The number of the group of each attempt, ascending."""
        self._sort()
        return self._groups

    def column(self, name: str) -> array[float]:
        """The values of a measure, in the order of ``groups``. Empty if no attempt has it."""
        self._sort()
        return self._column(self.names.index(name)) if name in self.names else array("d")

    def _sort(self) -> None:
        """Put the attempts at each group beside each other, in the order in which they were added. Most runs have this order."""
        if not self._sorted:
            order = sorted(range(len(self._groups)), key=self._groups.__getitem__)
            self._replace([array("d", map(self._column(at).__getitem__, order)) for at in range(len(self.names))])
            self._groups = array("I", map(self._groups.__getitem__, order))
            self._sorted = True

    def values(self, group: int, name: str) -> list[float]:
        """The known values of a measure, in the order of the attempts."""
        return _known(self._of(group)[self.names.index(name) :: len(self.names)]) if name in self.names else []

    def all_values(self, group: int) -> dict[str, list[float]]:
        """The values of every measure that has one."""
        values, width = self._of(group), len(self.names)
        return {name: known for at, name in enumerate(self.names) if (known := _known(values[at::width]))}

    def _of(self, group: int) -> array[float]:
        """The values of the attempts at the group."""
        start = bisect_left(self.groups, group)
        end = bisect_right(self.groups, group, start)
        return self._values[start * len(self.names) : end * len(self.names)]


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if value == value]  # noqa: PLR0124  nan is not itself
