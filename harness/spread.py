"""The measures of a group over its attempts: as they are while they are few, in bounded memory when they are many.

Counts, means and variances are exact however many there are. Once there are more than ``EXACT`` attempts, single values
(and so medians) are known to within ``ERROR`` of themselves: their logarithms are kept in steps, and each step is counted.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, repeat
from typing import NamedTuple, TypeVar, cast

T = TypeVar("T", int, float)
EXACT = 16
"""Attempts whose values are kept as they are."""
ERROR = 0.001
"""How far, as a part of itself, one of more values than that may be from what was measured."""
_STEP = 2 * math.log1p(ERROR)
_COUNTED = 256
"""Attempts after which the steps are counted, instead of being kept one by one in two bytes each."""
_WHOLE = 1_000
"""Whole numbers up to here are steps of their own: counts of tokens and chunks stay exact."""
_MISSING, _NONE, _ONE = -32_768, -32_767, 0
"""The steps of what is not known, of 0 and of 1 (as a logarithm). They fit 16 bits, from 1e-27 on; no measure is below 0."""
_Counts = tuple["array[int]", "array[int]"]
"""Steps in order, and how often each occurred."""


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


Known = tuple[float, float, float]
"""Count, mean, and the variance of the mean: nan for one value, as the mean is of none."""
_NO_VALUE = Moments()
NOTHING: Known = (0.0, math.nan, math.nan)


def moments(values: Sequence[float]) -> Moments:
    """Of values that are all there."""
    if not values:
        return _NO_VALUE
    total = math.fsum(values)
    mean = total / len(values)
    return Moments(len(values), total, math.fsum((each - mean) ** 2 for each in values))


class Measures:
    """The measures of one group: a name, and the values that were known, for each.

    Shaped like a mapping from names to values; kept in few flat arrays, since there may be a million groups.
    """

    __slots__ = ("_counted", "_moments", "_names", "_recent", "_steps")

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._recent = _EMPTY
        """Attempt by attempt a value for each name; nan: not known."""
        self._moments = _EMPTY
        """Count, sum and squares of what is no longer among the recent, name by name."""
        self._steps: array[int] | None = None
        """Attempt by attempt a step for each name."""
        self._counted: list[_Counts] | None = None
        """The same by name, once there are too many."""

    def __iter__(self) -> Iterator[str]:
        """The names that have a value."""
        return (name for name in self._names if self.moments(name).size)

    def get(self, name: str, default: Sequence[float] = ()) -> Sequence[float]:
        """All values of a measure: to within ``ERROR`` where there are more than ``EXACT``."""
        if name not in self._names:
            return default
        return array("d", chain.from_iterable(repeat(value, times) for value, times in self.weighed(name)))

    def weighed(self, name: str) -> Iterator[tuple[float, int]]:
        """(value, how often), in no order; a value may come twice."""
        if name not in self._names:
            return
        at, width = self._names.index(name), len(self._names)
        yield from ((value, 1) for value in self._recent[at::width] if value == value)  # noqa: PLR0124  nan is not itself
        kept = Counter(self._steps[at::width]) if self._steps else {}
        counted = zip(*self._counted[at], strict=True) if self._counted else ()
        yield from ((_value(step), times) for step, times in chain(kept.items(), counted) if step != _MISSING)

    def middles(self) -> dict[str, float]:
        """The median of each measure that has a value; quick while all values are there."""
        width = len(self._names)
        found: Iterable[tuple[str, float | None]]
        if self._moments:
            found = ((name, middle(self.weighed(name))) for name in self._names)
        elif len(self._recent) == width:
            found = zip(self._names, self._recent, strict=True)
        else:
            found = ((name, _median(self._recent[at::width])) for at, name in enumerate(self._names))
        return {name: value for name, value in found if value is not None and value == value}  # noqa: PLR0124

    def moments(self, name: str) -> Moments:
        """What is exact however many values there are."""
        try:
            at, width = self._names.index(name), len(self._names)
        except ValueError:
            return _NO_VALUE
        if len(self._recent) == width and not self._moments:
            value = self._recent[at]
            return Moments(1.0, value) if value == value else _NO_VALUE  # noqa: PLR0124
        found = moments([each for each in self._recent[at::width] if each == each])  # noqa: PLR0124
        return Moments(*self._moments[3 * at : 3 * at + 3]) + found if self._moments else found

    def known(self, name: str) -> Known:
        """What verdicts follow from; quick where there is one attempt."""
        if len(self._recent) == len(self._names) and not self._moments:
            value = self._recent[self._names.index(name)] if name in self._names else math.nan
            return (1.0, value, math.nan) if value == value else NOTHING  # noqa: PLR0124
        found = self.moments(name)
        return (found.size, found.mean, found.noise) if found.size else NOTHING

    def add(self, measured: Mapping[str, float | None]) -> None:
        """One more attempt; None is not known."""
        names = tuple(measured)
        if names != self._names and not measured.keys() <= set(self._names):
            self._widen(names)
        values = list(measured.values() if names == self._names else map(measured.get, self._names))
        try:
            row = array("d", cast("list[float]", values))
        except TypeError:
            row = array("d", [math.nan if value is None else value for value in values])
        if not self._recent:
            self._recent = row
            return
        self._recent.extend(row)
        if len(self._recent) > EXACT * len(self._names):
            self._fold()

    def _widen(self, names: Sequence[str]) -> None:
        """Room for further names: what was said before says nothing of them."""
        before = self._names
        if not before:
            self._names = _shared(tuple(names))
            return
        self._names = _shared((*before, *(each for each in names if each not in before)))
        more = len(self._names) - len(before)
        self._recent = array("d", _wider(self._recent, len(before), [math.nan] * more))
        if self._steps is not None:
            self._steps = array("h", _wider(self._steps, len(before), [_MISSING] * more))
            self._moments.extend([0.0] * (3 * more))
        if self._counted is not None:
            self._counted += [_counts(Counter())] * more

    def _fold(self) -> None:
        """Make room: the recent values go into the moments and the steps."""
        folded = [self.moments(name) for name in self._names]
        self._moments = array("d", chain.from_iterable(folded))
        self._steps = self._steps or array("h")
        self._steps.extend(map(_step, self._recent))
        self._recent = _EMPTY
        width = len(self._names)
        if len(self._steps) > _COUNTED * width:
            before = self._counted or [_counts(Counter())] * width
            self._counted = [_counts(Counter(self._steps[at::width]), *before[at]) for at in range(width)]
            self._steps = array("h")


_EMPTY: array[float] = array("d")
"""Shared and never written to."""


@lru_cache(maxsize=256)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Groups of a run measure the same things: one tuple of names for all of them."""
    return tuple(map(sys.intern, names))


