"""Finds errors in a predicate before any request is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from harness.judge.predicates.predicate_types import JsonType, Unit
from harness.judge.predicates.quantities import UNITS, is_number, quantity
from harness.text import patterns
from harness.text.describe import describe

_FAMILIES: dict[str, frozenset[str]] = {
    "a number": frozenset({"min", "max", "approx", "abs", "rel"}),
    "a text": frozenset({"contains", "icontains", "starts_with", "ends_with", "matches", "trim", "ignore_case"}),
    "a list": frozenset({"each", "some", "unique"}),
    "an object": frozenset({"fields"}),
}
_ANYWHERE = frozenset({"equals", "not", "any", "all", "in", "present", "type", "length"})
_KNOWN = _ANYWHERE.union(*_FAMILIES.values())


def complaints(predicate: Any, unit: Unit = "") -> list[str]:
    """What is wrong with a predicate, one sentence for each error; empty if it is valid."""
    if isinstance(predicate, Mapping):
        return list(_complaints(predicate, unit))
    return []


def _complaints(words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    if not words:
        yield "an empty mapping expects nothing; write a literal, or words such as {min: 1} or {present: true}"
    unknown = [word for word in words if word not in _KNOWN]
    for word in unknown:
        from difflib import get_close_matches

        near = get_close_matches(str(word), _KNOWN, 1)
        hint = (
            f"did you mean {near[0]!r}?" if near else "to compare with an object, write equals: {...} or fields: {...}"
        )
        yield f"{word!r} is not a predicate word; {hint}"
    families = {name: sorted(found) for name, group in _FAMILIES.items() if (found := group & words.keys())}
    if len(families) > 1:
        needs = " and ".join(
            f"{', '.join(found)} need{'s' if len(found) == 1 else ''} {name}" for name, found in families.items()
        )
        yield f"nothing can satisfy both: {needs}"
    for word in words.keys() & _KNOWN:
        yield from _complaints_of(word, words[word], words, unit)


def _complaints_of(word: str, value: Any, words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    if word in ("min", "max", "approx", "abs", "rel"):
        yield from _number_complaints(word, value, words, unit)
    elif word in ("contains", "icontains", "starts_with", "ends_with", "matches"):
        yield from _text_complaints(word, value)
    elif word in ("any", "all"):
        yield from _list_complaints(word, value, unit)
    elif word in ("not", "each", "some", "length"):
        yield from (f"{word}: {complaint}" for complaint in complaints(value, unit if word == "not" else ""))
    elif word in ("present", "trim", "ignore_case", "unique") and not isinstance(value, bool):
        yield f"{word!r} takes true or false, not {describe(value)}"
    elif word in _COMPLAINTS:
        yield from _COMPLAINTS[word](value)


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


def _text_complaints(word: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{word!r} takes a text, not {describe(value)}; quote it"
    elif word == "matches":
        problem = patterns.complaint(value)
        if problem:
            yield f"matches: {value[:200]!r} is not a regular expression: {problem}"


def _list_complaints(word: str, value: Any, unit: Unit) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"{word!r} takes a list of predicates, at least one"
        return
    for index, predicate in enumerate(value):
        yield from (f"{word}[{index}]: {complaint}" for complaint in complaints(predicate, unit))


def _in_complaints(value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield "'in' takes a list of values, at least one"


def _type_complaints(value: Any) -> Iterator[str]:
    known = get_args(JsonType)
    for name in value if isinstance(value, list) else [value]:
        if name not in known:
            yield f"type: {describe(name)} is not one of {', '.join(known)}"


def _fields_complaints(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"'fields' takes a mapping of keys to predicates, not {describe(value)}"
        return
    for name, predicate in value.items():
        yield from (f"fields.{name}: {complaint}" for complaint in complaints(predicate))


_COMPLAINTS: dict[str, Callable[[Any], Iterator[str]]] = {
    "in": _in_complaints,
    "type": _type_complaints,
    "fields": _fields_complaints,
}
