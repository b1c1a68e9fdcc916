"""Reads a request body as the API does: camelCase or snake_case, one item for a list, null for an absent field, enums in any case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from harness.gemini import definition

DATA = frozenset(
    [
        "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
    ]
)  # fmt: skip
"""The kinds of parts. A part has exactly one of these fields."""
_SNAKE = r"_([a-z0-9])"


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """A ``GenerateContentRequest`` in canonical spelling: camelCase, lists where the definition has lists, enums in upper case.

    The body must have no ``definition.request_findings``. Texts that wait for their value (templates) stay as they are; raises
    TypeError or ValueError where one stands in place of an object.
    """
    read: dict[str, Any] = _message("GenerateContentRequest", body)
    return read


def clashes(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parts of a canonical request with more than one of the fields in ``DATA``: (snake_case path, the API's message)."""
    for index, content in enumerate(request.get("contents", ())):
        for place, part in enumerate(content.get("parts", ())):
            present = [name for name in part if name in DATA]
            if len(present) > 1:
                at = f"contents[{index}].parts[{place}]"
                yield (
                    at,
                    f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{present[1]}'",
                )


def camel(name: str) -> str:
    """``include_thoughts`` -> ``includeThoughts``; a leading underscore stays."""
    return name[:1] + re.sub(_SNAKE, lambda found: found[1].upper(), name[1:]) if "_" in name[1:] else name


def _message(message: str, value: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object ({message})")
    known, read = definition.spellings(message), dict[str, Any]()
    for name, field_value in value.items():
        if field_value is not None:
            spelled, kind = known.get(name) or (camel(name), "any")
            read[spelled] = _reader(kind)(field_value)
    return read


@cache
def _reader(kind: str) -> Callable[[Any], Any]:
    """Reads a value of a type of the definition."""
    if kind in ("int32", "int64"):
        return _whole
    if kind in definition.SCALARS:
        return _number if kind == "number" else lambda value: value
    if kind.endswith("[]"):
        item = _reader(kind[:-2])
        return lambda value: [item(one) for one in (value if isinstance(value, list) else [value]) if one is not None]
    if kind.startswith("enum "):
        return lambda value: _enum(kind[5:], value) if isinstance(value, str) else definition.name_enums(kind, value)
    if kind.startswith("map "):
        inner = _reader(kind[4:])
        return lambda value: {key: inner(one) for key, one in dict(value).items()}
    return lambda value: _message(kind, value)


def _whole(value: Any) -> Any:
    number = _number(value)
    return int(number) if isinstance(number, float) else number


def _number(value: Any) -> Any:
    """A text as a number; a text that waits for its value stays."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


@lru_cache(maxsize=2048)
def _enum(name: str, value: str) -> str:
    upper = value.upper()
    return next((known for known in definition.enum_values(name) if known.upper() == upper), value)
