"""Chooses the output of the model: an image, speech, function calls, JSON, code with its result, grounded text, or plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from harness.simulator import (
    builtin_tools,
    computer,
    function_results,
    functions,
    grounding,
    images,
    media_contents,
    prompt_markers,
    speech,
    world_facts,
)
from harness.simulator.amounts import COUNT_WORDS
from harness.simulator.answer_types import CALLED, ModelOutput
from harness.simulator.json_mode import formatted, json_text, topic
from harness.simulator.knowledge import KnownFact, recall, translated
from harness.simulator.recollection import recollected
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.style import StyleRules, expected_words, style_rules, word_for_word
from harness.simulator.tokens import part_tokens

_ON_MEDIA = re.compile(r"\b(?:picture|image|photo|sound|audio|recording|video|document|pdf|file)s?\b", re.IGNORECASE)


def compose(ask: Ask, prompt: str, seed: Seed) -> ModelOutput:
    """The output of the model, before limits."""
    if (finish := prompt_markers.finish(ask.turn)) and not (
        finish == "CONTINUATION" and "long_decode" in ask.facts.features
    ):
        return prompt_markers.output_for_finish(finish)
    if images.makes(ask):
        return ModelOutput(images.parts(ask, prompt, seed), "STOP")
    if speech.speaks(ask):
        return ModelOutput(speech.parts(ask, prompt), "STOP")
    if calls := _calls(ask, prompt, seed):
        return builtin_tools.beside_calls(ask, prompt, ModelOutput(_call_parts(ask, calls, seed), "STOP", CALLED), seed)
    style = style_rules(ask.system, ask.turn)
    known = _known(ask, prompt)
    if ask.mime != "text/plain":
        return builtin_tools.grounded(
            ask, prompt, ModelOutput([{"text": formatted(ask, prompt, style, known, seed)}]), known, seed
        )
    if function_results.responses(ask):
        fixed = None if word_for_word(ask.turn) else style.fixed  # a text to echo was the argument of the call
        return ModelOutput([{"text": fixed or style.apply(function_results.about_results(ask))}])
    if "codeExecution" in ask.tools and builtin_tools.wants_code(prompt):
        return builtin_tools.computed(ask, prompt, style, known, seed)
    text = _text(ask, prompt, style, known, seed)
    if "mcpServers" in ask.tools:
        steps = builtin_tools.server_parts(ask.tools["mcpServers"], prompt)
        return ModelOutput([*steps, {"text": text}], message=CALLED, tool_tokens=builtin_tools.SERVER_TOKENS)
    return builtin_tools.grounded(ask, prompt, ModelOutput([{"text": text}]), known, seed)


def _calls(ask: Ask, prompt: str, seed: Seed) -> Sequence[Mapping[str, Any]]:
    """The calls of declared functions, else the next action at a computer."""
    if calls := functions.calls(ask, prompt, seed):
        return calls
    action = computer.action(ask, prompt, seed) if "computerUse" in ask.tools else None
    return [action] if action else []


def _call_parts(ask: Ask, calls: Sequence[Mapping[str, Any]], seed: Seed) -> list[dict[str, Any]]:
    if not ask.requires_signatures:
        return [{"functionCall": dict(call)} for call in calls]
    return [{"functionCall": {**call, "id": seed.call_id(f"call {n}")}} for n, call in enumerate(calls)]


def _known(ask: Ask, prompt: str) -> KnownFact | None:
    return (
        translated(ask.system, prompt)
        or recall(prompt)
        or media_contents.answer(prompt, media_contents.shown(_media(ask, prompt)))
        or recollected(ask, prompt)
        or recall(ask.turn)
    )


def _media(ask: Ask, prompt: str) -> Sequence[Mapping[str, Any]]:
    """The parts of the last turn; where it has no media and speaks of some, those of the user's other turns. In JSON mode, documents are read as text."""
    parts = _last_parts(ask)
    if not any("inlineData" in part for part in parts) and _ON_MEDIA.search(prompt):
        parts = list(ask.parts)
    plain = ask.mime == "text/plain"
    return [part for part in parts if plain or not media_contents.is_document(part)]


def _text(ask: Ask, prompt: str, style: StyleRules, known: KnownFact | None, seed: Seed) -> str:
    if style.fixed:
        return style.fixed
    if style.json:
        return json_text(ask, prompt, known, seed)
    if style.one_word and _YES_OR_NO.search(ask.turn):
        short = known.short if known else ""
        return style.apply(short if short in ("Yes", "No") else seed.choose("yes", ("Yes", "No")))
    if known is None and ask.passages:
        return style.apply(grounding.best_sentence(str(ask.passages[0]["text"]), prompt))
    if known is None:
        return style.apply(_unknown(ask, prompt, style, seed))
    if style.short and not known.items:
        return style.apply(known.short.replace(" ", "\u00a0") if style.one_word and " " in known.short else known.short)
    return style.apply(_cited(known, style) if "googleSearch" in ask.tools else known.sentence(style.language))


def _cited(known: KnownFact, style: StyleRules) -> str:
    """The sentence of an answer with search, and a second one: more facts, or the sources that confirm it."""
    sources = ", ".join(known.domains or grounding.FALLBACK[:2])
    more = (
        known.more
        if style.language == "en" and known.more
        else world_facts.SENTENCES[style.language]["confirmed"].format(sources=sources)
    )
    gap = "" if style.language in ("ja", "zh") else " "
    return known.sentence(style.language) + gap + more


def _unknown(ask: Ask, prompt: str, style: StyleRules, seed: Seed) -> str:
    """The text for a question that is not known: it says that it is simulated, and repeats the topic."""
    about = topic(prompt)
    if style.number:
        return str(seed.between("number", 1, 100))
    if style.one_word:
        return about.split()[-1]
    if style.language != "en":
        form = world_facts.SENTENCES[style.language]
        return f"{form['answer'].format(short=about)} {form['confirmed'].format(sources='simulator.invalid')}"
    media = [kind.lower() for kind, _ in map(part_tokens, _last_parts(ask)) if kind != "TEXT"]
    seen = f" I was given {' and '.join(media)} input with it." if media else ""
    sentences = [f"This is a simulated answer about {about}.{seen}", seed.choose("ending", _ENDINGS)]
    more = (sentence.format(about=about) for sentence in cycle(_MORE))
    while sum(len(sentence.split()) for sentence in sentences) < min(expected_words(prompt), LONGEST):
        sentences.append(next(more))
    if points := _POINTS.search(prompt):
        wanted = COUNT_WORDS.get(points[1].lower()) or int(points[1])
        return "\n".join(f"* {sentence}" for sentence in (*sentences, *_MORE)[:wanted])
    return " ".join(sentences)


_ENDINGS = (
    "A real model would say more about it here.",
    "It stands in for what a real model would say.",
    "Its wording is made up; its shape is the API's own.",
    "Point the same request at a real endpoint to read a real answer.",
)


_MORE = (
    "A full answer would first say what the question takes for granted, and where that may be wrong.",
    "Then it would name two or three points that matter most, and give a reason for each of them.",
    "It would show the main point with an example, and say where the example stops being useful.",
    "It would also say what is not known, and how one could find out.",
    "At the end it would sum up in one sentence what to remember.",
)
_YES_OR_NO = re.compile(r"\byes(?: or |/)no\b", re.IGNORECASE)
_POINTS = re.compile(r"\b(\d|two|three|four|five|six) bullet(?: point)?s?\b", re.IGNORECASE)
LONGEST = 1000
"""The maximum of words of a made-up answer."""


def _last_parts(ask: Ask) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = next(ask.user_turns, {}).get("parts", ())
    return found
