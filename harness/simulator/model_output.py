"""What is said to a request: a blocked one's nothing, an image, speech, calls, JSON, computed or searched text, plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator import (
    builtin_tools,
    function_results,
    functions,
    grounding,
    images,
    prompt_markers,
    speech,
    world_facts,
)
from harness.simulator.answer_types import CALLED, ModelOutput
from harness.simulator.json_mode import formatted, json_text, topic
from harness.simulator.knowledge import KnownFact, recall
from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed
from harness.simulator.style import StyleRules, manners
from harness.simulator.tokens import part_tokens

_NAME_IS = re.compile(r"\b(?:my name is|i am called|call me)\s+([A-Z]\w+)", re.IGNORECASE)
_NAME_ASKED = re.compile(r"\bwhat(?:'s| is) my name\b|\bwho am i\b", re.IGNORECASE)


def say(ask: Ask, prompt: str, seed: Seed) -> ModelOutput:
    """What the model says, before limits."""
    if (finish := prompt_markers.finish(prompt)) and not (
        finish == "CONTINUATION" and "long_decode" in ask.facts.features
    ):
        return prompt_markers.ended(finish)
    if images.makes(ask):
        return ModelOutput(images.parts(ask, prompt, seed), "STOP")
    if speech.speaks(ask):
        return ModelOutput(speech.parts(ask, prompt), "STOP")
    if made := functions.calls(ask, prompt, seed):
        return ModelOutput(_call_parts(ask, made, seed), "STOP", CALLED)
    manner = manners(ask.system, prompt)
    known = _known(ask, prompt)
    if ask.mime != "text/plain":
        return builtin_tools.grounded(
            ask, prompt, ModelOutput([{"text": formatted(ask, prompt, manner, known, seed)}]), known, seed
        )
    if function_results.responses(ask):
        return ModelOutput([{"text": manner.fixed or manner.dress(function_results.about_results(ask))}])
    if "codeExecution" in ask.tools and builtin_tools.wants_code(prompt):
        return builtin_tools.computed(ask, prompt, manner, known, seed)
    return builtin_tools.grounded(
        ask, prompt, ModelOutput([{"text": _text(ask, prompt, manner, known, seed)}]), known, seed
    )


def _call_parts(ask: Ask, made: Sequence[Mapping[str, Any]], seed: Seed) -> list[dict[str, Any]]:
    if not ask.signs:
        return [{"functionCall": dict(call)} for call in made]
    return [{"functionCall": {**call, "id": seed.call_id(f"call {n}")}} for n, call in enumerate(made)]


def _known(ask: Ask, prompt: str) -> KnownFact | None:
    if _NAME_ASKED.search(prompt):
        for content in reversed(ask.contents):
            if found := _NAME_IS.search(texts(content)):
                return KnownFact(found[1], f"Your name is {found[1]}.", facts={"name": found[1]})
    return recall(prompt)


def _text(ask: Ask, prompt: str, manner: StyleRules, known: KnownFact | None, seed: Seed) -> str:
    if manner.fixed:
        return manner.fixed
    if manner.json:
        return json_text(ask, prompt, known, seed)
    if known is None:
        return manner.dress(_unknown(ask, prompt, manner, seed))
    if manner.short and not known.items:
        return manner.dress(
            known.short.replace(" ", "\u00a0") if manner.one_word and " " in known.short else known.short
        )
    return manner.dress(_cited(known, manner) if "googleSearch" in ask.tools else known.sentence(manner.language))


def _cited(known: KnownFact, manner: StyleRules) -> str:
    """A searched answer says a little more: the second sentence, or who confirms the first."""
    sources = ", ".join(known.domains or grounding.FALLBACK[:2])
    more = (
        known.more
        if manner.language == "en" and known.more
        else world_facts.CONFIRMED[manner.language].format(sources=sources)
    )
    gap = "" if manner.language in ("ja", "zh") else " "
    return known.sentence(manner.language) + gap + more


def _unknown(ask: Ask, prompt: str, manner: StyleRules, seed: Seed) -> str:
    """What is said where nothing is known: that it is simulated, and the topic back."""
    about = topic(prompt)
    if manner.number:
        return str(seed.between("number", 1, 100))
    if manner.one_word:
        return about.split()[-1]
    if manner.language != "en":
        return (
            world_facts.ANSWER_IS[manner.language].format(short=about)
            + " "
            + world_facts.CONFIRMED[manner.language].format(sources="simulator.invalid")
        )
    media = [kind.lower() for kind, _ in map(part_tokens, _last_parts(ask)) if kind != "TEXT"]
    seen = f" I was given {' and '.join(media)} input with it." if media else ""
    ending = seed.choose("ending", _ENDINGS)
    return f"This is a simulated answer about {about}.{seen} {ending}"


_ENDINGS = (
    "A real model would say more about it here.",
    "It stands in for what a real model would say.",
    "Its wording is made up; its shape is the API's own.",
    "Point the same request at a real endpoint to read a real answer.",
)


def _last_parts(ask: Ask) -> Sequence[Mapping[str, Any]]:
    turns = [content for content in ask.contents if content.get("role", "user") != "model"]
    found: Sequence[Mapping[str, Any]] = turns[-1].get("parts", ()) if turns else ()
    return found
