"""Thinking: off means off, budgets are kept, and thoughts are present if and only if they are requested."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.answer.reply import received
from harness.gemini import models
from harness.gemini.schemas.request_schema import field
from harness.judge.invariants.request_fields import (
    PROGRAMS,
    generation,
    is_about,
    number,
    thinking,
)
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch, Severity

_LEAK = re.compile(
    r"(?:[Aa]ssistant|model)(?:\n|: )(?![a-z])|THOUGHT:|[<\[](?:think(?:ing)?|THINK(?:ING)?|thought|reasoning)[>\]]|<ctrl\d+>|<unused\d+>|<\|channel\|?>|\W{0,12}\d+>thought\b|thought CRITICAL INSTRUCTION"
)


_THOUGHT = r"\s*\*\*(?:[A-Z][a-z]+ing\b[^*\n]{2,90}\*\*\s*\n\s*(?:I|My|Okay|Alright)|My [^*\n]{2,90}\*\*\s*\n\s*(?:Okay|Alright))\b"


def _thought_parts(evidence: Evidence) -> int:
    return sum(1 for part in evidence.reply.parts if part.get("thought"))


@rule("thinking-off", "error", of="answer", needs=("thinkingBudget", "thoughtsTokenCount"))
def thinking_off(evidence: Evidence) -> Iterator[Mismatch]:
    """With ``thinkingBudget: 0`` there are no thought tokens and no thought parts. Thoughts are billed. A warning if Gemini 1.5 or 2.0 thought,
    which cannot, but for its experiments.

    asked: {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}
    right: {"usageMetadata": {"thoughtsTokenCount": 0}}
    wrong: {"usageMetadata": {"thoughtsTokenCount": 40}}
    """
    count, name = evidence.reply.count("thoughtsTokenCount"), evidence.reply.model_version or evidence.model or ""
    newest = max(generation(evidence), models.generation(evidence.model or "") or (0, 0))
    if count and (0, 0) < newest < (2, 5) and "gemini-" in name and "exp" not in name:
        message = f"{name} does not think, yet {count} thought tokens: did another model answer?"
        yield Mismatch("$.usageMetadata.thoughtsTokenCount", 0, count, message, "warn")
    if number(thinking(evidence, "thinkingBudget")) != 0:
        return
    if count:
        yield Mismatch(
            "$.usageMetadata.thoughtsTokenCount", 0, count, f"thinkingBudget is 0, yet {count} thought tokens"
        )
    if parts := _thought_parts(evidence):
        yield Mismatch("thoughts", "none", parts, f"thinkingBudget is 0, yet {parts} thought parts")


@rule("thinking-budget", "error", needs="thinkingBudget")
def thinking_budget(evidence: Evidence) -> Iterator[Mismatch]:
    """Thought tokens stay within a positive ``thinkingBudget``. It is a hard limit in 2.5, and soft later: a warning there.
    Thoughts are billed.

    asked: {"generationConfig": {"thinkingConfig": {"thinkingBudget": 512}}}
    right: {"usageMetadata": {"thoughtsTokenCount": 300}}
    wrong: {"usageMetadata": {"thoughtsTokenCount": 800}}
    """
    budget = number(thinking(evidence, "thinkingBudget"))
    count = evidence.reply.count("thoughtsTokenCount")
    if budget and 0 < budget < count:
        severity: Severity = "error" if generation(evidence) == (2, 5) else "warn"
        message = f"{count} thought tokens for a thinkingBudget of {budget}"
        yield Mismatch("$.usageMetadata.thoughtsTokenCount", budget, count, message, severity)


@rule("thinking-level", "warn", of="answer", dialect="gemini", needs="thinkingLevel")
def thinking_level(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer comes only for a ``thinkingLevel`` that the model has: the API refuses others, and some gateways send another one.
    And MINIMAL spends few thoughts: with over 2,000 tokens it was dropped on the way.

    asked: {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
    right: {"modelVersion": "gemini-3.8-flash"}
    wrong: {"modelVersion": "gemini-2.5-flash"}
    """
    level = thinking(evidence, "thinkingLevel")
    names = {evidence.model or "", evidence.reply.model_version or evidence.model or ""}
    known = [facts for facts in map(models.facts, sorted(names)) if facts]
    refused = [facts.thinking.refuses({"thinkingLevel": level}) for facts in known] if level else []
    if refused and all(refused):
        message = f"{known[0].name} answered, but it rejects the requested thinkingConfig: {refused[0]}"
        yield Mismatch("thinkingLevel", known[0].thinking.levels, level, message)
    elif str(level).upper() == "MINIMAL" and (spent := evidence.reply.count("thoughtsTokenCount")) > _MOST_MINIMAL:
        message = f"{spent} thought tokens for the thinkingLevel MINIMAL: was it dropped?"
        yield Mismatch("$.usageMetadata.thoughtsTokenCount", f"at most {_MOST_MINIMAL}", spent, message)


_MOST_MINIMAL = 2_000
"""Tokens. In recordings, LOW spends up to 288, HIGH up to 4,358."""


