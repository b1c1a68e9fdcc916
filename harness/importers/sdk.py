"""Calls of Google's SDKs for Python, JavaScript, Go and Java in programs and pages: ``models.generate_content(model=..., contents=...)``.

Only calls whose values stand in them are read. What the SDKs send for them: https://googleapis.github.io/python-genai/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.model import Json
from harness.transport.cassette import Recorded, Unread, read_request
from harness.transport.cassette.literals import length
from harness.transport.cassette.spelling import camel
from harness.transport.cassette.values import literal_value

_CALL = re.compile(r"\b[mM]odels\.(?:generate_content(?:_stream)?|[gG]enerateContent(?:Stream)?)\(")
_TEXT = r'"(?:[^"\\\n]|\\.)*+"'
_LISTED = re.compile(rf"\((?:\s*[\w.()]+,)?\s*({_TEXT}),\s*(?:genai\.Text\()?({_TEXT})\)?,\s*(?:nil|null),?\s*\)")
"""The model and the text of a call in Go or Java."""
_BASE = "https://generativelanguage.googleapis.com/v1beta"
_LONGEST = 200_000
"""Characters of a call; and those, beside the length of a text, in which ends of calls are looked for in vain."""
_BESIDE = ("systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "labels", "serviceTier")
"""Settings that a request has beside ``generationConfig``."""
_UNKNOWN = "a call of an SDK with values that only the program knows; write them in their place"
_OF_CLIENT = ("httpOptions", "abortSignal", "automaticFunctionCalling")


def read(text: str) -> list[Recorded | Unread]:
    """The requests of the calls in a text (see ``programs.inlined``); empty if none can be read."""
    found, line, counted, end = list[Recorded | Unread](), 1, 0, 0
    last, spare = text.rfind(")"), _LONGEST + len(text)
    while call := _CALL.search(text, end):
        begin = call.end() - 1
        line, counted = line + text.count("\n", counted, begin), begin
        most = min(_LONGEST, spare, last + 1 - begin)
        size = length(text, begin, most)
        spare -= 0 if size else most
        end = begin + (size or 1)
        found.append(_read(text[begin:end], is_stream="tream" in call[0]) or Unread(f"line {line}", _UNKNOWN))
    return found if any(isinstance(item, Recorded) for item in found) else []


def _read(inside: str, *, is_stream: bool) -> Recorded | None:
    """The request of a call; None if only the program knows it."""
    if listed := _LISTED.fullmatch(inside):
        inside = f"(model={listed[1]}, contents={listed[2]})"
    if not ("model" in inside and "contents" in inside):
        return None
    try:
        return Recorded(read_request(_request(literal_value(inside), is_stream=is_stream)))
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
