"""Calls of Google's SDKs in programs and pages: ``models.generate_content(model=..., contents=...)``, and ``GenerativeModel(...)`` of older ones.

Only calls whose values stand in them are read. What the SDKs send for them: https://googleapis.github.io/python-genai/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from harness.importers.filling import Room, TooLong
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
    objects, room = dict(_objects(text)), Room(10 * _LONGEST)
    text = _OF_OBJECT.sub(lambda call: _with_object(objects, room, call), text) if objects else text
    found, line, counted = list[Recorded | Unread](), 1, 0
    for call, begin, end in _calls(_CALL, text):
        line, counted = line + text.count("\n", counted, begin), begin
        found.append(_read(text[begin:end], is_stream="tream" in call[0]) or Unread(f"line {line}", _UNKNOWN))
    return found if any(isinstance(item, Recorded) for item in found) else []


def _calls(begins: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """Each call in a text, with where its brackets begin and end; one that does not end has nothing in it."""
    last, spare, end = text.rfind(")"), _LONGEST + len(text), 0
    while call := begins.search(text, end):
        begin = call.end() - 1
        most = min(_LONGEST, spare, last + 1 - begin)
        size = length(text, begin, most)
        spare -= 0 if size else most
        end = begin + (size or 1)
        yield call, begin, end


_OBJECT = re.compile(r"(?:\b(\w+)[ \t]*:?=\s*)?(?:await |new )?(?<![\w.$>-])[\w.$>-]*[gG]enerative_?[mM]odel\(")
_OF_OBJECT = re.compile(
    r"(?:\b(\w+)|(?<=\)))(?:\.|->)[gG]enerate_?[cC]ontent(_?[sS]tream)?(?:_?[aA]sync)?\("
    r"(?:ctx,|context\.\w+\(\),)?\s*(?P<named>\w+\s*[=:])?"
)
_KEY = re.compile(r"(?i)\bapi_?key\s*[=:][^,()]*,?")


def _objects(text: str) -> Iterator[tuple[str | int, str]]:
    """The arguments of each object for a model, by its variable, and by the place where they end."""
    for found, begin, end in _calls(_OBJECT, text):
        inside = _KEY.sub("", text[begin + 1 : end - 1])
        inside = inside if re.match(r"\s*\w+\s*[=:]", inside) else f"model={inside}"
        yield from ((found[1] or end, inside), (end, inside))


def _with_object(objects: Mapping[str | int, str], room: Room, call: re.Match[str]) -> str:
    """The beginning of a call of such an object as one of today's, which has its model and its settings beside it."""
    with suppress(TooLong):
        if made := room.filled(objects.get(call[1] or call.start(), "")):
            name = f"models.generateContent{'Stream' if call[2] else ''}"
            return f"{name}(made={{{made}}}, {call['named'] or 'contents='}"
    return call[0]


def _of_today(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call of an object for a model, as those of today's SDKs."""
    made, asked = value["made"], value["contents"]
    made = {**made, **made["model"]} if isinstance(made.get("model"), dict) else made
    given = asked if isinstance(asked, dict) and "contents" in asked else value
    settings = camel({**made, **given})
    config = {key: settings[key] for key in _BESIDE if key in settings} | settings.get("generationConfig", {})
    model = settings.get("modelName", made.get("model", made.get("name")))
    return {"model": model, "contents": given["contents"], "config": config}


def _read(inside: str, *, is_stream: bool) -> Recorded | None:
    """The request of a call; None if only the program knows it."""
    if listed := _LISTED.fullmatch(inside):
        inside = f"(model={listed[1]}, contents={listed[2]})"
    try:
        return Recorded(read_request(_request(literal_value(inside), is_stream=is_stream)))
    except (AttributeError, ValueError, KeyError, TypeError):
        return None


def _request(value: Mapping[str, Any], *, is_stream: bool) -> dict[str, Any]:
    is_stream = is_stream or value.get("stream") is True
    value = _of_today(value) if "made" in value else value
    model = value["model"].removeprefix("models/")
    settings = camel(value.get("config") or {})
    body: dict[str, Any] = {"contents": _contents(camel(value["contents"]))}
    if isinstance(settings.get("systemInstruction"), str | list):
        settings["systemInstruction"] = {"parts": _contents(settings["systemInstruction"])[0]["parts"]}
    body |= {key: settings.pop(key) for key in _BESIDE if key in settings}
    rest = {key: item for key, item in settings.items() if key not in _OF_CLIENT}
    return {
        "method": "POST",
        "uri": f"{_BASE}/models/{model}:{'streamGenerateContent?alt=sse' if is_stream else 'generateContent'}",
        "body": body | ({"generationConfig": rest} if rest else {}),
    }


def _contents(value: Json) -> list[Any]:
    """The turns of what an SDK takes: a text, a part, a turn, or a list of them."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, dict) and "parts" in item for item in items):
        return items
    parts = [{"text": item} if isinstance(item, str) else item for item in items]
    if not parts or not all(isinstance(part, dict) and "parts" not in part for part in parts):
        raise ValueError("no contents")
    return [{"role": "user", "parts": parts}]
