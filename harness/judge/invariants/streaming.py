"""Streams: framing, chunks that are deltas, and an end that says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from harness.answer.reply import OUTPUT, an_object, error_of, objects_in, parts_of, reason, text_of
from harness.judge.invariants.request_fields import has_answer, is_stream, wants_sse
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch

_SHORTEST_REPEAT = 12
"""Characters. Shorter texts repeat by chance: ``ha`` ``ha``."""


@rule("sse-framing", "error", of_bytes=True)
def sse_framing(evidence: Evidence) -> Iterator[Mismatch]:
    """Only SSE fields and comments, each payload one whole JSON object, each event ended by a blank line, no [DONE]."""
    if evidence.exchange.status == 200:
        for fault in evidence.reply.faults:
            if fault.rule == "sse-framing":
                yield Mismatch(fault.at, "data: {...} and a blank line", None, fault.message)


@rule("sse-requested", "error")
def sse_requested(evidence: Evidence) -> Iterator[Mismatch]:
    """SSE came if and only if it was asked for. JSON arrays are right for streams without ``alt=sse``."""
    form = evidence.reply.form
    if evidence.exchange.status != 200 or evidence.reply.error is not None:
        return
    if form == "sse" and not wants_sse(evidence):
        yield Mismatch("body", "JSON", "SSE", "an event stream came, though none was asked for")
    elif form in ("json", "array") and wants_sse(evidence):
        what = "one JSON object" if form == "json" else "a JSON array"
        yield Mismatch("body", "SSE", "JSON", f"an event stream was asked for, {what} came")


@rule("stream-error", "error")
def stream_error(evidence: Evidence) -> Iterator[Mismatch]:
    """No event of a stream carries an error."""
    if evidence.exchange.status != 200 or evidence.reply.form not in ("sse", "array"):
        return
    for index, event in enumerate(evidence.reply.events):
        if (error := error_of(event.value)) is not None:
            said = an_object(error).get("message") or an_object(error).get("status") or error
            yield Mismatch(f"events[{index}].error", None, error, f"the stream broke off with an error: {said}")


@rule("stream-end", "error")
def stream_end(evidence: Evidence) -> Iterator[Mismatch]:
    """The last word is a finish reason or a prompt block. An earlier one with content after it needs built-in tools."""
    reply = evidence.reply
    if not is_stream(evidence) or not has_answer(evidence):
        return
    if reply.finish_reason is None and reply.block_reason is None:
        cut = f" ({evidence.exchange.fault})" if evidence.exchange.fault else ""
        message = f"the stream ended without a finishReason{cut}: it was cut off"
        yield Mismatch("$.candidates[0].finishReason", "STOP", None, message)
    if not _has_steps(evidence):
        yield from _content_after_end(evidence)


def _has_steps(evidence: Evidence) -> bool:
    """Whether built-in tools ran: then the model ends several times in one answer."""
    steps = ("toolCall", "toolResponse", "executableCode", "codeExecutionResult")
    return evidence.reply.count("toolUsePromptTokenCount") > 0 or any(
        kind in part for part in evidence.reply.parts for kind in steps
    )


def _content_after_end(evidence: Evidence) -> Iterator[Mismatch]:
    ended: dict[Json, int] = {}
    for number, event in enumerate(evidence.reply.events):
        for place, candidate in enumerate(objects_in(an_object(event.value).get("candidates"))):
            which = candidate.get("index", place) if isinstance(candidate.get("index", place), int) else place
            if which in ended and any(_has_content(part) for part in parts_of(candidate)):
                message = f"content came after the finishReason in events[{ended[which]}]"
                yield Mismatch(f"events[{number}]", "nothing after the end", parts_of(candidate), message)
                return
            if reason(candidate.get("finishReason")):
                ended.setdefault(which, number)


def _has_content(part: Mapping[str, Json]) -> bool:
    return any(part.get(kind) not in (None, "") for kind in OUTPUT)


@rule("stream-delta", "error")
def stream_delta(evidence: Evidence) -> Iterator[Mismatch]:
    """Chunks are deltas: the last is not the whole text again, and texts are not ever-growing prefixes."""
    if evidence.reply.form not in ("sse", "array"):
        return
    for kind, texts in _texts(evidence).items():
        if len(texts) > 1 and (message := _repeats(texts)):
            yield Mismatch(kind, "deltas", texts[-1][:200], f"{kind}: {message}")


def _texts(evidence: Evidence) -> Mapping[str, Sequence[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for event in evidence.reply.events:
        candidates = objects_in(an_object(event.value).get("candidates"))
        parts = parts_of(candidates[0]) if len(candidates) == 1 else []
        for kind in ("text", "thoughts"):
            if text := text_of(parts, thought=kind == "thoughts"):
                texts[kind].append(text)
    return texts


def _repeats(texts: Sequence[str]) -> str | None:
    *before, last = texts
    told = "".join(before)
    if len(told) >= _SHORTEST_REPEAT and last.startswith(told):
        return "the last chunk tells the whole text again"
    grows = all(len(one) < len(two) and two.startswith(one) for one, two in pairwise(texts))
    if grows and (len(texts) > 2 or len(texts[0]) >= _SHORTEST_REPEAT):
        return "each chunk repeats the text so far"
    return None
