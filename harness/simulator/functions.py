"""Function calling: which of the declared functions are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.arguments import made
from harness.simulator.request import Ask, texts
from harness.simulator.results import responses, said
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
    """The ``functionCall`` objects (name and args) of this turn; empty where the model answers in words."""
    mode = ask.calling.get("mode", "AUTO")
    if not ask.declarations or mode == "NONE":
        return []
    allowed = ask.calling.get("allowedFunctionNames") or [each.get("name") for each in ask.declarations]
    offered = [each for each in ask.declarations if each.get("name") in allowed]
    if responses(ask):
        return _again(ask, offered, prompt, seed) if mode == "ANY" else []
    chosen = [each for each in offered if _score(each, prompt) >= 2]
    if not chosen and mode == "ANY":
        chosen = [max(offered, key=lambda each: _score(each, prompt))]
    return [call for each in _best(chosen, prompt) for call in made(each, prompt, seed)][:MOST_CALLS]


def _again(ask: Ask, offered: Sequence[Mapping[str, Any]], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """Under ANY a model must call after results too: a function not yet called, if there is one."""
    called = {
        part["functionCall"].get("name")
        for content in ask.contents
        for part in content.get("parts", ())
        if "functionCall" in part
    }
    fresh = [each for each in offered if each.get("name") not in called] or list(offered)
    known = prompt + "\n" + "\n".join(said(each) for each in responses(ask))
    return made(max(fresh, key=lambda each: _score(each, prompt)), known, seed)[:1]


# --- choosing -----------------------------------------------------------------------------------------


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return {SYNONYMS.get(word, word.rstrip("s") if len(word) > 3 else word) for word in words if word not in _IGNORED}


def _score(declaration: Mapping[str, Any], prompt: str) -> float:
    """How well a declaration fits: its name in the prompt counts most, words of its name 2, of its description 0.5."""
    name = str(declaration.get("name", ""))
    said = _stems(prompt)
    named = 10 if re.search(rf"\b{re.escape(name)}\b", prompt) else 0
    about = _stems(str(declaration.get("description", "")))
    return named + 2 * len(_stems(name) & said) + 0.5 * len(about & said)


def _best(chosen: Sequence[Mapping[str, Any]], prompt: str) -> list[Mapping[str, Any]]:
    """All functions that fit about as well as the best one, in declared order."""
    if not chosen:
        return []
    top = max(_score(each, prompt) for each in chosen)
    return [each for each in chosen if _score(each, prompt) >= min(top, 10) * 0.6 or _score(each, prompt) >= 4]


def question(ask: Ask) -> str:
    """The last thing that a user said in words."""
    return next(
        (
            text
            for content in reversed(ask.contents)
            if content.get("role", "user") != "model" and (text := texts(content))
        ),
        "",
    )
