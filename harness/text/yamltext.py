"""Reads strict YAML: plain values, and the place of every key and value.

It is a subset of YAML 1.2's core schema without surprises: only ``true`` and ``false`` are booleans, ``12:30:45``,
``2026-01-02``, ``012``, ``1_000`` and ``.nan`` stay text, keys are always text. Duplicate keys, tags, merge keys, several
documents, aliases that unfold to too many values, and nesting that is too deep are complaints.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from msgspec import Struct

from harness.model import Json, Place
from harness.text import safeyaml

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value in it."""

MOST = 500_000
"""The most values in a document with every alias written out. A long text counts as one value for each
``_CHARACTERS_PER_VALUE`` of its characters."""
_CHARACTERS_PER_VALUE = 100

_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_NUMBERS: tuple[tuple[str, Any], ...] = (
    (r"[-+]?(0|[1-9]\d{0,999})", int),
    (r"[-+]?(0|[1-9]\d*)?(\.\d+|(?<=\d)\.)?([eE][-+]?\d+)?(?<=[\d.])", float),
    (r"0o[0-7]{1,999}", lambda text: int(text, 0)),
    (r"0x[0-9a-fA-F]{1,999}", lambda text: int(text, 0)),
)


class Complaint(Struct, frozen=True):
    """An error in a text: its place, a message, the line itself, and perhaps a hint."""

    place: Place
    message: str
    line: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        if self.line.strip():
            number, (shown, gap) = str(self.place.line), _window(self.line, self.place.column)
            text += f"\n  {number} | {shown}\n  {' ' * len(number)} | {gap}^"
        return f"{text}\n  {self.hint}" if self.hint else text


WIDEST = 110


