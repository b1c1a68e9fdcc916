"""Schemas in Google's dialect, in JSON Schema, and in a mixture of both."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answer import reply
from harness.errors import BadCassette
from harness.gemini import schemas
from harness.gemini.schemas import (
    SchemaProblem,
    check_schema,
    declarations,
    json_mode,
    order_violations,
    request_schema,
    violations,
)
from harness.model import Reply
from harness.transport import cassette

names = st.sampled_from(["a", "b", "kind"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["x", "", "2026-11-20"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
leaves = st.one_of(
    st.sampled_from([{"type": name} for name in ("string", "number", "integer", "boolean", "null")]),
    st.sampled_from(
        [{"enum": ["x", 2]}, {"const": None}, {"type": ["string", "null"]}, {"type": "string", "format": "date"}]
    ),
    st.just({"type": "integer", "minimum": 0, "maximum": 3}),
)
json_schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "maxItems": 2}, inner),
        st.builds(lambda inside: {"type": "object", "properties": {"a": inside}, "required": ["a"]}, inner),
        st.builds(lambda first, second: {"anyOf": [first, second]}, inner, inner),
    ),
    max_leaves=5,
)


def to_google_dialect(schema: Any, *, snake: bool) -> Any:
    """The same schema in Google's dialect: upper-case types, counts as text, snake_case."""
    if not isinstance(schema, dict):
        return schema
    spelled: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type":
            spelled[key] = [item.upper() for item in value] if isinstance(value, list) else value.upper()
        elif key == "properties":
            spelled[key] = {name: to_google_dialect(item, snake=snake) for name, item in value.items()}
        elif key == "anyOf":
            spelled["any_of" if snake else key] = [to_google_dialect(item, snake=snake) for item in value]
        else:
            spelled["max_items" if snake and key == "maxItems" else key] = (
                str(value) if key == "maxItems" else to_google_dialect(value, snake=snake)
            )
    return spelled


@given(json_schemas)
def test_plain_json_schema_stays_unchanged(schema: Any) -> None:
    assert schemas.to_json_schema(schema) == schema


@given(json_schemas, st.booleans())
def test_reading_the_result_again_changes_nothing(schema: Any, snake: bool) -> None:
    read = schemas.to_json_schema(
        {**to_google_dialect(schema, snake=snake), "nullable": True, "title": "t", "propertyOrdering": ["a"]}
    )
    assert schemas.to_json_schema(read) == read


@given(json_schemas, values, st.booleans())
def test_the_spelling_never_decides(schema: Any, value: Any, snake: bool) -> None:
    assert violations(to_google_dialect(schema, snake=snake), value) == violations(schema, value)


@given(json_schemas, values)
def test_nullable_allows_null_and_nothing_else(schema: Any, value: Any) -> None:
    nullable = {**schema, "nullable": True}
    assert violations(nullable, None) == []
    if value is not None:
        assert bool(violations(nullable, value)) == bool(violations(schema, value))


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}, {"n": 1}, {}),
        ({"type": "INTEGER", "enum": ["1", "2"]}, 1, "1"),
        ({"type": "STRING", "enum": ["a"], "nullable": True}, None, "b"),
        ({"type": "STRING", "format": "enum", "enum": ["a"]}, "a", "b"),
        ({"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"}, ["a", "b"], ["a"]),
        ({"type": "array", "min_items": 1}, [1], []),
        ({"type": "STRING", "max_length": "2"}, "ab", "abc"),
        ({"type": "INTEGER", "format": "int32"}, 2**31 - 1, 2**31),
        ({"type": "STRING", "format": "date-time"}, "2026-11-20T09:40:00.5+01:00", "2026-11-20T09:40:00"),
        ({"type": "STRING", "format": "date-time"}, "2028-02-29T23:59:60Z", "2026-02-29T00:00:00Z"),
        ({"type": "STRING", "format": "date"}, "2026-11-20", "2026-13-01"),
        ({"type": "STRING", "format": "time"}, "09:40:00Z", "25:00:00Z"),
        ({"type": ["STRING", "NULL"]}, None, 1),
        ({"type": 6, "properties": {"a": {"type": 1}}}, {"a": "x"}, {"a": 1}),
        ({"any_of": [{"type": "STRING"}, {"type": "INTEGER"}]}, "x", 1.5),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, None, 1),
        ({"$ref": "#/$defs/A", "nullable": True, "$defs": {"A": {"type": "STRING"}}}, None, 1),
        ({"ref": "#/defs/A", "defs": {"A": {"type": "STRING"}}}, "x", 1),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 3, "x"),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, 0.1, 0),
        ({"type": "string", "pattern": "^(?<year>\\d{4})$"}, "2026", "26"),
        ({"type": "object", "properties": {"type": {"type": "STRING"}}}, {"type": "OBJECT"}, {"type": 1}),
        ({"type": "object", "additionalProperties": {"type": "INTEGER"}}, {"x": 1}, {"x": "1"}),
        ({"type": "array", "items": [{"type": "STRING"}]}, ["x", 1], [1]),
        ({"title": 5, "description": None, "default": {}, "type": "STRING"}, "x", 1),
    ],
)
def test_dialect(schema: Any, good: Any, bad: Any) -> None:
    assert violations(schema, good) == []
    assert violations(schema, bad) != []


