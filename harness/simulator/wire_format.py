"""An answer as JSON values and bytes: the unary body, the chunks of a stream, and the framings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from harness.simulator.answer_types import Candidate, SimulatedAnswer, output_tokens
from harness.simulator.tokens import details, tokens

FIRST_CHUNK = 12
"""Characters of the first text chunk. It is rounded up to the end of a word, as the following ones are."""
ONE_CHUNK = 32
"""A text of at most so many characters is one chunk."""
CHUNK = 90
_THOUGHT = re.compile(r"(?s).+?(?:\n\n.*?(?:\n\n|$)|$)")
_HEX = {"<": "\\u003c", ">": "\\u003e"}


# --- unary --------------------------------------------------------------------------------------------


def whole(answer: SimulatedAnswer) -> dict[str, Any]:
    """The body of ``generateContent``."""
    output = sum(answer.output.values())
    return _response(
        answer, [_candidate(answer, n) for n in range(len(answer.candidates))], output, answer.thoughts, last=True
    )


def _response(
    answer: SimulatedAnswer, candidates: Sequence[Any], output: int, thoughts: int, *, last: bool
) -> dict[str, Any]:
    body: dict[str, Any] = {"candidates": list(candidates)} if candidates else {}
    if answer.blocked is not None:
        body["promptFeedback"] = dict(answer.blocked)
    body["usageMetadata"] = _usage(answer, output, thoughts, last=last)
    return {**body, "modelVersion": answer.model, "responseId": answer.response_id}


def _usage(answer: SimulatedAnswer, output: int, thoughts: int, *, last: bool) -> dict[str, Any]:
    """``usageMetadata`` in Google's order, without zeros. The total is always prompt + candidates + thoughts + tool use."""
    prompt, cached, tool = sum(answer.prompt.values()), sum(answer.cached.values()), answer.tool_tokens
    usage: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "totalTokenCount": prompt + output + thoughts + tool,
        "cachedContentTokenCount": cached,
        "promptTokensDetails": details(answer.prompt),
        "cacheTokensDetails": details(answer.cached),
        "candidatesTokensDetails": details(answer.output) if answer.lists_candidates and last else [],
        "toolUsePromptTokenCount": tool,
        "toolUsePromptTokensDetails": details({"TEXT": tool}),
        "thoughtsTokenCount": thoughts,
    }
    return {**{name: value for name, value in usage.items() if value}, "serviceTier": answer.tier}


def _candidate(answer: SimulatedAnswer, index: int) -> dict[str, Any]:
    candidate = answer.candidates[index]
    parts = _parts(candidate)
    if candidate.signature and parts:
        parts[-1] = {**parts[-1], "thoughtSignature": candidate.signature}
    return _framed(answer, index, parts, grounding=candidate.output.grounding)


def _parts(candidate: Candidate) -> list[dict[str, Any]]:
    thoughts = [{"text": candidate.thoughts.summary, "thought": True}] if candidate.thoughts.summary else []
    return [*thoughts, *(dict(part) for part in candidate.output.parts)]


def _framed(
    answer: SimulatedAnswer, index: int, parts: Sequence[Any], *, grounding: Any = None, done: bool = True
) -> dict[str, Any]:
    """A candidate object in Google's key order. ``done``: with the finish reason and the other fields of the end."""
    candidate = answer.candidates[index]
    output = candidate.output
    framed: dict[str, Any] = {}
    if parts or output.finish in ("STOP", "MAX_TOKENS", "CONTINUATION"):
        framed["content"] = {"parts": list(parts), "role": "model"} if parts else {"role": "model"}
    if done:
        framed["finishReason"] = output.finish
    if answer.numbered or index:
        framed["index"] = index
    if grounding is not None:
        framed["groundingMetadata"] = dict(grounding)
    return {**framed, **_ending(candidate)} if done else framed


def _ending(candidate: Candidate) -> dict[str, Any]:
    """The fields at the end of a candidate, without empty ones."""
    output = candidate.output
    found: dict[str, Any] = {
        "safetyRatings": list(output.ratings),
        "citationMetadata": {"citationSources": list(output.citations)} if output.citations else None,
        "finishMessage": output.message,
        "urlContextMetadata": output.url_context,
        "avgLogprobs": candidate.average,
        "logprobsResult": candidate.logprobs,
        "continuationToken": candidate.token,
    }
    return {name: value for name, value in found.items() if value}


# --- in chunks ----------------------------------------------------------------------------------------


def chunks(answer: SimulatedAnswer) -> Iterator[dict[str, Any]]:
    """The bodies of ``streamGenerateContent``: text as deltas, token counts as running totals."""
    if not answer.candidates:
        yield _response(answer, [], 0, 0, last=True)
        return
    output = thoughts = 0
    for index, candidate in enumerate(answer.candidates):
        steps = _steps(answer, candidate)
        for step in steps:
            output, thoughts = output + step.output, thoughts + step.thoughts
            framed = _framed(answer, index, step.parts, grounding=step.grounding, done=step.done)
            if step is steps[-1] and any(earlier.done for earlier in steps[:-1]):
                framed.pop("finishMessage", None)
            last = step is steps[-1] and index == len(answer.candidates) - 1
            yield _response(answer, [framed], output, thoughts, last=last)


