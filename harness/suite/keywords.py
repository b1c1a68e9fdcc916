"""``-k``: expressions over trial ids, with words, ``and``, ``or``, ``not`` and parentheses.

A word matches every id that contains it, in any case. A whole id (``suite/case[axes]@provider/model``) matches only itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from harness.errors import UsageError
from harness.text.shape import nearest

Test = Callable[[str], bool]

_TARGET = re.compile(r"^[^/@]+/[^@]+@([^/]+)/([^#]+)(#\d+)?$")
"""A whole id, and its target."""
_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


class Keywords:
    """A parsed expression. Raises UsageError for an invalid one. The empty expression matches every id."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = _TOKEN.findall(text)
        self._at = 0
        self.words: list[str] = []
        self._test: Test = self._either() if self._tokens else lambda _: True
        if self._at < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._at]!r} is unexpected")

    def match(self, id: str) -> bool:
        """Whether the expression matches a trial id."""
        return self._test(id.lower())

    def attempts(self, group: str, attempts: int) -> int:
        """The attempts of a group that the expression matches, as bits: attempt n, from 1, is bit n."""
        if not self.words:
            return (1 << attempts + 1) - 2
        if not any("#" in word or word.isdigit() for word in self.words):
            return (1 << attempts + 1) - 2 if self._test(f"{group}#".lower()) else 0
        return sum(1 << number for number in range(1, attempts + 1) if self.match(f"{group}#{number}"))

    @property
    def target(self) -> tuple[str, str] | None:
        """Provider and model, if the expression is one whole id; else None."""
        found = _TARGET.search(self.text.strip())
        return (found[1], found[2]) if found else None

    def nearest(self, known: Sequence[str]) -> str:
        """``did you mean``, for the first word that none of the names contains."""
        for word in self.words:
            if not any(word in name.lower() for name in known):
                return nearest(word, known)
        return ""

    def _wrong(self, why: str) -> UsageError:
        return UsageError(f"-k {self.text!r}: {why}; write words with and, or, not and parentheses")

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise self._wrong("it ends too early")
        self._at += 1
        return str(self._tokens[self._at - 1])

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _either(self) -> Test:
        return self._joined("or", self._both, any)

    def _both(self) -> Test:
        return self._joined("and", self._one, all)

    def _joined(self, word: str, part: Callable[[], Test], hold: Callable[[Iterable[bool]], bool]) -> Test:
        tests = [part()]
        while self._peek() == word:
            self._next()
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda trial: hold(test(trial) for test in tests)

    def _one(self) -> Test:
        word = self._next()
        if word == "not":
            test = self._one()
            return lambda trial: not test(trial)
        if word == "(":
            test = self._either()
            if self._next() != ")":
                raise self._wrong("a parenthesis is open")
            return test
        if word in ("and", "or", ")"):
            raise self._wrong(f"{word!r} cannot stand there")
        part = word.lower()
        self.words.append(part)
        if _TARGET.search(word) and "#" not in word:
            return lambda trial: trial.rpartition("#")[0] == part
        return (lambda trial: trial == part) if _TARGET.search(word) else lambda trial: part in trial
