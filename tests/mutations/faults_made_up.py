"""Faults of programs that make up, mask, wrap or move what they pass on."""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from typing import Any

from harness.answer.reply import parts_of
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _whole(d: Draft) -> None:
    need(d.status == 200 and d.exchange.verbatim)


def _prose(d: Draft) -> str:
    """The text of a whole answer that is no JSON, to a prompt in plain words."""
    _whole(d)
    d.stopped()
    need(d.parts("text") and not d.get("generationConfig", "responseMimeType"))
    need("ode" not in json.dumps(d.get("contents")) and not d.get("tools"))
    return d.text


def _signed(d: Draft) -> Object:
    _whole(d)
    found = [
        part for one in d.candidates() for part in parts_of(one) if len(str(part.get("thoughtSignature") or "")) > 200
    ]
    need(found)
    return d.random.choice(found)


def _metadata(d: Draft, name: str) -> list[Object]:
    """The grounding metadata that has a field."""
    _whole(d)
    d.stopped()
    found = [one["groundingMetadata"] for one in d.candidates() if (one.get("groundingMetadata") or {}).get(name)]
    need(found)
    return found


# --- ids, models, tiers, dates --------------------------------------------------------------------------


@fault("made-up-id", "foreign-id")
def id_of_a_call_of_another_api(d: Draft) -> None:
    _whole(d)
    need(d.call().get("id"))
    d.call()["id"] = d.random.choice(["call_AbCdEfGhIjKlMnOpQrStUvWx", "toolu_01A09q90qw90lq917835lq9"])


@fault("made-up-id", "foreign-id")
def name_for_an_id(d: Draft) -> None:
    _whole(d)
    call = d.call()
    need(call.get("id"))
    call["id"] = call["name"]


@fault("made-up-id", "foreign-id")
def id_of_a_log(d: Draft) -> None:
    _whole(d)
    found = d.random.choice(["4bf92f3577b34da6a3ce929d0e0e4736", "2026112917431234567890123abcDEfg", "resp_aBcD"])
    for event in d.events:
        event["responseId"] = found


@fault("alias-answers", "model-version")
def name_of_an_alias(d: Draft) -> None:
    _whole(d)
    d.ask("gemini-flash-latest")
    for event in d.events:
        event["modelVersion"] = "gemini-flash-latest"


@fault("tier-unasked", "service-tier")
def priority_unasked(d: Draft) -> None:
    _whole(d)
    need(d.usage.get("serviceTier") == "standard" and not d.get("serviceTier") and d.get("contents"))
    for event in d.events:
        event["usageMetadata"]["serviceTier"] = d.random.choice(["priority", "flex"])


