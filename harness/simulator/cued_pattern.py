"""Patterns that are tried only on a text that has one of their cues: most texts have none, and a look at their words costs little."""

# ruff: noqa: RUF001, RUF002 - typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")
_CUE = re.compile(r"[^\W\d_]+|[/:%!=+\-*×÷^]")


@lru_cache(maxsize=64)
def cues(text: str) -> frozenset[str]:
    """The words of a text in lower case, and its signs of ``/:%!=+-*×÷^``."""
    return frozenset(_CUE.findall(text.lower()))


class CuedPattern:
    """A pattern and its cues. Every text in which the pattern occurs must have one of them.

    ``words``: the cues, separated by spaces, in lower case: whole words without digits, or signs.
    """

    __slots__ = ("cues", "pattern")

    def __init__(self, words: str, pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> None:
        self.cues = frozenset(words.split())
        self.pattern = re.compile(pattern, flags)

    def search(self, text: str) -> re.Match[str] | None:
        return None if self.cues.isdisjoint(cues(text)) else self.pattern.search(text)

    def findall(self, text: str) -> list[Any]:
        return [] if self.cues.isdisjoint(cues(text)) else self.pattern.findall(text)


class CuedTasks(Generic[Found]):
    """Functions that answer a text, or None, in the order in which they are tried: ``task, pattern, pattern``. A task with patterns is tried
    only on a text that has a cue of one of them, which a look-up by the words of the text finds."""

    def __init__(self, *tasks: tuple[Callable[[str], Found | None], *tuple[CuedPattern, ...]]) -> None:
        self._tasks = [task for task, *_ in tasks]
        self._uncued = frozenset(place for place, (_, *patterns) in enumerate(tasks) if not patterns)
        self._by_cue: dict[str, set[int]] = {}
        for place, (_, *patterns) in enumerate(tasks):
            for cue in frozenset[str]().union(*(pattern.cues for pattern in patterns)):
                self._by_cue.setdefault(cue, set()).add(place)

    def first(self, text: str) -> Found | None:
        """The answer of the first task that has one."""
        places = self._uncued.union(*(self._by_cue[cue] for cue in self._by_cue.keys() & cues(text)))
        return next((found for place in sorted(places) if (found := self._tasks[place](text))), None)
