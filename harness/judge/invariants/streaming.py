"""Streams: correct framing, chunks that are deltas, and an explicit end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from harness.answer.framing import DONE
from harness.answer.reply import OUTPUT, STEPS, candidate_of, error_of, parts_of, reason, text_of
from harness.answer.structured import once
from harness.gemini.providers import is_chat
from harness.judge.invariants.request_fields import has_answer, is_chunk, is_stream, knows_query, number, wants_sse
from harness.judge.registry import FAILURE, SEVERAL_EVENTS, STREAM, rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object, numbered

_STREAMS = ("sse", "array")
_SHORTEST_REPEAT = 12
"""Characters. Shorter texts may repeat by chance: ``ha`` ``ha``."""


@rule("sse-framing", "error", of_events=True, needs=STREAM)
def sse_framing(evidence: Evidence) -> Iterator[Mismatch]:
    """A stream has only SSE fields and comments. Each event is one JSON object and ends with a blank line; there is no [DONE].

    Every event is a part of an answer: a heartbeat as an empty object makes Google's own client raise an error.

    right: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]},
      "[DONE]"
    ]
    """
    if evidence.exchange.status != 200:
        return
    faults = ("sse-framing",) if is_chat(evidence.exchange.request.url) else ("sse-framing", DONE)
    for fault in evidence.reply.faults:
        if fault.rule in faults:
            yield Mismatch(fault.at, "data: {...} and a blank line", None, fault.message)
    if evidence.reply.form in _STREAMS and has_answer(evidence):
        yield from _events_without_answer(evidence)


def _events_without_answer(evidence: Evidence) -> Iterator[Mismatch]:
    """Heartbeats: ``{}``, ``{"type": "ping"}``; a warning: ``{"candidates": []}``. A comment line is the way to keep a connection open."""
    last = len(evidence.reply.events) - 1
    for index, event in enumerate(evidence.reply.events):
        if not isinstance(event.value, dict) or error_of(event.value) is not None:
            continue
        if 0 < index < last and is_chunk(event.value) and not event.value.get("candidates"):
            message = "an event amid the answer has no candidate: was its text lost?"
            yield Mismatch(f"events[{index}]", "candidates", list(event.value), message, "warn")
            return
        if not is_chunk(event.value) or not any(event.value.values()):
            keys = ", ".join(list(event.value)[:8]) or "nothing"
            message = f"the event is no part of an answer: it has {keys}"
            severity: Severity = "warn" if is_chunk(event.value) else "error"
            yield Mismatch(f"events[{index}]", "candidates", list(event.value), message, severity)
            return


@rule("sse-requested", "error", any_call=True, of_events=True, needs=STREAM)
def sse_requested(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer is SSE if and only if the request has ``alt=sse``. A stream without it is a JSON array.
    A client that expects one form finds no answer in the other.

    asked: {"stream": true}
    right: [{"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}]
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    """
    form = evidence.reply.form
    if evidence.exchange.status != 200 or evidence.reply.error is not None:
        return
    is_known_unary = (
        evidence.transport == "unary" and evidence.exchange.headers
    )  # a page may hold the address of another call
    if form == "sse" and not wants_sse(evidence) and (knows_query(evidence) or is_known_unary):
        yield Mismatch("body", "JSON", "SSE", "the answer is an event stream, but none was requested")
    elif form in ("json", "array") and wants_sse(evidence):
        what = "one JSON object" if form == "json" else "a JSON array"
        yield Mismatch("body", "SSE", "JSON", f"an event stream was requested, but the answer is {what}")


@rule("stream-error", "error", is_cause=True, of_events=True, needs=FAILURE, stated_by=("error",))
def stream_error(evidence: Evidence) -> Iterator[Mismatch]:
    """No event of a stream is an error, unless the step expects one. The events before it are only a part of the answer.

    right: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    ]
    """
    if evidence.exchange.status != 200 or evidence.reply.form not in _STREAMS or evidence.reply.error is None:
        return
    for index, event in enumerate(evidence.reply.events):
        if (error := error_of(event.value)) is not None:
            reason = an_object(error).get("message") or an_object(error).get("status") or error
            yield Mismatch(f"events[{index}].error", None, error, f"the stream broke off with an error: {reason}")


