"""JSON as text: ``loads`` and ``strict`` read it, ``compact`` is how it is sent, ``canonical`` how it is compared."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from harness.model import Json

DEEPEST = 200
"""Levels of nesting that are read: whatever walks a value does so with one call or more a level."""
_TOO_DEEP = f"nested more than {DEEPEST} levels deep"


def loads(text: str | bytes, **readers: Any) -> Json:
    """Other people's JSON. Raises ValueError, whatever is wrong: nesting beyond ``DEEPEST`` and endless numbers too."""
    try:
        value = json.loads(text, **readers)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_deeper(value):
        raise ValueError(_TOO_DEEP)
    return value


def strict(text: str) -> Json:
    """The one JSON value that a text is. Raises ValueError as ``loads`` does, and for NaN or a number that no float holds."""
    return loads(text, parse_constant=_refused, parse_float=_finite)


def _refused(word: str) -> Json:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refused(text)


def is_deeper(value: Json, levels: int = DEEPEST) -> bool:
    """Whether lists and objects stand in each other in more levels."""
    level = [value]
    for _ in range(levels):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return any(isinstance(node, (dict, list)) for node in level)


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
