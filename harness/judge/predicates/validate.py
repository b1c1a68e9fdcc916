"""Finds errors in a predicate before any request is sent. ``shape`` has checked its words and their types before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.judge.predicates.predicate_types import UNITS, Unit, quantity
from harness.text import patterns
from harness.text.describe import describe
from harness.text.jsontext import is_number
from harness.text.shape import Later

_FAMILIES: dict[str, frozenset[str]] = {
    "a number": frozenset({"min", "max", "approx", "abs", "rel"}),
    "a text": frozenset({"contains", "icontains", "starts_with", "ends_with", "matches", "trim", "ignore_case"}),
    "a list": frozenset({"each", "some", "unique"}),
    "an object": frozenset({"fields"}),
}


def complaints(predicate: Any, unit: Unit = "") -> list[str]:
    """What is wrong with a predicate, one sentence for each error; empty if it is valid. Values that come later are not looked at."""
    return list(_complaints(predicate, unit)) if isinstance(predicate, Mapping) else []


def _complaints(words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    if not words:
        yield "an empty mapping expects nothing; write a literal, or words such as {min: 1} or {present: true}"
    families = {name: sorted(found) for name, group in _FAMILIES.items() if (found := group & words.keys())}
    if len(families) > 1:
        needs = " and ".join(
            f"{', '.join(found)} need{'s' if len(found) == 1 else ''} {name}" for name, found in families.items()
        )
        yield f"nothing can satisfy both: {needs}"
    for word, value in words.items():
        if not isinstance(value, Later):
            yield from _complaints_of(word, value, words, unit)


def _complaints_of(word: str, value: Any, words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    if word in _FAMILIES["a number"]:
        yield from _number_complaints(word, value, words, unit)
    elif word == "matches" and (problem := patterns.complaint(value)):
        yield f"matches: {value[:200]!r} is not a regular expression: {problem}"
    elif word in ("any", "all", "in") and not value:
        yield f"{word!r} takes a list of {'values' if word == 'in' else 'predicates'}, at least one"
    elif word in ("any", "all"):
        for index, predicate in enumerate(value):
            yield from (f"{word}[{index}]: {complaint}" for complaint in complaints(predicate, unit))
    elif word in ("not", "each", "some", "length"):
        yield from (f"{word}: {complaint}" for complaint in complaints(value, unit if word == "not" else ""))
    elif word == "fields":
        for name, predicate in value.items():
            yield from (f"fields.{name}: {complaint}" for complaint in complaints(predicate))


def _number_complaints(word: str, value: Any, words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    try:
        amount = quantity(value, unit)
    except ValueError:
        yield f"{word}: {describe(value)} is not {UNITS[unit]}"
        return
    if word in ("abs", "rel") and "approx" not in words:
        yield f"{word!r} goes with 'approx'"
    if word in ("abs", "rel") and not amount >= 0:
        yield f"{word!r} cannot be negative"
    if word == "min" and is_number(words.get("max")) and is_number(value) and value > words["max"]:
        yield f"min {value} is more than max {words['max']}: nothing can satisfy both"
    if unit == "%" and word in ("min", "max") and not 0 <= amount <= 1:
        yield f"{word}: {describe(value)} is not a share from 0 to 1; write 50% or 0.5"
