"""``-k``: expressions over trial ids, with words, ``and``, ``or``, ``not`` and parentheses.

A word matches every id that contains it, in any case. A whole id (``suite/case[axes]@provider/model``) matches only itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import CodeType

from harness.errors import UsageError
from harness.text.shape import nearest

_TARGET = r"^[^/@]+/[^@]+@([^/]+)/([^#]+)(#\d+)?$"
"""A whole id, and its target."""
_JOINS = ("and", "or", "not", "(", ")")


class Keywords:
    """A parsed expression. Raises UsageError for an invalid one. The empty expression matches every id."""

    def __init__(self, text: str) -> None:
        self.text = text
        tokens = re.findall(r"[()]|[^\s()]+", text)
        self.words = list(dict.fromkeys(token.lower() for token in tokens if token not in _JOINS))
        # An expression of Python, with a look at what was found of each word in its place.
        joined = [token if token in _JOINS else f"found[{self.words.index(token.lower())}]" for token in tokens]
        self._code = _compiled(" ".join(joined)) if joined else None
        if joined and self._code is None:
            raise UsageError(f"-k {text!r}: write words with and, or, not and parentheses, as in: a and not (b or c)")

    def match(self, id: str) -> bool:
        """Whether the expression matches a trial id."""
        found = [_holds(word, id.lower()) for word in self.words]
        return self._code is None or bool(eval(self._code, {"found": found}))  # noqa: S307 - only words are looked up

    def attempts(self, group: str, attempts: int) -> int:
        """The attempts of a group that the expression matches, as bits: attempt n, from 1, is bit n."""
        if not self.words:
            return (1 << attempts + 1) - 2
        if not any("#" in word or word.isdigit() for word in self.words):
            return (1 << attempts + 1) - 2 if self.match(f"{group}#") else 0
        return sum(1 << number for number in range(1, attempts + 1) if self.match(f"{group}#{number}"))

    @property
    def target(self) -> tuple[str, str] | None:
        """Provider and model, if the expression is one whole id; else None."""
        found = re.search(_TARGET, self.text.strip())
        return (found[1], found[2]) if found else None

    def nearest(self, known: Sequence[str]) -> str:
        """``did you mean``, for the first word that none of the names contains."""
        for word in self.words:
            if not any(word in name.lower() for name in known):
                return nearest(word, known)
        return ""


def _holds(word: str, id: str) -> bool:
    if not re.search(_TARGET, word):
        return word in id
    return (id if "#" in word else id.rpartition("#")[0]) == word


def _compiled(expression: str) -> CodeType | None:
    """None for anything but a combination with and, or, not."""
    import ast

    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, MemoryError, RecursionError):
        return None
    odd = any(isinstance(node, ast.Call | ast.Tuple) for node in ast.walk(tree))
    return None if odd else compile(tree, "-k", "eval")
