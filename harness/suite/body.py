"""Merges request bodies in layers, and records the origin of each part. Objects merge; lists replace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce

from msgspec import Struct

from harness.model import Json
from harness.text.jsonpath import is_below

Body = Mapping[str, Json]


class Layer(Struct, frozen=True):
    """A part of a body, and its origin: ``defaults.request``, ``schema``, ``axis thinking``."""

    origin: str
    body: Body


def merge(under: Body, over: Body) -> Body:
    """Merge ``over`` into ``under``: objects merge, everything else (lists too) replaces. Neither argument is changed."""
    if not under or not over:
        return over or under
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def merged(layers: Iterable[Layer]) -> Body:
    """All layers merged. Later ones win."""
    return reduce(merge, (layer.body for layer in layers), {})


def origins(layers: Iterable[Layer]) -> dict[str, str]:
    """JSONPath -> origin of the value there."""
    made: dict[str, str] = {}
    for layer in layers:
        for path in _leaves(layer.body, "$"):
            for overlapping in [known for known in made if is_below(known, path) or is_below(path, known)]:
                del made[overlapping]
            made[path] = layer.origin
    return made


def _leaves(body: Json, path: str) -> Iterator[str]:
    """The paths of all values that a merge replaces as a whole."""
    if not isinstance(body, Mapping) or not body:
        yield path
        return
    for key, value in body.items():
        yield from _leaves(value, f"{path}.{key}" if re.fullmatch(r"\w+", key) else f"{path}[{key!r}]")


def at_path(path: Sequence[str], value: Json) -> Body:
    """A body that holds one value, at a path of keys."""
    for key in reversed(path):
        value = {key: value}
    body: Body = value
    return body


SHORT_FORMS: Mapping[str, tuple[str, ...]] = {
    "system": ("systemInstruction",),
    "tools": ("tools",),
    "schema": ("generationConfig", "responseSchema"),
    "jsonSchema": ("generationConfig", "responseJsonSchema"),
}
"""Key of a case -> the keys to what it becomes in the body."""
_JSON = "application/json"


def short_forms(table: Body, before: str, literal: Body) -> Iterator[Layer]:
    """The short forms of a case or of the defaults as parts of a body. ``literal`` holds the ``request`` beside them, which may
    state the MIME type itself."""
    if "system" in table:
        yield Layer(f"{before}system", {"systemInstruction": {"parts": [{"text": table["system"]}]}})
    if "tools" in table:
        yield Layer(f"{before}tools", {"tools": tool_list(table["tools"])})
    stated = literal.get("request", {}).get("generationConfig")
    mime = {} if isinstance(stated, Mapping) and "responseMimeType" in stated else {"responseMimeType": _JSON}
    for key in ("schema", "jsonSchema"):
        if key in table:
            yield Layer(f"{before}{key}", {"generationConfig": {**mime, SHORT_FORMS[key][1]: table[key]}})


def tool_list(tools: Json) -> Json:
    """Tools as they are sent: a name is a tool without settings."""
    if not isinstance(tools, list):
        return tools
    return [{tool: {}} if isinstance(tool, str) else tool for tool in tools if tool is not None]