@rule("thoughts-unasked", "error", per_candidate=True, dialect="gemini", needs="thought")
def thoughts_unasked(evidence: Evidence) -> Iterator[Mismatch]:
    """There are no thought parts unless the request sets ``includeThoughts``. A warning if it has no ``thinkingConfig``.
    A client that joins all parts shows them.

    asked: {"generationConfig": {"thinkingConfig": {"includeThoughts": false}}}
    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "I look at the map.", "thought": true}, {"text": "Oslo"}]}}]}
    """
    if evidence.request_body is None or thinking(evidence, "includeThoughts") is True:
        return
    if parts := _thought_parts(evidence):
        config = field(evidence.request_body, "generationConfig", "thinkingConfig")
        severity: Severity = "warn" if config is None else "error"
        message = f"{parts} thought parts, but the request does not set includeThoughts"
        yield Mismatch("thoughts", "none", parts, message, severity)


@rule("thoughts-missing", "error", of="finished", per_candidate=True, dialect="gemini", needs="includeThoughts")
def thoughts_missing(evidence: Evidence) -> Iterator[Mismatch]:
    """In 2.5, an answer with thought tokens has a thought part, if ``includeThoughts`` is set. Later models often send none; from them the
    text does not begin like a thought, with a heading such as ``**Weighing the Question**`` and ``I``: a warning that its flag was lost.

    asked: {"generationConfig": {"thinkingConfig": {"includeThoughts": true}}}
    right: {"candidates": [{"content": {"parts": [{"text": "I look at the map.", "thought": true}, {"text": "Oslo"}]}}], "usageMetadata": {"thoughtsTokenCount": 40}}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}], "usageMetadata": {"thoughtsTokenCount": 40}}
    """
    count = evidence.reply.count("thoughtsTokenCount")
    if thinking(evidence, "includeThoughts") is not True or not count or _thought_parts(evidence):
        return
    is_2_5 = generation(evidence) == (2, 5)
    if is_2_5 or re.match(_THOUGHT, evidence.reply.text[:300]):
        message = f"includeThoughts is set and {count} thought tokens are counted, but there is no thought part"
        yield Mismatch("thoughts", "at least one part", 0, message, None if is_2_5 else "warn")


@rule("thought-leak", "warn", per_candidate=True)
def thought_leak(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer does not begin with a marker of hidden reasoning, such as ``<think>``, or with the name of its role, unless the
    request has it.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "<think>The user asks for a city.</think> Oslo"}]}}]}
    """
    text = evidence.reply.text
    start = text[:200].lstrip()[:60]
    if found := _LEAK.match(start):
        marker = re.escape(found[0].rstrip(": \n"))
        if not is_about(evidence, rf"{marker}|\btags?\b|template"):
            yield Mismatch("text", "no reasoning marker", start, f"the answer begins with {found[0]!r}")
    elif "<" in text and "</think" in text and "<think" not in text and not is_about(evidence, f"{PROGRAMS}|think>"):
        yield Mismatch("text", "no reasoning marker", start, "the answer holds the end of its reasoning, </think>")


@rule("thought-repeated", "error", per_candidate=True, needs="thought")
def thought_repeated(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer does not begin with a thought of the same answer, or contain half of its thoughts. Pieces below 40 characters
    are not compared.

    asked: {"generationConfig": {"thinkingConfig": {"includeThoughts": true}}}
    right: {"candidates": [{"content": {"parts": [{"text": "The user asks for the capital of Norway, so I look it up.", "thought": true}, {"text": "Oslo"}]}}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 14, "totalTokenCount": 20}}
    wrong: {"candidates": [{"content": {"parts": [{"text": "The user asks for the capital of Norway, so I look it up.", "thought": true}, {"text": "The user asks for the capital of Norway, so I look it up. Oslo"}]}}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 15, "thoughtsTokenCount": 14, "totalTokenCount": 34}}
    """
    if not evidence.reply.thoughts:
        return
    text, thoughts = _one_line(evidence.reply.text), _thoughts(evidence)
    repeated = [thought for thought in thoughts if len(thought) >= _SHORTEST_THOUGHT and thought in text]
    many = sum(map(len, repeated)) >= sum(map(len, thoughts)) / 2
    if repeated and (many or text.startswith(tuple(repeated))):
        message = f"the thoughts are in the answer text too: {repeated[0][:60]!r}"
        yield Mismatch("text", "no thought", repeated[0][:200], message)


def _thoughts(evidence: Evidence) -> Sequence[str]:
    """The thoughts by chunk, or as one where that is in the text, with white space made one."""
    whole = _one_line(evidence.reply.thoughts)
    if whole in _one_line(evidence.reply.text):
        return [whole]
    return [
        _one_line(str(part.get("text")))
        for part in received(evidence.reply)
        if part.get("thought") and part.get("text")
    ]


_SHORTEST_THOUGHT = 40
"""Characters. A shorter thought may be a phrase that the answer uses as well."""


def _one_line(text: str) -> str:
    """The text with white space made one; a long one as it is, since it would be held as millions of words."""
    return text if len(text) > 1_000_000 else " ".join(text.split())
