"""Answers that hold no candidates: of ``countTokens``, of the calls that embed texts, and about models, files, caches and the like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from math import hypot

from harness.gemini.definition import CALLS, COLLECTIONS, answer_of, fields
from harness.gemini.models import bare
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.counts import BEYOND_TEXT, fewest_tokens, is_of_characters
from harness.judge.invariants.request_fields import by_modality, is_natural, number, prompted
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object, compact, keys_in, objects_in

_MOST_CHARACTERS = 20
"""Characters of a text for each of its tokens, however short it is."""


@rule("token-count", "error", any_call=True, dialect="gemini", needs="countTokens")
def token_count(evidence: Evidence) -> Iterator[Mismatch]:
    """``totalTokens`` of ``countTokens`` is a count above 0, and the cached tokens are a part of it. A warning if the details by modality
    have another sum, the characters are counted, or 100 tokens and more are counted for a request of fewer bytes.

    asked: {"operation": "countTokens"}
    right: {"body": {"totalTokens": 31, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 31}]}}
    wrong: {"body": {"total_tokens": 31}}
    """
    answer, body = _answer(evidence, "countTokens"), evidence.request_body or {}
    if answer is None:
        return
    total, cached = answer.get("totalTokens"), number(answer.get("cachedContentTokenCount")) or 0
    details = by_modality(answer, "promptTokensDetails")
    summed = sum(details.values())
    if not is_natural(total) or not total or cached > total:
        what = f"{cached} of them cached" if cached else "not a count"
        yield Mismatch("$.totalTokens", "a count", total, f"totalTokens is {total!r}: {what}")
    elif details and summed != total:
        yield Mismatch("$.promptTokensDetails", total, summed, f"the details sum to {summed}, of {total}", "warn")
    elif is_of_characters("".join(prompted(evidence)), total) and not field(body, "tools"):
        message = f"the prompt has {total} characters, and as many tokens are counted"
        yield Mismatch("$.totalTokens", "tokens", total, message, "warn")
    elif least := fewest_tokens("".join(prompted(evidence)), total, _MOST_CHARACTERS, 0):
        message = f"{total} tokens are counted for a text that has at least {least}"
        yield Mismatch("$.totalTokens", f"at least {least}", total, message, "warn")
    elif max(100, len(compact(body))) < total and body and BEYOND_TEXT.isdisjoint(keys_in(body)):
        message = f"{total} tokens are counted for a request of {len(compact(body))} bytes"
        yield Mismatch("$.totalTokens", f"at most {len(compact(body))}", total, message, "warn")


@rule("embedding", "error", any_call=True, dialect="gemini", needs=("embedContent", "batchEmbedContents"))
def embedding(evidence: Evidence) -> Iterator[Mismatch]:
    """There is one vector for each text: numbers that are not all 0 nor mostly one and the same, as many as ``outputDimensionality`` asks for or the model gives, and as many in each.
    A warning if its length is above 2 or, of 100 numbers, below 0.1, although such vectors have a length of 1 or a little less, and exactly 1 if they have all 3,072 numbers; or two different texts have the same one.

    asked: {"operation": "embedContent"}
    right: {"body": {"embedding": {"values": [0.6, 0.8]}}}
    wrong: {"body": {"embedding": {"values": [0, 0]}}}
    """
    answer = _answer(evidence, "embedContent", "batchEmbedContents")
    if answer is None:
        return
    asked = [*items_of(field(evidence.request_body, "requests"))] or [evidence.request_body]
    is_batch = evidence.operation.startswith("batch")
    found = (
        objects_in(answer["embeddings"])
        if is_batch and "embeddings" in answer
        else [an_object(answer.get("embedding"))]
    )
    at = "$.embeddings" if is_batch else "$.embedding"
    if (is_batch and "embeddings" not in answer) or (len(found) != len(asked) and evidence.request_body):
        yield Mismatch(
            at, len(asked), len(found), f"{len(found)} embeddings in {', '.join(answer)} for {len(asked)} texts"
        )
        return
    vectors = [one.get("values") for one in found]
    usual = 0
    for index, vector in enumerate(vectors):
        size = number(field(asked[index % len(asked)], "outputDimensionality"))
        if isinstance(vector, list) and len(vector) >= _SHORTENED and evidence.request_body:
            size = size or _SIZES.get(bare(evidence.model or ""))
        if wrong := _strange(vector, size or usual, is_real=not evidence.exchange.provenance.simulated):
            severity: Severity | None = "warn" if wrong.startswith("scaled") else None
            yield Mismatch(f"{at}[{index}]", "a vector", str(vector)[:60], f"embedding {index} is {wrong}", severity)
            return
        usual = usual if size else len(vector or ())
    contents = {str(field(one, "content", "parts")) for one in asked}
    if len(contents) > 1 and len({tuple(vector or ()) for vector in vectors}) < len(contents):
        yield Mismatch(at, "one for each text", len(vectors), "two different texts have the same embedding", "warn")


_LONGEST, _SHORTEST, _LARGEST = 2, 0.1, 1e100
_SIZES = {"text-embedding-004": 768, "embedding-001": 768, "gemini-embedding-001": 3072, "gemini-embedding-2": 3072}
"""Model -> how many numbers a vector has if the request does not say."""
_SHORTENED = 100
"""Numbers. Examples and logs have shorter vectors."""


def _strange(vector: Json, size: int, *, is_real: bool) -> str:
    """What is wrong with a vector, which should have as many numbers as ``size``, or any if that is 0; empty if nothing is."""
    is_list = isinstance(vector, list) and {*map(type, vector)} in ({int}, {float}, {int, float})
    if not is_list or not all(map(_LARGEST.__gt__, map(abs, vector))):
        return "no list of numbers"
    if len(vector) != (size or len(vector)):
        return f"of {len(vector)} numbers instead of {size}"
    length, is_whole = hypot(*vector), len(vector) >= _SHORTENED
    same = max(Counter[Json](vector).values())
    if length and is_real and is_whole and 2 * same > len(vector):  # those of the simulator are sparse
        return f"one number in {same} of {len(vector)} places"
    is_unit = is_real and size == _SIZES["gemini-embedding-001"]
    shortest, longest = (0.95, 1.05) if is_unit else (_SHORTEST * is_whole, _LONGEST)
    is_scaled = length and not shortest <= length <= longest
    return f"scaled: its length is {length:.4g}" if is_scaled else "" if length else "all zeros"


_COUNTED = {"countTokens", "embedContent", "batchEmbedContents"}
"""Calls with rules of their own."""


@rule("resource", "error", any_call=True, dialect="gemini", needs=(*COLLECTIONS, *(CALLS.keys() - _COUNTED)))
def resource(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer to any other call is the message that the definition names. A warning if a model, file, cache, store, batch or operation
    has no ``name`` that begins with its collection, or lacks what each has, such as a limit of tokens, comes twice in a list, ends before it was made, or not when the ``ttl`` of the request
    says, or is of another model.

    asked: {"operation": "cachedContents"}
    right: {"body": {"name": "cachedContents/c1", "model": "models/gemini-2.5-flash", "expireTime": "2026-11-20T10:05:00Z", "usageMetadata": {"totalTokenCount": 4100}}}
    wrong: {"body": {"id": "c1"}}
    """
    request, answer = evidence.exchange.request, _answer(evidence, evidence.operation)
    collection, message = answer_of(request.method, request.url)
    known, is_list = fields(message, vertex=True).keys() if message else (), message.startswith("List")
    if answer is None or not known:
        return
    is_empty = known.isdisjoint(answer) and not (is_list and not answer)
    is_empty |= collection == "predict" and not objects_in(answer.get("predictions"))
    if is_empty or {"error", "response"} <= answer.keys():
        keys = ", ".join(list(answer)[:8]) or "nothing"
        yield Mismatch("body", message, list(answer), f"the body is no {message}: it has {keys}")
        return
    found = objects_in(answer.get(collection)) if is_list else [an_object(answer.get("file")) or answer]
    names = [str(one.get("name")) for one in found if "name" in fields(COLLECTIONS.get(collection, message))]
    place = re.compile(rf"(^|/)({'batches|operations' if message == 'Operation' else collection})/[^/]+$")
    if wrong := [name for name in names if not place.search(name) or names.count(name) > 1]:
        message = f"the name is {wrong[0]!r}, or comes twice: not one of {collection}"
        yield Mismatch("$.name", f"{collection}/...", wrong[0], message, "warn")
    elif lost := [name for one in found for name in _lost(COLLECTIONS.get(collection, ""), one)]:
        yield Mismatch(f"$.{lost[0]}", "a value", None, f"{lost[0]} is missing or 0: it was lost on the way", "warn")
    elif len(found) == 1:
        yield from _other_than_asked(found[0], evidence.request_body)


