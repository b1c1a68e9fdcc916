"""JSON answers: one JSON value, valid against the very schema that the request sent, keys in its order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from harness import dialect, framing
from harness.checks import rule
from harness.checks.invariants.asked import is_finished, wants_json
from harness.model import Evidence, Json, Mismatch

_WHITE = " \t\r\n"


@lru_cache(maxsize=1)
def _parsed(text: str) -> tuple[Json, str | None]:
    """The JSON value of an answer, and why it is not exactly one; the value is None then."""
    try:
        value, end, complaint = framing.parse(text.strip(_WHITE))
    except framing.NotJson as error:
        fenced = text.lstrip().startswith("```")
        return None, "the JSON is wrapped in a code fence" if fenced else f"the answer is not JSON: {error}"
    rest = text.strip(_WHITE)[end:]
    if rest.strip():
        return None, f"something follows the JSON value: {rest.strip()[:60]!r}"
    return (None, complaint) if complaint else (value, None)


def _judged(evidence: Evidence) -> bool:
    """Whether there is a whole text to judge. A call instead of text is an answer too; cut text is told elsewhere."""
    return (
        is_finished(evidence)
        and bool(evidence.reply.text)
        and not (evidence.reply.function_calls and not evidence.reply.text.strip())
    )


@rule("json-parses", "error")
def json_parses(evidence: Evidence) -> Iterator[Mismatch]:
    """In JSON mode the answer is one JSON value: no fence, nothing around it but white space."""
    if wants_json(evidence) and _judged(evidence):
        _, complaint = _parsed(evidence.reply.text)
        if complaint:
            yield Mismatch("text", "one JSON value", evidence.reply.text[:200], complaint)


@rule("json-schema", "error")
def json_schema(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer is valid against the schema that this request sent."""
    for schema, value in _with_schema(evidence):
        try:
            found = dialect.violations(schema.schema, value)
        except dialect.SchemaProblem:
            return
        for each in found:
            yield Mismatch(each.path, each.expected, each.actual, f"{each.message} ({schema.source})")


@rule("json-order", "warn")
def json_order(evidence: Evidence) -> Iterator[Mismatch]:
    """Keys come in ``propertyOrdering``, where the schema has one."""
    for schema, value in _with_schema(evidence):
        try:
            found = dialect.order_violations(schema.schema, value)
        except dialect.SchemaProblem:
            return
        for each in found:
            yield Mismatch(each.path, each.expected, each.actual, each.message)


def _with_schema(evidence: Evidence) -> Iterator[tuple[dialect.RequestSchema, Json]]:
    schema = dialect.request_schema(evidence.request_body)
    if schema is None or not _judged(evidence):
        return
    if dialect.enum_mode(evidence.request_body):
        yield schema, evidence.reply.text.strip()
    elif wants_json(evidence):
        value, complaint = _parsed(evidence.reply.text)
        if not complaint:
            yield schema, value
