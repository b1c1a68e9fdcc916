"""Predicates: a literal, or words that must all hold."""

from __future__ import annotations

import math
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.predicates import (
    ABSENT,
    NumberWords,
    Predicate,
    TextWords,
    Words,
    complaints,
    differs,
    holds,
    split_count,
)
from harness.judge.predicates.compare import same
from harness.text import shape

numbers = st.integers() | st.floats()
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(), max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
anything = values | st.just(ABSENT)
types = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
leaves = (
    scalars
    | st.lists(scalars, max_size=3)
    | st.fixed_dictionaries({}, optional={"min": st.integers(-9, 9), "max": st.integers(10, 99)}).filter(bool)
    | st.builds(lambda value: {"equals": value}, values)
    | st.builds(lambda text: {"contains": text, "ignore_case": True, "trim": True}, st.text(max_size=3))
    | st.builds(lambda value: {"in": value}, st.lists(scalars, min_size=1, max_size=3))
    | st.builds(lambda name: {"type": name}, types)
    | st.builds(lambda there: {"present": there}, st.booleans())
    | st.builds(lambda number, near: {"approx": number, "rel": near}, numbers, st.floats(0, 1))
    | st.sampled_from(
        [{"matches": "^a+$"}, {"starts_with": "a"}, {"ends_with": "b"}, {"icontains": "X"}, {"unique": True}]
    )
)
predicates = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda predicate: {"not": predicate}, inner)
        | st.builds(lambda many: {"any": many}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda many: {"all": many}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda predicate: {"each": predicate}, inner)
        | st.builds(lambda predicate: {"some": predicate}, inner)
        | st.builds(lambda predicate: {"fields": {"a": predicate}}, inner)
        | st.builds(lambda most: {"length": {"max": most}}, st.integers(0, 3))
    ),
    max_leaves=6,
)


@given(anything, predicates)
def test_no_json_value_makes_a_good_predicate_raise(value: Any, predicate: Any) -> None:
    assert complaints(predicate) == []
    for mismatch in differs("here", value, predicate):
        assert mismatch.at.startswith("here")
        assert mismatch.message.startswith("expected ")
        assert len(mismatch.message) < 2_000


@given(values)
def test_a_value_equals_itself(value: Any) -> None:
    assert holds(value, {"equals": value})
    assert same(value, value)


@given(values, values)
def test_equality_is_symmetric(left: Any, right: Any) -> None:
    assert same(left, right) == same(right, left)


@given(anything, predicates, predicates)
def test_not_any_and_all_follow_logic(value: Any, first: Any, second: Any) -> None:
    assert holds(value, {"not": first}) != holds(value, first)
    assert holds(value, {"any": [first, second]}) == (holds(value, first) or holds(value, second))
    assert holds(value, {"all": [first, second]}) == (holds(value, first) and holds(value, second))


@given(st.lists(values, max_size=4), predicates)
def test_each_and_some_look_at_items(items: list[Any], predicate: Any) -> None:
    assert holds(items, {"each": predicate}) == all(holds(item, predicate) for item in items)
    assert holds(items, {"some": predicate}) == any(holds(item, predicate) for item in items)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e3), st.floats(-1e3, 1e3))
def test_approx_is_a_distance(number: float, tolerance: float, off: float) -> None:
    assert holds(number + off, {"approx": number, "abs": tolerance}) == (
        abs(number - (number + off)) <= tolerance or number + off == number
    )


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-100, 100))
def test_min_and_max_enclose(value: int, low: int, high: int) -> None:
    assert holds(value, {"min": low, "max": high}) == (low <= value <= high)


@pytest.mark.parametrize(
    ("value", "predicate", "message"),
    [
        ("Bergen", "Oslo", 'expected string "Oslo", got string "Bergen"'),
        (12, {"min": 1, "max": 9}, "expected at most 9, got integer 12"),
        (ABSENT, {"contains": "Oslo"}, 'expected text containing "Oslo", got absent'),
        (None, {"present": False}, "expected absent, got null"),
        ("1", 1, 'expected integer 1, got string "1"'),
        (True, 1, "expected integer 1, got boolean true"),
        (118.5, {"approx": 118.4, "abs": 0.01}, "expected about 118.4 within 0.01, got number 118.5"),
        ([1, 2], {"length": {"min": 3}}, "expected length at least 3, got length 2: array of 2 [1, 2]"),
        ([1, 1], {"unique": True}, "expected no item twice, got array of 2 [1, 1]"),
        ("hi", {"not": {"icontains": "H"}}, 'expected not text containing "H" (any case), got string "hi"'),
        (
            "tea",
            {"any": [{"contains": "coat"}, "hat"]},
            'expected any of: text containing "coat"; string "hat", got string "tea"',
        ),
        ("a", {"in": ["b", "c"]}, 'expected one of ["b", "c"], got string "a"'),
        (3, {"type": ["string", "null"]}, "expected type string or null, got integer 3"),
    ],
)
def test_a_mismatch_states_the_expected_and_the_actual_value(value: Any, predicate: Any, message: str) -> None:
    assert [mismatch.message for mismatch in differs("here", value, predicate)] == [message]


@pytest.mark.parametrize(
    ("value", "predicate"),
    [
        (1, 1.0),
        (math.nan, math.nan),
        ("  191\n", {"equals": "191", "trim": True}),
        ("OSLO", {"equals": "oslo", "ignore_case": True}),
        ("OSLO", {"ignore_case": True, "any": ["oslo", "bergen"]}),
        ("a\nb", {"matches": "^b$|b"}),
        ({"city": "Oslo", "days": 3}, {"fields": {"city": "Oslo"}}),
        (ABSENT, {"any": [{"present": False}, "x"]}),
        (3.0, {"type": "integer"}),
        ([], {"each": {"min": 1}}),
        (2.0000001, {"approx": 2}),
        (10**400, {"min": 1.5}),
    ],
)
def test_holds(value: Any, predicate: Any) -> None:
    assert list(differs("here", value, predicate)) == []


