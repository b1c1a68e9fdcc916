"""How to compare: a value found in an answer against what the suite wrote.

A predicate is a literal (equal to it), or a mapping of words that must all hold::

    STOP                                     {min: 1, max: 9}            {approx: 118.4, abs: 0.01}
    {contains: Oslo, ignore_case: true}      {matches: '^[A-Z]{3}-\\d+$'}  {any: [{icontains: coat}, {icontains: jacket}]}
    {each: {min: 0}, length: 3}              {present: false}            {fields: {city: Oslo}}

A mapping is always words; to compare with an object write ``equals:`` (the whole object) or ``fields:`` (some of its keys).
The narrower types (``NumberPredicate``, ``TextPredicate`` ...) exist so that a suite which writes ``min`` beside a text is
refused before any call; ``complaints`` says the rest that can be known beforehand.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict, final

from harness.model import Json, Mismatch

# --- what a suite may write ---------------------------------------------------------------------------

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

Unit = Literal["", "s", "%"]
"""What the numbers of a predicate are: plain, time spans (``DurationPredicate``), shares (``SharePredicate``)."""


@final
class Absent:
    """The type of ``ABSENT``."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()
"""Stands for a value that is not there at all (null is there)."""


def or_absent(value: Json) -> Json | Absent:
    """The value; ``ABSENT`` for None and for an empty text, which is how a ``Reply`` says that there is none."""
    return ABSENT if value is None or value == "" else value


# --- comparing ----------------------------------------------------------------------------------------


def differs(at: str, actual: Json | Absent, expected: Any, *, unit: Unit = "") -> Iterator[Mismatch]:
    """Every way in which ``actual`` is not as ``expected``; nothing where it is.

    ``at`` says where the value stands and is what the mismatches carry (``at[2]``, ``at.city`` for items and fields).
    ``unit`` lets the predicate spell its numbers ``2s`` or ``50%``; ``actual`` is then seconds, or a share of 1.
    Never raises for any JSON value, as long as ``complaints(expected, unit)`` is empty.
    """
    return _differs(at, actual, expected, _Manner(unit=unit))


def holds(actual: Json | Absent, expected: Any, *, unit: Unit = "") -> bool:
    """Whether the predicate is true of that value."""
    return next(differs("", actual, expected, unit=unit), None) is None


def same(left: Json | Absent, right: Json | Absent) -> bool:
    """JSON equality: numbers by value (1 is 1.0, NaN is NaN), booleans never numbers, keys in any order."""
    open_pairs = [(left, right)]
    while open_pairs:
        one, other = open_pairs.pop()
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            if one.keys() != other.keys():
                return False
            open_pairs.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            open_pairs.extend(zip(one, other, strict=True))
        elif not _same_scalar(one, other):
            return False
    return True


