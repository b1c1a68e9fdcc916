"""The bytes of a file -> plain values: JSON, YAML (several documents too), JSON lines; packed, or in UTF-16.

Objects as JavaScript and Python write them, and logs whose lines hold objects behind a prefix are tried last.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from itertools import pairwise
from textwrap import dedent
from typing import Any

import yaml

from harness.text import plainyaml, safeyaml
from harness.text.code_blocks import code_blocks
from harness.text.jsontext import is_deeper, loads
from harness.transport.cassette.logs import Settings, addresses, logged
from harness.transport.cassette.packing import unpack
from harness.transport.cassette.values import Elements, literal_value

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"
_WHITE = b" \t\r\n"


SQLITE = b"SQLite format 3\0"
_CAPTURE = "a capture of packets, in which HTTPS is encrypted; record with a proxy that writes HAR"
_BINARY = {
    b"\xd4\xc3\xb2\xa1": _CAPTURE,
    b"\xa1\xb2\xc3\xd4": _CAPTURE,
    b"\x0a\x0d\x0d\x0a": _CAPTURE,
    b"PAR1": "a Parquet file; export its rows as JSON lines or CSV",
    b"bplist": "a binary property list; export the session as HAR",
    SQLITE: "an SQLite file without a request or answer of Gemini in its tables",
    b"\x80": "a Python pickle, which is never loaded, since it may run code; write the bodies as JSON",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
"""How binary files begin that people take for recordings -> what they are, and what to do."""


class NoDocument(ValueError):
    """The bytes are no document. The message says why, and where."""


def plain(raw: bytes) -> bytes:
    """The bytes of a file as UTF-8 without a mark, unpacked. Raises NoDocument if it is packed and broken."""
    unpacked = unpack(raw)
    if unpacked.content[:2] == _GZIP == raw[:2] and not unpacked.fault and len(unpacked.content) < 2 * len(raw):
        # packed twice, which makes no file smaller; a bomb in a bomb is no such file
        unpacked = unpack(unpacked.content)
    if unpacked.fault:
        raise NoDocument(unpacked.fault)
    content = unpacked.content
    for mark, name in _BOMS:
        if content.startswith(mark):
            try:
                return content[len(mark) :] if name == "utf-8-sig" else content.decode(name).encode()
            except UnicodeError as fault:
                raise NoDocument(f"not decodable as {name}: {fault}") from fault
    return _COLOURS.sub(b"", content) if b"\x1b[" in content else content


_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


def documents(raw: bytes) -> Sequence[Any]:
    """The values in a text, in their order. Raises NoDocument if it is none of the forms."""
    if not raw.strip(_WHITE):
        raise NoDocument("empty")
    if b"\0" in raw[:4096]:
        raise NoDocument(
            next((words for mark, words in _BINARY.items() if raw.startswith(mark)), "binary data, no text")
        )
    if raw.lstrip(_WHITE)[:1] in (b"{", b"[", b"/"):
        return _in_brackets(raw)
    return _yaml(raw)


def _in_brackets(raw: bytes) -> Sequence[Any]:
    try:
        return [loads(raw)]
    except ValueError as fault:  # it holds copies of the text, so it is over before the text is read again
        complaint = f"not decodable as JSON: {fault}"
    if found := lines(raw) or _literal(raw):
        return found
    if raw.lstrip(_WHITE)[:1] == b"[" and b'"' in raw:
        return _otherwise(raw, complaint)
    return _yaml(raw, complaint)


def lines(raw: bytes) -> Elements | None:
    """The values of JSON lines, or of JSON values one after another; None if it is neither."""
    found = _by_line(raw)
    if found and len(found.broken) < 2:
        return found
    return _one_after_another(raw) or found  # a value over several lines breaks each of them


def _by_line(raw: bytes) -> Elements | None:
    """The values of JSON lines. Some lines may be broken, such as the last line of a log that was cut."""
    whole, broken = list[bytes](), list[tuple[str, str]]()
    for number, line in enumerate(BytesIO(raw), 1):
        if not line.strip(_WHITE):
            continue
        if line.strip(_WHITE)[:1] not in (b"{", b"["):
            return None
        try:
            loads(line)
            whole.append(line)
        except ValueError as fault:
            several = _one_after_another(line)
            whole += several.parts if several else ()
            broken += () if several else [(f"line {number}", f"not decodable as JSON: {fault}")]
        if len(broken) > len(whole):
            return None
    return Elements(whole, loads, "JSON lines", broken)


def _one_after_another(raw: bytes) -> Elements | None:
    found, at = list[bytes](), 0
    try:
        text = raw.decode()
        while at < len(text):
            value, end = json.JSONDecoder().raw_decode(text, at)
            if is_deeper(value):
                return None
            found.append(text[at:end].encode("utf-8", "surrogatepass"))
            at = end
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    except (ValueError, RecursionError):
        return None
    return Elements(found, loads)


def _yaml(raw: bytes, complaint: str = "") -> Sequence[Any]:
    if quick := plainyaml.read_all(raw):
        return quick
    try:
        values = safeyaml.load_all(raw)
    except yaml.YAMLError as fault:
        if raw.startswith(CASSETTE):  # a broken one; lines of it may be JSON
            is_cut = getattr(getattr(fault, "problem_mark", None), "line", -1) >= raw.count(b"\n")
            raise NoDocument(safeyaml.reason(fault) + _CUT * is_cut) from fault
        return _otherwise(raw, complaint or safeyaml.reason(fault))
    return (logged(raw) if _are_lines(values, raw) else []) or values


_CUT = "; the file is cut there: restore it, or record it again"
_TIMED = re.compile(r"\[?\d{4}-\d\d-\d\d[ T]")
_KEY = re.compile(rb"\n[^\s#\[\]{}-][^\n]*?:(?=[ \r\n])")
"""A key in a line after the first. It begins with a line break, which is found faster than ``^``."""


def _are_lines(values: list[Any], raw: bytes) -> bool:
    """Whether the text is a log that happens to be YAML: every line begins with a time, or several lines have the same key.

    Of lines with the same key, YAML keeps only the last.
    """
    if all(isinstance(value, dict) and value and all(_TIMED.match(str(key)) for key in value) for value in values):
        return True
    if not all(isinstance(value, dict) for value in values):
        return False
    keys = sum(map(len, values))
    first = 2 if _KEY.match(b"\n" + raw[:10_000]) else 1
    return any(number > keys for number, _ in enumerate(_KEY.finditer(raw), first))


# --- what is neither ----------------------------------------------------------------------------------------

CASSETTE = (b"version: 1\ninteractions:", b"interactions:\n")
"""How cassettes of vcrpy begin. No other format needs to be tried, or imported, for them."""
_LARGEST_LITERAL = 20_000_000
_MOST_DOCUMENTS = 10_000


def _otherwise(raw: bytes, complaint: str) -> Sequence[Any]:
    """The JSON in the lines of a log, or the YAML in a page. Raises NoDocument with the complaint if it is none of them."""
    for read in (logged, _fenced, _whole_parts):
        if found := read(raw):
            return found
    raise NoDocument(complaint)


def _literal(raw: bytes) -> Sequence[Any]:
    """One object or list as JavaScript or Python writes it."""
    if len(raw) > _LARGEST_LITERAL:
        return []
    from harness.transport.cassette import literals

    try:
        text = raw.lstrip(_WHITE).decode()
        end = literals.length(text)
        is_whole = text[0] == "/" or (end and text[end:].lstrip()[:1] in ("", "/"))
        return Elements([literal_value(text)], name="JSON5") if is_whole else []
    except ValueError:
        return []


def _fenced(raw: bytes) -> Sequence[Any]:
    """The documents of the blocks of YAML in a page of Markdown, and the addresses before them."""
    text, found, at = raw.decode("utf-8", "replace"), list[Any](), 0
    settings = Settings(text)
    for block in code_blocks(text):
        if re.match(r"ya?ml\b", block.language):
            found += (part.content for part in addresses(text, at, block.begin, settings))
            with suppress(yaml.YAMLError):
                found += safeyaml.load_all(dedent(block.text).encode())
            at = block.end
    return Elements(found, name="Markdown") if any(isinstance(one, dict) for one in found) else []


MARK = re.compile(rb"^---(?=[ \t\r\n])", re.MULTILINE)
"""Where a document of YAML begins."""


def _whole_parts(raw: bytes) -> Sequence[Any]:
    """The documents of a YAML text that holds several. What is broken is noted, and the rest is read."""
    values, broken = list[Any](), list[tuple[str, str]]()
    marks = [0, *(found.start() for found in MARK.finditer(raw, 1)), len(raw)]
    line = 1
    for begin, end in pairwise(marks if 2 < len(marks) < _MOST_DOCUMENTS else ()):
        try:
            values += safeyaml.load_all(raw[begin:end])
        except yaml.YAMLError as fault:
            broken.append((f"the document at line {line}", safeyaml.reason(fault)))
        line += raw.count(b"\n", begin, end)
    return Elements(values, name="YAML", broken=broken) if any(isinstance(value, dict) for value in values) else []
