"""Reads a request: its schema, JSON mode, and declared functions. Fields may be camelCase or snake_case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from harness.model import Json

Dialect = Literal["gemini", "json"]


class RequestSchema(Struct, frozen=True):
    """A schema in a request: as written, the name of its field, and its JSON path in the body."""

    schema: Json
    source: str
    path: str
    dialect: Dialect


_Fields = tuple[tuple[str, Dialect], ...]
_ANSWER: Final[_Fields] = (
    ("responseJsonSchema", "json"),
    ("_responseJsonSchema", "json"),
    ("responseSchema", "gemini"),
)
_ARGUMENTS: Final[_Fields] = (("parametersJsonSchema", "json"), ("parameters", "gemini"))


def request_schema(body: Json) -> RequestSchema | None:
    """The schema of the answer in this request; fields may be camelCase or snake_case. None without one."""
    config, path = _field(body, "generationConfig", "$")
    if found := _first(_ANSWER, config, path):
        return found
    schema, where = _text_format(config, path, "schema")
    return None if schema is None else RequestSchema(schema, "responseFormat", where, "json")


def json_mode(body: Json) -> bool:
    """Whether the request asks for ``application/json``; a ``responseFormat`` with a schema asks for it too."""
    config, path = _field(body, "generationConfig", "$")
    format_type, _ = _text_format(config, path, "mimeType")
    if format_type is not None:
        return str(format_type).replace("_", "/").lower() == "application/json"
    return _mime_type(config) == "application/json" or _text_format(config, path, "schema")[0] is not None


def enum_mode(body: Json) -> bool:
    """Whether the request asks for ``text/x.enum``: the answer is one bare word, not JSON."""
    return _mime_type(_field(body, "generationConfig", "$")[0]) == "text/x.enum"


def declarations(body: Json) -> dict[str, RequestSchema | None]:
    """The functions that a request declares: name -> the schema of the arguments, None without one."""
    found: dict[str, RequestSchema | None] = {}
    tools, path = _field(body, "tools", "$")
    for tool, tool_path in _items(tools, path):
        for function, at in _items(*_field(tool, "functionDeclarations", tool_path)):
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                found[function["name"]] = _first(_ARGUMENTS, function, at)
    return found


def _first(fields: _Fields, value: Json, path: str) -> RequestSchema | None:
    for name, dialect in fields:
        schema, where = _field(value, name, path)
        if schema is not None:
            return RequestSchema(schema, name, where, dialect)
    return None


def _mime_type(config: Json) -> str:
    value, _ = _field(config, "responseMimeType", "$")
    return value.strip().lower() if isinstance(value, str) else ""


def _text_format(config: Json, path: str, name: str) -> tuple[Json, str]:
    """``responseFormat.text.<name>``; on Vertex ``responseFormat`` is a list."""
    for answer_format, format_path in _items(*_field(config, "responseFormat", path)):
        text, text_path = _field(answer_format, "text", format_path)
        value, where = _field(text, name, text_path)
        if value is not None:
            return value, where
    return None, path


def _field(value: Json, name: str, path: str) -> tuple[Json, str]:
    """A field in either spelling, and its path. The value is None if the field is absent or null."""
    if isinstance(value, (dict, Mapping)):  # to ask for a Mapping takes longer
        for spelling in (name, snake(name)):
            if value.get(spelling) is not None:
                return value[spelling], f"{path}.{spelling}"
    return None, f"{path}.{name}"


def _items(value: Json, path: str) -> list[tuple[Json, str]]:
    """The items of a list with their paths. A single object is read as a list of one, as the API does."""
    if isinstance(value, list):
        return [(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return [] if value is None else [(value, path)]


@lru_cache(maxsize=256)
def snake(name: str) -> str:
    """A camelCase name in snake_case: ``minItems`` is ``min_items``."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)
