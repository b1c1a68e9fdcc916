"""Schemas as people send them to Gemini, read as JSON Schema 2020-12; ``jsonschema`` judges, imported when first used.

Two dialects arrive in one field or the other, and people mix them: Google's own (``STRING``, ``nullable``,
``propertyOrdering``, ``minItems: "2"``) and JSON Schema. Both are read by the same rules, so the spelling never decides
whether an answer is valid. ``oneOf`` counts as ``anyOf``, as the API documents; of the formats only those are judged that
the API promises: date-time, date, time, int32, int64. A ``$ref`` is never fetched from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from harness.jsonpath import place
from harness.model import Json
from harness.predicates import describe

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Dialect = Literal["gemini", "json"]


class SchemaProblem(ValueError):
    """A schema that is not one. The text says where in the schema, and why."""


@dataclass(frozen=True, slots=True)
class RequestSchema:
    """A schema that a request carried: as it was written, in which field, at which JSON path of the body."""

    schema: Json
    source: str
    path: str
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a value breaks a schema. ``path`` is a JSONPath into the value; ``keyword`` the broken rule."""

    path: str
    message: str
    expected: Json
    actual: Json
    keyword: str


# --- what a request asked for -------------------------------------------------------------------------

_SCHEMA_FIELDS: Final[tuple[tuple[str, Dialect], ...]] = (
    ("responseJsonSchema", "json"),
    ("_responseJsonSchema", "json"),
    ("responseSchema", "gemini"),
)


def request_schema(body: Json) -> RequestSchema | None:
    """The schema that this request put on its answer, in camelCase or snake_case at any level; None without one."""
    config, path = _field(body, "generationConfig", "$")
    for name, dialect in _SCHEMA_FIELDS:
        schema, where = _field(config, name, path)
        if schema is not None:
            return RequestSchema(schema, name, where, dialect)
    schema, where = _text_format(config, path, "schema")
    return None if schema is None else RequestSchema(schema, "responseFormat", where, "json")


def json_mode(body: Json) -> bool:
    """Whether the request asked for ``application/json``; a ``responseFormat`` with a schema asks for it too."""
    config, path = _field(body, "generationConfig", "$")
    wanted, _ = _text_format(config, path, "mimeType")
    in_format = str(wanted).replace("_", "/").lower() == "application/json" if wanted else None
    return _mime_type(config) == "application/json" or (
        _text_format(config, path, "schema")[0] is not None if in_format is None else in_format
    )


def enum_mode(body: Json) -> bool:
    """Whether the request asked for ``text/x.enum``: the answer is one bare word, not JSON."""
    return _mime_type(_field(body, "generationConfig", "$")[0]) == "text/x.enum"


def declarations(body: Json) -> dict[str, RequestSchema | None]:
    """The functions that a request declares: name -> the schema of their arguments, None where it takes none."""
    found: dict[str, RequestSchema | None] = {}
    tools, path = _field(body, "tools", "$")
    for tool, tool_path in _each(tools, path):
        for function, at in _each(*_field(tool, "functionDeclarations", tool_path)):
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                found[function["name"]] = _parameters(function, at)
    return found


def _parameters(function: Json, path: str) -> RequestSchema | None:
    for name, dialect in (("parametersJsonSchema", "json"), ("parameters", "gemini")):
        schema, where = _field(function, name, path)
        if schema is not None:
            return RequestSchema(schema, name, where, "json" if dialect == "json" else "gemini")
    return None


def _mime_type(config: Json) -> str:
    value, _ = _field(config, "responseMimeType", "$")
    return value.strip().lower() if isinstance(value, str) else ""


def _text_format(config: Json, path: str, name: str) -> tuple[Json, str]:
    """``responseFormat.text.<name>``; on Vertex ``responseFormat`` is a list."""
    for each, each_path in _each(*_field(config, "responseFormat", path)):
        text, text_path = _field(each, "text", each_path)
        value, where = _field(text, name, text_path)
        if value is not None:
            return value, where
    return None, path


def _field(value: Json, name: str, path: str) -> tuple[Json, str]:
    """A field in either spelling, and where it stands; None where it is absent or null."""
    if isinstance(value, Mapping):
        for spelling in (name, _snake(name)):
            if value.get(spelling) is not None:
                return value[spelling], f"{path}.{spelling}"
    return None, f"{path}.{name}"


