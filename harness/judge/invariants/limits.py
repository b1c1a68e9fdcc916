"""What the request limits or asks for in numbers: the tokens of an answer, and its candidates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.answer.reply import parts_of, text_of
from harness.answer.structured import wants_json
from harness.gemini.schemas.request_schema import field
from harness.judge.invariants.request_fields import is_finished, number
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch
from harness.text.jsontext import objects_in


@rule("output-limit", "warn", needs="maxOutputTokens")
def output_limit(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer that ended with STOP has fewer tokens than ``maxOutputTokens``, or under 90 % of them if it ends with a letter or a comma.
    Otherwise it was probably truncated. One that was truncated has no more than twice as many: models go a little beyond a limit. Each candidate has a limit of its own.

    asked: {"generationConfig": {"maxOutputTokens": 60}}
    right: {"usageMetadata": {"candidatesTokenCount": 40}}
    wrong: {"usageMetadata": {"candidatesTokenCount": 60}}
    """
    limit = (_limit(evidence) or 0) * (len(objects_in(evidence.reply.response.get("candidates"))) or 1)
    spent = evidence.reply.count("candidatesTokenCount") + evidence.reply.count("thoughtsTokenCount")
    is_open = 10 * spent >= 9 * limit and re.search(r" \S+ \S+[\w,]\Z", evidence.reply.text)
    if is_finished(evidence) and limit and (spent >= limit or (is_open and not wants_json(evidence))):
        message = f"STOP after {spent} tokens of {limit}: was the answer truncated?"
        yield Mismatch("$.candidates[0].finishReason", "MAX_TOKENS", "STOP", message)
    elif limit >= _LOWEST_LIMIT and evidence.reply.finish_reason == "MAX_TOKENS" and spent > 2 * limit:
        message = f"MAX_TOKENS after {spent} tokens, but maxOutputTokens is {limit}"
        yield Mismatch("$.usageMetadata.candidatesTokenCount", limit, spent, message)


