"""Objects and texts as programming languages write them -> JSON text.

JavaScript, Python, Ruby, Elixir, Erlang, PHP, Go, Swift, Groovy, Kotlin, R: comments, bare keys, texts in single quotes, commas at the end, ``=>``,
``array(``, ``map[string]any{``; and what the SDKs and their snapshots print: ``Part(text='a')``, ``<Reason.STOP: 'STOP'>``, bytes.
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from json.encoder import encode_basestring

from msgspec import Struct

from harness.text.jsontext import DEEPEST, is_utf8
from harness.text.names import snake

_DOUBLE, _SINGLE = r'"(?:[^"\\]|\\.)*+(?:"|\Z)', r"'(?:[^'\\]|\\.)*+(?:'|\Z)"
_TEMPLATE = r"`[^`]*+(?:`|\Z)"
_COMMENT = r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_TOKEN = re.compile(
    rf"(?:<<)?(?P<double>{_DOUBLE})(?:(?:/utf8)?>>)?|(?P<bytes>\bb(?:{_DOUBLE}|{_SINGLE}))|(?P<single>{_SINGLE})|(?P<template>{_TEMPLATE})|(?P<comment>{_COMMENT})"
    rf"|(?P<gone>(?<!parts:\s)\[\s*+(?:\[Object\][,\s]*+)++\])|<[\w.]+:\s(?P<enum>{_SINGLE})>|(?P<lost><\w+ len=\d+>|\bdatetime\.\w+\((?:[^()]|\([^()]*\))*+\))"
    r"|\b(?:[a-z_]\w*+\.){0,2}+(?:[A-Z]\w*+\.){1,2}+(?P<constant>[A-Z][A-Z0-9_]*+)\b(?![.(\w])|\bgenai\.(?P<go>[A-Z]\w*+)\b(?![.({\w])"
    r"|(?:(?P<name>[%#]|\bnew\b(?:[ \t]?\[\]|[ \t]+[\w.<>, ]+)?\s*+(?=[({])|[&*]?+(?:\[\]|map\[\w+\])++(?:interface\{\}|[\w.*]+)(?=\{)|&?(?:(?<![\w.])|(?<=[^\w.]\.))[A-Za-z_][\w.]*+(?=[ \t]?[({]|[ \t]\[))[ \t]?+)?+(?P<open>[\[{(])"
    r"|(?P<close>[\]})])|(?P<comma>,)|:?(?P<key>[A-Za-z_$][\w$]*+)(?=\s*+[:=])"
    r"|(?P<sign>=>|:|=|\bto\b)|(?P<word>[A-Za-z_$][\w$]*+)|(?P<number>\d+)(?=\s*+=>)",
    re.DOTALL,
)
"""What is not closed goes on to the end, so that no text is read twice. ``name``: what stands before a bracket; ``gone``: objects that Node did not print."""
_RAW = re.compile(r"'\s*=>")
"""Shows a language that escapes nothing but quotes in single quotes."""
_NAMED = re.compile(r"[a-z_]+=")
"""How values by name begin that no bracket surrounds."""
_MADE = ("", "%", "#", "array", "list", "tuple", "dict", "mapOf", "listOf")
"""What makes no more of a bracket than its value."""
_WRITERS = ("json_encode", "json.dumps", "JSON.stringify")
"""Functions whose value is JSON as a text."""
_ESCAPE = re.compile(r"""\\(?:x([0-9a-fA-F]{2})|u\{?([0-9a-fA-F]{1,6})\}?|U([0-9a-fA-F]{8})|(.))""", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null", "TRUE": "true", "FALSE": "false", "NULL": "null"}  # fmt: skip


class _Bracket(Struct):
    """An open bracket: its place in what is written, its mark, the name before it, and what stands in it so far.

    ``comma``: the place of a comma that nothing follows yet. ``several``: two values or more, or values by number.
    """

    at: int
    mark: str
    name: str
    has_keys: bool = False
    is_empty: bool = True
    several: bool = False
    comma: int | None = None


def as_json(text: str) -> str:
    """The text as JSON, where it is an object or a list with its parts in that spelling. Other texts stay invalid.

    Raises ValueError for nesting beyond ``jsontext.DEEPEST``.
    """
    return _Writer(f"({text})" if _NAMED.match(text) else text).text()


class _Writer:
    """Writes a text as JSON, one token after another. What a bracket stands for shows when it is closed: keys make an object."""

    def __init__(self, text: str) -> None:
        self._text, self._is_raw = text, _RAW.search(text) is not None
        self._written: list[str] = []
        self._open = [_Bracket(0, "", "")]
        self._string = -1

    def text(self) -> str:
        at = 0
        for found in _TOKEN.finditer(self._text):
            between = self._text[at : found.start()]
            if between.strip() and not self._goes_on(between):
                self._value()
            self._written.append(between)
            self._token(found)
            at = found.end()
        return "".join((*self._written, self._text[at:]))

    def _token(self, found: re.Match[str]) -> None:
        kind = found.lastgroup or ""
        token: str = found[kind]
        if kind == "open":
            self._begin(found["name"] or "", token)
        elif kind == "close":
            self._end(token)
        elif kind == "comma":
            self._open[-1].comma = len(self._written)
            self._written.append(",")
        elif kind == "sign":
            self._sign()
        elif kind == "key":
            self._key(token)
        elif kind == "number":
            self._open[-1].several = True
        elif kind in ("word", "lost", "gone"):
            self._value()
            self._written.append({"lost": "null", "gone": "[]"}.get(kind) or _WORDS.get(token, token))
        elif kind == "go":
            self._add(encode_basestring(_of_go(token)))
        elif kind != "comment":
            self._add(self._string_of(kind, token))

    def _value(self) -> None:
        """A value follows, in the innermost bracket."""
        inside = self._open[-1]
        inside.several = inside.several or inside.comma is not None
        inside.is_empty, inside.comma = False, None

    def _goes_on(self, between: str) -> bool:
        """Whether a string goes on after what is between it and the next token."""
        return self._string == len(self._written) - 1 >= 0 and between.strip() in ("", "+", ".", "\\")

    def _add(self, string: str) -> None:
        """A string in JSON. One that follows another at once, or is added to it, goes on in it."""
        if self._string == len(self._written) - 2 >= 0 and self._written[-1].strip() in ("", "+", ".", "\\"):
            self._written[self._string :] = [self._written[self._string][:-1] + string[1:]]
            return
        self._value()
        self._string = len(self._written)
        self._written.append(string)

    def _key(self, name: str) -> None:
        inside = self._open[-1]
        separated = inside.is_empty or inside.comma is not None
        self._value()
        self._written.append(f'"{name}"' if separated else f', "{name}"')

    def _sign(self) -> None:
        inside = self._open[-1]
        if inside.several and not inside.has_keys and inside.mark != "{":
            return  # the number of a value
        inside.has_keys = True
        self._written.append("" if inside.is_empty else ":")

    def _begin(self, name: str, mark: str) -> None:
        if len(self._open) > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        self._value()
        self._written.append("" if name in (*_MADE, *_WRITERS) or _is_type(name) else name)
        self._open.append(_Bracket(len(self._written), mark, name))
        self._written.append(mark)

    def _end(self, mark: str) -> None:
        done = self._open.pop() if len(self._open) > 1 else _Bracket(0, "", "")
        if not done.mark:
            self._written.append(mark)
            return
        if done.comma is not None:
            self._written[done.comma] = ""
        is_copy = done.name in ("list", "tuple") and not "".join(self._written[done.at + 1 :]).lstrip().startswith("{")
        begins, ends = _pair(done, is_copy=is_copy)
        self._written[done.at] = begins
        self._written.append(ends)
        if done.name in _WRITERS:
            self._written[done.at :] = [json.dumps("".join(self._written[done.at :]))]

    def _string_of(self, kind: str, token: str) -> str:
        if kind == "double" or (kind != "constant" and token[0] == "'" and not self._is_raw):
            return _in_double(token)
        if kind == "bytes":
            return encode_basestring(_of_bytes(_plain(token[1:])))
        if kind == "template":
            return encode_basestring(_plain(token) if token[1:2] not in ("{", "[") else token[1:].removesuffix("`"))
        return encode_basestring(token if kind == "constant" else _QUOTE.sub(r"\1", token[1:].removesuffix("'")))


def _of_go(constant: str) -> str:
    """What a constant of the SDK for Go stands for: ``MAX_TOKENS`` for ``FinishReasonMaxTokens``, ``model`` for ``RoleModel``."""
    name = re.sub(
        r"^(?:(?:Finish|Blocked)Reason|Harm(?:Probability|Severity|BlockThreshold)|(?:Media)?Modality|ThinkingLevel|Type|Role)(?=.)",
        "",
        constant,
    )
    return name.lower() if constant.startswith("Role") else snake(name).upper()


def _in_double(token: str) -> str:
    """A text in quotes as JSON."""
    return encode_basestring(_plain(token)) if token[0] == "'" or _ODD.search(token) else token


def _is_type(name: str) -> bool:
    """Whether a name before a bracket is that of a type."""
    last = name.rpartition(".")[2]
    return bool(re.match(r"[&*\[]|map\[|new\b", name)) or last[:1].isupper() or last in ("from_text", "text")


_QUOTE = re.compile(r"\\([\\'])")
_ODD = re.compile(r"""\n|\\(?:x|u\{|U|[^"\\/bfnrtu])""", re.DOTALL)
"""An escape that JSON does not have, or the end of a line."""


def _pair(done: _Bracket, *, is_copy: bool) -> tuple[str, str]:
    """The brackets of JSON for one of a language: those of an object or a list; none around a single value.

    ``is_copy``: it is a call that makes a list of a list.
    """
    if done.has_keys:
        return "{", "}"
    if done.mark == "(":
        is_list = done.several or (done.name in ("array", "listOf", "list", "tuple") and not is_copy)
        return ("[", "]") if is_list else ("{", "}") if done.is_empty else ("", "")
    is_list = done.mark == "[" or not done.is_empty or done.name.startswith("[]")
    return ("[", "]") if is_list else ("{", "}")


def _plain(quoted: str) -> str:
    """The text in quotes, with what its escapes stand for."""
    text = quoted[1:].removesuffix(quoted[0])
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _of_bytes(characters: str) -> str:
    """Bytes, a character each, as the text that they are, else in base64, as on the wire."""
    content = characters.encode("latin-1", "replace")
    return content.decode() if is_utf8(content) else b64encode(content).decode()


def _character(found: re.Match[str]) -> str:
    if found[4]:
        return _LETTERS.get(found[4], found[4])
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


_BORDER = re.compile(rf"{_DOUBLE}|{_SINGLE}|{_TEMPLATE}|{_COMMENT}|[{{}}\[\]()]", re.DOTALL)
_BORDER_OR_BLANK = re.compile(rf"{_BORDER.pattern}|\s(?!\w+=)", re.DOTALL)


def length(text: str, begin: int = 0, most: int = sys.maxsize) -> int:
    """The length of the object at a place of a text, or of the values by name there; 0 if it does not end within ``most``."""
    end, depth, are_named = min(len(text), begin + most), 0, _NAMED.match(text, begin) is not None
    for found in (_BORDER_OR_BLANK if are_named else _BORDER).finditer(text, begin, end):
        mark = found[0]
        depth += (mark in "{[(") - (mark in "}])")
        if depth > DEEPEST:
            return 0
        if are_named and (depth < 0 or (not depth and mark.isspace())):
            return found.start() - begin
        if not (are_named or depth):
            return found.end() - begin
    return end - begin if are_named and not depth else 0
