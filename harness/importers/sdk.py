"""Calls of Google's SDKs in programs and pages: ``models.generate_content(model=..., contents=...)``, ``GenerativeModel(...)`` of older ones, chats.

Of a chat, the first message is a request: the later ones hold the answers before them. Only calls whose values stand in them are read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.importers.filling import Room, TooLong
from harness.transport.cassette import Recorded, Unread, read_request
from harness.transport.cassette.literals import length
from harness.transport.cassette.spelling import BESIDE, camel, sent, turns
from harness.transport.cassette.values import literal_value

_CALL = re.compile(r"\b[mM]odels\.(?:generate_content(?:_stream)?|[gG]enerateContent(?:Stream)?)\(")
_TEXT = r'"(?:[^"\\\n]|\\.)*+"'
_LISTED = re.compile(rf"\((?:\s*[\w.()]+,)?\s*({_TEXT}),\s*(?:genai\.Text\()?({_TEXT})\)?,\s*(?:nil|null),?\s*\)")
"""The model and the text of a call in Go or Java."""
_BASE = "https://generativelanguage.googleapis.com/v1beta"
_LONGEST = 200_000
"""Characters of a call; and those, beside the length of a text, in which ends of calls are looked for in vain."""
_UNKNOWN = "a call of an SDK with values that only the program knows; write them in their place"
_LATER = "a later message of a chat, which is sent with the answers before it; write them as turns of a case"


def read(text: str) -> list[Recorded | Unread]:
    """The requests of the calls in a text (see ``programs.inlined``); empty if none can be read."""
    objects, room = _objects(text), Room(10 * _LONGEST)
    text = _OF_OBJECT.sub(lambda call: _with_object(objects, room, call), text) if objects else text
    found, line, counted = list[Recorded | Unread](), 1, 0
    for call, begin, end in _calls(_CALL, text):
        line, counted = line + text.count("\n", counted, begin), begin
        reason = _LATER if text.startswith("(later", begin) else _UNKNOWN
        found.append(_read(text[begin:end], is_stream="tream" in call[0]) or Unread(f"line {line}", reason))
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


_OBJECT = re.compile(
    r"(?:\b(\w+)[ \t]*:?=\s*)?(?:await |new )?(?:(?<=\))|(?<![\w.$>-]))(?P<owner>[\w.$>-]*)"
    r"(?:[gG]enerative_?[mM]odel|(?P<chat>\bchats\.create|(?:\.|->)start_?[cC]hat))\("
)
_OF_OBJECT = re.compile(
    r"(?:\b(\w+)|(?<=\)))(?:\.|->)(?:[gG]enerate_?[cC]ontent|send_?[mM]essage)(_?[sS]tream)?(?:_?[aA]sync)?\("
    r"(?:ctx,|context\.\w+\(\),)?\s*(?P<named>\w+\s*[=:])?"
)
_KEY = re.compile(r"(?i)\bapi_?key\s*[=:][^,()]*,?")


@dataclass(slots=True)
class _Object:
    """What makes an object for a model, or a chat, and where that ends."""

    end: int
    arguments: str
    is_chat: bool
    is_used: bool = False


def _objects(text: str) -> dict[str | int, list[_Object]]:
    """The objects of each variable, in their order; and each by the place where its arguments end."""
    found, name = defaultdict[str | int, list[_Object]](list), ""
    for call, begin, end in _calls(_OBJECT, text):
        inside, is_chat = _KEY.sub("", text[begin + 1 : end - 1]).strip(), call["chat"] is not None
        if inside and not re.match(r"\w+\s*[=:]", inside):
            inside = f"{'chat' if is_chat else 'model'}={inside}"
        is_chained = call.start() in found
        owner = call.start() if is_chained else re.split(r"\W+", call["owner"])[-1]
        if is_chat and (made := _last(found, owner, call.start())):
            inside = f"{made.arguments.rstrip(', ')}, {inside}"
        name = name if is_chained else call[1] or ""
        for key in (name, end):
            found[key].append(_Object(end, inside, is_chat))
    return found


def _last(objects: Mapping[str | int, Sequence[_Object]], key: str | int, at: int) -> _Object | None:
    """The object that a variable holds at a place: the last that was made before it, or else the first."""
    if made := objects.get(key):
        return made[max(0, bisect_right(made, at, key=lambda one: one.end) - 1)]
    return None


def _with_object(objects: Mapping[str | int, Sequence[_Object]], room: Room, call: re.Match[str]) -> str:
    """The beginning of a call of such an object as one of today's, which has its model and its settings beside it."""
    made = _last(objects, call[1] or call.start(), call.start())
    if made is None:
        return call[0]
    name = f"models.generateContent{'Stream' if call[2] else ''}"
    if made.is_chat and made.is_used:
        return f"{name}(later, "
    made.is_used = True
    with suppress(TooLong):
        return f"{name}(made={{{room.filled(made.arguments)}}}, {call['named'] or 'contents='}"
    return call[0]


def _of_today(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call of an object for a model, as those of today's SDKs."""
    made = value["made"]
    for key in ("model", "chat"):
        made = {**made, **made[key]} if isinstance(made.get(key), dict) else made
    asked = value["contents"] if "contents" in value else value["message"]
    given = asked if isinstance(asked, dict) and {"contents", "message"} & {*asked} else value
    settings = camel({**made, **given})
    config = {key: settings[key] for key in BESIDE if key in settings}
    config |= settings.get("generationConfig", {}) | settings.get("config", {})
    model = settings.get("modelName", made.get("model", made.get("name")))
    contents = given["contents"] if "contents" in given else given["message"]
    if history := made.get("history"):
        contents = [*turns(history), *turns(contents)]
    return {"model": model, "contents": contents, "config": config}


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
    return {
        "method": "POST",
        "uri": f"{_BASE}/models/{model}:{'streamGenerateContent?alt=sse' if is_stream else 'generateContent'}",
        "body": sent(value["contents"], value.get("config")),
    }
