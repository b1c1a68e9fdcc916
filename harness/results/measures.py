"""The measures of a group over its attempts: every value as it was measured, in memory that does not grow with attempts.

The last few values of a group are in memory, with the count, sum and squares of those before them, which are in a temporary file.
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
from statistics import median
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, TypeVar, cast

T = TypeVar("T", int, float)
HELD = 8
"""Attempts of a group whose values are in memory. One more, and all of them go to the file."""
MANY = 20_000
"""Values that are not all looked at together to find their median."""
ELSEWHERE = -1
"""In place of a shelf, of groups without an attempt, and of those with several."""
_NEAR = 0.02
"""How far from the middle of a sample, as a part of it, the median of all is looked for."""


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
        """The variance of the mean; nan for one value."""
        return self.squares / (self.size - 1) / self.size if self.size > 1 else math.nan

    def __add__(self, other: Moments) -> Moments:  # type: ignore[override]
        """Of both together (Chan, Golub and LeVeque)."""
        if not self.size or not other.size:
            return self if self.size else other
        count = self.size + other.size
        apart = (other.mean - self.mean) ** 2 * self.size * other.size / count
        return Moments(count, self.total + other.total, self.squares + other.squares + apart)


_NO_VALUE = Moments()


def moments(values: Sequence[float]) -> Moments:
    """Of values that are all there."""
    if not values:
        return _NO_VALUE
    total = math.fsum(values)
    mean = total / len(values)
    return Moments(len(values), total, math.fsum((value - mean) ** 2 for value in values))


class SpillFile:
    """Numbers that need not be in memory: a temporary file, there from the first on and gone with the spool.

    Where no file can be written, they are kept in memory after all.
    """

    __slots__ = ("_end", "_file", "_refused")

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._end = 0
        self._refused: list[array[float]] = []

    def put(self, values: array[float]) -> int:
        """Where to ``take`` them from."""
        data = values.tobytes()
        try:
            if self._file is None:
                self._file = cast("BinaryIO", TemporaryFile(buffering=0))  # noqa: SIM115  it lives as long as the spool
            self._file.seek(self._end)
            if self._file.write(data) == len(data):
                self._end += len(data)
                return self._end - len(data)
        except OSError:
            pass
        self._refused.append(values)
        return -len(self._refused)

    def take(self, at: int, count: int) -> array[float]:
        """Raises OSError where the file can no longer be read."""
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
    """One attempt each of groups that measure the same: group by group a value for each name; nan: not known."""

    __slots__ = ("names", "rows", "values")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.values = array("d")
        self.rows = 0

    def put(self, values: list[float | None]) -> int:
        """The number of its row."""
        _extend(self.values, values)
        self.rows += 1
        return self.rows - 1

    def value(self, row: int, name: str) -> float:
        """nan too where the name is another."""
        return self.values[row * len(self.names) + self.names.index(name)] if name in self.names else math.nan

    def known(self, row: int) -> dict[str, float]:
        width = len(self.names)
        found = zip(self.names, self.values[row * width : (row + 1) * width], strict=True)
        return {name: value for name, value in found if value == value}  # noqa: PLR0124  nan is not itself

    def pop(self, row: int) -> array[float]:
        """The values of a row, to be kept elsewhere: of the last one nothing stays, as attempts at a group mostly follow each other."""
        start, end = row * len(self.names), (row + 1) * len(self.names)
        values = self.values[start:end]
        if row == self.rows - 1:
            del self.values[start:]
            self.rows = row
        return values


class Measures:
    """The measures of many groups, numbered from 0: a name, and the values that were known, for each.

    The only attempt at a group is a row on a shelf. There may be a hundred thousand groups, and most have one.
    """

    def __init__(self) -> None:
        self.shelves: list[SingleMeasures] = []
        self.shelf, self.row = array("q"), array("q")
        """Where the only attempt at each group is: the number of the shelf, or ``ELSEWHERE``, and its row there."""
        self.several: dict[int, RepeatedMeasures] = {}
        self._numbers: dict[tuple[str, ...], int] = {}
        self._spool = SpillFile()

    def begin(self) -> None:
        """One more group."""
        self.shelf.append(ELSEWHERE)
        self.row.append(0)

    def add(self, group: int, measured: Mapping[str, float | None]) -> None:
        """One more attempt; None is not known."""
        several = self.several.get(group)
        if several is not None:
            several.add(measured)
        elif self.shelf[group] == ELSEWHERE:
            names = tuple(measured)
            number = self._numbers.get(names, ELSEWHERE)
            if number == ELSEWHERE:
                number = self._numbers[names] = len(self.shelves)
                self.shelves.append(SingleMeasures(_interned(names)))
            self.shelf[group], self.row[group] = number, self.shelves[number].put(list(measured.values()))
        else:
            first = self.shelves[self.shelf[group]]
            several = self.several[group] = RepeatedMeasures(first.names, first.pop(self.row[group]), self._spool)
            several.add(measured)
            self.shelf[group], self.row[group] = ELSEWHERE, 0

    def _alone(self, group: int) -> SingleMeasures | None:
        return None if self.shelf[group] == ELSEWHERE else self.shelves[self.shelf[group]]

    def names(self, group: int) -> Iterator[str]:
        """Those that have a value."""
        kept = self.several.get(group) or self._alone(group)
        return (name for name in (kept.names if kept else ()) if self.moments(group, name).size)

    def values(self, group: int, name: str) -> Iterable[float]:
        """All values of a measure, in the order of the attempts."""
        if (several := self.several.get(group)) is not None:
            return several.values(name)
        shelf = self._alone(group)
        return () if shelf is None else _known([shelf.value(self.row[group], name)])

    def middles(self, group: int) -> dict[str, float]:
        """The median of each measure that has a value; quick where there is one attempt."""
        if (shelf := self._alone(group)) is not None:
            return shelf.known(self.row[group])
        return {name: median(self.values(group, name)) for name in self.names(group)}

    def moments(self, group: int, name: str) -> Moments:
        """Exact, but for the rounding of sums."""
        if (several := self.several.get(group)) is not None:
            return several.moments(name)
        shelf = self._alone(group)
        value = math.nan if shelf is None else shelf.value(self.row[group], name)
        return Moments(1.0, value) if value == value else _NO_VALUE  # noqa: PLR0124  nan is not itself


class RepeatedMeasures:
    """The measures of two attempts or more."""

    __slots__ = ("_earlier", "_moments", "_recent", "_spool", "names")

    def __init__(self, names: tuple[str, ...], first: array[float], spool: SpillFile) -> None:
        self.names = names
        self._recent = first
        """Attempt by attempt a value for each name; nan: not known."""
        self._moments = _EMPTY
        """Count, sum and squares of what is no longer among the recent, name by name."""
        self._spool = spool
        self._earlier = _NOTHING
        """Where the values are that left last, and of how many names. Before them stands where those are that left before."""

    def values(self, name: str) -> Iterator[float]:
        if name not in self.names:
            return
        at = self.names.index(name)
        found = [self._recent[at :: len(self.names)]]
        place, width = self._earlier
        while at < width:
            left = self._spool.take(place, len(_NOTHING) + (HELD + 1) * width)
            found.append(left[len(_NOTHING) + at :: width])
            place, width = map(int, left[: len(_NOTHING)])
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
        if len(self._recent) > HELD * len(self.names):
            self._leave()

    def _widen(self, names: Sequence[str]) -> None:
        """Room for further names: what was said before says nothing of them."""
        before = len(self.names)
        self.names = _interned((*self.names, *(name for name in names if name not in self.names)))
        more = len(self.names) - before
        self._recent = array("d", _wider(self._recent, before, [math.nan] * more))
        if self._moments:
            self._moments.extend([0.0] * (3 * more))

    def _leave(self) -> None:
        """The recent values go into the moments and the spool."""
        self._moments = array("d", chain.from_iterable([self.moments(name) for name in self.names]))
        self._earlier = self._spool.put(array("d", self._earlier) + self._recent), len(self.names)
        self._recent = array("d")


_EMPTY: array[float] = array("d")
"""Shared and never written to."""
_NOTHING = (0, 0)
"""No place, and no names."""


def _extend(kept: array[float], values: list[float | None]) -> None:
    try:
        kept.fromlist(cast("list[float]", values))
    except TypeError:  # None is among them, and nothing was added
        kept.fromlist([math.nan if value is None else value for value in values])


def _known(values: Iterable[float]) -> Iterator[float]:
    return (value for value in values if value == value)  # noqa: PLR0124  nan is not itself


@lru_cache(maxsize=256)
def _interned(names: tuple[str, ...]) -> tuple[str, ...]:
    """Groups of a run measure the same things: one tuple of names for all of them."""
    return tuple(map(sys.intern, names))


def _wider(values: array[T], width: int, more: list[T]) -> Iterator[T]:
    for start in range(0, len(values), width or 1):
        yield from values[start : start + width]
        yield from more


def middle(values: Callable[[], Iterable[float]]) -> float | None:
    """The median of what each call gives anew; None of none. Of many values, those near the middle only are held."""
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
