"""The bytes of a file -> plain values: JSON, YAML (several documents too), JSON lines; packed, or in UTF-16."""

from __future__ import annotations

import codecs
from io import BytesIO
from typing import Any

import yaml

from harness.text import safeyaml
from harness.text.jsontext import DEEPEST, is_deeper, loads, may_be_deeper
from harness.transport.cassette.packing import unpack

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WHITE = b" \t\r\n"


class NoDocument(ValueError):
    """The bytes are no document. The message says why, and where."""


def plain(raw: bytes) -> bytes:
    """The bytes of a file as UTF-8 without a mark, unpacked. Raises NoDocument if it is packed and broken."""
    unpacked = unpack(raw)
    if unpacked.fault:
        raise NoDocument(unpacked.fault)
    content = unpacked.content
    for mark, name in _BOMS:
        if content.startswith(mark):
            try:
                return content[len(mark) :] if name == "utf-8-sig" else content.decode(name).encode()
            except UnicodeError as fault:
                raise NoDocument(f"not decodable as {name}: {fault}") from fault
    return content


def documents(raw: bytes) -> list[Any]:
    """The values in a text, in their order. Raises NoDocument if it is none of the forms."""
    if not raw.strip(_WHITE):
        raise NoDocument("empty")
    if b"\0" in raw[:4096]:
        raise NoDocument("binary data, no text")
    if raw.lstrip(_WHITE)[:1] in (b"{", b"["):
        try:
            return [json_value(raw)]
        except ValueError as fault:
            found = _lines(raw)
            if found is None and raw.lstrip(_WHITE)[:1] == b"[" and b'"' in raw:
                raise NoDocument(f"not decodable as JSON: {fault}") from None
            if found is not None:
                return found
            complaint = f"not decodable as JSON: {fault}"
            return _yaml(raw, complaint)
    return _yaml(raw)


def json_value(raw: bytes) -> Any:
    """The value of a JSON text. Raises ValueError, also for nesting beyond ``jsontext.DEEPEST``."""
    import msgspec

    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return loads(raw)  # it accepts what msgspec does not, such as NaN and half surrogate pairs
    if may_be_deeper(raw) and is_deeper(value):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return value


def _lines(raw: bytes) -> list[Any] | None:
    """The values of JSON lines, or of JSON values one after another; None if a line is neither."""
    try:
        return [json_value(line) for line in BytesIO(raw) if line.strip(_WHITE)]
    except ValueError:
        return _one_after_another(raw)


def _one_after_another(raw: bytes) -> list[Any] | None:
    import json

    found, at = [], 0
    try:
        text = raw.decode()
        while at < len(text):
            value, at = json.JSONDecoder().raw_decode(text, at)
            if is_deeper(value):
                return None
            found.append(value)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    except (ValueError, RecursionError):
        return None
    return found


def _yaml(raw: bytes, complaint: str = "") -> list[Any]:
    try:
        return safeyaml.load_all(raw)
    except yaml.YAMLError as fault:
        raise NoDocument(complaint or safeyaml.reason(fault)) from fault
