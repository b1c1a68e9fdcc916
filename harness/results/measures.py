"""The measures of groups over their attempts: a column of floats for each measure, with a value for each attempt."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from sys import intern

MOST_NAMES = 200
"""Measures of a run that are kept. A run has about fifteen; a damaged one may name another in each trial."""


def middle(values: Iterable[float]) -> float | None:
    """The median; None if there is no value. As ``statistics.median``, whose import would cost each start 10 ms."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered or len(ordered) % 2:
        return ordered[half] if ordered else None
    return (ordered[half - 1] + ordered[half]) / 2


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None where there is nothing to sum, or one of the values is not known."""
    known = list(values)
    return None if not known or None in known else math.fsum(value or 0.0 for value in known)


class Measures:
    """The measures of all attempts at the groups of a run, which are numbered from 0: a column for each, with a value for each attempt.
    NaN: not known.
    """

    def __init__(self) -> None:
        self._groups = array("I")
        self._columns: dict[str, array[float]] = {}
        self._sorted = True

    @property
    def names(self) -> Collection[str]:
        return self._columns.keys()

    def add(self, group: int, measured: Mapping[str, float | None]) -> None:
        """Add an attempt at a group; None: not known."""
        columns = self._columns
        if measured.keys() != columns.keys():
            for name in measured:
                if name not in columns and len(columns) < MOST_NAMES:
                    columns[intern(name)] = array("d", [math.nan]) * len(self._groups)
        for name, column in columns.items():
            value = measured.get(name)
            column.append(math.nan if value is None else value)
        self._sorted = self._sorted and not (self._groups and group < self._groups[-1])
        self._groups.append(group)

    @property
    def groups(self) -> array[int]:
        """The number of the group of each attempt, ascending."""
        self._sort()
        return self._groups

    def column(self, name: str) -> array[float]:
        """The values of a measure, in the order of ``groups``. Empty if no attempt has it."""
        self._sort()
        return self._columns.get(name, _EMPTY)

    def _sort(self) -> None:
        """Put the attempts at each group beside each other, in the order in which they were added. Most runs have this order."""
        if not self._sorted:
            order = sorted(range(len(self._groups)), key=self._groups.__getitem__)
            self._groups = array("I", map(self._groups.__getitem__, order))
            for name, column in self._columns.items():
                self._columns[name] = array("d", map(column.__getitem__, order))
            self._sorted = True

    def values(self, group: int, name: str) -> list[float]:
        """The known values of a measure, in the order of the attempts."""
        return _known(self.column(name)[self._of(group)])

    def all_values(self, group: int) -> dict[str, list[float]]:
        """The values of every measure that has one."""
        here = self._of(group)
        return {name: known for name, column in self._columns.items() if (known := _known(column[here]))}

    def _of(self, group: int) -> slice:
        """Where the attempts at the group are."""
        start = bisect_left(self.groups, group)
        return slice(start, bisect_right(self.groups, group, start))


_EMPTY = array("d")


def _known(values: Iterable[float]) -> list[float]:
    """Those that are measured: neither nan nor negative, which no measure can be."""
    return [value for value in values if value >= 0]
