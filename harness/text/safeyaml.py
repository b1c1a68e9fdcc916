"""Reads YAML that other tools wrote, and the data files of this package, as plain values. Raises an error of one sentence.

The size with all aliases written out is counted before any value is made, because a short text with aliases can unfold to a
huge value. ``yamltext`` is the stricter reader, for suites.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import yaml

DEEPEST = 100
"""The most levels of nesting. Functions that walk a value use at least one recursive call for each level."""
_ROOM = 1_000_000
_TIMES = 10
"""The most characters of a text with its aliases written out: ``_TIMES`` its size, plus ``_ROOM``."""
_DIGITS = 1000
_ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What constructors of tags may raise for invalid texts, besides YAMLError."""
_ANCHOR = re.compile(rb"&\S(?<![0-9A-Za-z]&.)", re.DOTALL)
"""Finds every anchor, also in UTF-16, and some texts that are none. Without an anchor there is no alias."""
_TEXT, _LIST, _MAPPING, _INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map", "int", "float"))


_TAGS = {yaml.ScalarNode: _TEXT, yaml.SequenceNode: _LIST, yaml.MappingNode: _MAPPING}
_SHORT = 40
DECIMAL = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,30}(?:e[-+][0-9]{1,2})?")
"""A plain text that is a float without further rules."""


class Unfolded(yaml.MarkedYAMLError):
    """The document is too deep, or too large with its aliases written out."""


class Levels:
    """What composes nodes counts their levels."""

    depth = 0

    def descend_resolver(self, parent: yaml.Node | None, _index: Any) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise refused(f"nested more than {DEEPEST} levels deep", parent)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _Loader(Levels, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    tags: ClassVar[dict[str, str]] = {}
    """Short plain text -> its tag, over all documents: recordings have the same keys."""

    def __init__(self, content: bytes, room: int) -> None:
        super().__init__(content)
        self.size, self.has_anchors = len(content), _ANCHOR.search(content) is not None
        self.room = room + _TIMES * self.size

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node without one. Those of short plain texts, which are mostly keys, are remembered."""
        if kind is not yaml.ScalarNode or not implicit[0]:
            return _TAGS[kind]
        tag = self.tags.get(value)
        if tag is None:
            tag = _FLOAT if DECIMAL.fullmatch(value) else str(super().resolve(kind, value, implicit))
            if len(value) < _SHORT and len(self.tags) < _DIGITS:
                self.tags[value] = tag
        return tag

    def construct_document(self, node: yaml.Node) -> Any:
        after = _size(node, {}) if self.has_anchors else 0
        self.room -= after
        if self.room < 0:
            raise refused(f"its aliases unfold {self.size:,} characters to {after:,}", node)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True)): self.construct_object(item, deep=True)
            for key, item in node.value
        }


def _key(value: Any) -> Any:
    """A key of a mapping. Python's recorders write keys as objects with one argument."""
    while isinstance(value, (list, dict)):
        inside = list(value.values()) if isinstance(value, dict) else value
        if len(inside) != 1:
            return str(value)
        value = inside[0]
    return value


def _plain(loader: Any, node: yaml.Node) -> Any:
    """The content of a node with a tag that is not of YAML itself: text, a list or a mapping. No object is made of it."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(item, deep=True) for item in node.value]
    return loader.construct_scalar(node)


def _number(loader: Any, node: yaml.Node) -> Any:
    if len(loader.construct_scalar(node)) > _DIGITS:
        raise refused(f"a number of more than {_DIGITS:,} characters", node)
    return yaml.SafeLoader.yaml_constructors[node.tag](loader, node)


_Loader.add_constructor(_INT, _number)
_Loader.add_constructor(_FLOAT, _number)
_Loader.add_constructor(None, _plain)
_Loader.add_constructor("!binary", yaml.SafeLoader.construct_yaml_binary)  # Ruby writes it with one mark


def load(text: str | bytes, room: int = _ROOM) -> Any:
    """The value of a YAML document. Tags that YAML does not define are dropped. Raises yaml.YAMLError for any error.

    ``room``: the characters that its aliases may unfold to beyond ten times its size.
    """
    documents = load_all(text, room)
    if len(documents) > 1:
        raise yaml.YAMLError(f"{len(documents)} documents, where one is expected")
    return documents[0] if documents else None


def shipped(file: Path) -> Any:
    """The value of a data file of this package. Its copy ``x.json``, a list of the SHA-256 of ``x.yaml`` and the value, is read in a tenth
    of the time, where it is of just this text."""
    content, copy = file.read_bytes(), file.with_suffix(".json")
    if copy.exists():
        digest, value = json.loads(copy.read_bytes())
        if digest == sha256(content).hexdigest():
            return value
    return load(content)


def load_all(text: str | bytes, room: int = _ROOM) -> list[Any]:
    """The values of all documents in a YAML text. Raises yaml.YAMLError for any error."""
    try:
        loader = _Loader(text.encode() if isinstance(text, str) else text, room)
        try:
            found = []
            while loader.check_data():
                found.append(loader.get_data())
            return found
        finally:
            loader.dispose()
    except _ODD as fault:
        raise yaml.YAMLError(f"{type(fault).__name__}: {fault}") from fault


def reason(fault: yaml.YAMLError) -> str:
    """What is wrong and where, on one line."""
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark is not None:
        mark = fault.problem_mark
        return f"not decodable at line {mark.line + 1}, column {mark.column + 1}: {fault.problem}"
    return f"not decodable: {str(fault).partition(chr(10))[0]}"


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """The number of characters and values, with all aliases written out."""
    if isinstance(node, yaml.ScalarNode):
        return 1 + len(node.value)
    found = known.get(id(node))
    if found is None:
        known[id(node)] = 0
        inside = node.value
        if isinstance(node, yaml.MappingNode):
            inside = [half for pair in node.value for half in pair]
        found = known[id(node)] = 1 + sum([_size(child, known) for child in inside])
    elif not found:
        raise refused("an alias inside the value that it names", node)
    return found


def refused(problem: str, node: yaml.Node | None) -> Unfolded:
    """The error for a node."""
    return Unfolded(problem=problem, problem_mark=node.start_mark if node is not None else None)
