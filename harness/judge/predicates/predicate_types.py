"""The types of predicates: what a suite may write, and its numbers with or without a unit: ``3``, ``2s``, ``50%``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict

from harness.model import Json
from harness.text.describe import ABSENT, Absent
from harness.text.jsontext import is_number

Scalar: TypeAlias = str | int | float | bool | None
JsonType = Literal["string", "number", "integer", "boolean", "array", "object", "null"]

# Words that mean the same for any value and for a number or a text, each with its explanation.
Least: TypeAlias = Annotated[float, "at least this number"]
Most: TypeAlias = Annotated[float, "at most this number"]
About: TypeAlias = Annotated[
    float, "about this number: within abs, or within rel times the number; by default within a millionth of it"
]
Within: TypeAlias = Annotated[float, "with approx: the greatest difference"]
WithinShare: TypeAlias = Annotated[float, "with approx: the greatest difference, as a share of the number"]
Contains: TypeAlias = Annotated[str, "the text contains this one"]
ContainsAnyCase: TypeAlias = Annotated[str, "the text contains this one; upper and lower case are the same"]
StartsWith: TypeAlias = Annotated[str, "the text starts with this one"]
EndsWith: TypeAlias = Annotated[str, "the text ends with this one"]
Matches: TypeAlias = Annotated[str, "this Python regular expression matches somewhere in the text"]
Trim: TypeAlias = Annotated[bool, "true: white space around the text is removed first"]
AnyCase: TypeAlias = Annotated[bool, "true: upper and lower case are the same"]

Words = TypedDict(
    "Words",
    {
        "equals": Annotated[Any, "the same JSON value; 1 and 1.0 are the same number, true is not 1"],
        "not": "Annotated[Predicate, 'this must not hold']",
        "any": "Annotated[list[Predicate], 'at least one of these holds']",
        "all": "Annotated[list[Predicate], 'each of these holds']",
        "in": Annotated[list[Any], "one of these values"],
        "present": Annotated[bool, "true: the value is present; false: it is absent. null is present"],
        "type": Annotated[JsonType | list[JsonType], "the JSON type; an integer is a number without a fraction"],
        "min": Least,
        "max": Most,
        "approx": About,
        "abs": Within,
        "rel": WithinShare,
        "contains": Contains,
        "icontains": ContainsAnyCase,
        "starts_with": StartsWith,
        "ends_with": EndsWith,
        "matches": Matches,
        "trim": Trim,
        "ignore_case": AnyCase,
        "length": "Annotated[NumberPredicate, 'how many characters, items or keys']",
        "unique": Annotated[bool, "true: no item of the list occurs twice"],
        "each": "Annotated[Predicate, 'every item of the list satisfies this; an empty list does too']",
        "some": "Annotated[Predicate, 'at least one item of the list satisfies this']",
        "fields": "Annotated[dict[str, Predicate], 'the object has these keys, each with such a value; it may have others']",
    },
    total=False,
)
"""Every predicate word."""

NumberWords = TypedDict(
    "NumberWords",
    {
        "equals": Annotated[float, "this number"],
        "not": "Annotated[NumberPredicate, 'this must not hold']",
        "any": "Annotated[list[NumberPredicate], 'at least one of these holds']",
        "all": "Annotated[list[NumberPredicate], 'each of these holds']",
        "in": Annotated[list[float], "one of these numbers"],
        "min": Least,
        "max": Most,
        "approx": About,
        "abs": Within,
        "rel": WithinShare,
    },
    total=False,
)
"""Words for a number."""

TextWords = TypedDict(
    "TextWords",
    {
        "equals": Annotated[str, "this text"],
        "not": "Annotated[TextPredicate, 'this must not hold']",
        "any": "Annotated[list[TextPredicate], 'at least one of these holds']",
        "all": "Annotated[list[TextPredicate], 'each of these holds']",
        "in": Annotated[list[str], "one of these texts"],
        "present": Annotated[bool, "true: the text is present; false: it is absent"],
        "contains": Contains,
        "icontains": ContainsAnyCase,
        "starts_with": StartsWith,
        "ends_with": EndsWith,
        "matches": Matches,
        "trim": Trim,
        "ignore_case": AnyCase,
        "length": "Annotated[NumberPredicate, 'how many characters']",
    },
    total=False,
)
"""Words for a text."""

Duration: TypeAlias = Annotated[float | str, "seconds, or a number with its unit: 150ms, 2s, 1.5m"]
Share: TypeAlias = Annotated[float | str, "a share from 0 to 1, or a percentage: 50%"]


class DurationWords(TypedDict, total=False):
    """Words for a time span."""

    min: Annotated[Duration, "at least this long"]
    max: Annotated[Duration, "at most this long"]


class ShareWords(TypedDict, total=False):
    """Words for a share."""

    min: Annotated[Share, "at least this share"]
    max: Annotated[Share, "at most this share"]


Predicate: TypeAlias = Scalar | list[Any] | Words
"""Any value."""
NumberPredicate: TypeAlias = int | float | NumberWords
"""A number, such as a count: ``3``, ``{min: 1, max: 9}``."""
TextPredicate: TypeAlias = str | TextWords
"""A text: ``Paris``, ``{contains: Paris}``."""
Unit = Literal["", "s", "%", "$"]
"""The unit of a predicate's numbers: none, seconds (``DurationWords``), a share (``ShareWords``) or US dollars."""


UNITS: Final[dict[Unit, str]] = {
    "": "a number",
    "s": "a time span; write 150ms, 2s, 1.5m, or a number of seconds",
    "%": "a share; write 50% or 0.5",
    "$": "dollars; write 0.002",
}
"""Unit -> what a number of it is called in messages."""

_FACTORS: Final[dict[Unit, dict[str, float]]] = {"s": {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}, "%": {"%": 0.01}}
_QUANTITY = r"([+-]?\d+(?:\.\d+)?)\s*([a-z%]*)"


def quantity(value: Any, unit: Unit) -> float:
    """The number; for ``2s`` or ``50%`` in seconds, or as a share of 1. A text without a unit is a number too, since those of a
    CSV file are texts. Raises ValueError for anything else."""
    if is_number(value):
        return value
    found = re.fullmatch(_QUANTITY, value.strip()) if isinstance(value, str) else None
    factors = {"": 1.0, **_FACTORS.get(unit, {})}
    if found is None or found[2] not in factors:
        raise ValueError(f"not {UNITS[unit]}")
    return float(found[1]) * factors[found[2]]


def or_absent(value: Json) -> Json | Absent:
    """The value; ``ABSENT`` for None and for an empty text, because a ``Reply`` holds those if there is no value."""
    return ABSENT if value is None or value == "" else value


def split_count(parameter: Any, default: Any) -> tuple[Any, dict[str, Any]]:
    """Split a parameter such as ``{min: 1, kind: web}`` into the predicate for the count, and the other words.

    ``default`` is the predicate for the count if the parameter has none.
    """
    if not isinstance(parameter, Mapping):
        return parameter, {}
    numbers = {word: value for word, value in parameter.items() if word in NumberWords.__annotations__}
    others = {word: value for word, value in parameter.items() if word not in numbers}
    return numbers or default, others


def with_count(parameter: Any) -> dict[str, Any]:
    """A parameter such as ``{count: 2, uri: ...}`` with a ``count``: a bare number is the count; if none is given, at least one."""
    return {"count": {"min": 1}, **parameter} if isinstance(parameter, Mapping) else {"count": parameter}