@rule("stream-end", "error", of="answer", of_events=True, per_candidate=True, needs=STREAM)
def stream_end(evidence: Evidence) -> Iterator[Mismatch]:
    """A stream ends with a finish reason or a block reason. Content after it is only right if built-in tools ran. A warning if the
    reason comes several times. Without it, a part looks like the whole.

    right: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "Os"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": null}]}
    ]
    """
    reply = evidence.reply
    if not is_stream(evidence):
        return
    if reply.finish_reason is None and reply.block_reason is None:
        cut = f" ({evidence.exchange.fault})" if evidence.exchange.fault else ""
        message = f"the stream ended without a finishReason{cut}: it is incomplete"
        yield Mismatch("$.candidates[0].finishReason", "STOP", None, message)
    if _duplicate(evidence) is None:
        yield from _content_after_end(evidence)


def _content_after_end(evidence: Evidence) -> Iterator[Mismatch]:
    """What comes behind the first finish reason; where built-in tools ran, in steps, behind the last one."""
    is_shown = any(kind in part for part in evidence.reply.parts for kind in STEPS)
    in_steps = is_shown or evidence.reply.count("toolUsePromptTokenCount") > 0
    ended: dict[Json, int] = {}
    after: dict[Json, Mismatch] = {}
    again: list[Json] = []
    for at, event in enumerate(evidence.reply.events):
        for index, candidate in numbered(an_object(event.value).get("candidates")):
            if index in ended and any(
                part.get(kind) not in (None, "")
                for part in parts_of(candidate)
                for kind in (*OUTPUT, "thoughtSignature")
            ):
                message = f"content came after the finishReason in events[{ended[index]}]"
                found = Mismatch(f"events[{at}]", "nothing after the end", parts_of(candidate), message)
                after.setdefault(index, found)
            if reason(candidate.get("finishReason")):
                again += [at] if index in ended else []
                ended[index] = at if in_steps else ended.get(index, at)
                if in_steps:
                    after.pop(index, None)
    if after:
        yield from islice(after.values(), 1)
    elif again and not in_steps and not is_chat(evidence.exchange.request.url):
        message = f"the finishReason of events[{min(ended.values())}] comes again in events[{again[0]}]"
        yield Mismatch(f"events[{again[0]}]", "one finishReason", again, message, "warn")


@rule("stream-duplicate", "error", of_events=True, per_candidate=True, needs=SEVERAL_EVENTS)
def stream_duplicate(evidence: Evidence) -> Iterator[Mismatch]:
    """No two events in a row have the same text (20 characters and more) or the same picture. Sound may repeat: it may be silence.
    A warning if an event has the text (40 characters and more) of any earlier one. Clients append events, and show it twice.
    Not noticed where the second text was counted: the model wrote it twice. An event that comes again with the same counts is noticed at any length.

    right: [
      {"candidates": [{"content": {"parts": [{"text": "Oslo has a fjord. "}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "Bergen has seven hills."}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "Oslo has a fjord. "}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "Bergen has seven hills. "}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "Bergen has seven hills. "}]}}]}
    ]
    """
    if (found := _duplicate(evidence)) and not any(texts.repeated for texts in _texts(evidence).values()):
        before, index = found
        text = text_of(parts_of(candidate_of(evidence.reply.events[index].value)))
        message = f"the content of events[{before}] comes a second time"
        severity: Severity | None = None if index == before + 1 else "warn"
        yield Mismatch(f"events[{index}]", "the next piece", text[:200], message, severity)


_SHORTEST_DUPLICATE = 20
_SHORTEST_LATER = 40


@once
def _duplicate(evidence: Evidence) -> tuple[int, int] | None:
    """The indices of an event and of the first later one with the same content."""
    seen: dict[int, int] = {}
    last: Json = None
    for index, event in enumerate(evidence.reply.events if evidence.reply.form in _STREAMS else ()):
        parts = parts_of(candidate_of(event.value))
        content = [[part.get("text"), bool(part.get("thought")), _picture(part)] for part in parts]
        length, key = _length(parts), hash(str(content))
        before = seen.get(key, index) if length >= _SHORTEST_DUPLICATE else index
        is_near = before == index - 1 or (before < index and length >= _SHORTEST_LATER)
        if length > 1 and event.value == last and "totalTokenCount" in an_object(event.value.get("usageMetadata")):
            return index - 1, index
        if is_near and not _is_counted(evidence, index, length):
            return before, index
        last = event.value
        seen[key] = index
    return None