def _window(line: str, column: int) -> tuple[str, str]:
    """The part of a line to show, made printable, and the blanks before its caret."""
    line = "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in line)
    start = max(0, column - WIDEST // 2) if len(line) > WIDEST else 0
    before, after = "..." * (start > 0), "..." * (len(line) > start + WIDEST)
    gap = "".join("\t" if char == "\t" else " " for char in before + line[start : column - 1])
    return before + line[start : start + WIDEST] + after, gap


class PlacedMapping(dict[str, Any]):
    """A mapping with the places of its keys and values: ``keys_at`` and ``values_at`` hold (line, column), both from 1."""

    __slots__ = ("keys_at", "values_at")

    def __init__(self) -> None:
        super().__init__()
        self.keys_at: dict[str, tuple[int, int]] = {}
        self.values_at: dict[str, tuple[int, int]] = {}


class Items(list[Any]):
    """A sequence with the places of its items: ``values_at`` holds (line, column), both from 1."""

    __slots__ = ("values_at",)

    def __init__(self) -> None:
        super().__init__()
        self.values_at: list[tuple[int, int]] = []


class Document(Struct, frozen=True):
    """The result of reading a text. ``value`` is plain JSON data (``PlacedMapping`` and ``Items`` are dicts and lists)."""

    file: str
    lines: Sequence[str]
    value: Json
    complaints: Sequence[Complaint]

    def place(self, path: Path, *, key: bool = False) -> Place:
        """The place of the value at that path, or of its key. If the path does not exist, the nearest value above it."""
        value, found = self.value, (1, 1)
        for depth, step in enumerate(path):
            last = key and depth == len(path) - 1
            if isinstance(value, PlacedMapping) and step in value:
                found = (value.keys_at if last else value.values_at)[str(step)]
            elif isinstance(value, Items) and isinstance(step, int) and step < len(value):
                found = value.values_at[step]
            else:
                break
            value = value[step]
        return Place(self.file, *found)

    def complaint(self, place: Place, message: str, hint: str = "") -> Complaint:
        """A complaint at that place, with its line."""
        return Complaint(place, message, self.lines[place.line - 1] if place.line <= len(self.lines) else "", hint)


def read(text: str, file: str) -> Document:
    """Read one YAML document. Never raises: errors are in ``complaints``, and ``value`` may then be None."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reading = _Reading(Document(file, lines, None, []))
    if odd := _ODD.search(text):
        reading.complain(*_odd_character(text, odd))
        return Document(file, lines, None, reading.complaints)
    try:
        root = _root(text)
        value = reading.value(root) if root is not None else None
    except yaml.YAMLError as error:
        value = None
        reading.complain(*_syntax(error, lines))
    return Document(file, lines, value, reading.complaints)


class _Loader(safeyaml.Levels, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The tag of a scalar is its style, and the levels are counted."""

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _QUOTED


def _root(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()


def _start(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Reading:
    """Converts nodes to values and collects the complaints."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.complaints: list[Complaint] = []
        self.done: dict[int, tuple[Json, int]] = {}
        self.size = 0

    def complain(self, at: tuple[int, int], message: str, hint: str = "") -> None:
        self.complaints.append(self.document.complaint(Place(self.document.file, *at), message, hint))

    def value(self, node: yaml.Node) -> Json:
        """The plain value of a node. An aliased node is one shared value, counted each time it is used."""
        if node.tag not in (_PLAIN, _QUOTED, _COLLECTION):
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.complain(_start(node), f"tags such as {tag} are not supported", "write the plain value")
        if isinstance(node, yaml.ScalarNode):
            self.count(1 + len(node.value) // _CHARACTERS_PER_VALUE, node)
            return scalar(node.value) if node.tag == _PLAIN else node.value
        if id(node) in self.done:
            return self.aliased(node)
        return self.collection(node)

    def aliased(self, node: yaml.Node) -> Json:
        value, size = self.done[id(node)]
        if not size:
            raise safeyaml.refused("an alias inside the value that it names", node)
        self.count(size, node)
        return value

    def collection(self, node: yaml.Node) -> Json:
        self.done[id(node)] = (None, 0)
        before = self.size
        self.count(1, node)
        value = self.table(node) if isinstance(node, yaml.MappingNode) else self.items(node.value)
        self.done[id(node)] = (value, self.size - before)
        return value

    def count(self, size: int, node: yaml.Node) -> None:
        self.size += size
        if self.size > MOST:
            raise safeyaml.refused(f"more than {MOST:,} values with every alias written out", node)

    def table(self, node: yaml.MappingNode) -> PlacedMapping:
        table = PlacedMapping()
        for key, value in self.pairs(node):
            at = _start(key)
            if key.value in table.keys_at:
                first = table.keys_at[key.value][0]
                self.complain(at, f'the key "{key.value}" occurs twice; the first is in line {first}')
            table.keys_at[key.value] = at
            table.values_at[key.value] = _start(value)
            table[key.value] = self.value(value)
        return table

    def pairs(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                hint = "a value that starts with { or [ must be quoted to be text" if value.value in ("", []) else ""
                self.complain(_start(key), "a key must be text", hint)
            elif key.value == "<<" and key.tag == _PLAIN:
                self.complain(_start(key), "merge keys are not supported", "write what all cases share under defaults:")
            else:
                yield key, value

    def items(self, nodes: Sequence[yaml.Node]) -> Items:
        items = Items()
        for node in nodes:
            items.values_at.append(_start(node))
            items.append(self.value(node))
        return items


def scalar(text: str) -> Json:
    """The value of a plain scalar: null, a boolean, a number, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        for pattern, number in _NUMBERS:
            if re.fullmatch(pattern, text):
                value = number(text)
                return text if value in (float("inf"), float("-inf")) else value
    return text


# --- messages of syntax errors --------------------------------------------------------------------------


def _syntax(error: yaml.YAMLError, lines: Sequence[str]) -> tuple[tuple[int, int], str, str]:
    mark = getattr(error, "problem_mark", None)
    if mark and not "".join(lines[mark.line :]).strip():  # at the end of the file: what began there says more
        mark = getattr(error, "context_mark", None) or mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if isinstance(error, safeyaml.Unfolded):
        return at, str(error.problem), ""
    indentation = lines[mark.line][: mark.column + 1] if mark and mark.line < len(lines) else ""
    if indentation.endswith("\t") and indentation.isspace():
        return at, "this is not YAML: a tab in the indentation", "indent with spaces"
    problem = str(getattr(error, "problem", None) or error)
    detail = " ".join(filter(None, (getattr(error, "context", None), problem)))
    ends = mark and mark.line < len(lines) and lines[mark.line][: mark.column].rstrip().endswith(("}", "]", '"', "'"))
    return at, f"this is not YAML: {detail}", _advice(f"{detail} after an end" if ends else detail)


def _advice(detail: str) -> str:
    """What to do about a syntax error; empty if that is not known."""
    advice = safeyaml.load(pathlib.Path(__file__).with_name("yaml_advice.yaml").read_bytes())
    return next((text for text, parts in advice.items() if any(part in detail for part in parts)), "")


_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff\ufffe\uffff]")
"""What YAML does not allow. As two small sets, since one up to the last character takes ten times as long to compile."""


def _odd_character(text: str, odd: re.Match[str]) -> tuple[tuple[int, int], str]:
    before = text[: odd.start()]
    at = before.count("\n") + 1, len(before) - before.rfind("\n")
    return at, f"the character U+{ord(odd[0]):04X} is not allowed here"
