"""The arguments of a function call: from the prompt where it has them, else any values that the schema accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.knowledge import recall
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import ValuePlace, ValueSource, kinds_of
from harness.simulator.schema_resolution import first_type, resolved, resolved_properties
from harness.simulator.seed import Seed
from harness.simulator.structured import value_for_schema


def parameters(declaration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a declaration's arguments: ``parametersJsonSchema`` or ``parameters``."""
    found = declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}
    return found if isinstance(found, Mapping) else {}


def build_calls(declaration: Mapping[str, Any], text: str, earlier: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls of one function: one for each place, name, symbol, listed number or quoted text, if the function takes a single one; else one.

    ``earlier`` is what the user and the functions wrote before; it is read if ``text`` gives none of the arguments.
    """
    schema, text = parameters(declaration), _FROM.sub(r"\2 minus \1", text)
    several = _several(schema, text)
    if len(several) > 1:
        return [_call(declaration, schema, _only(text, one, several), earlier, seed) for one in several]
    return [_call(declaration, schema, text, earlier, seed)]


def _several(schema: Mapping[str, Any], text: str) -> list[str]:
    """The mentions of a text that are each the argument of a call, if one parameter takes a single one of them."""
    shapes = resolved_properties(schema, schema)
    kinds = {name: _repeated(name, shape, schema, text) for name, shape in shapes.items()}
    mains = [kind for name, kind in kinds.items() if kind and (kind == "place" or _is_alone(name, schema))]
    found = [str(mention.value) for mention in mentions(mains[0], text)] if len(mains) == 1 else []
    return [] if mains == ["number"] and not _LIST.search(text) else found


_FROM = re.compile(r"\b(?:subtract|take away|deduct) (\d[\d.]*) from (\d[\d.]*\d|\d)", re.IGNORECASE)
_LIST = re.compile(r"\d\s*(?:,|and|und|et|y|or)\s*(?:and\s+|or\s+)?\d")
"""Numbers that stand beside each other."""


def _is_alone(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether a parameter is the only one that is required, or the only one."""
    return list(schema.get("required") or _properties(schema)) == [name]


def _repeated(name: str, shape: Mapping[str, Any], root: Mapping[str, Any], text: str) -> str:
    """The kind of mentions that need a call each, because this parameter takes one of them; empty if it takes any other value."""
    kind, kinds = first_type(shape), kinds_of(ValuePlace(root, name)) or ("quote",)
    if kind in ("integer", "number"):
        return "number"
    found = next((one for one in kinds if mentions(one, text)), kinds[0])
    return found if kind == "string" and not shape.get("enum") and found in _SINGLE else ""


_SINGLE = ("place", "symbol", "person", "quote")


def lacking(declaration: Mapping[str, Any], text: str) -> str:
    """The name of the required argument that other functions find out and that the text does not give; empty without one."""
    schema = parameters(declaration)
    for name in schema.get("required") or ():
        inner = _properties(schema).get(name)
        kinds = kinds_of(ValuePlace(schema, str(name)))
        if isinstance(inner, Mapping) and first_type(resolved(inner, schema)) == "string" and kinds[:1] in _FOUND_OUT:
            return "" if any(mentions(kind, text) for kind in kinds) else str(name)
        if name in _COORDINATES and not mentions("number", text):
            return str(name)
    return ""


_COORDINATES = ("lat", "lng", "lon", "latitude", "longitude")
_FOUND_OUT = (("id",), ("place",), ("email",))
"""Kinds of arguments that other functions find out."""


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _only(text: str, one: str, several: Sequence[str]) -> str:
    """The text with one of its mentions in place of the others."""
    for other in several:
        text = text.replace(other, one) if other != one and other not in one else text
    return text


def _call(
    declaration: Mapping[str, Any], schema: Mapping[str, Any], text: str, earlier: str, seed: Seed
) -> dict[str, Any]:
    return {"name": declaration.get("name", ""), "args": _arguments(schema, text, earlier, seed)}


def _arguments(schema: Mapping[str, Any], text: str, earlier: str, seed: Seed) -> dict[str, Any]:
    """The required arguments, and the optional ones that the text gives. Without required ones and without any given, all of them."""
    if not _properties(schema) and not schema.get("required"):
        return {}
    known = recall(text) if set(schema.get("required") or ()) - set(_given(schema, text)) else None
    args = value_for_schema(schema, ValueSource.of(text, seed, known, given=True))
    if earlier and not _given(schema, text):
        args = value_for_schema(schema, ValueSource.of(f"{text}\n{earlier}", seed, given=True))
    if not args and not schema.get("required"):
        args = value_for_schema(schema, ValueSource.of(text, seed))
    return args if isinstance(args, dict) else {}


def gives_all(declaration: Mapping[str, Any], text: str) -> bool:
    """Whether the text gives all required arguments (all, if none is required), and there is one that is not the question itself."""
    schema = parameters(declaration)
    wanted = set(schema.get("required") or _properties(schema))
    found = _given(schema, text)
    return (
        bool(wanted)
        and wanted <= set(found)
        and any(kinds_of(ValuePlace(schema, name)) or not isinstance(found[name], str) for name in wanted)
    )


def _given(schema: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    """The arguments that the text gives. Nothing of them is made up, so that any seed does."""
    found = value_for_schema({**schema, "required": []}, ValueSource.of(text, Seed(b""), given=True))
    return found if isinstance(found, dict) else {}
