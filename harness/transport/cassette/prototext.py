"""Answers as protobuf prints them, and with it the SDK of Vertex AI -> JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.gemini import definition
from harness.text.jsontext import an_object, compact, json_of
from harness.transport.cassette.spelling import camel_word
from harness.transport.cassette.typed import untyped

_ANSWER = re.compile(r"^([ \t]*+)candidates \{\r?\n(?:\1(?:[ \t]++[^\n]*+|\}[ \t\r]*+|(?!candidates)[a-z_]++(?: \{|: [^\n]*+))(?:\n|\Z))++", re.MULTILINE)  # fmt: skip
_FIELD = re.compile(r'(?P<end>\})|(?P<name>\w++)(?: \{|: (?P<value>"(?:[^"\\\n]|\\.)*+"|[^\s{}"]++))')
_ESCAPE = re.compile(rb"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_DEEPEST = 60


def with_json(text: str) -> str:
    """The text with JSON in the place of printed answers."""
    return _ANSWER.sub(_as_json, text) if "candidates {" in text else text


def _as_json(found: re.Match[str]) -> str:
    return compact(_message(_FIELD.finditer(found[0]), "GenerateContentResponse")).decode(errors="replace") + "\n"


def _message(fields: Iterator[re.Match[str]], kind: str, deep: int = 0) -> Any:
    """The message that these fields begin with. ``kind``: its type in the definition."""
    types = definition.fields(kind) if kind[:1].isupper() else {"fields": "[]"}
    found: dict[str, Any] = {}
    for field in fields:
        if field["end"] or deep > _DEEPEST:
            break
        name = camel_word(field["name"])
        of, scalar = types.get(name, ""), field["value"]
        value = _message(fields, of.removesuffix("[]"), deep + 1) if scalar is None else _value(scalar)
        if of.endswith("[]"):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    if kind != "object":
        return found
    return {str(one.get("key")): untyped(one.get("value")) for one in map(an_object, found.get("fields", ()))}


def _value(scalar: str) -> Any:
    if scalar[0] == '"':
        octets = scalar[1:-1].encode("utf-8", "replace")
        octets = _ESCAPE.sub(lambda one: bytes([int(one[1], 8)]) if one[1] else _LETTERS.get(one[2], one[2]), octets)
        return octets.decode("utf-8", "replace")
    return scalar if (value := json_of(scalar)) is None else value
