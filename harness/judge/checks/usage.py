"""What the answer cost in tokens: every ``...TokenCount`` of ``usageMetadata``, under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judge.predicates import NumberPredicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch

COUNTS: Final = {
    "promptTokenCount": "Tokens of the prompt, cached ones included.",
    "cachedContentTokenCount": "Tokens of the prompt that came from a cache. Implicit caching is never certain.",
    "candidatesTokenCount": "Tokens of the answer, thinking left out.",
    "thoughtsTokenCount": "Tokens of thinking, counted whether or not thoughts were asked for.",
    "toolUsePromptTokenCount": "Tokens that built-in tools put into the prompt.",
    "totalTokenCount": "All tokens: prompt, answer, thinking and tool use.",
}


def _register(name: str, about: str) -> None:
    def count(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
        yield from differs(name, evidence.reply.count(name), expected)

    count.__name__ = name
    count.__doc__ = (
        f"{about}\n\nAbsent counts as 0; of a stream the last chunk counts.\n\n    {name}: {{min: 1, max: 8000}}"
    )
    check(name)(count)


for _name, _about in COUNTS.items():
    _register(_name, _about)
