"""Reads an answer: merges its events into one GenerateContentResponse, and separates thoughts from the answer.

Chunks of a stream are deltas. Text of one kind is joined, and calls with partial arguments are assembled. Of every other field the
last value that is not empty is kept, so a late ``{}`` does not replace an earlier value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from itertools import pairwise
from typing import Any

from harness.answer import framing
from harness.answer.lazy_events import LazyEvents
from harness.gemini.providers import is_chat
from harness.model import AnswerFault, Event, Exchange, Json, Reply
from harness.text.grouping import gathered
from harness.text.jsontext import an_object, numbered, objects_in

Part = Mapping[str, Json]
Object = dict[str, Json]

OUTPUT = ("text", "functionCall", "inlineData", "fileData", "executableCode", "codeExecutionResult")
"""The kinds of parts that are output."""
STEPS: tuple[str, ...] = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
"""The kinds of parts that are steps of built-in tools."""

_JOINABLE = frozenset(("text", "thought", "thoughtSignature"))
_EMPTY: tuple[Json, ...] = (None, {}, [], "")
_last: list[tuple[Exchange, Reply]] = []


def read(exchange: Exchange) -> Reply:
    """Decode and merge an answer. Never raises on invalid data. A live one is read by several in turn: the last one is kept."""
    if _last and _last[0][0] is exchange:
        return _last[0][1]
    framed = _in_dialect(framing.unframe(exchange), exchange.request.url)
    reply = _read(framed.form, _named(framed.events, exchange.request.url), framed.faults, framed.chat)
    if exchange.provenance.mode == "live":
        _last[:] = [(exchange, reply)]
    return reply


_MOST_CANDIDATES = 100
"""More than any model gives, which is 8."""


def by_candidate(reply: Reply) -> Iterator[tuple[int, Reply]]:
    """(index, reply) for every candidate, if there are several: the same answer, read as if it had that candidate only."""
    if len(objects_in(reply.response.get("candidates"))) > 1:
        chunks = [gathered(numbered(an_object(event.value).get("candidates"))) for event in reply.events]
        for index in sorted({index for chunk in chunks for index in chunk})[:_MOST_CANDIDATES]:
            own = map(_only, reply.events, (chunk.get(index, ()) for chunk in chunks))
            yield index, _read(reply.form, list(own), ())


def _only(event: Event, kept: Sequence[Object]) -> Event:
    if not isinstance(event.value, dict) or "candidates" not in event.value:
        return event
    return Event({**event.value, "candidates": list(kept)}, event.at)


def _read(
    form: framing.Form, events: Sequence[Event], faults: Sequence[AnswerFault], chat: Sequence[Json] = ()
) -> Reply:
    whole = _Whole(events)
    first, response = whole.first, whole.response()
    candidate, version = candidate_of(response), response.get("modelVersion")
    parts = first.joined
    return Reply(
        form=form,
        events=events,
        response=response,
        error=whole.error,
        faults=faults,
        text=text_of(parts),
        thoughts=text_of(parts, thought=True),
        parts=parts,
        function_calls=_of_kind(parts, "functionCall"),
        inline_data=_of_kind(answer_parts(parts), "inlineData"),
        finish_reason=first.finish,
        block_reason=reason(an_object(response.get("promptFeedback")).get("blockReason")),
        usage=an_object(response.get("usageMetadata")),
        grounding=an_object(candidate.get("groundingMetadata")),
        model_version=version if isinstance(version, str) and version else None,
        content=first.turn(),
        ttft=next((event.at for event in events if _has_output(event.value)), None),
        chat=chat,
    )


def _in_dialect(framed: framing.Framed, url: str) -> framing.Framed:
    """The events of a chat completion as native ones. Where a native answer was asked for, a chat completion is a fault."""
    if not is_chat(url) and not any(
        "choices" in event.value for event in framed.events if isinstance(event.value, dict)
    ):
        return framed
    from harness.answer import chat_answer

    if is_chat(url):
        return chat_answer.as_native(framed)
    if not any(chat_answer.is_completion(event.value) for event in framed.events):
        return framed
    return framing.Framed(framed.form, faults=[AnswerFault("json-body", "body", _COMPATIBLE)])


_COMPATIBLE = (
    "the answer is a chat completion (choices), not a native one (candidates): is this an OpenAI-compatible address? "
    "Then give the provider `dialect: openai`"
)


# --- helpers for values of any type -----------------------------------------------------------------------------


def candidate_of(response: Json) -> Object:
    """The first candidate of a response or chunk; empty without one."""
    candidates = objects_in(an_object(response).get("candidates"))
    return candidates[0] if candidates else {}


def parts_of(candidate: Json) -> list[Object]:
    """The parts of a candidate that are JSON objects, as received."""
    return objects_in(an_object(an_object(candidate).get("content")).get("parts"))


def received(reply: Reply) -> list[Object]:
    """The parts of the answer that are JSON objects, as received: none is joined."""
    return objects_in((reply.content or {}).get("parts"))


def text_of(parts: Iterable[Part], *, thought: bool = False) -> str:
    """All text of the answer, or of its thoughts."""
    texts = [part.get("text") for part in parts if bool(part.get("thought")) is thought]
    return whole_characters("".join([text for text in texts if isinstance(text, str)]))


_SURROGATE = "[\ud800-\udfff]"


def whole_characters(text: str) -> str:
    """The text with surrogate pairs joined that were cut between two chunks; a half without the other stays."""
    if text.isascii() or not re.search(_SURROGATE, text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def answer_parts(parts: Iterable[Part]) -> list[Part]:
    """The parts without thoughts (draft images are thoughts too)."""
    return [part for part in parts if not part.get("thought")]


def error_of(value: Json) -> Json:
    """The value of ``error``; None if it is absent or empty, and for an operation, whose result an error may be."""
    found = an_object(value)
    error = found.get("error")
    is_operation = isinstance(found.get("name"), str) and not {"done", "metadata", "state"}.isdisjoint(found)
    return None if error in _EMPTY or is_operation else error


def reason(value: Json) -> str | None:
    """A finish or block reason. None if unspecified or null. An unknown enum number is returned as text."""
    if isinstance(value, str) and value and not value.endswith("_UNSPECIFIED"):
        return value
    return str(value) if isinstance(value, int) and value else None


def _of_kind(parts: Iterable[Part], kind: str) -> list[Object]:
    return [part[kind] for part in parts if isinstance(part.get(kind), dict)]


def _has_output(value: Json) -> bool:
    parts = (part for candidate in objects_in(an_object(value).get("candidates")) for part in parts_of(candidate))
    return any(part.get(kind) not in (None, "") for part in answer_parts(parts) for kind in OUTPUT)


# --- numbers for enums --------------------------------------------------------------------------------------


_VERTEX = r"aiplatform\.|/publishers/|/endpoints/"


def is_vertex(url: str) -> bool:
    """Whether it is an address of Vertex AI."""
    return re.search(_VERTEX, url) is not None


def _named(events: list[Event] | LazyEvents, url: str) -> Sequence[Event]:
    """Events with their enum numbers (``enum-encoding=int``) replaced by names; the same list if there are none."""
    if not any(_is_numbered(event.value) for event in events):
        return events
    from harness.gemini import definition

    vertex = is_vertex(url)
    return [
        Event(definition.name_enums("GenerateContentResponse", event.value, vertex=vertex), event.at)
        for event in events
    ]


def _is_numbered(value: Json) -> bool:
    chunk = an_object(value)
    feedback, usage = an_object(chunk.get("promptFeedback")), an_object(chunk.get("usageMetadata"))
    return (
        any(isinstance(candidate.get("finishReason"), int) for candidate in objects_in(chunk.get("candidates")))
        or isinstance(feedback.get("blockReason"), int)
        or any(isinstance(detail.get("modality"), int) for detail in objects_in(usage.get("promptTokensDetails")))
    )


# --- merging ------------------------------------------------------------------------------------------------


class _Turn:
    """One candidate over all chunks: its parts as received, and its other fields."""

    def __init__(self) -> None:
        self.parts: list[Object] = []
        self.finish: str | None = None
        self.fields: Object = {}
        self.content: Object | None = None

    def add(self, candidate: Object) -> None:
        content = candidate.get("content")
        if isinstance(content, dict):
            self.content = content if self.content is None else {**content, **self.content}
            self.parts += parts_of(candidate)
        self.finish = reason(candidate.get("finishReason")) or self.finish
        for key, value in candidate.items():
            if key != "finishReason" or reason(value):
                _update(self.fields, key, value)

    def turn(self) -> Object | None:
        """The model's turn, every part as received."""
        if self.content is None or not self.parts:
            return self.content
        return {**self.content, "parts": self.parts}

    def merged(self) -> Object:
        content = self.turn()
        return self.fields if content is None else {**self.fields, "content": {**content, "parts": self.joined}}

    @cached_property
    def joined(self) -> list[Object]:
        """All parts, as ``joined`` makes them. Call it when the last chunk was added."""
        return joined(self.parts)