@rule("text-cut", "warn", of="finished", per_candidate=True)
def text_cut(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer that ended with STOP is whole: its last block of code has an end, and its last line with several sentences ends
    with one. So does its last line of eight words and more, if three such lines and more do, and all of them. Not checked for JSON, and with
    ``stopSequences``.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo lies at the end of the Oslofjord. Around its harbour are wooded hills."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo lies at the end of the Oslofjord. Around its harbour are wooded hills and for"}]}}]}
    """
    text = evidence.reply.text
    if wants_json(evidence) or field(evidence.request_body, "generationConfig", "stopSequences"):
        return
    is_code = (text.startswith("```") + text.count("\n```")) % 2 and text.count("```") % 2 and "````" not in text
    if is_code or _is_open(text[-_LAST_READ:]):
        what = "within a block of code" if is_code else "in the middle of a sentence"
        yield Mismatch("text", "its end", text[-80:], f"STOP, but the text ends {what}: was it cut?")


def _is_open(text: str) -> bool:
    """Whether the last sentence has no end. The search tries every place, so it is for texts that end with a letter, or a comma after one."""
    last = text.rstrip().removesuffix(",")[-1:]
    if not (last.isascii() and last.isalpha()):
        return False
    *lines, end = [line for line in map(str.strip, text.splitlines()) if line.count(" ") >= _FEWEST_BLANKS] or [""]
    is_last = text.rstrip().endswith(end) and not re.search("[.!?] ", end)
    is_cut = (is_last and len(lines) >= _FEWEST_LINES) or (len(text) >= _LONG and re.search(_OPEN_SENTENCE, text))
    return bool(is_cut) and all(map(_ENDED, lines))


_OPEN_SENTENCE, _LAST_READ = r"[^\n]{20}[a-z)][.!?] [A-Z][^\s.!?]*(?: [^\s.!?]+){4,} [^\s.!?]*[A-Za-z],?\s*\Z", 2_000
_FEWEST_BLANKS, _FEWEST_LINES = 7, 3
_ENDED = re.compile(r".*[.!?:][)\"'*_`]*\Z").match
_LONG = 80
_LITTLE = 1_000
"""Tokens. No model has so low a limit of its own."""
_LOWEST_LIMIT = 16


@rule("max-tokens-unasked", "error", is_cause=True)
def max_tokens_unasked(evidence: Evidence) -> Iterator[Mismatch]:
    """MAX_TOKENS comes at a limit that the request set: not below half of it (from 16 up), and not without one below 1,000 tokens.
    Otherwise something between client and model has a limit of its own.

    asked: {"generationConfig": {"maxOutputTokens": 1000}}
    right: {"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata": {"candidatesTokenCount": 1000}}
    wrong: {"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata": {"candidatesTokenCount": 120}}
    """
    if is_cut_unasked(evidence):
        limit, spent = _limit(evidence), _spent(evidence)
        asked = "no maxOutputTokens was requested" if limit is None else f"maxOutputTokens is {limit}"
        message = f"the answer is truncated: MAX_TOKENS after {spent} tokens, but {asked}"
        yield Mismatch("$.candidates[0].finishReason", limit, spent, message)


def is_cut_unasked(evidence: Evidence) -> bool:
    """Whether the answer was truncated at a limit that the request did not set."""
    if evidence.reply.finish_reason != "MAX_TOKENS" or evidence.request_body is None:
        return False
    spent, limit = _spent(evidence), _limit(evidence)
    if field(evidence.request_body, "continuationToken") is not None or (limit is not None and limit < _LOWEST_LIMIT):
        return False
    return spent is not None and spent < (_LITTLE if limit is None else limit / 2)


def _limit(evidence: Evidence) -> int | None:
    return number(field(evidence.request_body, "generationConfig", "maxOutputTokens"))


def _spent(evidence: Evidence) -> int | None:
    """The tokens of the answer and its thoughts, which some models count in the total only; None if nothing is counted."""
    reply = evidence.reply
    if reply.usage.get("totalTokenCount") is None:
        return None
    rest = reply.count("totalTokenCount") - reply.count("promptTokenCount") - reply.count("toolUsePromptTokenCount")
    return max(rest, reply.count("candidatesTokenCount") + reply.count("thoughtsTokenCount"))


@rule("candidate-count", "error", of="answer")
def candidate_count(evidence: Evidence) -> Iterator[Mismatch]:
    """There are no more candidates than ``candidateCount`` (1 without it), and no index outside of that, or twice. All of them are
    billed. A warning if there are fewer, or two have the same text of 80 characters and more, although the temperature is not 0.

    asked: {"generationConfig": {"candidateCount": 1}}
    right: {"candidates": [{"index": 0}]}
    wrong: {"candidates": [{"index": 0}, {"index": 1, "content": {"parts": [{"text": "Bergen"}]}, "finishReason": "STOP"}]}
    """
    if evidence.request_body is None or evidence.reply.block_reason is not None:
        return
    asked = number(field(evidence.request_body, "generationConfig", "candidateCount")) or 1
    found = objects_in(evidence.reply.response.get("candidates"))
    indices = [index for one in found if isinstance(index := one.get("index", 0), int)]
    texts = [text_of(parts_of(one)) for one in found] if len(found) > 1 else []
    long = [text for text in texts if len(text) >= _LONG]
    strange = next((index for index in indices if not 0 <= index < asked), None)
    if len(found) > asked or strange is not None:
        what = f"{len(found)} candidates" if len(found) > asked else f"a candidate with the index {strange}"
        yield Mismatch("$.candidates", asked, len(found), f"{what}, but candidateCount is {asked}")
    elif len(named := [one["index"] for one in found if "index" in one]) > len(set(map(str, named))):
        yield Mismatch("$.candidates", "each index once", named, f"the indices are {named}: clients mix candidates")
    elif len(long) > len(set(long)) and field(evidence.request_body, "generationConfig", "temperature") != 0:
        yield Mismatch(
            "$.candidates", "another text", min(long)[:80], "two candidates are the same: one was copied", "warn"
        )
    elif found and len(found) < asked:
        yield Mismatch("$.candidates", asked, len(found), f"{len(found)} of {asked} requested candidates", "warn")
