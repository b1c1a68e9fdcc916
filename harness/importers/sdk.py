"""Calls of Google's SDKs for Python and JavaScript in programs and pages: ``models.generate_content(model=..., contents=...)``.

Only calls whose values stand in them are read. What the SDKs send for them: https://googleapis.github.io/python-genai/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.model import Json
from harness.transport.cassette import Recorded, Unread, read_request
from harness.transport.cassette.documents import Settings, json_value
from harness.transport.cassette.from_shape import camel
from harness.transport.cassette.literals import as_json, length

_CALL = re.compile(r"\bmodels\.generate(?:_content(?P<events>_stream)?|Content(?P<stream>Stream)?)\(")
_MODEL = re.compile(r"(\bmodel\s*[=:]\s*)([A-Za-z_]\w*)(?=\s*[,)}])")
_BASE = "https://generativelanguage.googleapis.com/v1beta"
_LONGEST = 200_000
_BESIDE = ("systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "labels", "serviceTier")
"""Settings that a request has beside ``generationConfig``."""
_UNKNOWN = "a call of an SDK with values that only the program knows; write them in their place"
_OF_CLIENT = ("httpOptions", "abortSignal", "automaticFunctionCalling")


def read(text: str) -> list[Recorded | Unread]:
    """The requests of the calls in a text; empty if none can be read."""
    found, line, at, closed, settings = list[Recorded | Unread](), 1, 0, text.rfind(")"), Settings(text)
    for call in _CALL.finditer(text):
        begin = call.end() - 1
        line, at = line + text.count("\n", at, begin), begin
        end = begin + length(text, begin, _LONGEST) if begin < closed else begin
        found.append(_read(call, text[begin:end], settings) or Unread(f"line {line}", _UNKNOWN))
    return found if any(isinstance(item, Recorded) for item in found) else []


def _read(call: re.Match[str], inside: str, settings: Settings) -> Recorded | None:
    """The request of a call, with the name of its model where the text sets it before; None if only the program knows it."""

    def named(found: re.Match[str]) -> str:
        setting = settings.last(found[2], call.start())
        return f'{found[1]}"{setting}"' if setting else found[0]

    if not ("model" in inside and "contents" in inside):
        return None
    try:
        value = json_value(as_json(_MODEL.sub(named, inside)).encode("utf-8", "surrogatepass"))
        return Recorded(read_request(_request(value, is_stream=bool(call["events"] or call["stream"]))))
    except (AttributeError, ValueError, KeyError, TypeError):
        return None


def _request(value: Mapping[str, Any], *, is_stream: bool) -> dict[str, Any]:
    model = value["model"].removeprefix("models/")
    settings = camel(value.get("config") or {})
    body: dict[str, Any] = {"contents": _contents(camel(value["contents"]))}
    if isinstance(settings.get("systemInstruction"), str):
        settings["systemInstruction"] = {"parts": [{"text": settings["systemInstruction"]}]}
    body |= {key: settings.pop(key) for key in _BESIDE if key in settings}
    rest = {key: item for key, item in settings.items() if key not in _OF_CLIENT}
    return {
        "method": "POST",
        "uri": f"{_BASE}/models/{model}:{'streamGenerateContent?alt=sse' if is_stream else 'generateContent'}",
        "body": body | ({"generationConfig": rest} if rest else {}),
    }


def _contents(value: Json) -> list[Json]:
    """The turns of what an SDK takes: a text, a part, a turn, or a list of them."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, dict) and "parts" in item for item in items):
        return items
    parts = [{"text": item} if isinstance(item, str) else item for item in items]
    if not parts or not all(isinstance(part, dict) and "parts" not in part for part in parts):
        raise ValueError("no contents")
    return [{"role": "user", "parts": parts}]
