"""Function calling: chooses the declared functions to call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.arguments import build_calls
from harness.simulator.function_results import in_words, responses
from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed

MOST_CALLS = 8
SYNONYMS = {
    "wear": "weather", "coat": "weather", "jacket": "weather", "umbrella": "weather", "forecast": "weather", "rain": "weather",
    "warm": "weather", "cold": "weather", "temperature": "weather", "plus": "add", "sum": "add", "times": "multiply",
    "mail": "email", "cost": "price", "costs": "price", "worth": "price", "lamp": "light", "lights": "light", "clock": "time",
}  # fmt: skip
_IGNORED = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "for",
        "from",
        "get",
        "give",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "need",
        "of",
        "on",
        "or",
        "please",
        "right",
        "now",
        "set",
        "should",
        "some",
        "that",
        "the",
        "their",
        "them",
        "this",
        "to",
        "use",
        "using",
        "what",
        "which",
        "with",
        "you",
        "your",
        "data",
        "value",
        "values",
        "current",
        "function",
        "tool",
        "call",
    ]
)
_WORD = re.compile(r"[A-Za-z]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def calls(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The ``functionCall`` objects (name and args) of this turn; empty if the model answers with text."""
    mode = ask.calling.get("mode", "AUTO")
    if not ask.declarations or mode == "NONE":
        return []
    allowed = ask.calling.get("allowedFunctionNames") or [declaration.get("name") for declaration in ask.declarations]
    offered = [declaration for declaration in ask.declarations if declaration.get("name") in allowed]
    if responses(ask):
        return _again(ask, offered, prompt, seed) if mode == "ANY" else []
    chosen = [declaration for declaration in offered if _score(declaration, prompt) >= 2]
    if not chosen and mode == "ANY":
        chosen = [max(offered, key=lambda declaration: _score(declaration, prompt))]
    return [call for declaration in _best(chosen, prompt) for call in build_calls(declaration, prompt, seed)][
        :MOST_CALLS
    ]


def _again(ask: Ask, offered: Sequence[Mapping[str, Any]], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """In mode ANY the model calls a function after results too: one that was not called yet, if possible."""
    called = {
        part["functionCall"].get("name")
        for content in ask.contents
        for part in content.get("parts", ())
        if "functionCall" in part
    }
    fresh = [declaration for declaration in offered if declaration.get("name") not in called] or list(offered)
    known = prompt + "\n" + "\n".join(in_words(response) for response in responses(ask))
    return build_calls(max(fresh, key=lambda declaration: _score(declaration, prompt)), known, seed)[:1]


# --- choosing -----------------------------------------------------------------------------------------


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return {SYNONYMS.get(word, word.rstrip("s") if len(word) > 3 else word) for word in words if word not in _IGNORED}


def _score(declaration: Mapping[str, Any], prompt: str) -> float:
    """How well a declaration fits the prompt: 10 for its whole name, 2 for each word of its name, 0.5 for each of its description."""
    name = str(declaration.get("name", ""))
    prompt_stems = _stems(prompt)
    named = 10 if re.search(rf"\b{re.escape(name)}\b", prompt) else 0
    about = _stems(str(declaration.get("description", "")))
    return named + 2 * len(_stems(name) & prompt_stems) + 0.5 * len(about & prompt_stems)


def _best(chosen: Sequence[Mapping[str, Any]], prompt: str) -> list[Mapping[str, Any]]:
    """All functions that fit about as well as the best one, in the order of their declaration."""
    if not chosen:
        return []
    top = max(_score(declaration, prompt) for declaration in chosen)
    return [
        declaration
        for declaration in chosen
        if _score(declaration, prompt) >= min(top, 10) * 0.6 or _score(declaration, prompt) >= 4
    ]


def question(ask: Ask) -> str:
    """The last text of the user."""
    return next(
        (
            text
            for content in reversed(ask.contents)
            if content.get("role", "user") != "model" and (text := texts(content))
        ),
        "",
    )