def _same_scalar(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(one == other) or (one != one and other != other)  # noqa: PLR0124  NaN is the same as NaN
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the words of one predicate compare; handed down to the predicates inside it."""

    unit: Unit = ""
    any_case: bool = False

    def fold(self, value: Any) -> Any:
        return value.casefold() if self.any_case and isinstance(value, str) else value

    def number(self, value: Any) -> float:
        return quantity(value, self.unit)


def _differs(at: str, actual: Any, expected: Any, manner: _Manner) -> Iterator[Mismatch]:
    if not isinstance(expected, Mapping):
        yield from _equals(at, actual, expected, manner)
        return
    if expected.get("trim") and isinstance(actual, str):
        actual = actual.strip()
    if expected.get("ignore_case"):
        manner = replace(manner, any_case=True)
    for word, value in expected.items():
        if word in _WORDS:
            yield from _WORDS[word](at, actual, value, manner, expected)


_Word = Callable[[str, Any, Any, _Manner, Mapping[str, Any]], Iterable[Mismatch]]
_WORDS: dict[str, _Word] = {}


def _word(name: str) -> Callable[[_Word], _Word]:
    def register(function: _Word) -> _Word:
        _WORDS[name] = function
        return function

    return register


def _wrong(at: str, actual: Any, expected: Any, wanted: str, manner: _Manner, got: str | None = None) -> Mismatch:
    got = got or _shown(actual, manner)
    return Mismatch(at, expected, None if actual is ABSENT else actual, f"expected {wanted}, got {got}")


def _leaf(name: str, test: Callable[[Any, Any, _Manner], bool]) -> None:
    """A word that is true or false of a value, and says no more than that."""

    def compare(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
        if not test(actual, value, manner):
            yield _wrong(at, actual, {name: value}, phrase({name: value}, manner.unit), manner)

    _WORDS[name] = compare


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any, _Manner], bool]:
    return lambda actual, value, manner: isinstance(actual, str) and test(manner.fold(actual), manner.fold(value))


_leaf("min", lambda actual, value, manner: _is_number(actual) and actual >= manner.number(value))
_leaf("max", lambda actual, value, manner: _is_number(actual) and actual <= manner.number(value))
_leaf("contains", _text(lambda actual, value: value in actual))
_leaf("icontains", _text(lambda actual, value: value.casefold() in actual.casefold()))
_leaf("starts_with", _text(str.startswith))
_leaf("ends_with", _text(str.endswith))
_leaf("present", lambda actual, value, _: (actual is not ABSENT) == value)
_leaf("type", lambda actual, value, _: _has_type(actual, value))
_leaf("in", lambda actual, value, manner: any(same(manner.fold(actual), manner.fold(each)) for each in value))
_leaf("unique", lambda actual, value, _: not value or (isinstance(actual, list) and _twice(actual) is None))


@_word("equals")
def _equals_word(at: str, actual: Any, value: Any, manner: _Manner, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    value = value.strip() if words.get("trim") and isinstance(value, str) else value
    return _equals(at, actual, manner.number(value) if manner.unit else value, manner)


def _equals(at: str, actual: Any, value: Any, manner: _Manner) -> Iterator[Mismatch]:
    if same(manner.fold(actual), manner.fold(value)):
        return
    if isinstance(actual, str) and isinstance(value, str):
        yield Mismatch(at, value, actual, _text_difference(actual, value))
    else:
        yield _wrong(at, actual, value, _shown(value, manner), manner)


@_word("matches")
def _matches(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    flags = re.IGNORECASE if manner.any_case else 0
    if not (isinstance(actual, str) and re.search(value, actual, flags)):
        yield _wrong(at, actual, {"matches": value}, phrase({"matches": value}), manner)


@_word("approx")
def _approx(at: str, actual: Any, value: Any, manner: _Manner, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not (_is_number(actual) and _near(actual, manner.number(value), words.get("abs"), words.get("rel"))):
        terms = {word: words[word] for word in ("approx", "abs", "rel") if word in words}
        yield _wrong(at, actual, terms, phrase(terms, manner.unit), manner)


def _near(actual: float, value: float, absolute: float | None, relative: float | None) -> bool:
    if same(actual, value):
        return True
    if absolute is None and relative is None:
        absolute, relative = 1e-12, 1e-6
    try:
        return math.isclose(value, actual, abs_tol=absolute or 0.0, rel_tol=0.0) or abs(actual - value) <= abs(
            value * (relative or 0.0)
        )
    except OverflowError:
        return False


@_word("not")
def _not(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if next(_differs(at, actual, value, manner), None) is None:
        yield _wrong(at, actual, {"not": value}, phrase({"not": value}, manner.unit), manner)


@_word("any")
def _any(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not any(next(_differs(at, actual, each, manner), None) is None for each in value):
        yield _wrong(at, actual, {"any": value}, phrase({"any": value}, manner.unit), manner)


@_word("all")
def _all(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    for each in value:
        yield from _differs(at, actual, each, manner)


@_word("length")
def _length(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(actual, str | list | Mapping):
        yield _wrong(at, actual, {"length": value}, phrase({"length": value}), manner)
    elif not holds(len(actual), value):
        wanted = phrase({"length": value})
        yield _wrong(at, actual, {"length": value}, wanted, manner, f"length {len(actual)}: {describe(actual)}")


@_word("each")
def _each(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(actual, list):
        yield _wrong(at, actual, {"each": value}, phrase({"each": value}), manner)
        return
    for index, item in enumerate(actual):
        yield from _differs(f"{at}[{index}]", item, value, manner)


@_word("some")
def _some(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    items = actual if isinstance(actual, list) else ()
    if not any(next(_differs(at, item, value, manner), None) is None for item in items):
        yield _wrong(at, actual, {"some": value}, phrase({"some": value}), manner)


@_word("fields")
def _fields(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(actual, Mapping):
        yield _wrong(at, actual, {"fields": value}, phrase({"fields": value}), manner)
        return
    for name, inner in value.items():
        yield from _differs(f"{at}.{name}" if at else name, actual.get(name, ABSENT), inner, manner)


def _has_type(actual: Any, wanted: str | Sequence[str]) -> bool:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    found = type_name(actual)
    whole = isinstance(actual, float) and actual.is_integer()
    return found in wanted or ("number" in wanted and found == "integer") or ("integer" in wanted and whole)


def _twice(items: Sequence[Any]) -> int | None:
    """The index of the first item that was there before."""
    return next((at for at, item in enumerate(items) if any(same(item, earlier) for earlier in items[:at])), None)


# --- counting -----------------------------------------------------------------------------------------


def counting(parameter: Any, default: Any) -> tuple[Any, dict[str, Any]]:
    """The number predicate and the other words of a parameter such as ``{min: 1, kind: web}``.

    ``default`` is the number predicate where the parameter states none.
    """
    if not isinstance(parameter, Mapping):
        return parameter, {}
    numbers = {word: value for word, value in parameter.items() if word in NumberWords.__annotations__}
    others = {word: value for word, value in parameter.items() if word not in numbers}
    return numbers or default, others


# --- numbers with units -------------------------------------------------------------------------------

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(ms|s|m|h|%)")


def quantity(value: Any, unit: Unit) -> float:
    """A number, ``2s`` or ``50%`` as seconds or a share of 1. Raises ValueError where it is none of these."""
    if _is_number(value):
        return value  # type: ignore[no-any-return]
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) and unit else None
    if found is None or (found[2] == "%") != (unit == "%"):
        raise ValueError(f"{describe(value)} is not {_UNIT_NAMES[unit]}")
    return float(found[1]) * (0.01 if unit == "%" else _SECONDS[found[2]])


_UNIT_NAMES: dict[Unit, str] = {
    "": "a number",
    "s": "a time span; write 150ms, 2s, 1.5m, or a number of seconds",
    "%": "a share; write 50% or 0.5",
}


# --- saying it ----------------------------------------------------------------------------------------

_WIDTH = 120


def type_name(value: Json | Absent) -> str:
    """``string``, ``integer``, ``number``, ``boolean``, ``array``, ``object``, ``null`` or ``absent``."""
    if value is None or value is ABSENT:
        return "null" if value is None else "absent"
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "object" if isinstance(value, Mapping) else type(value).__name__)


def describe(value: Json | Absent) -> str:
    """The value with its type in words, on one line, shortened: ``string "abc"``, ``integer 3``, ``absent``."""
    name = type_name(value)
    if name in ("null", "absent"):
        return name
    if isinstance(value, list):
        return f"array of {len(value)} {_clipped(_compact(value))}"
    return f"{name} {_compact(value) if isinstance(value, str) else _clipped(_compact(value))}"


def _shown(value: Any, manner: _Manner) -> str:
    if manner.unit and _is_number(value):
        return _number(value, manner.unit)
    return describe(value)


def _number(value: Any, unit: Unit) -> str:
    try:
        amount = quantity(value, unit)
    except ValueError:
        return str(value)
    if unit == "%":
        return f"{amount * 100:.4g} %"
    return f"{amount:.4g} s" if unit == "s" else _compact(value)


def _compact(value: Any, depth: int = 6) -> str:
    if isinstance(value, Mapping):
        inner = "..." if depth == 0 else _joined((f"{_quoted(str(k))}: ", v) for k, v in value.items())(depth - 1)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ("..." if depth == 0 else _joined(("", item) for item in value)(depth - 1)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1024:
        return f"of {value.bit_length()} bits"
    return json.dumps(value) if value is None or isinstance(value, bool | int | float) else repr(value)


def _joined(pairs: Iterable[tuple[str, Any]]) -> Callable[[int], str]:
    def text(depth: int) -> str:
        pieces: list[str] = []
        for label, item in pairs:
            pieces.append(label + _compact(item, depth))
            if sum(map(len, pieces)) > 2 * _WIDTH:
                break
        return ", ".join(pieces)

    return text


def _quoted(text: str) -> str:
    """A JSON string, shortened, that any terminal can print: lone surrogates stay escaped."""
    quoted = json.dumps(_clipped(text), ensure_ascii=False)
    return quoted.encode("utf-8", "backslashreplace").decode("utf-8")


def _clipped(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _text_difference(actual: str, value: str) -> str:
    """Both texts around the place where they part."""
    at = next((i for i, (one, other) in enumerate(zip(actual, value, strict=False)) if one != other), None)
    at = min(len(actual), len(value)) if at is None else at
    if max(len(actual), len(value)) <= _WIDTH // 2:
        return f"expected {describe(value)}, got {describe(actual)}"
    return f"expected string {_around(value, at)}, got {_around(actual, at)}; they part at character {at}"


def _around(text: str, at: int) -> str:
    start, end = max(0, at - 20), at + 30
    return ("…" if start else "") + _quoted(text[start:end]) + ("…" if end < len(text) else "")


def phrase(expected: Any, unit: Unit = "") -> str:
    """A predicate in words: ``at least 3 and at most 9``, ``text containing "Oslo" (any case)``."""
    if not isinstance(expected, Mapping):
        return _shown(expected, _Manner(unit=unit))
    said = [_PHRASES[word](value, unit) for word, value in expected.items() if word in _PHRASES]
    tolerance = [
        f"within {'' if word == 'abs' else 'a share of '}{expected[word]}"
        for word in ("abs", "rel")
        if word in expected
    ]
    tail = (f" {' or '.join(tolerance)}" if tolerance else "") + (" (any case)" if expected.get("ignore_case") else "")
    return " and ".join(said) + tail


def _alternatives(value: Sequence[Any], unit: Unit, link: str) -> str:
    return link.join(phrase(each, unit) for each in value)


_PHRASES: dict[str, Callable[[Any, Unit], str]] = {
    "equals": lambda value, unit: _shown(value, _Manner(unit=unit)),
    "not": lambda value, unit: f"not {phrase(value, unit)}",
    "any": lambda value, unit: f"any of: {_alternatives(value, unit, '; ')}",
    "all": lambda value, unit: _alternatives(value, unit, " and "),
    "in": lambda value, _: f"one of {_clipped(_compact(value))}",
    "present": lambda value, _: "present" if value else "absent",
    "type": lambda value, _: f"type {value if isinstance(value, str) else ' or '.join(value)}",
    "min": lambda value, unit: f"at least {_number(value, unit)}",
    "max": lambda value, unit: f"at most {_number(value, unit)}",
    "approx": lambda value, unit: f"about {_number(value, unit)}",
    "contains": lambda value, _: f"text containing {_quoted(value)}",
    "icontains": lambda value, _: f"text containing {_quoted(value)} (any case)",
    "starts_with": lambda value, _: f"text starting with {_quoted(value)}",
    "ends_with": lambda value, _: f"text ending with {_quoted(value)}",
    "matches": lambda value, _: f"text matching /{value}/",
    "length": lambda value, _: f"length {phrase(value).removeprefix('integer ')}",
    "unique": lambda value, _: "no item twice" if value else "any list",
    "each": lambda value, _: f"array of which each item is {phrase(value)}",
    "some": lambda value, _: f"array of which some item is {phrase(value)}",
    "fields": lambda value, _: "object with " + ", ".join(f"{name}: {phrase(each)}" for name, each in value.items()),
}


# --- refusing beforehand ------------------------------------------------------------------------------

_FAMILIES: dict[str, frozenset[str]] = {
    "a number": frozenset({"min", "max", "approx", "abs", "rel"}),
    "a text": frozenset({"contains", "icontains", "starts_with", "ends_with", "matches", "trim", "ignore_case"}),
    "a list": frozenset({"each", "some", "unique"}),
    "an object": frozenset({"fields"}),
}
_ANYWHERE = frozenset({"equals", "not", "any", "all", "in", "present", "type", "length"})
_KNOWN = _ANYWHERE.union(*_FAMILIES.values())


def complaints(predicate: Any, unit: Unit = "") -> list[str]:
    """What is wrong with a predicate before any answer is there; empty where nothing is. Each is one sentence."""
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
        told = " and ".join(
            f"{', '.join(found)} want{'s' if len(found) == 1 else ''} {name}" for name, found in families.items()
        )
        yield f"nothing can satisfy both: {told}"
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
        yield from (f"{word}: {each}" for each in complaints(value, unit if word == "not" else ""))
    elif word in ("present", "trim", "ignore_case", "unique") and not isinstance(value, bool):
        yield f"{word!r} takes true or false, not {describe(value)}"
    elif word in _COMPLAINTS:
        yield from _COMPLAINTS[word](value)


def _number_complaints(word: str, value: Any, words: Mapping[str, Any], unit: Unit) -> Iterator[str]:
    try:
        amount = quantity(value, unit)
    except ValueError as problem:
        yield f"{word}: {problem}"
        return
    if word in ("abs", "rel") and "approx" not in words:
        yield f"{word!r} goes with 'approx'"
    if word in ("abs", "rel") and not amount >= 0:
        yield f"{word!r} cannot be negative"
    if word == "min" and _is_number(words.get("max")) and _is_number(value) and value > words["max"]:
        yield f"min {value} is more than max {words['max']}: nothing can satisfy both"
    if unit == "%" and word in ("min", "max") and not 0 <= amount <= 1:
        yield f"{word}: {describe(value)} is not a share from 0 to 1; write 50% or 0.5"


def _text_complaints(word: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{word!r} takes a text, not {describe(value)}; quote it"
    elif word == "matches":
        try:
            re.compile(value)
        except re.error as problem:
            yield f"matches: {value!r} is not a regular expression: {problem}"


def _list_complaints(word: str, value: Any, unit: Unit) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"{word!r} takes a list of predicates, at least one"
        return
    for index, each in enumerate(value):
        yield from (f"{word}[{index}]: {complaint}" for complaint in complaints(each, unit))


def _in_complaints(value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield "'in' takes a list of values, at least one"


def _type_complaints(value: Any) -> Iterator[str]:
    known = JsonType.__args__  # type: ignore[attr-defined]
    for each in value if isinstance(value, list) else [value]:
        if each not in known:
            yield f"type: {describe(each)} is not one of {', '.join(known)}"


def _fields_complaints(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"'fields' takes a mapping of keys to predicates, not {describe(value)}"
        return
    for name, each in value.items():
        yield from (f"fields.{name}: {complaint}" for complaint in complaints(each))


_COMPLAINTS: dict[str, Callable[[Any], Iterator[str]]] = {
    "in": _in_complaints,
    "type": _type_complaints,
    "fields": _fields_complaints,
}
