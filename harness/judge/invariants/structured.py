"""JSON answers: one JSON value, valid against the very schema that the request sent, keys in its order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from harness.answer.structured import schema_of, value_of, violations_of
from harness.gemini import schemas
from harness.judge.invariants.request_fields import is_finished, wants_json
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch


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
        try:
            value_of(evidence)
        except ValueError as problem:
            yield Mismatch("text", "one JSON value", evidence.reply.text[:200], str(problem))


@rule("json-schema", "error")
def json_schema(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer is valid against the schema that this request sent."""
    schema = _schema(evidence)
    if schema is not None:
        with suppress(ValueError):
            for each in violations_of(evidence):
                yield Mismatch(each.path, each.expected, each.actual, f"{each.message} ({schema.source})")


@rule("json-order", "warn")
def json_order(evidence: Evidence) -> Iterator[Mismatch]:
    """Keys come in ``propertyOrdering``, where the schema has one."""
    schema = _schema(evidence)
    if schema is not None:
        with suppress(ValueError):
            for each in schemas.order_violations(schema.schema, value_of(evidence)):
                yield Mismatch(each.path, each.expected, each.actual, each.message)


def _schema(evidence: Evidence) -> schemas.RequestSchema | None:
    """The schema that a whole answer is held to. An answer that is no JSON, and a schema that is none, are told elsewhere."""
    asked = wants_json(evidence) or schemas.enum_mode(evidence.request_body)
    return schema_of(evidence) if asked and _judged(evidence) else None
