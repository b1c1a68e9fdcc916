"""Regular expressions of others, with an end: what takes over a second is given up.

They are Python's (``re``). Where the number of ways in which one may match a text is small, ``re`` itself looks; all others are
looked for by ``regex``, which can be stopped, in its ``re`` manner. It is imported when it is first needed.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from harness.errors import SuiteError

LONGEST = 1.0
"""Seconds of work that the expressions of one check may take together."""
LONGEST_PATTERN = 10_000
"""Characters of an expression."""
_FEW = 2_000_000
"""Steps that ``re`` takes in some hundredths of a second."""
_MOST_NODES = 100_000
"""Of an expression with its counted repeats written out, as ``regex`` does."""

_left: ContextVar[float | None] = ContextVar("left", default=None)


class BadPattern(ValueError):
    """Not a regular expression. The text says why."""


class TooSlow(SuiteError):
    """An expression that takes too long for a text: whoever asked cannot judge."""

    def __init__(self, pattern: str, text: str) -> None:
        shown = pattern if len(pattern) <= 200 else f"{pattern[:199]}…"
        said = f"the regular expression {shown!r} took over {LONGEST:g} s on {len(text):,} characters and was given up"
        super().__init__([f"{said}; repeats inside of repeats, and several .* in a row, take that long"])


def renew() -> None:
    """Whoever looks from here on, in this thread or task, has all of the time."""
    _left.set(None)


def complaint(pattern: str) -> str | None:
    """Why this is not a regular expression; None where it is one."""
    try:
        _compiled(pattern, 0)
    except BadPattern as problem:
        return str(problem)
    return None


def search(pattern: str, text: str, flags: int = 0) -> Any:
    """The first match of a Python regular expression, or None. Raises BadPattern, and TooSlow."""
    compiled = _compiled(pattern, flags)
    ways, nodes = _measured(pattern, flags)
    if ways(len(text)) * (len(text) + 1) <= _FEW:
        return compiled.search(text)
    if nodes > _MOST_NODES:
        raise TooSlow(pattern, text)
    return _stopped("search", _plain(pattern, bool(compiled.flags & re.ASCII)), text, flags, pattern)


def as_regex(pattern: str, text: str, *, whole: bool, written: str) -> bool:
    """Whether an expression in the manner of ``regex`` is found in a text, or is the whole of it. ``written``: as the user
    knows it. Raises BadPattern, TooSlow."""
    return _stopped("fullmatch" if whole else "search", pattern, text, 0, written) is not None


def _stopped(how: str, pattern: str, text: str, flags: int, written: str) -> Any:
    import regex

    left = _left.get()
    if left is None:
        left = LONGEST
    began = time.process_time()
    try:
        return getattr(regex, how)(pattern, text, flags | regex.VERSION0, timeout=max(left, 0.001))
    except TimeoutError:
        raise TooSlow(written, text) from None
    except regex.error as problem:
        raise BadPattern(str(problem)) from None
    finally:
        _left.set(left - (time.process_time() - began))


@lru_cache(maxsize=512)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"it is longer than {LONGEST_PATTERN:,} characters")
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern, flags)
    except (re.error, OverflowError) as problem:
        raise BadPattern(str(problem)) from None
    except RecursionError:
        raise BadPattern("it is nested too deeply") from None


_CONSUMED = re.compile(r"\\N\{[^}]*\}|\\.|\[\^?\]?|\{\d*,?\d*\}|[\[\]{]", re.DOTALL)


_WORDS = {
    r"\w": r"\p{L}\p{N}_",
    r"\W": r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\u203f\u2040\u2054\ufe33\ufe34\ufe4d-\ufe4f\uff3f",
}
"""What ``re`` takes for the characters of words: ``regex`` counts accents that stand alone among them."""


@lru_cache(maxsize=512)
def _plain(pattern: str, ascii: bool) -> str:
    """The expression without what ``regex`` reads otherwise than ``re``: ``{e<=1}`` and ``[[:alpha:]]`` are characters."""
    inside = False

    def one(found: re.Match[str]) -> str:
        nonlocal inside
        text = found[0]
        if text[0] == "[":
            text = f"\\{text}" if inside else text
            inside = True
        elif text == "]":
            inside = False
        elif text == "{" or (text[0] == "{" and not re.search(r"\d|,", text)):
            text = f"\\{text}"
        elif text in _WORDS and not ascii:
            text = _WORDS[text] if inside else f"[{_WORDS[text]}]"
        return text

    return _CONSUMED.sub(one, pattern)


# --- how long it may take -------------------------------------------------------------------------------------

_MANY = float("inf")


@lru_cache(maxsize=512)
def _measured(pattern: str, flags: int) -> tuple[Callable[[int], float], int]:
    """In how many ways it may match a text of that length, at most; and how large it is."""
    from re import _parser  # type: ignore[attr-defined]

    with warnings.catch_warnings(action="ignore"):
        tree = list(_parser.parse(pattern, flags))
    return lru_cache(maxsize=16)(lambda length: _ways(tree, length)), _nodes(tree)


def _ways(items: Iterable[Any], length: int) -> float:
    found = 1.0
    for kind, value in items:
        name, inner = str(kind), _inner(value)
        if name == "BRANCH":
            found *= sum(_ways(each, length) for each in inner)
        elif name.endswith("_REPEAT"):
            fewest, most = int(value[0]), min(int(value[1]), length)
            each = _ways(inner[0], length)
            found *= max(1, most - fewest + 1) if each == 1 else _MANY if most > 60 else each**most * max(1, most)
        else:
            for each in inner:
                found *= _ways(each, length)
    return found


def _nodes(items: Iterable[Any]) -> int:
    found = 0
    for kind, value in items:
        times = max(1, int(value[0])) if str(kind).endswith("_REPEAT") else 1
        found += 1 + times * sum(_nodes(each) for each in _inner(value))
    return found


def _inner(value: Any) -> list[Any]:
    """The expressions inside of one: those in its value, which are lists of (kind, value), and those in lists in it."""
    from re import _parser  # type: ignore[attr-defined]

    if isinstance(value, _parser.SubPattern):
        return [value]
    if isinstance(value, tuple | list):
        return [each for one in value for each in _inner(one)]
    return []
