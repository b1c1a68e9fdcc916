"""What the schema of a suite says beyond its types. Only ``gemini-harness schema`` needs it.

An editor must accept whatever ``check`` accepts. So the literal parts of a request accept anything by themselves (see
``offers``), and are closed here where ``check`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.gemini import editor_schema

Schema = dict[str, Any]


def explain(definitions: Mapping[str, Schema]) -> None:
    """Describe axes as the fields of the request that they set, where they have no description."""
    notes = editor_schema.notes()["GenerationConfig"]
    for schema in definitions.values():
        for name, axis in schema.get("properties", {}).items():
            if name in notes:
                axis.setdefault("description", notes[name])


def closed_bodies(definitions: dict[str, Any], waiver: str) -> Schema:
    """The part of a suite's schema that refuses unknown fields where ``check`` refuses them.

    Those are the literal parts of every case, except where the case may be refused or has the waiver; and those of the
    defaults, unless every case is such an exception.
    """
    served = {"properties": {"error": False, "http": {"const": 200}}}
    waived = {"properties": {waiver: False}}
    case = {"properties": {"expect": served, "waive": waived, "turns": {"items": {"properties": {"expect": served}}}}}
    literal = {"properties": _literal_parts(definitions)}
    return {
        "if": {"properties": {"waive": waived, "defaults": {"properties": {"expect": served, "waive": waived}}}},
        "then": {
            "properties": {"cases": {"items": {"if": case, "then": literal}}},
            "if": {"properties": {"cases": {"contains": case}}},
            "then": {"properties": {"defaults": literal}},
        },
    }


def _literal_parts(definitions: dict[str, Any]) -> Schema:
    """The keys of a case that ``check`` reads as parts of a request."""

    def an_object(message: str) -> Schema:
        return {"if": {"type": "object"}, "then": editor_schema.closed(message, definitions)}

    return {
        "request": an_object("GenerateContentRequest"),
        "tools": {"items": an_object("Tool")},
        "schema": an_object("Schema"),
    }
