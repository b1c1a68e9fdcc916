"""The arguments of a function call: from the prompt where it has them, else any values that the schema accepts."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.simulator.prompt_reading import ValuePlace, ValueSource, labelled_as
from harness.simulator.seed import Seed
from harness.simulator.structured import value_for_schema

MOST_DIGITS = 18
_WORD = re.compile(r"[A-Za-z]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = r"[A-ZÀ-Þ][\w'’.-]*(?: (?:de |del |la )?[A-ZÀ-Þ][\w'’-]*)*"
_PLACES = re.compile(
    rf"\b(?:in|at|for|of|to|near|from|between)\s+(?:the )?({_NAME}(?:(?:\s*,\s*(?:and )?|\s+(?:and|or)\s+)(?:in |at |for )?{_NAME})*)"
)
_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|or)\s+")
_LEAD = re.compile(r"^(?:in|at|for|of|to)\s+")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`\n]+)[\"”'`]")
_FIGURE = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_PLACE_NAMES = frozenset(
    ["city", "location", "place", "town", "country", "destination", "origin", "region", "area", "where", "address"]
)
_NOT_PLACES = frozenset(
    [
        "I",
        "What",
        "Which",
        "How",
        "Who",
        "When",
        "Where",
        "Please",
        "Celsius",
        "Fahrenheit",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ]
)


def parameters(declaration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a declaration's arguments: ``parametersJsonSchema`` or ``parameters``."""
    found = declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}
    return found if isinstance(found, Mapping) else {}


def build_calls(declaration: Mapping[str, Any], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls of one function: one for each place that the prompt names, if the function takes a single place; else one."""
    schema = parameters(declaration)
    source = ValueSource.of(prompt, seed)
    places = _places(prompt)
    main = next((name for name in schema.get("properties", {}) if _is_place(name)), None)
    rounds: Sequence[str | None] = (
        places if main and len(places) > 1 and _separate(schema, main) else [places[0] if places else None]
    )
    return [_call(declaration, schema, source, {main: place} if main and place else {}) for place in rounds]


def _separate(schema: Mapping[str, Any], main: str) -> bool:
    """Whether several places need several calls. They do not if two parameters are places (from ... to ...)."""
    properties = schema["properties"]
    return sum(map(_is_place, properties)) == 1 and str(properties[main].get("type", "string")).lower() == "string"


def _is_place(name: str) -> bool:
    return bool(_PLACE_NAMES & set(_WORD.findall(_CAMEL.sub(" ", name).replace("_", " ").lower())))


def _places(prompt: str) -> list[str]:
    found: list[str] = []
    for group in _PLACES.findall(prompt):
        for name in _SEPARATOR.split(group):
            place = _LEAD.sub("", name).strip(" .")
            if place and place not in _NOT_PLACES and place not in found:
                found.append(place)
    return found


def _call(
    declaration: Mapping[str, Any], schema: Mapping[str, Any], source: ValueSource, given: Mapping[str, Any]
) -> dict[str, Any]:
    call: dict[str, Any] = {"name": declaration.get("name", "")}
    args = _arguments(schema, source, given)
    return {**call, "args": args}


def _arguments(schema: Mapping[str, Any], source: ValueSource, given: Mapping[str, Any]) -> dict[str, Any]:
    """All required arguments, and the optional ones that the prompt gives. A value that is not in the prompt is made up by the schema."""
    properties = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    named = {name for name in properties if labelled_as(source, ValuePlace(schema, name)) is not None}
    hints = _hints({name: parameter for name, parameter in properties.items() if name not in named}, source.text, given)
    wanted = {name: parameter for name, parameter in properties.items() if name in required | named or name in hints}
    narrowed = {**schema, "properties": wanted, "required": [name for name in properties if name in required]}
    labels = {**source.labels, **{name.replace("_", " ").lower(): str(value) for name, value in hints.items()}}
    value = value_for_schema(narrowed, replace(source, labels=labels)) if wanted or required else {}
    args = value if isinstance(value, dict) else {}
    for name, hint in hints.items():
        if _fits(properties[name], hint):
            args[name] = hint
    return args


def _hints(properties: Mapping[str, Any], prompt: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values in the prompt without the parameter's name: places, numbers in order, quoted texts in order, enum words."""
    hints = dict(given)
    figures, quotes = iter(_figures(prompt)), iter(_QUOTED.findall(prompt))
    for name, parameter in properties.items():
        if name in hints or not isinstance(parameter, Mapping):
            continue
        value = _hinted(parameter, prompt, figures, quotes)
        if value is not None:
            hints[name] = value
    return hints


def _hinted(schema: Mapping[str, Any], prompt: str, figures: Iterator[float], quotes: Iterator[str]) -> Any:
    kind = schema.get("type")
    kind = str(kind).lower() if not isinstance(kind, list) else str(next((k for k in kind if k != "null"), "")).lower()
    values = schema.get("enum")
    if values:
        return next(
            (
                value
                for value in values
                if isinstance(value, str) and re.search(rf"\b{re.escape(value)}\b", prompt, re.IGNORECASE)
            ),
            None,
        )
    if kind in ("integer", "number"):
        return next(figures, None)
    return next(quotes, None) if kind == "string" else None


def _figures(prompt: str) -> list[float]:
    return [float(text) if "." in text else int(text) for text in _FIGURE.findall(prompt) if len(text) <= MOST_DIGITS]


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(schema, Mapping) or any(
        key in schema for key in ("minimum", "maximum", "pattern", "minLength", "maxLength", "format")
    ):
        return False
    kinds = schema.get("type", "string")
    names = {str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])}
    if schema.get("enum") and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return "string" in names
    return "number" in names or ("integer" in names and isinstance(value, int))
