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
    if stated_only and not _STATES_ORDER.search(repr(schema)):
        return []
    return list(_order(schema, value, [], _Root(schema, stated_only), 0))


_STATES_ORDER = re.compile("propertyOrdering|property_ordering")
"""A fast test: most schemas state no order."""


class _Root(Struct, frozen=True):
    schema: Json
    stated_only: bool


def _order(schema: Json, value: Json, at: list[str | int], root: _Root, jumps: int) -> Iterator[SchemaViolation]:
    if not isinstance(value, dict | list) or not isinstance(schema, Mapping):
        return
    given = canonical(schema)
    if "$ref" in given and jumps < 16:
        yield from _order(_target(root.schema, given["$ref"]), value, at, root, jumps + 1)
    yield from _of_branches(given, value, at, root, jumps)
    if isinstance(value, dict):
        yield from _misplaced(given, value, at, root.stated_only)
        properties = given.get("properties")
        for name, inner in value.items():
            if isinstance(properties, Mapping):
                yield from _order(properties.get(name), inner, [*at, name], root, 0)
    else:
        for index, item in enumerate(value):
            yield from _order(given.get("items"), item, [*at, index], root, 0)


def _of_branches(
    given: Mapping[str, Json], value: Json, at: list[str | int], root: _Root, jumps: int
) -> Iterator[SchemaViolation]:
    """A value must follow one branch of ``anyOf`` and ``oneOf``, and all parts of ``allOf``."""
    for part in given.get("allOf") or ():
        yield from _order(part, value, at, root, jumps)
    branches = [*(given.get("anyOf") or ()), *(given.get("oneOf") or ())]
    found = [list(_order(branch, value, at, root, jumps)) for branch in branches]
    if found and all(found):
        yield from found[0]


def _misplaced(
    given: Mapping[str, Json], value: Mapping[str, Json], at: list[str | int], stated_only: bool
) -> Iterator[SchemaViolation]:
    order = given.get("propertyOrdering")
    if order is None and not stated_only:
        order = list(given.get("properties") or ())
    if isinstance(order, list):
        yield from key_order(order, value, place(at))


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
