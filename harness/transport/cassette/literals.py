"""Objects and texts as JavaScript, Python, Ruby and Elixir write them -> JSON text: comments, bare keys, texts in single quotes,
commas at the end, ``=>`` and ``%{``; also ``dict([...])``, ``<Reason.STOP: 'STOP'>`` and bytes, as the SDKs and their snapshots print them."""

from __future__ import annotations

import json
import re
from base64 import b64encode

from harness.text.jsontext import is_utf8

_DOUBLE, _SINGLE = r'"(?:[^"\\]|\\.)*+(?:"|\Z)', r"'(?:[^'\\]|\\.)*+(?:'|\Z)"
_COMMENT = r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_TOKEN = re.compile(
    rf"(?P<double>{_DOUBLE})|(?P<bytes>\bb(?:{_DOUBLE}|{_SINGLE}))|(?P<single>{_SINGLE})|(?P<comment>{_COMMENT})"
    rf"|<[\w.]+:\s(?P<enum>{_SINGLE})>|(?P<call>\b(?:dict|list|tuple)\((?=\s*[\[({{]))|(?P<close>(?<=[\]}}])\))"
    rf"|(?P<arrow>=>)|(?P<map>%(?={{))"
    r"|(?P<word>[A-Za-z_$][\w$]*+)(?P<key>(?=\s*+:))?",
    re.DOTALL,
)
"""What is not closed goes on to the end, so that no text is read twice."""
_LAST = re.compile(r"""("(?:[^"\\]|\\.)*+(?:"|\Z))|,(?=\s*+[\]}])""", re.DOTALL)
_ESCAPE = re.compile(r"""\\(?:x([0-9a-fA-F]{2})|u\{?([0-9a-fA-F]{1,6})\}?|U([0-9a-fA-F]{8})|(.))""", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}


def as_json(text: str) -> str:
    """The text as JSON, where it is an object or a list with its parts in that spelling. Other texts stay invalid."""
    return _LAST.sub(lambda found: found[1] or "", _TOKEN.sub(_token, text))


def _token(found: re.Match[str]) -> str:
    if found["arrow"]:
        return ":"
    if found["double"]:
        return found["double"].replace("\\'", "'")
    if found["word"]:
        return json.dumps(found["word"]) if found["key"] is not None else _WORDS.get(found["word"], found["word"])
    if found["bytes"]:
        return json.dumps(_of_bytes(_plain(found["bytes"][1:])), ensure_ascii=False)
    text = found["single"] or found["enum"]
    return json.dumps(_plain(text), ensure_ascii=False) if text else ""


def _plain(quoted: str) -> str:
    """The text in quotes, with what its escapes stand for."""
    return _ESCAPE.sub(_character, quoted[1:].removesuffix(quoted[0]))


def _of_bytes(characters: str) -> str:
    """Bytes, a character each, as the text that they are, else in base64, as on the wire."""
    content = characters.encode("latin-1", "replace")
    return content.decode() if is_utf8(content) else b64encode(content).decode()


def _character(found: re.Match[str]) -> str:
    if found[4]:
        return _LETTERS.get(found[4], found[4])
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


_BORDER = re.compile(rf"{_DOUBLE}|{_SINGLE}|{_COMMENT}|[{{}}\[\]]", re.DOTALL)


def length(text: str) -> int:
    """The length of the object at the beginning of a text; 0 if it does not end."""
    depth = 0
    for found in _BORDER.finditer(text):
        depth += (found[0] in "{[") - (found[0] in "}]")
        if not depth:
            return found.end()
    return 0
