"""Where an answer ends early: at a stop sequence, at ``maxOutputTokens``, at what one request may yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from harness.simulator.answer_types import ModelOutput, output_tokens
from harness.simulator.media import said as made
from harness.simulator.request import Ask
from harness.simulator.thinking import Thoughts
from harness.simulator.tokens import clip


class OutputRoom(NamedTuple):
    """Tokens that fit, and the finish reason of an answer that does not."""

    tokens: int
    finish: str


def room(ask: Ask, *, stream: bool, spent: int = 0) -> OutputRoom:
    """How much one request may yield: ``maxOutputTokens`` less what earlier parts of the answer ``spent``, and no more than the
    model gives at once. Where there is more to come, Gemini 4 ends with CONTINUATION."""
    facts = ask.facts
    once = facts.output_tokens if stream else facts.output_unary or facts.output_tokens
    asked = ask.config.get("maxOutputTokens", once + spent) - spent
    goes_on = "long_decode" in facts.features and asked > once
    return OutputRoom(max(min(asked, once), 0), "CONTINUATION" if goes_on else "MAX_TOKENS")


def half(ask: Ask, said: ModelOutput) -> int:
    """Half of the tokens of an answer."""
    return sum(output_tokens(part, made(ask.generation)) for part in said.parts) // 2


def stopped(ask: Ask, said: ModelOutput) -> ModelOutput:
    """The answer up to the first stop sequence, which is left out."""
    stops = [stop for stop in ask.config.get("stopSequences", ()) if stop]
    kept: list[Mapping[str, Any]] = []
    for part in said.parts if stops else ():
        text = part.get("text", "")
        cut = min((at for stop in stops if (at := text.find(stop)) >= 0), default=-1)
        if cut >= 0:
            kept += [{**part, "text": text[:cut]}] if cut else []
            return _reground(replace(said, parts=kept))
        kept.append(part)
    return said


def limited(ask: Ask, said: ModelOutput, thoughts: Thoughts, fits: OutputRoom) -> tuple[ModelOutput, Thoughts]:
    """What fits: thoughts first, then the answer. Images are not cut."""
    most, scale = fits.tokens, made(ask.generation)
    if thoughts.tokens >= most:
        return ModelOutput((), fits.finish), Thoughts(most, clip(thoughts.summary, most))
    left = most - thoughts.tokens
    if "image_out" in ask.facts.features:
        return said, thoughts
    kept: list[Mapping[str, Any]] = []
    for part in said.parts:
        size = output_tokens(part, scale)
        if size > left:
            text = clip(part["text"], left) if "text" in part else ""
            kept += [{**part, "text": text}] if text else []
            return _reground(replace(said, parts=kept, finish=fits.finish, message="")), thoughts
        left -= size
        kept.append(part)
    return said, thoughts


def _reground(said: ModelOutput) -> ModelOutput:
    """Supports that point past the end of a cut text are gone."""
    if not said.grounding:
        return said
    size = len(said.text.encode())
    inside = [
        support for support in said.grounding.get("groundingSupports", ()) if support["segment"]["endIndex"] <= size
    ]
    rest = {key: value for key, value in said.grounding.items() if key != "groundingSupports"}
    return replace(said, grounding={**rest, "groundingSupports": inside} if inside else rest)
