"""How the JSON of an answer is written: each key once, enums as names, absent fields left out. Programs that write it again break this."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from harness.judge.invariants.envelope import NULL_WORDS
from harness.judge.invariants.request_fields import knows_query
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import an_object, compact, fast

_KEYS = ("candidates", "content", "parts", "text", "role", "finishReason", "index", "functionCall", "args", "usageMetadata")  # fmt: skip
_LONGEST = 1_000_000
"""Bytes. Longer answers are not written a second time to count their keys."""
_COLON = b'":'
"""Where there are as many as in the value, no key was lost when the answer was read."""


@rule("duplicate-key", "error", of="answer", of_bytes=True, dialect="gemini")
def duplicate_key(evidence: Evidence) -> Iterator[Mismatch]:
    """No object has a key twice. Some parsers take the first value, others the last.

    right: ["{\\"candidates\\": [{\\"content\\": {\\"parts\\": [{\\"text\\": \\"Os\\"}]}}]}", {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]}]
    wrong: ["{\\"candidates\\": [{\\"content\\": {\\"parts\\": [{\\"text\\": \\"Os\\", \\"text\\": \\"\\"}]}}]}", {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]}]
    """
    content, reply = evidence.exchange.content, evidence.reply
    if len(content) > _LONGEST or reply.faults:
        return
    values = [event.value for event in reply.events]
    written = fast(values) or compact(values)  # how a number is written does not count
    if content.count(_COLON) == written.count(_COLON):
        return
    twice = next((key for key in _KEYS if content.count(quoted := f'"{key}"'.encode()) > written.count(quoted)), None)
    if twice:
        yield Mismatch(
            "body",
            "each key once",
            twice,
            f"an object has the key {twice!r} twice: some parsers take the last, others the first",
        )


_ENUM = rb'"(finishReason|blockReason|category|probability|modality)"\s*:\s*'
_NUMBERED = re.compile(_ENUM + rb"\d")


@rule("enum-number", "error", of="answer", dialect="gemini")
def enum_number(evidence: Evidence) -> Iterator[Mismatch]:
    """Enums are names, unless the address asks for numbers (``$alt=json;enum-encoding=int``), and then all of them are numbers.
    A client that compares ``finishReason`` with ``STOP`` finds no end.

    right: {"candidates": [{"finishReason": "STOP"}]}
    wrong: {"candidates": [{"finishReason": 1}], "usageMetadata": {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}}
    """
    content = evidence.exchange.content
    found = _NUMBERED.search(content)
    if found is None or "enum-encoding" in evidence.exchange.request.url:
        return
    if re.search(_ENUM + rb'"', content) or knows_query(evidence) or evidence.exchange.verbatim:
        name = found[1].decode()
        message = f"{name} is a number, but the request does not ask for numbers"
        yield Mismatch(name, "a name", found[0].decode(), message)


_FEW = 3
_NO_TEXT = (b"null", b'_UNSPECIFIED"')
_ABSENT = (*_NO_TEXT, b"[]", b'""')
_MISSING = rf'{"|".join(map(re.escape, NULL_WORDS))}|(?!20[1-4])\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:[^"]*'
_WORD, _ALONE = re.compile(rf':\s*"(?:{_MISSING})"'.encode()), re.compile(_MISSING)
_QUERIES = ("webSearchQueries", "imageSearchQueries", "retrievalQueries")
_FREE = frozenset(("args", "partialArgs", "response", "text", "data", "code", "output", "license", "title", "token", "stringValue", "displayName", "details", *_QUERIES))  # fmt: skip
"""Keys whose values the model writes, or a program for it, or the author of a page or file."""


@rule("null-field", "warn", any_call=True, dialect="gemini")
def null_field(evidence: Evidence) -> Iterator[Mismatch]:
    """An absent field is left out. The API never writes null, an empty list, an empty text outside of ``text``, or the name of an enum for no value
    (``FINISH_REASON_UNSPECIFIED``): something on the way read the answer and wrote it again. Typed clients may refuse it.
    Not checked where a recorder may have done so: in its files an event has several such fields.

    right: {"body": {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}, "modelVersion": "gemini-2.5-flash"}}
    wrong: {"body": {"candidates": [{"content": {"parts": [{"text": "Oslo", "thought": null}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}, "modelVersion": "gemini-2.5-flash"}}
    """
    content = evidence.exchange.content
    signs = _ABSENT if evidence.exchange.verbatim else _NO_TEXT
    if any(sign in content for sign in signs) and (found := _first(evidence, _is_absent)):
        at, value = found
        event = an_object(evidence.reply.events[0].value)
        if not evidence.exchange.verbatim and (
            "candidates" not in event or len([*_within(event, "$", _is_absent)]) > _FEW
        ):
            return
        what = "null" if value is None else value or "empty"
        yield Mismatch(at, "nothing", value, f"{at} is {what}: the API leaves an absent field out")


def _is_absent(value: Json) -> bool:
    return value is None or value == [] or (isinstance(value, str) and (not value or value.endswith("_UNSPECIFIED")))


@rule("null-word", "error", of="answer", dialect="gemini")
def null_word(evidence: Evidence) -> Iterator[Mismatch]:
    """No field holds the word ``null``, ``None`` or ``undefined``, or a year before 2010 or after 2049: a program wrote the text of a missing value.
    An id or a signature that is sent back so is refused.

    right: {"responseId": "aBcD"}
    wrong: {"responseId": "null"}
    """
    is_word = _WORD.search(evidence.exchange.content)
    if is_word and (found := _first(evidence, lambda value: _ALONE.fullmatch(str(value or "")))):
        at, word = found
        yield Mismatch(at, "a value", word, f"{at} is the text {word!r}: a program wrote a missing value")


def _first(evidence: Evidence, is_wanted: Callable[[Json], object]) -> tuple[str, Json] | None:
    """Place and value of the first such value, outside what the model writes."""
    values = (event.value for event in evidence.reply.events if isinstance(event.value, dict))
    return next((found for value in values for found in _within(value, "$", is_wanted)), None)


def _within(value: Json, at: str, is_wanted: Callable[[Json], object]) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if (key not in _FREE and (item or key != "safetyRatings")) or item is None:
                yield from _within(item, f"{at}.{key}", is_wanted)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _within(item, f"{at}[{index}]", is_wanted)
    elif is_wanted(value):
        yield at, value