_SEVERAL = 2


class _Whole:
    """All answers of an exchange, merged in one pass: a long stream is decoded once, and not held.

    ``error``: the first one; None if there is none.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self.error: Json = None
        self._answers: list[Object] = []
        self._merged: Object = {}
        self._turns: dict[int, _Turn] = {}
        self._usage: Object | None = None
        for value in (event.value for event in events if isinstance(event.value, dict)):
            error = error_of(value)
            self.error = error if self.error is None else self.error
            if "candidates" in value or error is None:
                self._add(value)

    def _add(self, answer: Object) -> None:
        if len(self._answers) < _SEVERAL:
            self._answers.append(answer)
        for key, value in answer.items():
            _update(self._merged, key, value)
        for index, candidate in numbered(answer.get("candidates")):
            self._turns.setdefault(index, _Turn()).add(candidate)
        usage = an_object(answer.get("usageMetadata"))
        if usage and (usage.get("totalTokenCount") is not None or (self._usage or {}).get("totalTokenCount") is None):
            self._usage = usage  # earlier ones are running totals, later ones may have a traffic type only

    @property
    def first(self) -> _Turn:
        return self._turns[min(self._turns)] if self._turns else _Turn()

    def response(self) -> Object:
        if len(self._answers) == 1 and len(self._turns) < _SEVERAL:
            return self._answers[0]
        turns = {"candidates": [self._turns[index].merged() for index in sorted(self._turns)]} if self._turns else {}
        return {**self._merged, **turns, **({"usageMetadata": self._usage} if self._usage else {})}


def _update(into: Object, key: str, value: Json) -> None:
    """Set ``value`` unless it is empty. Objects are merged by key, one level deep."""
    before = into.get(key)
    if isinstance(before, dict) and isinstance(value, dict):
        into[key] = {**before, **{name: item for name, item in value.items() if item not in _EMPTY}}
    elif key not in into or value not in _EMPTY:
        into[key] = value


# --- joining parts ------------------------------------------------------------------------------------------


def joined(parts: Sequence[Object]) -> list[Object]:
    """The parts, with adjacent texts of one kind joined and partial calls assembled.

    A ``thoughtSignature`` ends its part: the text after it starts a new part.
    """
    return [_join_run(run) for run in _runs(parts)]


def _runs(parts: Iterable[Object]) -> Iterator[list[Object]]:
    run: list[Object] = []
    for part in parts:
        if run and not (_text_continues(run[-1], part) or _call_continues(run[-1], part)):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _join_run(run: Sequence[Object]) -> Object:
    call = run[0].get("functionCall")
    if isinstance(call, dict) and ("partialArgs" in call or call.get("willContinue") or len(run) > 1):
        return _whole_call(run)
    if len(run) == 1:
        return run[0]
    return {**run[0], **run[-1], "text": whole_characters("".join(part["text"] for part in run))}


def _text_continues(before: Part, part: Part) -> bool:
    same_kind = bool(before.get("thought")) is bool(part.get("thought"))
    return _is_text(before) and _is_text(part) and "thoughtSignature" not in before and same_kind


def _is_text(part: Part) -> bool:
    return isinstance(part.get("text"), str) and part.keys() <= _JOINABLE


def _call_continues(before: Part, part: Part) -> bool:
    call, more = before.get("functionCall"), part.get("functionCall")
    return isinstance(call, dict) and isinstance(more, dict) and bool(call.get("willContinue")) and "name" not in more


def _whole_call(run: Sequence[Object]) -> Object:
    """One part from the pieces of a call. Later keys are added to earlier ones, and partial arguments are applied in order."""
    part: Object = {key: value for piece in reversed(run) for key, value in piece.items()}
    call: Object = {}
    args: Object = {}
    for piece in run:
        fragment = an_object(piece.get("functionCall"))
        call |= {key: value for key, value in fragment.items() if key not in ("partialArgs", "willContinue", "args")}
        args |= deepcopy(an_object(fragment.get("args")))
        for partial in objects_in(fragment.get("partialArgs")):
            _apply(args, partial)
    return {**part, "functionCall": {**call, "args": args}}


_STEP = r"\.([^.\[\]]+)|\[(\d+)\]|\[(['\"])(.*?)\3\]"
_LONGEST_LIST = 10_000
_LONGEST_PATH = 50


def _apply(args: Object, partial: Object) -> None:
    """Apply one ``partialArgs`` entry. Pieces of a string are appended."""
    steps = [_step(match) for match in re.finditer(_STEP, str(partial.get("jsonPath", "")))]
    values = [value for key, value in partial.items() if key.endswith("Value")]
    if not steps or not values or len(steps) > _LONGEST_PATH:
        return
    value = None if "nullValue" in partial else values[0]
    place: Any = args
    for step, following in pairwise(steps):
        inner = _get(place, step)
        if not isinstance(inner, (dict, list)):
            inner = [] if isinstance(following, int) else {}
            _put(place, step, inner)
        place = inner
    _put(place, steps[-1], value)


def _step(match: re.Match[str]) -> str | int:
    name, number, _, quoted = match.groups()
    return min(int(number), _LONGEST_LIST) if number is not None else (name if name is not None else quoted)


def _get(place: Any, step: str | int) -> Any:
    if isinstance(place, dict):
        return place.get(str(step))
    return place[step] if isinstance(step, int) and step < len(place) else None


def _put(place: Any, step: str | int, value: Json) -> None:
    before = _get(place, step)
    whole = before + value if isinstance(before, str) and isinstance(value, str) else value
    if isinstance(place, dict):
        place[str(step)] = whole
    elif isinstance(step, int):
        place.extend([None] * (step + 1 - len(place)))
        place[step] = whole