@fault("date-of-nothing", "null-word response-id-stable")
def date_of_nothing(d: Draft) -> None:
    _whole(d)
    d.events[-1]["createTime"] = d.random.choice(["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])


@fault("time-moves", "response-id-stable")
def time_moves(d: Draft) -> None:
    _whole(d)
    need(len(d.events) > 1)
    d.events[0]["createTime"] = "2026-10-20T10:11:12.123456Z"
    d.events[-1]["createTime"] = "2026-11-20T10:11:12.123456Z"


@fault("injected-event", "response-id-stable")
def event_in_between(d: Draft) -> None:
    _whole(d)
    need(len(d.events) > 2 and all(event.get("responseId") for event in d.events))
    need(d.events[0]["candidates"][0].get("content") and d.events[-1]["candidates"][0].get("content"))
    d.events.insert(1, {"candidates": [{"content": {"parts": [{"text": " "}], "role": "model"}}]})


@fault("index-twice", "candidate-count")
def index_twice(d: Draft) -> None:
    d.stopped()
    need(d.form == "json" and "index" in d.last)
    d.configure(candidateCount=2)
    d.events[0]["candidates"].append(deepcopy(d.last))


# --- parts and signatures -------------------------------------------------------------------------------


@fault("parts-change-places", "part-kind")
def thoughts_behind_the_text(d: Draft) -> None:
    d.stopped()
    need(d.form == "json" and d.text)
    parts = d.last["content"]["parts"]
    need(all("text" in part for part in parts) and any(part.get("thought") for part in parts))
    parts.sort(key=lambda part: bool(part.get("thought")))


@fault("parts-change-places", "code-result")
def result_before_its_code(d: Draft) -> None:
    d.stopped()
    need(d.form == "json")
    parts = d.last["content"]["parts"]
    at = next(index for index, part in enumerate(parts) if "executableCode" in part)
    need("codeExecutionResult" in parts[at + 1])
    parts[at : at + 2] = parts[at + 1], parts[at]


@fault("call-announced", "finish-reason")
def announced_call_lost(d: Draft) -> None:
    _whole(d)
    d.stopped()
    need("function call" in d.last["finishMessage"])
    for candidate in d.carriers("functionCall"):
        candidate["content"]["parts"] = [{"text": "I look it up."}]


@fault("thought-signature")
def stand_in_for_a_signature(d: Draft) -> None:
    _signed(d)["thoughtSignature"] = "skip_thought_signature_validator"


@fault("base64")
def signature_in_other_letters(d: Draft) -> None:
    part = _signed(d)
    packed = base64.b64decode(part["thoughtSignature"] + "==")
    part["thoughtSignature"] = d.random.choice([packed.hex(), "6f1c2a34-0b1c-4d5e-8f90-123456789abc"])


@fault("base64")
def signature_encoded_twice(d: Draft) -> None:
    part = _signed(d)
    part["thoughtSignature"] = base64.b64encode(part["thoughtSignature"].encode()).decode()


# --- grounding and what the model lacks -----------------------------------------------------------------


@fault("queries-lost", "grounding-chunks")
def queries_lost(d: Draft) -> None:
    for metadata in _metadata(d, "webSearchQueries"):
        need(metadata.get("searchEntryPoint") and metadata.get("groundingChunks"))
        del metadata["webSearchQueries"]


@fault("supports-out-of-order", "grounding-support")
def supports_out_of_order(d: Draft) -> None:
    metadata = _metadata(d, "groundingSupports")[-1]
    need(len(metadata["groundingSupports"]) > 1)
    metadata["groundingSupports"].reverse()


@fault("supports-out-of-order", "grounding-support")
def supports_twice(d: Draft) -> None:
    _metadata(d, "groundingSupports")[-1]["groundingSupports"] *= 2


@fault("address-masked", "grounding-uri")
def address_masked(d: Draft) -> None:
    found = [one["web"] for one in d.grounding("groundingChunks") if one.get("web")]
    d.random.choice(found)["uri"] = d.random.choice(["https://***.com/***", "https://a.example/?a=1&amp;b=2"])


@fault("citation-range", "grounding-range")
def citation_below_zero(d: Draft) -> None:
    d.stopped()
    d.last["citationMetadata"] = {"citationSources": [{"startIndex": -4, "endIndex": 3}]}


@fault("input-lost")
def picture_not_passed_on(d: Draft) -> None:
    d.stopped()
    need(any("nline" in key for turn in d.get("contents") for part in turn["parts"] for key in part))
    d.write("I do not see an image attached. Please upload it.")


@fault("input-lost")
def search_not_passed_on(d: Draft) -> None:
    _prose(d)
    d.put([{"googleSearch": {}}], "tools")
    d.write("I'm sorry, but I don't have access to real-time information.")


# --- texts ----------------------------------------------------------------------------------------------


@fault("answer-written-out", "escaped-text")
def text_as_a_program_writes_it(d: Draft) -> None:
    text = _prose(d)
    part: Any = {"text": text}
    forms = [repr(text.encode()), str([part]), json.dumps({"parts": [part]}), f"data: {json.dumps(part)}"]
    d.write(d.random.choice(forms))


@fault("answer-written-out", "escaped-text")
def text_as_a_page(d: Draft) -> None:
    text = _prose(d).strip()
    need(text.count("\n") > 2)
    d.write(text.replace("\n", "<br>"))


@fault("answer-written-out", "escaped-text unicode")
def characters_as_codes(d: Draft) -> None:
    text = _prose(d)
    need(sum(ord(character) > 160 for character in text) > 1 and "`" not in text)
    d.write(text.encode("ascii", d.random.choice(["backslashreplace", "xmlcharrefreplace"])).decode())


@fault("escaped-text", "escaped-text text-per-token")
def sentences_glued(d: Draft) -> None:
    text = _prose(d).strip()
    need(text.count(".\n") > 3 and text.isascii())
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    need(sum(line[-2:-1].isalpha() and line.endswith(".") for line in lines) > 5)
    need(all(line[0].isupper() for line in lines))
    d.write("".join(lines))


@fault("error-as-text", "error-as-text json-parses grounding-segment")
def sentence_of_a_proxy(d: Draft) -> None:
    _prose(d)
    texts = ["upstream request timeout", "The model is overloaded. Please try again later.", "502 Bad Gateway"]
    d.write(d.random.choice(texts))


@fault("error-as-text", "error-as-text json-parses grounding-segment")
def page_of_a_proxy(d: Draft) -> None:
    _prose(d)
    page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    d.write(d.random.choice([page, "Error: upstream returned 503 Service Unavailable", "Your free quota is used up."]))


@fault("missing-value", "missing-value")
def shortened_by_a_log(d: Draft) -> None:
    text = _prose(d)
    need(len(text) > 60 and "truncated" not in json.dumps(d.body))
    d.write(f"{text[:50]}{d.random.choice(['... [truncated]', '...(1234 more bytes)'])}")


@fault("runs-on", "control-token")
def next_speaker(d: Draft) -> None:
    text = _prose(d)
    need("User:" not in json.dumps(d.body))
    d.write(f"{text}\nUser:")


@fault("mark-in-the-text", "unicode json-parses")
def mark_in_the_text(d: Draft) -> None:
    d.stopped()
    text = d.text
    d.write(d.random.choice([f"\ufeff{text}", f"{text[:5]}\0{text[5:]}"]))


@fault("text-twice", "text-twice")
def begins_again(d: Draft) -> None:
    text = _prose(d).strip()
    need(d.form == "json" and len(text) > 100 and text.count(text[:40]) == 1 and "\n" not in text)
    d.write(d.random.choice([f"{text[:60]}\n{text}", f"{text}\n{text[: len(text) * 2 // 3].rstrip('.!?')}"]))


# --- errors ---------------------------------------------------------------------------------------------


def _error(d: Draft) -> Object:
    need(d.status >= 400 and isinstance(d.events[0].get("error"), dict) and d.form == "json")
    found: Object = d.events[0]["error"]
    return found


@fault("error-rewritten", "error-envelope")
def details_are_no_list(d: Draft) -> None:
    _error(d)["details"] = d.random.choice(["[]", {"@type": "a"}, [{"reason": "a"}]])


@fault("error-rewritten", "error-envelope")
def no_message_but_a_word(d: Draft) -> None:
    _error(d)["message"] = d.random.choice(["undefined", "400 INVALID_ARGUMENT. {'error': {'code': 400}}"])


@fault("error-rewritten", "error-envelope")
def error_as_an_event(d: Draft) -> None:
    _error(d)
    need(":generateContent" in d.url)
    d.raw = f"data: {json.dumps(d.events[0])}\n\n".encode()
