"""The measures of groups over their attempts: every exact value, in memory that does not grow with the attempts.

The latest values of a group are in memory, with the count, sum and squares of the earlier ones, which are in a temporary file.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate, chain, islice
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, TypeVar, cast

T = TypeVar("T", int, float)
RECENT_ATTEMPTS = 8
"""Attempts of a group whose values are in memory. With one more, all of them move to the file."""
MANY = 20_000
"""Number of values from which on the median is found without holding all of them."""
ELSEWHERE = -1
"""The table number of groups with no attempt, or with several."""
_NEAR = 0.02
"""The median of all values is searched between these quantiles of a sample: 0.5 minus and plus this."""


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

    def __add__(self, other: Moments) -> Moments:  # type: ignore[override]
        """The moments of both together (Chan, Golub and LeVeque)."""
        if not self.size or not other.size:
            return self if self.size else other
        count = self.size + other.size
        apart = (other.mean - self.mean) ** 2 * self.size * other.size / count
        return Moments(count, self.total + other.total, self.squares + other.squares + apart)


_NO_VALUE = Moments()


def median(values: Iterable[float]) -> float:
    """As ``statistics.median``, whose import would cost each start 10 ms."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def moments(values: Sequence[float]) -> Moments:
    """The moments of these values."""
    if not values:
        return _NO_VALUE
    total = math.fsum(values)
    mean = total / len(values)
    return Moments(len(values), total, math.fsum((value - mean) ** 2 for value in values))


