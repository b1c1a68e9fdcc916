"""Regular expressions of suites, schemas and answers come to an end: a check that takes over a second is broken, and says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from harness.model import Verdict
from harness.simulator import rules
from harness.text import patterns
from tests.exchanges import answer, exchange, request
from tests.judge.test_judging import judged
from tests.simulator.test_answers import ask, text

LONG = "x" * 200_000
SLOW = "x.*y.*z"
GENEROUS = 60
"""Seconds: not how long it takes, but a guard against what never ends."""


@pytest.fixture(autouse=True)
def _in_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(patterns, "LONGEST", 0.05)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < GENEROUS


def said(expect: dict[str, Any], reply: str = LONG, asked: Any = None) -> list[Verdict]:
    come = exchange(answer(reply), request(asked or {}))
    return list(judged(come, **expect).verdicts)


VALUE = json.dumps({"a": LONG})
NAMED = json.dumps({LONG: 1})
CHECKS = [
    ({"text": {"matches": SLOW}}, LONG),
    ({"text": {"matches": SLOW, "ignore_case": True}}, LONG),
    ({"text": {"not": {"any": [{"matches": "z"}, {"matches": SLOW}]}}}, LONG),
    ({"json": {"at": {"$.a": {"matches": SLOW}}}}, VALUE),
    ({"json": {"at": {"$[?search(@, 'x.*y.*z')]": "x"}}}, VALUE),
    ({"json": {"at": {"$[?match(@, '.*x.*y.*z')]": "x"}}}, VALUE),
    ({"path": {"$..parts[?search(@.text, 'x.*y.*z')]": {"present": False}}}, LONG),
    ({"json": {"valid": {"properties": {"a": {"pattern": SLOW}}}}}, VALUE),
    ({"json": {"valid": {"patternProperties": {SLOW: True}}}}, NAMED),
    ({"json": {"valid": {"propertyNames": {"pattern": SLOW}}}}, NAMED),
    ({"json": {"valid": {"patternProperties": {SLOW: True}, "additionalProperties": False}}}, NAMED),
    ({"json": {"valid": {"allOf": [{"patternProperties": {SLOW: True}}], "unevaluatedProperties": False}}}, NAMED),
    ({"json": {"valid": {"anyOf": [{"properties": {"a": {"not": {"pattern": SLOW}}}}]}}}, VALUE),
]


@pytest.mark.parametrize(("expect", "reply"), CHECKS)
def test_a_slow_expression_breaks_its_check_and_no_other(expect: dict[str, Any], reply: str) -> None:
    broken, *others = said({**expect, "finishReason": "STOP", "http": 200}, reply)
    assert (broken.status, [each.status for each in others]) == ("error", ["passed", "passed"])
    assert "took over 0.05 s on 200,0" in broken.message
    assert "x.*y.*z" in broken.message
    assert "Traceback" not in broken.message


def test_the_seconds_are_those_of_the_whole_check() -> None:
    many = json.dumps([LONG] * 300)
    (broken,) = said({"json": {"at": {"$[*]": {"not": {"matches": SLOW}}}}}, many)
    assert broken.status == "error"


@pytest.mark.parametrize("schema", [{"pattern": SLOW}, {"items": {"pattern": SLOW}}])
def test_a_slow_schema_of_the_request_breaks_the_invariant(schema: dict[str, Any]) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": {"properties": {"a": schema}}}
    reply = json.dumps({"a": LONG if "pattern" in schema else [LONG]})
    found = said({"json": {"valid": "request"}, "http": 200}, reply, {"generationConfig": config})
    assert [(each.check, each.status) for each in found] == [
        ("json", "error"),
        ("http", "passed"),
        ("invariant:json-schema", "error"),
    ]
    assert all("took over" in each.message and "Traceback" not in each.message for each in (found[0], found[2]))


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|ab)*c", "^(a?){40}a{40}$", "((a{1000}){1000}){1000}", "(x+x+)+y"])
@pytest.mark.parametrize("reply", ["a" * 60 + "!", "x" * 60, "ab" * 30])
def test_what_is_famous_for_never_ending_ends(pattern: str, reply: str) -> None:
    (verdict,) = said({"text": {"matches": pattern}}, reply)
    assert verdict.status in ("passed", "failed", "error")


@pytest.mark.parametrize(
    "pattern", ["(", "x{99999999999999999999}", "(" * 5000 + ")" * 5000, "a" * 20_000, r"\p{L}", "(?<name>x)"]
)
def test_what_python_does_not_read_is_no_expression(pattern: str) -> None:
    assert patterns.complaint(pattern)


ALIKE = [
    r"[[:alpha:]]",
    r"[a[b]",
    r"[]a]",
    r"[^]a]",
    r"\[[^]]*\]",
    r"foo{e}",
    r"foo{e<=1}",
    r"a{2}",
    r"a{,2}b",
    r"a{}",
    r"\{a\}",
    r"x{i,d}",
    r"\w+\s\w",
    r"[\w-]+$",
    r"[^\W\d_]+$",
    r"^\W",
    r"(?a)^\w+$",
    r"(?i)STRASSE",
    r"(?P<q>['\"]).*?(?P=q)",
    r"(?x) a  # {e}",
    r"\N{DIGIT ONE}",
    r"a$",
    r"a\Z",
    r"(?s).b",
    r"(?m)^b$",
    r"(?<=a)b(?!c)",
    r"(a)?(?(1)b|c)",
]
TEXTS = [
    "",
    "a",
    "aab",
    "foo{e}",
    "fo",
    "foo",
    ":]",
    "[a]",
    "]",
    "{a}",
    "a{}",
    "strasse",
    "'a'",
    "1",
    "a\n",
    "\nb",
    "हिन्दी",
    "c",
    "x{i,d}",
    "été ",
]


@pytest.mark.parametrize("pattern", ALIKE)
def test_both_ways_of_looking_mean_the_same(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "LONGEST", 5)
    monkeypatch.setattr(patterns, "_FEW", -1)
    for each in TEXTS:
        slow, found = patterns.search(pattern, each), re.search(pattern, each)
        assert (slow and slow.span()) == (found and found.span()), each


def test_regex_is_imported_only_where_it_is_needed() -> None:
    program = """
import sys
from harness.text import patterns
assert patterns.search(r"^[A-Z]{3}-\\d+$", "ABC-1234") and patterns.search("(?i)oslo|bergen", "In Oslo.")
assert "regex" not in sys.modules
patterns.search("^(a+)+$", "a" * 30)
assert "regex" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("pattern", [SLOW, "^(x+x+)+y$", "(x|xx)*y"])
def test_the_simulator_answers_a_request_with_such_a_pattern(pattern: str) -> None:
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "pattern": pattern}}, "required": ["a"]}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    assert "a" in json.loads(text(ask(LONG, generationConfig=config)))


def test_a_rule_of_the_simulator_comes_to_an_end(tmp_path: Any) -> None:
    (tmp_path / "rules.yaml").write_text(f'- when: {{text: "{SLOW}"}}\n  answer: {{text: found}}\n')
    (rule,) = rules.load(tmp_path / "rules.yaml")
    assert not rule.finds(LONG)
    assert rule.finds("x, y and z")
