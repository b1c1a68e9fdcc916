"""Bodies as Google's SDKs spell them -> as they are on the wire: keys in camel case, no absent fields, no printed objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.model import Json
from harness.text.jsontext import an_object
from harness.transport.cassette.bodies import SDK_FIELDS
from harness.transport.cassette.values import literal_value

_FREE = frozenset(
    {"args", "response", "partial_args", "partialargs", "default", "example", "examples", "const", "enum"}
)
_NAMES = frozenset({"properties", "$defs", "defs"})
"""What holds schemas by their names, which stay as they are."""
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


BESIDE = ("systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "labels", "serviceTier")
"""Settings that a request has beside ``generationConfig``."""
_OF_CLIENT = frozenset({"httpOptions", "abortSignal", "automaticFunctionCalling"})


def sent(contents: Json, config: Json) -> dict[str, Any]:
    """The request that an SDK sends for its parameters: https://googleapis.github.io/python-genai/. Raises ValueError for none."""
    settings = an_object(camel(config or {}))
    if isinstance(settings.get("systemInstruction"), str | list):
        settings["systemInstruction"] = {"parts": turns(settings["systemInstruction"])[0]["parts"]}
    beside = {key: settings.pop(key) for key in BESIDE if key in settings}
    rest = {key: item for key, item in settings.items() if key not in _OF_CLIENT}
    return {"contents": turns(camel(contents)), **beside, **({"generationConfig": rest} if rest else {})}


def turns(value: Json) -> list[Any]:
    """The turns of what an SDK takes: a text, a part, a turn, or a list of them. Raises ValueError for none."""
    items = _listed(value)
    if all(isinstance(item, dict) and "parts" in item for item in items):
        return [item | {"parts": [_part(part) for part in _listed(item["parts"])]} for item in items]
    parts = [_part(item) for item in items]
    if not parts or not all(isinstance(part, dict) and "parts" not in part for part in parts):
        raise ValueError("no contents")
    return [{"role": "user", "parts": parts}]


def _listed(value: Json) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _part(value: Json) -> Json:
    return {"text": value} if isinstance(value, str) else value


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


def camel(value: Json, *, are_names: bool = False) -> Json:
    """The value with the keys of its objects as on the wire, without those that are null."""
    if isinstance(value, dict):
        pairs = ((key, str(key).lower(), item) for key, item in value.items() if item is not None)
        if are_names:
            return {key: camel(item) for key, _, item in pairs}
        return {
            camel_word(key): item if low in _FREE else camel(item, are_names=low in _NAMES) for key, low, item in pairs
        }
    return [camel(item) for item in value] if isinstance(value, list) else value
