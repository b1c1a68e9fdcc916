"""Objects as JavaScript and Python write them -> JSON text: comments, bare keys, texts in single quotes, commas at the end."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*+(?:"|\Z))|(?P<bytes>b?)'(?P<single>(?:[^'\\]|\\.)*+)(?:'|\Z)"""
    r"""|(?P<comment>//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))|(?P<word>[A-Za-z_$][\w$]*+)(?P<key>(?=\s*+:))?""",
    re.DOTALL,
)
"""What is not closed goes on to the end, so that no text is read twice."""
_LAST = re.compile(r"""("(?:[^"\\]|\\.)*+(?:"|\Z))|,(?=\s*+[\]}])""", re.DOTALL)
_ESCAPE = re.compile(r"""\\(?:x([0-9a-fA-F]{2})|u\{?([0-9a-fA-F]{1,6})\}?|U([0-9a-fA-F]{8})|(.))""", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}


def as_json(text: str) -> str:
    """The text as JSON, where it is an object or a list with its parts in that spelling. Other texts stay invalid."""
    return _LAST.sub(lambda found: found[1] or "", _TOKEN.sub(_token, text))


def _token(found: re.Match[str]) -> str:
    if found["double"]:
        return found["double"].replace("\\'", "'")
    if found["comment"]:
        return ""
    if found["word"]:
        return json.dumps(found["word"]) if found["key"] is not None else _WORDS.get(found["word"], found["word"])
    plain = _ESCAPE.sub(_character, found["single"])
    if found["bytes"]:
        plain = plain.encode("latin-1", "replace").decode("utf-8", "replace")
    return json.dumps(plain, ensure_ascii=False)


def _character(found: re.Match[str]) -> str:
    if found[4]:
        return _LETTERS.get(found[4], found[4])
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"
