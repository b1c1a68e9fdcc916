"""Reads YAML in the layout of our own cassettes, ten times faster than libyaml. Anything else is left to ``safeyaml``.

The layout is a small part of YAML: mappings of plain names, two spaces a level; lists of mappings; values on one line, which are
plain, in single quotes or a list of such; and literal blocks. A text that has anything else gives None, so what is read here is what
``safeyaml`` reads too. A test changes cassettes at random and compares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.text import safeyaml

_LINE = re.compile(
    r"((?:  )*+)(- )?+([A-Za-z][\w-]{0,99}):"  # the level, whether it begins an item of a list, the name
    r"(?: (?:\|([+-]?)\n((?=\1  [^ \n])(?:\1  .*\n|\n)++)|([^|\n].*)\n)|\n)",  # a block and how it ends, or a value, or nothing
    re.ASCII,
)
_QUOTED = re.compile(r"'([^']*)'")
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[^ :#]|:(?! |$)|(?<! )#| (?=[^ #]))*")
_LISTED = re.compile(r"\[([^\[\]{}:#?\",]+(?:, [^\[\]{}:#?\",]+)*+)\]")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_PRINTABLE = bytes((10, *range(32, 127)))
_SHORT = 100
_TYPED = frozenset("yYnNtTfFoO0123456789")
"""The first characters of plain texts that may be something other than texts."""


class _Other(Exception):
    """The text is in another layout."""


def read(content: bytes) -> Mapping[str, Any] | None:
    """The value of a YAML text in this layout; None for any other text."""
    if not content.endswith(b"\n"):
        return None
    try:
        text = content.decode()
        return _read(text) if _is_printable(content, text) else None
    except (UnicodeDecodeError, _Other):
        return None


def _is_printable(content: bytes, text: str) -> bool:
    """Whether no character may be a line break of YAML, other than a line feed, or is forbidden in it."""
    return not content.translate(None, _PRINTABLE) or text.replace("\n", "").isprintable()


def _read(text: str) -> Mapping[str, Any]:
    levels: list[dict[str, Any]] = [{}]
    waiting = False  # whether the last name has no value yet
    end = 0
    for line in iter(_LINE.scanner(text).match, None):  # type: ignore[attr-defined]
        indent, dash, name, chomping, block, value = line.groups()
        end, level = line.end(), len(indent) // 2
        inner = _opened(levels, level, waiting=waiting, item=dash is not None)
        if name in inner or _known(name) != name:
            raise _Other
        waiting = block is None and value is None
        inner[name] = _unindented(block, indent, chomping) if block else None if waiting else _value(value)
    if waiting or end != len(text):
        raise _Other
    return levels[0]


def _opened(levels: list[dict[str, Any]], level: int, *, waiting: bool, item: bool) -> dict[str, Any]:
    """The mapping that a line of this level belongs to. Those of deeper levels end."""
    last = len(levels) - 1
    if not waiting and not item and level <= last:
        del levels[level + 1 :]
    elif waiting and level == last + (not item):
        inner: dict[str, Any] = {}
        owner = levels[last]
        owner[next(reversed(owner))] = [inner] if item else inner
        levels.append(inner)
    elif item and not waiting and level < last:
        del levels[level + 1 :]
        items = levels[level][next(reversed(levels[level]))]
        if not isinstance(items, list):
            raise _Other
        levels.append({})
        items.append(levels[-1])
    else:
        raise _Other
    return levels[-1]


def _unindented(block: str, indent: str, chomping: str) -> str:
    lines = block[len(indent) + 2 :].replace(f"\n{indent}  ", "\n")
    return lines if chomping == "+" else lines.rstrip("\n") + ("" if chomping else "\n")


def _value(text: str) -> Any:
    """A value on one line."""
    if text[0] != "[":
        return _known(text) if len(text) < _SHORT else _scalar(text)
    if listed := _LISTED.fullmatch(text):
        return [_value(item) for item in listed[1].split(", ")]
    raise _Other


def _scalar(text: str) -> Any:
    """A text in quotes, or what YAML makes of a text without quotes: mostly a text or a number."""
    if quoted := _QUOTED.fullmatch(text):
        return quoted[1]
    if not _PLAIN.fullmatch(text):
        raise _Other
    if text[0] not in _TYPED:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if safeyaml.DECIMAL.fullmatch(text) else safeyaml.load(text)


_known = lru_cache(1000)(_scalar)
"""``_scalar`` with a cache: recordings have the same names and headers."""
