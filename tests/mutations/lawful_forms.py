"""Lawful changes of form: how two programs write the same answer, and what two services leave out of it."""

from __future__ import annotations

import json
import re
from copy import deepcopy

from harness.answer.reply import parts_of
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import lawful


def _written(d: Draft, *replaced: tuple[str, str]) -> None:
    """Write the events again, with these characters replaced."""
    need(d.exchange.verbatim)
    raw = d.bytes().decode()
    for old, new in replaced:
        raw = raw.replace(old, new)
    d.raw = raw.encode()


def _lines(d: Draft, *forms: str) -> None:
    """Write the events of a stream in these forms in turn."""
    need(d.form == "sse")
    pieces = (forms[index % len(forms)].format(json.dumps(event)) for index, event in enumerate(d.events))
    d.raw = "".join(pieces).encode()


def _plain(d: Draft) -> None:
    d.stopped()
    need("groundingMetadata" not in json.dumps(d.events))


def _single(d: Draft) -> tuple[int, Object]:
    """Place and part of an event that holds one text only, before the end."""
    need(d.streams)
    _plain(d)
    for index, event in enumerate(d.events[:-1]):
        parts = [part for candidate in event.get("candidates", ()) for part in parts_of(candidate)]
        if len(parts) == 1 and parts[0].keys() == {"text"} and len(parts[0]["text"]) > 20:
            return index, parts[0]
    need(False)
    raise AssertionError


@lawful(but="usage-details candidates-count")
def answer_alone(d: Draft) -> None:
    """As a file that holds no requests: then nobody knows which tools ran, and which form was asked for."""
    d.body = {}


@lawful()
def argument_that_trails_off(d: Draft) -> None:
    args = d.call()["args"]
    name = next(name for name, value in args.items() if isinstance(value, str) and " " in value)
    args[name] += "..."


@lawful()
def slashes_escaped(d: Draft) -> None:
    _written(d, ("/", "\\/"))


@lawful()
def signs_of_html_escaped(d: Draft) -> None:
    _written(d, ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))


@lawful()
def content_type_in_other_letters(d: Draft) -> None:
    kind = d.headers["content-type"].partition(";")[0]
    d.headers["content-type"] = d.random.choice([f'{kind}; charset="utf-8"', f"{kind.title()};charset=UTF-8", kind])


@lawful()
def ends_of_lines_mixed(d: Draft) -> None:
    _lines(d, "data: {}\n\n", "data: {}\r\n\r\n")


@lawful()
def many_blank_lines(d: Draft) -> None:
    _lines(d, "\r\ndata: {}\r\n\r\n\r\n")


@lawful()
def comments_in_an_event(d: Draft) -> None:
    _lines(d, ": so far\nevent: message\ndata: {}\n: more\n\n")


@lawful()
def text_in_two_parts(d: Draft) -> None:
    _plain(d)
    candidate = d.random.choice(d.carriers("text"))
    parts = parts_of(candidate)
    at = next(index for index, part in enumerate(parts) if part.keys() == {"text"} and len(part["text"]) > 10)
    border = d.random.randrange(1, len(parts[at]["text"]))
    parts[at : at + 1] = [{"text": parts[at]["text"][:border]}, {"text": parts[at]["text"][border:]}]
    candidate["content"]["parts"] = parts


@lawful()
def signature_in_a_part_of_its_own(d: Draft) -> None:
    candidate = d.random.choice(d.carriers("text"))
    parts = candidate["content"]["parts"]
    at = next(index for index, part in enumerate(parts) if "text" in part and part.get("thoughtSignature"))
    own = d.random.choice([{"text": ""}, {}])
    parts.insert(at + 1, {**own, "thoughtSignature": parts[at].pop("thoughtSignature")})


@lawful()
def a_word_an_event(d: Draft) -> None:
    at, part = _single(d)
    words = re.findall(r"\s*\S+|\s+$", part["text"])
    copies = [deepcopy(d.events[at]) for _ in words]
    for copy, word in zip(copies, words, strict=True):
        parts_of(copy["candidates"][0])[0]["text"] = word
    d.events[at : at + 1] = copies


@lawful()
def all_in_one_event(d: Draft) -> None:
    need(d.form == "sse" and len(d.events) > 1)
    d.stopped()
    parts = [part for candidate in d.candidates() for part in parts_of(candidate)]
    last = deepcopy(d.events[-1])
    last["candidates"][0]["content"] = {"role": "model", "parts": parts}
    d.events = [last]


@lawful()
def reason_in_an_event_of_its_own(d: Draft) -> None:
    need(d.streams)
    _plain(d)
    reason, last = d.last["finishReason"], d.events[-1]
    need(last.get("candidates") == [d.last])
    del last["candidates"][0]["finishReason"]
    d.events.append({**last, "candidates": [{"finishReason": reason, "index": 0}]})


