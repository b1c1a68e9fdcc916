"""Calls of Google's SDKs in programs and pages: ``models.generate_content(model=..., contents=...)``, ``GenerativeModel(...)`` of older ones, chats.

Of a chat, the first message is a request: the later ones hold the answers before them. Only calls whose values stand in them are read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from harness.gemini.providers import GOOGLE_MODELS
from harness.importers.filling import Room, TooLong
from harness.transport.cassette import Recorded, Unread, read_request
from harness.transport.cassette.literals import length
from harness.transport.cassette.spelling import BESIDE, camel, sent, turns
from harness.transport.cassette.values import literal_value

_CALL = re.compile(r"\b[mM]odels\.(?:generate_content(?:_stream)?|[gG]enerateContent(?:Stream)?(?:Async)?)\(")
_CONTEXT = re.compile(r"(?<=\()\s*(?:\w*[cC]tx|context\.\w+(?:\(\))?|\{\}),")
"""What a call in Go has before its model."""
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
    r"(?:\b(\w+)[ \t]*:?=\s*(?:[A-Z][\w.]*\((?:[^()\n]|\([^()\n]{0,99}\)){0,99}\))?)?(?:await |new )?(?:(?<=\))|(?<![\w.$>-]))(?P<owner>[\w.$>-]*)"
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
        inside = re.sub(r"^\w+,\s*(?=\{)", "", inside)  # the client of Firebase
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
    try:
        value = literal_value(spelled(_CONTEXT.sub("", inside, count=1)))
        if isinstance(value, list):
            value = dict(zip(("model", "contents", "config"), value, strict=False))
        return Recorded(read_request(_request(value, is_stream=is_stream)))
    except (AttributeError, ValueError, KeyError, TypeError):
        return None


def _request(value: Mapping[str, Any], *, is_stream: bool) -> dict[str, Any]:
    is_stream = is_stream or value.get("stream") is True
    value = _of_today(value) if "made" in value else value
    model = value["model"].removeprefix("models/")
    return {
        "method": "POST",
        "uri": f"{GOOGLE_MODELS}/{model}:{'streamGenerateContent?alt=sse' if is_stream else 'generateContent'}",
        "body": sent(value["contents"], value.get("config")),
    }


# --- values as the SDKs for Go and Java make them ----------------------------------------------------


_TEXT = re.compile(r'(?<!\\)(?:"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|`[^`]*+`)')
_REMARK = re.compile(r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)|(?<=[\s,])#(?!\{)[^\n]*+")
_BUILT = re.compile(r"(?:\b\w++)?\.builder\(\)((?:\s*\.\w+\([^()]*+\)){0,200}?)\s*(?:\.build\(\)|(?=[,)]))")
_LISTS = r"tools|parts|contents|safetySettings|responseModalities|stopSequences|functionDeclarations|required"
_SEVERAL = re.compile(rf"\.({_LISTS})\((?!\s*\[)([^()]*+)\)|\.(\w+)\((\s*\0\d+\0\s*,[^()]*+)\)")
_MAKE = re.compile(r"&?\b(?:new )?(?:\w+\.){0,4}?((?:\w*(?:Map|List|Set)\.)?\w+)(?:\[\w+\])?\(([^()]*+)\)")
_MAKERS = {name: made for made, names in {
    "%s": "Text Ptr float32 float64 int32 int64", "[%s]": "List.of Set.of ImmutableList.of asList", "{text: %s}": "fromText NewPartFromText",
    "{parts: [%s]}": "fromParts", "{parts: %s}": "createUserContent", "{parts: [{text: %s}]}": "NewContentFromText", "{%s}": "Map.of ImmutableMap.of",
    "{fileData: {%s}}": "from_uri", "{fileData: {fileUri: %s}}": "fromUri NewPartFromURI createPartFromUri"}.items() for name in names.split()}  # fmt: skip
"""What makes a value of an SDK -> the value, of what stands in the brackets."""


def spelled(call: str) -> str:
    """The arguments of a call, with objects and lists in the place of what makes them. Nothing is run."""
    call, number = call.replace("\0", ""), count()
    texts, plain = _TEXT.findall(call), _REMARK.sub("", _TEXT.sub(lambda _: f"\0{next(number)}\0", call))
    plain = re.sub(r"\b(\w*)(MIME|URI|URL)(?=Type\b|Context\b|\s*:)", lambda key: key[1] + key[2].title(), plain)
    plain = re.sub(r"(?<=\d)[fF]\b|\b\w+\.(?=Known\.)|,\s*genai\.Role\w+(?=\s*\))", "", plain)
    return _changed(plain, texts, lambda text: _MAKE.sub(_made, _BUILT.sub(_object, text)))


def _changed(text: str, texts: Sequence[str], change: Callable[[str], str]) -> str:
    """The text after as many changes as change something, with the texts that its marks stand for."""
    for way in (change, lambda text: re.sub("\0(\\d+)\0", lambda found: texts[int(found[1])], text)):
        for _ in range(40):
            before, text = text, way(text)
            if text == before:
                break
    return text


def _object(found: re.Match[str]) -> str:
    """What a builder of Java builds. Several values of a setting are a list."""
    listed = _SEVERAL.sub(lambda one: f".{one[1] or one[3]}([{one[2] or one[4]}])", found[1])
    return "{" + re.sub(r"\s*\.(\w+)\(([^()]*+)\)", r"\1: \2, ", listed) + "}"


def _made(found: re.Match[str]) -> str:
    name, inside = found[1], found[2]
    if "Map" in name:
        items = re.split(r",(?![^\[\]{}]*[\]}])", inside)
        inside = ", ".join(map(": ".join, zip(items[::2], items[1::2], strict=False)))
    elif "URI" in name or "Uri" in name:
        inside = inside.replace(",", ", mimeType:", 1)
    return _MAKERS[name] % inside if name in _MAKERS else found[0]
