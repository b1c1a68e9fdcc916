"""Token counts: each is present, is a natural number, and adds up."""

from __future__ import annotations

from collections.abc import Iterator

from harness.answer.reply import an_object, objects_in
from harness.judge.invariants.request_fields import field, has_answer, is_finished, number
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch

_ADDENDS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
_DETAILS = {
    "promptTokensDetails": "promptTokenCount",
    "candidatesTokensDetails": "candidatesTokenCount",
    "cacheTokensDetails": "cachedContentTokenCount",
    "toolUsePromptTokensDetails": "toolUsePromptTokenCount",
}


def _is_natural(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@rule("usage-present", "error")
def usage_present(evidence: Evidence) -> Iterator[Mismatch]:
    """``usageMetadata`` with ``totalTokenCount`` is in the answer, or in the last chunk of a stream.

    A missing ``promptTokenCount`` is a warning. Not checked for a blocked prompt, because a filter in front of the model
    (Model Armor) counts nothing.
    """
    reply = evidence.reply
    if not has_answer(evidence) or reply.finish_reason is None:
        return
    last = an_object(reply.events[-1].value).get("usageMetadata")
    if an_object(last).get("totalTokenCount") is None:
        message = "usageMetadata.totalTokenCount is missing" + (" in the last chunk" if len(reply.events) > 1 else "")
        yield Mismatch("$.usageMetadata.totalTokenCount", "a count", None, message)
    elif an_object(last).get("promptTokenCount") is None:
        message = "usageMetadata.promptTokenCount is missing"
        yield Mismatch("$.usageMetadata.promptTokenCount", "a count", None, message, "warn")


@rule("usage-natural", "error")
def usage_natural(evidence: Evidence) -> Iterator[Mismatch]:
    """Every token count is a non-negative integer."""
    for key, value in evidence.reply.usage.items():
        if key.endswith("TokenCount") and value is not None and not _is_natural(value):
            yield Mismatch(f"$.usageMetadata.{key}", "a count", value, f"{key} is {value!r}: not a count")


@rule("usage-sum", "error")
def usage_sum(evidence: Evidence) -> Iterator[Mismatch]:
    """``totalTokenCount`` is the sum of the prompt, candidates, thoughts and toolUsePrompt counts, in the last chunk."""
    usage, reply = evidence.reply.usage, evidence.reply
    total = usage.get("totalTokenCount")
    ended = reply.finish_reason is not None or reply.block_reason is not None
    if not ended or not _is_natural(total) or usage.get("promptTokenCount") is None:
        return
    counts = {key: reply.count(key) for key in _ADDENDS}
    if sum(counts.values()) != total:
        sums = " + ".join(str(count) for count in counts.values() if count) or "0"
        message = f"totalTokenCount is {total}, but {sums} = {sum(counts.values())}"
        yield Mismatch("$.usageMetadata.totalTokenCount", sum(counts.values()), total, message)


@rule("usage-prompt-stable", "warn")
def usage_prompt_stable(evidence: Evidence) -> Iterator[Mismatch]:
    """``promptTokenCount`` is the same in every chunk of a stream that used no built-in tool."""
    if evidence.reply.count("toolUsePromptTokenCount"):
        return
    usages = (an_object(an_object(event.value).get("usageMetadata")) for event in evidence.reply.events)
    counts = list(
        dict.fromkeys(count for usage in usages if _is_natural(count := usage.get("promptTokenCount")) and count)
    )
    if len(counts) > 1:
        message = f"promptTokenCount changes during the stream: {', '.join(map(str, counts))}"
        yield Mismatch("$.usageMetadata.promptTokenCount", counts[0], counts[-1], message)


@rule("usage-details", "warn")
def usage_details(evidence: Evidence) -> Iterator[Mismatch]:
    """The details by modality add up to their count. Not checked for image output and built-in tools."""
    usage = evidence.reply.usage
    for key, total in _DETAILS.items():
        details = objects_in(usage.get(key))
        if not details or _is_known_not_to_add_up(evidence, key, details):
            continue
        counted = sum(detail["tokenCount"] for detail in details if _is_natural(detail.get("tokenCount")))
        if counted != evidence.reply.count(total):
            message = f"{key} sum to {counted}, {total} is {evidence.reply.count(total)}"
            yield Mismatch(f"$.usageMetadata.{key}", evidence.reply.count(total), counted, message)


def _is_known_not_to_add_up(evidence: Evidence, key: str, details: list[dict[str, Json]]) -> bool:
    if key == "candidatesTokensDetails":
        return any(detail.get("modality") == "IMAGE" for detail in details)
    return key == "promptTokensDetails" and evidence.reply.count("toolUsePromptTokenCount") > 0


@rule("candidates-count", "warn")
def candidates_count(evidence: Evidence) -> Iterator[Mismatch]:
    """``candidatesTokenCount`` is present if the answer has text."""
    reply = evidence.reply
    if has_answer(evidence) and reply.finish_reason and reply.text and not reply.usage.get("candidatesTokenCount"):
        message = "the answer has text, but no candidatesTokenCount"
        yield Mismatch("$.usageMetadata.candidatesTokenCount", "a count", None, message)


@rule("output-limit", "warn")
def output_limit(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer that ended with STOP has fewer tokens than ``maxOutputTokens``. Otherwise it was probably truncated."""
    limit = number(field(evidence.request_body, "generationConfig", "maxOutputTokens"))
    spent = evidence.reply.count("candidatesTokenCount") + evidence.reply.count("thoughtsTokenCount")
    if is_finished(evidence) and limit and spent >= limit:
        message = f"STOP after {spent} tokens of {limit}: was the answer truncated?"
        yield Mismatch("$.candidates[0].finishReason", "MAX_TOKENS", "STOP", message)
