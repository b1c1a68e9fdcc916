"""Faults of programs that read an answer and write it again: gateways, proxies, loggers."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from html import escape

from harness.answer.reply import parts_of
from harness.text.jsontext import objects_in
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _whole(d: Draft) -> None:
    need(d.status == 200 and d.exchange.verbatim)


def _rewritten(d: Draft, old: bytes, new: bytes) -> None:
    """Replace the first of these bytes in the body."""
    _whole(d)
    raw = d.bytes()
    need(old in raw)
    d.raw = raw.replace(old, new, 1)


def _signed(d: Draft) -> Object:
    found = [
        part for one in d.candidates() for part in parts_of(one) if len(str(part.get("thoughtSignature") or "")) > 200
    ]
    need(found and not d.exchange.provenance.simulated)
    return d.random.choice(found)


@fault("byte-order-mark", "json-body sse-framing")
def mark_before_the_body(d: Draft) -> None:
    _whole(d)
    d.raw = b"\xef\xbb\xbf" + d.bytes()


@fault("duplicate-key")
def reason_twice(d: Draft) -> None:
    _rewritten(d, b'"finishReason"', b'"finishReason": "MAX_TOKENS", "finishReason"')


@fault("duplicate-key")
def text_twice_in_a_part(d: Draft) -> None:
    _rewritten(d, b'"text":', b'"text": "", "text":')


@fault("duplicate-key")
def usage_twice(d: Draft) -> None:
    _rewritten(d, b'"usageMetadata"', b'"usageMetadata": {"totalTokenCount": 1}, "usageMetadata"')


@fault("enum-number")
def reason_as_a_number(d: Draft) -> None:
    _whole(d)
    need("enum-encoding" not in d.url)
    d.last["finishReason"] = 1


@fault("enum-number")
def modality_as_a_number(d: Draft) -> None:
    _whole(d)
    need("enum-encoding" not in d.url)
    d.usage["promptTokensDetails"][0]["modality"] = 1


@fault("null-field")
def absent_fields_of_a_part(d: Draft) -> None:
    _whole(d)
    d.one("text").update(functionCall=None, inlineData=None)


@fault("null-field")
def no_reason_yet(d: Draft) -> None:
    _whole(d)
    need(len(d.events) > 1)
    for candidate in d.candidates():
        candidate.setdefault("finishReason", None)


@fault("null-field")
def absent_counts(d: Draft) -> None:
    _whole(d)
    need("toolUsePromptTokenCount" not in d.usage)
    d.usage["toolUsePromptTokenCount"] = None


@fault("null-word")
def id_of_a_call(d: Draft) -> None:
    d.call()["id"] = d.random.choice(["null", "None", "undefined"])


@fault("null-word")
def id_of_the_answer(d: Draft) -> None:
    need(d.status == 200)
    for event in d.events:
        event["responseId"] = "null"


@fault("null-word", "null-word base64")
def signature_of_a_part(d: Draft) -> None:
    _signed(d)["thoughtSignature"] = "null"


@fault("foreign-id")
def id_of_another_api(d: Draft) -> None:
    need(d.status == 200)
    made_up = d.random.choice(["chatcmpl-9a8b7c", "msg_01AbC", "", "6f1c2a34-0b1c-4d5e-8f90-123456789abc"])
    for event in d.events:
        event["responseId"] = made_up


@fault("prompt-per-token", "prompt-per-token usage-present")
def prompt_of_another(d: Draft) -> None:
    d.stopped()
    texts = [part.get("text") or "" for turn in d.get("contents") for part in turn["parts"] if not part.get("thought")]
    need(not re.search("ata|ached", json.dumps(d.body)) and len("".join(texts)) > 300)
    d.recount(promptTokenCount=3)
    for name in ("cachedContentTokenCount", "cacheTokensDetails"):
        d.usage.pop(name, None)


@fault("prompt-per-token")
def prompt_far_too_long(d: Draft) -> None:
    d.stopped()
    need(not re.search("ata|ached", json.dumps(d.body)) and len(json.dumps(d.body)) < 2000)
    need(all("functionDeclarations" in tool or "function_declarations" in tool for tool in objects_in(d.get("tools"))))
    d.recount(promptTokenCount=90_000)


@fault("prompt-per-token")
def sound_in_a_prompt_of_text(d: Draft) -> None:
    need(d.status == 200 and not d.get("tools") and not re.search("ata|ached", json.dumps(d.body)))
    (detail,) = d.usage["promptTokensDetails"]
    detail["modality"] = d.random.choice(["AUDIO", "IMAGE", "VIDEO"])


@fault("usage-present")
def prompt_of_zero_tokens(d: Draft) -> None:
    need(d.status == 200 and d.usage.get("promptTokenCount"))
    d.recount(promptTokenCount=0)


@fault("candidate-count")
def index_below_zero(d: Draft) -> None:
    need(d.status == 200)
    for candidate in list(d.candidates()):
        candidate["index"] = -1


@fault("content-type")
def other_charset(d: Draft) -> None:
    need(d.status == 200 and d.exchange.verbatim and d.headers.get("content-type"))
    d.headers["content-type"] = d.headers["content-type"].partition(";")[0] + "; charset=ISO-8859-1"


@fault("safety-ratings")
def ratings_twice(d: Draft) -> None:
    need(d.last.get("safetyRatings"))
    d.last["safetyRatings"] *= 2


@fault("base64")
def url_safe_alphabet(d: Draft) -> None:
    blob = d.one("inlineData")["inlineData"]
    blob["data"] = blob["data"].replace("+", "-").replace("/", "_")


@fault("base64")
def no_padding(d: Draft) -> None:
    blob = d.one("inlineData")["inlineData"]
    blob["data"] = blob["data"].rstrip("=")


@fault("base64", "base64 inline-mime")
def encoded_twice(d: Draft) -> None:
    blob = d.one("inlineData")["inlineData"]
    need(len(blob["data"]) > 1000)
    blob["data"] = base64.b64encode(blob["data"].encode()).decode()


@fault("base64")
def signature_shortened(d: Draft) -> None:
    part = _signed(d)
    length = len(part["thoughtSignature"])
    need(part["thoughtSignature"][:1] in "CE")
    part["thoughtSignature"] = part["thoughtSignature"][: d.random.randrange(100, length - 4) // 4 * 4]


@fault("escaped-text")
def ends_of_lines_of_windows(d: Draft) -> None:
    d.stopped()
    need("\n" in d.text.strip() and "\\r" not in json.dumps(d.body))
    for part in d.parts("text"):
        part["text"] = part["text"].replace("\n", "\r\n")


@fault("escaped-text", "escaped-text json-parses")
def text_of_an_address(d: Draft) -> None:
    d.stopped()
    need(d.text.count(" ") > 3 and "://" not in d.text)
    d.write(d.text.strip().replace(" ", "%20").replace("\n", "%0A"))


@fault("escaped-text")
def arguments_for_a_page(d: Draft) -> None:
    call = d.call()
    need(isinstance(call.get("args"), dict) and any(isinstance(value, str) for value in call["args"].values()))
    name = next(name for name, value in call["args"].items() if isinstance(value, str))
    need(not re.search("[<>']", json.dumps(call["args"])))
    call["args"][name] += " &amp; &quot;more&quot;"


@fault("missing-value", "missing-value json-parses")
def word_at_the_end(d: Draft) -> None:
    d.stopped()
    need(re.search(r"[\w.!?]$", d.text) and "undefined" not in json.dumps(d.body))
    d.parts("text")[-1]["text"] += "undefined"


@fault("missing-value", "missing-value json-parses")
def object_for_text(d: Draft) -> None:
    d.stopped()
    d.write("[object Object]")


@fault("missing-value", "missing-value json-parses json-schema")
def word_for_text(d: Draft) -> None:
    d.stopped()
    word = d.random.choice(["None", "undefined"])
    need(word not in json.dumps(d.body))
    d.write(word)


@fault("unicode", "unicode grounding-segment")
def accents_apart(d: Draft) -> None:
    d.stopped()
    need(re.search("[\xe0-\xff]", d.text))
    for part in d.parts("text"):
        part["text"] = unicodedata.normalize("NFD", part["text"])


@fault("stream-blanks")
def blanks_stripped(d: Draft) -> None:
    need(d.status == 200 and d.streams)
    parts = d.parts("text")
    need(sum(" " in (part["text"][0], part["text"][-1]) for part in parts) > 4)
    for part in parts:
        part["text"] = part["text"].strip()
    need(d.text.count(" ") * 12 > len(d.text))


@fault("stream-blanks")
def blanks_added(d: Draft) -> None:
    need(d.status == 200 and d.streams)
    parts = d.parts("text")
    need(sum(part["text"][0] == " " for part in parts[1:]) > 4)
    for part in parts:
        part["text"] += " "


@fault("code-result")
def result_lost(d: Draft) -> None:
    d.stopped()
    need(any("codeExecution" in tool or "code_execution" in tool for tool in objects_in(d.get("tools"))))
    for candidate in d.carriers("codeExecutionResult"):
        parts = candidate["content"]["parts"]
        candidate["content"]["parts"] = [part for part in parts if "codeExecutionResult" not in part]


@fault("grounding-range", "grounding-range grounding-segment")
def segments_beyond_the_text(d: Draft) -> None:
    for support in d.grounding("groundingSupports"):
        segment = support["segment"]
        segment["startIndex"], segment["endIndex"] = 900_000, 900_010


@fault("grounding-range", "grounding-range grounding-segment")
def segments_reversed(d: Draft) -> None:
    found = [one["segment"] for one in d.grounding("groundingSupports") if one["segment"].get("startIndex")]
    segment = d.random.choice(found)
    segment["startIndex"], segment["endIndex"] = segment["endIndex"], segment["startIndex"]


@fault("grounding-support")
def supports_without_chunks(d: Draft) -> None:
    for support in d.grounding("groundingSupports"):
        support.pop("groundingChunkIndices")


@fault("grounding-support", "grounding-support grounding-segment")
def segments_without_their_end(d: Draft) -> None:
    for support in d.grounding("groundingSupports"):
        support["segment"].pop("endIndex")


@fault("grounding-support")
def segments_without_their_text(d: Draft) -> None:
    for support in d.grounding("groundingSupports"):
        support["segment"].pop("text")


@fault("grounding-uri")
def relative_addresses(d: Draft) -> None:
    found = [one["web"] for one in d.grounding("groundingChunks") if one.get("web")]
    d.random.choice(found)["uri"] = "/grounding-api-redirect/AbC"


@fault("null-field")
def list_that_is_empty(d: Draft) -> None:
    _whole(d)
    need(not d.last.get("citationMetadata"))
    d.last["citationMetadata"] = {"citationSources": []}


@fault("null-field")
def values_that_are_empty(d: Draft) -> None:
    _whole(d)
    d.events[-1]["modelVersion"] = ""


@fault("null-field")
def enum_for_no_value(d: Draft) -> None:
    _whole(d)
    open_ones = [one for one in d.candidates() if not one.get("finishReason")]
    need(open_ones)
    for one in open_ones:
        one["finishReason"] = "FINISH_REASON_UNSPECIFIED"


@fault("grounding-chunks")
def search_suggestions_lost(d: Draft) -> None:
    d.stopped()
    need(d.grounding("groundingChunks") and d.get("tools"))
    found = [
        one["groundingMetadata"] for one in d.candidates() if one.get("groundingMetadata", {}).get("webSearchQueries")
    ]
    need([one.pop("searchEntryPoint") for one in found] and any("googleSearch" in tool for tool in d.get("tools")))


@fault("code-result")
def language_lost(d: Draft) -> None:
    d.stopped()
    d.one("executableCode")["executableCode"].pop("language")


@fault("code-result")
def pages_read_are_left_out(d: Draft) -> None:
    d.stopped()
    need(d.usage.get("toolUsePromptTokenCount") and len(d.get("tools")) == 1)
    need([one.pop("urlContextMetadata") for one in d.candidates() if "urlContextMetadata" in one])


@fault("url-fetch-failed")
def status_of_a_page_lost(d: Draft) -> None:
    d.stopped()
    pages = [page for one in d.candidates() for page in (one.get("urlContextMetadata") or {}).get("urlMetadata", ())]
    need([page.pop("urlRetrievalStatus", None) for page in pages])


@fault("inline-mime")
def no_subtype(d: Draft) -> None:
    d.one("inlineData")["inlineData"]["mimeType"] = "image"


@fault("sse-requested")
def one_answer_as_an_event(d: Draft) -> None:
    _whole(d)
    need(not d.streams)
    d.raw = b"data: " + d.bytes() + b"\n\n"


@fault("escaped-code", "escaped-text")
def code_of_an_answer(d: Draft) -> None:
    d.stopped()
    need(
        d.parts("text")
        and not d.get("generationConfig", "responseMimeType")
        and "json" not in json.dumps(d.body).lower()
    )
    code = "```python\nif a < b and c > d:\n    print(a)\n```"
    d.write(f"{d.text}\n{escape(code)}" if d.random.random() < 0.5 else code.replace("\n", "\\n"))


@fault("escaped-suggestions", "grounding-chunks")
def suggestions_escaped(d: Draft) -> None:
    entries = [one["groundingMetadata"]["searchEntryPoint"] for one in d.candidates() if one.get("groundingMetadata")]
    need(entries and entries[-1]["renderedContent"][:1] == "<")
    shown = entries[-1]["renderedContent"]
    entries[-1]["renderedContent"] = d.random.choice([escape(shown), json.dumps(shown)[1:-1]])


@fault("maps-unasked", "tool-unasked")
def place_without_its_tool(d: Draft) -> None:
    d.stopped()
    need(d.get("contents") and d.get("tools") and not {"googleMaps", "google_maps"} & {*d.get("tools")[0]})
    need(len(d.get("tools")) == 1 and not d.get("cachedContent"))
    place = {"uri": "https://maps.google.com/?cid=1", "title": "Opera", "placeId": "places/1"}
    d.grounding("groundingChunks")[-1].update({"maps": place})
    d.grounding("groundingChunks")[-1].pop("web")


@fault("json-key-twice", "json-parses")
def key_of_a_json_answer_twice(d: Draft) -> None:
    d.stopped()
    need(isinstance(json.loads(d.text), dict) and d.get("generationConfig", "responseMimeType") == "application/json")
    name, value = next(iter(json.loads(d.text).items()))
    d.write(d.text.replace("{", json.dumps({name: value})[:-1] + ", ", 1))


@fault("null-of-a-schema", "json-schema")
def null_as_a_text(d: Draft) -> None:
    d.stopped()
    asked = d.get("generationConfig", "responseSchema")
    value = json.loads(d.text)
    name = next(name for name, item in value.items() if isinstance(item, str))
    asked["properties"][name]["nullable"] = True
    need("enum" not in asked["properties"][name])
    d.write(json.dumps({**value, name: "null"}))


@fault("page-in-an-error", "error-envelope")
def page_as_the_message(d: Draft) -> None:
    need(d.status >= 400 and d.form == "json")
    d.events[0]["error"]["message"] = d.random.choice(
        ["<html><head><title>502", "<!DOCTYPE html><html>", "<h1>Bad</h1>"]
    )


@fault("words-twice", "text-twice")
def each_word_twice(d: Draft) -> None:
    d.stopped()
    words = d.text.partition("\n")[0].split()
    need(not d.get("generationConfig", "responseMimeType") and len(set(words[:5])) > 3 and max(map(len, words[:5])) > 3)
    need(not re.search("repeat|twice|again|continue|quote|copy|song|sing", json.dumps(d.body)))
    d.write(" ".join(f"{word} {word}" for word in words))


@fault("media-type-in-capitals", "inline-mime")
def media_type_in_capitals(d: Draft) -> None:
    blob = d.one("inlineData")["inlineData"]
    blob["mimeType"] = blob["mimeType"].upper()
