"""Lawful changes: what two healthy answers may differ in. No rule may speak after one."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from harness.answer.reply import parts_of
from harness.gemini import schemas
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import lawful


def _shuffled(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: value[key] if key == "args" else _shuffled(value[key], random) for key in keys}
    return [_shuffled(item, random) for item in value] if isinstance(value, list) else value


@lawful()
def nothing(d: Draft) -> None:
    """Written again as it was read."""
    d.raw = d.bytes()
    d.headers["x-again"] = "1"


@lawful()
def keys_reordered(d: Draft) -> None:
    d.events = [_shuffled(event, d.random) for event in d.events]


@lawful()
def zeros_left_out(d: Draft) -> None:
    for event in d.events:
        for candidate in event.get("candidates", ()):
            if candidate.get("index") == 0:
                del candidate["index"]
        usage = event.get("usageMetadata", {})
        for name in [name for name, value in usage.items() if value in (0, [], {})]:
            del usage[name]


@lawful()
def zeros_written(d: Draft) -> None:
    for candidate in d.candidates():
        candidate["index"] = 0
    usage = d.usage
    for name in ("thoughtsTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount"):
        usage.setdefault(name, 0)


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if type(value) is int else value


@lawful()
def integers_as_floats(d: Draft) -> None:
    """``1.0`` for ``1``, as some languages write every number."""
    d.events = [_as_floats(event) for event in d.events]


@lawful(but="wire-known")
def unknown_fields(d: Draft) -> None:
    need(d.status == 200)
    for place in (d.events[0], d.usage, d.last, *d.events):
        place["addedNextYear"] = {"value": [1, "two"]}


@lawful()
def white_space(d: Draft) -> None:
    need(d.form in ("json", "array"))
    value = d.events if d.form == "array" else d.events[0]
    d.raw = b"\n " + json.dumps(value, indent=d.random.choice([1, 2, 4])).encode() + b"\n"


@lawful()
def escapes(d: Draft) -> None:
    d.raw = json.dumps(d.events[0]).encode()
    if d.streams:
        lines = [json.dumps(event) for event in d.events]
        text = f"[{','.join(lines)}]" if d.form == "array" else "".join(f"data: {line}\r\n\r\n" for line in lines)
        d.raw = text.encode()


@lawful()
def ends_of_lines(d: Draft) -> None:
    need(d.form == "sse")
    d.eol = d.random.choice(["\n", "\r\n", "\r"])
    d.headers["x-again"] = "1"


@lawful()
def comments_in_the_stream(d: Draft) -> None:
    need(d.form == "sse")
    pieces = [f"data: {json.dumps(event)}\r\n\r\n" for event in d.events]
    for _ in range(3):
        pieces.insert(
            d.random.randrange(len(pieces) + 1),
            d.random.choice([": keep-alive\r\n\r\n", ":\r\n", "retry: 3000\r\n\r\n"]),
        )
    d.raw = "".join(pieces).encode()


@lawful()
def ids_of_events(d: Draft) -> None:
    need(d.form == "sse")
    d.raw = "".join(f"id: {n}\ndata: {json.dumps(event)}\n\n" for n, event in enumerate(d.events)).encode()


@lawful()
def values_over_several_lines(d: Draft) -> None:
    need(d.form == "sse")
    lines = ["".join(f"data: {line}\n" for line in json.dumps(event, indent=1).splitlines()) for event in d.events]
    d.raw = "\n".join([*lines, ""]).encode()


def _mergeable(before: Object, after: Object) -> bool:
    """Whether two events hold one text part each, of one kind, and nothing that would be lost."""
    texts = [parts_of(candidate) for event in (before, after) for candidate in event.get("candidates", ())]
    return (
        len(texts) == 2
        and all(len(parts) == 1 and set(parts[0]) == {"text"} for parts in texts)
        and not before["candidates"][0].get("finishReason")
    )


@lawful()
def events_merged(d: Draft) -> None:
    need(d.streams)
    for at in range(len(d.events) - 1, 0, -1):
        before, after = d.events[at - 1 : at + 1]
        if _mergeable(before, after):
            text = parts_of(before["candidates"][0])[0]["text"]
            part = parts_of(after["candidates"][0])[0]
            part["text"] = text + part["text"]
            del d.events[at - 1]
    need(d.events)


@lawful()
def events_split(d: Draft) -> None:
    """A text in two events, the border anywhere."""
    need(d.streams and d.status == 200)
    found = [
        n
        for n, event in enumerate(d.events)
        if any(_is_long(part) for one in event.get("candidates", ()) for part in parts_of(one))
    ]
    at = d.random.choice(found)
    event = d.events[at]
    need(len(event["candidates"]) == 1 and len(parts_of(event["candidates"][0])) == 1)
    part = parts_of(event["candidates"][0])[0]
    border = d.random.randrange(1, len(part["text"]))
    first = {key: value for key, value in event.items() if key in ("modelVersion", "responseId", "usageMetadata")}
    head = {"text": part["text"][:border]}
    part["text"] = part["text"][border:]
    d.events.insert(at, {"candidates": [{"content": {"role": "model", "parts": [head]}, "index": 0}], **first})


def _is_long(part: Object) -> bool:
    return len(part.get("text") or "") > 20 and not part.get("thought")


@lawful()
def empty_last_text(d: Draft) -> None:
    """Google often sends the finish reason with an empty text."""
    need(d.streams)
    d.stopped()
    last = d.last
    need(not any("functionCall" in part for part in parts_of(last)))
    reason = last.pop("finishReason")
    copied = {key: value for key, value in d.events[-1].items() if key != "candidates"}
    end = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": reason, "index": 0}
    need(d.events[-1].get("candidates") == [last] and not last.get("groundingMetadata"))
    d.events.append({"candidates": [end], **copied})


@lawful()
def dated_version(d: Draft) -> None:
    need(d.model[-1:].isalpha() and "preview" not in d.model)
    need(d.status == 200 and all(event.get("modelVersion") == d.model for event in d.events))
    for event in d.events:
        event["modelVersion"] += "-001"


@lawful()
def low_ratings(d: Draft) -> None:
    d.stopped()
    d.last["safetyRatings"] = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]


def _is_shaped(d: Draft) -> bool:
    """Whether the request says what the text may be."""
    return schemas.json_mode(d.body) or schemas.requested_type(d.body) == "text/x.enum"


# --- healthy answers of public reports --------------------------------------------------------------------


@lawful("03t-parallel-calls-own-chunks")
def calls_in_events_of_their_own(d: Draft) -> None:
    need(d.streams)
    at = next(
        n
        for n, event in enumerate(d.events)
        for one in event["candidates"]
        if sum("functionCall" in p for p in parts_of(one)) > 1
    )
    event = d.events[at]
    candidate = event["candidates"][0]
    parts = parts_of(candidate)
    candidate["content"] = {"role": "model", "parts": parts[-1:]}
    before = [
        {**event, "candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in parts[:-1]
    ]
    d.events[at:at] = before


@lawful("05t-flex-cost")
def flex_asked_and_served(d: Draft) -> None:
    d.stopped()
    need("serviceTier" in d.usage)
    tier = d.random.choice(["flex", "priority", "standard"])
    d.put(tier, "serviceTier")
    for event in d.events:
        if "usageMetadata" in event:
            event["usageMetadata"]["serviceTier"] = tier


@lawful("06b-surrogate-pair-split-over-events")
def emoji_over_two_events(d: Draft) -> None:
    need(d.form == "sse" and not _is_shaped(d))
    need(not any(one.get("groundingMetadata") for one in d.candidates()))
    at = next(n for n in range(len(d.events) - 1) if _mergeable(d.events[n], d.events[n + 1]))
    before, after = (parts_of(event["candidates"][0])[0] for event in d.events[at : at + 2])
    before["text"] += "\ud83d"
    after["text"] = "\ude00" + after["text"]
    d.raw = "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in d.events).encode()


@lawful("07a-control-characters-in-answer")
def control_characters(d: Draft) -> None:
    need(not _is_shaped(d) and not any(one.get("groundingMetadata") for one in d.candidates()))
    d.parts("text")[-1]["text"] += " \x1b[31mred\x1b[0m \x07 ]]> \n::error::not a command"


@lawful("08a-tools-combined-healthy")
def search_beside_functions(d: Draft) -> None:
    d.stopped()
    need(d.declarations() and d.generation >= (3, 0) and d.get("toolConfig", "functionCallingConfig", "mode") is None)
    d.put([*d.body["tools"], {"googleSearch": {}}], "tools")
    d.put(True, "toolConfig", "includeServerSideToolInvocations")


@lawful("09t-maps-healthy")
def grounded_on_maps(d: Draft) -> None:
    d.stopped()
    need(d.form == "json" and len(d.text) > 20 and not d.last.get("groundingMetadata") and len(d.parts("text")) == 1)
    need(len(d.last["content"]["parts"]) == 1)
    end = len(d.text[:12].encode())
    segment = {"startIndex": 0, "endIndex": end, "text": d.text[:12]}
    d.put([*(d.get("tools") or []), {"googleMaps": {"enableWidget": True}}], "tools")
    place = {"uri": "https://maps.google.com/?cid=1", "title": "Café", "placeId": "places/abc"}
    d.last["groundingMetadata"] = {
        "groundingChunks": [{"maps": place}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
        "googleMapsWidgetContextToken": "widgetcontent/abc",
    }


@lawful("10a-draft-images-counted")
def draft_before_the_picture(d: Draft) -> None:
    pictures = [part for part in d.parts("inlineData") if part["inlineData"]["mimeType"].startswith("image/")]
    d.put({"includeThoughts": True}, "generationConfig", "thinkingConfig")
    content = d.carriers("inlineData")[0]["content"]
    content["parts"].insert(0, {"inlineData": dict(pictures[0]["inlineData"]), "thought": True})
    need(len(d.reply.inline_data) == len(pictures))


@lawful("15a-partial-args")
def arguments_in_pieces(d: Draft) -> None:
    """As Vertex streams them."""
    need(d.form == "sse" and len(d.parts("functionCall")) == 1)
    call = d.call()
    at = next(
        n
        for n, event in enumerate(d.events)
        for one in event["candidates"]
        if any("functionCall" in part for part in parts_of(one))
    )
    (candidate,) = d.events[at]["candidates"]
    (part,) = parts_of(candidate)
    args = call["args"]
    need(args and all(isinstance(value, str) and value for value in args.values()))
    pieces = [{"name": call["name"], "willContinue": True}]
    pieces += [
        {"partialArgs": [{"jsonPath": f"$.{name}", "stringValue": value}], "willContinue": True}
        for name, value in args.items()
    ]
    rest = {key: value for key, value in d.events[at].items() if key in ("modelVersion", "responseId")}
    heads = [{"functionCall": piece} for piece in pieces]
    heads[0] |= {key: value for key, value in part.items() if key == "thoughtSignature"}
    d.events[at:at] = [
        {"candidates": [{"content": {"role": "model", "parts": [head]}, "index": 0}], **rest} for head in heads
    ]
    candidate["content"]["parts"] = [{"functionCall": {}}]
    for event in d.events:
        event["createTime"] = "2026-11-20T10:11:12.123456Z"
    need([one.get("args") for one in d.reply.function_calls] == [args])


@lawful("17t-real-accents")
def accents(d: Draft) -> None:
    need(not _is_shaped(d) and d.status == 200)
    need(not any(one.get("groundingMetadata") for one in d.candidates()))
    words = d.random.choice(["São Paulo, 30 °C, ação", "Crăciun, însă pâine", "Ângela À bientôt", "Ünïcödé ÷"])
    d.parts("text")[-1]["text"] += f" {words}"


@lawful()
def number_enums_as_asked(d: Draft) -> None:
    need(d.status == 200 and d.last["finishReason"] == "STOP" and "safetyRatings" not in json.dumps(d.events))
    d.url += ("&" if "?" in d.url else "?") + "%24alt=json%3Benum-encoding%3Dint"
    d.last["finishReason"] = 1


@lawful()
def arguments_that_are_null(d: Draft) -> None:
    call = d.call()
    need("eclarations" not in json.dumps(d.body) and isinstance(call.get("args"), dict))
    call["args"]["more"] = None


@lawful()
def text_that_names_keys(d: Draft) -> None:
    d.stopped()
    need(not d.get("generationConfig", "responseMimeType") and "groundingMetadata" not in d.last)
    d.parts("text")[-1]["text"] += ' In JSON: {"text": null, "role": "null", "finishReason": 1}.'


@lawful()
def data_without_a_blank(d: Draft) -> None:
    need(d.form == "sse")
    d.raw = d.bytes().replace(b"data: {", b"data:{")


@lawful()
def named_events_and_retry(d: Draft) -> None:
    need(d.form == "sse")
    d.raw = b"retry: 1000\r\n\r\n" + d.bytes().replace(b"data: {", b"event: message\r\ndata: {")
