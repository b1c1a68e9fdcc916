"""Thinking: the number of thought tokens, and the text of the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.gemini.models import ModelFacts
from harness.simulator.seed import Seed

TOKENS = {"MINIMAL": 0, "LOW": 110, "MEDIUM": 420, "HIGH": 1200, "XHIGH": 3000}
"""Level -> average thought tokens. Made up: real models vary widely with the prompt."""
DYNAMIC = 340
"""Average thought tokens of dynamic thinking (budget -1, or none given on 2.5)."""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """The thoughts of a model: the number of tokens, and the summary (empty if not requested, or without thoughts)."""

    tokens: int = 0
    summary: str = ""


def think(facts: ModelFacts, config: Mapping[str, Any], topic: str, seed: Seed) -> Thoughts:
    """The thoughts of one request. They grow with the level or the budget; a budget is a hard limit."""
    tokens = _amount(facts, config, 0.75 + seed.share("thinking") / 2)
    asked = config.get("includeThoughts") and tokens
    return Thoughts(tokens, _summary(topic, tokens) if asked else "")


def _amount(facts: ModelFacts, config: Mapping[str, Any], vary: float) -> int:
    budget: int | None = config.get("thinkingBudget")
    if budget is not None and budget > 0:
        return min(budget, int((40 + float(budget) ** 0.75) * vary))
    if budget == 0:
        return 0
    level = config.get("thinkingLevel") or facts.thinking.default
    if budget == -1 or level == "dynamic":
        return int(DYNAMIC * vary)
    return int(TOKENS.get(str(level), 0) * vary)


def _summary(topic: str, tokens: int) -> str:
    steps = [
        f"**Reading the question**\n\nThe question is about {topic}. I check what is asked for, and in which form.\n\n",
        "**Working it out**\n\nI go through what is known, step by step, and compare the possible answers.\n\n",
        "**Checking the result**\n\nThe result fits all conditions that were given, so I can answer.\n\n",
    ]
    return "".join(steps[: 1 + (tokens > 200) + (tokens > 600)])
