"""A long text as values whose longest sequence is decoded one element at a time: JSON lines, a JSON array, the list in a JSON or YAML file.

A decoded value takes about ten times the memory of its text, so that of a long file is never there as a whole.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import yaml

from harness.text import plainyaml, safeyaml
from harness.text.jsontext import loads
from harness.transport.cassette.documents import MARK, lines
from harness.transport.cassette.values import Elements, Indivisible

LONG = 1_000_000
"""Bytes from which on a text is decoded one element at a time."""
_NAMES = ("log", "entries", "interactions", "http_interactions")
"""Keys of a whole file that hold its exchanges, in HAR and in the files of recorders."""
_LISTED = re.compile(rb"^(interactions|http_interactions):[ ]*\r?\n(?=([ ]*)-[ ])", re.MULTILINE)
"""Where a list of exchanges begins in YAML, and how far its dashes are indented."""
_ENDS = re.compile(rb"^(?![-# \r\n])", re.MULTILINE)


def divided(raw: bytes) -> Sequence[Any] | None:
    """The values of a long text, as ``documents`` gives them, with its sequence as Elements; None for any other text, and for one element,
    which would be a copy of nearly all."""
    if len(raw) < LONG:
        return None
    start = raw[:200].lstrip(b" \t\r\n")[:1]
    if start not in (b"{", b"["):
        return _of_yaml(raw)
    try:
        if start == b"[":
            return [_listed(msgspec.json.decode(raw, type=list[msgspec.Raw]))]
        whole = _of_object(raw)
    except msgspec.MsgspecError:
        return _of_lines(raw)
    return None if whole is None else [whole]


def _listed(parts: Sequence[Any]) -> Elements:
    """The elements of JSON in these parts of a text."""
    return Elements(parts, _value)


def _of_object(raw: Any) -> dict[str, Any] | None:
    """An object with its lists of exchanges as Elements; None if it has none. Raises MsgspecError if it is no object."""
    found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    inside: dict[str, Any] = {}
    for name, part in found.items():
        start = bytes(memoryview(part)[:1])
        if name not in _NAMES and memoryview(part).nbytes < LONG:
            continue
        if start == b"[":
            parts = msgspec.json.decode(part, type=list[msgspec.Raw])
            if len(parts) > 1 and (name in _NAMES or _is_exchange(parts[0])):
                inside[name] = _listed(parts)
        elif start == b"{" and (member := _of_object(part)):
            inside[name] = member
    return {key: inside[key] if key in inside else _value(item) for key, item in found.items()} if inside else None


def _is_exchange(raw: Any) -> bool:
    """Whether an element of a list holds a request and an answer. Those of other lists are parts of one exchange."""
    content = bytes(raw)
    return b"contents" in content and b"candidates" in content


def _value(raw: Any) -> Any:
    try:
        return loads(bytes(raw))
    except ValueError as fault:
        raise Indivisible from fault


def _of_lines(raw: bytes) -> Sequence[Any] | None:
    """The values of JSON lines; None if the lines are anything else. The last line may be cut, as in a log."""
    try:
        return _listed(msgspec.json.Decoder(msgspec.Raw).decode_lines(raw))
    except msgspec.MsgspecError:
        found = lines(raw)
        return found if found and len(found) > 1 else None


# --- YAML -----------------------------------------------------------------------------------------------


def _of_yaml(raw: bytes) -> Sequence[Any] | None:
    """A document whose list of exchanges is read as Elements, or several documents; None for any other."""
    found = _LISTED.search(raw)
    if not found:
        return _of_documents(raw)
    ended = _ENDS.search(raw, found.end())
    end = ended.start() if ended else len(raw)
    try:
        around = safeyaml.load(b"%s%s: []\n%s" % (raw[: found.start()], found[1], raw[end:]))
    except yaml.YAMLError:
        return None
    begins = [one.start() for one in re.compile(rb"^%s-[ ]" % found[2], re.MULTILINE).finditer(raw, found.end(), end)]
    if len(begins) == 1:
        return None
    elements = _parts(raw, (*begins, end), _of_item)
    return [{**around, found[1].decode(): elements}] if isinstance(around, dict) else None


def _of_documents(raw: bytes) -> Elements | None:
    """The documents of a text; None if it is one."""
    places = (0, *(mark.start() for mark in MARK.finditer(raw, 1)), len(raw))
    return _parts(raw, places, lambda text: safeyaml.load_all(text, room=0)) if len(places) > 2 else None


def _of_item(text: bytes) -> Any:
    ours = plainyaml.read(b"interactions:\n" + text)
    return ours["interactions"] if ours else safeyaml.load(text, room=0)


def _parts(raw: bytes, borders: Iterable[int], read: Callable[[bytes], Any]) -> Elements:
    """The values between the borders, each a list of one as it is read. What its aliases unfold to is measured by its own size, so that
    the whole file stays within its limit."""
    places = array("Q", borders)

    def value(index: int) -> Any:
        try:
            found = read(raw[places[index] : places[index + 1]])
        except yaml.YAMLError as fault:
            raise Indivisible from fault
        if not isinstance(found, list) or len(found) != 1:
            raise Indivisible
        return found[0]

    return Elements(range(len(places) - 1), value)
