"""Reads YAML in the layout of recorders, five times faster than libyaml. Anything else is left to ``safeyaml``.

The layout is a small part of YAML, in which this program, PyYAML and Psych write: mappings of plain names; lists; texts that are plain
or in quotes, also over several lines; lists of plain values on one line; and literal blocks. A text that has anything else gives None,
so what is read here is what ``safeyaml`` reads too. A test changes cassettes at random and compares.
"""

from __future__ import annotations

import re
from base64 import decodebytes
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any

import yaml

from harness.text import safeyaml

_BEGIN = re.compile(r"( *+)((?:- )*+)(?:([A-Za-z$_][\w$./-]{0,99}):(?: |(?=\n)))?+", re.ASCII)
"""How a line begins before a value: its column, the dashes of the lists that begin here, and the name."""
_QUOTED = re.compile(r"'(?:[^']++|'')*+'|\"(?:[^\"\\]++|\\.)*+\"", re.DOTALL)
_FOLD = re.compile(r"\n(\n*+)")
_PLAIN = re.compile(r"[A-Za-z0-9/(+.$_]|<(?!<)|-(?=[A-Za-z0-9.])")
"""How a plain text begins. What may not be in one is looked for by ``in``: texts are long."""
_LISTED = re.compile(r"\[([^\[\]{}:#?\",]+(?:, [^\[\]{}:#?\",]+)*+)\]")
_BLOCK = re.compile(r"(!!?binary )?\|([+-]?)")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_EMPTY: Mapping[str, type] = {"{}": dict, "[]": list}
_PRINTABLE = bytes((10, *range(32, 127)))
_SHORT, _LONGEST_WORD, _DEEPEST = 100, 5, 50
_LONGEST = 10_000_000
"""Characters of a line."""
_WORDS, _QUOTES = frozenset("yYnNtTfFoO"), frozenset("'\"")
_TYPED = frozenset("0123456789-+.")
"""The first characters of plain texts that may be something other than texts: short words such as ``false``, and numbers and dates."""


class _Other(Exception):
    """The text is in another layout."""


def read_all(content: bytes) -> list[Mapping[str, Any]]:
    """The values of the documents of a YAML text in this layout; empty for any other text."""
    *parts, last = content.removeprefix(b"---\n").split(b"\n---\n")  # one alone, which is long, is not copied
    found = list(takewhile(bool, map(read, (*(part + b"\n" for part in parts), last))))
    return [one for one in found if one] if len(found) > len(parts) else []


def read(content: bytes) -> Mapping[str, Any] | None:
    """The value of a YAML text in this layout; None for any other text."""
    if not content.endswith(b"\n"):
        return None
    try:
        text = content.decode()
        return _read(text) if _is_printable(content, text) else None
    except (ValueError, _Other, yaml.YAMLError):
        return None


def _is_printable(content: bytes, text: str) -> bool:
    """Whether no character may be a line break of YAML, other than a line feed, or is forbidden in it."""
    return not content.translate(None, _PRINTABLE) or text.replace("\n", "").isprintable()


def _read(text: str) -> Mapping[str, Any]:
    root: dict[str, Any] = {}
    levels: list[tuple[int, Any]] = [(0, root)]
    waiting, end, find = False, 0, text.find
    while end < len(text):
        start, end = end, find("\n", end) + 1
        if end - start > _LONGEST:  # its pieces would be copies of it
            raise _Other
        line = text[start:end]
        column, dashes, name, value = _parts(line) if len(line) < _SHORT else _split(line)
        at, inner = levels[-1]
        kind = list if dashes else dict
        if waiting or at != column or type(inner) is not kind:
            inner = _opened(levels, column, kind, waiting=waiting)
        if dashes:
            if len(levels) + len(dashes) > _DEEPEST:
                raise _Other
            for at in range(column + 2, column + len(dashes), 2):
                inner = _item(levels, at, inner, [])
            column, waiting = column + len(dashes) - 2, False
            if name is None:
                item, end = _value(text, value, end, column)
                inner.append(item)
                end = _numbers(text, end, column, inner) if type(item) is float else end
                continue
            column += 2
            inner = _item(levels, column, inner, {})
        if name is None or name in inner:
            raise _Other
        waiting = not value
        inner[name], end = _value(text, value, end, column) if value else (None, end)
    if not root:
        raise _Other
    return root


def _split(line: str) -> tuple[int, str, str | None, str]:
    """The column of a line, its dashes, its name, and its value or the beginning of that."""
    found: Any = _BEGIN.match(line)
    indent, dashes, name = found.groups()
    value = line[found.end() : -1]
    if not (name or value) or (name and _known(name) != name):
        raise _Other
    return len(indent), dashes, name, value


_parts = lru_cache(1000)(_split)
"""``_split`` with a cache: most lines of recordings are the same in all of them."""


