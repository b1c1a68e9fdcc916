"""The answer as JSON, and its violations of the request's schema. Computed once per answer, for all checks and rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from harness.gemini import schemas
from harness.model import Evidence, Json
from harness.text.jsontext import is_deeper

T = TypeVar("T")


def value_of(evidence: Evidence) -> Json:
    """The answer text as one JSON value; for an enum answer (``text/x.enum``) the bare word. Raises ValueError, whose message says
    what the text is instead."""
    if schemas.enum_mode(evidence.request_body):
        return evidence.reply.text.strip()
    found = _once(evidence, "value", lambda: _attempt(evidence.reply.text))
    if isinstance(found, ValueError):
        raise found
    return found


def schema_of(evidence: Evidence) -> schemas.RequestSchema | None:
    """The schema in the request; None without one."""
    return _once(evidence, "schema", lambda: schemas.request_schema(evidence.request_body))


def violations_of(evidence: Evidence) -> list[schemas.SchemaViolation]:
    """Every violation of the request's schema; empty without a schema.

    Raises ValueError if the answer is not one JSON value, and SchemaProblem (a ValueError) for an invalid schema.
    """
    schema, value = schema_of(evidence), value_of(evidence)
    return _once(evidence, "violations", lambda: schemas.violations(schema.schema, value) if schema else [])


def as_json(text: str) -> Json:
    """The text as one JSON value; white space around it is allowed. Raises ValueError, whose message says what the text is instead."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as problem:
        raise ValueError(_why_not_json(text, problem)) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_deeper(value):
        raise ValueError(_TOO_DEEP)
    return value


_TOO_DEEP = "expected one JSON value, got one that is nested too deeply to read"


def _once(evidence: Evidence, name: str, compute: Callable[[], T]) -> T:
    if name not in evidence.memo:
        evidence.memo[name] = compute()
    found: T = evidence.memo[name]
    return found


def _attempt(text: str) -> Json | ValueError:
    try:
        return as_json(text)
    except ValueError as problem:
        return problem


def _refuse(constant: str) -> Json:
    raise ValueError(f"expected one JSON value, got {constant}, which is not valid JSON")


def _why_not_json(text: str, problem: json.JSONDecodeError) -> str:
    if not text.strip():
        return "expected one JSON value, got no text"
    if text.lstrip().startswith("```"):
        return "expected one JSON value, got a code fence around it"
    where = f"at character {problem.pos}, near {text[max(0, problem.pos - 20) : problem.pos + 20]!r}"
    if problem.msg == "Extra data":
        return f"expected one JSON value, got more text after it, {where}"
    return f"expected one JSON value, got text that is not JSON: {problem.msg} {where}"
