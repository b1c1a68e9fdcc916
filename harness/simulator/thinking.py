"""Thinking: the number of thought tokens, and the text of the summary."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.gemini.models import ModelFacts
from harness.simulator.seed import Seed

LEVELS = {"MINIMAL": 0.0, "LOW": 0.45, "MEDIUM": 0.8, "HIGH": 1.0, "XHIGH": 2.2}
"""Level -> thoughts relative to HIGH."""
MINDS = {
    "gemini-2.5-flash": 1.0, "gemini-2.5-flash-lite": 1.6, "gemini-2.5-pro": 3.5, "gemini-3-flash-preview": 2.0,
    "gemini-3-pro-preview": 4.5, "gemini-3.1-pro-preview": 4.5, "gemini-3.5-flash": 2.4,
}  # fmt: skip
"""Model -> thoughts relative to gemini-2.5-flash, each at its default. From recorded medians by kind of answer."""
OTHERS = 3.2
_HARD = re.compile(
    r"\bstep[- ]by[- ]step\b|\bcarefully\b|\brigorous(?:ly)?\b|\bprove\b|\bproof\b|\bwork out\b|\bhow many\b|\bpuzzle\b|\bthink (?:hard|it through|deeply)\b"
    r"|\bcompare\b|\bplan\b|\bderive\b|\bwhy\b",
    re.IGNORECASE,
)
_LONGEST = 1500
"""An answer of more tokens takes no more thoughts."""
_READ = 4000
"""Characters of a question that are looked at."""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """The thoughts of a model: the number of tokens, and the summary (empty if not requested, or without thoughts)."""

    tokens: int = 0
    summary: str = ""


def effort(question: str, answer_tokens: int, *, calls: bool = False, structured: bool = False) -> float:
    """The thought tokens that this question takes gemini-2.5-flash: they grow with the answer, with the length of the question and with
    words that ask for reasoning. A fit to 436 recorded answers (medians: text 40, calls 65, JSON 137)."""
    asked = question[:_READ]
    hard = min(len({found.lower() for found in _HARD.findall(asked)}), 3)
    return (
        18
        + 2.1 * math.pow(min(answer_tokens, _LONGEST), 0.9)
        + 0.2 * len(asked.split())
        + 90 * hard
        + 20 * calls
        + 70 * structured
    )


def think(facts: ModelFacts, config: Mapping[str, Any], effort: float, topic: str, seed: Seed) -> Thoughts:
    """The thoughts of one request. They grow with the effort and the level; a budget is a hard limit."""
    tokens = int(effort * _eagerness(facts, config) * (0.8 + 0.4 * seed.share("thinking")))
    budget: int | None = config.get("thinkingBudget")
    tokens = tokens if budget is None or budget < 0 else min(tokens, budget)
    asked = config.get("includeThoughts") and tokens
    return Thoughts(tokens, _summary(topic, tokens) if asked else "")


def _eagerness(facts: ModelFacts, config: Mapping[str, Any]) -> float:
    """How much this model thinks, relative to gemini-2.5-flash at its default."""
    mind, default = MINDS.get(facts.name, OTHERS), str(facts.thinking.default)
    budget: int | None = config.get("thinkingBudget")
    if budget is not None and budget >= 0:
        return mind * (0.6 + math.sqrt(budget) / 60)
    level = str(config.get("thinkingLevel") or ("dynamic" if budget == -1 else default))
    if level == "dynamic":
        return mind
    return mind * LEVELS.get(level, 0.0) / (LEVELS.get(default) or 1.0)


def _summary(topic: str, tokens: int) -> str:
    steps = [
        f"**Reading the question**\n\nThe question is about {topic}. I check what is asked for, and in which form.\n\n",
        "**Working it out**\n\nI go through what is known, step by step, and compare the possible answers.\n\n",
        "**Checking the result**\n\nThe result fits all conditions that were given, so I can answer.\n\n",
    ]
    return "".join(steps[: 1 + (tokens > 100) + (tokens > 300)])
