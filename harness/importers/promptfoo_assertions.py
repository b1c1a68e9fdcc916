"""Assertions of promptfoo -> checks under ``expect:``.

The vocabulary is that of promptfoo's documentation, https://promptfoo.dev/docs/configuration/expected-outputs/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.model import Json

Expect = dict[str, Json]
"""Name of a check -> its value."""


class NotCarried(Exception):
    """This assertion has no counterpart. The message is the reason."""


def convert(assertion: Mapping[str, Any]) -> Expect:
    """The check that says what the assertion says. Raises NotCarried.

    Its ``value`` has our placeholders already, and the content of the file that it names.
    """
    kind = str(assertion.get("type", ""))
    plain = kind.removeprefix("not-")
    make = _KINDS.get(plain)
    if make is None:
        raise NotCarried(f"{kind or 'an assertion without a type'}: {_HINTS.get(plain, 'no check is like it')}")
    found = make(assertion.get("value"), assertion.get("threshold"))
    if kind == plain:
        return found
    if list(found) != ["text"]:
        raise NotCarried(f"{kind}: only checks of the text can be turned round")
    return {"text": {"not": found["text"]}}


def after(code: str, expect: Expect, kind: str) -> Expect:
    """The check of an answer that this code has changed. Raises NotCarried where no word of a check does the same."""
    found = re.fullmatch(_CODE, code.strip())
    if kind in ("latency", "cost", "finish-reason"):
        return expect
    if not found or (found["parse"] and "json" not in expect) or (found["lower"] and "text" not in expect):
        raise NotCarried(f"{kind}: {_TRANSFORMED}")
    words = [word for word, code in (("trim", found["trim"]), ("ignore_case", found["lower"])) if code]
    return {"text": {**expect["text"], **dict.fromkeys(words, True)}} if "text" in expect else expect


_CODE = (
    r"(?:return )?(?:output(?:(?P<trim>\.(?:trim|strip)\(\))|(?P<lower>\.(?:toLowerCase|lower)\(\)))+"
    r"|(?P<parse>JSON\.parse|json\.loads)\(output\));?"
)
_TRANSFORMED = (
    "it judges what code makes of the answer (transform); write `json: {at: {$.name: ...}}`, or a function in Python "
    "(`python: checks.py:NAME`)"
)


def from_text(text: str) -> dict[str, Any]:
    """The assertion that a cell of ``__expected`` states, such as ``contains: Oslo`` or ``similar(0.8): hi``."""
    code = re.match(r"(javascript|fn|eval|python|file://)\s*:?", text)
    if code:
        kind = {"fn": "javascript", "eval": "javascript", "file://": "javascript"}.get(code[1], code[1])
        return {"type": kind, "value": text[code.end() :].strip()}
    stated = re.fullmatch(r"((?:not-)?[a-z]+(?:-[a-z]+)*)(?:\(([\d.]+)\))?(?::\s*(.*))?", text, re.DOTALL)
    if not stated or stated[1].removeprefix("not-") not in {*_KINDS, *_HINTS, "grade"}:
        return {"type": "equals", "value": text}
    kind = "llm-rubric" if stated[1] == "grade" else stated[1]
    made: dict[str, Any] = {"type": kind}
    if stated[2]:
        made["threshold"] = float(stated[2])
    return made | ({"value": stated[3]} if stated[3] else {})


def join(checks: Sequence[Expect]) -> Expect:
    """One ``expect:`` that asks for all of them. Raises NotCarried for two that cannot stand beside each other."""
    joined: Expect = {}
    for check in checks:
        for name, value in check.items():
            joined[name] = _both(name, joined[name], value) if name in joined else value
    return joined


def _both(name: str, one: Json, other: Json) -> Json:
    if one == other:
        return one
    if name == "text":
        if not (one.keys() | {"trim", "ignore_case"}) & other.keys():
            return {**one, **other}
        rest = one["all"] if list(one) == ["all"] else [one]
        return {"all": [*rest, other]}
    if name == "judge":
        least = max(one["min"], other["min"])
        return {"rubric": f"{one['rubric'].rstrip()}\n{other['rubric']}", "min": least}
    if name == "json" and not one.keys() & other.keys():
        return {**one, **other}
    if name in ("latency", "cost"):
        return min(one, other, key=lambda limit: float(str(limit["max"]).removesuffix("ms")))
    raise NotCarried(f"a case has one check `{name}`, and an assertion before this one made it")


def _text(word: str) -> Callable[[Any, Any], Expect]:
    return lambda value, _least: {"text": {word: _string(value)}}


def _several(join_word: str, word: str) -> Callable[[Any, Any], Expect]:
    return lambda value, _least: {"text": {join_word: [{word: item} for item in _items(value)]}}


def _string(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise NotCarried("its value is not a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [part.strip() for part in _string(value).split(",")]
    return [_string(text) for text in texts]


def _equals(value: Any, _least: Any) -> Expect:
    return {"json": {"equals": value}} if isinstance(value, (dict, list)) else {"text": {"equals": _string(value)}}


def _json(value: Any, _least: Any) -> Expect:
    if value is not None and not isinstance(value, dict):
        raise NotCarried("is-json: its value is not a schema")
    return {"json": {"valid": value} if value else {}}


def _most(name: str, unit: str = "") -> Callable[[Any, Any], Expect]:
    def limit(_value: Any, most: Any) -> Expect:
        if not isinstance(most, (int, float)):
            raise NotCarried(f"{name}: it has no threshold")
        return {name: {"max": f"{most:g}{unit}" if unit else most}}

    return limit


def _rubric(value: Any, least: Any) -> Expect:
    # promptfoo scores from 0 to 1 and passes what its grader passes; our judge scores from 1 to 5, and 4 passes
    return {"judge": {"rubric": _string(value), "min": round(1 + 4 * least, 2) if least else 4}}


def _similar(value: Any, least: Any) -> Expect:
    if isinstance(value, list):
        raise NotCarried("similar: one text is compared, not several")
    return {"similar": {"to": _string(value), "min": 0.75 if least is None else least}}


def _finish(value: Any, _least: Any) -> Expect:
    reasons = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_calls": "STOP"}
    if value not in reasons:
        raise NotCarried(f"finish-reason: {value!r} is not a reason of promptfoo")
    return {"finishReason": reasons[value]}


_KINDS: Mapping[str, Callable[[Any, Any], Expect]] = {
    "equals": _equals,
    "contains": _text("contains"),
    "icontains": _text("icontains"),
    "contains-any": _several("any", "contains"),
    "icontains-any": _several("any", "icontains"),
    "contains-all": _several("all", "contains"),
    "icontains-all": _several("all", "icontains"),
    "starts-with": _text("starts_with"),
    "regex": _text("matches"),
    "is-json": _json,
    "latency": _most("latency", "ms"),
    "cost": _most("cost"),
    "llm-rubric": _rubric,
    "model-graded-closedqa": _rubric,
    "similar": _similar,
    "finish-reason": _finish,
}

_PYTHON = "code is not carried over; a function in Python can take its place (`python: checks.py:NAME`)"
_HINTS: Mapping[str, str] = {
    "javascript": _PYTHON,
    "python": _PYTHON,
    "ruby": _PYTHON,
    "webhook": _PYTHON,
    "contains-json": "the check `json` wants the whole text to be JSON; write `json: {}` if that is meant",
    "is-valid-function-call": "write `functionCalls:`, with the calls that you expect",
    "is-valid-openai-tools-call": "write `functionCalls:`, with the calls that you expect",
    "is-refusal": "write `finishReason:`, `blockReason:` or a `judge:`",
    **dict.fromkeys(
        ("factuality", "answer-relevance", "g-eval", "context-faithfulness", "context-recall", "context-relevance"),
        "write a `judge:` with a rubric of your own",
    ),
    **dict.fromkeys(("levenshtein", "rouge-n", "bleu", "gleu", "meteor"), "write `similar:`, or a `python:` check"),
    "word-count": "write `text: {length: ...}`, which counts characters, or a `python:` check",
}


def flat(assertions: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every assertion with its route in the list; those of an ``assert-set`` without a threshold stand for themselves."""
    if assertions is not None and not isinstance(assertions, list):
        yield (), assertions
        return
    for index, assertion in enumerate(assertions or ()):
        inner = isinstance(assertion, Mapping) and assertion.get("type") == "assert-set"
        if inner and "threshold" not in assertion:
            yield from (((index, "assert", *route), one) for route, one in flat(assertion.get("assert")))
        else:
            yield (index,), assertion
