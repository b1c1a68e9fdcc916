"""A sequence whose items are made on access, so that they need not all be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

_Item = TypeVar("_Item")


class Lazy(Sequence[_Item]):
    """The items that ``read_one`` makes of ``parts``, one at a time. The last one stays in memory."""

    def __init__(self, parts: Sequence[Any], read_one: Callable[[Any], _Item]) -> None:
        self.parts = parts
        self.read_one = read_one
        self._last: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return len(self.parts)

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...
    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        if isinstance(index, slice):
            return list(map(self.read_one, self.parts[index]))
        number = range(len(self))[index]
        if number != self._last[0]:
            self._last = (number, self.read_one(self.parts[number]))
        item: _Item = self._last[1]
        return item

    def __iter__(self) -> Iterator[_Item]:
        return map(self.read_one, self.parts)