@lawful()
def counts_in_an_event_of_their_own(d: Draft) -> None:
    need(d.streams)
    d.stopped()
    d.events.append({"usageMetadata": d.events[-1].pop("usageMetadata")})


@lawful()
def counts_at_the_end_only(d: Draft) -> None:
    """As Vertex AI sends them. The Gemini API counts in every event."""
    need(d.streams and len(d.events) > 1 and d.usage)
    for event in d.events:
        event["createTime"] = "2026-11-20T10:11:12.123456Z"
    for event in d.events[:-1]:
        event.pop("usageMetadata", None)


@lawful()
def empty_texts_left_out(d: Draft) -> None:
    empty = [part for candidate in d.candidates() for part in parts_of(candidate) if part.get("text") == ""]
    need(empty)
    for part in empty:
        del part["text"]


TIERS = ("serviceTier", "trafficType")


@lawful()
def optional_fields_left_out(d: Draft) -> None:
    """Identity, roles and details, as old versions and some services leave them out."""
    need(d.status == 200)
    for event in d.events:
        event.pop("responseId", None)
        event.pop("modelVersion", None)
        for name in ("promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails", *TIERS):
            event.get("usageMetadata", {}).pop(name, None)
    for candidate in d.candidates():
        candidate.get("content", {}).pop("role", None)


@lawful()
def fields_of_vertex(d: Draft) -> None:
    d.stopped()
    for event in d.events:
        event["createTime"] = "2026-11-02T10:20:30.123456Z"
    d.last["avgLogprobs"] = d.random.choice([-0.12, "-Infinity", 0])
    scores = {"probabilityScore": 0.1, "severity": "HARM_SEVERITY_NEGLIGIBLE", "severityScore": 0.05, "blocked": False}
    d.last["safetyRatings"] = [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "NEGLIGIBLE", **scores}]


@lawful()
def empty_objects(d: Draft) -> None:
    _plain(d)
    d.last.update(groundingMetadata={}, citationMetadata={}, safetyRatings=[])
    d.events[-1]["promptFeedback"] = {}


@lawful()
def citation_in_the_text(d: Draft) -> None:
    d.stopped()
    need(len(d.text) > 30)
    d.last["citationMetadata"] = {"citationSources": [{"startIndex": 3, "endIndex": 20, "uri": "https://example.com/"}]}


@lawful()
def notice_of_the_end_of_a_model(d: Draft) -> None:
    d.stopped()
    d.events[-1]["modelStatus"] = {"modelStage": "STABLE", "retirementTime": "2027-05-07T00:00:00Z"}


@lawful()
def message_of_calls(d: Draft) -> None:
    d.stopped()
    d.one("functionCall")
    d.last["finishMessage"] = "Model generated function call(s)."


@lawful()
def defaults_requested(d: Draft) -> None:
    d.stopped()
    d.configure(temperature=1.0, topP=0.95, candidateCount=1, maxOutputTokens=65_536, stopSequences=["<<<never>>>"])
    d.put(False, "store")
    d.put([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}], "safetySettings")


@lawful()
def request_in_snake_case(d: Draft) -> None:
    d.body["generation_config"] = d.body.pop("generationConfig")


@lawful()
def words_that_programs_know(d: Draft) -> None:
    _plain(d)
    need(not d.get("generationConfig", "responseMimeType") and not d.get("generationConfig", "stopSequences"))
    ends = [
        " None of these apply.",
        ' In JavaScript, "undefined" is a value.',
        " 中文日本語。",
        " <b>bold</b> & more",
        " 100 %",
    ]
    d.parts("text")[-1]["text"] += d.random.choice(ends)


def _said(d: Draft, text: str) -> None:
    """Another text at the end of the answer, with its tokens."""
    d.stopped()
    need(not d.get("generationConfig") and not any(one.get("groundingMetadata") for one in d.candidates()))
    d.write(f"{d.text} {text}")
    d.recount(candidatesTokenCount=d.usage.get("candidatesTokenCount", 0) + len(text.encode()) // 4)


_RIGHT = ("Is that right? Or not? See https://a.example/search?q=1 and b?page=2.", "東京は日本の首都です。" * 9, "The status 429 means Too Many Requests.",
          "Est-ce vrai\u00a0? Oui\u00a0!", "$$\\nabla \\times \\rho \\theta \\neq 0$$", "`colou?r` and `a?b?c?d` match.", "Streams of OpenAI end with [DONE].")  # fmt: skip


@lawful()
def texts_that_look_broken(d: Draft) -> None:
    _said(d, d.random.choice(_RIGHT))
