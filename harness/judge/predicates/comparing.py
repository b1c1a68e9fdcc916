"""Whether a value is as a predicate says, and every way in which it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.judge.predicates.quantities import is_number, quantity
from harness.judge.predicates.wording import phrase, shown, text_difference
from harness.judge.predicates.words import Unit
from harness.model import Json, Mismatch
from harness.text import patterns
from harness.text.describe import ABSENT, Absent, describe, type_name


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
    if is_number(one) and is_number(other):
        return bool(one == other) or (one != one and other != other)  # noqa: PLR0124  NaN is the same as NaN
    return type(one) is type(other) and bool(one == other)


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
    got = got or shown(actual, manner.unit)
    return Mismatch(at, expected, _kept(actual), f"expected {wanted}, got {got}")


_LONGEST_KEPT = 4_000


def _kept(actual: Any) -> Any:
    """What a mismatch carries along: a run must not grow with the answers in it."""
    if isinstance(actual, str) and len(actual) > _LONGEST_KEPT:
        return f"{actual[:_LONGEST_KEPT]}…"
    return None if actual is ABSENT else actual


def _leaf(name: str, test: Callable[[Any, Any, _Manner], bool]) -> None:
    """A word that is true or false of a value, and says no more than that."""

    def compare(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
        if not test(actual, value, manner):
            yield _wrong(at, actual, {name: value}, phrase({name: value}, manner.unit), manner)

    _WORDS[name] = compare


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any, _Manner], bool]:
    return lambda actual, value, manner: isinstance(actual, str) and test(manner.fold(actual), manner.fold(value))


_leaf("min", lambda actual, value, manner: is_number(actual) and actual >= manner.number(value))
_leaf("max", lambda actual, value, manner: is_number(actual) and actual <= manner.number(value))
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
        yield Mismatch(at, value, _kept(actual), text_difference(actual, value))
    else:
        yield _wrong(at, actual, value, shown(value, manner.unit), manner)


@_word("matches")
def _matches(at: str, actual: Any, value: Any, manner: _Manner, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    flags = re.IGNORECASE if manner.any_case else 0
    if not (isinstance(actual, str) and patterns.search(value, actual, flags)):
        yield _wrong(at, actual, {"matches": value}, phrase({"matches": value}), manner)


@_word("approx")
def _approx(at: str, actual: Any, value: Any, manner: _Manner, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not (is_number(actual) and _near(actual, manner.number(value), words.get("abs"), words.get("rel"))):
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
