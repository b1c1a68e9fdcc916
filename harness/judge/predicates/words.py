"""What a suite may write as a predicate: the types, and what stands for a value that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from harness.model import Json
from harness.text.describe import ABSENT, Absent

Scalar: TypeAlias = str | int | float | bool | None
JsonType = Literal["string", "number", "integer", "boolean", "array", "object", "null"]

Words = TypedDict(
    "Words",
    {
        "equals": "Annotated[Any, 'the same JSON value; 1 and 1.0 are the same number, true is not 1']",
        "not": "Annotated[Predicate, 'this must not hold']",
        "any": "Annotated[list[Predicate], 'at least one of these holds']",
        "all": "Annotated[list[Predicate], 'each of these holds']",
        "in": "Annotated[list[Any], 'one of these values']",
        "present": "Annotated[bool, 'true: it is there; false: it is absent. Null is there']",
        "type": "Annotated[JsonType | list[JsonType], 'its JSON type; integer is a number without a fraction']",
        "min": "Annotated[float, 'at least this number']",
        "max": "Annotated[float, 'at most this number']",
        "approx": "Annotated[float, 'near this number: within abs, or rel times it; by default within a millionth of it']",
        "abs": "Annotated[float, 'with approx: how far off it may be']",
        "rel": "Annotated[float, 'with approx: how far off it may be, as a share of the number']",
        "contains": "Annotated[str, 'a text that holds this one']",
        "icontains": "Annotated[str, 'a text that holds this one, in any case']",
        "starts_with": "Annotated[str, 'a text that starts so']",
        "ends_with": "Annotated[str, 'a text that ends so']",
        "matches": "Annotated[str, 'a text in which this Python regular expression is found']",
        "trim": "Annotated[bool, 'white space around the text is dropped first']",
        "ignore_case": "Annotated[bool, 'texts are compared in any case']",
        "length": "Annotated[NumberPredicate, 'how many characters, items or keys']",
        "unique": "Annotated[bool, 'a list in which no item comes twice']",
        "each": "Annotated[Predicate, 'a list of which every item is so (an empty one is)']",
        "some": "Annotated[Predicate, 'a list of which at least one item is so']",
        "fields": "Annotated[dict[str, Predicate], 'an object with these keys; others may be there too']",
    },
    total=False,
)
"""Every predicate word."""

NumberWords = TypedDict(
    "NumberWords",
    {
        "equals": "Annotated[float, 'this number']",
        "not": "Annotated[NumberPredicate, 'this must not hold']",
        "any": "Annotated[list[NumberPredicate], 'at least one of these holds']",
        "all": "Annotated[list[NumberPredicate], 'each of these holds']",
        "in": "Annotated[list[float], 'one of these numbers']",
        "min": "Annotated[float, 'at least this number']",
        "max": "Annotated[float, 'at most this number']",
        "approx": "Annotated[float, 'near this number: within abs, or rel times it; by default within a millionth of it']",
        "abs": "Annotated[float, 'with approx: how far off it may be']",
        "rel": "Annotated[float, 'with approx: how far off it may be, as a share of the number']",
    },
    total=False,
)
"""Words for a number."""

TextWords = TypedDict(
    "TextWords",
    {
        "equals": "Annotated[str, 'this text']",
        "not": "Annotated[TextPredicate, 'this must not hold']",
        "any": "Annotated[list[TextPredicate], 'at least one of these holds']",
        "all": "Annotated[list[TextPredicate], 'each of these holds']",
        "in": "Annotated[list[str], 'one of these texts']",
        "present": "Annotated[bool, 'true: it is there; false: it is absent']",
        "contains": "Annotated[str, 'a text that holds this one']",
        "icontains": "Annotated[str, 'a text that holds this one, in any case']",
        "starts_with": "Annotated[str, 'a text that starts so']",
        "ends_with": "Annotated[str, 'a text that ends so']",
        "matches": "Annotated[str, 'a text in which this Python regular expression is found']",
        "trim": "Annotated[bool, 'white space around the text is dropped first']",
        "ignore_case": "Annotated[bool, 'texts are compared in any case']",
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
DurationPredicate: TypeAlias = DurationWords
"""A time span: ``{max: 2s}``, ``{min: 150ms}``; a bare number is seconds."""
SharePredicate: TypeAlias = ShareWords
"""A share: ``{min: 50%}``, ``{min: 0.5}``."""

Unit = Literal["", "s", "%", "$"]
"""What the numbers of a predicate are: plain, time spans (``DurationPredicate``), shares (``SharePredicate``)."""


def or_absent(value: Json) -> Json | Absent:
    """The value; ``ABSENT`` for None and for an empty text, which is how a ``Reply`` says that there is none."""
    return ABSENT if value is None or value == "" else value


def counting(parameter: Any, default: Any) -> tuple[Any, dict[str, Any]]:
    """The number predicate and the other words of a parameter such as ``{min: 1, kind: web}``.

    ``default`` is the number predicate where the parameter states none.
    """
    if not isinstance(parameter, Mapping):
        return parameter, {}
    numbers = {word: value for word, value in parameter.items() if word in NumberWords.__annotations__}
    others = {word: value for word, value in parameter.items() if word not in numbers}
    return numbers or default, others
