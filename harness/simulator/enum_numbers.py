"""Enum values as numbers, for clients that ask for them with ``$alt=json;enum-encoding=int``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from harness.gemini import definition

MOST = 64
"""Numbers from 0 up to this one are tried for each enum."""
_SCALARS = frozenset(
    {"string", "bytes", "int32", "int64", "number", "boolean", "datetime", "duration", "object", "any"}
)


def number_enums(value: Any, kind: str = "GenerateContentResponse") -> Any:
    """The value, with each enum value replaced by its number. ``kind`` is the value's type. Enum values without a number stay names."""
    if kind.endswith("[]"):
        return [number_enums(item, kind[:-2]) for item in value] if isinstance(value, list) else value
    if kind.startswith("enum "):
        return _numbers(kind).get(value, value) if isinstance(value, str) else value
    if kind in _SCALARS or kind.startswith("map ") or not isinstance(value, Mapping):
        return value
    kinds = definition.fields(kind)
    return {name: number_enums(field, kinds[name]) if name in kinds else field for name, field in value.items()}


@cache
def _numbers(kind: str) -> dict[str, int]:
    names = {definition.name_enums(kind, number): number for number in range(MOST)}
    return {name: number for name, number in names.items() if isinstance(name, str)}
