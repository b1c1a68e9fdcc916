"""How to compare: a value found in an answer against what the suite wrote.

In: a value and a predicate. Out: every way in which the value is not so; or what is wrong with the predicate itself.
May import: ``text``.

A predicate is a literal (equal to it), or a mapping of words that must all hold::

    STOP                                     {min: 1, max: 9}            {approx: 118.4, abs: 0.01}
    {contains: Oslo, ignore_case: true}      {matches: '^[A-Z]{3}-\\d+$'}  {any: [{icontains: coat}, {icontains: jacket}]}
    {each: {min: 0}, length: 3}              {present: false}            {fields: {city: Oslo}}

A mapping is always words; to compare with an object write ``equals:`` (the whole object) or ``fields:`` (some of its keys).
The narrower types (``NumberPredicate``, ``TextPredicate`` ...) exist so that a suite which writes ``min`` beside a text is
refused before any call; ``complaints`` says the rest that can be known beforehand.
"""

from __future__ import annotations

from harness.judge.predicates.comparing import differs, holds, same
from harness.judge.predicates.refusing import complaints
from harness.judge.predicates.wording import phrase
from harness.judge.predicates.words import (
    DurationPredicate,
    DurationWords,
    NumberPredicate,
    NumberWords,
    Predicate,
    SharePredicate,
    ShareWords,
    TextPredicate,
    TextWords,
    Unit,
    Words,
    counting,
    or_absent,
)
from harness.text.describe import ABSENT, Absent, describe, type_name

__all__ = [
    "ABSENT",
    "Absent",
    "DurationPredicate",
    "DurationWords",
    "NumberPredicate",
    "NumberWords",
    "Predicate",
    "SharePredicate",
    "ShareWords",
    "TextPredicate",
    "TextWords",
    "Unit",
    "Words",
    "complaints",
    "counting",
    "describe",
    "differs",
    "holds",
    "or_absent",
    "phrase",
    "same",
    "type_name",
]
