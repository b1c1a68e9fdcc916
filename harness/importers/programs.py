"""A program with its variables in their places: texts, lists and objects that are written where a variable is set."""

from __future__ import annotations

import json
import re

from harness.transport.cassette.literals import length

_SET = re.compile(
    r"^[ \t]*(?:(?:const|let|var|val|final|static|export|readonly|private|public|auto|[A-Z]\w*(?:<[^<>\n]{0,60}>)?)[ \t]+)*"
    r"\$?(?P<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,60})?:?=(?![=>])[ \t]*(?:\n[ \t]+)?",
    re.MULTILINE,
)
_STRING = re.compile(
    r'"""(?P<python>.*?)"""|`(?P<template>[^`$]*)`|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|(?:-?\d+(?:\.\d+)?[fF]?|[tT]rue|[fF]alse)(?![\w.])',
    re.DOTALL,
)
_STRUCTURE = re.compile(
    r"(?:new[ \t]+)?&?(?:[\w.]*\b[A-Z]\w*(?:\.(?:builder|of|asList|from[A-Z]\w*))?|(?:\[\]|map\[\w+\])+[*\w.]+(?:\{\})?|(?:float|int)\d\d)?(?=[\[{(])"
)
"""What stands before the bracket of a value that is no call of a function."""
_CHAINED = re.compile(r"\s*\.\w+(?=\()")
_FUNCTION = re.compile(
    r"\b(\w+)[ \t]*(?:=[ \t]*(?:async[ \t]*)?)?\(\s*(?:(?:const|final|string|[A-Z]\w*)[ \t]+)*\$?(\w+)[^()\"'\n]*\)"
    r"(?=[^\n;()]*(?:\([^\n()]*\)[ \t]*)?(?:\{|=>|:[ \t]*$))",
    re.MULTILINE,
)
"""Where a function is defined, and its first parameter."""
_CALLED = re.compile(r"(?<![\w.])(\w+)\(\s*(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')\s*[,)]")
_ENDS = re.compile(r"(?:(?<=key=[\"'])[ \t]*[.+][ \t]*\$?\w+)?[ \t]*(?:;|(?://|#)[^\n]*)?(?=\n|$)")
_USED = re.compile(r"(?<=[:=(,\[>])(?P<gap>\s*)[$&]?(?P<name>[A-Za-z_]\w*)(?=\s*[,)}\];]|[ \t]*\n)")
_BASE = re.compile(r"""\b(?:\w*base_?url|host)["']?\s*[=:]\s*["'`](https?://[^"'`\s]+?)/?["'`]""", re.IGNORECASE)
_PATH = re.compile(r"""(["'`])(?=/[^"'`\s]*enerateContent)""")
_LONGEST, _MOST_FILLED = 200_000, 2_000_000


def inlined(text: str) -> str:
    """The text of a program, with the value of each variable in the place of its name, and the host before each path."""
    if base := _BASE.search(text):
        text = _PATH.sub(lambda found: found[1] + base[1], text)
    calls: dict[str, str] = dict(reversed(_CALLED.findall(text)))
    values: dict[str, str] = {found[2]: calls[found[1]] for found in _FUNCTION.finditer(text) if found[1] in calls}
    places, parts, at, left = dict[str, int](), list[str](), 0, _MOST_FILLED

    def value(found: re.Match[str]) -> str:
        nonlocal left
        known = values.get(found["name"], "")
        left -= len(known)
        if not known or left < 0:
            return found[0]
        if found["name"] in places:
            parts[places[found["name"]]] = ""  # it is moved
        return found["gap"] + known

    for found in _SET.finditer(text):
        end = _end(text, found.end()) if found.start() >= at and left > 0 else 0
        left -= _LONGEST * (end < 0)
        if end > 0 and "models.generate" not in text[found.end() : end]:
            parts.append(_USED.sub(value, text[at : found.end()]))
            parts.append(_USED.sub(value, _as_json(text[found.end() : end])))
            values[found["name"]], places[found["name"]], at = parts[-1], len(parts) - 1, end
    rest = _USED.sub(value, text[at:])
    return "".join((*parts, rest))


def _end(text: str, at: int) -> int:
    """Where the value ends that stands alone at a place; 0 if there is none, below 0 if it does not end."""
    found = _STRING.match(text, at) or _STRUCTURE.match(text, at)
    end = found.end() if found else 0
    while found and found.re is not _STRING:
        if not (inside := length(text, found.end(), _LONGEST)):
            return -1
        end = found.end() + inside
        found = _CHAINED.match(text, end)  # a builder of Java goes on
    return end if end and _ENDS.match(text, end) else 0


def _as_json(value: str) -> str:
    """A text over several lines as one in quotes; any other value as it is."""
    found = _STRING.fullmatch(value)
    several = found and (found["python"] or found["template"])
    return json.dumps(several, ensure_ascii=False) if several else value