def _opened(levels: list[tuple[int, Any]], column: int, kind: type, *, waiting: bool) -> Any:
    """The mapping or list that a line in this column belongs to. The deeper ones of ``levels``, each with its column, end.

    ``waiting``: whether the last name has no value yet.
    """
    at, inner = levels[-1]
    if waiting and (column > at or (column == at and kind is list)) and len(levels) < _DEEPEST:
        inner[next(reversed(inner))] = new = kind()
        levels.append((column, new))
        return new
    while at > column or (at == column and kind is dict and type(inner) is list):
        levels.pop()
        at, inner = levels[-1]
    if at != column or type(inner) is not kind:
        raise _Other
    return inner


def _item(levels: list[tuple[int, Any]], column: int, items: list[Any], item: Any) -> Any:
    """The item of a list, which is a list or mapping that begins there."""
    items.append(item)
    levels.append((column, item))
    return item


def _numbers(text: str, end: int, column: int, items: list[Any]) -> int:
    """Adds the floats in the lines that follow, and returns where they end."""
    if lines := _numbers_at(column).match(text, end):
        items += map(float, lines[0].split()[1::2])
        return lines.end()
    return end


def _value(text: str, value: str, end: int, column: int) -> tuple[Any, int]:
    """The value that begins so in a line, which ends there, and where its last line ends. Its lines are deeper than ``column``."""
    if value[0] in "'\"|![{":
        return _marked(text, value, end, column)
    if text.startswith(" ", end + column) and (lines := _lines_at(column + 1).match(text, end)):
        parts = [line.strip() for line in (value, *lines[0].splitlines())]
        if "" in parts:
            raise _Other
        value, end = " ".join(parts), lines.end()
    return _known(value) if len(value) < _SHORT else _scalar(value), end


def _marked(text: str, value: str, end: int, column: int) -> tuple[Any, int]:
    """A value that begins with a mark: one in quotes, a block, or a list on one line."""
    if value[0] in "'\"":
        if _is_simple(value):
            return value[1:-1], end
        quoted = _QUOTED.match(text, end - 1 - len(value))
        if quoted is None or text[quoted.end()] != "\n":
            raise _Other
        return _unquoted(quoted[0]), quoted.end() + 1
    return (_listed(value), end) if value[0] in "[{" else _block(text, value, end, column + 2)


def _block(text: str, head: str, end: int, column: int) -> tuple[Any, int]:
    """The text, or the bytes, of a block in the lines after its head, and where its last line ends."""
    block, lines = _BLOCK.fullmatch(head), _lines_at(column).match(text, end)
    if block is None or lines is None or text[end + column] in " \n":
        raise _Other
    found, end = text[end + column : lines.end()].replace(f"\n{' ' * column}", "\n"), lines.end()
    if block[1]:
        return decodebytes(found.encode("ascii")), end
    return found if block[2] == "+" else found.rstrip("\n") + ("" if block[2] else "\n"), end


@cache
def _lines_at(column: int) -> re.Pattern[str]:
    """The lines in this column or a deeper one, and the empty ones between and after them."""
    return re.compile(rf" {{{column}}}[^\n]*\n(?: {{{column}}}[^\n]*\n|\n)*+")


@cache
def _numbers_at(column: int) -> re.Pattern[str]:
    """The items of a list in this column that are floats."""
    return re.compile(rf"(?: {{{column}}}- {safeyaml.DECIMAL.pattern}\n)++")


def _is_simple(line: str) -> bool:
    """Whether a text of one line that begins with a quote ends with it too, and has no quote and no escape inside."""
    return line.find(line[0], 1) == len(line) - 1 and (line[0] == "'" or "\\" not in line)


def _unquoted(text: str) -> str:
    if text[0] == '"' or "\n-" in text or "\n." in text:  # escapes, or the mark of a document
        return str(safeyaml.load(text))
    if "\n" in text:
        text = "\n".join([line.strip(" ") for line in text.split("\n")])
        text = _FOLD.sub(lambda lines: lines[1] or " ", text) if "\n\n" in text else text.replace("\n", " ")
    return text[1:-1].replace("''", "'")


def _listed(text: str) -> Any:
    return _EMPTY[text]() if text in _EMPTY else [*(_short if len(text) < _SHORT else _items)(text)]


def _items(text: str) -> list[Any]:
    if listed := _LISTED.fullmatch(text):
        return [_known(item) for item in listed[1].split(", ")]
    raise _Other


_short = lru_cache(1000)(_items)


def _scalar(text: str) -> Any:
    """What YAML makes of a text without quotes, or with simple ones: mostly a text or a number."""
    begin = text[:1]
    if begin in _TYPED and safeyaml.DECIMAL.fullmatch(text):
        return float(text)
    if begin in _QUOTES and _is_simple(text):
        return text[1:-1]
    if not _PLAIN.match(text) or (" " in text and (": " in text or " #" in text)) or text[-1] in ": ":
        raise _Other
    if begin not in _TYPED and (begin not in _WORDS or len(text) > _LONGEST_WORD):
        return text
    return int(text) if _WHOLE.fullmatch(text) else safeyaml.load(text)


_known = lru_cache(1000)(_scalar)
"""``_scalar`` with a cache: recordings have the same names and headers."""
