"""Requests as JSON Schema, for editors: the fields of the definition, what they are and what they may hold.

``field_notes.yaml`` holds a sentence for the fields that people use most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.gemini import definition
from harness.text import safeyaml
from harness.text.names import snake
from harness.text.shape import defined

Schema = dict[str, Any]


def explained(message: str, definitions: dict[str, Any]) -> Schema:
    """A reference to a schema that names and explains the fields of a message, and accepts anything.

    It and those of all messages inside are added to ``definitions``, as ``api.NAME``. Raises KeyError for an unknown message.
    """
    return defined(f"api.{message}", definitions, lambda: _message(message, definitions, explained))


def closed(message: str, definitions: dict[str, Any]) -> Schema:
    """A reference to a schema that refuses unknown fields of this message and of those inside, in either spelling; any value is accepted.

    It and those of all messages inside are added to ``definitions``, as ``closed.NAME``. Raises KeyError for an unknown message.
    """
    made = {"additionalProperties": False}
    return defined(f"closed.{message}", definitions, lambda: {**_message(message, definitions, closed), **made})


@cache
def notes() -> Mapping[str, Mapping[str, str]]:
    """Message -> field -> what the field is for, in one sentence."""
    read: Mapping[str, Mapping[str, str]] = safeyaml.load(Path(__file__).with_name("field_notes.yaml").read_bytes())
    return read


_Of = Callable[[str, dict[str, Any]], Schema]
"""The schema of a message inside: ``explained`` or ``closed``."""


def _message(message: str, definitions: dict[str, Any], of: _Of) -> Schema:
    fields: Schema = {}
    for name, kind in definition.fields(message).items():
        note = notes().get(message, {}).get(name)
        about = {"description": f"{note} ({_words(kind)})" if note else _words(kind)}
        fields[name] = {**(about if of is explained else {"doNotSuggest": True}), **_offered(kind, definitions, of)}
        if (spelled := snake(name)) != name:
            # Editors complete the values of both spellings, but offer the first only. They overlook this beside a plain $ref.
            fields[spelled] = {"allOf": [_offered(kind, definitions, of)], "doNotSuggest": True}
    return {"title": message, "properties": fields}


def _offered(kind: str, definitions: dict[str, Any], of: _Of) -> Schema:
    """What a value of this type may hold. Keywords for objects and those for lists do not affect each other."""
    if kind.endswith("[]"):
        alone = _offered(kind[:-2], definitions, of)
        return {**alone, "items": alone} if alone else {}
    if kind.startswith("enum "):
        values = {"enum": list(definition.enum_values(kind[5:])[1:])}
        return defined(f"api.{kind[5:]}", definitions, lambda: {"anyOf": [values, {}]})
    if kind.startswith("map "):
        inside = _offered(kind[4:], definitions, of)
        return {"additionalProperties": inside} if inside else {}
    return {} if kind in definition.SCALARS else of(kind, definitions)


def _words(kind: str) -> str:
    """The type in words: ``a list of Content``."""
    if kind.endswith("[]"):
        return f"a list of {_words(kind[:-2])}"
    if kind.startswith("map "):
        return f"a mapping to {_words(kind[4:])}"
    return definition.scalars()[kind]["words"] if kind in definition.SCALARS else kind.removeprefix("enum ")
