"""Writes values and predicates in words, short enough for a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.judge.predicates.predicate_types import Unit, quantity
from harness.text.describe import clipped, describe, one_line, quoted
from harness.text.jsontext import is_number

_WIDTH = 120


def shown(value: Any, unit: Unit) -> str:
    """The value in words, as ``describe`` writes it; a number with its unit, if it has one."""
    if unit and is_number(value):
        return _number(value, unit)
    return describe(value)


def _number(value: Any, unit: Unit) -> str:
    amount = quantity(value, unit)
    if unit == "%":
        return f"{amount * 100:.6g} %"
    if unit == "$":
        return f"${amount:.12f}".rstrip("0").rstrip(".")
    return f"{amount:.6g} s" if unit == "s" else one_line(value)


def text_difference(actual: str, value: str) -> str:
    """Both texts around the first character that differs."""
    at = next((i for i, (left, right) in enumerate(zip(actual, value, strict=False)) if left != right), None)
    at = min(len(actual), len(value)) if at is None else at
    if max(len(actual), len(value)) <= _WIDTH // 2:
        return f"expected {describe(value)}, got {describe(actual)}"
    return f"expected string {_around(value, at)}, got {_around(actual, at)}; they differ from character {at} on"


def _around(text: str, at: int) -> str:
    start, end = max(0, at - 20), at + 30
    return ("…" if start else "") + quoted(text[start:end]) + ("…" if end < len(text) else "")


def phrase(expected: Any, unit: Unit = "") -> str:
    """A predicate in words: ``at least 3 and at most 9``, ``text containing "Oslo" (any case)``."""
    if not isinstance(expected, Mapping):
        return shown(expected, unit)
    phrases = [_PHRASES[word](value, unit) for word, value in expected.items() if word in _PHRASES]
    tolerance = [
        f"within {'' if word == 'abs' else 'a share of '}{expected[word]}"
        for word in ("abs", "rel")
        if word in expected
    ]
    tail = (f" {' or '.join(tolerance)}" if tolerance else "") + (" (any case)" if expected.get("ignore_case") else "")
    return " and ".join(phrases) + tail


_PHRASES: dict[str, Callable[[Any, Unit], str]] = {
    "equals": shown,
    "not": lambda value, unit: f"not {phrase(value, unit)}",
    "any": lambda value, unit: "any of: " + "; ".join(phrase(predicate, unit) for predicate in value),
    "all": lambda value, unit: " and ".join(phrase(predicate, unit) for predicate in value),
    "in": lambda value, _: f"one of {clipped(one_line(value))}",
    "present": lambda value, _: "present" if value else "absent",
    "type": lambda value, _: f"type {value if isinstance(value, str) else ' or '.join(value)}",
    "min": lambda value, unit: f"at least {_number(value, unit)}",
    "max": lambda value, unit: f"at most {_number(value, unit)}",
    "approx": lambda value, unit: f"about {_number(value, unit)}",
    "contains": lambda value, _: f"text containing {quoted(value)}",
    "icontains": lambda value, _: f"text containing {quoted(value)} (any case)",
    "starts_with": lambda value, _: f"text starting with {quoted(value)}",
    "ends_with": lambda value, _: f"text ending with {quoted(value)}",
    "matches": lambda value, _: f"text matching /{value}/",
    "length": lambda value, _: f"length {phrase(value).removeprefix('integer ')}",
    "unique": lambda value, _: "no item twice" if value else "any list",
    "each": lambda value, _: f"array in which each item is {phrase(value)}",
    "some": lambda value, _: f"array in which some item is {phrase(value)}",
    "fields": lambda value, _: "object with " + ", ".join(f"{name}: {phrase(item)}" for name, item in value.items()),
}
