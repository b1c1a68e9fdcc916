"""Requests as JSON Schema: it refuses what the definition refuses, and explains what is there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.gemini import definition, editor_schema
from harness.gemini.canonical import request_findings
from harness.text.names import snake

REQUEST = "GenerateContentRequest"
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2.5,
    3.0,
    "",
    "7",
    "-1.5",
    "1.5s",
    "QUI+",
    "low",
    "LOW",
    "2026-01-31T09:30:00Z",
]


@pytest.fixture(scope="module")
def closed() -> Draft202012Validator:
    definitions: dict[str, Any] = {}
    schema = editor_schema.closed(REQUEST, definitions)
    Draft202012Validator.check_schema({**schema, "$defs": definitions})
    return Draft202012Validator({**schema, "$defs": definitions})


def invented(kind: str, dice: random.Random, depth: int = 0) -> Any:
    """A value of the type, or sometimes of another: with wrong names, spellings, types, lists and values."""
    if dice.random() < 0.06:
        return dice.choice([*ODD, {}, [], [{}], {"tools": 1}])
    if kind.endswith("[]"):
        items = [invented(kind[:-2], dice, depth + 1) for _ in range(dice.randint(0, 2))]
        return items if dice.random() < 0.8 or not items else items[0]
    if kind.startswith("map "):
        return {"key": invented(kind[4:], dice, depth + 1)}
    if kind.startswith("enum "):
        value = dice.choice(definition.enum_values(kind[5:]))
        return dice.choice([value, value.lower(), value.title(), value + "X", 1])
    if kind in ("object", "any"):
        return {"free": [1]}
    if kind in definition.SCALARS:
        return dice.choice(ODD)
    fields = list(definition.fields(kind).items())
    some = dice.sample(fields, min(len(fields), dice.randint(0, 1 if depth > 4 else 3)))
    return {spelled(name, dice): invented(inner, dice, depth + 1) for name, inner in some}


def spelled(name: str, dice: random.Random) -> str:
    return dice.choice([name, name, name, snake(name), name[:-1] if dice.random() < 0.2 else name])


@given(seed=st.integers(0, 2**32))
def test_it_refuses_the_fields_that_the_definition_refuses(closed: Draft202012Validator, seed: int) -> None:
    body = invented(REQUEST, random.Random(seed))
    unknown = {finding.name for finding in request_findings(body) if finding.kind == "unknown-field"}
    errors = list(closed.iter_errors(body))
    assert {error.validator for error in errors} <= {"additionalProperties"}
    assert bool(errors) == bool(unknown)


# --- to explain -----------------------------------------------------------------------------------------------------


def messages(kind: str = REQUEST, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    kind = kind.removesuffix("[]").removeprefix("map ")
    if kind not in definition.SCALARS and not kind.startswith("enum ") and kind not in seen:
        yield kind
        for inner in definition.fields(kind).values():
            yield from messages(inner, seen | {kind})


def test_every_field_of_a_request_is_named_and_explained() -> None:
    definitions: dict[str, Any] = {}
    editor_schema.explained(REQUEST, definitions)
    for message in set(messages()):
        fields = definitions[f"api.{message}"]["properties"]
        offered = {name for name, field in fields.items() if not field.get("doNotSuggest")}
        assert offered == definition.fields(message).keys()
        assert [name for name in offered if not fields[name]["description"]] == []


def test_every_enum_value_of_a_request_is_offered() -> None:
    definitions: dict[str, Any] = {}
    editor_schema.explained(REQUEST, definitions)
    kinds = {kind.removesuffix("[]") for message in messages() for kind in definition.fields(message).values()}
    enums = {kind[5:] for kind in kinds if kind.startswith("enum ")}
    assert "HarmCategory" in enums
    for enum in enums:
        assert definitions[f"api.{enum}"]["anyOf"][0]["enum"] == list(definition.enum_values(enum)[1:])


def test_it_explains_without_refusing_anything() -> None:
    definitions: dict[str, Any] = {}
    schema = {**editor_schema.explained(REQUEST, definitions), "$defs": definitions}
    odd = {
        "generationConfg": {},
        "generationConfig": {"seed": "x", "mediaResolution": 2.5},
        "tools": {"googleSerch": 1},
    }
    assert Draft202012Validator(schema).is_valid(odd)


@pytest.mark.parametrize("message", editor_schema.notes())
def test_every_note_is_about_a_field_of_the_definition(message: str) -> None:
    assert editor_schema.notes()[message].keys() <= definition.fields(message).keys()