class SpillFile:
    """Numbers outside of memory: a temporary file, created at the first ``put`` and removed with this object.

    If no file can be written, they stay in memory.
    """

    __slots__ = ("_end", "_file", "_refused")

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._end = 0
        self._refused: list[array[float]] = []

    def put(self, values: array[float]) -> int:
        """Store values. Returns the position for ``take``."""
        data = values.tobytes()
        try:
            if self._file is None:
                self._file = cast("BinaryIO", TemporaryFile(buffering=0))  # noqa: SIM115  it lives as long as this object
            self._file.seek(self._end)
            if self._file.write(data) == len(data):
                self._end += len(data)
                return self._end - len(data)
        except OSError:
            pass
        self._refused.append(values)
        return -len(self._refused)

    def take(self, at: int, count: int) -> array[float]:
        """The ``count`` values stored at a position. Raises OSError if the file cannot be read."""
        if at < 0:
            return self._refused[-at - 1]
        assert self._file is not None
        self._file.seek(at)
        values = array("d")
        values.frombytes(self._file.read(count * values.itemsize))
        return values

    def __del__(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


class SingleMeasures:
    """A table of groups with one attempt and the same measures: a row for each group, a column for each name; NaN: not known."""

    __slots__ = ("names", "rows", "values")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.values = array("d")
        self.rows = 0

    def put(self, values: list[float | None]) -> int:
        """Add a row. Returns its number."""
        _extend(self.values, values)
        self.rows += 1
        return self.rows - 1

    def value(self, row: int, name: str) -> float:
        """The value; NaN if it is not known, or if there is no such measure."""
        return self.values[row * len(self.names) + self.names.index(name)] if name in self.names else math.nan

    def known(self, row: int) -> dict[str, float]:
        width = len(self.names)
        found = zip(self.names, self.values[row * width : (row + 1) * width], strict=True)
        return {name: value for name, value in found if value == value}  # noqa: PLR0124  nan is not itself

    def pop(self, row: int) -> array[float]:
        """The values of a row that moves elsewhere. The last row is removed: attempts at a group usually follow each other."""
        start, end = row * len(self.names), (row + 1) * len(self.names)
        values = self.values[start:end]
        if row == self.rows - 1:
            del self.values[start:]
            self.rows = row
        return values


class Measures:
    """The measures of many groups, numbered from 0: the known values of each, by name.

    A group with one attempt is a row of a table. There may be a hundred thousand groups, and most have one attempt.
    """

    def __init__(self) -> None:
        self.tables: list[SingleMeasures] = []
        self.table, self.row = array("q"), array("q")
        """Where the only attempt at each group is: the number of the table, or ``ELSEWHERE``, and its row."""
        self.several: dict[int, RepeatedMeasures] = {}
        self._numbers: dict[tuple[str, ...], int] = {}
        self._spill_file = SpillFile()

    def begin(self) -> None:
        """Add a group."""
        self.table.append(ELSEWHERE)
        self.row.append(0)

    def add(self, group: int, measured: Mapping[str, float | None]) -> None:
        """Add an attempt to a group; None: not known."""
        several = self.several.get(group)
        if several is not None:
            several.add(measured)
        elif self.table[group] == ELSEWHERE:
            names = tuple(measured)
            number = self._numbers.get(names, ELSEWHERE)
            if number == ELSEWHERE:
                number = self._numbers[names] = len(self.tables)
                self.tables.append(SingleMeasures(_interned(names)))
            self.table[group], self.row[group] = number, self.tables[number].put(list(measured.values()))
        else:
            first = self.tables[self.table[group]]
            several = self.several[group] = RepeatedMeasures(first.names, first.pop(self.row[group]), self._spill_file)
            several.add(measured)
            self.table[group], self.row[group] = ELSEWHERE, 0

    def _single(self, group: int) -> SingleMeasures | None:
        return None if self.table[group] == ELSEWHERE else self.tables[self.table[group]]

    def names(self, group: int) -> Iterator[str]:
        """The names of the measures that have a value."""
        kept = self.several.get(group) or self._single(group)
        return (name for name in (kept.names if kept else ()) if self.moments(group, name).size)

    def values(self, group: int, name: str) -> Iterable[float]:
        """All values of a measure, in the order of the attempts."""
        if (several := self.several.get(group)) is not None:
            return several.values(name)
        table = self._single(group)
        return () if table is None else _known([table.value(self.row[group], name)])

    def middles(self, group: int) -> dict[str, float]:
        """The median of each measure that has a value; fast for groups with one attempt."""
        if (table := self._single(group)) is not None:
            return table.known(self.row[group])
        return {name: median(self.values(group, name)) for name in self.names(group)}

    def moments(self, group: int, name: str) -> Moments:
        """Count, sum and squares; exact, apart from the rounding of sums."""
        if (several := self.several.get(group)) is not None:
            return several.moments(name)
        table = self._single(group)
        value = math.nan if table is None else table.value(self.row[group], name)
        return Moments(1.0, value) if value == value else _NO_VALUE  # noqa: PLR0124  nan is not itself


class RepeatedMeasures:
    """The measures of a group with two attempts or more."""

    __slots__ = ("_earlier", "_moments", "_recent", "_spill_file", "names")

    def __init__(self, names: tuple[str, ...], first: array[float], spill_file: SpillFile) -> None:
        self.names = names
        self._recent = first
        """Attempt by attempt a value for each name; NaN: not known."""
        self._moments = _EMPTY
        """Count, sum and squares of the values in the file, name by name."""
        self._spill_file = spill_file
        self._earlier = _NO_BLOCK
        """(position, number of names) of the latest block in the file. Each block begins with those of the block before."""

    def values(self, name: str) -> Iterator[float]:
        if name not in self.names:
            return
        at = self.names.index(name)
        found = [self._recent[at :: len(self.names)]]
        place, width = self._earlier
        while at < width:
            block = self._spill_file.take(place, len(_NO_BLOCK) + (RECENT_ATTEMPTS + 1) * width)
            found.append(block[len(_NO_BLOCK) + at :: width])
            place, width = map(int, block[: len(_NO_BLOCK)])
        yield from _known(chain.from_iterable(reversed(found)))

    def moments(self, name: str) -> Moments:
        if name not in self.names:
            return _NO_VALUE
        at = self.names.index(name)
        found = moments(list(_known(self._recent[at :: len(self.names)])))
        return Moments(*self._moments[3 * at : 3 * at + 3]) + found if self._moments else found

    def add(self, measured: Mapping[str, float | None]) -> None:
        names = tuple(measured)
        if names != self.names and not measured.keys() <= set(self.names):
            self._widen(names)
        _extend(self._recent, [measured.get(name) for name in self.names])
        if len(self._recent) > RECENT_ATTEMPTS * len(self.names):
            self._spill()

    def _widen(self, names: Sequence[str]) -> None:
        """Add columns for further names, NaN for the attempts so far."""
        before = len(self.names)
        self.names = _interned((*self.names, *(name for name in names if name not in self.names)))
        more = len(self.names) - before
        self._recent = array("d", _wider(self._recent, before, [math.nan] * more))
        if self._moments:
            self._moments.extend([0.0] * (3 * more))

    def _spill(self) -> None:
        """Move the recent values into the moments and the file."""
        self._moments = array("d", chain.from_iterable([self.moments(name) for name in self.names]))
        self._earlier = self._spill_file.put(array("d", self._earlier) + self._recent), len(self.names)
        self._recent = array("d")


_EMPTY: array[float] = array("d")
"""Shared and never written to."""
_NO_BLOCK = (0, 0)
"""No position, and no names."""


def _extend(kept: array[float], values: list[float | None]) -> None:
    try:
        kept.fromlist(cast("list[float]", values))
    except TypeError:  # None is among them, and nothing was added
        kept.fromlist([math.nan if value is None else value for value in values])


def _known(values: Iterable[float]) -> Iterator[float]:
    return (value for value in values if value == value)  # noqa: PLR0124  nan is not itself


@lru_cache(maxsize=256)
def _interned(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple of names for all groups with the same measures."""
    return tuple(map(sys.intern, names))


def _wider(values: array[T], width: int, more: list[T]) -> Iterator[T]:
    for start in range(0, len(values), width or 1):
        yield from values[start : start + width]
        yield from more


def middle(values: Callable[[], Iterable[float]]) -> float | None:
    """The median; None if there is no value. Each call must give the values again. Of many values, only
    those near the median stay in memory."""
    few = list(islice(values(), MANY))
    if len(few) < MANY:
        return median(few) if few else None
    count = sum(1 for _ in values())
    sample = sorted(islice(values(), 0, None, count // (MANY // 4)))
    low, high = (sample[int(len(sample) * share)] for share in (0.5 - _NEAR, 0.5 + _NEAR))
    below, near = 0, Counter[float]()
    for value in values():
        if value < low:
            below += 1
        elif value <= high:
            near[value] += 1
    if not below <= (count - 1) // 2 <= count // 2 < below + near.total():  # the sample was misleading
        return median(values())
    ordered = sorted(near)
    ranks = list(accumulate(near[value] for value in ordered))
    first, last = (ordered[bisect_right(ranks, rank - below)] for rank in ((count - 1) // 2, count // 2))
    return (first + last) / 2
