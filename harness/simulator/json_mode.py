"""The text of an answer in JSON mode, with a schema or without, and of an enum."""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.gemini.schemas.refused import broken_json_schema
from harness.simulator.background import background
from harness.simulator.knowledge import KnownFact
from harness.simulator.prompt_reading import ValueSource, requested_keys
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.structured import value_for_schema
from harness.simulator.style import StyleRules
from harness.text.jsontext import json_of


def formatted(ask: Ask, prompt: str, style: StyleRules, known: KnownFact | None, seed: Seed) -> str:
    """The text of JSON mode (two spaces of indent, as Gemini mostly writes) or of an enum."""
    fixed = KnownFact(style.fixed, style.fixed) if style.fixed else None
    source = ValueSource.of(_source_text(ask, prompt), seed, known or fixed)
    if ask.mime == "text/x.enum":
        return str(value_for_schema(ask.schema, source))
    if ask.schema is not None:
        return _dumped(value_for_schema(_constraining(ask.schema), source))
    return json_text(ask, prompt, known, seed)


def _constraining(schema: Any) -> Any:
    """The schema; in place of one without any keyword, the first one inside it, as a model would read it."""
    loose = isinstance(schema, Mapping) and schema and not _KEYWORDS & set(schema)
    return (_schema_in(json.dumps(schema)) or schema) if loose else schema


_KEYWORDS = frozenset(
    [
        "type",
        "properties",
        "items",
        "prefixItems",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
        "ref",
        "additionalProperties",
    ]
)
"""Keywords that tell what a value is."""


def _source_text(ask: Ask, prompt: str) -> str:
    """The text from which the values are taken: the question, the results of calls, files and earlier user turns."""
    return "\n".join(filter(None, [prompt, background(ask)]))


def json_text(ask: Ask, prompt: str, known: KnownFact | None, seed: Seed) -> str:
    texts = (ask.system, prompt)
    schema = next(filter(None, (*map(_schema_in, texts), *map(_drawn_in, texts))), None)
    if schema is not None:
        return _dumped(value_for_schema(schema, ValueSource.of(_source_text(ask, _DRAWN.sub("", prompt)), seed, known)))
    names = requested_keys(prompt) or requested_keys(ask.system)
    if names:
        properties = {name: {"type": "number" if name in _NUMBERS else "string"} for name in names}
        return _dumped(
            value_for_schema(
                {"type": "object", "properties": properties, "required": names}, ValueSource.of(prompt, seed, known)
            )
        )
    if known and known.items:
        return _dumped(list(known.items))
    return _dumped({"answer": known.short if known else f"This is a simulated answer about {topic(prompt)}."})


def _schema_in(text: str) -> Any:
    """The first JSON schema in a text; None without one."""
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and "properties" in value and not any(broken_json_schema(value, ())):
            return value
        start = text.find("{", start + 1)
    return None


_NUMBERS = frozenset(["age", "price", "year", "count", "quantity", "total", "temperature", "population"])
"""Keys whose values are numbers though no schema tells."""
_DRAWN = re.compile(r"\{\s*[\"'][\w ]+[\"']\s*:[^{}]*\}")
_TYPE = re.compile(r"(?<![\"'\w])(?:str(?:ing)?|int(?:eger)?|number|float|bool(?:ean)?)(?![\"'\w])")
_TYPES = {
    "int": "integer",
    "integer": "integer",
    "number": "number",
    "float": "number",
    "bool": "boolean",
    "boolean": "boolean",
}


def _drawn_in(text: str) -> dict[str, Any] | None:
    """The schema of an example such as ``{"city": string, "tags": list[str]}`` in a text; None without one. ``list[Name]`` asks for many."""
    found = _DRAWN.search(text)
    drawn = re.sub(r"\b[Ll]ist\[(\w+)\]", r"[\1]", found[0].replace("'", '"')) if found else ""
    value = json_of(_TYPE.sub(lambda word: f'"{word[0]}"', drawn))
    if value is None:
        return None
    many = re.search(r"\b[Ll]ist\[[A-Z]\w*\]|\[\s*$", text[: found.start()] + text[found.end() :]) if found else None
    return {"type": "array", "items": _shape(value)} if many else _shape(value)


def _shape(value: Any) -> dict[str, Any]:
    """The schema of an example."""
    if isinstance(value, dict):
        properties = {name: _shape(inner) for name, inner in value.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(value, list):
        return {"type": "array", "items": _shape(value[0] if value else "")}
    if isinstance(value, bool | int | float):
        return {"type": "boolean" if isinstance(value, bool) else "number"}
    return {"type": _TYPES.get(str(value).lower(), "string")}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def topic(prompt: str) -> str:
    words = re.findall(r"[^\W_][\w'’-]*", prompt)[:12]
    return " ".join(words) or "nothing in particular"
