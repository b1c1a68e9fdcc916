"""Reads a request body as the API does: camelCase or snake_case, one item for a list, null for an absent field, enums in any case, numbers
as strings. What it refuses about a body, its reading names: unknown names, lists for single fields, invalid values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from harness.gemini import definition
from harness.model import Json
from harness.text.names import snake

_KINDS = frozenset(
    [
        "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
    ]
)  # fmt: skip
"""The kinds of parts."""
_SNAKE = r"_([a-z0-9])"
_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_ROOT = "GenerateContentRequest"
_At = tuple[str | int, ...]
_Kind = Literal["unknown-field", "not-repeating", "bad-value", "second-kind"]
_WHY = {"unknown-field": "Cannot find field.", "not-repeating": "Proto field is not repeating, cannot start list."}


class RequestFinding(Struct, frozen=True):
    """One error for which the Gemini API refuses a request.

    ``message`` is the API's message, ``field`` the snake_case path of its field violation (empty at the root). ``at`` are the
    keys and indices as written, ``name`` the last of them. ``known`` are the valid field names or enum values.
    """

    kind: _Kind
    at: _At
    name: str
    field: str
    message: str
    known: Sequence[str]


def reading(body: Json) -> tuple[dict[str, Any], list[RequestFinding]]:
    """A ``GenerateContentRequest`` in canonical spelling (camelCase, lists where the definition has lists, enums in upper case), and
    the errors for which the Gemini API refuses it. What is refused stays as it is written, texts that wait for their value too."""
    walk = _Walk()
    return walk.message(_ROOT, body, (), ""), walk.found


def request_findings(body: Json) -> list[RequestFinding]:
    """The errors for which the Gemini API refuses a request body."""
    return reading(body)[1]


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in canonical spelling, as far as it is right. Raises TypeError where another value stands in place of an object."""
    walk = _Walk()
    read: dict[str, Any] = walk.message(_ROOT, body, (), "")
    if walk.no_object:
        raise TypeError(walk.no_object)
    return read


class _Walk:
    """Reads values by their types in the definition. ``no_object``: the first message of a value in place of an object."""

    def __init__(self) -> None:
        self.found: list[RequestFinding] = []
        self.no_object = ""

    def message(self, message: str, value: Json, at: _At, path: str) -> Any:
        known, read = definition.spellings(message), dict[str, Any]()
        if not isinstance(value, dict):
            self.bad_value(_PACKAGE + message, value, at, path, tuple(definition.fields(message)))
            self.note_no_object()
            return value
        for name, item in value.items():
            spelled, kind = known.get(name) or (camel(name), "")
            if not kind:
                self.unknown("unknown-field", message, name, at, path)
            elif isinstance(item, list) and not kind.endswith("[]") and kind != "any":
                self.unknown("not-repeating", message, name, at, path)
                if kind in definition.table()["messages"]:
                    self.note_no_object()
            elif item is not None and not (kind in definition.SCALARS and definition.SCALARS[kind](item)):
                inner = f"{path}.{snake(name)}" if path else snake(name)
                read[spelled] = self.value(kind, item, (*at, name), inner)
                continue
            if item is not None:
                read[spelled] = _number(kind, item)
        if message == "Part":
            self.one_kind([name for name in value if value[name] is not None and camel(name) in _KINDS], at, path)
        return read

    def one_kind(self, kinds: Sequence[str], at: _At, path: str) -> None:
        """A part has one of the fields for its data."""
        if len(kinds) > 1:
            second = kinds[1]
            text = f"Invalid value at '{path}' (oneof), oneof field 'data' is already set. Cannot set '{camel(second)}'"
            self.found.append(RequestFinding("second-kind", (*at, second), second, path, text, ()))

    def value(self, kind: str, value: Json, at: _At, path: str) -> Any:
        if kind.endswith("[]"):
            if not isinstance(value, list):
                return [self.value(kind[:-2], value, at, path)]
            items = [self.value(kind[:-2], item, (*at, n), f"{path}[{n}]") for n, item in enumerate(value)]
            return [item for item in items if item is not None]
        if kind.startswith("enum "):
            return self.enum(kind[5:], value, at, path)
        if kind.startswith("map ") and isinstance(value, dict):
            pairs = enumerate(value.items())
            return {key: self.value(kind[4:], item, (*at, key), f"{path}[{n}].value") for n, (key, item) in pairs}
        if kind not in definition.SCALARS and not kind.startswith("map "):
            return self.message(kind, value, at, path)
        if kind.startswith("map ") or not _takes(kind, value):
            api = f"map<string, {kind[4:]}>" if kind.startswith("map ") else definition.scalars()[kind]["api"]
            self.bad_value(api, value, at, path)
        return _number(kind, value)

    def enum(self, enum: str, value: Json, at: _At, path: str) -> Json:
        name = _enum(enum, value) if isinstance(value, str) else definition.name_enums(f"enum {enum}", value)
        if name is None or (name is value and not isinstance(value, str) and not definition.is_int(value)):
            self.bad_value(_PACKAGE + enum, value, at, path, definition.enum_values(enum)[1:])
        return value if name is None else name

    def note_no_object(self) -> None:
        """The last finding is about a value in place of an object."""
        self.no_object = self.no_object or self.found[-1].message

    def unknown(self, kind: _Kind, message: str, name: str, at: _At, path: str) -> None:
        where = f" at '{path}'" if path else ""
        text = f'Invalid JSON payload received. Unknown name "{name}"{where}: {_WHY[kind]}'
        self.found.append(RequestFinding(kind, (*at, name), name, path, text, tuple(definition.fields(message))))

    def bad_value(self, kind: str, value: Json, at: _At, path: str, known: Sequence[str] = ()) -> None:
        is_object = isinstance(value, dict)
        shown = "Starting an object on a scalar field" if is_object else json.dumps(value, ensure_ascii=False)
        text = f"Invalid value at '{path}' ({kind}), {shown}"
        self.found.append(RequestFinding("bad-value", at, str(at[-1]) if at else "", path, text, known))


def _takes(kind: str, value: Json) -> bool:
    if isinstance(value, str) and kind in ("int32", "number"):
        return re.fullmatch(r"-?\d+(\.0*)?" if kind == "int32" else r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value) is not None
    return definition.SCALARS[kind](value)


def _number(kind: str, value: Any) -> Any:
    """A number that is written as a text; a text that waits for its value stays."""
    if kind not in ("int32", "int64", "number"):
        return value
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if isinstance(number, float) and kind != "number" else number


@lru_cache(maxsize=2048)
def _enum(name: str, value: str) -> str | None:
    """The value of an enum, in any case; None for another text."""
    upper = value.upper()
    return next((known for known in definition.enum_values(name) if known.upper() == upper), None)


def camel(name: str) -> str:
    """``include_thoughts`` -> ``includeThoughts``; a leading underscore stays."""
    return name[:1] + re.sub(_SNAKE, lambda found: found[1].upper(), name[1:]) if "_" in name[1:] else name