_MOST_CHARACTERS = 8
"""Characters a token, in a text that was counted."""


def _is_counted(evidence: Evidence, index: int, length: int) -> bool:
    """Whether the counts of an event grow as by a text of this length: the model wrote it."""
    usages = (
        an_object(an_object(event.value).get("usageMetadata")) for event in evidence.reply.events[index - 1 : index + 1]
    )
    names = ("candidatesTokenCount", "thoughtsTokenCount")
    before, after = (sum(number(usage.get(name)) or 0 for name in names) for usage in usages)
    return after - before >= length / _MOST_CHARACTERS


def _picture(part: Mapping[str, Json]) -> Json:
    blob = an_object(part.get("inlineData"))
    return blob.get("data") if str(blob.get("mimeType")).startswith("image/") else None


def _length(parts: Sequence[Mapping[str, Json]]) -> int:
    """Characters of text and of pictures."""
    texts = (part.get("text") or _picture(part) for part in parts)
    return sum(len(text) for text in texts if isinstance(text, str))


@rule("stream-delta", "error", of_events=True, per_candidate=True, needs=SEVERAL_EVENTS)
def stream_delta(evidence: Evidence) -> Iterator[Mismatch]:
    """Chunks are deltas: the last one does not repeat the whole text, and chunks do not each repeat the text so far.
    Clients append them, and show the text twice. A warning if a chunk begins with the end of the one before (12 characters and more).

    right: [
      {"candidates": [{"content": {"parts": [{"text": "The capital "}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "is Oslo."}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "The capital "}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "The capital is Oslo."}]}}]}
    ]
    """
    for kind, texts in _texts(evidence).items():
        if texts.repeated or texts.halves > 1:
            what = texts.repeated or f"{texts.halves} chunks have their text twice"
            yield Mismatch(kind, "deltas", texts.last[:200], f"{kind}: {what}")
        elif texts.overlap and _duplicate(evidence) is None:
            message = f"{kind}: a chunk begins with the end of the one before: {texts.overlap[:40]!r}"
            yield Mismatch(kind, "deltas", texts.overlap[:200], message, "warn")


class _Texts(Struct):
    """The texts of one kind in a stream, without the texts between the first and the last: a long stream is not held twice.

    ``grows``: each begins with the one before. ``repeated``: what comes again, in words. ``glued``: joints between letters;
    ``doubled``: joints with two blanks; ``torn``: with the end of a line within a sentence; ``bare``: without a blank behind a
    sentence or a comma; ``halves``: texts that are one piece twice;
    ``parted``: a joint has a blank; ``around``: the first joint; ``overlap``: what stands on both of its sides. ``at``: the index of the last event with text.
    """

    count: int = 0
    length: int = 0
    blanks: int = 0
    first: str = ""
    last: str = ""
    grows: bool = True
    repeated: str = ""
    glued: int = 0
    doubled: int = 0
    torn: int = 0
    bare: int = 0
    halves: int = 0
    parted: bool = False
    around: str = ""
    overlap: str = ""
    at: int = 0
    lines: int = 0

    def add(self, text: str) -> None:
        if self.count:
            self.grows = self.grows and len(self.last) < len(text) and text.startswith(self.last)
            end, start = self.last[-1], text[0]
            self.parted = self.parted or end.isspace() or start.isspace()
            self.glued += (end.isalnum() or end in ",.:;!?") and start.isalpha()
            self.bare += start.isalpha() and (
                end in ",;!?" or (end == "." and start.isupper() and self.last[-2:-1].islower())
            )
            joint = f"{self.last[-2:-1]}{end}{text[:2]}"
            self.torn += re.fullmatch(r".?\n(?:[',.].?| [^ ]| ?)|(?s:[ ]\n[a-z].?)", joint) is not None
            is_word = not (self.last.isspace() or text.isspace())
            self.doubled += is_word and (end == " " == start or (end != "\n" and text[:2] == "  " < text[2:3]))
            self.overlap = self.overlap or _overlap(self.last, text)
            self.around = self.around or f"{self.last[-20:]}{text[:20]}"
        half = len(text) // 2
        self.halves += half >= _SHORTEST_REPEAT and text[:half] == text[half:]
        self.count += 1
        self.lines += text[-1] == "\n"
        self.length += len(text)
        self.blanks += text.count(" ")
        self.first, self.last = self.first or text, text


