"""What a request asks: the question, and what was written around it and before it."""

from __future__ import annotations

import re

from harness.simulator.function_results import in_words, responses
from harness.simulator.request import Ask, readable, texts

_GAP = re.compile(r"\s{3,}")
"""Longer gaps carry no meaning, and would take long to search."""


def turn(ask: Ask) -> str:
    """The whole text of the user's last turn that has text."""
    turns = (texts(content) for content in reversed(ask.contents) if content.get("role", "user") != "model")
    return readable(next((text for text in turns if text.strip()), ""))


def question(ask: Ask) -> str:
    """The last text part of that turn. Notes in ``<system>`` tags are no question."""
    for content in reversed(ask.contents):
        if content.get("role", "user") == "model" or not texts(content).strip():
            continue
        parts = [
            part["text"]
            for part in content.get("parts", ())
            if part.get("text", "").strip() and not part.get("thought")
        ]
        asked = [text for text in parts if not text.lstrip().startswith("<system>")]
        return _closed(readable((asked or parts)[-1]))
    return ""


def background(ask: Ask) -> str:
    """What else a value may come from: the results of calls, the rest of the turn, and earlier turns of the user, latest first."""
    found = [in_words(response) for response in responses(ask)]
    found += [texts(content) for content in reversed(ask.contents) if content.get("role", "user") != "model"]
    asked = question(ask)
    return _GAP.sub(
        "\n\n", readable("\n".join(dict.fromkeys(text for text in found if text.strip() and text != asked)))
    )


def _closed(text: str) -> str:
    return _GAP.sub(lambda gap: "\n\n" if "\n" in gap[0] else "  ", text)
