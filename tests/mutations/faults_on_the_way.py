"""What programs between client and model lose, add and mix up in one answer."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from harness.answer.reply import parts_of
from harness.judge.invariants.request_fields import PROGRAMS
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault, lawful


def _texts(d: Draft) -> list[Object]:
    """The text parts of a stream of text alone, one for each event but the last."""
    need(d.form == "sse" and d.status == 200 and not d.get("tools"))
    found = [parts_of(one) for one in d.candidates()]
    need(all(len(parts) == 1 and parts[0].keys() <= {"text", "thoughtSignature"} for parts in found[:-1]))
    return [parts[0] for parts in found[:-1]]


@fault("usage-grows")
def chunk_lost(d: Draft) -> None:
    """One of some chunks of prose that are of the same size."""
    counts = [0] + [event.get("usageMetadata", {}).get("candidatesTokenCount") or 0 for event in d.events]
    grown = [after - before for before, after in pairwise(counts)]
    whole = [at for at, more in enumerate(grown) if more >= 16 and len(_texts(d)[at]["text"]) > 3.5 * more]
    need(len(whole) > 3 and whole[1] + 1 in whole and grown[whole[1]] >= grown[whole[1] + 1] - 2)
    del d.events[whole[1]]


@fault("usage-grows")
def thoughts_not_counted_at_the_end(d: Draft) -> None:
    need(d.streams and len(d.events) > 2 and not d.get("tools"))
    need(d.events[0]["usageMetadata"]["thoughtsTokenCount"])
    d.usage["totalTokenCount"] -= d.usage.pop("thoughtsTokenCount")


@fault("text-twice")
def whole_text_behind_the_last_piece(d: Draft) -> None:
    _texts(d)
    need(len(d.text) > 60)
    parts_of(d.last).append({"text": d.text})


@fault("stream-end")
def reason_before_the_steps_only(d: Draft) -> None:
    need(d.streams and any("executableCode" in part for one in d.candidates() for part in parts_of(one)))
    every = [*d.candidates()]
    need(any(part.get("text") for one in every[1:] for part in parts_of(one)))
    for one in every:
        one.pop("finishReason", None)
    every[0]["finishReason"] = "STOP"


@fault("part-kind")
def result_of_a_function(d: Draft) -> None:
    need(not d.get("cachedContent") and d.declarations())
    call = d.call()
    parts_of(d.carriers("functionCall")[0]).append({"functionResponse": {"name": call["name"], "response": {}}})


@fault("code-result")
def failure_called_right(d: Draft) -> None:
    result = d.one("codeExecutionResult")["codeExecutionResult"]
    result.update(
        outcome="OUTCOME_OK", output="Traceback (most recent call last):\nNameError: name 'x' is not defined\n"
    )


@fault("code-result")
def code_emptied(d: Draft) -> None:
    d.stopped()
    d.one("executableCode")["executableCode"]["code"] = ""


@fault("tool-unasked")
def pages_of_another_answer(d: Draft) -> None:
    need(d.get("tools") and "rl" not in str(d.get("tools")) and not d.get("cachedContent"))
    need(any(tool.keys() - {"functionDeclarations"} for tool in d.get("tools")))
    page = {"retrievedUrl": "https://a.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}
    d.last["urlContextMetadata"] = {"urlMetadata": [page]}


@fault("grounding-uri")
def chunk_of_two_kinds(d: Draft) -> None:
    d.random.choice(d.grounding("groundingChunks")).update(web={"uri": "https://a.example/"}, image={"title": "a"})


@fault("grounding-uri")
def place_without_its_prefix(d: Draft) -> None:
    place = d.random.choice(d.grounding("groundingChunks"))["maps"]
    place["placeId"] = place["placeId"].removeprefix("places/")


@fault("grounding-segment")
def segment_of_another_answer(d: Draft) -> None:
    need(len(d.text) > 100)
    d.random.choice(d.grounding("groundingSupports"))["segment"]["text"] = "A sentence of another answer."


@fault("grounding-range")
def citation_behind_the_text(d: Draft) -> None:
    d.stopped()
    need(d.exchange.verbatim and not d.streams)
    end = len(d.text.encode())
    d.last["citationMetadata"] = {"citationSources": [{"startIndex": end + 5, "endIndex": end + 25}]}


def _log_probabilities(d: Draft) -> Object:
    d.stopped()
    found: Object = d.last["logprobsResult"]
    return found


@fault("logprobs")
def tokens_of_another_answer(d: Draft) -> None:
    for one in _log_probabilities(d)["chosenCandidates"]:
        one["token"] = "zebra"


@fault("logprobs")
def least_probable_first(d: Draft) -> None:
    for one in _log_probabilities(d)["topCandidates"]:
        need(one["candidates"][0].get("logProbability", 0) > one["candidates"][-1]["logProbability"])
        one["candidates"].reverse()


@fault("model-version")
def model_not_named(d: Draft) -> None:
    need(d.status == 200 and d.events[0]["responseId"])
    for event in d.events:
        event.pop("modelVersion", None)


@fault("foreign-id")
def id_dropped(d: Draft) -> None:
    need("serviceTier" in d.usage and d.events[0]["modelVersion"])
    for event in d.events:
        event.pop("responseId", None)


@fault("service-tier")
def header_of_another_tier(d: Draft) -> None:
    need(d.usage["serviceTier"] == "standard" and not d.get("serviceTier"))
    d.headers["x-gemini-service-tier"] = "priority"


@fault("text-per-token")
def cut_within_a_word(d: Draft) -> None:
    d.stopped()
    need(not d.streams and not d.get("tools") and len(d.parts("text")) == 1 and (d.generation > (0, 0)))
    text, counted = d.text, d.usage["candidatesTokenCount"]
    need(len(text) > 400 and text.isascii() and text.count(" ") * 8 > len(text) and "\n" not in text[:300])
    need(4 < len(text) / counted < 5 and all("text" in part for one in d.candidates() for part in parts_of(one)))
    at = next(at for at in range(len(text) // 2, len(text)) if text[at - 2 : at + 1].isalpha())
    need(sum(map(str.isalpha, text[:at])) > 0.75 * at)
    d.write(text[:at])


@fault("error-envelope")
def delay_as_a_number(d: Draft) -> None:
    need(d.status >= 400)
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": 48}
    d.events[0]["error"]["details"] = [detail]


@lawful(but="usage-grows")
def verse_counted_twice(d: Draft) -> None:
    """A refrain in two events: the tokens of both are counted."""
    first, second, _, *_ = _texts(d)
    counts = [event["usageMetadata"]["candidatesTokenCount"] for event in d.events[:2]]
    need(counts[1] - counts[0] > 15 and not d.get("generationConfig", "responseMimeType"))
    first["text"] = second["text"] = "Row, row, row your boat, gently down the stream.\n"


@lawful(but="text-per-token usage-grows text-form")
def powers_of_ten(d: Draft) -> None:
    need(not d.get("generationConfig", "responseMimeType") and "logprobsResult" not in d.last)
    for power, part in enumerate(_texts(d)):
        part["text"] = str(10**power)
    need(len(_texts(d)) > 2)


# --- what reads like an answer, and is none ---------------------------------------------------------------------------


def _prose(d: Draft, least: int = 60) -> str:
    """The text of a whole answer in prose, to a request that is not about texts."""
    d.stopped()
    text = d.text.strip()
    need(len(text) > least and "```" not in text and text[:1] not in "{[" and "JSON" not in json.dumps(d.body))
    need(not d.get("generationConfig", "responseMimeType") and not re.search(PROGRAMS, json.dumps(d.body)))
    return text


@fault("error-as-text")
def notice_of_an_account(d: Draft) -> None:
    _prose(d, 0)
    said = ("Your account balance is insufficient.", "Rate limit exceeded.", "The quota has been exceeded: top up.")
    d.write(d.random.choice(said))


@fault("missing-value")
def numbers_hidden_by_a_filter(d: Draft) -> None:
    text = _prose(d)
    need(len(re.findall(r"\d+", text)) > 1)
    d.write(re.sub(r"\d+", "[REDACTED]", text))


@fault("control-token")
def turn_of_the_user_invented(d: Draft) -> None:
    d.write(f"{_prose(d)}\n\nUser: And the other one?\nAssistant: It is the same.")


@fault("unicode")
def marks_without_a_width(d: Draft) -> None:
    d.write("\u200b".join(_prose(d)))


@fault("escaped-text")
def argument_in_quotes(d: Draft) -> None:
    args = d.call()["args"]
    names = [name for name, value in args.items() if isinstance(value, str) and re.fullmatch(r"\w{3,}", value)]
    need(names and not re.search(PROGRAMS, json.dumps(d.body)))
    args[names[0]] = f'"{args[names[0]]}"'


# --- what is cut, and what comes twice --------------------------------------------------------------------------------


@fault("text-cut", "text-cut text-per-token")
def cut_in_a_sentence(d: Draft) -> None:
    text = _prose(d, 160)
    ends = [found.end() for found in re.finditer(r"[^\n]{60}[a-z][.!?] [A-Z][a-z]*(?: [a-z]+){6,9}(?=[a-z])", text)]
    need(ends and not d.get("generationConfig", "stopSequences"))
    d.write(text[: d.random.choice(ends)])


@fault("text-cut")
def end_of_code_lost(d: Draft) -> None:
    d.stopped()
    need(d.text.count("\n```") and not d.text.count("```") % 2 and len(d.parts("text")) == 1)
    need(not d.get("generationConfig", "responseMimeType"))
    d.write(d.text[: d.text.rindex("\n```")])


@fault("text-twice", "text-twice stream-duplicate")
def sentence_written_twice(d: Draft) -> None:
    text = _prose(d, 160)
    found = re.search(r"(?<=[.!?] )[A-Z][^.!?\n]{42,}[.!?] (?=[A-Z])", text)
    need(
        found
        and not d.streams
        and not re.search("(?i)repeat|again|twice|continue|quote|copy|echo|song", json.dumps(d.body))
    )
    assert found
    d.write(text[: found.end()] + found[0] + text[found.end() :])


@fault("stream-delta", "stream-delta stream-duplicate")
def chunks_overlap(d: Draft) -> None:
    texts = [part for part in _texts(d) if len(part["text"]) > 40]
    need(len(texts) > 1)
    ends = [part["text"][-20:] for part in texts]
    for part, end in zip(texts[1:], ends, strict=False):
        need(len(set(filter(str.isalpha, end))) > 6 and not part["text"].startswith(end))
        part["text"] = end + part["text"]


# --- counts, numbers, reasons -----------------------------------------------------------------------------------------


@fault("text-per-token")
def characters_counted(d: Draft) -> None:
    text = _prose(d)
    need(all("text" in part for one in d.candidates() for part in parts_of(one)))
    need(text == d.text and text.count(" ") * 8 > len(text) and sum(map(str.isalpha, text)) > 0.75 * len(text))
    d.recount(candidatesTokenCount=len(text))


@fault("finish-reason")
def harmless_answer_called_unsafe(d: Draft) -> None:
    _prose(d, 0)
    for candidate in d.candidates():
        candidate.pop("safetyRatings", None)
    d.last.update(
        finishReason="SAFETY", safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]
    )


@fault("finish-reason")
def whole_call_called_malformed(d: Draft) -> None:
    d.call()
    d.last["finishReason"] = "MALFORMED_FUNCTION_CALL"


@fault("embedding")
def vector_shortened(d: Draft) -> None:
    need(d.status == 200 and not d.get("outputDimensionality"))
    found: Object = d.events[0].get("embedding") or next(iter(d.events[0].get("embeddings", ())), {})
    need(len(found.get("values", ())) in (768, 3072))
    found["values"] = found["values"][:-3]


@lawful()
def ends_with_a_name(d: Draft) -> None:
    d.write(f"{_prose(d)}\n\nYours, Ada")


@fault("answer-in-an-envelope", "escaped-text error-as-text missing-value")
def envelope_of_a_program(d: Draft) -> None:
    """A tag, or an object as another language writes it."""
    text = _prose(d, 20)
    envelopes = (
        f'<div class="response">{text}</div>',
        f"map[parts:[map[text:{text}]] role:model]",
        f"{{ text: '{text}' }}",
        "<generator object stream at 0x7f3c2a1b5e40>",
    )
    d.write(d.random.choice(envelopes))


@fault("exception-for-an-answer", "error-as-text missing-value")
def exception_for_an_answer(d: Draft) -> None:
    _prose(d, 20)
    exceptions = ("KeyError: 'candidates'", "list index out of range", "The service is under maintenance.")
    d.write(d.random.choice(exceptions))


@fault("lines-changed", "escaped-text text-form grounding-segment grounding-range")
def lines_changed(d: Draft) -> None:
    """Broken as e-mail breaks them. Quoted ones are left out: a passage or a poem comes as a block quotation."""
    broken = re.sub(r"([^\n=]{72})(?=[^\n])", "\\1=\n", _prose(d, 400))
    need(broken.count("=\n") > 2)
    d.write(broken)


@fault("call-in-words", "call-as-text calling-mode text-per-token")
def call_in_words(d: Draft) -> None:
    need(d.declarations() and not d.streams)
    call = d.call()
    words = f"Action: {call['name']}\nAction Input: {json.dumps(call.get('args', {}))}"
    candidate = d.carriers("functionCall")[0]
    candidate["content"]["parts"] = [{"text": words}]


@fault("lines-added-to-events", "stream-blanks")
def lines_added_to_events(d: Draft) -> None:
    texts = _texts(d)
    need(d.text[:1] not in ("{", "["))  # a line break between the values of JSON does no harm
    joints = pairwise(texts)
    need(len(texts) > 2 and all(one["text"][-1:] == " " or two["text"][:1] == " " for one, two in joints))
    need(all(two["text"][:1] == " " or two["text"][:1].islower() for two in texts[1:]))
    for part in texts:
        part["text"] += "\n"
