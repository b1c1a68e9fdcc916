"""JSON answers: one JSON value, valid against the schema that the request sent, with keys in its order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from harness.answer import structured
from harness.answer.structured import NotJsonAnswer, schema_of, value_of, violations_of, wants_enum, wants_json
from harness.gemini import schemas
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch
from harness.text.jsontext import compact, fast, json_of, loads, objects_in


def _judged(evidence: Evidence) -> bool:
    """Whether there is a complete text to judge. A call without text is a valid answer; other rules report truncated text."""
    text, calls = evidence.reply.text, evidence.reply.function_calls
    return bool(text.strip() or (text and not calls))


@rule("json-parses", "error", of="finished", per_candidate=True, needs=("responseMimeType", "responseFormat"))
def json_parses(evidence: Evidence) -> Iterator[Mismatch]:
    """In JSON mode the answer is one JSON value, with only white space around it, and without a Markdown fence.
    A client that parses the text fails. A warning if the value is a text that is JSON itself, or has a key twice.

    asked: {"generationConfig": {"responseMimeType": "application/json"}}
    right: {"candidates": [{"content": {"parts": [{"text": "[1, 2]"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Here you go: [1, 2]"}]}}]}
    """
    if wants_json(evidence) and _judged(evidence):
        text = evidence.reply.text[:200]
        try:
            value = value_of(evidence)
        except NotJsonAnswer as problem:
            yield Mismatch("text", "one JSON value", text, str(problem), reason=problem.reason)
            return
        if isinstance(value, str) and isinstance(json_of(value), (dict, list)) and _schema(evidence) is None:
            yield Mismatch("text", "one JSON value", text, "the JSON value is a text that is JSON itself", "warn")
        written, keys = evidence.reply.text.count('":'), sum(map(len, objects_in(structured.values_of(evidence))))
        if written > keys and written > (fast(value) or compact(value)).count(b'":'):
            yield Mismatch("text", "each key once", text, "an object has a key twice: parsers take one of them", "warn")


@rule("json-schema", "error", of="finished", per_candidate=True, needs=("responseMimeType", "responseFormat"))
def json_schema(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer is valid against the schema that the request sent. A warning if it has keys that the schema does not name, or the word
    ``null`` as a text where null itself is allowed.

    asked: {"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY", "items": {"type": "INTEGER"}}}}
    right: {"candidates": [{"content": {"parts": [{"text": "[1, 2]"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "[1, 2.5]"}]}}]}
    """
    schema = _schema(evidence)
    if schema is not None:
        with suppress(ValueError):
            found = violations_of(evidence)
            for violation in found:
                yield violation.mismatch(f"{violation.message} ({schema.at[1]})")
            for extra in () if found else schemas.undeclared(schema.schema, value_of(evidence)):
                yield replace(extra.mismatch(f"{extra.message} ({schema.at[1]})"), severity="warn")
            text = evidence.reply.text
            is_nulled = '"null"' in text and "null" in str(schema.schema)
            if is_nulled and not schemas.violations(schema.schema, loads(text.replace('"null"', "null"))):
                yield Mismatch("text", None, "null", "null is a text, and the schema allows null itself", "warn")


@rule("json-order", "warn", of="finished", per_candidate=True, needs="propertyOrdering")
def json_order(evidence: Evidence) -> Iterator[Mismatch]:
    r"""Keys are in the order of ``propertyOrdering``, if the schema has one.
    A model that writes the result before its reasons does not reason.

    asked: {"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"why": {"type": "INTEGER"}, "sum": {"type": "INTEGER"}}, "propertyOrdering": ["why", "sum"]}}}
    right: {"candidates": [{"content": {"parts": [{"text": "{\"why\": 1, \"sum\": 2}"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "{\"sum\": 2, \"why\": 1}"}]}}]}
    """
    schema = _schema(evidence)
    if schema is not None:
        with suppress(ValueError):
            for violation in schemas.order_violations(schema.schema, value_of(evidence)):
                yield violation.mismatch(violation.message)


def _schema(evidence: Evidence) -> schemas.RequestSchema | None:
    """The schema for a complete answer; None if none was requested. Other rules report invalid JSON and invalid schemas."""
    requested = wants_json(evidence) or wants_enum(evidence)
    return schema_of(evidence) if requested and _judged(evidence) else None
