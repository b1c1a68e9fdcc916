"""Requests as JSON Schema, for editors: what :func:`harness.gemini.definition.request_findings` accepts, and what fields are.

``field_notes.yaml`` holds a sentence for the fields that people use most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.gemini import definition
from harness.text import safeyaml
from harness.text.names import snake

Schema = dict[str, Any]


def explained(message: str, definitions: dict[str, Any]) -> Schema:
    """A reference to a schema that names and explains the fields of a message, and accepts anything.

    It and those of all messages inside are added to ``definitions``, as ``api.NAME``. Raises KeyError for an unknown message.
    """
    return _defined(f"api.{message}", definitions, lambda: _explained_message(message, definitions))


def closed(message: str, definitions: dict[str, Any], template: Schema) -> Schema:
    """A reference to a schema that accepts what the API accepts as this message, in either spelling.

    It and those of all messages inside are added to ``definitions``, as ``closed.NAME``. ``template`` is the schema of a
    placeholder, which may stand for any value. Raises KeyError for an unknown message.
    """
    return _defined(f"closed.{message}", definitions, lambda: _closed_message(message, definitions, template))


@cache
def notes() -> Mapping[str, Mapping[str, str]]:
    """Message -> field -> what the field is for, in one sentence."""
    read: Mapping[str, Mapping[str, str]] = safeyaml.load(Path(__file__).with_name("field_notes.yaml").read_bytes())
    return read


def _defined(name: str, definitions: dict[str, Any], make: Callable[[], Schema]) -> Schema:
    """A reference to a definition, which is made first if it is missing. Definitions may contain themselves."""
    if name not in definitions:
        definitions[name] = {}
        definitions[name].update(make())
    return {"$ref": f"#/$defs/{name}"}


# --- to offer and to explain --------------------------------------------------------------------------------


def _explained_message(message: str, definitions: dict[str, Any]) -> Schema:
    fields: Schema = {}
    for name, kind in definition.fields(message).items():
        note = notes().get(message, {}).get(name)
        about = f"{note} ({_words(kind)})" if note else _words(kind)
        fields[name] = {"description": about, **_offered(kind, definitions)}
        if (spelled := snake(name)) != name:
            # Editors complete the values of both spellings, but offer the first only. They overlook this beside a plain $ref.
            same = {"$ref": f"#/$defs/api.{message}/properties/{name}"}
            fields[spelled] = {"allOf": [same], "doNotSuggest": True}
    return {"title": message, "properties": fields}


def _offered(kind: str, definitions: dict[str, Any]) -> Schema:
    """What a value of this type may hold. Keywords for objects and those for lists do not affect each other."""
    if kind.endswith("[]"):
        alone = _offered(kind[:-2], definitions)
        return {**alone, "items": alone} if alone else {}
    if kind.startswith("enum "):
        return _defined(f"api.{kind[5:]}", definitions, lambda: {"anyOf": [{"enum": _named(kind[5:])}, {}]})
    if kind.startswith("map "):
        inside = _offered(kind[4:], definitions)
        return {"additionalProperties": inside} if inside else {}
    return {} if kind in definition.SCALARS else explained(kind, definitions)


def _named(enum: str) -> list[str]:
    return list(definition.enum_values(enum)[1:])


def _words(kind: str) -> str:
    """The type in words: ``a list of Content``."""
    if kind.endswith("[]"):
        return f"a list of {_words(kind[:-2])}"
    if kind.startswith("map "):
        return f"a mapping to {_words(kind[4:])}"
    return definition.scalars()[kind]["words"] if kind in definition.SCALARS else kind.removeprefix("enum ")


# --- to refuse ----------------------------------------------------------------------------------------------


def _closed_message(message: str, definitions: dict[str, Any], template: Schema) -> Schema:
    fields, others = {}, {}
    for name, kind in definition.fields(message).items():
        values = {} if kind == "any" else {"anyOf": [*_taken(kind, definitions, template), {"type": "null"}, template]}
        fields[name] = {**values, "doNotSuggest": True}
        if (spelled := snake(name)) != name:
            others[f"^{spelled}$"] = {"$ref": f"#/$defs/closed.{message}/properties/{name}"}
    return {
        "title": message,
        "type": "object",
        "properties": fields,
        "patternProperties": others,
        "additionalProperties": False,
    }


def _taken(kind: str, definitions: dict[str, Any], template: Schema) -> list[Schema]:
    """The alternatives for a value of this type."""
    if kind.endswith("[]"):
        alone = _taken(kind[:-2], definitions, template)
        return [{"type": "array", "items": {"anyOf": [*alone, template]}}, *alone]
    if kind.startswith("map "):
        item = {"anyOf": [*_taken(kind[4:], definitions, template), template]}
        return [{"type": "object", "additionalProperties": item}]
    if kind.startswith("enum "):
        return [_defined(f"closed.{kind[5:]}", definitions, lambda: _any_case(kind[5:])), {"type": "integer"}]
    return definition.scalars()[kind]["schema"] if kind in definition.SCALARS else [closed(kind, definitions, template)]


def _any_case(enum: str) -> Schema:
    """The values of an enum, in upper and lower case."""
    pattern = "|".join(
        re.sub("[A-Za-z]", lambda letter: f"[{letter[0].upper()}{letter[0].lower()}]", value)
        for value in definition.enum_values(enum)
    )
    return {"anyOf": [{"enum": _named(enum)}, {"type": "string", "pattern": f"^({pattern})$"}]}
