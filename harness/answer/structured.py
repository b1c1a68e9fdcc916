"""The answer as JSON, and what the schema of its request says of it: worked out once, for every check and rule that asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from harness.gemini import schemas
from harness.model import Evidence, Json
from harness.text.jsontext import is_deeper

T = TypeVar("T")


def value_of(evidence: Evidence) -> Json:
    """The one JSON value that the answer text is; an enum answer (``text/x.enum``) is its bare word. ValueError: what else it is."""
    if schemas.enum_mode(evidence.request_body):
        return evidence.reply.text.strip()
    found = _once(evidence, "value", lambda: _attempt(evidence.reply.text))
    if isinstance(found, ValueError):
        raise found
    return found


def schema_of(evidence: Evidence) -> schemas.RequestSchema | None:
    """The schema that the request sent, if it sent one."""
    return _once(evidence, "schema", lambda: schemas.request_schema(evidence.request_body))


def violations_of(evidence: Evidence) -> list[schemas.SchemaViolation]:
    """Every way in which the answer breaks the request's schema; empty without a schema.

    Raises ValueError where the answer is not one JSON value, SchemaProblem (a ValueError too) for a schema that is none.
    """
    schema, value = schema_of(evidence), value_of(evidence)
    return _once(evidence, "violations", lambda: schemas.violations(schema.schema, value) if schema else [])


def as_json(text: str) -> Json:
    """The one JSON value that a text is, white space around it allowed. ValueError says what else it is."""
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


def _once(evidence: Evidence, name: str, work_out: Callable[[], T]) -> T:
    if name not in evidence.memo:
        evidence.memo[name] = work_out()
    found: T = evidence.memo[name]
    return found


def _attempt(text: str) -> Json | ValueError:
    try:
        return as_json(text)
    except ValueError as problem:
        return problem


def _refuse(constant: str) -> Json:
    raise ValueError(f"expected one JSON value, got {constant}, which JSON does not know")


def _why_not_json(text: str, problem: json.JSONDecodeError) -> str:
    if not text.strip():
        return "expected one JSON value, got no text"
    if text.lstrip().startswith("```"):
        return "expected one JSON value, got a code fence around it"
    where = f"at character {problem.pos}, near {text[max(0, problem.pos - 20) : problem.pos + 20]!r}"
    if problem.msg == "Extra data":
        return f"expected one JSON value, got more text after it, {where}"
    return f"expected one JSON value, got text that is not JSON: {problem.msg} {where}"
