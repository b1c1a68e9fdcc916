"""Reads YAML that other tools wrote, as plain values. Raises an error with a message of one sentence.

The size with all aliases written out is counted before any value is made, because a short text with aliases can unfold to a
huge value. ``yamltext`` is the stricter reader, for suites.
"""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 100
"""The most levels of nesting. Functions that walk a value use at least one recursive call for each level."""
_ROOM = 1_000_000
_TIMES = 10
"""The most characters of a text with its aliases written out: ``_TIMES`` its size, plus ``_ROOM``."""
_DIGITS = 1000
_ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What constructors of tags may raise for invalid texts, besides YAMLError."""
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class Unfolded(yaml.MarkedYAMLError):
    """The document is too deep, or too large with its aliases written out."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    depth = 0
    size = 0

    def descend_resolver(self, parent: yaml.Node | None, index: Any) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refused(f"nested more than {DEEPEST} levels deep", parent)
        super().descend_resolver(parent, index)

    def ascend_resolver(self) -> None:
        self.depth -= 1
        super().ascend_resolver()

    def get_single_node(self) -> yaml.Node | None:
        root: yaml.Node | None = super().get_single_node()
        if root is not None and (size := _size(root, {})) > _ROOM + _TIMES * self.size:
            raise _refused(f"its aliases unfold {self.size:,} characters to {size:,}", root)
        return root


def load(text: str | bytes) -> Any:
    """The value of a YAML document. Raises yaml.YAMLError for any error."""
    loader = _Loader(text)
    loader.size = len(text)
    try:
        return loader.get_single_data()
    except _ODD as fault:
        raise yaml.YAMLError(f"{type(fault).__name__}: {fault}") from fault
    finally:
        loader.dispose()


def reason(fault: yaml.YAMLError) -> str:
    """What is wrong and where, on one line."""
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark is not None:
        mark = fault.problem_mark
        return f"not decodable at line {mark.line + 1}, column {mark.column + 1}: {fault.problem}"
    return f"not decodable: {str(fault).partition(chr(10))[0]}"


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """The number of characters and values, with all aliases written out."""
    if isinstance(node, yaml.ScalarNode):
        if len(node.value) > _DIGITS and node.tag in _NUMBERS:
            raise _refused(f"a number of more than {_DIGITS:,} characters", node)
        return 1 + len(node.value)
    found = known.get(id(node))
    if found is None:
        known[id(node)] = 0
        inside = node.value
        if isinstance(node, yaml.MappingNode):
            inside = [half for pair in node.value for half in pair]
        found = known[id(node)] = 1 + sum([_size(child, known) for child in inside])
    elif not found:
        raise _refused("an alias inside the value that it names", node)
    return found


def _refused(problem: str, node: yaml.Node | None) -> Unfolded:
    return Unfolded(problem=problem, problem_mark=node.start_mark if node is not None else None)
