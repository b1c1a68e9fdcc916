"""Compares a value found in an answer with what the suite expects.

In: a value and a predicate. Out: every mismatch; or what is wrong with the predicate itself.
May import: ``text``.

A predicate is a literal (the value must equal it), or a mapping of words that must all hold::

    STOP                                     {min: 1, max: 9}            {approx: 118.4, abs: 0.01}
    {contains: Oslo, ignore_case: true}      {matches: '^[A-Z]{3}-\\d+$'}  {any: [{icontains: coat}, {icontains: jacket}]}
    {each: {min: 0}, length: 3}              {present: false}            {fields: {city: Oslo}}

A mapping always holds predicate words. To compare with an object, write ``equals:`` (the whole object) or ``fields:`` (some
of its keys). With the narrower types (``NumberPredicate``, ``TextPredicate`` ...) a suite that writes ``min`` for a text is
rejected before any request is sent; ``complaints`` finds the other errors that can be known before.
"""

from __future__ import annotations

from harness.judge.predicates.compare import differs, holds
from harness.judge.predicates.predicate_types import (
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
    or_absent,
    split_count,
    with_count,
)
from harness.judge.predicates.validate import complaints
from harness.text.describe import ABSENT, Absent, describe
from harness.text.jsontext import is_number

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
    "describe",
    "differs",
    "holds",
    "is_number",
    "or_absent",
    "split_count",
    "with_count",
]
