"""Converts a schema in either dialect to JSON Schema 2020-12."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.gemini.schemas.formats import FORMATS
from harness.model import Json
from harness.text import safeyaml
from harness.text.describe import describe
from harness.text.names import snake
from harness.text.shape import closest


class SchemaProblem(ValueError):
    """An invalid schema. The message says where in the schema, and why."""


TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(words.split())
    for kind, words in safeyaml.load(Path(__file__).with_name("keywords.yaml").read_bytes()).items()
}
"""Kind of keywords, as ``keywords.yaml`` explains it -> keywords."""
_ONE, _MANY, _NAMED, _ANNOTATIONS = (KEYWORDS[kind] for kind in ("one", "many", "named", "annotations"))
_AMOUNTS: Final = KEYWORDS["counts"] | KEYWORDS["numbers"]
_LISTS: Final = frozenset({"enum", "required"}) | _MANY
_NULL_MATTERS: Final = frozenset({"const"})
_KEYWORDS: Final[dict[str, str]] = {snake(name): name for name in _ONE | _MANY | _NAMED | _AMOUNTS | _ANNOTATIONS} | {
    "defs": "$defs",
    "ref": "$ref",
}


def to_json_schema(schema: Json) -> Json:
    """The same schema in JSON Schema 2020-12, without annotations. Converting the result again changes nothing.

    Raises SchemaProblem if it cannot be read. ``violations`` checks that the result is a valid schema.
    """
    try:
        return _read(schema, "$")
    except RecursionError:
        raise SchemaProblem("the schema is nested too deeply") from None


def _read(schema: Json, at: str) -> Json:
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping):
        raise SchemaProblem(f"{at}: expected a schema (an object), got {describe(schema)}")
    given = {key: value for key, value in canonical(schema).items() if value is not None or key in _NULL_MATTERS}
    read: dict[str, Json] = {}
    for key, value in given.items():
        if key not in _ANNOTATIONS:
            read |= _keyword(key, value, f"{at}.{key}")
    _mend_bounds(read)
    _mend_enum(read)
    _mend_one_of(read)
    return _with_null(read) if given.get("nullable") is True else read


def canonical(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The keywords in their camelCase spelling."""
    return {_KEYWORDS.get(key, key): value for key, value in schema.items()}


_OTHERS: Final = KEYWORDS["others"] | frozenset(_KEYWORDS.values())


def misspelled(schema: Json, at: str = "$") -> Iterator[str]:
    """A message for each unknown keyword that is spelled almost like a known one."""
    if not isinstance(schema, Mapping):
        return
    for key, value in canonical(schema).items():
        if key in _NAMED and isinstance(value, Mapping):
            for name, inner in value.items():
                yield from misspelled(inner, f"{at}.{key}.{name}")
        elif key in _ONE | _MANY | {"prefixItems"}:
            for inner in value if isinstance(value, list) else [value]:
                yield from misspelled(inner, f"{at}.{key}")
        elif key not in _OTHERS and (near := closest(key, _OTHERS, 0.8)):
            yield f'{at}.{key} is not a keyword of a schema, did you mean "{near}"?'


def _keyword(key: str, value: Json, at: str) -> dict[str, Json]:
    if key in _LISTS and isinstance(value, str | Mapping):
        value = [value]
    if key == "type":
        return _types(value, at)
    if key == "items" and isinstance(value, list):
        key = "prefixItems"
    if key in _ONE and not isinstance(value, list):
        return {key: _read(value, at)}
    if key in _MANY | {"prefixItems"} and isinstance(value, list):
        return {key: [_read(item, f"{at}[{index}]") for index, item in enumerate(value)]}
    if key in _NAMED and isinstance(value, Mapping):
        return {key: {name: _read(item, f"{at}.{name}") for name, item in value.items()}}
    if key in _AMOUNTS:
        return {key: _amount(value, at)}
    return _PLAIN.get(key, lambda plain: {key: plain})(value)