@pytest.mark.parametrize(
    ("value", "predicate"),
    [
        (True, {"min": 0}),
        ("x", {"min": 0}),
        (math.nan, {"min": 0}),
        (10**400, {"approx": 1.5}),
        (None, {"each": 1}),
        (1, True),
    ],
)
def test_does_not_hold(value: Any, predicate: Any) -> None:
    assert not holds(value, predicate)


def test_every_mismatch_has_its_place() -> None:
    predicate = {"fields": {"sku": {"matches": "^A"}, "prices": {"each": {"min": 1}}, "gone": {"present": True}}}
    found = list(differs("$.line", {"sku": "B1", "prices": [0, 5, -1]}, predicate))
    assert [mismatch.at for mismatch in found] == ["$.line.sku", "$.line.prices[0]", "$.line.prices[2]", "$.line.gone"]


def test_long_texts_are_shown_where_they_differ() -> None:
    (found,) = differs("text", "x" * 500 + "1" + "y" * 500, "x" * 500 + "2" + "y" * 500)
    assert "they differ from character 500 on" in found.message
    assert len(found.message) < 250


def test_a_mismatch_does_not_keep_a_very_long_text() -> None:
    (found,) = differs("text", "x" * 1_000_000, {"contains": "y"})
    assert len(found.actual) < 5_000


def test_a_lone_surrogate_can_be_printed() -> None:
    (found,) = differs("text", "\ud800", "x")
    found.message.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "predicate", "unit", "message"),
    [
        (2.4, {"max": "2s"}, "s", "expected at most 2 s, got 2.4 s"),
        (0.1, {"min": "150ms"}, "s", "expected at least 0.15 s, got 0.1 s"),
        (100.0, {"max": "1.5m"}, "s", "expected at most 90 s, got 100 s"),
        (0.4, {"min": "50%"}, "%", "expected at least 50 %, got 40 %"),
        (0.4, {"min": 0.5}, "%", "expected at least 50 %, got 40 %"),
    ],
)
def test_time_spans_and_shares(value: float, predicate: Any, unit: Any, message: str) -> None:
    assert [mismatch.message for mismatch in differs("here", value, predicate, unit=unit)] == [message]


@pytest.mark.parametrize(
    ("predicate", "unit", "complaint"),
    [
        ({}, "", "an empty mapping expects nothing; write a literal, or words such as {min: 1} or {present: true}"),
        ({"min": 1, "contains": "a"}, "", "nothing can satisfy both: min needs a number and contains needs a text"),
        ({"min": 5, "max": 1}, "", "min 5 is more than max 1: nothing can satisfy both"),
        (
            {"matches": "("},
            "",
            "matches: '(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ({"abs": 1}, "", "'abs' goes with 'approx'"),
        ({"any": []}, "", "'any' takes a list of predicates, at least one"),
        ({"fields": {"a": {"min": "x"}}}, "", 'fields.a: min: string "x" is not a number'),
        (
            {"max": "2 sec"},
            "s",
            'max: string "2 sec" is not a time span; write 150ms, 2s, 1.5m, or a number of seconds',
        ),
        ({"max": "50%"}, "s", 'max: string "50%" is not a time span; write 150ms, 2s, 1.5m, or a number of seconds'),
        ({"min": 50}, "%", "min: integer 50 is not a share from 0 to 1; write 50% or 0.5"),
    ],
)
def test_a_bad_predicate_is_rejected(predicate: Any, unit: Any, complaint: str) -> None:
    assert complaints(predicate, unit) == [complaint]


def test_a_number_that_comes_from_a_csv_file_needs_no_unit() -> None:
    assert complaints({"max": "3"}, "s") == complaints({"min": "0.5"}, "%") == []
    assert (holds(2.5, {"max": "3"}, unit="s"), holds(3.5, {"max": "3"}, unit="s")) == (True, False)


@pytest.mark.parametrize(
    ("predicate", "complaint"),
    [
        ({"mni": 1}, 'unknown key "mni"; did you mean "min"?'),
        ({"city": "Oslo"}, 'unknown key "city"'),
        ({"contains": 5}, "expected text, got the number 5"),
        ({"any": 3}, "expected a list in which each item is "),
        ({"present": "yes"}, 'expected true or false, got the text "yes"'),
        ({"each": {"lenght": 3}}, 'unknown key "lenght"; did you mean "length"?'),
    ],
)
def test_an_unknown_word_or_a_wrong_type_is_rejected(predicate: Any, complaint: str) -> None:
    (found,) = shape.findings(predicate, Predicate)
    assert f"{found.message}; {found.hint}".startswith(complaint)


def test_a_value_that_comes_later_is_not_complained_about() -> None:
    later = shape.Later("${capture.total}")
    assert complaints({"approx": later, "abs": 0.1}) == []
    assert complaints({"any": [later, {"matches": later}], "in": later}) == []
    assert complaints({"fields": {"a": {"min": later, "max": 1}}}) == []


def test_narrow_predicate_types_use_words_of_the_wide_one() -> None:
    for narrow in (NumberWords, TextWords):
        assert get_type_hints(narrow).keys() <= get_type_hints(Words).keys()


def test_the_count_is_split_from_the_other_words() -> None:
    assert split_count({"min": 2, "kind": "web"}, 1) == ({"min": 2}, {"kind": "web"})
    assert split_count({"kind": "web"}, {"min": 1}) == ({"min": 1}, {"kind": "web"})
    assert split_count(3, {"min": 1}) == (3, {})
