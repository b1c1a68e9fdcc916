"""YAML of other tools: plain values in any spelling, and one kind of error for everything else."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness import importers
from harness.errors import BadCassette
from harness.text import safeyaml
from harness.transport import cassette
from tests.factories import URL

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
ITEM = "interactions:\n- request: {method: POST, uri: '%s', body: '{}', headers: {%s}}\n  response: {%s}\n%s"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "its aliases unfold"),
        ("a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 1000 + "]", "its aliases unfold"),
        ("a: &a {k: 1}\n" + "".join(f"{x}: &{x} {{<<: [*{y}, *{y}, *{y}]}}\n" for y, x in zip("abcdefghijklmnopqrs", "bcdefghijklmnopqrst", strict=True)), "its aliases unfold"),
        (BOMB.encode("utf-16"), "its aliases unfold"),
        (b"\xfe\xff" + BOMB.encode("utf-16-be"), "its aliases unfold"),
        ("[&a0 [x, x]" + "".join(f",&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)) + "]", "its aliases unfold"),
        ("a: &a [*a]", "an alias inside the value that it names"),
        ("a: &a {<<: *a}", "an alias inside the value that it names"),
        ("[" * 5000 + "]" * 5000, "nested more than 100 levels deep"),
        ("{a: " * 5000, "nested more than 100 levels deep"),
        ("- " * 5000, "nested more than 100 levels deep"),
        ("1" * 10_000, "a number of more than 1,000 characters"),
        ("0x" + "f" * 10_000, "a number of more than 1,000 characters"),
        (":".join(["1"] * 10_000), "a number of more than 1,000 characters"),
        ("!!int {=: '" + "1" * 10_000 + "'}", "a number of more than 1,000 characters"),
        ("a: \0b", "characters are not allowed"),
        (b"a: \xff\xfe", "not decodable"),
        ("!!int x", "ValueError"),
        ("!!int ''", "IndexError"),
        ("!!bool x", "KeyError"),
        ("!!timestamp x", "AttributeError"),
        ("9999-99-99", "ValueError"),
        ("*nobody", "undefined alias"),
    ],
    ids=lambda value: repr(value[:30]),
)  # fmt: skip
def test_any_invalid_document_raises_yaml_error(text: str | bytes, message: str) -> None:
    with pytest.raises(yaml.YAMLError) as refused:
        safeyaml.load(text)
    assert message in safeyaml.reason(refused.value)


def test_ordinary_anchors_are_read() -> None:
    many = ", ".join(["*base"] * 50)
    text = f"base: &base {{model: a, tags: [b, c]}}\nfirst: *base\nsecond: {{<<: *base, model: d}}\nmore: [{many}]"
    read = safeyaml.load(text)
    assert read["first"] == {"model": "a", "tags": ["b", "c"]}
    assert read["second"] == {"model": "d", "tags": ["b", "c"]}
    assert len(read["more"]) == 50


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    assert safeyaml.load(yaml.safe_dump(value)) == value


@given(st.text(st.sampled_from("&*ab-:[]{}<!, \n\"'|>?1.")))
def test_any_text_is_a_value_or_raises_yaml_error(text: str) -> None:
    with suppress(yaml.YAMLError):
        safeyaml.load(text)


@pytest.mark.parametrize(
    "where",
    [
        ITEM % (URL, "", "status: {code: 200}, body: *a39", ""),
        ITEM % (URL, "", "status: {code: 200}, body: {string: *a39}", ""),
        ITEM % (URL, "", "status: {code: 200}, parsed_body: *a39", ""),
        ITEM % (URL, "", "status: {code: 200}, headers: {a: *a39}", ""),
        ITEM % (URL, "", "status: {code: *a39}", ""),
        ITEM % (URL, "", "status: {code: 200}, x-recording: {from: *a39}", ""),
        ITEM % (URL, "a: *a39", "status: {code: 200}", ""),
        ITEM % (URL, "", "status: {code: 200}", "recorded_with: {a: *a39}"),
    ],
)
def test_a_yaml_bomb_anywhere_in_a_cassette_is_rejected(tmp_path: Path, where: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMB + where)
    for read in (cassette.read, cassette.load, importers.read):
        with pytest.raises(BadCassette, match=r"bomb\.yaml: not decodable .* unfold"):
            read(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!python/object/apply:os.system ['true']", ["true"]),
        ("a: !ruby/object:Set {x: 1}", {"a": {"x": 1}}),
        ("!tape\nname: t", {"name": "t"}),
        ("? !!python/object/new:multidict.istr\n- Content-Type\n: [a]", {"Content-Type": ["a"]}),
        ("? [a, {b: c}]\n: d", {"['a', {'b': 'c'}]": "d"}),
        ("a: !binary aGk=", {"a": b"hi"}),
    ],
)
def test_foreign_tags_are_dropped_and_never_made_objects(text: str, value: object) -> None:
    assert safeyaml.load(text) == value


def test_every_document_of_a_text_is_read() -> None:
    assert safeyaml.load_all("a: 1\n---\n---\nb: 2") == [{"a": 1}, None, {"b": 2}]
    assert safeyaml.load_all("") == []
    with pytest.raises(yaml.YAMLError, match="2 documents, where one is expected"):
        safeyaml.load("a\n---\nb")


def test_the_copy_of_a_data_file_is_read_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "facts.yaml"
    file.write_text("new: true")
    for of, value in (("new: true", "copied"), ("old: true", {"new": True})):
        file.with_suffix(".json").write_text(json.dumps([sha256(of.encode()).hexdigest(), "copied"]))
        assert safeyaml.shipped(file) == value