@pytest.mark.parametrize("text", ["https://a.example", "not a mail address"])
def test_formats_that_the_api_does_not_promise_are_ignored(text: str) -> None:
    assert violations({"type": "string", "format": "email"}, text) == []


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "STRNG"}, '$.type: string "STRNG" is not a type; the types are string, number'),
        (
            {"type": "OBJECT", "properties": {"a": {"minItems": "x"}}},
            '$.properties.a.minItems: string "x" is not a number',
        ),
        ({"type": "object", "properties": 3}, "$.properties: 3 is not of type 'object'"),
        ({"pattern": "("}, "$.pattern: '(' is not a 'regex'"),
        ([], "$: expected a schema (an object), got array of 0 []"),
        ({"$ref": "#/$defs/Gone"}, "has no target in this schema"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "references to other documents are not supported"),
        ({"$ref": "#"}, "refers to itself"),
        ({"default": object()}, "the schema is not a JSON value"),
    ],
)
def test_what_is_not_a_schema_is_refused(schema: Any, problem: str) -> None:
    with pytest.raises(SchemaProblem) as refused:
        violations(schema, {"a": 1})
    assert problem in str(refused.value)


@pytest.mark.parametrize("depth", [400, 5_000])
def test_a_schema_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    schema: Any = {"type": "STRING"}
    for _ in range(depth):
        schema = {"type": "ARRAY", "items": schema}
    with pytest.raises(SchemaProblem):
        check_schema(schema)


def test_every_violation_has_a_place_and_a_message() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"name": {"type": "STRING"}, "tags": {"type": "ARRAY", "items": {"type": "STRING"}}},
        "required": ["name", "total", "unit price"],
        "additionalProperties": False,
    }
    found = violations(schema, {"name": 3, "tags": ["a", 1], "extra": 0})
    assert sorted((violation.path, violation.message) for violation in found) == [
        ("$.extra", "expected no such key: the schema does not have it, got integer 0"),
        ("$.name", "expected string, got integer 3"),
        ("$.tags[1]", "expected string, got integer 1"),
        ("$.total", "expected a value (required), got absent"),
        ("$['unit price']", "expected a value (required), got absent"),
    ]


def test_the_nearest_alternative_is_explained() -> None:
    cat = {"type": "object", "properties": {"lives": {"type": "integer"}}, "required": ["lives"]}
    (found,) = violations({"anyOf": [{"type": "string"}, cat]}, {"lives": "nine"})
    assert "2 alternatives" in found.message
    assert 'nearest: $.lives: expected integer, got string "nine"' in found.message


def test_undeclared_keys_are_found_even_if_allowed() -> None:
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}
    assert [violation.path for violation in schemas.undeclared(schema, {"city": "Oslo", "unit": "C"})] == ["$.unit"]
    assert schemas.undeclared({"type": "OBJECT"}, {"unit": "C"}) == []


# --- the order of keys


ORDERED = {
    "type": "OBJECT",
    "properties": {"a": {"type": "STRING"}, "lines": {"type": "ARRAY", "items": {"$ref": "#/$defs/Line"}}},
    "property_ordering": ["lines", "a"],
    "$defs": {"Line": {"properties": {"x": {}, "y": {}}, "propertyOrdering": ["y", "x"]}},
}


def test_key_order_is_checked_at_every_level() -> None:
    value = {"a": "", "lines": [{"y": 1, "x": 2}, {"x": 1, "y": 2}]}
    assert [(violation.path, violation.message) for violation in order_violations(ORDERED, value)] == [
        ("$", "expected the keys in the order lines, a, got a, lines"),
        ("$.lines[1]", "expected the keys in the order y, x, got x, y"),
    ]


