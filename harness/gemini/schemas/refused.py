"""The schemas that the API refuses: those that break the rules of its ``Schema``, and invalid JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from harness.gemini.schemas.spelling import TYPES

DEEPEST = 64
"""The deepest nesting. An estimate: js-genai#882 has the error, not the limit."""
MOST_ITEMS = 960
"""The maximum of ``maxItems`` over all lists of a schema together. An estimate of the real limit (python-genai#2170)."""
_IGNORED = ("allOf", "not", "if", "then", "else")
"""Keywords of JSON Schema that narrow a schema, and that the API accepts and ignores."""
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")

At = tuple[str | int, ...]


class Fault(Struct, frozen=True):
    """A rule that a request breaks: its id in ``request_rules.yaml``, the place in the canonical body, and words for its texts."""

    rule: str
    at: At
    words: Mapping[str, object] = {}


def broken(schema: Mapping[str, Any], at: At, depth: int = 0, *, function: bool = False) -> Iterator[Fault]:
    """The rules that a canonical ``Schema`` breaks. ``function``: it is that of a function's parameters.

    These may be empty, and so may a choice in them: Google answers 200 to ``anyOf: [..., {type: object}]`` (2026-05).
    """
    if depth > DEEPEST:
        yield Fault("schema_depth_function" if function else "schema_depth", at, {"deepest": DEEPEST})
        return
    yield from _own(schema, at, may_be_empty=function and (depth == 0 or "anyOf" in at[-2:]))
    for inner_at, inner in _inside(schema):
        yield from broken(inner, (*at, *inner_at), depth + 1, function=function)


def _own(schema: Mapping[str, Any], at: At, *, may_be_empty: bool) -> Iterator[Fault]:
    kind, properties = schema.get("type"), schema.get("properties", {})
    if "properties" in schema and kind not in ("OBJECT", None):
        yield Fault("schema_properties_kind", (*at, "properties"))
    if kind == "OBJECT" and not properties and not may_be_empty:
        yield Fault("schema_properties_empty", (*at, "properties"))
    if kind == "ARRAY" and "items" not in schema:
        yield Fault("schema_items", (*at, "items"))
    if schema.get("enum") and kind not in ("STRING", None):
        yield Fault("schema_enum_kind", (*at, "enum"))
    for index, value in enumerate(schema.get("enum", ())):
        if value == "":
            yield Fault("schema_enum_empty", (*at, "enum", index))
    for index, name in enumerate(schema.get("required", ())):
        if properties and name not in properties:
            yield Fault("schema_required", (*at, "required", index), {"value": name})


def is_enum(schema: Any) -> bool:
    """Whether a schema is a string with a fixed set of values."""
    return (
        isinstance(schema, Mapping)
        and bool(schema.get("enum"))
        and str(schema.get("type", "STRING")).upper() == "STRING"
    )


def broken_json_schema(schema: Any, at: At, depth: int = 0) -> Iterator[Fault]:
    """What makes a JSON Schema invalid for the API. Unknown keywords are accepted."""
    if depth > DEEPEST:
        yield Fault("schema_depth", at, {"deepest": DEEPEST})
    elif not isinstance(schema, bool):
        if not isinstance(schema, Mapping) or not _well_formed(schema):
            yield Fault("json_schema_bad", at)
            return
        for inner_at, inner in _inside(schema):
            yield from broken_json_schema(inner, (*at, *inner_at), depth + 1)


def ignored_keywords(schema: Any, at: At) -> Iterator[Fault]:
    """The keywords of a JSON Schema that the API accepts and ignores."""
    if isinstance(schema, Mapping) and _well_formed(schema):
        yield from (Fault("schema_keyword", (*at, name), {"value": name}) for name in _IGNORED if name in schema)
        for inner_at, inner in _inside(schema):
            yield from ignored_keywords(inner, (*at, *inner_at))


def _inside(schema: Mapping[str, Any]) -> Iterator[tuple[At, Any]]:
    yield from (((name, key), inner) for name in _MAPS for key, inner in schema.get(name, {}).items())
    yield from (((name, index), inner) for name in _LISTS for index, inner in enumerate(schema.get(name, ())))
    yield from (((name,), schema[name]) for name in _SINGLE if name in schema)


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
    types = all(isinstance(name, str) and name.lower() in TYPES for name in names)
    maps = all(isinstance(schema.get(name, {}), Mapping) for name in _MAPS)
    lists = all(isinstance(schema.get(name, []), list) for name in (*_LISTS, "required", "enum", "propertyOrdering"))
    texts = lists and all(
        all(isinstance(item, str) for item in schema.get(name) or ()) for name in ("required", "propertyOrdering")
    )
    return types and maps and lists and texts
