"""Patterns that are tried only on a text that has one of their cues: most texts have none, and a look at their words costs little."""

# ruff: noqa: RUF001, RUF002 - typographic signs are data here

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_CUE = re.compile(r"[^\W\d_]+|[/:%!=+\-*×÷^]")


@lru_cache(maxsize=64)
def cues(text: str) -> frozenset[str]:
    """The words of a text in lower case, and its signs of ``/:%!=+-*×÷^``."""
    return frozenset(_CUE.findall(text.lower()))


class CuedPattern:
    """A pattern and its cues. Every text in which the pattern occurs must have one of them.

    ``words``: the cues, separated by spaces, in lower case: whole words without digits, or signs.
    """

    __slots__ = ("_cues", "pattern")

    def __init__(self, words: str, pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> None:
        self._cues = frozenset(words.split())
        self.pattern = re.compile(pattern, flags)

    def search(self, text: str) -> re.Match[str] | None:
        return None if self._cues.isdisjoint(cues(text)) else self.pattern.search(text)

    def findall(self, text: str) -> list[Any]:
        return [] if self._cues.isdisjoint(cues(text)) else self.pattern.findall(text)