def test_missing_and_unknown_keys_do_not_break_the_order() -> None:
    assert order_violations(ORDERED, {"other": 1, "lines": [{"x": 1}], "more": 2, "a": ""}) == []


def test_an_alternative_in_order_is_enough() -> None:
    first, second = (
        {"properties": {"a": {}, "b": {}}, "propertyOrdering": order} for order in (["a", "b"], ["b", "a"])
    )
    assert order_violations({"anyOf": [first, second]}, {"b": 1, "a": 2}) == []
    assert order_violations({"anyOf": [first]}, {"b": 1, "a": 2}) != []


def test_the_order_of_properties_counts_only_when_asked_for() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}}
    assert order_violations(schema, {"b": 1, "a": 2}) == []
    assert order_violations(schema, {"b": 1, "a": 2}, stated_only=False) != []


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert order_violations({"$ref": "#", "anyOf": [{"$ref": "#"}]}, {"a": 1}) == []


# --- schemas in requests


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ({"generationConfig": {"responseSchema": {}}}, "responseSchema"),
        ({"generation_config": {"response_schema": {}}}, "responseSchema"),
        ({"generationConfig": {"responseJsonSchema": {}}}, "responseJsonSchema"),
        ({"generationConfig": {"response_json_schema": {}}}, "responseJsonSchema"),
        ({"generationConfig": {"_responseJsonSchema": {}}}, "_responseJsonSchema"),
        ({"generationConfig": {"responseFormat": {"text": {"schema": {}}}}}, "responseFormat"),
        (
            {"generation_config": {"response_format": [{"image": {}}, {"text": {"schema": {}}}]}},
            "responseFormat",
        ),
    ],
)
def test_the_schema_of_a_request_is_found_in_any_field(config: Any, source: str) -> None:
    found = request_schema(config)
    assert found is not None
    assert (found.at[1], found.schema) == (source, {})


@pytest.mark.parametrize(
    "body", [None, [], {}, {"generationConfig": None}, {"generationConfig": {"responseSchema": None}}]
)
def test_no_schema(body: Any) -> None:
    assert request_schema(body) is None
    assert not json_mode(body)
    assert declarations(body) == {}


@pytest.mark.parametrize(
    "config",
    [
        {"responseMimeType": "application/json"},
        {"response_mime_type": "Application/JSON"},
        {"responseFormat": {"text": {"mimeType": "APPLICATION_JSON"}}},
        {"response_format": {"text": {"mime_type": "application/json"}}},
        {"responseFormat": {"text": {"schema": {}}}},
    ],
)
def test_json_mode(config: Any) -> None:
    assert json_mode({"generationConfig": config})


def test_enum_mode_is_not_json_mode() -> None:
    body = {"generationConfig": {"responseMimeType": "text/x.enum"}}
    assert schemas.requested_type(body) == "text/x.enum"
    assert not json_mode(body)


def test_declarations_in_any_spelling() -> None:
    body = {
        "tools": [
            {"googleSearch": {}},
            {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}, {"name": "g"}]},
            {"function_declarations": {"name": "h", "parameters_json_schema": {"type": "object"}}},
        ]
    }
    found = declarations(body)
    assert {name: schema and (*schema.at, schema.schema) for name, schema in found.items()} == {
        "f": ("parameters", {"type": "OBJECT"}),
        "g": None,
        "h": ("parametersJsonSchema", {"type": "object"}),
    }


# --- real traffic


def answers(shared: Path) -> Iterator[tuple[str, Any, Reply]]:
    """Recorded JSON-mode exchanges that ended well: (where, request body, reply)."""
    with (shared / "recordings" / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        files = {
            (row["repo"], row["file"]) for row in csv.DictReader(index) if "jsonMode" in row["features"].split(";")
        }
    for repo, file in sorted(files):
        path = shared / "recordings" / repo.replace("/", "+") / file
        try:
            tape = cassette.read(path)
        except (BadCassette, OSError):
            continue
        for interaction in tape.interactions:
            body, answer = interaction.exchange.request.body, reply.read(interaction.exchange)
            if answer.finish_reason == "STOP" and answer.text and json_mode(body):
                yield f"{path}[{interaction.index}]", body, answer


def test_recorded_answers_are_valid_against_their_schema(shared: Path) -> None:
    judged = 0
    for where, body, answer in answers(shared):
        schema = request_schema(body)
        if schema is not None:
            judged += 1
            value = json.loads(answer.text)
            assert violations(schema.schema, value) == [], where
            assert order_violations(schema.schema, value) == [], where
    assert judged >= 30