def _each(value: Json, path: str) -> list[tuple[Json, str]]:
    """The items of a list; a single object stands for a list of one, as the API reads it."""
    if isinstance(value, list):
        return [(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return [] if value is None else [(value, path)]


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)


# --- one dialect --------------------------------------------------------------------------------------

_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "example", "examples", "propertyOrdering", "nullable", "$schema", "$comment"}
)
_ONE: Final = frozenset(
    {"items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
_MANY: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_NUMBERS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_LISTS: Final = frozenset({"enum", "required"}) | _MANY
_NULL_MATTERS: Final = frozenset({"const"})
_KEYWORDS: Final[dict[str, str]] = {
    _snake(name): name for name in _ONE | _MANY | _NAMED | _COUNTS | _NUMBERS | _ANNOTATIONS
} | {
    "defs": "$defs",
    "ref": "$ref",
}


def to_json_schema(schema: Json) -> Json:
    """The same schema in JSON Schema 2020-12, without annotations. Reading the outcome again changes nothing.

    Raises SchemaProblem where it cannot be read; that it is a valid schema is only known to ``violations``.
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
    given = {key: value for key, value in _canonical(schema).items() if value is not None or key in _NULL_MATTERS}
    read: dict[str, Json] = {}
    for key, value in given.items():
        if key not in _ANNOTATIONS:
            read |= _keyword(key, value, f"{at}.{key}")
    _mend_bounds(read)
    _mend_enum(read)
    _mend_one_of(read)
    return _with_null(read) if given.get("nullable") is True else read


def _canonical(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The keywords in their camelCase spelling."""
    return {_KEYWORDS.get(key, key): value for key, value in schema.items()}


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
        return {key: [_read(each, f"{at}[{index}]") for index, each in enumerate(value)]}
    if key in _NAMED and isinstance(value, Mapping):
        return {key: {name: _read(each, f"{at}.{name}") for name, each in value.items()}}
    if key in _COUNTS | _NUMBERS:
        return {key: _amount(value, at)}
    return _PLAIN.get(key, lambda plain: {key: plain})(value)


def _types(value: Json, at: str) -> dict[str, Json]:
    names = [_type(each, at) for each in (value if isinstance(value, list) else [value])]
    known = [name for name in names if name]
    if not known:
        return {}
    return {"type": list(dict.fromkeys(known)) if isinstance(value, list) else known[0]}


def _type(value: Json, at: str) -> str:
    """A type's JSON Schema name; empty for the unspecified one. Numbers are the API's enum values."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= len(_TYPES):
        return _TYPES[value - 1] if value else ""
    name = value.lower() if isinstance(value, str) else ""
    if name in _TYPES or name == "type_unspecified":
        return name if name in _TYPES else ""
    raise SchemaProblem(f"{at}: {describe(value)} is not a type; the types are {', '.join(_TYPES)}")


def _amount(value: Json, at: str) -> Json:
    """A number, also one given as text (int64 travels so)."""
    if not isinstance(value, str):
        return value
    try:
        return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)
    except ValueError:
        raise SchemaProblem(f"{at}: {describe(value)} is not a number") from None


def _ref(value: Json) -> dict[str, Json]:
    return {"$ref": re.sub(r"^#/defs/", "#/$defs/", value) if isinstance(value, str) else value}


def _pattern(value: Json) -> dict[str, Json]:
    """JavaScript's named groups are Python's; Unicode classes are not known to ``re``, so such a pattern is not judged."""
    if not isinstance(value, str):
        return {"pattern": value}
    return {} if re.search(r"\\[pP]\{|\\u\{", value) else {"pattern": re.sub(r"\(\?<(?![=!])", "(?P<", value)}


_PLAIN: Final[dict[str, Callable[[Json], dict[str, Json]]]] = {
    "$ref": _ref,
    "pattern": _pattern,
    "format": lambda value: {"format": value} if value in _FORMATS else {},
}


def _mend_bounds(read: dict[str, Json]) -> None:
    """Booleans beside a bound, as OpenAPI 3.0 writes them."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(read.get(exclusive), bool):
            strict = read.pop(exclusive)
            if strict and bound in read:
                read[exclusive] = read.pop(bound)


def _mend_enum(read: dict[str, Json]) -> None:
    """The API's enums are texts whatever the type: ``{type: INTEGER, enum: ["1", "2"]}`` means the numbers."""
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
    """The same, or null."""
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


# --- formats ------------------------------------------------------------------------------------------

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
_TIME_ONLY = re.compile(_TIME, re.ASCII)
_DATE_ONLY = re.compile(_DATE, re.ASCII)
_DATE_TIME = re.compile(f"{_DATE}[Tt]{_TIME}", re.ASCII)


def _is_date(value: Json) -> bool:
    return not isinstance(value, str) or _on_calendar(_DATE_ONLY.fullmatch(value))


def _is_date_time(value: Json) -> bool:
    return not isinstance(value, str) or _on_calendar(_DATE_TIME.fullmatch(value))


def _is_time(value: Json) -> bool:
    return not isinstance(value, str) or _TIME_ONLY.fullmatch(value) is not None


def _on_calendar(found: re.Match[str] | None) -> bool:
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _fits(bits: int) -> Callable[[Json], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: isinstance(value, bool | str) or not isinstance(value, int) or -limit <= value < limit


_FORMATS: Final[dict[str, Callable[[Json], bool]]] = {
    "date-time": _is_date_time,
    "date": _is_date,
    "time": _is_time,
    "int32": _fits(32),
    "int64": _fits(64),
}
_FORMAT_HINTS: Final = {
    "date-time": "an RFC 3339 date-time such as 2026-11-20T09:40:00Z",
    "date": "a date such as 2026-11-20",
    "time": "an RFC 3339 time such as 09:40:00Z",
    "int32": "a 32-bit integer",
    "int64": "a 64-bit integer",
}


# --- judging ------------------------------------------------------------------------------------------


def violations(schema: Json, value: Json) -> list[Violation]:
    """Every way in which the value breaks the schema (either dialect); empty where it is valid.

    Raises SchemaProblem for a schema that is not one, a ``$ref`` that leads nowhere in it, or one that leads back to itself.
    """
    validator = _validator(json.dumps(schema))
    from referencing.exceptions import Unresolvable

    try:
        return list(_distinct(each for error in validator.iter_errors(value) for each in _explained(error)))
    except Unresolvable as problem:
        raise SchemaProblem(
            f"$ref {problem.ref!r} leads nowhere in this schema; nothing is fetched from elsewhere"
        ) from None
    except RecursionError:
        raise SchemaProblem("a $ref of this schema leads back to itself") from None


def check_schema(schema: Json) -> None:
    """Raises SchemaProblem for what is not a schema in either dialect."""
    _validator(json.dumps(schema))


@lru_cache(maxsize=512)
def _validator(schema_text: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from referencing.jsonschema import EMPTY_REGISTRY

    schema = to_json_schema(json.loads(schema_text))
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as problem:
        raise SchemaProblem(f"{place(problem.absolute_path)}: {_clipped(problem.message)}") from None
    formats = FormatChecker(())
    for name, judge in _FORMATS.items():
        formats.checks(name)(judge)
    return Draft202012Validator(schema, registry=EMPTY_REGISTRY, format_checker=formats)


def _distinct(found: Iterator[Violation]) -> Iterator[Violation]:
    seen: set[tuple[str, str]] = set()
    for each in found:
        if (each.path, each.message) not in seen:
            seen.add((each.path, each.message))
            yield each


def _explained(error: ValidationError) -> Iterator[Violation]:
    wanted: Any = error.validator_value
    actual: Any = error.instance
    path, keyword = place(error.absolute_path), str(error.validator)
    if keyword == "required":
        for name in wanted:
            if name not in actual:
                yield Violation(
                    f"{path}{place([name])[1:]}", "expected a value (required), got absent", "present", None, keyword
                )
    elif keyword == "additionalProperties" and wanted is False:
        yield from (_extra(path, name, actual[name]) for name in _undeclared_names(error.schema, actual))
    elif keyword == "anyOf":
        yield _of_none(error, path)
    else:
        said = _SAID.get(keyword, lambda _: None)(wanted)
        message = f"expected {said}, got {describe(actual)}" if said else _clipped(error.message)
        yield Violation(path, message, wanted, actual, keyword)


def _extra(path: str, name: str, value: Json) -> Violation:
    message = f"expected no such key: the schema does not have it, got {describe(value)}"
    return Violation(f"{path}{place([name])[1:]}", message, "absent", value, "additionalProperties")


def _of_none(error: ValidationError, path: str) -> Violation:
    """The alternatives, and what is wrong with the one that came nearest."""
    branches: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(each.relative_schema_path[0], []).append(each)
    nearest = min(branches.values(), key=lambda errors: (-max(len(e.path) for e in errors), len(errors)), default=[])
    inner = next((each for one in nearest for each in _explained(one)), None)
    reason = f" (nearest: {inner.path}: {inner.message})" if inner else ""
    wanted: Any = error.validator_value
    message = f"expected one of {len(wanted)} alternatives, got {describe(error.instance)}{reason}"
    return Violation(path, message, wanted, error.instance, "anyOf")


def _clipped(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


_SAID: Final[dict[str, Callable[[Any], str | None]]] = {
    "type": lambda wanted: wanted if isinstance(wanted, str) else " or ".join(wanted),
    "enum": lambda wanted: f"one of {_clipped(json.dumps(wanted, ensure_ascii=False))}",
    "const": describe,
    "minimum": lambda wanted: f"at least {wanted}",
    "maximum": lambda wanted: f"at most {wanted}",
    "exclusiveMinimum": lambda wanted: f"more than {wanted}",
    "exclusiveMaximum": lambda wanted: f"less than {wanted}",
    "multipleOf": lambda wanted: f"a multiple of {wanted}",
    "minItems": lambda wanted: f"at least {wanted} items",
    "maxItems": lambda wanted: f"at most {wanted} items",
    "minLength": lambda wanted: f"at least {wanted} characters",
    "maxLength": lambda wanted: f"at most {wanted} characters",
    "minProperties": lambda wanted: f"at least {wanted} keys",
    "maxProperties": lambda wanted: f"at most {wanted} keys",
    "pattern": lambda wanted: f"text matching /{wanted}/",
    "format": _FORMAT_HINTS.get,
}


def undeclared(schema: Json, value: Json) -> list[Violation]:
    """Keys of an object that the schema's ``properties`` do not name, at its top level, whether or not it allows them."""
    if not isinstance(schema, Mapping) or not isinstance(value, Mapping):
        return []
    read = to_json_schema(schema)
    return [_extra("$", name, value[name]) for name in _undeclared_names(read, value)] if "properties" in read else []


def _undeclared_names(schema: Any, value: Mapping[str, Json]) -> list[str]:
    declared, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return [name for name in value if name not in declared and not any(re.search(each, name) for each in patterns)]


# --- the order of keys --------------------------------------------------------------------------------


def order_violations(schema: Json, value: Json, *, stated_only: bool = True) -> list[Violation]:
    """Objects whose keys do not come in ``propertyOrdering``; keys that it does not name may stand anywhere.

    ``stated_only=False`` also holds objects without ``propertyOrdering`` to the order of the schema's ``properties``.
    """
    return list(_order(schema, value, [], _Root(schema, stated_only), 0))


@dataclass(frozen=True, slots=True)
class _Root:
    schema: Json
    stated_only: bool


def _order(schema: Json, value: Json, at: list[str | int], root: _Root, jumps: int) -> Iterator[Violation]:
    if not isinstance(schema, Mapping) or not isinstance(value, Mapping | list):
        return
    given = _canonical(schema)
    if "$ref" in given and jumps < 16:
        yield from _order(_target(root.schema, given["$ref"]), value, at, root, jumps + 1)
    yield from _of_branches(given, value, at, root, jumps)
    if isinstance(value, Mapping):
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
) -> Iterator[Violation]:
    """A value may follow any one alternative; all parts of ``allOf``."""
    for part in given.get("allOf") or ():
        yield from _order(part, value, at, root, jumps)
    branches = [*(given.get("anyOf") or ()), *(given.get("oneOf") or ())]
    found = [list(_order(branch, value, at, root, jumps)) for branch in branches]
    if found and all(found):
        yield from found[0]


def _misplaced(
    given: Mapping[str, Json], value: Mapping[str, Json], at: list[str | int], stated_only: bool
) -> Iterator[Violation]:
    order = given.get("propertyOrdering")
    if order is None and not stated_only:
        order = list(given.get("properties") or ())
    if isinstance(order, list):
        yield from key_order(order, value, place(at))


def key_order(order: Sequence[str], value: Mapping[str, Json], path: str = "$") -> Iterator[Violation]:
    """A violation where the keys of an object that ``order`` names come in another order."""
    wanted = [name for name in order if name in value]
    actual = [name for name in value if name in set(wanted)]
    if wanted != actual:
        message = f"expected the keys in the order {', '.join(wanted)}, got {', '.join(actual)}"
        yield Violation(path, message, wanted, actual, "propertyOrdering")


def _target(root: Json, ref: Json) -> Json:
    """What a local ``$ref`` names; None where it names nothing here."""
    if not isinstance(ref, str) or not ref.startswith("#"):
        return None
    found: Any = root
    for step in ref[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name, found.get({"$defs": "defs"}.get(name, name))) if isinstance(found, Mapping) else None
    return found
