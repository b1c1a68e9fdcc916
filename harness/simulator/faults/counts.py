"""Faults in token counts and in thoughts."""

from __future__ import annotations

from harness.simulator.faults.registry import edits
from harness.simulator.faults.values import Json, candidates, parts, texts, usages
from harness.simulator.request import Ask


@edits("usage-present")
def no_usage(values: list[Json], _: Ask) -> None:
    """No usageMetadata at all."""
    for value in values:
        value.pop("usageMetadata", None)


@edits("usage-sum")
def no_thoughts_count(values: list[Json], _: Ask) -> None:
    """The thoughtsTokenCount is missing, but the total includes it."""
    for usage in usages(values):
        usage.pop("thoughtsTokenCount", None)


@edits("usage-sum")
def wrong_sum(values: list[Json], _: Ask) -> None:
    """The totalTokenCount is too large by seven."""
    for usage in usages(values):
        usage["totalTokenCount"] += 7


@edits("usage-natural")
def negative_count(values: list[Json], _: Ask) -> None:
    """The candidatesTokenCount is negative."""
    for usage in usages(values):
        usage["candidatesTokenCount"] = -1


@edits("usage-details")
def wrong_details(values: list[Json], _: Ask) -> None:
    """The promptTokensDetails do not sum to the promptTokenCount."""
    for usage in usages(values):
        for detail in usage.get("promptTokensDetails", ()):
            detail["tokenCount"] += 1


@edits("usage-prompt-stable")
def prompt_drift(values: list[Json], _: Ask) -> None:
    """The promptTokenCount changes from chunk to chunk."""
    for number, usage in enumerate(usages(values)[:-1], 1):
        usage["promptTokenCount"] += number
        usage["totalTokenCount"] += number


@edits("candidates-count")
def no_candidates_count(values: list[Json], _: Ask) -> None:
    """The candidatesTokenCount is missing, though there is an answer."""
    for usage in usages(values):
        usage["totalTokenCount"] -= usage.pop("candidatesTokenCount", 0)


@edits("thinking-budget")
def ignored_budget(values: list[Json], ask: Ask) -> None:
    """There are more thought tokens than the thinkingBudget allows; with a budget of 0 there are some."""
    budget = ask.thinking.get("thinkingBudget", 0)
    for usage in usages(values):
        more = max(budget, 0) + 500 - usage.get("thoughtsTokenCount", 0)
        usage["thoughtsTokenCount"] = usage.get("thoughtsTokenCount", 0) + more
        usage["totalTokenCount"] += more


@edits("thoughts-unasked")
def unasked_thoughts(values: list[Json], _: Ask) -> None:
    """Thought parts come, though the request does not ask for them."""
    for candidate in list(candidates(values))[:1]:
        candidate.setdefault("content", {"role": "model"}).setdefault("parts", []).insert(
            0, {"text": "Let me think.", "thought": True}
        )


@edits("thoughts-missing")
def missing_thoughts(values: list[Json], _: Ask) -> None:
    """Thoughts are requested and counted, but no thought part comes."""
    _without_thoughts(values)


def _without_thoughts(values: list[Json]) -> None:
    for candidate in candidates(values):
        content = candidate.get("content", {})
        if kept := [part for part in content.pop("parts", ()) if not part.get("thought")]:
            content["parts"] = kept


@edits("thought-leak")
def thought_leak(values: list[Json], _: Ask) -> None:
    """The answer begins with the raw thinking."""
    for part in texts(values)[:1]:
        part["text"] = "THOUGHT: The user wants an answer.\n" + part["text"]


@edits("thought-leak")
def control_text(values: list[Json], _: Ask) -> None:
    """The answer begins with a fragment of the model's own instructions."""
    for part in texts(values)[:1]:
        part["text"] = "...94>thought CRITICAL INSTRUCTION 1: simulated.\n" + part["text"]


@edits()
def no_thinking(values: list[Json], _: Ask) -> None:
    """The model does not think, whatever the request says: no thought parts, no thoughtsTokenCount."""
    _without_thoughts(values)
    for usage in usages(values):
        usage["totalTokenCount"] -= usage.pop("thoughtsTokenCount", 0)


@edits("finish-reason")
def eaten_by_thoughts(values: list[Json], _: Ask) -> list[Json]:
    """MAX_TOKENS without any text: thoughts used up the whole limit."""
    last = values[-1]
    if "candidates" in last:
        last["candidates"] = [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]
        usage = last["usageMetadata"]
        usage["thoughtsTokenCount"] = usage.get("thoughtsTokenCount", 0) + usage.pop("candidatesTokenCount", 0)
        usage.pop("candidatesTokensDetails", None)
    return [last]


@edits("thought-leak")
def untagged_thoughts(values: list[Json], _: Ask) -> None:
    """Thought parts become part of the answer, between <think> tags."""
    for part in parts(values):
        if part.pop("thought", None):
            part["text"] = f"<think>{part['text']}</think>"
