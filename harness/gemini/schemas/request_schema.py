"""Reads a request: the type and the schema of its answer, and declared functions. Fields may be camelCase or snake_case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from harness.model import Json
from harness.text.names import snake


class RequestSchema(Struct, frozen=True):
    """A schema in a request, as written, and the names that lead to it: from the body, or from the declaration of a function."""

    schema: Json
    at: tuple[str, ...]


_JSON: Final = "application/json"
_SCHEMAS: Final = ("responseJsonSchema", "_responseJsonSchema", "responseSchema")
"""The fields of ``generationConfig`` that hold a schema."""
_ARGUMENTS: Final = ("parametersJsonSchema", "parameters")


def request_schema(body: Json) -> RequestSchema | None:
    """The schema of the answer in this request. None without one."""
    config = field(body, "generationConfig")
    if found := _first(_SCHEMAS, config):
        return RequestSchema(found.schema, ("generationConfig", *found.at))
    schema = _text_format(config, "schema")
    return None if schema is None else RequestSchema(schema, ("generationConfig", "responseFormat", "text", "schema"))


def requested_type(body: Json) -> str:
    """The MIME type of the answer, whichever field asks for it: ``application/json``, ``text/x.enum`` (one bare word), ``text/plain``."""
    config = field(body, "generationConfig")
    asked = _text_format(config, "mimeType")
    if asked is None and _text_format(config, "schema") is not None:
        return _JSON
    asked = field(config, "responseMimeType") if asked is None else str(asked).replace("_", "/")
    return str(asked or "text/plain").strip().lower()


def json_mode(body: Json) -> bool:
    """Whether the request asks for ``application/json``."""
    return requested_type(body) == _JSON


def declarations(body: Json) -> dict[str, RequestSchema | None]:
    """The functions that a request declares: name -> the schema of the arguments, None without one."""
    tools = items_of(field(body, "tools"))
    functions = (function for tool in tools for function in items_of(field(tool, "functionDeclarations")))
    named = ((field(function, "name"), function) for function in functions)
    return {name: _first(_ARGUMENTS, function) for name, function in named if isinstance(name, str)}


def field(value: Json, *names: str) -> Json:
    """The value at that place of a request, in either spelling; None if it is absent or null."""
    for name in names:
        if value is None or not isinstance(value, (dict, Mapping)):  # to ask for a Mapping takes longer
            return None
        found = value.get(name)
        value = value.get(snake(name)) if found is None else found
    return value


def items_of(value: Json) -> Sequence[Json]:
    """The items of a list. A single value is a list of one, as in the API."""
    return value if isinstance(value, list) else () if value is None else (value,)


def _first(names: tuple[str, ...], value: Json) -> RequestSchema | None:
    found = (RequestSchema(schema, (name,)) for name in names if (schema := field(value, name)) is not None)
    return next(found, None)


def _text_format(config: Json, name: str) -> Json:
    """``responseFormat.text.<name>``; on Vertex ``responseFormat`` is a list."""
    found = (field(answer_format, "text", name) for answer_format in items_of(field(config, "responseFormat")))
    return next((value for value in found if value is not None), None)
