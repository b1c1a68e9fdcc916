"""Values with their types, as DynamoDB, Firestore, MongoDB, protobuf and OpenTelemetry write them -> plain values."""

from __future__ import annotations

import re
from typing import Any

from harness.transport.cassette.values import Elements

_MARK = re.compile(rb'"(?:mapValue|structValue|kvlistValue|\$number\w+|M)"\s*:')
_NUMBERS = ("N", "intValue", "integerValue", "numberValue", "doubleValue", "$numberInt", "$numberLong", "$numberDouble")
_INSIDE = {"arrayValue": "values", "listValue": "values", "kvlistValue": "values", "mapValue": "fields", "structValue": "fields"}  # fmt: skip
_TYPES = frozenset((*_NUMBERS, *_INSIDE, "S", "stringValue", "BOOL", "boolValue", "booleanValue", "M", "L", "NULL", "nullValue", "$oid", "$date"))  # fmt: skip


def is_used(content: bytes) -> bool:
    """Whether a text may hold such values."""
    return _MARK.search(content) is not None


def untyped(value: Any) -> Any:
    """The value without the types of what is in it: ``{"stringValue": "a"}`` is ``"a"``."""
    if isinstance(value, Elements):
        return value.changed(untyped)
    if isinstance(value, list):
        return [untyped(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = next(iter(value)) if len(value) == 1 else None
    if name in _TYPES:
        return untyped(_content(name, value[name]))
    return {key: untyped(item) for key, item in value.items()}


def _content(name: str, item: Any) -> Any:
    if name in _NUMBERS and isinstance(item, str):
        return int(item) if re.fullmatch(r"-?\d{1,19}", item) else item
    if name in _INSIDE and isinstance(item, dict):
        item = item.get(_INSIDE[name], {} if _INSIDE[name] == "fields" else [])
    if name == "kvlistValue" and isinstance(item, list):
        return {
            one["key"]: one.get("value") for one in item if isinstance(one, dict) and isinstance(one.get("key"), str)
        }
    return None if name in ("NULL", "nullValue") else item
