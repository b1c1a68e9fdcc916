"""What one answer shows: paths of its body with their types and values, headers, framing, times, and request fields that it follows.

Everything is a fact that an answer has or has not, or a number. Two sides are then compared fact by fact. A fact below another
(a field of an object) counts only where both sides have the other one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from msgspec.structs import replace

from harness.answer.reply import parts_of
from harness.answer.wire_form import KEPT_HEADERS, FramingRow
from harness.gemini import definition, schemas
from harness.gemini.canonical import camel
from harness.gemini.providers import is_chat
from harness.judge.recorded import operation_at
from harness.model import Json
from harness.results.rows import TurnRow
from harness.text.jsonpath import place
from harness.text.jsontext import a_list, an_object, objects_in

FactKind = Literal[
    "path", "type", "value", "header", "framing", "status", "model", "follows", "number", "order", "hidden"
]
MOST_NODES = 20_000
"""How many values of one answer are read. The rest of a larger answer is left out, with a note."""
_LARGEST = 1e100
MOST_VALUE = 80
"""Characters of a value of an enum."""
RETRIES = "retries"
"""The path of an answer that came after another attempt only."""
LENGTHS = frozenset({"text", "message"})
"""Free texts, whose length is compared."""
_CONSTANTS = frozenset({"role", "mimeType", "@type", "status", "code", "reason", "domain"})
_UNIQUE = frozenset({"date", "set-cookie", "x-simulated"})
_STEADY = frozenset({"content-type", "server", "via", "x-gemini-service-tier"})
"""Headers whose values are compared; the values of others differ from answer to answer."""
_SERVED_BY_BYTES = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"})
_TYPES = {
    dict: "object",
    list: "list",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}
_LAST = re.compile(r"\.([^.\[\]]+)(?:\[\*\])*$")


class Fact(NamedTuple):
    """``path``: a JSONPath with ``[*]``, ``header NAME`` or ``stream ...``. ``detail``: the type or value, or the keys of an object
    in their order, separated by zero bytes; else empty. ``hidden`` facts only say whether others can be seen."""

    kind: FactKind
    path: str
    detail: str = ""


Shape = frozenset[Fact]


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """``shape``: what the answer has; equal shapes are one object. ``numbers``: path -> its sum over the answer.

    ``outcome``: ``answer`` or ``error``; bodies are compared only where it is the same. ``asks``: the fields of the request, but
    for its contents. ``question``: stands for the model and the request; two transports of one question have the same. ``partial``:
    whether only a part was read.
    """

    shape: Shape
    numbers: Mapping[str, float]
    outcome: Literal["answer", "error"]
    stream: bool
    asks: frozenset[str] = frozenset()
    question: int = 0
    partial: bool = False


_shapes: dict[Shape, Shape] = {}


def facts(turn: TurnRow, *, all_headers: bool = True) -> AnswerFacts:
    """The facts of one answer. ``all_headers``: whether the turn has all headers of the answer, not those of cassettes only."""
    shape: set[Fact] = set()
    numbers: dict[str, float] = {}
    turn = _native(turn)
    response = turn.response
    left = _walk(response, shape, numbers) if response else MOST_NODES
    framed = turn.framing
    shape.add(Fact("status", "status", str(turn.status)))
    if turn.attempts > 1:
        shape.add(Fact("status", RETRIES))
    shape.update(_headers(turn.headers, all_headers=all_headers))
    if turn.transport == "stream" and framed:
        shape.update(_stream(framed))
    shape.update(Fact("follows", path) for path, follows in request_fields(turn) if follows)
    _times(turn, numbers)
    frozen = frozenset(shape)
    return AnswerFacts(
        shape=_shapes.setdefault(frozen, frozen),
        numbers=numbers,
        outcome="error" if turn.status >= 400 else "answer",
        stream=turn.transport == "stream",
        asks=frozenset(_child("$", camel(name)) for name in an_object(turn.request)),
        question=_question(turn),
        partial=left <= 0,
    )


def _native(turn: TurnRow) -> TurnRow:
    """The turn, with the native request that says the same as a chat completion; its answer is saved as a native one."""
    if not is_chat(turn.url) or not isinstance(turn.request, dict):
        return turn
    from harness.gemini.native_request import native_body

    return replace(turn, request=native_body(turn.request))


@lru_cache(maxsize=65536)
def above(fact: Fact) -> Fact | None:
    """The fact that both sides must have for this one to count; None if there is none."""
    if fact.kind in ("type", "value", "model"):
        return Fact("path", fact.path)
    if fact.kind == "path":
        return None if fact.path == "$" else Fact("path", parent(fact.path))
    if fact.kind == "header":
        kept = fact.path.removeprefix("header ") in KEPT_HEADERS
        return Fact("header", fact.path) if fact.detail else Fact("hidden", "headers" if kept else "all headers")
    if fact.kind == "framing":
        return (
            Fact("framing", "stream form", "sse") if fact.path == "stream line endings" else Fact("hidden", "framing")
        )
    return _NEEDED.get(fact.path, _CONTENT) if fact.kind == "follows" else None


def last_key(path: str) -> str:
    """The last key of a path: ``thoughtSignature``."""
    found = _LAST.search(path)
    return found[1] if found else path


# --- the body ---------------------------------------------------------------------------------------------


def _walk(response: Json, shape: set[Fact], numbers: dict[str, float]) -> int:
    """Read the body; how many more values could have been read (0 or fewer: only a part was read)."""
    waiting: list[tuple[str, Json]] = [("$", response)]
    left = MOST_NODES
    for path, value in waiting:
        shape.update((Fact("path", path), Fact("type", path, _TYPES[type(value)])))
        if isinstance(value, dict):
            if len(value) > 1:
                shape.add(Fact("order", path, "\0".join(value)))
            waiting += [(_child(path, key), item) for key, item in value.items()][:left]
        elif isinstance(value, list):
            if value:
                numbers[path] = numbers.get(path, 0) + len(value)
            inner = f"{path}[*]"
            waiting += [(inner, item) for item in value][:left]
        else:
            _scalar(path, value, shape, numbers)
        left = MOST_NODES - len(waiting)
        if left <= 0:
            break
    return left


def _scalar(path: str, value: Json, shape: set[Fact], numbers: dict[str, float]) -> None:
    kind = _value_kind(path)
    if kind == "length" and isinstance(value, str):
        numbers[path] = numbers.get(path, 0) + len(value)
    elif kind and kind != "length":
        shape.add(Fact(kind, path, str(value)[:MOST_VALUE]))
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
        numbers[path] = numbers.get(path, 0) + value


@lru_cache(maxsize=65536)
def _child(path: str, key: str) -> str:
    return path + place([key])[1:]


@lru_cache(maxsize=65536)
def parent(path: str) -> str:
    """The path of the object or list that holds it."""
    if path.endswith("[*]"):
        return path[:-3]
    cut = path.rfind("['") if path.endswith("']") else path.rfind(".")
    return path[: max(cut, 1)]


@lru_cache(maxsize=65536)
def _value_kind(path: str) -> Literal["length", "value", "model", ""]:
    """``length``, ``value``, ``model``, or empty if only the type and the size of numbers are compared."""
    key = last_key(path)
    if ".args" in path or ".functionResponse" in path:
        return ""
    if key in LENGTHS:
        return "length"
    if path == "$.modelVersion":
        return "model"
    constant = key in _CONSTANTS or path.endswith(".functionCall.name")
    return "value" if constant or key in _enum_names() else ""


@cache
def _enum_names() -> frozenset[str]:
    """The names of all fields of an answer that hold an enum."""
    names: set[str] = set()
    waiting, seen = ["GenerateContentResponse"], set()
    while waiting:
        message = waiting.pop()
        if message in seen:
            continue
        seen.add(message)
        try:
            fields = definition.fields(message, vertex=True)
        except KeyError:
            continue
        names |= {name for name, kind in fields.items() if kind.startswith("enum ")}
        waiting += [kind.removesuffix("[]").removeprefix("map ") for kind in fields.values()]
    return frozenset(names)


# --- around the body --------------------------------------------------------------------------------------


def _headers(received: Mapping[str, str] | None, *, all_headers: bool) -> Iterator[Fact]:
    if received is None:
        return
    yield Fact("hidden", "headers")
    if all_headers:
        yield Fact("hidden", "all headers")
    for name, value in received.items():
        if name not in _UNIQUE and name not in _SERVED_BY_BYTES and (all_headers or name in KEPT_HEADERS):
            yield Fact("header", f"header {name}")
            if name in _STEADY:
                yield Fact("header", f"header {name}", value.partition(";")[0].strip())


def _stream(framed: FramingRow) -> Iterator[Fact]:
    yield Fact("hidden", "framing")
    yield Fact("framing", "stream form", framed.form)
    if framed.form == "sse":
        yield Fact("framing", "stream line endings", framed.eol or "none")
    if framed.comments:
        yield Fact("framing", "stream comments")
    if framed.done:
        yield Fact("framing", "stream [DONE]")
    if framed.faults:
        yield Fact("framing", "stream events that are not valid")
    if framed.finishes:
        yield Fact("framing", "stream events with finishReason", "several")


def _times(turn: TurnRow, numbers: dict[str, float]) -> None:
    known = [at for at in turn.times if at is not None]
    if turn.transport == "stream":
        numbers["stream events"] = len(turn.times)
        if usages := turn.framing and turn.framing.usages:
            numbers["stream events with usageMetadata"] = float(usages)
        if known:
            numbers["stream first event"] = known[0]
            numbers["stream pacing"] = known[-1] - known[0]
    elif known:
        numbers["latency"] = known[-1]


def _question(turn: TurnRow) -> int:
    model, _ = operation_at(turn.url) or ("", "")
    return hash((model, json.dumps(turn.request, sort_keys=True)))


# --- request fields that an answer follows ------------------------------------------------------------------

_CONFIG = "$.generationConfig"
_MIME = f"{_CONFIG}.responseMimeType"
_SCHEMAS = frozenset(f"{_CONFIG}.{name}" for name in ("responseSchema", "responseJsonSchema"))
_CONTENT = Fact("path", "$.candidates[*].content.parts[*]")
_NEEDED: Mapping[str, Fact] = {
    **dict.fromkeys(_SCHEMAS, Fact("follows", _MIME)),
    f"{_CONFIG}.maxOutputTokens": Fact("path", "$.usageMetadata.candidatesTokenCount"),
}
"""What both answers must have to tell whether they follow a field of the request."""
_CALLED = frozenset({"functionDeclarations", "function_declarations", "codeExecution", "code_execution"})
"""Tools whose use shows in parts. Whether a search was made shows only in metadata, which may be lost on the way."""
_TOOL_SIGNS = frozenset({"functionCall", "executableCode", "codeExecutionResult", "toolCall"})
EXPLAINS: Mapping[str, frozenset[str]] = {
    "$.tools": _TOOL_SIGNS
    | {"groundingMetadata", "urlContextMetadata", "toolUsePromptTokenCount", "finishMessage", "text", "parts"},
    f"{_CONFIG}.thinkingConfig": frozenset({"thought", "thoughtsTokenCount", "text", "parts"}),
    f"{_CONFIG}.responseModalities": frozenset({"inlineData", "text"}),
    _MIME: frozenset({"text"}),
    **dict.fromkeys(_SCHEMAS, frozenset({"text"})),
    "$.systemInstruction": frozenset({"text"}),
}
"""A field of the request -> the keys of an answer that change where the field is ignored."""


def request_fields(turn: TurnRow) -> Iterator[tuple[str, bool]]:
    """(path of the request, whether the answer follows it) for each field whose effect an answer shows."""
    body = turn.request
    if turn.status >= 400 or not isinstance(body, dict):
        return
    config, response = an_object(body.get("generationConfig")), an_object(turn.response)
    candidates, usage = objects_in(response.get("candidates")), an_object(response.get("usageMetadata"))
    parts = [part for candidate in candidates for part in parts_of(candidate)]
    yield from _json_fields(body, config, turn.text)
    if any(_CALLED.intersection(tool) for tool in objects_in(body.get("tools"))):
        yield "$.tools", _uses_tools(candidates, parts, usage) or not turn.text
    thinking = an_object(config.get("thinkingConfig"))
    if thinking:
        yield f"{_CONFIG}.thinkingConfig", _follows_thinking(thinking, parts, usage)
    if "IMAGE" in a_list(config.get("responseModalities")):
        yield f"{_CONFIG}.responseModalities", any("inlineData" in part for part in parts) or not turn.text
    yield from _limits(config, turn, usage)


def _json_fields(body: Json, config: Mapping[str, Json], text: str) -> Iterator[tuple[str, bool]]:
    if config.get("responseMimeType") != "application/json" or not text:
        return
    try:
        value = json.loads(text)
    except ValueError:
        yield _MIME, False
        return
    yield _MIME, True
    for name in ("responseSchema", "responseJsonSchema"):
        if config.get(name):
            yield f"{_CONFIG}.{name}", _is_valid(body, value)


def _is_valid(body: Json, value: Json) -> bool:
    try:
        found = schemas.request_schema(body)
        return found is None or not schemas.violations(found.schema, value)
    except ValueError:
        return True


def _uses_tools(
    candidates: Sequence[Mapping[str, Json]], parts: Sequence[Mapping[str, Json]], usage: Mapping[str, Json]
) -> bool:
    signs = any(_TOOL_SIGNS.intersection(part) for part in parts)
    grounded = any("groundingMetadata" in one or "urlContextMetadata" in one for one in candidates)
    return signs or grounded or "toolUsePromptTokenCount" in usage


def _follows_thinking(
    thinking: Mapping[str, Json], parts: Sequence[Mapping[str, Json]], usage: Mapping[str, Json]
) -> bool:
    if thinking.get("thinkingBudget") == 0:
        return not usage.get("thoughtsTokenCount")
    if thinking.get("includeThoughts") is True:
        return "thoughtsTokenCount" in usage or any(part.get("thought") is True for part in parts)
    return True


def _limits(config: Mapping[str, Json], turn: TurnRow, usage: Mapping[str, Json]) -> Iterator[tuple[str, bool]]:
    most = config.get("maxOutputTokens")
    written = usage.get("candidatesTokenCount")
    if isinstance(most, int) and isinstance(written, int):
        yield f"{_CONFIG}.maxOutputTokens", written <= most
    stops = config.get("stopSequences")
    if isinstance(stops, list) and stops:
        yield f"{_CONFIG}.stopSequences", not any(isinstance(stop, str) and stop in turn.text for stop in stops)
