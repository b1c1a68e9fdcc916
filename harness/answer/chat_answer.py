"""A chat completion, whole or in chunks, as native answers: one for every event, so that checks and invariants apply.

Tokens of thoughts are in no field of Google's endpoint: they are what the total has above prompt and completion. Thoughts come
between ``<thought>`` tags in front of the answer, at gateways in ``reasoning`` or ``reasoning_content``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, field

from harness.answer import framing
from harness.answer.framing import Framed
from harness.model import AnswerFault, Event, Json
from harness.text.jsontext import an_object, numbered, objects_in

Object = dict[str, Json]

FINISHES = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "content_filter": "SAFETY",
}
"""OpenAI's finish reason -> Gemini's."""
_OPEN, _CLOSE = "<thought>", "</thought>"
_VENDORS = ("google", "vertex")


class ChatCall(Struct):
    """A tool call over all deltas. ``event`` and ``choice``: where it begins. ``pieces``: the arguments as they came."""

    event: int
    choice: int
    index: Json
    id: Json
    name: Json
    signature: Json
    pieces: list[Json] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def args(self) -> Json:
        """The arguments as a JSON value; None if they are no JSON."""
        try:
            parsed = framing.parse(self.arguments.strip() or "{}")
        except framing.NotJson:
            return None
        return parsed.value if not self.arguments.strip()[parsed.end :] else None


def as_native(framed: Framed) -> Framed:
    """The events of a chat completion as native answers, and as they came. An event that is none stays as it is. Never raises."""
    values = [event.value for event in framed.events]
    found = calls(values)
    states: dict[int, _Thinking] = {}
    events = [
        Event(_native(event.value, [call for call in found if call.event == number], states), event.at)
        for number, event in enumerate(framed.events)
    ]
    is_foreign = any(isinstance(value, dict) and "candidates" in value for value in values)
    foreign = [AnswerFault("chat-completion", "body", _NATIVE)] if is_foreign else []
    return Framed(framed.form, events, [*framed.faults, *foreign], values)


_NATIVE = "the answer is Gemini's native one (candidates), not a chat completion (choices): is this the address of chat completions?"


def is_completion(value: Json) -> bool:
    """Whether a value is a chat completion or a chunk of one."""
    return isinstance(value, dict) and "choices" in value and "candidates" not in value


def choices_of(value: Json) -> Iterator[tuple[int, Object]]:
    """(index, choice) of every choice of a completion or chunk."""
    return numbered(an_object(value).get("choices"))


def message_of(choice: Object) -> Object:
    """The message of a choice, or its delta."""
    return an_object(choice.get("message")) or an_object(choice.get("delta"))


# --- calls --------------------------------------------------------------------------------------------


def calls(values: Sequence[Json]) -> list[ChatCall]:
    """Every tool call, its deltas joined: those with its ``index``, or those after it without an id and a name of their own."""
    found: list[ChatCall] = []
    for number, value in enumerate(values):
        for choice, content in choices_of(value):
            for delta in objects_in(message_of(content).get("tool_calls")):
                call = _continued(found, choice, delta)
                function = an_object(delta.get("function"))
                if call is None:
                    named = (delta.get("index"), delta.get("id"), function.get("name"), _signature(delta))
                    found.append(call := ChatCall(number, choice, *named))
                call.pieces.append(function.get("arguments"))
    return found


def _continued(found: Sequence[ChatCall], choice: int, delta: Object) -> ChatCall | None:
    """The call that a delta continues; None if it starts another one."""
    own = [call for call in found if call.choice == choice]
    index, call_id, name = delta.get("index"), delta.get("id"), an_object(delta.get("function")).get("name")
    same = own[-1:] if index is None else [call for call in own if call.index == index]
    if not same or (name and same[-1].name) or (call_id and call_id != same[-1].id):
        return None
    if index is None and not call_id and not name and "function" not in delta:
        return None
    return same[-1]


# --- answers ------------------------------------------------------------------------------------------


class _Thinking(Struct):
    """Whether the text of a choice is within thoughts, over its deltas."""

    began: bool = False
    inside: bool = False

    def split(self, text: str) -> Iterator[tuple[str, bool]]:
        """(text, whether it is a thought) of the pieces of a delta, without the tags."""
        if not self.began and text.strip():
            self.began = True
            if text.lstrip().startswith(_OPEN):
                self.inside, text = True, text.lstrip().removeprefix(_OPEN)
        if self.inside and _CLOSE in text:
            thought, _, text = text.partition(_CLOSE)
            self.inside = False
            yield thought, True
            text = text.lstrip("\n")
        yield text, self.inside


def _native(value: Json, started: Sequence[ChatCall], states: dict[int, _Thinking]) -> Json:
    if not is_completion(value):
        return value
    candidates = [
        _candidate(
            index, choice, [call for call in started if call.choice == index], states.setdefault(index, _Thinking())
        )
        for index, choice in choices_of(value)
    ]
    usage = value.get("usage")
    found: Object = {"candidates": candidates} if candidates or not usage else {}
    if isinstance(usage, dict):
        found["usageMetadata"] = usage_of(usage)
    if isinstance(value.get("usageMetadata"), dict):
        found["usageMetadata"] = value["usageMetadata"]
    if isinstance(model := value.get("model"), str):
        found["modelVersion"] = model.removeprefix("models/").removeprefix("google/")
    if value.get("id"):
        found["responseId"] = value["id"]
    if created := _instant(value.get("created")):
        found["createTime"] = created
    return {**found, "error": value["error"]} if value.get("error") else found


def _instant(created: Json) -> str | None:
    if not isinstance(created, int) or isinstance(created, bool) or not 0 < created < 2**33:
        return None
    return datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")


def _candidate(index: int, choice: Object, started: Sequence[ChatCall], state: _Thinking) -> Object:
    parts = [*_parts(message_of(choice), state), *map(_call_part, started)]
    reason = choice.get("finish_reason")
    finish = {"finishReason": native_finish(reason)} if isinstance(reason, str) and reason else {}
    return {"content": {**({"parts": parts} if parts else {}), "role": "model"}, **finish, "index": index}


def native_finish(reason: str) -> str:
    """Gemini's name for a finish reason: ``content_filter: RECITATION`` is RECITATION. An unknown one stays as it is."""
    return FINISHES.get(reason) or reason.rpartition(": ")[2]


