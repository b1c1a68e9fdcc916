"""Whether a value satisfies a predicate, and each mismatch if it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from harness.judge.predicates.messages import phrase, shown, text_difference
from harness.judge.predicates.predicate_types import Unit, quantity
from harness.model import Json, Mismatch
from harness.text import patterns
from harness.text.describe import ABSENT, Absent, describe, type_name
from harness.text.jsontext import is_number


def differs(at: str, actual: Json | Absent, expected: Any, *, unit: Unit = "") -> Iterator[Mismatch]:
    """Every mismatch between ``actual`` and the predicate ``expected``; nothing if it is satisfied.

    ``at`` is the place of the value, as the mismatches report it (``at[2]``, ``at.city`` for items and fields).
    With ``unit`` the predicate may write numbers such as ``2s`` or ``50%``; ``actual`` is then in seconds, or a share of 1.
    Never raises for any JSON value, as long as ``complaints(expected, unit)`` is empty.
    """
    return _differs(at, actual, expected, _Options(unit=unit))


def holds(actual: Json | Absent, expected: Any, *, unit: Unit = "") -> bool:
    """Whether the value satisfies the predicate."""
    return next(differs("", actual, expected, unit=unit), None) is None


def same(left: Json | Absent, right: Json | Absent) -> bool:
    """JSON equality: numbers by value (1 is 1.0, NaN is NaN), booleans never numbers, keys in any order."""
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if left.keys() != right.keys():
                return False
            pending.extend((left[key], right[key]) for key in left)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif not _same_scalar(left, right):
            return False
    return True


def _same_scalar(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return bool(left == right) or (left != left and right != right)  # noqa: PLR0124  NaN is the same as NaN
    return type(left) is type(right) and bool(left == right)


class _Options(Struct, frozen=True):
    """How the words of a predicate compare. The predicates inside it inherit the options."""

    unit: Unit = ""
    any_case: bool = False

    def fold(self, value: Any) -> Any:
        return value.casefold() if self.any_case and isinstance(value, str) else value

    def number(self, value: Any) -> float:
        return quantity(value, self.unit)


def _differs(at: str, actual: Any, expected: Any, options: _Options) -> Iterator[Mismatch]:
    if not isinstance(expected, Mapping):
        yield from _equals(at, actual, expected, options)
        return
    if expected.get("trim") and isinstance(actual, str):
        actual = actual.strip()
    if expected.get("ignore_case"):
        options = replace(options, any_case=True)
    for word, value in expected.items():
        if word in _WORDS:
            yield from _WORDS[word](at, actual, value, options, expected)


def _is_met(actual: Any, expected: Any, options: _Options) -> bool:
    return next(_differs("", actual, expected, options), None) is None


_Word = Callable[[str, Any, Any, _Options, Mapping[str, Any]], Iterable[Mismatch]]
_WORDS: dict[str, _Word] = {}


def _word(name: str) -> Callable[[_Word], _Word]:
    def register(function: _Word) -> _Word:
        _WORDS[name] = function
        return function

    return register


def _mismatch(at: str, actual: Any, words: Mapping[str, Any], options: _Options, got: str = "") -> Mismatch:
    """The value does not satisfy these words. ``got``: what it is instead; else the value itself."""
    message = f"expected {phrase(words, options.unit)}, got {got or shown(actual, options.unit)}"
    return Mismatch(at, words, _shortened(actual), message)


_MAX_CHARACTERS = 4_000


def _shortened(actual: Any) -> Any:
    """The value as a mismatch keeps it: long texts are cut, so that the size of a run does not depend on its answers."""
    if isinstance(actual, str) and len(actual) > _MAX_CHARACTERS:
        return f"{actual[:_MAX_CHARACTERS]}…"
    return None if actual is ABSENT else actual


def _simple_word(name: str, test: Callable[[Any, Any, _Options], bool]) -> None:
    """Register a word that is true or false for a value. Its mismatch is the standard one."""

    def compare(at: str, actual: Any, value: Any, options: _Options, _: Mapping[str, Any]) -> Iterator[Mismatch]:
        if not test(actual, value, options):
            yield _mismatch(at, actual, {name: value}, options)

    _WORDS[name] = compare


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any, _Options], bool]:
    return lambda actual, value, options: isinstance(actual, str) and test(options.fold(actual), options.fold(value))


_simple_word("min", lambda actual, value, options: is_number(actual) and actual >= options.number(value))
_simple_word("max", lambda actual, value, options: is_number(actual) and actual <= options.number(value))
_simple_word("contains", _text(lambda actual, value: value in actual))
_simple_word("icontains", _text(lambda actual, value: value.casefold() in actual.casefold()))
_simple_word("starts_with", _text(str.startswith))
_simple_word("ends_with", _text(str.endswith))
_simple_word("present", lambda actual, value, _: (actual is not ABSENT) == value)
_simple_word("type", lambda actual, value, _: _has_type(actual, value))
_simple_word("in", lambda actual, value, options: any(same(options.fold(actual), options.fold(item)) for item in value))
_simple_word("not", lambda actual, value, options: not _is_met(actual, value, options))
_simple_word("any", lambda actual, value, options: any(_is_met(actual, predicate, options) for predicate in value))
_simple_word(
    "some",
    lambda actual, value, options: isinstance(actual, list) and any(_is_met(item, value, options) for item in actual),
)
_simple_word(
    "matches",
    lambda actual, value, options: (
        isinstance(actual, str) and patterns.search(value, actual, re.IGNORECASE if options.any_case else 0) is not None
    ),
)
_simple_word("unique", lambda actual, value, _: not value or (isinstance(actual, list) and not _has_duplicate(actual)))


@_word("equals")
def _equals_word(at: str, actual: Any, value: Any, options: _Options, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    value = value.strip() if words.get("trim") and isinstance(value, str) else value
    return _equals(at, actual, options.number(value) if options.unit else value, options)


def _equals(at: str, actual: Any, value: Any, options: _Options) -> Iterator[Mismatch]:
    if same(options.fold(actual), options.fold(value)):
        return
    if isinstance(actual, str) and isinstance(value, str):
        message = text_difference(actual, value)
    else:
        message = f"expected {shown(value, options.unit)}, got {shown(actual, options.unit)}"
    yield Mismatch(at, value, _shortened(actual), message)


@_word("approx")
def _approx(at: str, actual: Any, value: Any, options: _Options, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not (is_number(actual) and _near(actual, options.number(value), words.get("abs"), words.get("rel"))):
        terms = {word: words[word] for word in ("approx", "abs", "rel") if word in words}
        yield _mismatch(at, actual, terms, options)


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


@_word("all")
def _all(at: str, actual: Any, value: Any, options: _Options, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    for predicate in value:
        yield from _differs(at, actual, predicate, options)


@_word("length")
def _length(at: str, actual: Any, value: Any, options: _Options, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    has_length = isinstance(actual, str | list | Mapping)
    if not has_length or not holds(len(actual), value):
        got = f"length {len(actual)}: {describe(actual)}" if has_length else ""
        yield _mismatch(at, actual, {"length": value}, options, got)


@_word("each")
def _each(at: str, actual: Any, value: Any, options: _Options, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(actual, list):
        yield _mismatch(at, actual, {"each": value}, options)
        return
    for index, item in enumerate(actual):
        yield from _differs(f"{at}[{index}]", item, value, options)


@_word("fields")
def _fields(at: str, actual: Any, value: Any, options: _Options, _: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(actual, Mapping):
        yield _mismatch(at, actual, {"fields": value}, options)
        return
    for name, inner in value.items():
        yield from _differs(f"{at}.{name}" if at else name, actual.get(name, ABSENT), inner, options)


def _has_type(actual: Any, wanted: str | Sequence[str]) -> bool:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    found = type_name(actual)
    whole = isinstance(actual, float) and actual.is_integer()
    return found in wanted or ("number" in wanted and found == "integer") or ("integer" in wanted and whole)


def _has_duplicate(items: Sequence[Any]) -> bool:
    return any(same(item, earlier) for at, item in enumerate(items) for earlier in items[:at])
