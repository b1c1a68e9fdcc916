"""A bounded store of named resources, and its pages: the newest first, as ``list`` methods show them; kinds of resources of the API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from harness.simulator.errors import refusal

T = TypeVar("T")

MOST = 500
"""The maximum number of resources of one kind. The oldest are dropped first."""


class Shelf(Generic[T]):
    """Resources by name. Each has a number, in the order of creation, which a page token refers to."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, T]] = {}
        self._count = 0

    def put(self, name: str, value: T) -> None:
        """Add a resource, or replace it and keep its number."""
        if name in self._kept:
            self._kept[name] = self._kept[name][0], value
            return
        self._count += 1
        self._kept[name] = self._count, value
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def get(self, name: str) -> T | None:
        found = self._kept.get(name)
        return found[1] if found else None

    def remove(self, name: str) -> None:
        self._kept.pop(name, None)

    def values(self) -> list[T]:
        return [value for _, value in self._kept.values()]

    def drop(self, expired: Callable[[T], bool]) -> None:
        """Remove the resources that have expired."""
        self._kept = {name: row for name, row in self._kept.items() if not expired(row[1])}

    def page(self, size: int, token: str) -> tuple[list[T], str]:
        """``size`` resources after ``token`` (empty: from the newest), and the token of the next page, empty after the last one.

        Resources that were removed between two pages do not matter. Raises the API's 400 for an invalid token.
        """
        before = _number(token) if token else self._count + 1
        rows = self._older(before)
        page = [row for _, row in zip(range(size), rows, strict=False)]
        more = next(rows, None)
        return [value for _, value in page], _token(page[-1][0]) if more and page else ""

    def _older(self, number: int) -> Iterator[tuple[int, T]]:
        return (row for row in reversed(self._kept.values()) if row[0] < number)


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(b"after:%d" % number).decode()


def _number(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).removeprefix(b"after:"))
    except (binascii.Error, ValueError):
        raise refusal("invalid_argument") from None


class Collection(Generic[T]):
    """The resources of one kind, as the API's methods get, list and delete show them. ``now`` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.kept = Shelf[T]()

    def get(self, name: str) -> T:
        """A resource. Raises the API's error without one."""
        raise NotImplementedError

    def shown(self, resource: Any) -> dict[str, Any]:
        """The resource as the API shows it now."""
        found: dict[str, Any] = resource.shown()
        return found

    def delete(self, name: str) -> None:
        self.get(name)
        self.kept.remove(name)

    def page(self, size: int, token: str) -> tuple[list[dict[str, Any]], str]:
        """``Shelf.page``, as the API shows it."""
        found, following = self.kept.page(size, token)
        return list(map(self.shown, found)), following
