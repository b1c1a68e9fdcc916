"""Faults of single fields: parts, steps of tools, details of counts, log probabilities, ratings, and how they agree with the request."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

from harness.answer.reply import candidate_of, parts_of, text_of
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _received(d: Draft) -> list[Object]:
    return [part for candidate in d.candidates() for part in parts_of(candidate)]


def _without_tools(d: Draft) -> None:
    d.stopped()
    need(d.get("contents") and not d.get("tools") and not d.get("cachedContent"))


def _dropped(d: Draft, kind: str) -> None:
    """Every part of a kind is lost."""
    d.stopped()
    for candidate in d.carriers(kind):
        content = candidate["content"]
        content["parts"] = [part for part in content["parts"] if kind not in part]


def _details(d: Draft) -> list[Object]:
    d.stopped()
    found: list[Object] = d.usage["promptTokensDetails"]
    need(found and found[0]["tokenCount"] > 2)
    return found


# --- parts ----------------------------------------------------------------------------------------------


@fault("part-kind")
def text_in_the_part_of_a_call(d: Draft) -> None:
    d.stopped()
    d.one("functionCall")["text"] = "I call it."


@fault("part-kind", "part-kind code-result")
def code_in_the_part_of_a_text(d: Draft) -> None:
    d.stopped()
    d.one("text")["executableCode"] = {"language": "PYTHON", "code": "print(1)"}


@fault("code-result")
def code_lost(d: Draft) -> None:
    _dropped(d, "executableCode")


@fault("code-result")
def id_of_other_code(d: Draft) -> None:
    d.stopped()
    result = d.one("codeExecutionResult")["codeExecutionResult"]
    need(result.get("id"))
    result["id"] = "zzzzzzzz"


@fault("code-result")
def no_outcome(d: Draft) -> None:
    d.stopped()
    del d.one("codeExecutionResult")["codeExecutionResult"]["outcome"]


@fault("code-result")
def response_of_a_tool_lost(d: Draft) -> None:
    _dropped(d, "toolResponse")


@fault("code-result")
def call_of_a_tool_lost(d: Draft) -> None:
    _dropped(d, "toolCall")


@fault("thought-signature")
def one_signature_for_all_calls(d: Draft) -> None:
    first, *others = d.parts("functionCall")
    need(others and len(first["thoughtSignature"]) >= 40 and "willContinue" not in first["functionCall"])
    for part in others:
        part["thoughtSignature"] = first["thoughtSignature"]


@fault("tool-unasked")
def tokens_of_tools(d: Draft) -> None:
    _without_tools(d)
    d.recount(toolUsePromptTokenCount=d.random.randint(50, 900))


@fault("tool-unasked")
def pages_were_read(d: Draft) -> None:
    _without_tools(d)
    page = {"retrievedUrl": "https://example.com/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}
    d.last["urlContextMetadata"] = {"urlMetadata": [page]}


@fault("tool-unasked")
def code_ran(d: Draft) -> None:
    _without_tools(d)
    code = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}
    d.last["content"]["parts"][:0] = [code, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}]


@fault("tool-unasked")
def search_ran(d: Draft) -> None:
    need(d.grounding("groundingChunks") and not d.get("cachedContent") and d.get("contents"))
    d.put(None, "tools")


@fault("modality")
def picture_unasked(d: Draft) -> None:
    _without_tools(d)
    d.configure(responseModalities=["TEXT"])
    data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    d.last["content"]["parts"].append({"inlineData": {"mimeType": "image/png", "data": data}})


@fault("base64")
def data_left_out(d: Draft) -> None:
    need(d.exchange.verbatim)
    del d.one("inlineData")["inlineData"]["data"]


# --- the end --------------------------------------------------------------------------------------------


@fault("finish-message", "finish-reason")
def message_of_another_end(d: Draft) -> None:
    d.stopped()
    texts = ["Malformed function call: print(default_api.weather())", "The response violated the safety settings."]
    d.last["finishMessage"] = d.random.choice(texts)


@fault("finish-twice", "stream-end")
def reason_comes_again(d: Draft) -> None:
    need(d.streams and not d.usage.get("toolUsePromptTokenCount"))
    d.stopped()
    need(not any("executableCode" in part or "toolCall" in part for part in _received(d)))
    again = deepcopy(d.events[-1])
    again["candidates"][0]["content"] = {"role": "model", "parts": [{"text": ""}]}
    d.events.append(again)


@fault("output-limit")
def far_beyond_the_limit(d: Draft) -> None:
    d.stopped()
    spent = d.usage.get("candidatesTokenCount", 0)
    need(spent > 100)
    d.last["finishReason"] = "MAX_TOKENS"
    d.configure(maxOutputTokens=spent // 4)


# --- counts ---------------------------------------------------------------------------------------------


@fault("candidates-count")
def thoughts_left_out(d: Draft) -> None:
    d.stopped()
    need(d.parts("text", thought=True) and d.usage.get("thoughtsTokenCount"))
    d.recount(thoughtsTokenCount=0)


@fault("candidates-count")
def thoughts_counted_as_the_answer(d: Draft) -> None:
    d.stopped()
    need(d.parts("text", thought=True) and d.usage.get("thoughtsTokenCount"))
    d.recount(candidatesTokenCount=d.usage["candidatesTokenCount"] + d.usage.pop("thoughtsTokenCount"))


@fault("cache-not-used", "cached-within-prompt")
def cached_content_not_counted(d: Draft) -> None:
    d.stopped()
    need(d.get("cachedContent"))
    del d.usage["cachedContentTokenCount"]
    d.usage.pop("cacheTokensDetails", None)


@fault("usage-details")
def details_of_tool_use_off(d: Draft) -> None:
    d.stopped()
    d.usage["toolUsePromptTokensDetails"][0]["tokenCount"] += 7


@fault("usage-details")
def modality_twice(d: Draft) -> None:
    found = _details(d)
    found[0]["tokenCount"] -= 1
    found.append({**found[0], "tokenCount": 1})


@fault("usage-details")
def count_below_zero(d: Draft) -> None:
    found = _details(d)
    found[0]["tokenCount"] += 5
    found.append({"modality": "VIDEO", "tokenCount": -5})


@fault("usage-details")
def modality_left_out(d: Draft) -> None:
    del _details(d)[0]["modality"]


@fault("usage-details")
def text_counted_as_sound(d: Draft) -> None:
    d.stopped()
    need(d.text and d.usage.get("candidatesTokenCount") and all("text" in part for part in _received(d)))
    d.usage["candidatesTokensDetails"] = [{"modality": "AUDIO", "tokenCount": d.usage["candidatesTokenCount"]}]


@fault("media-counted")
def media_dropped_on_the_way(d: Draft) -> None:
    (text,) = [one for one in _details(d) if one["modality"] == "TEXT"]
    counted = {one["modality"] for one in d.usage["promptTokensDetails"]}
    need(counted & {"IMAGE", "AUDIO"} and re.search(r"(image|audio)/\w+", json.dumps(d.get("contents"))))
    parts = [part for turn in d.get("contents") for part in turn["parts"]]
    need(any("nline" in key or "file" in key for part in parts for key in part))
    d.recount(promptTokenCount=text["tokenCount"])
    d.usage["promptTokensDetails"] = [text]
    d.usage.pop("cachedContentTokenCount", None)


@fault("prompt-per-token")
def instruction_dropped_on_the_way(d: Draft) -> None:
    _without_tools(d)
    need(not re.search("ata|ached", json.dumps(d.body)) and d.usage["promptTokenCount"] < 60)
    d.put(
        {"parts": [{"text": "Answer as a pirate would, and mention the sea in every sentence. " * 20}]},
        "systemInstruction",
    )


@fault("text-per-token")
def most_of_the_prose_lost(d: Draft) -> None:
    _without_tools(d)
    text = d.text
    need(d.usage.get("candidatesTokenCount", 0) > 150 and not d.get("generationConfig", "responseMimeType"))
    need(sum(map(str.isalpha, text)) > 0.7 * len(text) and text.count(" ") > 0.1 * len(text))
    need(all("text" in part for part in _received(d)))
    d.write(text[: len(text) // 3])


@fault("usage-grows", "usage-grows usage-sum")
def running_count_falls(d: Draft) -> None:
    need(d.streams and not d.get("tools") and not d.get("cachedContent"))
    d.stopped()
    counts = [
        event["usageMetadata"] for event in d.events if event.get("usageMetadata", {}).get("candidatesTokenCount")
    ]
    need(len(counts) > 2)
    counts[-2]["candidatesTokenCount"] = counts[-1]["candidatesTokenCount"] + d.random.randint(5, 99)


@fault("usage-grows", "usage-grows json-parses grounding-segment")
def two_chunks_change_places(d: Draft) -> None:
    need(d.streams and len(d.events) > 3 and not d.get("tools"))
    d.stopped()
    at = d.random.randrange(len(d.events) - 2)
    before, after = (event["usageMetadata"].get("candidatesTokenCount") for event in d.events[at : at + 2])
    need(before and after and before < after)
    d.events[at : at + 2] = d.events[at + 1], d.events[at]


@fault("stream-duplicate", "stream-duplicate json-parses")
def earlier_chunk_again(d: Draft) -> None:
    need(d.streams and len(d.events) > 3)
    d.stopped()
    at = d.random.randrange(len(d.events) - 2)
    need(len(text_of(parts_of(candidate_of(d.events[at])))) >= 40)
    d.events.insert(len(d.events) - 1, deepcopy(d.events[at]))


# --- ratings, citations, sources ------------------------------------------------------------------------


@fault("safety-ratings")
def half_a_rating(d: Draft) -> None:
    d.stopped()
    whole = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}
    whole.pop(d.random.choice(["category", "probability"]))
    d.last["safetyRatings"] = [whole]


@fault("citation-range", "grounding-range")
def citation_outside_the_text(d: Draft) -> None:
    d.stopped()
    need(len(d.text) > 20)
    place = d.random.choice([{"startIndex": 90_000, "endIndex": 90_100}, {"startIndex": 15, "endIndex": 4}])
    d.last["citationMetadata"] = {"citationSources": [{**place, "uri": "https://example.com/"}]}


@fault("grounding-uri")
def empty_chunk(d: Draft) -> None:
    d.random.choice(d.grounding("groundingChunks")).clear()


@fault("grounding-support")
def chunk_named_twice(d: Draft) -> None:
    support = d.random.choice(d.grounding("groundingSupports"))
    support["groundingChunkIndices"] *= 2
    support.pop("confidenceScores", None)


# --- log probabilities ----------------------------------------------------------------------------------


def _tokens(d: Draft, **asked: Any) -> list[Object]:
    """Log probabilities of the words of the answer, as they were requested."""
    d.stopped()
    need(d.form == "json" and d.text.isascii() and not d.last.get("logprobsResult"))
    d.configure(responseLogprobs=True, **asked)
    words = re.findall(r"\s*\S+|\s+$", d.text)
    need(len(words) > 3)
    return [{"token": word, "logProbability": -0.1} for word in words]


@fault("logprobs")
def none_came(d: Draft) -> None:
    _tokens(d)


@fault("logprobs")
def fewer_tops_than_tokens(d: Draft) -> None:
    tokens = _tokens(d, logprobs=2)
    tops = [{"candidates": [token]} for token in tokens[:-2]]
    d.last["logprobsResult"] = {"chosenCandidates": tokens, "topCandidates": tops}


@fault("logprobs")
def more_tops_than_requested(d: Draft) -> None:
    tokens = _tokens(d, logprobs=2)
    tops = [{"candidates": [token] * 5} for token in tokens]
    d.last["logprobsResult"] = {"chosenCandidates": tokens, "topCandidates": tops}


# --- the request ----------------------------------------------------------------------------------------


@fault("json-schema")
def undeclared_key(d: Draft) -> None:
    d.stopped()
    schema = d.get("generationConfig", "responseSchema") or d.get("generationConfig", "responseJsonSchema")
    need(schema["properties"] and not schema.get("additionalProperties"))
    d.write(json.dumps({**json.loads(d.text), "surprise": 1}))
