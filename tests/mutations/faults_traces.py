"""Faults that show only in what belongs together: counts and content, sources and their segments, an event and its neighbours."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from copy import deepcopy

from harness.answer.reply import parts_of
from harness.text.jsontext import objects_in
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault, lawful


def _events_of_google(d: Draft) -> list[Object]:
    need(d.streams and d.status == 200 and len(d.events) > 2 and "createTime" not in d.events[0])
    need(all(event.keys() >= {"usageMetadata", "responseId", "modelVersion"} for event in d.events))
    need(sum(bool(parts_of(one)) for event in d.events[1:-1] for one in event["candidates"]))
    return d.events


@fault("fields-of-events", "usage-present")
def counts_in_the_last_event_only(d: Draft) -> None:
    for event in _events_of_google(d)[:-1]:
        del event["usageMetadata"]


@fault("fields-of-events", "model-version-stable")
def model_in_the_first_event_only(d: Draft) -> None:
    for event in _events_of_google(d)[1:]:
        del event["modelVersion"]


@fault("fields-of-events", "response-id-stable")
def id_in_the_first_event_only(d: Draft) -> None:
    for event in _events_of_google(d)[1:]:
        del event["responseId"]


@fault("empty-heartbeat", "sse-framing")
def event_with_no_candidate(d: Draft) -> None:
    need(d.form == "sse" and d.status == 200 and len(d.events) > 1)
    d.events.insert(1, {"candidates": []})


@fault("thought-leak", "usage-grows thought-leak json-parses")
def flag_lost_after_the_first_thought(d: Draft) -> None:
    d.stopped()
    need(d.streams and not d.get("tools") and all("trafficType" not in str(event) for event in d.events))
    _, *others = d.parts("text", thought=True)
    need(len(others) > 1 and sum(len(part["text"]) for part in others) > 80 and d.generation >= (2, 5))
    need(all((event.get("usageMetadata") or {}).get("thoughtsTokenCount") for event in d.events[:2]))
    for part in others:
        del part["thought"]


@fault("text-per-token")
def one_call_of_several_left(d: Draft) -> None:
    d.stopped()
    calls = d.parts("functionCall")
    need(len(calls) > 2 and not d.text and not any("partialArgs" in part["functionCall"] for part in calls))
    for candidate in d.carriers("functionCall"):
        parts = candidate["content"]["parts"]
        parts[:] = [part for part in parts if part not in calls[1:]]


def _pictures(d: Draft) -> list[Object]:
    """The details of the prompt, of a request that sends pictures in its turns."""
    d.stopped()
    details: list[Object] = d.usage["promptTokensDetails"]
    need(
        '"image/' in json.dumps(d.get("contents"))
        and "IMAGE" in str(details)
        and "esponse" not in str(d.get("contents"))
    )
    need("IMAGE" in str(details) and sum(one["tokenCount"] for one in details) == d.usage["promptTokenCount"])
    return details


@fault("picture-tokens", "media-counted")
def low_resolution_ignored(d: Draft) -> None:
    _pictures(d)
    d.body.get("generationConfig", {}).pop("media_resolution", None)
    d.configure(mediaResolution="MEDIA_RESOLUTION_LOW")
    need(d.generation >= (2, 0) and str(d.get("contents")).count("'image/") == 1 and d.usage["promptTokenCount"] > 250)
    need("280" not in str(d.usage))


@fault("picture-tokens", "media-counted")
def pictures_left_out(d: Draft) -> None:
    counted = next(one["tokenCount"] for one in _pictures(d) if one["modality"] == "IMAGE")
    turn = next(turn for turn in objects_in(d.get("contents")) if "'image/" in str(turn))
    picture = next(part for part in turn["parts"] if "'image/" in str(part))
    turn["parts"] += [deepcopy(picture) for _ in range(2 + counted // 120)]


@fault("blanks-at-the-end", "text-loop")
def lines_without_text(d: Draft) -> None:
    d.stopped()
    need(len(d.text) > 20 and not re.search(r"times|repeat|zero|same", str(d.get("contents")), re.IGNORECASE))
    d.write(d.text.rstrip() + "\n" * 300)


@fault("text-cut", "text-cut text-per-token")
def last_of_several_lines_cut(d: Draft) -> None:
    d.stopped()
    need(not d.get("generationConfig", "stopSequences") and "json" not in str(d.get("generationConfig")).lower())
    lines = [
        f"{line.split(':')[0]} is a matter that many people know well."
        for line in d.text.splitlines()
        if line.count(" ") > 3
    ]
    need(len(lines) > 3 and "`" not in d.text and lines[-1][:1].isalpha())
    d.write("\n".join(lines[:3]) + "\nThere is more to this than most people who live there kno")


@fault("thought-signature")
def signature_of_an_earlier_turn(d: Draft) -> None:
    signed = next(part for part in d.parts("functionCall") if part.get("thoughtSignature"))
    sent = [part for turn in objects_in(d.get("contents")) for part in objects_in(turn.get("parts"))]
    found = [value for part in sent for name in ("thoughtSignature", "thought_signature") if (value := part.get(name))]
    need(len(found[-1]) >= 40)
    signed["thoughtSignature"] = found[-1]


@fault("chunks-in-disorder", "grounding-support")
def indices_counted_from_the_end(d: Draft) -> None:
    last = len(d.grounding("groundingChunks")) - 1
    supports = d.grounding("groundingSupports")
    need(len({str(one["groundingChunkIndices"]) for one in supports}) > 1)
    for one in supports:
        one["groundingChunkIndices"] = [last - index for index in one["groundingChunkIndices"]]


@fault("chunks-in-disorder", "grounding-support")
def places_exchanged(d: Draft) -> None:
    chunks, supports = d.grounding("groundingChunks"), d.grounding("groundingSupports")
    need(len(chunks) > 1 and all("maps" in chunk for chunk in chunks))
    need(any(chunks[one["groundingChunkIndices"][0]]["maps"]["title"] in one["segment"]["text"] for one in supports))
    titles = [chunk["maps"] for chunk in chunks]
    for chunk, place in zip(chunks, [*titles[1:], titles[0]], strict=True):
        chunk["maps"] = place


@fault("cut-suggestions", "grounding-chunks")
def half_of_the_suggestions(d: Draft) -> None:
    found = next(one for one in d.candidates() if one.get("groundingMetadata", {}).get("searchEntryPoint"))
    entry = found["groundingMetadata"]["searchEntryPoint"]
    need(d.status == 200 and len(entry["renderedContent"]) > 100)
    entry["renderedContent"] = entry["renderedContent"][: len(entry["renderedContent"]) // 2].rstrip("> ")


@fault("foreign-sources", "tool-unasked")
def passages_in_the_place_of_pages(d: Draft) -> None:
    need(d.get("tools") and "fileSearch" not in str(d.get("tools")))
    for chunk in d.grounding("groundingChunks"):
        chunk["retrievedContext"] = {"text": "Oslo lies at a fjord.", **chunk.pop("web")}


@fault("foreign-sources", "grounding-uri")
def place_without_an_address(d: Draft) -> None:
    for chunk in d.grounding("groundingChunks"):
        del chunk["maps"]["uri"]


@fault("foreign-sources", "grounding-uri")
def passage_without_its_text(d: Draft) -> None:
    for chunk in d.grounding("groundingChunks"):
        need(chunk["retrievedContext"]["fileSearchStore"])
        chunk["retrievedContext"]["text"] = ""


@fault("foreign-sources", "grounding-uri")
def passage_of_another_store(d: Draft) -> None:
    need(d.body.get("tools"))
    for chunk in d.grounding("groundingChunks"):
        need(chunk["retrievedContext"]["text"])
        chunk["retrievedContext"]["fileSearchStore"] = "fileSearchStores/another-1"


@fault("foreign-sources", "url-fetch-failed")
def page_that_was_not_requested(d: Draft) -> None:
    need(len(d.get("tools")) == 1 and d.last["finishReason"] == "STOP")
    found = next(one["urlContextMetadata"] for one in d.candidates() if one.get("urlContextMetadata"))
    found["urlMetadata"][0]["retrievedUrl"] = "https://elsewhere.example/page"


def _sound(d: Draft) -> tuple[Object, bytes]:
    blob = next(part["inlineData"] for part in d.parts("inlineData") if part["inlineData"]["mimeType"][:6] == "audio/")
    data = b64decode(blob["data"])
    need(len(data) > 20_000)
    return blob, data


@fault("spoilt-sound", "inline-mime")
def half_a_sample(d: Draft) -> None:
    blob, data = _sound(d)
    blob |= {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": b64encode(data[44 : 44 + 20_001 - 44]).decode()}


@fault("spoilt-sound", "inline-mime")
def rate_of_the_samples_lost(d: Draft) -> None:
    blob, data = _sound(d)
    blob |= {"mimeType": "audio/L16", "data": b64encode(data[44:]).decode()}


@fault("spoilt-sound", "audio-length")
def silence(d: Draft) -> None:
    blob, data = _sound(d)
    blob["data"] = b64encode(data[:44] + bytes(len(data) - 44)).decode()


def _message(d: Draft) -> Object:
    need("chat/completions" in d.url and d.status == 200 and not d.streams)
    message: Object = d.events[0]["choices"][0]["message"]
    return message


@fault("chat-completion")
def role_of_gemini(d: Draft) -> None:
    _message(d)["role"] = "model"


@fault("chat-completion")
def object_of_the_old_api(d: Draft) -> None:
    need(_message(d))
    d.events[0]["object"] = "text_completion"


@fault("chat-completion")
def type_of_a_call_lost(d: Draft) -> None:
    del _message(d)["tool_calls"][0]["type"]


@fault("thinking-off")
def gemini_2_0_thinks(d: Draft) -> None:
    need(d.generation == (2, 0) and "exp" not in f"{d.model}{d.events[-1].get('modelVersion')}" and d.status == 200)
    d.recount(thoughtsTokenCount=70)


def _plain_prose(d: Draft) -> str:
    d.stopped()
    need("json" not in str(d.get("generationConfig")).lower() and len(d.text) > 60)
    d.put([{"role": "user", "parts": [{"text": "What do you know of it?"}]}], "contents")
    d.body.pop("system_instruction", None)
    d.put({"parts": [{"text": "Be brief."}]}, "systemInstruction")
    return d.text


@fault("wire-in-the-text", "control-token")
def event_in_the_text(d: Draft) -> None:
    text = _plain_prose(d)
    d.write(text[:40] + '\n\ndata: {"candidates": [{"content": {"parts": [{"text": "' + text[40:])


@fault("wire-in-the-text", "error-as-text")
def error_behind_the_text(d: Draft) -> None:
    text = _plain_prose(d)
    d.write(text[:60] + '{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}')


@fault("lost-characters", "unicode")
def question_marks_for_dashes(d: Draft) -> None:
    _plain_prose(d)
    d.write("The city ? an old one ? lies at a fjord ? a long one ? in the north.")


def _asked(d: Draft, prompt: str, answer: str) -> None:
    """Another question and its answer, in an exchange of text alone."""
    d.stopped()
    need(not d.streams and d.body.keys() <= {"contents", "generationConfig", "safetySettings"})
    need(
        "groundingMetadata" not in d.last
        and "ogprobs" not in str(d.last)
        and not d.get("generationConfig", "stopSequences")
    )
    need(all(part.keys() == {"text"} for part in parts_of(d.last)))
    for name in ("responseSchema", "responseJsonSchema", "responseMimeType", "maxOutputTokens"):
        need(not d.get("generationConfig", name))
    d.put([{"role": "user", "parts": [{"text": prompt}]}], "contents")
    d.write(answer)
    d.recount(promptTokenCount=len(prompt) // 4, candidatesTokenCount=len(answer) // 3)


@lawful()
def one_label_for_each_line(d: Draft) -> None:
    reviews = "\n".join(f"Review {letter * 3}: it works." for letter in "abcdefghijklmnopqrstuvwxyzabcdefghij")
    _asked(d, f"Judge each review:\n{reviews}", json.dumps(["positive"] * 36))


@lawful()
def a_grid_of_one_value(d: Draft) -> None:
    _asked(d, "Give me an empty grid of eight by eight cells as JSON, each false.", json.dumps([False] * 64))


@lawful()
def lines_without_an_end(d: Draft) -> None:
    _asked(
        d,
        "Write a verse.",
        "The moon is up above the quiet bay tonight\nand all the boats are lying in the silver light\nand no one speaks a word.\nThe tide goes out as slowly as it always did before\nand leaves its little lines of shell along the shore",
    )


@fault("chat-completion")
def time_in_milliseconds(d: Draft) -> None:
    need(_message(d) and d.events[0].get("created", 0) > 1)
    d.events[0]["created"] *= 1000


@fault("chat-completion")
def model_of_a_completion_lost(d: Draft) -> None:
    need(_message(d) and d.events[0].get("id"))
    d.events[0].pop("model")


@fault("chat-completion")
def tool_calls_lost(d: Draft) -> None:
    del _message(d)["tool_calls"]
    d.events[0]["choices"][0]["finish_reason"] = "tool_calls"
