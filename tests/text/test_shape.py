from __future__ import annotations

import sys
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest
from jsonschema import Draft202012Validator

from harness.judge.predicates import NumberPredicate, Predicate, TextPredicate
from harness.text import shape
from harness.text.shape import AtLeast, ForEditors, Later, Named, Offered, ShapeFinding, Spelled


class Tree(TypedDict, total=False):
    """A thing with branches."""

    name: Required[Annotated[str, "what it is called"]]
    kind: Literal["oak", "birch"]
    height: float
    branches: list[Tree]
    ripe: Annotated[str, Spelled(r"\d+%", "a percentage such as 25%")]
    notes: dict[str, int | bool]
    parent: Tree


GOOD = {
    "name": "a",
    "kind": "oak",
    "height": 3,
    "branches": [{"name": "b", "branches": []}],
    "ripe": "25%",
    "notes": {"x": 1, "y": True},
    "parent": {"name": "c"},
}


def test_a_correct_value_has_no_findings() -> None:
    assert shape.findings(GOOD, Tree) == []


def test_every_error_is_found() -> None:
    tree = {"nam": "a", "kind": "aok", "height": True, "branches": [{"name": 1}, 2], "ripe": "x", "notes": {"x": "y"}}
    assert shape.findings(tree, Tree) == [
        ShapeFinding(("nam",), 'unknown key "nam"', 'did you mean "name"?', key=True),
        ShapeFinding(("kind",), 'expected "oak" or "birch", got the text "aok"', 'did you mean "oak"?'),
        ShapeFinding(("height",), "expected a number, got true"),
        ShapeFinding(("branches", 0, "name"), "expected text, got the number 1", 'write "1"'),
        ShapeFinding(
            ("branches", 1),
            "expected a mapping with name, kind, height, branches, ripe, notes, parent, got the number 2",
        ),
        ShapeFinding(("ripe",), 'expected a percentage such as 25%, got the text "x"'),
        ShapeFinding(("notes", "x"), 'expected a whole number or true or false, got the text "y"'),
        ShapeFinding((), 'the key "name" is missing'),
    ]


class Leaf(TypedDict, total=False):
    colour: Annotated[str, Offered("Colour", lambda: dict.fromkeys(("GREEN", "BROWN"), ""))]


def test_a_misspelled_offer_stays_allowed_beside_a_list() -> None:
    leaf = Leaf | list[Leaf]
    assert shape.findings({"colour": "GREEEN"}, leaf) == []
    assert [slip.hint for slip in shape.misspelled({"colour": "GREEEN"}, leaf)] == ['did you mean "GREEN"?']


@pytest.mark.parametrize(("value", "fits"), [(0, True), (0.5, True), (-1, False), (10**400, False), (True, False)])
def test_a_number_may_have_a_minimum(value: float, fits: bool) -> None:
    kind = Annotated[float, AtLeast(0)]
    assert (not shape.findings(value, kind)) == fits
    assert shape.json_schema(kind)["minimum"] == 0


def test_a_template_is_allowed_for_any_value() -> None:
    assert (
        shape.findings({"name": Later("${row.n}"), "height": Later("${row.h}"), "branches": Later("${row.b}")}, Tree)
        == []
    )


def test_the_best_fitting_member_of_a_union_reports() -> None:
    assert [finding.message for finding in shape.findings({"contians": "x"}, TextPredicate)] == [
        'unknown key "contians"'
    ]
    assert [
        finding.path for finding in shape.findings({"any": [{"contains": "x"}, {"contains": 3}]}, TextPredicate)
    ] == [("any", 1, "contains")]


@pytest.mark.parametrize(
    ("written", "kind", "fitted"),
    [
        ("3", NumberPredicate, 3),
        ({"min": "3", "max": "4.5"}, NumberPredicate, {"min": 3, "max": 4.5}),
        ("3", TextPredicate, "3"),
        ({"contains": "3"}, TextPredicate, {"contains": "3"}),
        ("x", NumberPredicate, "x"),
        ({"any": [{"min": "1"}]}, Predicate, {"any": [{"min": 1}]}),
    ],
)
def test_texts_are_converted_to_the_required_numbers(written: Any, kind: Any, fitted: Any) -> None:
    assert shape.fit(written, kind) == fitted


def test_a_type_makes_the_json_schema_for_editors() -> None:
    schema = shape.json_schema(Tree)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(GOOD)
    assert validator.is_valid({"name": "${row.x}", "height": "${row.h}"})
    for wrong in (
        {"nam": "a"},
        {"name": 3},
        {**GOOD, "kind": "aok"},
        {**GOOD, "branches": [{}]},
        {**GOOD, "ripe": "x"},
    ):
        assert not validator.is_valid(wrong)
    assert schema["$defs"][f"{__name__}.Tree"]["properties"]["name"]["description"] == "what it is called"
    assert schema["$defs"][f"{__name__}.Tree"]["description"] == "A thing with branches."


def test_offered_values_do_not_refuse_others() -> None:
    colour = Annotated[TextPredicate, Offered("Colour", lambda: {"red": "as a rose", "blue": ""}, within=("in",))]
    schema = shape.json_schema(colour)
    assert schema["$defs"]["Colour"] == {"enum": ["red", "blue"], "enumDescriptions": ["as a rose", ""]}
    validator = Draft202012Validator(schema)
    assert all(map(validator.is_valid, ("red", "mauve", {"in": ["red", "mauve"]}, {"contains": "e"})))
    assert not any(map(validator.is_valid, (3, {"in": "red"}, {"cotnains": "e"})))
    assert [found.hint for found in shape.findings(3, colour)] == ["write a name: red, blue"]


def test_an_editor_may_know_more_than_the_type() -> None:
    kind = Annotated[
        dict[str, Any], ForEditors(lambda definitions: definitions.setdefault("A", {}) or {"$ref": "#/$defs/A"})
    ]
    assert shape.json_schema(kind)["$ref"] == "#/$defs/A"
    assert shape.findings({"a": 1}, kind) == []


def test_types_with_one_name_stay_apart_in_a_schema() -> None:
    first, second = (TypedDict("Same", {name: int}) for name in "ab")  # type: ignore[operator]
    second.__module__ = "elsewhere"
    both = Annotated[dict[str, Any], Named({"x": first, "y": second}.get, lambda: "xy", "Both", str.upper)]
    validator = Draft202012Validator(shape.json_schema(both))
    assert validator.is_valid({"x": {"a": 1}, "y": {"b": 1}})
    assert not validator.is_valid({"x": {"b": 1}})


def test_a_description_is_also_markdown_where_it_is_more_than_text() -> None:
    schema = shape.json_schema(Annotated[int, "an ``int``\n\n```yaml\n3\n```"])
    assert schema["markdownDescription"] == "an `int`\n\n```yaml\n3\n```"
    assert "markdownDescription" not in shape.json_schema(Annotated[int, "plain"])


def test_similar_words_are_suggested() -> None:
    assert shape.nearest("FINISHREASON", ["finishReason", "text"]) == 'did you mean "finishReason"?'
    assert shape.nearest("zzz", ["a", "b"]) == "known here: a, b"
    assert shape.nearest("zzz", []) == ""


def test_a_known_word_is_found_without_difflib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "difflib", None)
    assert shape.closest("STOP", ["STOPS", "STOP"]) == "STOP"


def test_the_shortest_word_that_begins_alike_is_the_one_that_was_meant() -> None:
    assert shape.suggestion("base_ur", ["base_url", "base_url_from"]) == 'did you mean "base_url"?'
