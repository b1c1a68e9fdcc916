"""Puts things together that have something in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K")


def grouped(things: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Key -> the things that have it; keys and things in the order in which they came."""
    return gathered((key(thing), thing) for thing in things)


def gathered(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Key -> the things that are paired with it, in the order in which they came."""
    found: dict[K, list[T]] = {}
    for key, thing in pairs:
        found.setdefault(key, []).append(thing)
    return found
