"""Ends an answer early: at a stop sequence, at ``maxOutputTokens``, or at the model's limit for one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from harness.simulator.answer_types import ModelOutput, output_tokens
from harness.simulator.request import Ask
from harness.simulator.thinking import Thoughts
from harness.simulator.tokens import clip

TINY = 24
"""Thoughts that do not fit use up a limit of at most so many tokens."""


class OutputRoom(NamedTuple):
    """How many tokens fit, and the finish reason of an answer that is longer."""

    tokens: int
    finish: str


def room(ask: Ask, *, stream: bool, spent: int = 0) -> OutputRoom:
    """The tokens that one request may return: ``maxOutputTokens`` minus the tokens that earlier requests ``spent`` on the answer, and
    at most the model's limit. If more follows, Gemini 4 ends with CONTINUATION."""
    facts = ask.facts
    once = facts.output_tokens if stream else facts.output_unary or facts.output_tokens
    asked = ask.config.get("maxOutputTokens", once + spent) - spent
    goes_on = "long_decode" in facts.features and asked > once
    return OutputRoom(max(min(asked, once), 0), "CONTINUATION" if goes_on else "MAX_TOKENS")


def answer_tokens(ask: Ask, output: ModelOutput) -> int:
    """Tokens of the answer itself, without thoughts."""
    return sum(output_tokens(part, ask.output_scale) for part in output.parts)


def leave_room(thoughts: Thoughts, answer: int, most: int) -> Thoughts:
    """Thoughts that leave room for ``answer`` tokens, if a quarter of them is enough. Else they use up the limit but for at most three
    tokens, as recorded."""
    if thoughts.tokens + answer <= most:
        return thoughts
    if most > TINY and 4 * (most - answer) >= thoughts.tokens:
        return replace(thoughts, tokens=most - answer)
    return replace(thoughts, tokens=min(thoughts.tokens, most if most <= TINY else most - thoughts.tokens % 4))


def apply_stop_sequences(ask: Ask, output: ModelOutput) -> ModelOutput:
    """The answer before the first stop sequence."""
    stops = [stop for stop in ask.config.get("stopSequences", ()) if stop]
    kept: list[Mapping[str, Any]] = []
    for part in output.parts if stops else ():
        text = part.get("text", "")
        cut = min((at for stop in stops if (at := text.find(stop)) >= 0), default=-1)
        if cut >= 0:
            kept += [{**part, "text": text[:cut]}] if cut else []
            return _drop_cut_supports(replace(output, parts=kept))
        kept.append(part)
    return output


def apply_limits(ask: Ask, output: ModelOutput, thoughts: Thoughts, room: OutputRoom) -> tuple[ModelOutput, Thoughts]:
    """Cuts thoughts and answer to the room there is: thoughts first, then the answer. Images are not cut."""
    most, scale = room.tokens, ask.output_scale
    if thoughts.tokens >= most:
        return ModelOutput((), room.finish), Thoughts(most, clip(thoughts.summary, most))
    left = most - thoughts.tokens
    if "image_out" in ask.facts.features:
        return output, thoughts
    kept: list[Mapping[str, Any]] = []
    for part in output.parts:
        size = output_tokens(part, scale)
        if size > left:
            text = clip(part["text"], left) if "text" in part else ""
            kept += [{**part, "text": text}] if text else []
            return _drop_cut_supports(replace(output, parts=kept, finish=room.finish, message="")), thoughts
        left -= size
        kept.append(part)
    return output, thoughts


def _drop_cut_supports(output: ModelOutput) -> ModelOutput:
    """Drops grounding supports that point past the end of the cut text."""
    if not output.grounding:
        return output
    size = len(output.text.encode())
    inside = [
        support for support in output.grounding.get("groundingSupports", ()) if support["segment"]["endIndex"] <= size
    ]
    rest = {key: value for key, value in output.grounding.items() if key != "groundingSupports"}
    return replace(output, grounding={**rest, "groundingSupports": inside} if inside else rest)
