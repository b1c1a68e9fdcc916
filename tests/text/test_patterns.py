"""Regular expressions of suites, schemas and answers have a time limit: a check that takes over a second ends with an error."""

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

LONG = "xabcdefgh" * 22_222 + "xx"
"""200,000 characters, and no loop."""
SLOW = "x.*y.*z"
GENEROUS = 60
"""Seconds. A guard against tests that never end, not a measure of speed."""


@pytest.fixture(autouse=True)
def _in_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(patterns, "TIME_LIMIT", 0.05)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < GENEROUS


def verdicts(expect: dict[str, Any], reply: str = LONG, body: Any = None) -> list[Verdict]:
    count = 1 + len(reply) // 5
    usage = {"promptTokenCount": 5, "candidatesTokenCount": count, "totalTokenCount": count + 5}
    recorded = exchange(answer(reply, usageMetadata=usage), request(body or {}))
    return list(judged(recorded, **expect).verdicts)


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
def test_a_slow_expression_breaks_only_its_check(expect: dict[str, Any], reply: str) -> None:
    broken, *others = verdicts({**expect, "finishReason": "STOP", "http": 200}, reply)
    assert (broken.status, [verdict.status for verdict in others]) == ("error", ["passed", "passed"])
    assert "took over 0.05 s on 200,0" in broken.message
    assert "x.*y.*z" in broken.message
    assert "Traceback" not in broken.message


REPEATED = ["a", "\n", "\\n", "<a", "?", "```", "&l", '{"a":', "1", "** a", "| a ", "é", "\u0301", "x?y=1&", "[1] "]
REPEATED += ["so it is "]


@pytest.mark.parametrize("piece", REPEATED)
def test_no_invariant_takes_long_on_an_answer_that_repeats(piece: str) -> None:
    long = piece * (100_000 // len(piece))
    call = {"name": "f", "args": {"a": long}}
    grounding = {"groundingChunks": [{"web": {"uri": "https://x.y/", "title": long}}], "webSearchQueries": [long]}
    content = {"role": "model", "parts": [{"text": long, "thought": True}, {"text": long}, {"functionCall": call}]}
    candidate = {"content": content, "finishReason": "STOP", "groundingMetadata": grounding}
    reply = {"candidates": [candidate], "usageMetadata": {"candidatesTokenCount": 95}}
    asked = {
        "generationConfig": {"responseMimeType": "application/json", "maxOutputTokens": 100},
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
    }
    found = judged(exchange(reply, request({**asked, "contents": [{"role": "user", "parts": [{"text": long}]}]})))
    assert not [verdict for verdict in found.verdicts if verdict.message.startswith("the rule")]


def test_the_time_limit_is_for_the_whole_check() -> None:
    many = json.dumps([f"{number}{LONG}" for number in range(30)])
    found = verdicts({"json": {"at": {"$[*]": {"not": {"matches": SLOW}}}}}, many)
    assert [verdict.status for verdict in found if verdict.check == "json"] == ["error"]


@pytest.mark.parametrize("schema", [{"pattern": SLOW}, {"items": {"pattern": SLOW}}])
def test_a_slow_schema_of_the_request_breaks_the_invariant(schema: dict[str, Any]) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": {"properties": {"a": schema}}}
    reply = json.dumps({"a": LONG if "pattern" in schema else [LONG]})
    found = verdicts({"json": {"valid": "request"}, "http": 200}, reply, {"generationConfig": config})
    assert [(verdict.check, verdict.status) for verdict in found] == [
        ("json", "error"),
        ("http", "passed"),
        ("invariant:json-schema", "error"),
    ]
    assert all(
        "took over" in verdict.message and "Traceback" not in verdict.message for verdict in (found[0], found[2])
    )


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|ab)*c", "^(a?){40}a{40}$", "((a{1000}){1000}){1000}", "(x+x+)+y"])
@pytest.mark.parametrize("reply", ["a" * 60 + "!", "x" * 60, "ab" * 30])
def test_catastrophic_expressions_are_stopped(pattern: str, reply: str) -> None:
    (verdict,) = verdicts({"text": {"matches": pattern}}, reply)
    assert verdict.status in ("passed", "failed", "error")


@pytest.mark.parametrize("pattern", [r"^(?:\S+\s+){200,300}$", r"^(\w{4}(-\w{2}){3} ){50}"])
def test_an_expression_that_counts_words_is_searched(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "TIME_LIMIT", GENEROUS)
    verdict, *_ = verdicts({"text": {"matches": pattern}}, "abcd-ef-gh-ij " * 250)
    assert verdict.status == "passed"


@pytest.mark.parametrize(
    "pattern", ["(", "x{99999999999999999999}", "(" * 5000 + ")" * 5000, "a" * 20_000, r"\p{L}", "(?<name>x)"]
)
def test_an_expression_that_python_rejects_is_a_complaint(pattern: str) -> None:
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
def test_re_and_regex_find_the_same(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "TIME_LIMIT", 5)
    monkeypatch.setattr(patterns, "_MAX_STEPS", -1)
    for sample in TEXTS:
        slow, found = patterns.search(pattern, sample), re.search(pattern, sample)
        assert (slow and slow.span()) == (found and found.span()), sample


def test_regex_is_imported_only_if_needed() -> None:
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
def test_the_simulator_answers_a_request_with_a_slow_pattern(pattern: str) -> None:
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "pattern": pattern}}, "required": ["a"]}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    assert "a" in json.loads(text(ask(LONG, generationConfig=config)))


def test_a_slow_rule_of_the_simulator_is_stopped(tmp_path: Any) -> None:
    (tmp_path / "rules.yaml").write_text(f'- when: {{text: "{SLOW}"}}\n  answer: {{text: found}}\n')
    (rule,) = rules.load(tmp_path / "rules.yaml")
    assert not rule.finds(LONG)
    assert rule.finds("x, y and z")
