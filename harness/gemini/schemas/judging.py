"""Validates a value against a schema, and lists every violation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from harness.gemini.schemas.acceptance import Accepts, acceptance
from harness.gemini.schemas.formats import FORMATS, HINTS
from harness.gemini.schemas.spelling import SchemaProblem, misspelled, to_json_schema
from harness.model import Json, Mismatch
from harness.text import patterns
from harness.text.describe import clipped, describe
from harness.text.grouping import grouped
from harness.text.jsonpath import place
from harness.text.jsontext import fast

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


class SchemaViolation(Struct, frozen=True):
    """One violation of a schema. ``path`` is a JSONPath into the value, ``keyword`` the violated keyword.

    ``nearest``: for ``anyOf``, the keyword that the nearest alternative violates.
    """

    path: str
    message: str
    expected: Json
    actual: Json
    keyword: str
    nearest: str = ""

    @property
    def reason(self) -> str:
        """``missing key``, ``wrong type``, ``extra value`` (a key or a value that the schema does not list), ``wrong order`` or
        ``wrong value``."""
        return _REASONS.get(self.nearest or self.keyword, "wrong value")

    def mismatch(self, message: str) -> Mismatch:
        """The mismatch that a check reports, with this message."""
        return Mismatch(self.path, self.expected, self.actual, message, reason=self.reason)


_REASONS: Final = {
    "required": "missing key",
    "type": "wrong type",
    "additionalProperties": "extra value",
    "unevaluatedProperties": "extra value",
    "maxItems": "extra value",
    "enum": "extra value",
    "const": "extra value",
    "propertyOrdering": "wrong order",
}


def violations(schema: Json, value: Json) -> list[SchemaViolation]:
    """Every violation of the schema (in either dialect); empty if the value is valid.

    Raises SchemaProblem for an invalid schema, for a ``$ref`` without a target in it, and for one that refers to itself.
    """
    text = _as_text(schema)
    accepts = _acceptance(text)
    with suppress(RecursionError):  # the library meets it too, below
        if accepts and accepts(value):
            return []
    validator = _validator(text)
    from referencing.exceptions import Unresolvable

    found: dict[tuple[str, str], SchemaViolation] = {}
    try:
        for violation in chain.from_iterable(map(_explained, validator.iter_errors(value))):
            found.setdefault((violation.path, violation.message), violation)
        return list(found.values())
    except Unresolvable as problem:
        raise SchemaProblem(
            f"$ref {problem.ref!r} has no target in this schema; references to other documents are not supported"
        ) from None
    except RecursionError:
        raise SchemaProblem("a $ref of this schema refers to itself") from None
    except patterns.BadPattern as problem:
        raise SchemaProblem(f"a pattern of it is not a regular expression: {problem}") from None


def check_schema(schema: Json) -> None:
    """Raises SchemaProblem for an invalid schema in either dialect, and for misspelled keywords."""
    text = _as_text(schema)
    if _acceptance(text) is None:
        _validator(text)
    if wrong := "; ".join(misspelled(schema)):
        raise SchemaProblem(wrong)


def _as_text(schema: Json) -> bytes:
    """The schema as JSON text, which is the key of the caches."""
    try:
        return fast(schema) or json.dumps(schema).encode()
    except (RecursionError, TypeError, ValueError) as problem:
        raise SchemaProblem(f"the schema is not a JSON value: {problem}") from None


@lru_cache(maxsize=512)
def _acceptance(schema_text: bytes) -> Accepts | None:
    return acceptance(_json_schema(schema_text))


@lru_cache(maxsize=512)
def _validator(schema_text: bytes) -> Draft202012Validator:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from referencing.jsonschema import EMPTY_REGISTRY

    schema = _json_schema(schema_text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as problem:
        raise SchemaProblem(f"{place(problem.absolute_path)}: {clipped(problem.message, 200)}") from None
    except RecursionError:
        raise SchemaProblem("the schema, or a pattern in it, is nested too deeply") from None
    except OverflowError as problem:
        raise SchemaProblem(f"a pattern of it is not a regular expression: {problem}") from None
    formats = FormatChecker(())
    for name, judge in FORMATS.items():
        formats.checks(name)(judge)
    return _bounded()(schema, registry=EMPTY_REGISTRY, format_checker=formats)


@cache
def _bounded() -> type[Draft202012Validator]:
    """The validator of the library with a time limit for regular expressions: its functions with ``patterns`` in place of ``re``."""
    from jsonschema import Draft202012Validator, _keywords, _utils, validators

    def with_ours(function: Any, **others: Any) -> Any:
        return FunctionType(function.__code__, {**function.__globals__, "re": patterns, **others}, function.__name__)

    additional = with_ours(_utils.find_additional_properties)
    evaluated = with_ours(_utils.find_evaluated_property_keys_by_schema)
    evaluated.__globals__[evaluated.__name__] = evaluated  # it calls itself
    ours = {
        "pattern": with_ours(_keywords.pattern),
        "patternProperties": with_ours(_keywords.patternProperties),
        "additionalProperties": with_ours(_keywords.additionalProperties, find_additional_properties=additional),
        "unevaluatedProperties": with_ours(
            _keywords.unevaluatedProperties, find_evaluated_property_keys_by_schema=evaluated
        ),
    }
    extended: type[Draft202012Validator] = validators.extend(Draft202012Validator, ours)  # type: ignore[no-untyped-call]
    return extended


def _explained(error: ValidationError) -> Iterator[SchemaViolation]:
    wanted: Any = error.validator_value
    actual: Any = error.instance
    path, keyword = place(error.absolute_path), str(error.validator)
    if keyword == "required":
        for name in wanted:
            if name not in actual:
                yield SchemaViolation(
                    f"{path}{place([name])[1:]}", "expected a value (required), got absent", "present", None, keyword
                )
    elif keyword == "additionalProperties" and wanted is False:
        yield from (_extra(path, name, actual[name]) for name in _undeclared_names(error.schema, actual))
    elif keyword == "anyOf":
        yield _no_alternative(error, path)
    else:
        expectation = _EXPECTATIONS.get(keyword, lambda _: None)(wanted)
        message = f"expected {expectation}, got {describe(actual)}" if expectation else clipped(error.message, 200)
        yield SchemaViolation(path, message, wanted, actual, keyword)


def _extra(path: str, name: str, value: Json) -> SchemaViolation:
    message = f"expected no such key: the schema does not have it, got {describe(value)}"
    return SchemaViolation(f"{path}{place([name])[1:]}", message, "absent", value, "additionalProperties")


def _no_alternative(error: ValidationError, path: str) -> SchemaViolation:
    """The violation of ``anyOf``, with the first error of the nearest alternative."""
    branches = grouped(error.context or (), lambda nested: nested.relative_schema_path[0])
    nearest = min(branches.values(), key=lambda errors: (-max(len(e.path) for e in errors), len(errors)), default=[])
    inner = next((violation for nested in nearest for violation in _explained(nested)), None)
    reason = f" (nearest: {inner.path}: {inner.message})" if inner else ""
    wanted: Any = error.validator_value
    message = f"expected one of {len(wanted)} alternatives, got {describe(error.instance)}{reason}"
    keyword = (inner.nearest or inner.keyword) if inner else ""
    return SchemaViolation(path, message, wanted, error.instance, "anyOf", keyword)


_EXPECTATIONS: Final[dict[str, Callable[[Any], str | None]]] = {
    "type": lambda wanted: wanted if isinstance(wanted, str) else " or ".join(wanted),
    "enum": lambda wanted: f"one of {clipped(json.dumps(wanted, ensure_ascii=False), 200)}",
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
    "format": HINTS.get,
}


def undeclared(schema: Json, value: Json) -> list[SchemaViolation]:
    """Keys at the top level of an object that are not in the schema's ``properties``, even if the schema allows them."""
    if not isinstance(schema, Mapping) or not isinstance(value, Mapping):
        return []
    read = _json_schema(_as_text(schema))
    return [_extra("$", name, value[name]) for name in _undeclared_names(read, value)] if "properties" in read else []


@lru_cache(maxsize=512)
def _json_schema(schema_text: bytes) -> Any:
    return to_json_schema(json.loads(schema_text))


def _undeclared_names(schema: Any, value: Mapping[str, Json]) -> list[str]:
    declared, free = schema.get("properties", {}), schema.get("patternProperties", {})
    return [
        name for name in value if name not in declared and not any(patterns.search(pattern, name) for pattern in free)
    ]
