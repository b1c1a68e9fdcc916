"""Makes texts that a regular expression matches, for ``pattern`` in schemas."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.seed import Seed
from harness.text import patterns

_CATEGORY = {
    op.CATEGORY_DIGIT: "0123456789",
    op.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_DIGIT: "abcdefgh",
    op.CATEGORY_NOT_SPACE: "abcdefgh",
    op.CATEGORY_NOT_WORD: "-",
}
_PRINTABLE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:;/@#!"
MOST_REPEATED = 4
MOST_DEMANDED = 2000


def sample(pattern: str, seed: Seed, path: str, least: int = 0) -> str:
    """A text that ``pattern`` matches, at least ``least`` characters long if the pattern allows it. Look-arounds are ignored, so such
    a text may not match. Raises the API's 400 for a pattern that requires more than ``MOST_DEMANDED`` characters."""
    tree = _parsed(pattern)
    if tree is None:
        return "simulated"
    if tree.getwidth()[0] > MOST_DEMANDED:
        raise refusal("too_many_states")
    text = ""
    patterns.reset_time_limit()
    with suppress(patterns.TooSlow, patterns.BadPattern):
        for extra in (0, least, 1, 2, 3):
            text = "".join(_write(tree, seed, path, {}, extra))
            if len(text) >= least and patterns.search(pattern, text):
                break
    return text


@lru_cache(maxsize=512)
def _parsed(pattern: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def _write(items: Iterable[Any], seed: Seed, path: str, groups: dict[int, str], extra: int) -> list[str]:
    written: list[str] = []
    for place, (kind, value) in enumerate(items):
        written.append(_one(kind, value, seed, f"{path}/{place}", groups, extra))
    return written


def _one(kind: Any, value: Any, seed: Seed, path: str, groups: dict[int, str], extra: int) -> str:
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.ANY:
        return seed.choose(path, "abcdefgh")
    if kind is op.IN:
        return seed.choose(path, _class(value))
    if kind is op.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is op.BRANCH:
        return "".join(_write(seed.choose(path, value[1]), seed, path, groups, extra))
    if kind is op.SUBPATTERN:
        groups[value[0]] = "".join(_write(value[3], seed, path, groups, extra))
        return groups[value[0]]
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return _repeated(value, seed, path, groups, extra)
    if kind is op.GROUPREF:
        return groups.get(value, "")
    if kind is op.ATOMIC_GROUP:
        return "".join(_write(value, seed, path, groups, extra))
    return ""


def _repeated(value: Any, seed: Seed, path: str, groups: dict[int, str], extra: int) -> str:
    lowest, highest, items = value
    highest = min(int(highest), int(lowest) + max(MOST_REPEATED, extra))
    times = max(seed.between(path, lowest, highest) if extra == 0 else min(highest, lowest + extra), 0)
    if lowest == 0 and times == 0 and extra == 0 and highest:
        times = 1
    return "".join("".join(_write(items, seed, f"{path}#{n}", groups, extra)) for n in range(times))


def _class(items: Any) -> str:
    negated = items[0][0] is op.NEGATE
    allowed = "".join(_members(kind, value) for kind, value in items)
    if negated:
        return "".join(c for c in _PRINTABLE if c not in allowed) or "¤"
    return allowed or "a"


def _members(kind: Any, value: Any) -> str:
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.RANGE:
        first, last = value
        return "".join(chr(code) for code in range(first, min(last, first + 200) + 1))
    return _CATEGORY.get(value, "") if kind is op.CATEGORY else ""
