"""The pure core: a normalised request in, an answer out. No network, no clock, no state.

``saying`` decides what is said, ``thinking`` how much was thought, ``limits`` where it ends; here it is put together and signed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.simulator import continuation, functions, images, limits, logprobs, media, prompt_markers, speech
from harness.simulator.answer_types import Candidate, ModelOutput, SimulatedAnswer, is_step, output_tokens
from harness.simulator.continuation import AnswerProgress
from harness.simulator.json_mode import topic
from harness.simulator.model_output import say
from harness.simulator.refusals import check
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.thinking import Thoughts, think
from harness.simulator.tokens import details


def answer(ask: Ask, seed: Seed, *, stream: bool = False, scripted: ModelOutput | None = None) -> SimulatedAnswer:
    """The answer to a request; ``scripted`` is what a rule says instead. Raises ``Refusal`` where the API would answer so."""
    check(ask, stream)
    reached = continuation.reached(ask)
    seed = reached.seed if reached else seed
    prompt = functions.question(ask)
    empty = _empty(ask, seed, reached)
    if reason := prompt_markers.block(prompt):
        return replace(empty, blocked=_feedback(reason))
    seeds = [seed, *(Seed.of(seed.key, "candidate", str(n)) for n in range(1, ask.config.get("candidateCount", 1)))]
    return replace(
        empty,
        candidates=[_candidate(ask, prompt, candidate_seed, scripted, stream, reached) for candidate_seed in seeds],
    )


def _empty(ask: Ask, seed: Seed, reached: AnswerProgress | None) -> SimulatedAnswer:
    """The answer without candidates: who answers, and what the prompt costs. What was said so far is part of the prompt."""
    counts = ask.prompt_tokens()
    if reached:
        counts["TEXT"] = counts.get("TEXT", 0) + reached.spent
        seed = Seed.of(seed.key, str(reached.said))
    old = logprobs.gives(ask)
    return SimulatedAnswer(
        ask.facts.name,
        seed.response_id(),
        (),
        counts,
        ask.cached_tokens(),
        tier=_tier(ask),
        scale=media.said(ask.generation),
        numbered=not old,
        lists_candidates=old or images.makes(ask) or speech.speaks(ask),
    )


def count(ask: Ask) -> dict[str, Any]:
    """What ``countTokens`` answers."""
    counts = ask.prompt_tokens()
    return {"totalTokens": sum(counts.values()), "promptTokensDetails": details(counts)}


def _tier(ask: Ask) -> str:
    tier = str(ask.body.get("serviceTier", "standard"))
    return "standard" if tier == "unspecified" else tier


def _feedback(reason: str) -> dict[str, Any]:
    return (
        {"blockReason": reason, "safetyRatings": prompt_markers.ratings("HIGH")}
        if reason == "SAFETY"
        else {"blockReason": reason}
    )


def _candidate(
    ask: Ask, prompt: str, seed: Seed, scripted: ModelOutput | None, stream: bool, reached: AnswerProgress | None
) -> Candidate:
    said = limits.stopped(ask, scripted or say(ask, prompt, seed))
    thoughts = Thoughts() if reached else think(ask.facts, ask.thinking, topic(prompt), seed)
    fits = limits.room(ask, stream=stream, spent=reached.spent if reached else 0)
    if reached:
        said = replace(said, parts=continuation.rest(list(said.parts), reached.said), grounding=None)
    elif prompt_markers.finish(prompt) == "CONTINUATION":
        fits = limits.OutputRoom(thoughts.tokens + limits.half(ask, said), "CONTINUATION")
    said, thoughts = limits.limited(ask, said, thoughts, fits)
    token = _token(ask, said, thoughts, seed, reached) if said.finish == "CONTINUATION" else ""
    return _signed(ask, _weighed(ask, Candidate(_rated(ask, said), thoughts, token=token), seed), seed)


def _token(ask: Ask, said: ModelOutput, thoughts: Thoughts, seed: Seed, reached: AnswerProgress | None) -> str:
    before = reached or AnswerProgress(seed.key)
    output = sum(output_tokens(part, media.said(ask.generation)) for part in said.parts)
    text = len(said.text.encode("utf-8", "surrogatepass"))
    return AnswerProgress(seed.key, before.said + text, before.spent + output + thoughts.tokens).token()


def _rated(ask: Ask, said: ModelOutput) -> ModelOutput:
    """Ratings come where a threshold that blocks something was asked for."""
    strict = [
        setting for setting in ask.body.get("safetySettings", ()) if str(setting.get("threshold")).startswith("BLOCK_")
    ]
    asked = [setting["category"] for setting in strict if setting["threshold"] != "BLOCK_NONE"]
    return (
        replace(said, ratings=[prompt_markers.rating(category) for category in asked])
        if asked and not said.ratings
        else said
    )


def _weighed(ask: Ask, candidate: Candidate, seed: Seed) -> Candidate:
    """With log probabilities, where the model gives them."""
    if not logprobs.gives(ask):
        return candidate
    text = candidate.said.text
    asked = ask.config.get("responseLogprobs")
    found = logprobs.result(text, ask.config.get("logprobs", 0), seed) if asked else None
    return replace(candidate, average=logprobs.average(text, seed), chances=found)


def _signed(ask: Ask, candidate: Candidate, seed: Seed) -> Candidate:
    """Gemini 3 signs the first call always, 2.5 where it thought; an answer without calls is signed where 3.x thought."""
    said = candidate.said
    if any(map(is_step, said.parts)):
        signed = [{**part, "thoughtSignature": seed.signature(f"part {n}")} for n, part in enumerate(said.parts)]
        return replace(candidate, said=replace(said, parts=signed))
    if said.called and (ask.signs or candidate.thoughts.tokens):
        first = next(index for index, part in enumerate(said.parts) if "functionCall" in part)
        parts = [
            {**part, "thoughtSignature": seed.signature("call")} if n == first else part
            for n, part in enumerate(said.parts)
        ]
        return replace(candidate, said=replace(said, parts=parts))
    if ask.signs and candidate.thoughts.tokens and said.finish == "STOP" and said.parts and not said.called:
        return replace(candidate, signature=seed.signature("answer"))
    return candidate
