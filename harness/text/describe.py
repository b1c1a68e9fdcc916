"""Describes JSON values in words, short enough for a message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import UNSET, UnsetType

from harness.model import Json

_WIDTH = 120
"""Characters of a value that a message shows."""


Absent: TypeAlias = UnsetType
ABSENT: Final = UNSET
"""Stands for a value that is absent. null is a value."""


def type_name(value: Json | Absent) -> str:
    """``string``, ``integer``, ``number``, ``boolean``, ``array``, ``object``, ``null`` or ``absent``."""
    if value is None or value is ABSENT:
        return "null" if value is None else "absent"
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "object" if isinstance(value, Mapping) else type(value).__name__)


def describe(value: Json | Absent) -> str:
    """The value with its type in words, on one line, shortened: ``string "abc"``, ``integer 3``, ``absent``."""
    name = type_name(value)
    if name in ("null", "absent"):
        return name
    if isinstance(value, list):
        return f"array of {len(value)} {clipped(one_line(value))}"
    return f"{name} {one_line(value) if isinstance(value, str) else clipped(one_line(value))}"


def one_line(value: Any, depth: int = 6) -> str:
    """JSON on one line; long texts, long lists and deep levels are shortened."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping | list) and depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return f"{{{_joined(f'{quoted(str(key))}: {one_line(item, depth - 1)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{_joined(one_line(item, depth - 1) for item in value)}]"
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"of {value.bit_length()} bits"
    return json.dumps(value) if value is None or isinstance(value, int | float) else repr(value)


def _joined(pieces: Iterable[str]) -> str:
    """The pieces, up to about twice the width that a message shows."""
    taken: list[str] = []
    for piece in pieces:
        taken.append(piece)
        if sum(map(len, taken)) > 2 * _WIDTH:
            break
    return ", ".join(taken)


def quoted(text: str) -> str:
    """The text as a JSON string, shortened. Any terminal can print it, because lone surrogates stay escaped."""
    quoted = json.dumps(clipped(text), ensure_ascii=False)
    return quoted.encode("utf-8", "backslashreplace").decode("utf-8")


def clipped(text: str, width: int = _WIDTH) -> str:
    """The text, cut to a width: by default the one that a message shows."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
