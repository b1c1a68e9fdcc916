"""The bytes of a file -> plain values: JSON, YAML (several documents too), JSON lines; packed, or in UTF-16.

JSON with comments, TOML, and logs whose lines hold JSON behind a prefix are tried last.
"""

from __future__ import annotations

import codecs
import re
from io import BytesIO
from typing import Any

import yaml

from harness.text import plainyaml, safeyaml
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
                return _otherwise(raw, f"not decodable as JSON: {fault}")
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
    if raw.startswith(_CASSETTE) and (ours := plainyaml.read(raw)) is not None:
        return [ours]
    try:
        return safeyaml.load_all(raw)
    except yaml.YAMLError as fault:
        if raw.startswith(_CASSETTE):  # a broken one; lines of it may be JSON
            raise NoDocument(safeyaml.reason(fault)) from fault
        return _otherwise(raw, complaint or safeyaml.reason(fault))


# --- what is neither ----------------------------------------------------------------------------------------

_CASSETTE = (b"version: 1\ninteractions:", b"interactions:\n")
"""How cassettes of vcrpy begin."""
_COMMENTS = re.compile(rb"""("(?:[^"\\]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')|//[^\n]*+|/\*.*?\*/|,(?=\s*+[\]}])""", re.DOTALL)
_TOML = re.compile(rb"(?:\s|#[^\n]*\n)*+(?:\[{1,2}[\w.\"-]+\]{1,2}\s*\n|[\w.-]+[ \t]*=[ \t]*\S)")
_HINTS = (b"candidates", b"contents", b"usageMetadata", b'"error"')
_COMMANDS = re.compile(rb"\b(?:curl|wget|Invoke-\w+|iwr|irm)(?:\.exe)?[ \t]")
_ADDRESS = re.compile(r"""(?:https?://|/v1)[^\s"'{}]{1,300}enerateContent[^\s"'{}]{0,200}""")
_LONGEST, _MOST_ATTEMPTS = 4_000_000, 100
"""Characters of an object over several lines of a log, and how many of them may turn out to be none."""


def _otherwise(raw: bytes, complaint: str) -> list[Any]:
    """JSON with comments, TOML, or the JSON in the lines of a log. Raises NoDocument with the complaint if it is none of them."""
    for read in (_commented, _toml, _logged):
        if found := read(raw):
            return found
    raise NoDocument(complaint)


def _commented(raw: bytes) -> list[Any]:
    """JSON with comments and commas at the end, also with names and texts as JSON5 writes them."""
    if not raw.lstrip(_WHITE).startswith((b"{", b"[", b"/")) or not (b"//" in raw or b"/*" in raw):
        return []
    bare = _COMMENTS.sub(lambda found: found[1] or b"", raw)
    try:
        return [json_value(bare)]
    except ValueError:
        pass
    try:
        return [safeyaml.load(bare)]
    except (yaml.YAMLError, ValueError):
        return []


def _toml(raw: bytes) -> list[Any]:
    if not _TOML.match(raw):
        return []
    import tomllib

    try:
        return [tomllib.loads(raw.decode())]
    except (ValueError, RecursionError):
        return []


def _logged(raw: bytes) -> list[Any]:
    """The JSON objects that begin in a line of a log, behind anything else, and the lines with addresses before them.

    Empty if no object is of Gemini, and for pages with commands, which ``import`` reads.
    """
    if not any(hint in raw for hint in _HINTS) or _COMMANDS.search(raw):
        return []
    text, found, at, spare = raw.decode("utf-8", "replace"), list[Any](), 0, _MOST_ATTEMPTS
    while (begin := text.find("{", at)) >= 0:
        found += _ADDRESS.findall(text, at, begin)
        end = text.find("\n", begin) % (len(text) + 1)  # the end of the text where there is no further line
        value, length = _object(text[begin:end])
        if not length and spare and text[begin:end].rstrip()[-1] in "{[,":  # it goes on in the next lines
            value, length = _object(text[begin : begin + _LONGEST])
            spare -= not length
        found += [value] if length else []
        at = begin + length if length else end
    return found if any(isinstance(one, dict) for one in found) else []


def _object(text: str) -> tuple[Any, int]:
    """The JSON object at the beginning of a text, and its length; 0 if there is none."""
    import json

    try:
        value, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, 0
    return (value, length) if not is_deeper(value) else (None, 0)
