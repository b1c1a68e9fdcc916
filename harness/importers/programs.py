"""A program with its variables in their places: texts, lists and objects that are written where a variable is set."""

from __future__ import annotations

import json
import re

from harness.transport.cassette.literals import length, without_doubled_braces
from harness.transport.cassette.values import literal_value

_SET = re.compile(
    r"^[ \t]*(?:(?:const|let|var|val|string|final|static|export|readonly|private|public|auto|[A-Z]\w*(?:<[^<>\n]{0,60}>)?)[ \t]+)*"
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
_TEXT = r"(?:\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')"
_FUNCTION = re.compile(
    rf"\b(\w+)[ \t]*(?:=[ \t]*(?:async[ \t]*)?)?\(((?:[^()\"'\n]|{_TEXT})*+)\)"
    r"(?=[^\n;()]*(?:\([^\n()]*\)[ \t]*)?(?:\{|=>|:[ \t]*$))",
    re.MULTILINE,
)
"""Where a function is defined, and its parameters."""
_CALLED = re.compile(rf"(?<!\w)(\w+)\(((?:[^()\"'\n]|{_TEXT})*+)\)")
_ARGUMENT = re.compile(rf"(?:[^,\"']|{_TEXT})+")
_PARAMETER = re.compile(rf"\$?(\w+)[ \t]*(?:[ \t]string|\??:[^=]*)?(?:=[ \t]*({_TEXT}))?$")
"""The name of a parameter, and the text that it has otherwise."""
_DOUBLED = re.compile(rf"\bf(?=.{{0,9}}contents)({_TEXT})")
"""A text that doubles its brackets."""
_HOLE = re.compile(r"""(?P<quote>\\?")(?:\$?\{\{?(?P<name>\w+)\}\}?|\$(?P<bare>\w+))(?=\\?")""")
"""A variable that is the whole of a text in JSON."""
_ENDS = re.compile(r"(?:(?<=key=[\"'])[ \t]*[.+][ \t]*\$?\w+)?[ \t]*(?:;|(?://|#)[^\n]*)?(?=\n|$)")
_USED = re.compile(r"(?<=[:=(,\[>])(?P<gap>\s*)[$&]?(?P<name>[A-Za-z_]\w*)(?=\s*[,)}\];]|[ \t]*\n)")
_BASE = re.compile(r"""\b(?:\w*base_?url|host)["']?\s*[=:]\s*["'`](https?://[^"'`\s]+?)/?["'`]""", re.IGNORECASE)
_PATH = re.compile(r"""(["'`])(?=/[^"'`\s]*enerateContent)""")
_LONGEST, _MOST_FILLED = 200_000, 2_000_000


def inlined(text: str) -> str:
    """The text of a program, with the value of each variable in the place of its name, and the host before each path."""
    if base := _BASE.search(text):
        text = _PATH.sub(lambda found: found[1] + base[1], text)
    values = _arguments(text) if "enerate" in text else {}
    places, parts, at, left = dict[str, int](), [""], 0, _MOST_FILLED

    def value(found: re.Match[str]) -> str:
        nonlocal left
        known = values.get(found["name"], "")
        left -= len(known)
        if not known or left < 0:
            return found[0]
        parts[places.get(found["name"], 0)] = ""  # it is moved
        return found["gap"] + known

    for found in _SET.finditer(text):
        end = _end(text, found.end()) if found.start() >= at and left > 0 else 0
        left -= _LONGEST * (end < 0)
        if end > 0 and "models.generate" not in text[found.end() : end]:
            parts.append(_USED.sub(value, text[at : found.end()]))
            parts.append(_USED.sub(value, _as_json(text[found.end() : end])))
            values[found["name"]], places[found["name"]], at = parts[-1], len(parts) - 1, end
    rest = _USED.sub(value, text[at:])
    whole = _DOUBLED.sub(lambda one: without_doubled_braces(one[1]), "".join((*parts, rest)))
    return _HOLE.sub(lambda hole: _filled(hole, values.get(hole["name"] or hole["bare"], "")), whole)


def _arguments(text: str) -> dict[str, str]:
    """The texts that the parameters of functions have: in the first call with a text, or otherwise."""
    values, functions = dict[str, str](), list(_FUNCTION.finditer(text))
    heads = {function.start(1) for function in functions}
    found = (one for one in _CALLED.finditer(text) if one.start() not in heads and re.search(_TEXT, one[2]))
    calls = dict(reversed([(one[1], one[2]) for one in found]))
    for function in functions:
        names = [_PARAMETER.search(one.strip()) for one in _ARGUMENT.findall(function[2]) if one.strip("& ") != "self"]
        given = _ARGUMENT.findall(calls.get(function[1], ""))
        for number, name in enumerate(names):
            known = given[number].strip() if number < len(given) else name[2] if name else ""
            if name and known and re.fullmatch(_TEXT, known):
                values[name[1]] = known
    return values


def _filled(hole: re.Match[str], known: str) -> str:
    """A place in a text of JSON with the text that is known of it."""
    if not re.fullmatch(_TEXT, known):
        return hole[0]
    text = json.dumps(literal_value(known), ensure_ascii=False)
    return hole["quote"] + (json.dumps(text, ensure_ascii=False)[3:-3] if hole["quote"][0] == "\\" else text[1:-1])


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
