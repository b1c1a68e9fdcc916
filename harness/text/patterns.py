"""Regular expressions of suites, schemas and answers, with a time limit of one second.

The syntax is Python's (``re``). If the number of ways in which an expression can match a text is small, ``re`` searches. All
others use the package ``regex``, in its mode that is compatible with ``re``, because it can be stopped. It is imported when it
is first needed.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from math import prod
from typing import Any

from harness.errors import SuiteError
from harness.text.describe import clipped

TIME_LIMIT = 1.0
"""Seconds of CPU time that all expressions of one check may take together."""
MAX_PATTERN_LENGTH = 10_000
"""Characters of an expression."""
_MAX_STEPS = 2_000_000
"""Steps for which ``re`` needs some hundredths of a second."""
_MAX_NODES = 100_000
"""Nodes of an expression whose counted repeats are written out, as ``regex`` does."""

_left: ContextVar[float | None] = ContextVar("left", default=None)


class BadPattern(ValueError):
    """Not a regular expression. The message says why."""


class TooSlow(SuiteError):
    """An expression took too long on a text, so the check that uses it cannot judge."""

    def __init__(self, pattern: str, text: str) -> None:
        message = f"the regular expression {clipped(pattern, 200)!r} took over {TIME_LIMIT:g} s on {len(text):,} characters and was stopped"
        super().__init__([f"{message}; avoid repeats inside of repeats, and several .* in a row"])


def reset_time_limit() -> None:
    """Give the full time limit to the searches that follow in this thread or task."""
    if _left.get() is not None:
        _left.set(None)


def complaint(pattern: str) -> str | None:
    """Why this is not a valid regular expression; None if it is."""
    try:
        _compiled(pattern, 0)
    except BadPattern as problem:
        return str(problem)
    return None


def search(pattern: str, text: str, flags: int = 0) -> Any:
    """The first match of a Python regular expression, or None. Raises BadPattern and TooSlow."""
    compiled = _compiled(pattern, flags)
    if _suits_re(pattern, text):
        return compiled.search(text)
    import regex

    return _run_with_timeout(regex.search, _for_regex(pattern, bool(compiled.flags & re.ASCII)), text, flags, pattern)


def spans(pattern: str, text: str) -> list[tuple[int, int]]:
    """Start and end of every match of a Python regular expression. Raises BadPattern and TooSlow."""
    compiled = _compiled(pattern, 0)
    if _suits_re(pattern, text):
        return [found.span() for found in compiled.finditer(text)]
    written = _for_regex(pattern, bool(compiled.flags & re.ASCII))
    found: list[tuple[int, int]] = _run_with_timeout(_all_spans, written, text, 0, pattern)
    return found


def _suits_re(pattern: str, text: str) -> bool:
    """Whether ``re`` searches the text quickly. Raises TooSlow if ``regex`` cannot search it either."""
    repeats, choices, nodes = _complexity(pattern)
    if choices * (len(text) + 1) ** (repeats + 1) <= _MAX_STEPS:
        return True
    if nodes > _MAX_NODES:
        raise TooSlow(pattern, text)
    return False


def _all_spans(pattern: str, text: str, flags: int, *, timeout: float) -> list[tuple[int, int]]:
    import regex

    return [found.span() for found in regex.finditer(pattern, text, flags, timeout=timeout)]


def found_by_regex(pattern: str, text: str, *, whole: bool, written: str) -> bool:
    """Whether an expression in the syntax of ``regex`` matches somewhere in a text, or (``whole``) the whole text.

    ``written`` is the expression as the user wrote it, for messages. Raises BadPattern and TooSlow.
    """
    import regex

    return _run_with_timeout(regex.fullmatch if whole else regex.search, pattern, text, 0, written) is not None


def _run_with_timeout(function: Callable[..., Any], pattern: str, text: str, flags: int, written: str) -> Any:
    import regex

    left = _left.get()
    if left is None:
        left = TIME_LIMIT
    began = time.process_time()
    try:
        return function(pattern, text, flags | regex.VERSION0, timeout=max(left, 0.001))
    except TimeoutError:
        raise TooSlow(written, text) from None
    except regex.error as problem:
        raise BadPattern(str(problem)) from None
    finally:
        _left.set(left - (time.process_time() - began))


@lru_cache(maxsize=512)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise BadPattern(f"it is longer than {MAX_PATTERN_LENGTH:,} characters")
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern, flags)
    except (re.error, OverflowError) as problem:
        raise BadPattern(str(problem)) from None
    except RecursionError:
        raise BadPattern("it is nested too deeply") from None


_TOKENS = r"(?s)\\N\{[^}]*\}|\\.|\[\^?\]?|\{\d*,?\d*\}|[\[\]{]"


_WORDS = {
    r"\w": r"\p{L}\p{N}_",
    r"\W": r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\u203f\u2040\u2054\ufe33\ufe34\ufe4d-\ufe4f\uff3f",
}
"""The word characters of ``re``. ``regex`` also counts combining accents."""


@lru_cache(maxsize=512)
def _for_regex(pattern: str, ascii: bool) -> str:
    """The expression for ``regex``, with the meaning that it has for ``re``: ``{e<=1}`` and ``[[:alpha:]]`` are characters."""
    inside = False

    def escaped(found: re.Match[str]) -> str:
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

    return re.sub(_TOKENS, escaped, pattern)


# --- how long an expression may take --------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _complexity(pattern: str) -> tuple[int, float, int]:
    """Bounds for the ways in which an expression can match: its repeats, each in as many ways as the text is long, and the ways of
    all else; and for its nodes. Repeats of groups, and expressions with comments, can match in any number of ways."""
    plain = re.sub(r"(?s)\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", "x", pattern)
    counts = [(int(least), int(most or least)) for least, most in re.findall(r"\{(\d+)(?:,(\d+))?\}", plain)]
    groups, others = (map(int, re.findall(begin + r"\{(\d+)", plain)) for begin in (r"\)\s*", r"[^)\s]"))
    nodes = prod(times or 1 for times in groups) * (len(plain) + sum(others))
    if re.search(r"\)\s*[*+{]|\(\?[a-zA-Z]*x", plain):
        return 0, float("inf"), nodes
    choices = 2 ** len(re.findall(r"[?|]", plain)) * prod(most - least + 1 for least, most in counts)
    return len(re.findall(r"[*+]|\{\d*,\}|\{,\d+\}", plain)), choices, nodes
