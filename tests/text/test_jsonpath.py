"""JSONPath: simple paths are evaluated without the library, and must give the same results."""

from __future__ import annotations

from typing import Any

import jsonpath_rfc9535
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.jsonpath import complaint, find, hint, place

DOCUMENT = {"a": {"b": [1, {"c": 2}, 3]}, "unit price": 4, "a.b": 5}
names = st.sampled_from(["a", "b", "c", "unit", "é"])
documents = st.recursive(
    st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=10
)
plain_steps = st.lists(st.sampled_from([".a", ".b", ".c", "[0]", "[1]", "[-1]", "[-3]"]), max_size=4).map("".join)


@given(documents, plain_steps)
def test_simple_paths_agree_with_the_library(document: Any, steps: str) -> None:
    expected = [node.value for node in jsonpath_rfc9535.find(f"${steps}", document)]
    assert [value for _, value in find(f"${steps}", document)] == expected


@given(documents, st.sampled_from(["$.*", "$..a", "$[*].b", "$..[0]", "$", "$.a", "$[-1]"]))
def test_a_place_is_a_path_that_finds_its_value(document: Any, path: str) -> None:
    for at, value in find(path, document):
        assert find(at, document) == [(at, value)]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [("$", DOCUMENT)]),
        ("$.a.b[0]", [("$.a.b[0]", 1)]),
        ("$.a.b[-1]", [("$.a.b[2]", 3)]),
        ("$.a.b[*].c", [("$.a.b[1].c", 2)]),
        ("$['unit price']", [("$['unit price']", 4)]),
        ("$['a.b']", [("$['a.b']", 5)]),
        ("$.a.b[9]", []),
        ("$.a.b.c", []),
    ],
)
def test_find(path: str, found: list[tuple[str, Any]]) -> None:
    assert find(path, DOCUMENT) == found


def test_a_place_quotes_what_needs_quotes() -> None:
    assert place(["a", 0, "unit price", "it's"]) == "$.a[0]['unit price']['it\\'s']"


@pytest.mark.parametrize("path", ["a.b", "$.a[", "$.a b", ""])
def test_an_invalid_path_is_rejected(path: str) -> None:
    assert complaint(path) is not None
    with pytest.raises(ValueError, match="is not a JSONPath"):
        find(path, DOCUMENT)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("$.usage_metadata.totalTokens[0]", "; did you mean $.usageMetadata.totalToken[0]?"),
        ("$.a.b[1].d", ""),
        ("$.a.bb[7]", ""),
        ("$.t.x", ""),
        ("$.a..c", ""),
    ],
)
def test_a_path_that_finds_nothing_shows_the_near_one_that_does(path: str, near: str) -> None:
    assert hint(path, {"usageMetadata": {"totalToken": [1]}, "a": {"b": [1, {"c": 2}, 3]}, "t": 4}) == near