def _types(value: Json, at: str) -> dict[str, Json]:
    names = [_type(name, at) for name in (value if isinstance(value, list) else [value])]
    known = [name for name in names if name]
    if not known:
        return {}
    return {"type": list(dict.fromkeys(known)) if isinstance(value, list) else known[0]}


def _type(value: Json, at: str) -> str:
    """A type's JSON Schema name; empty for the unspecified one. Numbers are the API's enum values."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= len(TYPES):
        return TYPES[value - 1] if value else ""
    name = value.lower() if isinstance(value, str) else ""
    if name in TYPES or name == "type_unspecified":
        return name if name in TYPES else ""
    raise SchemaProblem(f"{at}: {describe(value)} is not a type; the types are {', '.join(TYPES)}")


def _amount(value: Json, at: str) -> Json:
    """A number, which may be given as text, as int64 is."""
    if not isinstance(value, str):
        return value
    try:
        return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)
    except ValueError:
        raise SchemaProblem(f"{at}: {describe(value)} is not a number") from None


def _pattern(value: Json) -> dict[str, Json]:
    """Converts named groups from JavaScript to Python. Python's ``re`` has no Unicode classes, so such a pattern is dropped."""
    if not isinstance(value, str):
        return {"pattern": value}
    return {} if re.search(r"\\[pP]\{|\\u\{", value) else {"pattern": re.sub(r"\(\?<(?![=!])", "(?P<", value)}


_PLAIN: Final[dict[str, Callable[[Json], dict[str, Json]]]] = {
    "$ref": lambda value: {"$ref": re.sub(r"^#/defs/", "#/$defs/", value) if isinstance(value, str) else value},
    "pattern": _pattern,
    "format": lambda value: {"format": value} if value in FORMATS else {},
}


def _mend_bounds(read: dict[str, Json]) -> None:
    """Converts boolean ``exclusiveMinimum`` and ``exclusiveMaximum``, as in OpenAPI 3.0."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(read.get(exclusive), bool):
            strict = read.pop(exclusive)
            if strict and bound in read:
                read[exclusive] = read.pop(bound)


def _mend_enum(read: dict[str, Json]) -> None:
    """Converts enum values to the type of the schema. In the API they are texts: ``{type: INTEGER, enum: ["1", "2"]}`` means numbers."""
    values, types = read.get("enum"), read.get("type")
    types = [types] if isinstance(types, str) else types or ["string"]
    if isinstance(values, list) and "string" not in types:
        read["enum"] = [_literal(value, types) for value in values]


def _literal(value: Json, types: Sequence[str]) -> Json:
    if isinstance(value, str) and {"integer", "number", "boolean", "null"} & set(types):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _mend_one_of(read: dict[str, Json]) -> None:
    if "oneOf" in read:
        branches = read.pop("oneOf")
        if "anyOf" in read:
            read["allOf"] = [*read.get("allOf", []), {"anyOf": branches}]
        else:
            read["anyOf"] = branches


def _with_null(read: dict[str, Json]) -> dict[str, Json]:
    """The same schema, with null allowed too."""
    null = {"type": "null"}
    if "type" in read and not read.keys() & {"$ref", "anyOf", "allOf", "const", "not", "if"}:
        types = read["type"] if isinstance(read["type"], list) else [read["type"]]
        read["type"] = [*types, *([] if "null" in types else ["null"])]
        if isinstance(read.get("enum"), list) and None not in read["enum"]:
            read["enum"] = [*read["enum"], None]
        return read
    if read.keys() == {"anyOf"}:
        return read if null in read["anyOf"] else {"anyOf": [*read["anyOf"], null]}
    kept: dict[str, Json] = {key: read.pop(key) for key in ("$defs", "definitions", "$id", "$anchor") if key in read}
    return kept | {"anyOf": [read, null]} if read else kept