@dataclass(slots=True)
class _Step:
    """One chunk of one candidate: its parts, and the tokens that they add."""

    parts: list[dict[str, Any]]
    output: int = 0
    thoughts: int = 0
    grounding: Mapping[str, Any] | None = None
    done: bool = False


def _steps(answer: SimulatedAnswer, candidate: Candidate) -> list[_Step]:
    parts = [step for part in candidate.output.parts for step in _part_steps(part, answer)]
    steps = [*_thought_steps(candidate), *(parts if answer.ends_empty else _with_calls_together(parts))]
    _grounded(candidate, steps)
    if not steps or (answer.ends_empty and (candidate.signature or candidate.output.called)):
        steps.append(_closing(candidate))
    elif candidate.signature:
        steps[-1].parts[-1]["thoughtSignature"] = candidate.signature
    steps[-1].done = True
    _end_calls_of_servers(steps)
    unspent = candidate.thoughts.tokens - sum(step.thoughts for step in steps)
    steps[0].thoughts += unspent
    return steps


def _end_calls_of_servers(steps: Sequence[_Step]) -> None:
    """A call whose result is in the same answer ends the answer too, and says why, as recorded; the last chunk ends it once more."""
    for step, after in pairwise(steps):
        if "functionCall" in step.parts[-1] and "functionResponse" in after.parts[0]:
            step.done = True


def _with_calls_together(steps: Sequence[_Step]) -> list[_Step]:
    """The same steps, with neighbouring function calls in one."""
    joined: list[_Step] = []
    for step in steps:
        if joined and all("functionCall" in part for part in (*joined[-1].parts, *step.parts)):
            joined[-1].parts += step.parts
            joined[-1].output += step.output
        else:
            joined.append(step)
    return joined


def _closing(candidate: Candidate) -> _Step:
    """The last chunk of an answer that ends with a signature or a call: an empty text."""
    if candidate.signature:
        return _Step([{"text": "", "thoughtSignature": candidate.signature}])
    return _Step([{"text": ""}] if candidate.output.called else [])


def _thought_steps(candidate: Candidate) -> list[_Step]:
    blocks = _THOUGHT.findall(candidate.thoughts.summary)
    if not blocks:
        return []
    share = candidate.thoughts.tokens // len(blocks)
    return [_Step([{"text": text, "thought": True}], thoughts=share) for text in blocks]


def _part_steps(part: Mapping[str, Any], answer: SimulatedAnswer) -> Iterator[_Step]:
    text = part.get("text")
    if not isinstance(text, str):
        yield _Step([dict(part)], output=output_tokens(part, answer.scale))
        return
    plain = {name: value for name, value in part.items() if name != "thoughtSignature"}
    left, cut = tokens(text), list(pieces(text, answer.chunk))
    for piece in cut[:-1]:
        added = min(tokens(piece), left)
        left -= added
        yield _Step([{**plain, "text": piece}], output=added)
    for piece in cut[-1:]:
        yield _Step([{**plain, "text": piece}], output=left)
    if len(plain) < len(part):
        yield _Step([{**part, "text": ""}])


def pieces(text: str, size: int = CHUNK) -> Iterator[str]:
    """The pieces of a streamed text: a short first one, then longer ones, each cut after a space if possible."""
    start, end = 0, FIRST_CHUNK if len(text) > ONE_CHUNK else len(text)
    while start < len(text):
        if end < len(text):
            space = max(text.find(" ", end, end + 24), text.find("\n", end, end + 24))
            end = space + 1 if space >= 0 else end
        yield text[start:end]
        start, end = end, end + size


def _grounded(candidate: Candidate, steps: Sequence[_Step]) -> None:
    """Sets the grounding of each chunk: the whole metadata in the last one, an empty object in the others."""
    found = candidate.output.grounding
    if found is None:
        return
    for step in steps:
        step.grounding = {}
    if steps:
        steps[-1].grounding = found


# --- bytes --------------------------------------------------------------------------------------------


_flat = json.JSONEncoder(ensure_ascii=False, separators=(",", ": ")).encode


def pretty(value: Any) -> bytes:
    """JSON as Google prints whole answers and errors: two spaces, a final newline, angle brackets escaped."""
    return msgspec.json.format(line(value), indent=2) + b"\n"


def line(value: Any) -> bytes:
    """JSON as Google writes it in an event: a space after each colon, none after commas."""
    return _escaped(_flat(value))


def event(value: Any) -> bytes:
    return b"data: " + line(value) + b"\r\n\r\n"


def elements(values: Iterable[Any]) -> Iterator[bytes]:
    """A JSON array sent piecemeal, as without ``alt=sse``."""
    before = b"["
    for value in values:
        yield before + pretty(value).rstrip(b"\n")
        before = b"\n,\r\n"
    yield b"\n]\n" if before != b"[" else b"[]\n"


def _escaped(text: str) -> bytes:
    if "<" in text or ">" in text:
        text = text.replace("<", _HEX["<"]).replace(">", _HEX[">"])
    return text.encode("utf-8", "replace")
