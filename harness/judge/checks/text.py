"""What the answer says, and what it thought."""

from __future__ import annotations

from collections.abc import Iterator

from harness.judge.predicates import TextPredicate, differs, or_absent
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("text")
def text(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """The answer text: all text parts of the first candidate joined, thoughts left out. Empty counts as absent.

    text: {equals: "191", trim: true}
    text: {any: [{icontains: coat}, {icontains: jacket}]}
    text: {matches: '\\b(red|green)\\b', not: {contains: blue}}
    """
    yield from differs("text", or_absent(evidence.reply.text), expected)


@check("thoughts")
def thoughts(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """The thought summaries, joined; they come only when the request asks with ``includeThoughts``.

    thoughts: {present: true}
    thoughts: {icontains: multiply}
    """
    yield from differs("thoughts", or_absent(evidence.reply.thoughts), expected)
