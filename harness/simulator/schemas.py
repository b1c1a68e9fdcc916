"""The schemas that the API refuses: those that break the rules of its ``Schema``, and invalid JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.simulator.errors import Refusal, refusal

DEEPEST = 64
MOST_ITEMS = 960
"""The maximum of ``maxItems`` over all lists of a schema together. An estimate of the real limit."""
JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def broken(schema: Mapping[str, Any], at: str, depth: int = 0, *, function: bool = False) -> Iterator[str]:
    """``path: rule`` for every rule that a normalised ``Schema`` breaks. Paths are the API's. ``function``: the schema is that of a
    function's parameters, which may be empty."""
    if depth > DEEPEST:
        raise refusal("schema_depth_function" if function else "schema_depth")
    kind = schema.get("type")
    if "properties" in schema and kind not in ("OBJECT", None):
        yield f"{at}.properties: only allowed for OBJECT type"
    if kind == "OBJECT" and not schema.get("properties") and not (function and depth == 0):
        yield f"{at}.properties: should be non-empty for OBJECT type"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{at}.items: missing field"
    yield from _enum(schema, at)
    properties = schema.get("properties", {})
    for index, name in enumerate(schema.get("required", ())):
        if properties and name not in properties:
            yield f"{at}.required[{index}]: property is not defined"
    for name, property_schema in properties.items():
        yield from broken(property_schema, f"{at}.properties[{name}]", depth + 1, function=function)
    if "items" in schema:
        yield from broken(schema["items"], f"{at}.items", depth + 1, function=function)
    for index, branch in enumerate(schema.get("anyOf", ())):
        yield from broken(branch, f"{at}.any_of[{index}]", depth + 1, function=function)


def _enum(schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if schema.get("enum") and schema.get("type") not in ("STRING", None):
        yield f"{at}.enum: only allowed for STRING type"
    for index, value in enumerate(schema.get("enum", ())):
        if value == "":
            yield f"{at}.enum[{index}]: cannot be empty"


def is_enum(schema: Any) -> bool:
    """Whether a schema is a string with a fixed set of values."""
    return (
        isinstance(schema, Mapping)
        and bool(schema.get("enum"))
        and str(schema.get("type", "STRING")).upper() == "STRING"
    )


def check_json_schema(schema: Any, depth: int = 0) -> None:
    """Raise the API's 400, which names no reason, for an invalid JSON Schema. Unknown keywords are accepted."""
    if depth > DEEPEST:
        raise refusal("schema_depth")
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping) or not _well_formed(schema):
        raise refusal("invalid_argument")
    for name in ("properties", "$defs", "definitions"):
        for inner in schema.get(name, {}).values():
            check_json_schema(inner, depth + 1)
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in schema.get(name, ()):
            check_json_schema(inner, depth + 1)
    for name in ("items", "additionalProperties"):
        if name in schema:
            check_json_schema(schema[name], depth + 1)


def is_json_schema(value: Any) -> bool:
    """Whether the API accepts a value as a JSON Schema."""
    try:
        check_json_schema(value)
    except Refusal:
        return False
    return True


def listed(schema: Any) -> int:
    """The sum of ``maxItems`` over all lists of a schema."""
    if isinstance(schema, list):
        return sum(map(listed, schema))
    if not isinstance(schema, Mapping):
        return 0
    most = schema.get("maxItems", 0)
    own = int(most) if isinstance(most, int | str) and str(most).isdecimal() else 0
    return own + sum(listed(inner) for inner in schema.values() if isinstance(inner, Mapping | list))


def _well_formed(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", [])
    names = kinds if isinstance(kinds, list) else [kinds]
    types = all(isinstance(name, str) and name.lower() in JSON_TYPES for name in names)
    maps = all(isinstance(schema.get(name, {}), Mapping) for name in ("properties", "$defs", "definitions"))
    lists = all(
        isinstance(schema.get(name, []), list)
        for name in ("anyOf", "oneOf", "allOf", "prefixItems", "required", "enum", "propertyOrdering")
    )
    texts = lists and all(
        all(isinstance(item, str) for item in schema.get(name) or ()) for name in ("required", "propertyOrdering")
    )
    return types and maps and lists and texts