def _lost(message: str, one: dict[str, Json]) -> Iterator[str]:
    """The fields that every such resource has, and this one has not. A cache without tokens cannot be."""
    if len(one) > _FEW:
        yield from (name for name in _EVER.get(message, ()) if not one.get(name))
    if an_object(one.get("usageMetadata")).get("totalTokenCount") == 0:
        yield "totalTokenCount"


_LIMITS = ("inputTokenLimit", "outputTokenLimit", "supportedGenerationMethods")
_FEW = 2  # fields: those who make up an answer may write a name alone
_EVER = {"Model": _LIMITS, "CachedContent": ("model", "expireTime")}


def _other_than_asked(one: dict[str, Json], body: Json) -> Iterator[Mismatch]:
    begin, end = (next((str(one[key]) for key in keys if one.get(key)), "") for keys in (_BEGIN, _END))
    ttl, model = str(field(body, "ttl") or ""), bare(str(field(body, "model") or ""))
    with suppress(ValueError, TypeError):  # TypeError: one of them has no zone
        lasts = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
        if not field(body, "expireTime") and (lasts < 0 or (ttl and abs(lasts - float(ttl.rstrip("s"))) > _SECONDS)):
            yield Mismatch("$.expireTime", ttl or "later", end, f"it ends {lasts:.0f} s after it was made", "warn")
    if model and "latest" not in model and one.get("model") and bare(str(one["model"])) != model:
        yield Mismatch("$.model", model, one["model"], f"it is of {one['model']}, {model} was asked for", "warn")


_BEGIN, _END, _SECONDS = ("updateTime", "createTime"), ("expireTime", "expirationTime"), 60


def _answer(evidence: Evidence, *operations: str) -> dict[str, Json] | None:
    """The answer to these calls; None of others, and of what ``json-body`` reports."""
    reply = evidence.reply
    is_one = evidence.exchange.status == 200 and evidence.operation in operations and reply.form == "json"
    value = reply.events[0].value if is_one and not reply.faults and reply.error is None and len(reply.events) else None
    return value if isinstance(value, dict) else None
