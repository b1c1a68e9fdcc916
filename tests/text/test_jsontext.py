"""JSON is read as Python's ``json`` reads it, only faster."""

import json

import pytest

from harness.text.jsontext import json_of, loads


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', "[1.0, 1, -0, 1e400]", "NaN", '"\\ud83d"', "12345678901234567890123", ' "ü"\n']
)
def test_a_text_has_the_value_that_python_reads(text: str) -> None:
    assert repr(loads(text)) == repr(loads(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", "01", "[1,]", "1 2", "[" * 300 + "]" * 300, "[" * 100_000])
def test_any_other_text_has_no_value(text: str) -> None:
    assert json_of(text) is None
