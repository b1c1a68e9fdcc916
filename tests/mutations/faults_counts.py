"""Faults of token counts."""

from __future__ import annotations

from tests.mutations.draft import Draft, need
from tests.mutations.registry import fault


def _ended(d: Draft) -> None:
    need(d.status == 200 and d.last)


def _counted(d: Draft) -> None:
    """The last event carries whole counts and the finish reason."""
    _ended(d)
    need(d.usage.get("totalTokenCount") and d.usage.get("promptTokenCount"))


@fault("usage-present")
def no_usage(d: Draft) -> None:
    _counted(d)
    for event in d.events:
        event.pop("usageMetadata", None)


@fault("usage-present")
def no_total(d: Draft) -> None:
    _counted(d)
    del d.usage["totalTokenCount"]


@fault("usage-present")
def total_null(d: Draft) -> None:
    _counted(d)
    d.usage["totalTokenCount"] = None


@fault("usage-present")
def no_prompt_count(d: Draft) -> None:
    _counted(d)
    del d.usage["promptTokenCount"]


@fault("usage-natural")
def negative_count(d: Draft) -> None:
    _counted(d)
    d.usage["candidatesTokenCount"] = -d.random.randint(1, 500)


@fault("usage-natural", "usage-natural wire-type")
def broken_count(d: Draft) -> None:
    _counted(d)
    d.usage["totalTokenCount"] = d.usage["totalTokenCount"] + 0.5


@fault("usage-sum")
def total_off(d: Draft) -> None:
    _counted(d)
    d.usage["totalTokenCount"] += d.random.choice([1, 7, 1000])


@fault("usage-sum")
def thoughts_not_in_the_total(d: Draft) -> None:
    _counted(d)
    need(d.usage.get("thoughtsTokenCount"))
    d.usage["totalTokenCount"] -= d.usage["thoughtsTokenCount"]


@fault("usage-sum")
def prompt_counted_as_nothing(d: Draft) -> None:
    _counted(d)
    d.usage["totalTokenCount"] -= d.usage["promptTokenCount"]


@fault("usage-prompt-stable")
def prompt_count_moves(d: Draft) -> None:
    """In the middle: in the last chunk the count may move with media and tools."""
    need(len(d.events) > 2 and not d.get("tools") and "nline" not in str(d.get("contents")))
    usages = [event["usageMetadata"] for event in d.events if event.get("usageMetadata", {}).get("promptTokenCount")]
    need(len(usages) > 2 and not any(one.get("toolUsePromptTokenCount") for one in usages))
    usages[d.random.randrange(len(usages) - 1)]["promptTokenCount"] += d.random.randint(3, 90)


@fault("fields-together")
def fields_unknown_to_a_gateway(d: Draft) -> None:
    d.stopped()
    need(d.usage.get("serviceTier") or d.usage.get("trafficType"))
    for event in d.events:
        event.get("usageMetadata", {}).pop("promptTokensDetails", None)


@fault("usage-details")
def details_off(d: Draft) -> None:
    _counted(d)
    need(not d.usage.get("toolUsePromptTokenCount") and d.usage.get("promptTokensDetails"))
    d.usage["promptTokensDetails"][0]["tokenCount"] += d.random.randint(1, 40)


@fault("usage-details")
def no_detail_of_the_tools(d: Draft) -> None:
    _counted(d)
    need(len(d.usage.get("promptTokensDetails", ())) > 1 and not d.usage.get("toolUsePromptTokenCount"))
    d.usage["promptTokensDetails"].pop()


@fault("candidates-count")
def text_that_counts_nothing(d: Draft) -> None:
    _counted(d)
    need(d.text and d.usage.get("candidatesTokenCount"))
    d.usage.pop("candidatesTokensDetails", None)
    d.usage["totalTokenCount"] -= d.usage.pop("candidatesTokenCount")


@fault("output-limit")
def stop_beyond_the_limit(d: Draft) -> None:
    d.stopped()
    spent = d.usage.get("candidatesTokenCount", 0) + d.usage.get("thoughtsTokenCount", 0)
    need(spent > 1)
    d.configure(maxOutputTokens=d.random.randint(1, spent))


@fault("cached-within-prompt")
def more_cached_than_asked(d: Draft) -> None:
    _counted(d)
    tools = d.usage.get("toolUsePromptTokenCount", 0)
    d.usage["cachedContentTokenCount"] = d.usage["promptTokenCount"] + tools + d.random.randint(1, 4000)


@fault("cached-within-prompt")
def cached_is_left_out_of_the_prompt(d: Draft) -> None:
    _counted(d)
    cached = d.random.randint(1000, 9000)
    d.recount(promptTokenCount=d.random.randint(2, 900), cachedContentTokenCount=cached)
    need(not d.usage.get("toolUsePromptTokenCount"))


@fault("cached-within-prompt")
def more_cached_of_a_modality(d: Draft) -> None:
    _counted(d)
    details = d.usage.get("promptTokensDetails", ())
    need(len(details) > 1 and not d.usage.get("toolUsePromptTokenCount"))
    small = min(details, key=lambda one: one.get("tokenCount", 0))
    count = small.get("tokenCount", 0) + 1
    need(count <= d.usage["promptTokenCount"])
    d.usage["cachedContentTokenCount"] = count
    d.usage["cacheTokensDetails"] = [{"modality": small["modality"], "tokenCount": count}]


@fault("text-per-token")
def far_too_few_tokens(d: Draft) -> None:
    d.stopped()
    need(len(d.text) >= 200 and not d.get("tools"))
    d.recount(candidatesTokenCount=max(1, len(d.text) // d.random.randint(15, 60)))


@fault("logprobs", "logprobs")
def probability_above_one(d: Draft) -> None:
    d.stopped()
    d.last["avgLogprobs"] = d.random.choice([0.01, 0.7, 3.5])


@fault("service-tier")
def flex_asked_and_priority_billed(d: Draft) -> None:
    d.stopped()
    d.put("flex", "serviceTier")
    d.usage["serviceTier"] = "priority"


@fault("text-per-token")
def few_tokens_for_long_thoughts(d: Draft) -> None:
    d.stopped()
    need(sum(len(part["text"]) for part in d.parts("text", thought=True)) > 400)
    d.recount(thoughtsTokenCount=2)


@fault("text-per-token")
def candidate_of_more_tokens(d: Draft) -> None:
    d.stopped()
    _counted(d)
    d.last["tokenCount"] = 1_000 + d.usage["totalTokenCount"]
    need(d.usage.get("candidatesTokenCount"))


@fault("safety-ratings")
def answer_above_the_threshold(d: Draft) -> None:
    d.stopped()
    category = "HARM_CATEGORY_HARASSMENT"
    d.put([{"category": category, "threshold": "BLOCK_MEDIUM_AND_ABOVE"}], "safetySettings")
    d.last["safetyRatings"] = [{"category": category, "probability": "HIGH"}]
