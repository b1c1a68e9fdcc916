"""JSON as text: ``loads`` and ``strict`` read it, ``compact`` writes it for sending, ``canonical`` for comparing.

``an_object`` and ``objects_in`` read values of any type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from math import isfinite
from operator import getitem
from typing import Any, TypeGuard

from msgspec import json as msgspec_json
from msgspec import msgpack

from harness.model import Json

DEEPEST = 200
"""The most levels of nesting that are read. Functions that walk a value use at least one recursive call for each level."""
_TOO_DEEP = f"nested more than {DEEPEST} levels deep"


def loads(text: str | bytes, **readers: Any) -> Json:
    """The value of a JSON text. Raises ValueError for any error, also for nesting beyond ``DEEPEST`` and very long numbers.
    ``readers``: of `json.loads`, for what strict JSON lacks: they read nothing else."""
    try:
        value = msgspec_json.decode(text)
    except (ValueError, RecursionError):  # NaN, half surrogate pairs; and errors, which Python words
        try:
            value = json.loads(text, **readers)
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None
    if may_be_deeper(text) and is_deeper(value):
        raise ValueError(_TOO_DEEP)
    return value


def json_of(text: str | bytes) -> Json:
    """The value of a JSON text; None for any other text."""
    try:
        return loads(text) if text else None
    except ValueError:
        return None


def strict(text: str) -> Json:
    """The value of a JSON text. Raises ValueError as ``loads`` does, and for NaN and numbers that are too large for a float."""
    return loads(text, parse_constant=_refused, parse_float=_finite)


def _refused(word: str) -> Json:
    raise ValueError(f"{word} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refused(text)


def may_be_deeper(text: str | bytes, levels: int = DEEPEST) -> bool:
    """Whether a JSON text opens more lists and objects than that. Few do, so most values need not be walked."""
    opened = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    return opened > levels


def is_deeper(value: Json, levels: int = DEEPEST) -> bool:
    """Whether lists and objects are nested in more than ``levels`` levels."""
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


def is_utf8(content: bytes) -> bool:
    """Whether the bytes are text in UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def values_in(value: Json) -> list[Json]:
    """The value and all values in it, those of one level after those of the level above."""
    found = [value]
    for inner in found:  # grows meanwhile
        if type(inner) in _SCALARS:
            continue
        if isinstance(inner, dict):
            found += inner.values()
        elif isinstance(inner, (list, tuple)):
            found += inner
    return found


_SCALARS = frozenset((str, int, float, bool, type(None)))


def value_at(value: Json, path: Iterable[str | int]) -> Json:
    """The value at that place inside of the value; None if it is not there."""
    try:
        return reduce(getitem, path, value)
    except (KeyError, IndexError, TypeError):
        return None


def keys_in(value: Json) -> set[str]:
    """Every key of every object in the value."""
    return set().union(*[inner for inner in values_in(value) if isinstance(inner, dict)])


def mapped(value: Json, change: Callable[[Any], Json]) -> Json:
    """The value with ``change`` of each text, number and word in it."""
    if isinstance(value, Mapping):
        return {key: mapped(item, change) for key, item in value.items()}
    return [mapped(item, change) for item in value] if isinstance(value, list | tuple) else change(value)


def compact(value: Json) -> bytes:
    """JSON for sending: UTF-8, no spaces, keys in their order. Dates become ISO text, bytes become base64."""
    if written := fast(value, lambda packed: packed.translate(None, _NOT_THE_SAME) != packed):
        return written
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "surrogatepass")


def fast(
    value: Any, is_odd: Callable[[bytes], object] | None = None, hook: Callable[[Any], Any] | None = None
) -> bytes:
    """JSON in a tenth of the time; empty where JSON lacks something, and where the value in MessagePack ``is_odd``."""
    try:
        if is_odd and is_odd(msgpack.encode(value, enc_hook=hook)):
            return b""
        return msgspec_json.encode(value, enc_hook=hook)
    except (OverflowError, RecursionError, TypeError, ValueError):
        return b""


_NOT_THE_SAME = bytes((*range(0xC4, 0xCC), *range(0xD4, 0xD9)))
"""How MessagePack begins floats, bytes and dates, which msgspec and Python write differently as JSON. Some letters too."""


def canonical(value: Json) -> str:
    """The same text for equal values: the order of keys does not count, 1 and 1.0 are equal, True and 1 are not."""
    same = mapped(value, lambda item: int(item) if isinstance(item, float) and item.is_integer() else item)
    return json.dumps(same, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def is_number(value: Any) -> TypeGuard[float]:
    """Whether the value is a JSON number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> TypeGuard[float]:
    """Whether the value is an integer, which JSON may write ``1.0``."""
    return is_number(value) and value % 1 == 0


def an_object(value: Json) -> dict[str, Json]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: Json) -> list[Json]:
    """The value if it is a JSON list, else an empty one."""
    return value if isinstance(value, list) else []


def numbered(value: Json) -> Iterator[tuple[int, dict[str, Json]]]:
    """(index, object) of every JSON object in a list, by its own ``index``, or else its place."""
    for place, item in enumerate(objects_in(value)):
        index = item.get("index")
        yield (index if isinstance(index, int) else place), item


def objects_in(value: Json) -> list[dict[str, Json]]:
    """The JSON objects in a list; empty for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