def _parts(message: Object, state: _Thinking) -> Iterator[Object]:
    for name in ("reasoning", "reasoning_content"):
        if isinstance(thought := message.get(name), str) and thought:
            yield {"text": thought, "thought": True}
            break
    pieces = [(text, thought) for text, thought in state.split(_text(message)) if text]
    texts: list[Object] = [{"text": text, **({"thought": True} if thought else {})} for text, thought in pieces]
    if not message.get("tool_calls") and (signature := _signature(message)):
        texts = texts or [{"text": ""}]
        texts[-1]["thoughtSignature"] = signature
    yield from texts
    for image in objects_in(message.get("images")):
        url = str(an_object(image.get("image_url")).get("url", ""))
        mime, _, data = url.removeprefix("data:").partition(";base64,")
        yield {"inlineData": {"mimeType": mime, "data": data}}


def _text(message: Object) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part["text"] for part in objects_in(content) if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _call_part(call: ChatCall) -> Object:
    args = call.args
    found = {"name": call.name, "args": args if isinstance(args, dict) else {}}
    part: Object = {"functionCall": {**found, "id": call.id} if call.id else found}
    return {**part, "thoughtSignature": call.signature} if call.signature else part


def _signature(value: Object) -> Json:
    extra = an_object(value.get("extra_content"))
    return next(
        (found for vendor in _VENDORS if (found := an_object(extra.get(vendor)).get("thought_signature"))), None
    )


# --- usage --------------------------------------------------------------------------------------------


def usage_of(usage: Mapping[str, Json]) -> Object:
    """``usageMetadata``. A completion that includes thoughts, as gateways count it, is split where they are counted too."""
    prompt, completion, total = (_count(usage.get(f"{kind}_tokens")) for kind in ("prompt", "completion", "total"))
    counted = _count(an_object(usage.get("completion_tokens_details")).get("reasoning_tokens"))
    hidden = max(0, total - prompt - completion)
    inside = not hidden and counted <= completion
    found = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": completion - counted if inside else completion,
        "totalTokenCount": total,
        "thoughtsTokenCount": counted or hidden,
        "cachedContentTokenCount": _count(an_object(usage.get("prompt_tokens_details")).get("cached_tokens")),
    }
    return {
        name: number
        for name, number in found.items()
        if number or (name == "totalTokenCount" and "total_tokens" in usage)
    }


def _count(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
