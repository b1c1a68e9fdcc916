"""Makes the answer to a normalised request. Pure: no network, no clock, no state.

``model_output`` chooses the content, ``thinking`` the thoughts, and ``limits`` the end. This module puts them together and signs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.simulator import (
    continuation,
    function_results,
    images,
    limits,
    logprobs,
    prompt_markers,
    speech,
    thinking,
)
from harness.simulator.answer_types import Candidate, ModelOutput, SimulatedAnswer, is_step
from harness.simulator.continuation import AnswerProgress
from harness.simulator.json_mode import topic
from harness.simulator.model_output import compose
from harness.simulator.refusals import check
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.thinking import Thoughts
from harness.simulator.tokens import details


def answer(ask: Ask, seed: Seed, *, stream: bool = False, scripted: ModelOutput | None = None) -> SimulatedAnswer:
    """The answer to a request. ``scripted`` is the output of a rule, used instead of the made-up one. Raises ``Refusal`` for a request
    that the API refuses."""
    check(ask, stream)
    progress = continuation.progress_of(ask)
    seed = progress.seed if progress else seed
    prompt = ask.question
    if reason := prompt_markers.block(ask.turn):
        return _counted(ask, seed, progress, blocked=_feedback(reason))
    seeds = [seed, *(Seed.of(seed.key, "candidate", str(n)) for n in range(1, ask.config.get("candidateCount", 1)))]
    candidates = [_candidate(ask, prompt, candidate_seed, scripted, stream, progress) for candidate_seed in seeds]
    return _counted(ask, seed, progress, candidates)


def _counted(
    ask: Ask,
    seed: Seed,
    progress: AnswerProgress | None,
    candidates: Sequence[Candidate] = (),
    blocked: Mapping[str, Any] | None = None,
) -> SimulatedAnswer:
    """The answer with its model and the tokens of its prompt. In a continuation, the text sent so far counts as prompt."""
    counts = ask.prompt_tokens()
    if progress:
        counts["TEXT"] = counts.get("TEXT", 0) + progress.spent
        seed = Seed.of(seed.key, str(progress.sent))
    old = logprobs.supported(ask)
    return SimulatedAnswer(
        ask.facts.name,
        seed.response_id(),
        candidates,
        counts,
        ask.cached_tokens(),
        blocked,
        tier=_tier(ask),
        scale=ask.output_scale,
        numbered=not old,
        lists_candidates=old or images.makes(ask) or speech.speaks(ask),
        ends_empty=ask.requires_signatures,
        chunk=160 if old else 90,
    )


def count(ask: Ask) -> dict[str, Any]:
    """What ``countTokens`` answers."""
    counts, cached = ask.prompt_tokens(), ask.cached_tokens()
    counted: dict[str, Any] = {"totalTokens": sum(counts.values()), "promptTokensDetails": details(counts)}
    if not cached:
        return counted
    return {**counted, "cachedContentTokenCount": sum(cached.values()), "cacheTokensDetails": details(cached)}


def _tier(ask: Ask) -> str:
    tier = str(ask.body.get("serviceTier", "standard"))
    return "standard" if tier == "unspecified" else tier


def _feedback(reason: str) -> dict[str, Any]:
    return (
        {"blockReason": reason, "safetyRatings": prompt_markers.ratings()}
        if reason == "SAFETY"
        else {"blockReason": reason}
    )


def _candidate(
    ask: Ask, prompt: str, seed: Seed, scripted: ModelOutput | None, stream: bool, progress: AnswerProgress | None
) -> Candidate:
    output = limits.apply_stop_sequences(ask, scripted or compose(ask, prompt, seed))
    room = limits.room(ask, stream=stream, spent=progress.spent if progress else 0)
    thoughts = Thoughts() if progress else _thoughts(ask, prompt, output, seed)
    thoughts = limits.leave_room(thoughts, limits.answer_tokens(ask, output), room.tokens)
    if progress:
        output = replace(output, parts=continuation.remaining(list(output.parts), progress.sent), grounding=None)
    elif prompt_markers.finish(ask.turn) == "CONTINUATION":
        room = limits.OutputRoom(thoughts.tokens + limits.answer_tokens(ask, output) // 2, "CONTINUATION")
    output, thoughts = limits.apply_limits(ask, output, thoughts, room)
    token = _token(ask, output, thoughts, seed, progress) if output.finish == "CONTINUATION" else ""
    return _signed(ask, _with_logprobs(ask, Candidate(_with_ratings(ask, output), thoughts, token=token), seed), seed)


def _thoughts(ask: Ask, prompt: str, output: ModelOutput, seed: Seed) -> Thoughts:
    """The thoughts before this output. On Gemini 2.5 there are fewer after results of functions, and often none."""
    after = bool(function_results.responses(ask))
    if after and not ask.requires_signatures and seed.share("thinking again") < 0.4:
        return Thoughts()
    tokens = limits.answer_tokens(ask, output)
    about = topic(prompt) if ask.thinking.get("includeThoughts") else ""
    effort = thinking.effort(prompt, tokens, calls=output.called, structured=ask.mime != "text/plain")
    return thinking.think(
        ask.facts, ask.thinking, effort * (0.6 if after and not ask.requires_signatures else 1), about, seed
    )


def _token(ask: Ask, output: ModelOutput, thoughts: Thoughts, seed: Seed, progress: AnswerProgress | None) -> str:
    before = progress or AnswerProgress(seed.key)
    text = len(output.text.encode("utf-8", "surrogatepass"))
    return AnswerProgress(
        seed.key, before.sent + text, before.spent + limits.answer_tokens(ask, output) + thoughts.tokens
    ).token()


def _with_ratings(ask: Ask, output: ModelOutput) -> ModelOutput:
    """Adds safety ratings if the request sets a threshold that blocks something."""
    strict = [
        setting for setting in ask.body.get("safetySettings", ()) if str(setting.get("threshold")).startswith("BLOCK_")
    ]
    asked = [setting["category"] for setting in strict if setting["threshold"] != "BLOCK_NONE"]
    return (
        replace(output, ratings=[prompt_markers.rating(category) for category in asked])
        if asked and not output.ratings
        else output
    )


def _with_logprobs(ask: Ask, candidate: Candidate, seed: Seed) -> Candidate:
    """Adds log probabilities if the model has them."""
    if not logprobs.supported(ask):
        return candidate
    text = candidate.output.text or "".join(
        str(part["functionCall"]) for part in candidate.output.parts if "functionCall" in part
    )
    asked = ask.config.get("responseLogprobs")
    found = logprobs.result(text, ask.config.get("logprobs", 0), seed) if asked else None
    return replace(candidate, average=logprobs.average(text, seed), logprobs=found)


def _signed(ask: Ask, candidate: Candidate, seed: Seed) -> Candidate:
    """Adds thought signatures: to each step of a built-in tool and the first call, or to code, else to the end of the answer."""
    output = candidate.output
    calls = [n for n, part in enumerate(output.parts) if "functionCall" in part]
    if any(map(is_step, output.parts)):
        return _with_signatures(candidate, seed, [n for n in range(len(output.parts)) if n not in calls[1:]])
    if calls:
        return _with_signatures(candidate, seed, calls[:1] if _signs(ask, candidate) else ())
    if not _signs(ask, candidate) or output.finish != "STOP" or not output.parts:
        return candidate
    code = [n for n, part in enumerate(output.parts) if "executableCode" in part]
    if code and not ask.requires_signatures:
        return candidate
    return replace(_with_signatures(candidate, seed, code), signature=seed.signature("answer"))


def _signs(ask: Ask, candidate: Candidate) -> bool:
    """Whether the model signs: Gemini 3 after thinking, and always where it thinks at its default level MINIMAL; Gemini 2.5 after thinking
    if functions are declared. A call of Gemini 3 is always signed."""
    if not ask.requires_signatures:
        return bool(candidate.thoughts.tokens and ask.declarations)
    return bool(candidate.thoughts.tokens) or candidate.output.called or ask.facts.thinking.default == "MINIMAL"


def _with_signatures(candidate: Candidate, seed: Seed, places: Iterable[int]) -> Candidate:
    signed = {n: {"thoughtSignature": seed.signature(f"part {n}")} for n in places}
    if not signed:
        return candidate
    parts = [{**part, **signed.get(n, {})} for n, part in enumerate(candidate.output.parts)]
    return replace(candidate, output=replace(candidate.output, parts=parts))
