"""Resolves schemas: follows ``$ref``, merges ``allOf``, and reads types and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.errors import refusal

Schema = Mapping[str, Any]

DEEPEST = 24
HUGE = 1e15
_IMPLIED = (("properties", "object"), ("items", "array"), ("prefixItems", "array"))
"""Keyword -> the type of a schema that names none."""


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema with its ``$ref`` followed and its ``allOf`` merged in. Raises the API's 400 for a ``$ref`` without a target."""
    for _ in range(DEEPEST):
        reference = schema.get("$ref", schema.get("ref"))
        if not isinstance(reference, str):
            break
        rest = {key: value for key, value in schema.items() if key not in ("$ref", "ref")}
        schema = merged([_pointed(reference, root), rest])
    if isinstance(schema.get("allOf"), list):
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        return merged([rest, *(resolved(part, root) for part in schema["allOf"] if isinstance(part, Mapping))])
    return schema


def _pointed(reference: str, root: Schema) -> Schema:
    """The target of a ``$ref`` within the root schema."""
    found: Any = root
    for step in reference.lstrip("#").strip("/").split("/") if reference != "#" else ():
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise refusal("invalid_argument")
    return found


def merged(schemas: Sequence[Schema]) -> dict[str, Any]:
    """One schema for several that must all hold. Bounds and required keys are combined; for other keywords the last schema wins."""
    whole: dict[str, Any] = {}
    for schema in schemas:
        for key, value in schema.items():
            before = whole.get(key)
            if key == "properties" and isinstance(before, Mapping):
                whole[key] = {**before, **value}
            elif key == "required" and isinstance(before, list):
                whole[key] = [*before, *(name for name in value if name not in before)]
            elif key in ("minimum", "minLength", "minItems") and before is not None:
                whole[key] = max(limit(before, 0), limit(value, 0))
            elif key in ("maximum", "maxLength", "maxItems") and before is not None:
                whole[key] = min(limit(before, 0), limit(value, 0))
            else:
                whole[key] = value
    return whole


def resolved_properties(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The properties of a schema by name, resolved. One that is ``true``, as JSON Schema allows, is left out."""
    found = schema.get("properties")
    named = found.items() if isinstance(found, Mapping) else ()
    return {str(name): resolved(inner, root) for name, inner in named if isinstance(inner, Mapping)}


def weight(schema: Schema) -> int:
    """A rough size of values of this schema, to choose the branch that ends recursion soonest."""
    order = {"null": 0, "boolean": 1, "integer": 1, "number": 1, "string": 1, "array": 2}
    return order.get(first_type(schema), 3 + len(schema.get("required") or ()))


def is_nullable(schema: Schema) -> bool:
    """Whether null is one of the values: ``nullable``, a list of types with null, or a branch that is null."""
    kinds, branches = schema.get("type"), schema.get("anyOf") or schema.get("oneOf") or ()
    return (
        schema.get("nullable") is True
        or (isinstance(kinds, list) and any(str(kind).lower() == "null" for kind in kinds))
        or any(isinstance(branch, Mapping) and str(branch.get("type")).lower() == "null" for branch in branches)
    )


def first_type(schema: Schema) -> str:
    """The type in lower case. Of several types the first that is not null; without a type the one that the keywords imply."""
    kind = schema.get("type")
    if isinstance(kind, list):
        solid = [name for name in kind if str(name).lower() != "null"]
        kind = solid[0] if solid else "null"
    if kind is None:
        kind = next((implied for key, implied in _IMPLIED if key in schema), "string")
    return str(kind).lower()


def limit(value: Any, default: float) -> float:
    """A limit as a number. It may be given as a string, as int64 is. Clipped to ``HUGE``; ``default`` if it is not a number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return default
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or (isinstance(value, float) and math.isnan(value))
    ):
        return default
    return max(-HUGE, min(HUGE, value))
