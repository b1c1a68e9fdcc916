"""JSON as text: ``compact`` as it is sent, ``canonical`` as it is compared."""

from __future__ import annotations

import json
from typing import Any

from harness.model import Json


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
