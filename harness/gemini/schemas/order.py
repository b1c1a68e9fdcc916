"""Checks the order of keys against ``propertyOrdering``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness.gemini.schemas.judging import SchemaViolation
from harness.gemini.schemas.spelling import canonical
from harness.model import Json
from harness.text.jsonpath import place


def order_violations(schema: Json, value: Json, *, stated_only: bool = True) -> list[SchemaViolation]:
    """Objects whose keys are not in the order of ``propertyOrdering``. Keys that it does not name may be anywhere.

    ``stated_only=False`` also compares objects without ``propertyOrdering`` with the order of the schema's ``properties``.
    """
    if stated_only and not re.search(_STATES_ORDER, repr(schema)):
        return []
    return list(_Walk(schema, stated_only).violations(schema, value, []))


_STATES_ORDER = "propertyOrdering|property_ordering"
"""A fast test: most schemas state no order."""


class _Walk(Struct, frozen=True):
    """Follows a value along its schema. ``root`` is the whole schema; ``jumps`` counts the references that were followed to a value."""

    root: Json
    stated_only: bool

    def violations(self, schema: Json, value: Json, at: list[str | int], jumps: int = 0) -> Iterator[SchemaViolation]:
        if not isinstance(value, dict | list) or not isinstance(schema, Mapping):
            return
        given = canonical(schema)
        if "$ref" in given and jumps < 16:
            yield from self.violations(_target(self.root, given["$ref"]), value, at, jumps + 1)
        yield from self.of_branches(given, value, at, jumps)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.violations(given.get("items"), item, [*at, index])
            return
        properties = given.get("properties")
        order = given.get("propertyOrdering")
        if order is None and not self.stated_only:
            order = list(properties or ())
        if isinstance(order, list):
            yield from key_order(order, value, place(at))
        if isinstance(properties, Mapping):
            for name, inner in value.items():
                yield from self.violations(properties.get(name), inner, [*at, name])

    def of_branches(
        self, given: Mapping[str, Json], value: Json, at: list[str | int], jumps: int
    ) -> Iterator[SchemaViolation]:
        """A value must follow one branch of ``anyOf`` and ``oneOf``, and all parts of ``allOf``."""
        for part in given.get("allOf") or ():
            yield from self.violations(part, value, at, jumps)
        branches = [*(given.get("anyOf") or ()), *(given.get("oneOf") or ())]
        found = [list(self.violations(branch, value, at, jumps)) for branch in branches]
        if found and all(found):
            yield from found[0]


def key_order(order: Sequence[str], value: Mapping[str, Json], path: str = "$") -> Iterator[SchemaViolation]:
    """A violation if the keys in ``order`` come in another order in the object."""
    wanted = [name for name in order if isinstance(name, str) and name in value]
    actual = [name for name in value if name in set(wanted)]
    if wanted != actual:
        message = f"expected the keys in the order {', '.join(wanted)}, got {', '.join(actual)}"
        yield SchemaViolation(path, message, wanted, actual, "propertyOrdering")


def _target(root: Json, ref: Json) -> Json:
    """The target of a local ``$ref``; None without one."""
    if not isinstance(ref, str) or not ref.startswith("#"):
        return None
    found: Any = root
    for step in ref[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name, found.get({"$defs": "defs"}.get(name, name))) if isinstance(found, Mapping) else None
    return found
