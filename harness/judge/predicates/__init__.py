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

from harness.judge.predicates.compare import differs as differs
from harness.judge.predicates.compare import holds as holds
from harness.judge.predicates.predicate_types import DurationWords as DurationWords
from harness.judge.predicates.predicate_types import NumberPredicate as NumberPredicate
from harness.judge.predicates.predicate_types import NumberWords as NumberWords
from harness.judge.predicates.predicate_types import Predicate as Predicate
from harness.judge.predicates.predicate_types import ShareWords as ShareWords
from harness.judge.predicates.predicate_types import TextPredicate as TextPredicate
from harness.judge.predicates.predicate_types import TextWords as TextWords
from harness.judge.predicates.predicate_types import Unit as Unit
from harness.judge.predicates.predicate_types import Words as Words
from harness.judge.predicates.predicate_types import or_absent as or_absent
from harness.judge.predicates.predicate_types import split_count as split_count
from harness.judge.predicates.predicate_types import with_count as with_count
from harness.judge.predicates.validate import complaints as complaints
from harness.text.describe import ABSENT as ABSENT
from harness.text.describe import Absent as Absent
from harness.text.describe import describe as describe
from harness.text.jsontext import is_number as is_number
