"""Token counts: a check for every ``...TokenCount`` of ``usageMetadata``, with the same name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judge.predicates import NumberPredicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch

COUNTS: Final = {
    "promptTokenCount": "Tokens of the prompt, cached ones included.",
    "cachedContentTokenCount": "Tokens of the prompt that came from a cache. Implicit caching is not guaranteed.",
    "candidatesTokenCount": "Tokens of the answer, without thinking.",
    "thoughtsTokenCount": "Tokens of thinking. They are counted even if the request does not ask for thoughts.",
    "toolUsePromptTokenCount": "Tokens that built-in tools add to the prompt.",
    "totalTokenCount": "All tokens: prompt, answer, thinking and tool use.",
}


def _register(name: str, about: str) -> None:
    def count(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
        yield from differs(name, evidence.reply.count(name), expected)

    count.__name__ = name
    count.__doc__ = f"{about}\n\nAn absent count is 0. In a stream, the count of the last chunk is used.\n\n    {name}: {{min: 1, max: 8000}}"
    check(name)(count)


for _name, _about in COUNTS.items():
    _register(_name, _about)
