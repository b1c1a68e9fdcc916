"""Faults of streams."""

from __future__ import annotations

import json
from copy import deepcopy

from harness.answer.reply import parts_of, text_of
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _sse(d: Draft) -> None:
    need(d.form == "sse" and d.exchange.verbatim and d.status == 200)


def _texts(d: Draft) -> list[Object]:
    """The text parts of a stream, one for each event with text alone."""
    need(d.streams and d.status == 200)
    found = [
        parts[0]
        for one in d.candidates()
        if len(parts := parts_of(one)) == 1 and parts[0].get("text") and not parts[0].get("thought")
    ]
    need(len(found) > 1)
    return found


def _line(value: object) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n".encode()


@fault("sse-framing")
def done_at_the_end(d: Draft) -> None:
    _sse(d)
    d.raw = d.bytes() + b"data: [DONE]\r\n\r\n"


@fault("sse-framing")
def junk_line(d: Draft) -> None:
    _sse(d)
    d.raw = b"upstream connected\r\n\r\n" + d.bytes()


@fault("sse-framing")
def no_blank_line_at_the_end(d: Draft) -> None:
    _sse(d)
    d.raw = d.bytes()[:-4]


@fault("sse-framing")
def no_blank_line_between(d: Draft) -> None:
    _sse(d)
    need(len(d.events) > 1)
    d.raw = d.bytes().replace(b"\r\n\r\ndata", b"\r\ndata")


@fault("sse-framing")
def torn_event(d: Draft) -> None:
    _sse(d)
    whole = _line(d.events[0])
    at = d.random.randrange(10, len(whole) - 10)
    d.raw = whole[:at] + b"\r\n\r\n" + whole[at:] + b"".join(map(_line, d.events[1:]))


@fault("sse-framing", "sse-framing json-body")
def literal_of_python(d: Draft) -> None:
    _sse(d)
    d.raw = b"".join(f"{_line(event)!r}\n".encode() for event in d.events)


@fault("heartbeat", "sse-framing json-body")
def empty_object(d: Draft) -> None:
    _sse(d)
    at = d.random.randrange(len(d.events) + 1)
    d.events.insert(at, {})


@fault("30e-empty-object-first", "sse-framing json-body")
def empty_object_first(d: Draft) -> None:
    _sse(d)
    d.events.insert(0, {})


@fault("30b-heartbeat-object", "sse-framing wire-known json-body")
def typed_heartbeat(d: Draft) -> None:
    _sse(d)
    d.events.insert(
        d.random.randrange(len(d.events)), {"type": d.random.choice(["heartbeat", "ping"]), "timestamp": 1764000000}
    )


@fault("30c-comment-inside-json", "sse-framing")
def comment_inside_an_event(d: Draft) -> None:
    _sse(d)
    first = _line(d.events[0])
    at = first.index(b'"')
    d.raw = first[:at] + b"\n: keep-alive\n\n" + first[at:] + b"".join(map(_line, d.events[1:]))


@fault("30d-empty-data-line", "sse-framing")
def empty_data_line(d: Draft) -> None:
    _sse(d)
    at = d.random.randrange(len(d.events))
    d.raw = b"".join(map(_line, d.events[:at])) + b"data:\r\n\r\n" + b"".join(map(_line, d.events[at:]))


@fault("sse-requested")
def array_instead(d: Draft) -> None:
    _sse(d)
    need("alt=sse" in d.url)
    d.form = "array"


@fault("sse-requested")
def one_object_instead(d: Draft) -> None:
    _sse(d)
    need("alt=sse" in d.url)
    d.raw = json.dumps(d.events[-1]).encode()


@fault("sse-requested")
def sse_unasked(d: Draft) -> None:
    need(d.form == "json" and d.exchange.verbatim and d.exchange.own and d.status == 200)
    d.form = "sse"


@fault("stream-error")
def breaks_off_with_an_error(d: Draft) -> None:
    need(d.streams and d.status == 200)
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    d.events.insert(d.random.randrange(1, len(d.events) + 1), error)


@fault("stream-end", "stream-end json-body")
def last_events_lost(d: Draft) -> None:
    need(d.streams and len(d.events) > 1 and d.last)
    d.events = d.events[: d.random.randrange(1, len(d.events))]
    need(not any(one.get("finishReason") for one in d.candidates()))


@fault("stream-end")
def end_without_a_reason(d: Draft) -> None:
    need(d.streams)
    for candidate in d.candidates():
        candidate.pop("finishReason", None)


@fault("stream-end")
def stop_in_every_chunk(d: Draft) -> None:
    need(len(_texts(d)) > 1 and not d.usage.get("toolUsePromptTokenCount"))
    need(not any(kind in json.dumps(d.events) for kind in ("executableCode", "toolCall")))
    for candidate in d.candidates():
        candidate["finishReason"] = "STOP"


@fault("stream-delta", "stream-delta stream-duplicate")
def snapshots(d: Draft) -> None:
    so_far = ""
    for part in _texts(d):
        so_far = part["text"] = so_far + part["text"]
    need(len(so_far) > 40)


@fault("stream-delta")
def whole_text_at_the_end(d: Draft) -> None:
    texts = _texts(d)
    need(len("".join(part["text"] for part in texts[:-1])) >= 12)
    texts[-1]["text"] = "".join(part["text"] for part in texts)


@fault("stream-duplicate", "stream-duplicate stream-delta json-parses")
def short_event_sent_twice(d: Draft) -> None:
    need(d.streams and d.status == 200)
    texts = [text_of(parts_of((event.get("candidates") or [{}])[0])).strip() for event in d.events[:-1]]
    at = d.random.choice([index for index, text in enumerate(texts) if 2 < len(text) < 20])
    need(d.events[at]["usageMetadata"]["totalTokenCount"])
    d.events.insert(at, deepcopy(d.events[at]))


@fault("stream-duplicate", "stream-duplicate stream-delta")
def event_sent_twice(d: Draft) -> None:
    need(d.streams and d.status == 200)
    places = [
        index
        for index, event in enumerate(d.events)
        if len(text_of(parts_of((event.get("candidates") or [{}])[0])).strip()) >= 20
        and not event["candidates"][0].get("finishReason")
    ]
    at = d.random.choice(places)
    d.events.insert(at, deepcopy(d.events[at]))


@fault("response-id-stable")
def response_id_moves(d: Draft) -> None:
    need(len(d.events) > 1 and all(event.get("responseId") for event in d.events))
    d.events[d.random.randrange(1, len(d.events))]["responseId"] = "another-answer"


@fault("model-version-stable", "model-version-stable")
def model_moves(d: Draft) -> None:
    need(len(d.events) > 1 and all(event.get("modelVersion") for event in d.events))
    other = "gemini-2.5-flash-lite" if d.events[0]["modelVersion"] != "gemini-2.5-flash-lite" else "gemini-2.5-flash"
    d.events[d.random.randrange(len(d.events) - 1)]["modelVersion"] = other


@fault("09b-maps-grounding-top-level", "wire-known")
def grounding_beside_the_candidates(d: Draft) -> None:
    need(d.status == 200)
    for event in d.events:
        for candidate in event.get("candidates", ()):
            if "groundingMetadata" in candidate:
                event["groundingMetadata"] = candidate.pop("groundingMetadata")
    need(any("groundingMetadata" in event for event in d.events))
