"""What is accepted without ``jsonschema`` is what ``jsonschema`` finds valid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.gemini.schemas import check_schema, violations
from harness.gemini.schemas.acceptance import acceptance
from harness.gemini.schemas.spelling import SchemaProblem

ROOT = Path(__file__).parents[2]
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 9},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "score": {"type": ["number", "null"]},
        "level": {"type": "string", "enum": ["low", "high"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "born": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
}

names = st.sampled_from(["a", "b", "name"])
scalars = st.sampled_from([None, True, False, 0, 1, 2, 1.0, 1.5, float("nan"), "", "x", "low", "2026-11-28", 10**20])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
types = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
keywords: dict[str, st.SearchStrategy[Any]] = {
    "type": types | st.lists(types, max_size=3) | st.just("text"),
    "enum": st.lists(st.sampled_from(["x", "low", 1, True]), max_size=3),
    "required": st.lists(names, max_size=2),
    "format": st.sampled_from(["date", "int32", "email"]),
    "minimum": st.sampled_from([0, 1, 1.5, True, "1"]),
    "maximum": st.sampled_from([0, 1, 1.5, None]),
    "minItems": st.sampled_from([0, 2, -1, 1.0, True]),
    "maxItems": st.sampled_from([0, 2]),
    "minLength": st.sampled_from([0, 2]),
    "maxLength": st.sampled_from([0, 2]),
    "minProperties": st.sampled_from([0, 2]),
    "maxProperties": st.sampled_from([0, 2]),
    "pattern": st.sampled_from(["x", "^l", "("]),
    "uniqueItems": st.booleans(),
    "const": st.just(1),
    "$ref": st.sampled_from(["#/$defs/A", "#/$defs/B", "#"]),
}


def plain(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    nested = {
        "items": inner,
        "prefixItems": st.lists(inner, max_size=2),
        "$defs": st.dictionaries(st.sampled_from(["A", "B", "a/b"]), inner, max_size=2),
        "properties": st.dictionaries(names, inner, max_size=2),
        "anyOf": st.lists(inner, max_size=2),
        "additionalProperties": st.booleans() | inner,
    }
    return st.fixed_dictionaries({}, optional={**keywords, **nested})


alone = st.recursive(st.fixed_dictionaries({}, optional=keywords), plain, max_leaves=4)
schemas = alone | st.builds(lambda schema, a, b: {**schema, "$defs": {"A": a, "B": b}}, alone, alone, alone)


@given(schemas, values)
def test_nothing_is_accepted_that_the_library_rejects(schema: Any, value: Any) -> None:
    accepts = acceptance(schema)
    if accepts is not None:
        Draft202012Validator.check_schema(schema)
        try:
            is_valid = accepts(value)
        except RecursionError:  # a reference to itself
            is_valid = False
        if is_valid:
            assert Draft202012Validator(schema).is_valid(value)
            assert violations(schema, value) == []


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ada", "age": 36, "score": 1.5, "level": "high", "tags": ["x"], "born": "1815-12-10"},
        {"name": "Ada", "age": 0, "score": None, "born": None},
        {"name": "Ada"},
    ],
)
def test_a_valid_value_is_accepted(value: Any) -> None:
    accepts = acceptance(PERSON)
    assert accepts is not None
    assert accepts(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"name": ""},
        {"name": "Ada", "age": True},
        {"name": "Ada", "age": 131},
        {"name": "Ada", "level": "middle"},
        {"name": "Ada", "tags": []},
        {"name": "Ada", "born": "10 December 1815"},
        {"name": "Ada", "title": "Countess"},
    ],
)
def test_an_invalid_value_is_left_to_the_library(value: Any) -> None:
    accepts = acceptance(PERSON)
    assert accepts is not None
    assert not accepts(value)
    assert violations(PERSON, value)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"pattern": "("},
        {"type": "text"},
        {"type": []},
        {"enum": ["x", 1.5]},
        {"prefixItems": []},
        {"$ref": "#/$defs/Missing", "$defs": {}},
        {"$ref": "#/$defs/a/b", "$defs": {"a/b": {}}},
        {"properties": {"a": {"$defs": {"A": {}}, "$ref": "#/$defs/A"}}},
        {"minItems": -1},
        {"minimum": True},
        {"required": ["a", "a"]},
        {"items": {"$ref": "#"}},
        {"anyOf": []},
    ],
)
def test_a_schema_with_more_is_left_to_the_library(schema: Any) -> None:
    assert acceptance(schema) is None


TREE = {
    "$defs": {
        "Tree": {
            "properties": {
                "name": {"pattern": "^[a-z]+$"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
            },
            "required": ["name"],
        },
        "Rank": {"type": "integer", "enum": [1, 2]},
    },
    "type": "object",
    "properties": {
        "tree": {"$ref": "#/$defs/Tree"},
        "point": {"prefixItems": [{"type": "number"}], "uniqueItems": True},
    },
    "additionalProperties": {"$ref": "#/$defs/Rank"},
}
"""As Pydantic writes models in models."""


def test_a_model_in_a_model_is_judged_without_the_library() -> None:
    accepts = acceptance(TREE)
    assert accepts is not None
    assert accepts({"tree": {"name": "a", "children": [{"name": "b"}]}, "rank": 2})
    assert not accepts({"tree": {"name": "a", "children": [{"name": "B"}]}})
    assert not accepts({"rank": 3})
    assert not accepts({"rank": True})
    assert not accepts({"point": ["x"]})


def test_a_reference_to_itself_is_a_problem_of_the_schema() -> None:
    with pytest.raises(SchemaProblem, match="refers to itself"):
        violations({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, 1)


def test_a_deep_schema_is_left_to_the_library() -> None:
    schema: Any = {"type": "string"}
    for _ in range(60):
        schema = {"type": "array", "items": schema}
    assert acceptance(schema) is None
    check_schema(schema)


def test_valid_values_need_no_jsonschema() -> None:
    program = f"""
import sys
from harness.gemini.schemas import check_schema, violations
check_schema({PERSON!r})
assert violations({PERSON!r}, {{"name": "Ada"}}) == []
assert "jsonschema" not in sys.modules
assert len(violations({PERSON!r}, {{"name": 1}})) == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
