"""Token counts: each is present, is a natural number, adds up, and fits what was counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, takewhile
from math import exp

from harness.answer.reply import candidate_of, parts_of, received, text_of
from harness.answer.structured import wants_json
from harness.gemini.providers import is_chat
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import (
    USED,
    by_modality,
    event_without,
    generation,
    has_hidden_functions,
    has_several_candidates,
    is_finished,
    is_natural,
    media_parts,
    number,
    offers_builtin_tools,
    prompted,
    request_parts,
    thinking,
    tools,
)
from harness.judge.registry import SEVERAL_EVENTS, rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object, compact, is_number, keys_in, objects_in, values_in

_ANSWER = "candidatesTokenCount"
_ADDENDS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
_DETAILS = {
    "promptTokensDetails": "promptTokenCount",
    "candidatesTokensDetails": "candidatesTokenCount",
    "cacheTokensDetails": "cachedContentTokenCount",
    "toolUsePromptTokensDetails": "toolUsePromptTokenCount",
}


@rule("usage-present", "error", of="answer", of_events=True, dialect="gemini")
def usage_present(evidence: Evidence) -> Iterator[Mismatch]:
    """``usageMetadata`` with ``totalTokenCount`` is in the answer, or in the last chunk of a stream.
    Costs are computed from it.

    A warning if it is not in every chunk, as the Gemini API sends it; or ``promptTokenCount`` is missing or 0, alone or with the total; or
    the total is missing for media that the request gives by address. Not checked for a blocked prompt, because a filter in front of the model (Model Armor) counts nothing.

    right: {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}}
    wrong: {"usageMetadata": {"totalTokenCount": null}}
    """
    reply = evidence.reply
    if reply.finish_reason is None:
        return
    last = an_object(reply.events[-1].value).get("usageMetadata")
    if an_object(last).get("totalTokenCount") is None:
        message = "usageMetadata.totalTokenCount is missing" + (" in the last chunk" if len(reply.events) > 1 else "")
        counted = any(an_object(last).get(name) for name in _SO_FAR)
        is_media = an_object(last).get("promptTokenCount") is None or "fileData" in media_parts(evidence)
        severity: Severity = "warn" if counted and is_media else "error"  # the API counts no media by their address
        yield Mismatch("$.usageMetadata.totalTokenCount", "a count", None, message, severity)
    elif not (count := an_object(last).get("promptTokenCount")):
        message = "usageMetadata.promptTokenCount is missing" if count is None else "promptTokenCount is 0"
        yield Mismatch("$.usageMetadata.promptTokenCount", "a count", count, message, "warn")
    elif (at := event_without(evidence, "usageMetadata")) is not None:
        yield Mismatch(f"events[{at}]", "usageMetadata", None, "a chunk has no usageMetadata, but the last has", "warn")


@rule("usage-natural", "error", any_call=True)
def usage_natural(evidence: Evidence) -> Iterator[Mismatch]:
    """Every token count is a non-negative integer. A typed client refuses any other, and sums of costs become wrong.

    right: {"usageMetadata": {"candidatesTokenCount": 1}}
    wrong: {"usageMetadata": {"candidatesTokenCount": -1}}
    """
    for key, value in evidence.reply.usage.items():
        if key.endswith("TokenCount") and value is not None and not is_natural(value):
            yield Mismatch(f"$.usageMetadata.{key}", "a count", value, f"{key} is {value!r}: not a count")


@rule("usage-sum", "error", dialect="gemini")
def usage_sum(evidence: Evidence) -> Iterator[Mismatch]:
    """``totalTokenCount`` is the sum of the prompt, candidates, thoughts and toolUsePrompt counts, in the last chunk.
    Otherwise a bill by the total differs from one by the parts.

    right: {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 40, "totalTokenCount": 46}}
    wrong: {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 40, "totalTokenCount": 6}}
    """
    usage, reply = evidence.reply.usage, evidence.reply
    total = usage.get("totalTokenCount")
    ended = reply.finish_reason is not None or reply.block_reason is not None
    if not ended or not is_natural(total) or usage.get("promptTokenCount") is None:
        return
    counts = {key: reply.count(key) for key in _ADDENDS}
    if sum(counts.values()) != total:
        sums = " + ".join(str(count) for count in counts.values() if count) or "0"
        message = f"totalTokenCount is {total}, but {sums} = {sum(counts.values())}"
        yield Mismatch("$.usageMetadata.totalTokenCount", sum(counts.values()), total, message)


@rule("usage-prompt-stable", "warn", of_events=True, dialect="gemini", needs=SEVERAL_EVENTS)
def usage_prompt_stable(evidence: Evidence) -> Iterator[Mismatch]:
    """``promptTokenCount`` is the same in every chunk of a stream that used no built-in tool.

    One change is right where the prompt is counted a second time at the end: with media or tools, and by Gemini 1.5 and 2.0,
    whose last count is lower.

    right: [{"usageMetadata": {"promptTokenCount": 5}}, {"usageMetadata": {"promptTokenCount": 5}}]
    wrong: [{"usageMetadata": {"promptTokenCount": 4}}, {"usageMetadata": {"promptTokenCount": 5}}]
    """
    if evidence.reply.count("toolUsePromptTokenCount"):
        return
    usages = map(_usage_of, _events_of(evidence))
    counts = [int(count) for usage in usages if is_natural(count := usage.get("promptTokenCount")) and count]
    if len(set(counts)) > 1 and not _is_second_count(evidence, counts):
        message = f"promptTokenCount changes during the stream: {', '.join(map(str, dict.fromkeys(counts)))}"
        yield Mismatch("$.usageMetadata.promptTokenCount", counts[0], counts[-1], message)


_SAVED = 3
"""Tokens. In recordings, the last count of a short prompt was lower by up to this: 13 after 16, 6 after 7; of a longer one, 151
after 159."""


def _is_second_count(evidence: Evidence, counts: Sequence[int]) -> bool:
    """Whether the count changes once, and the prompt may have been counted a second time at the end."""
    if sum(before != after for before, after in pairwise(counts)) > 1:
        return False
    if evidence.request_body is None or field(evidence.request_body, "tools") or media_parts(evidence):
        return True
    saved = counts[0] - counts[-1]
    return (1, 0) <= generation(evidence) <= (2, 0) and 0 < saved <= max(_SAVED, counts[0] // 4)


@rule("usage-details", "warn", dialect="gemini", needs=tuple(_DETAILS))
def usage_details(evidence: Evidence) -> Iterator[Mismatch]:
    """The details by modality add up to their count, with each modality once: those of the answer are what it holds. The sum is not
    checked for image output, and for the prompt where built-in tools ran. Modalities have prices of their own.

    A count may be more than its details where built-in tools are offered, whose reading it holds, and by the cached tokens.

    asked: {"contents": [{"parts": [{"text": "What is it?"}, {"fileData": {"fileUri": "https://a.example/b.png", "mimeType": "image/png"}}]}]}
    right: {"usageMetadata": {"promptTokenCount": 260, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 258}]}}
    wrong: {"usageMetadata": {"promptTokenCount": 260, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}]}}
    """
    ran = evidence.reply.count("toolUsePromptTokenCount") > 0
    for key, total in _DETAILS.items():
        details = objects_in(evidence.reply.usage.get(key))
        if not details:
            continue
        counted = by_modality(evidence.reply.usage, key)
        if wrong := _broken_details(details) or (total == _ANSWER and _foreign_modality(evidence, counted)):
            yield Mismatch(f"$.usageMetadata.{key}", "each modality once, with a count", details, f"{key}: {wrong}")
        elif not (ran and total in _RESTARTED) and not (total == _ANSWER and "IMAGE" in counted):
            yield from _wrong_sum(evidence, key, total, sum(counted.values()))


_RESTARTED = (_ANSWER, "promptTokenCount")
"""Counts that may hold more than their details: the cached tokens, and what built-in tools read."""


def _wrong_sum(evidence: Evidence, key: str, total: str, counted: int) -> Iterator[Mismatch]:
    count, cached = evidence.reply.count(total), evidence.reply.count("cachedContentTokenCount")
    is_part = offers_builtin_tools(evidence) and 0 < counted < count
    more = total in _RESTARTED and (count - counted == cached or is_part)
    if counted != count and not more:
        message = f"{key} sum to {counted}, {total} is {count}"
        yield Mismatch(f"$.usageMetadata.{key}", count, counted, message)


def _broken_details(details: list[dict[str, Json]]) -> str:
    """What is wrong with the entries themselves; empty if nothing is."""
    names = [detail.get("modality") for detail in details]
    for at, name in enumerate(names):
        count = details[at].get("tokenCount", 0)
        if not name or name in names[:at]:
            return f"{name} comes twice" if name else "an entry has no modality"
        if not is_natural(count):
            return f"the count of {name} is {count!r}"
    return ""


def _foreign_modality(evidence: Evidence, counted: Mapping[str, int]) -> str:
    """A modality that is counted in a finished answer that does not hold it, or the other way round; empty if there is none."""
    if has_several_candidates(evidence) or not is_finished(evidence):
        return ""
    parts = received(evidence.reply)
    held = {str(an_object(part.get("inlineData")).get("mimeType")).partition("/")[0].upper() for part in parts}
    if any("codeExecutionResult" in part for part in parts):
        held &= counted.keys()  # code draws pictures without tokens
    other = next((name for name in ("IMAGE", "AUDIO", "VIDEO") if (name in counted) != (name in held)), "")
    what = "is counted, but the answer holds none" if other in counted else "is not counted, but the answer holds it"
    return other and f"{other} {what}"


_COUNTED_AS = {"image/": ("IMAGE",), "audio/": ("AUDIO",), "application/pdf": ("DOCUMENT", "IMAGE")}


@rule("media-counted", "warn", of="finished", dialect="gemini", needs=("inlineData", "fileData"))
def media_counted(evidence: Evidence) -> Iterator[Mismatch]:
    """Pictures, sound and PDF files of the request are counted in the details of the prompt. Otherwise the model did not receive them.
    So are all pictures, at the ``mediaResolution`` that was requested: each has half of its usual tokens and more, and at a low one no
    more than a third above them.

    Not checked where the details are not the whole count, and where built-in tools ran.

    asked: {"contents": [{"parts": [{"text": "What is it?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}]}
    right: {"usageMetadata": {"promptTokenCount": 260, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 258}]}}
    wrong: {"usageMetadata": {"promptTokenCount": 2, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}]}}
    """
    details, reply = by_modality(evidence.reply.usage, "promptTokensDetails"), evidence.reply
    is_whole = 0 < reply.count("promptTokenCount") <= sum(details.values())
    if not is_whole or reply.count("toolUsePromptTokenCount"):
        return
    blobs = (field(part, kind) for part in request_parts(evidence) for kind in ("inlineData", "fileData"))
    sorts = [str(field(blob, "mimeType")).lower() for blob in blobs if blob is not None]
    types = set(sorts)
    if (pictures := sum(sort.startswith("image/") for sort in sorts)) and details.get("IMAGE"):
        yield from _pictures(evidence, pictures, details["IMAGE"])
    for start, modalities in _COUNTED_AS.items():
        sent = next((kind for kind in sorted(types) if kind.startswith(start)), None)
        if sent and details.keys().isdisjoint(modalities):
            counted = ", ".join(sorted(details))
            message = f"the request holds {sent}, but the prompt counts {counted} only: was it dropped?"
            yield Mismatch("$.usageMetadata.promptTokensDetails", modalities[0], counted, message)


_TILE, _APART = 256, {"mediaResolution", "media_resolution", "functionResponse", "function_response"}
_PICTURE = {"LOW": (64, 280), "MEDIUM": (_TILE, 560), "HIGH": (_TILE, 1120), "": (_TILE, 1100)}
"""``mediaResolution`` -> the usual tokens of a picture up to Gemini 2.5, and from Gemini 3 on."""


def _pictures(evidence: Evidence, count: int, counted: int) -> Iterator[Mismatch]:
    """Pictures that were dropped, or read at another resolution. Not checked where parts ask for one, and with results of functions."""
    version = generation(evidence)
    asked = str(field(evidence.request_body, "generationConfig", "mediaResolution") or "")
    usual = _PICTURE.get(asked.upper().removeprefix("MEDIA_RESOLUTION_"))
    if version < (1, 5) or not usual or _APART & keys_in([*request_parts(evidence)]):
        return
    each = usual[version >= (3, 0)]
    is_bounded = asked and (version >= (3, 0) or each < _TILE)  # a large picture has several tiles
    if 2 * counted < each * count or (is_bounded and 3 * counted > 4 * each * count):
        message = f"{counted} IMAGE tokens are counted for {count} pictures {asked and 'at '}{asked}, about {each} each are usual"
        yield Mismatch("$.usageMetadata.promptTokensDetails", each * count, counted, message)


@rule("usage-grows", "warn", of_events=True, dialect="gemini", needs=SEVERAL_EVENTS)
def usage_grows(evidence: Evidence) -> Iterator[Mismatch]:
    """``candidatesTokenCount`` and ``thoughtsTokenCount`` do not fall from one chunk to the next: they count the answer so far. Otherwise
    chunks changed places. And thoughts are flagged: where the model thought, at most 40 characters of text come before any is
    counted. And a chunk of prose has as much text for its tokens as the others, give or take 40 %: otherwise the chunk
    before it was lost. Prose in ASCII has two characters and more for each. Not checked with built-in tools, whose steps count from the start.

    right: [{"usageMetadata": {"candidatesTokenCount": 4}}, {"usageMetadata": {"candidatesTokenCount": 9}}]
    wrong: [{"usageMetadata": {"candidatesTokenCount": 9}}, {"usageMetadata": {"candidatesTokenCount": 4}}]
    """
    is_in_steps = evidence.request_body is None and not keys_in(evidence.reply.response).isdisjoint(USED)
    if is_in_steps or offers_builtin_tools(evidence) or has_hidden_functions(evidence):
        return
    usages = filter(None, map(_usage_of, _events_of(evidence)))
    counted = [
        [number(usage.get(name, 0 if "totalTokenCount" in usage else None)) for name in _SO_FAR] for usage in usages
    ]
    for name, counts in zip(_SO_FAR, zip(*counted, strict=True), strict=False):
        known = [count for count in counts if count is not None] + ([0] if counts[-1] is None else [])
        fall = next((pair for pair in pairwise(known) if pair[0] > pair[1]), None)
        if fall is not None:
            message = f"{name} falls from {fall[0]} to {fall[1]}: are the chunks in their order?"
            yield Mismatch(f"$.usageMetadata.{name}", f"at least {fall[0]}", fall[1], message)
            return
    if evidence.reply.count("thoughtsTokenCount") and len(text := _uncounted(_events_of(evidence))) > _MOST_UNCOUNTED:
        message = f"{text[:40]!r} comes before tokens of the answer are counted: is it thoughts that lost their flag?"
        yield Mismatch("text", "thought: true", text[:200], message)
    elif evidence.reply.inline_data or has_several_candidates(evidence):
        return
    elif text := _chunk_too_short(islice(_events_of(evidence), _MOST_WEIGHED)):
        message = f"{text[:40]!r} counts tokens for more text than it is: was the chunk before it lost?"
        yield Mismatch("text", "the text of its tokens", text[:200], message)


_SO_FAR = (_ANSWER, "thoughtsTokenCount")
"""What the usage of a chunk counts of the answer so far."""
_MOST_UNCOUNTED = 40
"""Characters. In recordings, an answer after thoughts has up to 7 in its first chunk, before it is counted."""
_LIGHT = 0.6
_WEIGHED = 16
"""Tokens. In recordings, chunks of prose with as many have 70 to 130 % of the text for a token that others have."""
_FEWEST_WEIGHED = 3
_MOST_WEIGHED = 5000
"""Chunks. The texts of all would take as much memory as a long stream."""


def _events_of(evidence: Evidence) -> Iterator[Mapping[str, Json]]:
    """The events one at a time: a long stream has many."""
    return (an_object(event.value) for event in evidence.reply.events)


def _usage_of(event: Mapping[str, Json]) -> Mapping[str, Json]:
    return an_object(event.get("usageMetadata"))


def _uncounted(events: Iterable[Mapping[str, Json]]) -> str:
    """The text of several events that count thoughts, but no answer yet."""
    ahead = takewhile(lambda event: not _usage_of(event).get(_ANSWER), events)
    texts = [text_of(parts_of(candidate_of(event))) for event in ahead if _usage_of(event).get(_SO_FAR[1])]
    return "".join(texts)


def _chunk_too_short(events: Iterable[Mapping[str, Json]]) -> str:
    """The first chunk of prose with less than 60 % of the characters for each token that such chunks have; empty if there is none."""
    pieces, most = {0: [""]}, 0
    for event in events:
        parts = parts_of(candidate_of(event))
        count = number(_usage_of(event).get(_ANSWER)) or most  # a piece of the chunk before it has its count
        most = max(most, count)
        text = text_of(parts) if all(part.keys() <= {"text", "thoughtSignature"} for part in parts) else ""
        pieces.setdefault(count, []).append(text)
    texts = {count: "".join(found) for count, found in pieces.items()}
    uncounted = texts.pop(0) if len(texts) > 1 else ""  # the first count is of the text before it too
    grown = [(uncounted * (not before) + texts[after], after - before) for before, after in pairwise((0, *texts))]
    weights = [(len(text) / more, text) for text, more in grown if more >= _WEIGHED and _is_prose(text)]
    usual = sorted(weights)[len(weights) // 2][0] if len(weights) >= _FEWEST_WEIGHED else 0
    return next((text for weight, text in weights if weight < max(_LIGHT * usual, _FEWEST_BYTES * text.isascii())), "")


@rule("candidates-count", "warn", of="answer", dialect="gemini")
def candidates_count(evidence: Evidence) -> Iterator[Mismatch]:
    """``candidatesTokenCount`` is present if the answer has text. Not checked for Gemma, for JSON with built-in tools, and
    for several candidates. And ``thoughtsTokenCount`` is present if it has requested thoughts. Output that is not counted is not billed right.

    right: {"usageMetadata": {"candidatesTokenCount": 1}}
    wrong: {"usageMetadata": {"candidatesTokenCount": null}}
    """
    reply = evidence.reply
    uncounted = bool(reply.finish_reason and reply.text) and not reply.usage.get("candidatesTokenCount")
    uncounted_thoughts = bool(reply.thoughts.strip()) and not reply.count("thoughtsTokenCount")
    if not (uncounted or uncounted_thoughts) or (wants_json(evidence) and offers_builtin_tools(evidence)):
        return
    if has_several_candidates(evidence) or (reply.model_version or evidence.model or "").startswith("gemma"):
        return
    if uncounted:
        message = "the answer has text, but no candidatesTokenCount"
        yield Mismatch("$.usageMetadata.candidatesTokenCount", "a count", None, message)
    asked = evidence.request_body is None or thinking(evidence, "includeThoughts") is True
    if uncounted_thoughts and asked and is_finished(evidence):
        message = "the answer has thoughts, but no thoughtsTokenCount"
        yield Mismatch("$.usageMetadata.thoughtsTokenCount", "a count", None, message)


@rule("cached-within-prompt", "error", needs=("cachedContent", "cachedContentTokenCount", "cacheTokensDetails"))
def cached_within_prompt(evidence: Evidence) -> Iterator[Mismatch]:
    """Cached tokens are tokens of the prompt, also by modality: they are no more than those of the prompt and of tool use.
    Otherwise the price of what is not cached is negative. A warning if the request names cached content, and none is counted.

    asked: {"cachedContent": "cachedContents/a"}
    right: {"usageMetadata": {"promptTokenCount": 900, "cachedContentTokenCount": 800}}
    wrong: {"usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 800}}
    """
    usage, reply = evidence.reply.usage, evidence.reply
    if usage.get("promptTokenCount") is None:
        return
    cached = reply.count("cachedContentTokenCount")
    if not cached and is_finished(evidence) and field(evidence.request_body, "cachedContent"):
        message = "the request names cachedContent, but no cached tokens are counted: was it used?"
        yield Mismatch("$.usageMetadata.cachedContentTokenCount", "a count", None, message, "warn")
    whole = reply.count("promptTokenCount") + reply.count("toolUsePromptTokenCount")
    if cached > whole:
        message = f"{cached} cached tokens of a prompt of {whole}"
        yield Mismatch("$.usageMetadata.cachedContentTokenCount", f"at most {whole}", cached, message)
        return
    prompt = by_modality(usage, "promptTokensDetails", "toolUsePromptTokensDetails")
    complete = sum(prompt.values()) >= whole
    for modality, count in by_modality(usage, "cacheTokensDetails").items():
        if complete and count > prompt.get(modality, 0):
            message = f"{count} cached {modality} tokens of a prompt with {prompt.get(modality, 0)}"
            yield Mismatch("$.usageMetadata.cacheTokensDetails", prompt.get(modality, 0), count, message)


_SHORTEST_COUNTED = 200
_MOST_CHARACTERS: Mapping[int, Severity | None] = {12: None, 8: "warn"}
"""Characters a token, and how much more of them matter: any text has less than 12 on 200 characters and more, prose in ASCII 3.4 to 6.5."""
_MOST_THOUGHT = 60
"""Characters of a summary of thoughts for a token of them. In recordings, no more than 29."""
_RUN = r"(?s)(.)\1{3,}+"


@rule("text-per-token", "error", of="answer")
def text_per_token(evidence: Evidence) -> Iterator[Mismatch]:
    """A text of 200 characters and more has no more than 12 characters for each token that is counted. Runs of one character
    count as three. A warning if prose in ASCII has more than 8. Or if text alone has too few bytes for its tokens: under half a byte
    for each of 100 and more, under two if it is prose, and under 2.8 for each of 50 and more if it is prose in ASCII that ends with a
    letter or ``...``. Or if characters are counted, not tokens. Or if calls alone have more tokens than the longest such calls: one was
    lost. Or if thoughts have more than 60 characters for each of their tokens, or the ``tokenCount`` of the only candidate is more than
    all that it can hold.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo lies at the northern end of the Oslofjord."}]}}], "usageMetadata": {"candidatesTokenCount": 11}}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo lies at the northern end of the Oslofjord. Around it are wooded hills and more than forty islands. Its harbour, its museums and its parks draw visitors in every season, and its trams go up to the forest, where people ski."}]}}], "usageMetadata": {"candidatesTokenCount": 11}}
    """
    counted = evidence.reply.count("candidatesTokenCount")
    candidates = objects_in(evidence.reply.response.get("candidates"))
    text = "".join(text_of(parts_of(candidate)) for candidate in candidates)
    message = f"{counted} tokens are counted for a text of {len(text)} characters"
    if counted % _ROUND >= _MANY // 2 and len(text) < _FEWEST_CUT * counted and _is_whole_text(evidence):
        size, prose = len(text.encode("utf-8", "replace")), _is_prose(text)
        is_cut = prose and text.isascii() and re.search(r"(?:[a-zA-Z]|\.\.\.) ?\Z", text)
        if is_cut or (counted >= _MANY and (2 * size < counted or (prose and size < _FEWEST_BYTES * counted))):
            question = f"{message}: was a part of it lost?"
            yield Mismatch("text", "at least two bytes for each token of prose", text[:200], question, "warn")
    elif not text and (calls := _calls_alone(evidence)) and counted > (most := _most_tokens(calls)):
        what = f"{counted} tokens are counted for {len(calls)} function calls, which have up to {most:.0f}"
        yield Mismatch("parts", "the calls of the tokens", len(calls), f"{what}: was a parallel call lost?", "warn")
    elif is_of_characters(text, counted) and all("text" in part for part in evidence.reply.parts):
        message += ": characters were counted, not tokens"
        yield Mismatch("$.usageMetadata.candidatesTokenCount", "tokens", counted, message, "warn")
    thoughts, spent = evidence.reply.thoughts, evidence.reply.count("thoughtsTokenCount")
    if spent and (tokens := fewest_tokens(thoughts, spent, _MOST_THOUGHT)):
        what = f"{spent} tokens are counted for thoughts of {len(thoughts)} characters"
        yield Mismatch("$.usageMetadata.thoughtsTokenCount", f"at least {tokens}", spent, what, "warn")
    own = number(candidates[0].get("tokenCount")) if len(candidates) == 1 else None
    if own is not None and counted and not 0 <= own <= counted + spent:
        what = f"the candidate has {own} tokens, candidatesTokenCount is {counted}"
        yield Mismatch("$.candidates[0].tokenCount", counted, own, what, "warn")
    for most, severity in _MOST_CHARACTERS.items():
        is_meant = severity is None or (text.isascii() and _is_prose(text))
        if counted and is_meant and (tokens := fewest_tokens(text, counted, most)):
            yield Mismatch("$.usageMetadata.candidatesTokenCount", f"at least {tokens}", counted, message, severity)
            return


def _calls_alone(evidence: Evidence) -> Sequence[Mapping[str, Json]]:
    """The calls of a finished answer that has nothing else, of one candidate in the native dialect."""
    kinds = {kind for part in evidence.reply.parts if not part.get("thought") for kind in part if part[kind] != ""}
    alone = kinds <= {"functionCall", "thoughtSignature"} and not has_several_candidates(evidence)
    is_native = is_finished(evidence) and not is_chat(evidence.exchange.request.url)
    return evidence.reply.function_calls if alone and is_native else ()


def _most_tokens(calls: Sequence[Mapping[str, Json]]) -> float:
    """The most tokens of these calls. In recordings, all but one of 477 have fewer."""
    values = values_in([call.get("args") for call in calls])
    plain = [str(one) for one in values if not isinstance(one, (dict, list))]
    names = [str(call.get("name")) for call in calls] + [key for one in values if isinstance(one, dict) for key in one]
    size = len("".join(plain + names).encode("utf-8", "replace"))
    return _CALL * len(calls) + _VALUE * len(plain) + _BYTE * size


_CALL, _VALUE, _BYTE = 10, 7, 0.55
"""Tokens for a call, a value of its arguments, and a byte."""


def is_of_characters(text: str, counted: int) -> bool:
    """Whether the count is that of the characters: a token of prose has several."""
    return counted == len(text) >= _SHORTEST_COUNTED // 5 and _is_prose(text)


def fewest_tokens(text: str, counted: int, most: int, shortest: int = _SHORTEST_COUNTED) -> int:
    """The fewest tokens that a text of so many characters and more can be, by the most characters a token; 0 if as many are counted."""
    longest = max(shortest - 1, most * counted)
    length = len(re.sub(_RUN, r"\1\1\1", text)) if len(text) > longest else 0
    return length // most if length > longest else 0


_MANY = 100
"""Tokens. What is counted besides the text carries no weight from there on."""
_FEWEST_BYTES, _FEWEST_CUT = 2, 2.8
"""Bytes for a token of prose; of prose that may be cut in a word."""
_ROUND = 1_000_000
"""Whole millions stand in examples that are about prices."""


def _is_prose(text: str) -> bool:
    """Whether it is words: 70 % letters, and blanks between them. In recordings, such text has 3.4 bytes and more a token."""
    return text.count(" ") * 12 >= len(text) > 0 and sum(map(str.isalpha, text)) >= 0.7 * len(text)


def _is_whole_text(evidence: Evidence) -> bool:
    """Whether a finished answer can hold text only, and thoughts are counted apart: chat completions count them with the answer."""
    parts = evidence.reply.parts
    alone = bool(parts) and all("text" in part for part in parts) and not offers_builtin_tools(evidence)
    return alone and is_finished(evidence) and not is_chat(evidence.exchange.request.url)


_MOST_PROMPTED = 10
"""Characters a token. In recordings, no prompt of 200 characters and more has over 6.4."""


@rule("prompt-per-token", "error", of="answer", dialect="gemini")
def prompt_per_token(evidence: Evidence) -> Iterator[Mismatch]:
    """A prompt of 200 characters and more has no more than 10 characters for each token that is counted. Runs of one character count
    as three. A warning if 100 tokens and more are counted, and the whole request has fewer bytes; or a modality is counted that the
    request does not hold; or its characters are counted, not its tokens. It may be the usage of another answer.

    Not checked where more than the request is counted: media, cached content, a continuation, and for the warnings, built-in tools.

    asked: {"contents": [{"parts": [{"text": "Oslo lies at the northern end of the Oslofjord. Around it are wooded hills and more than forty islands. Its harbour, its museums and its parks draw visitors in every season, and its trams go up to the forest, where people ski. What is its area?"}]}]}
    right: {"usageMetadata": {"promptTokenCount": 54, "candidatesTokenCount": 1}}
    wrong: {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1}}
    """
    counted, body = evidence.reply.count("promptTokenCount"), evidence.request_body
    if body is None or not counted:
        return
    functions = (one for kit in tools(evidence, "functionDeclarations") for one in items_of(kit))
    described = (str(field(one, "description") or "") for one in functions) if "tools" in body else ()
    text, at = "".join((*prompted(evidence), *described)), "$.usageMetadata.promptTokenCount"
    least = fewest_tokens(text, counted, _MOST_PROMPTED)
    strange = set(by_modality(evidence.reply.usage, "promptTokensDetails")) - {"TEXT", "None"}
    is_characters = is_of_characters(text, counted) and not field(body, "tools")
    if not least and not strange and not is_characters and (counted < _MANY or counted <= len(text)):
        return
    if least:
        message = f"{counted} tokens are counted for a prompt of {len(text)} characters"
        yield Mismatch(at, f"at least {least}", counted, message)
    if not BEYOND_TEXT.isdisjoint(keys_in(body)):
        return
    sent = compact(body)
    if is_characters:
        yield Mismatch(
            at, "tokens", counted, f"the prompt has {counted} characters, and as many tokens are counted", "warn"
        )
    if offers_builtin_tools(evidence):
        return
    if counted % _ROUND >= _MANY and counted > len(sent):
        message = (
            f"{counted} tokens are counted for a request of {len(sent)} bytes: is it the usage of another request?"
        )
        yield Mismatch(at, f"at most {len(sent)}", counted, message, "warn")
    if strange:
        message = f"{min(strange)} is counted in the prompt, but the request has text only"
        yield Mismatch("$.usageMetadata.promptTokensDetails", "TEXT", min(strange), message, "warn")


BEYOND_TEXT = frozenset(("inlineData", "inline_data", "fileData", "file_data", "cachedContent", "cached_content", "continuationToken", "continuation_token"))  # fmt: skip


@rule("logprobs", "error", per_candidate=True, needs=("avgLogprobs", "logprobsResult", "responseLogprobs"))
def logprobs(evidence: Evidence) -> Iterator[Mismatch]:
    """A log probability is not positive: ``avgLogprobs``, and those of each token. The API writes infinity as text.
    A warning if they were requested and did not come, or came unasked, there are more or fewer than requested, the chosen tokens are not the text,
    the most probable token of a list is not its first, its probabilities sum to more than 1, or a chosen token that is more probable than the last of its list is not in it.

    right: {"candidates": [{"avgLogprobs": -0.02}]}
    wrong: {"candidates": [{"avgLogprobs": 0.4}]}
    """
    candidate = candidate_of(evidence.reply.response)
    result = an_object(candidate.get("logprobsResult"))
    tops = [objects_in(top.get("candidates")) for top in objects_in(result.get("topCandidates"))]
    chosen = objects_in(result.get("chosenCandidates"))
    tokens = [*chosen, *(token for top in tops for token in top)]
    values = [("avgLogprobs", candidate.get("avgLogprobs"))]
    values += [("logprobsResult", token.get("logProbability")) for token in tokens]
    values += [("logprobsResult", result.get("logProbabilitySum"))]
    for name, value in values:
        if is_number(value) and value > _ROUNDING:
            message = f"a log probability of {value} is above 0"
            yield Mismatch(f"$.candidates[0].{name}", "at most 0", value, message)
            return
    if is_finished(evidence) and (wrong := _strange(evidence, chosen, tops)):
        yield Mismatch("$.candidates[0].logprobsResult", "one for each token", len(chosen), wrong, "warn")


_ROUNDING = 1e-4
"""Healthy answers have up to 3e-5."""
_LEAST = -700.0
"""Below it a probability is 0."""


def _strange(evidence: Evidence, chosen: list[dict[str, Json]], tops: list[list[dict[str, Json]]]) -> str:
    """What is wrong with the log probabilities as a whole; empty if nothing is."""
    asked, most = (field(evidence.request_body, "generationConfig", name) for name in ("responseLogprobs", "logprobs"))
    if not chosen or (not tops and number(most)):
        return "log probabilities were requested, none came" if asked is True else ""
    if tops and len([*filter(None, tops)]) != len(chosen):
        return f"{len([*filter(None, tops)])} topCandidates for {len(chosen)} chosenCandidates"
    tokens, text = "".join(str(token.get("token", "")) for token in chosen).strip(), evidence.reply.text.strip()
    if text and not tokens.startswith(text) and not text.startswith(tokens):
        return "the chosen tokens are not the text: are they of another answer?"
    if wrong := next(filter(None, map(_wrong_order, tops)), ""):
        return f"the topCandidates of a token {wrong}"
    for one, top in zip(chosen, tops, strict=False):
        values = _log_probabilities((one, top[-1] if top else one))
        is_likely = len(values) == 2 and values[0] > values[1] + _ROUNDING
        if is_likely and one.get("token") not in [token.get("token") for token in top]:
            return f"the chosen token {one.get('token')!r} is not among its topCandidates: they are of another token"
    if asked is None and evidence.request_body is not None:
        return "log probabilities came, but responseLogprobs was not set"
    if 2 * len(tokens) < len(text):
        return f"the {len(chosen)} chosen tokens are less than half of the text"
    longest = max(map(len, tops), default=0)
    return f"{longest} candidates for a token, logprobs is {most}" if longest > (number(most) or longest) else ""


def _wrong_order(top: list[dict[str, Json]]) -> str:
    values = _log_probabilities(top)
    if values != sorted(values, reverse=True):
        return "do not begin with the most probable one"
    return "have probabilities of more than 1 together" if sum(map(exp, values)) > 1 + _ROUNDING else ""


def _log_probabilities(tokens: Iterable[dict[str, Json]]) -> list[float]:
    """Those that are numbers; an integer may be too large for a float."""
    values = (token.get("logProbability", 0.0) for token in tokens)
    return [max(value, _LEAST) for value in values if is_number(value)]
