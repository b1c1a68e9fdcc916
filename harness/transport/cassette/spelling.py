"""Bodies as Google's SDKs spell them -> as they are on the wire: keys in camel case, no absent fields, no printed objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.gemini import definition
from harness.model import Json
from harness.transport.cassette.bodies import SDK_FIELDS
from harness.transport.cassette.values import literal_value

_FREE = frozenset({"args", "response", "properties", "$defs", "partial_args"})
_SNAKE = ("usage_metadata", "prompt_feedback", "model_version", "response_id")


def camel_word(key: Any) -> str:
    text = str(key)  # YAML has keys of any type
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), text[:1].lower() + text[1:])


def is_spelled_by_sdk(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in (*_SNAKE, *SDK_FIELDS)) or any(
        "finish_reason" in one for one in value.get("candidates") or () if isinstance(one, dict)
    )


def on_the_wire(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer as it is on the wire, also where an SDK wrote it in its own spelling and with absent fields as null."""
    if not is_spelled_by_sdk(value):
        return value
    return {key: item for key, item in camel(value).items() if key not in SDK_FIELDS}


_BESIDE = ("systemInstruction", "safetySettings", "cachedContent", "labels", "serviceTier")
"""Settings of an SDK that a request has beside ``generationConfig``, but for tools, which may be functions of a program."""


def sent(contents: Json, config: Json) -> dict[str, Json] | None:
    """The request that an SDK sends for its parameters; None where some of it only the program knows."""
    settings = camel(config or {})
    if not isinstance(settings, dict):
        return None
    beside = {key: settings.pop(key) for key in _BESIDE if key in settings}
    if not definition.fields("GenerationConfig").keys() >= settings.keys():
        return None
    if isinstance(beside.get("systemInstruction"), str):
        beside["systemInstruction"] = {"parts": [{"text": beside["systemInstruction"]}]}
    texts = [contents] if isinstance(contents, str) else contents
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        contents = [{"role": "user", "parts": [{"text": text} for text in texts]}]
    return {"contents": contents, **beside, **({"generationConfig": settings} if settings else {})}


def is_printed(value: Any) -> bool:
    """Whether it is a text as Python prints an object of an SDK, which JSON has no form for."""
    return isinstance(value, str) and re.match(r"[a-z_]+=", value) is not None


def unprinted(value: Any) -> Any:
    if isinstance(value, list):
        return [unprinted(item) for item in value]
    try:
        return literal_value(value) if is_printed(value) else value
    except ValueError:
        return value


def camel(value: Json) -> Json:
    """The value with the keys of its objects as on the wire, without those that are null."""
    if isinstance(value, dict):
        pairs = ((key, item) for key, item in value.items() if item is not None)
        return {camel_word(key): item if str(key).lower() in _FREE else camel(item) for key, item in pairs}
    return [camel(item) for item in value] if isinstance(value, list) else value