def _wider(values: array[T], width: int, more: list[T]) -> Iterator[T]:
    for start in range(0, len(values), width or 1):
        yield from values[start : start + width]
        yield from more


def _counts(counted: Counter[int], steps: Sequence[int] = (), times: Sequence[int] = ()) -> _Counts:
    """With those that were counted before."""
    counted.update(dict(zip(steps, times, strict=True)))
    ordered = sorted(counted)
    return array("h", ordered), array("I", [counted[step] for step in ordered])


def _step(value: float) -> int:
    if value != value:  # noqa: PLR0124
        return _MISSING
    if value <= _WHOLE and value == int(value):
        return _NONE + max(int(value), 0)
    return max(_NONE + _WHOLE + 1, min(-_MISSING - 1, _ONE + round(math.log(max(value, sys.float_info.min)) / _STEP)))


@lru_cache(maxsize=8192)
def _value(step: int) -> float:
    return float(step - _NONE) if step <= _NONE + _WHOLE else math.exp((step - _ONE) * _STEP)


def _median(values: Iterable[float]) -> float | None:
    """Of those that are known."""
    ordered = sorted(value for value in values if value == value)  # noqa: PLR0124
    if not ordered:
        return None
    half, more = divmod(len(ordered), 2)
    return ordered[half] if more else (ordered[half - 1] + ordered[half]) / 2


def middle(weighed: Iterable[tuple[float, int]]) -> float | None:
    """The median of values that occur so often; None of none."""
    counted: Counter[float] = Counter()
    for value, times in weighed:
        counted[value] += times
    half, more = divmod(counted.total(), 2)
    ordered = sorted(counted)
    ranks = list(accumulate(counted[value] for value in ordered))
    if not ordered:
        return None
    after = ordered[bisect_right(ranks, half)]
    return after if more else (ordered[bisect_right(ranks, half - 1)] + after) / 2
