from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.text.yamltext import read


def value(text: str) -> Any:
    document = read(text, "a.yaml")
    assert not document.complaints, "\n".join(map(str, document.complaints))
    return document.value


def complaint(text: str) -> str:
    (only,) = read(text, "a.yaml").complaints
    return str(only)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("12:30:45", "12:30:45"),
        ("2026-01-02", "2026-01-02"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("0", 0),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("e3", "e3"),
        ("+", "+"),
        (".", "."),
        ("null", None),
        ("~", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("2s", "2s"),
        ("${row.x}", "${row.x}"),
    ],
)
def test_the_value_of_a_plain_scalar(written: str, meant: object) -> None:
    found = value(f"a: {written}")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_text() -> None:
    assert value("404: a\ntrue: b\n~: c") == {"404": "a", "true": "b", "~": "c"}


def test_every_key_and_value_has_a_place() -> None:
    document = read("a: 1\nb:\n  - x\n  - {c: é, d: 2}\n", "a.yaml")
    assert str(document.place(("b", 1, "d"))) == "a.yaml:4:15"
    assert str(document.place(("b", 1, "d"), key=True)) == "a.yaml:4:12"
    assert str(document.place(("b", 0))) == "a.yaml:3:5"
    assert str(document.place(("b", 7, "x"))) == "a.yaml:3:3"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3", "a.yaml:3:1", 'the key "a" occurs twice; the first is in line 1'),
        ("a: !!binary eA==", "a.yaml:1:4", "tags such as !!binary are not supported"),
        ("a: !python/name:os.system x", "a.yaml:1:4", "tags such as !python/name:os.system"),
        ("x: &x {a: 1}\ny:\n  <<: *x", "a.yaml:3:3", "merge keys are not supported"),
        ("a: 1\n---\nb: 2", "a.yaml:2:1", "one file holds one suite"),
        ("a:\n\tb: 1", "a.yaml:2:1", "indent with spaces"),
        ("a: {{ x }}", "a.yaml:1:5", "a key must be text"),
        ("a: @x", "a.yaml:1:4", "must be quoted"),
        ("a: >= 2", "a.yaml:1:5", "{min: 2}"),
        ('a: "open', "a.yaml:1:9", "never closed"),
        ("a: [1, 2\nb: 3", "a.yaml:2:2", "is a bracket open"),
        ("a: b: c", "a.yaml:1:5", "must be quoted"),
        ("a: *x", "a.yaml:1:4", "must be quoted"),
        ("a: \x07", "a.yaml:1:4", "U+0007"),
        ("a: \ud800", "a.yaml:1:4", "U+D800"),
        ("&a [*a]", "a.yaml:1:1", "an alias inside the value that it names"),
        ("[" * 100_000, "a.yaml:1:100", "nested more than 100 levels deep"),
        ("- " * 100_000, "a.yaml:1:199", "nested more than 100 levels deep"),
    ],
)
def test_what_is_rejected(text: str, place: str, words: str) -> None:
    message = complaint(text)
    assert message.startswith(f"{place}: ")
    assert words in message
    assert len(message) < 600


def test_a_bomb_of_aliases_is_rejected() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "with every alias written out" in complaint("\n".join(rows))


def test_a_long_text_counts_for_each_of_its_aliases() -> None:
    many = ", ".join(["*long"] * 600)
    assert "with every alias written out" in complaint(f"long: &long {'x' * 100_000}\nmany: [{many}]")
    assert read(f"long: &long {'x' * 100_000}\ntwice: [*long, *long]", "a.yaml").complaints == []


def test_a_complaint_shows_the_line_and_a_caret() -> None:
    assert complaint("first: 1\nsecond: @x\n").split("\n")[1:3] == ["  2 | second: @x", "    |         ^"]


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert value("\ufeffa: |\r\n  x\r\nb: 1\r\n") == {"a": "x\n", "b": 1}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", min_codepoint=97, max_codepoint=122), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_json_keeps_its_values(tree: object) -> None:
    assert value(json.dumps({"a": tree}, ensure_ascii=False)) == {"a": tree}


@given(st.text(alphabet="ab:-[]{}#&*|>'\"%@` \n\t,?~0.é$", max_size=40))
def test_no_text_raises_and_both_parsers_agree(text: str) -> None:
    fast = read(text, "a.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        plain = read(text, "a.yaml")
    if not fast.complaints and not plain.complaints:
        assert fast.value == plain.value
