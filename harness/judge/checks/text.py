"""The text of the answer, and of its thoughts."""

from __future__ import annotations

from collections.abc import Iterator

from harness.judge.predicates import TextPredicate, differs, or_absent
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("text")
def text(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """The text of the answer: all text parts of the first candidate joined, without thoughts. Empty text counts as absent.

    text: {equals: "191", trim: true}
    text: {any: [{icontains: coat}, {icontains: jacket}]}
    text: {matches: '\\b(red|green)\\b', not: {contains: blue}}
    """
    yield from differs("text", or_absent(evidence.reply.text), expected)


@check("thoughts")
def thoughts(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """The thought summaries, joined. The API sends them only if the request sets ``includeThoughts``.

    thoughts: {present: true}
    thoughts: {icontains: multiply}
    """
    yield from differs("thoughts", or_absent(evidence.reply.thoughts), expected)
