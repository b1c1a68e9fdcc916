"""JSON as text: ``strict`` as it is read, ``compact`` as it is sent, ``canonical`` as it is compared."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from harness.model import Json

DEEPEST = 100
"""Levels of nesting."""


def strict(text: str) -> Json:
    """The one JSON value that a text is. ValueError for anything else: NaN, a number that no float holds, bottomless nesting."""
    too_deep = f"nested more than {DEEPEST} levels deep"
    try:
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except RecursionError:
        raise ValueError(too_deep) from None
    if text.count("[") + text.count("{") > DEEPEST and _deeper(value):
        raise ValueError(too_deep)
    return value


def _refused(word: str) -> Json:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refused(text)


def _deeper(value: Json) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for values in inside for each in values]
    return bool(level)


def compact(value: Json) -> bytes:
    """JSON as it is sent: UTF-8, no spaces, keys in their order. Dates become ISO text, bytes become base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "surrogatepass")


def canonical(value: Json) -> str:
    """One text for all spellings of a value: key order does not count, 1 and 1.0 are equal, True and 1 are not."""
    return json.dumps(_numbers(value), sort_keys=True, separators=(",", ":"), default=_plain)


def _numbers(value: Json) -> Json:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    return [_numbers(each) for each in value] if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