def _overlap(before: str, text: str) -> str:
    """The end of a chunk with which the next one begins; empty if it is short, of few letters, the whole chunk, or comes thrice."""
    at = before.rfind(text[:_SHORTEST_REPEAT]) if len(text) >= _SHORTEST_REPEAT else -1
    found = before[at:] if at > 0 and text.startswith(before[at:]) and (before + text).count(before[at:]) == 2 else ""
    return found if len(set(filter(str.isalpha, found))) > 5 else ""


@once
def _texts(evidence: Evidence) -> Mapping[str, _Texts]:
    found = {"text": _Texts(), "thoughts": _Texts()} if evidence.reply.form in _STREAMS else {}
    for at, event in enumerate(evidence.reply.events if found else ()):
        parts = parts_of(candidate_of(event.value))
        for kind, texts in found.items():
            if text := text_of(parts, thought=kind == "thoughts"):
                texts.add(text)
                texts.at = at
    for kind, texts in found.items():
        before = texts.length - len(texts.last)
        others = islice(_pieces(evidence, kind), texts.count - 1) if texts.count > 1 else ()
        is_whole = others and _SHORTEST_REPEAT <= before <= len(texts.last) and texts.last.startswith("".join(others))
        if is_whole and not (before == len(texts.last) and _is_counted(evidence, texts.at, before)):
            texts.repeated = "the last chunk repeats the whole text"
        elif not texts.grows or texts.last.isalnum() > any(map(str.isalpha, texts.last)):  # 1, 10, 100 are numbers
            continue
        elif others and (texts.count > 2 or len(texts.first) >= _SHORTEST_REPEAT):
            texts.repeated = "each chunk repeats the text so far"
    return found


def repeats(evidence: Evidence) -> bool:
    """Whether the events repeat their texts, which a rule about streams reports."""
    is_stream = len(evidence.reply.events) > 1
    return is_stream and (_duplicate(evidence) is not None or any(one.repeated for one in _texts(evidence).values()))


def _pieces(evidence: Evidence, kind: str) -> Iterator[str]:
    for event in evidence.reply.events:
        if text := text_of(parts_of(candidate_of(event.value)), thought=kind == "thoughts"):
            yield text


_FEWEST_JOINTS = 4
_BLANKS = 15
"""Characters to a blank in a text of words, at most."""


@rule("stream-blanks", "warn", of_events=True, per_candidate=True, needs=SEVERAL_EVENTS)
def stream_blanks(evidence: Evidence) -> Iterator[Mismatch]:
    """The events of a stream keep the blanks at their ends: in a text of words, some events begin or end with one.
    Four and more joints without any, between letters, are noticed, and as many with a blank on both sides, where something added one.
    Clients join the events, and words run together.

    right: [
      {"candidates": [{"content": {"parts": [{"text": "Oslo has a"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": " long fjord,"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": " many small"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": " islands and"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": " trams to the forest."}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"text": "Oslo has a"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "long fjord,"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "many small"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "islands and"}]}}]},
      {"candidates": [{"content": {"parts": [{"text": "trams to the forest."}]}}]}
    ]
    """
    texts = _texts(evidence).get("text", _Texts())
    is_bare = texts.bare and len(re.findall(r"[,;!?][^\W\d_]", evidence.reply.text)) <= texts.bare
    is_glued = texts.glued >= min(_FEWEST_JOINTS, max(2, texts.count - 1)) or (is_bare and not repeats(evidence))
    if is_glued and not texts.parted and texts.length <= _BLANKS * texts.blanks:
        message = f"no event begins or ends with a blank, so words run together: {texts.around!r}"
        yield Mismatch("text", "blanks between events", texts.around, message)
    elif texts.lines == texts.count > _FEWEST_JOINTS:
        message = f"each of {texts.count} events ends with a line break: something on the way added it"
        yield Mismatch("text", "line breaks of the text", texts.around, message)
    elif texts.doubled >= _FEWEST_JOINTS or max(texts.doubled, texts.torn) > max(1, texts.count // 2):
        what = "two blanks" if texts.doubled >= texts.torn else "the end of a line within a sentence"
        message = f"{max(texts.doubled, texts.torn)} joints of events have {what}: something on the way added it to each event"
        yield Mismatch("text", "one blank between events", texts.around, message)
