"""The answer as JSON, and its violations of the request's schema. Computed once per answer, for all checks and rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from harness.gemini import schemas
from harness.model import Evidence, Json
from harness.text.jsontext import loads, values_in

T = TypeVar("T")
_UNKNOWN: Any = object()


class NotJsonAnswer(ValueError):
    """A text that is not one JSON value. The message says what it is instead, ``reason`` in a word: ``no answer``, ``not JSON``,
    ``fence`` (of Markdown) or ``cut`` (it ends in the middle)."""

    def __init__(self, message: str, reason: str = "not JSON") -> None:
        super().__init__(message)
        self.reason = reason


def once(compute: Callable[[Evidence], T]) -> Callable[[Evidence], T]:
    """The function, which then computes its result once for an answer, and keeps it there."""

    @wraps(compute)
    def kept(evidence: Evidence) -> T:
        found: T = evidence.memo.get(kept, _UNKNOWN)
        if found is _UNKNOWN:
            found = evidence.memo[kept] = compute(evidence)
        return found

    return kept


@once
def wants_json(evidence: Evidence) -> bool:
    """Whether the request asks for JSON."""
    return schemas.json_mode(evidence.request_body)


@once
def wants_enum(evidence: Evidence) -> bool:
    """Whether the request asks for one word (``text/x.enum``)."""
    return schemas.requested_type(evidence.request_body) == "text/x.enum"


def value_of(evidence: Evidence) -> Json:
    """The answer text as one JSON value; for an enum answer (``text/x.enum``) the bare word. Raises NotJsonAnswer.

    Its reason is ``cut`` for every answer that ended at the output limit.
    """
    if wants_enum(evidence):
        return evidence.reply.text.strip()
    found = _attempt(evidence)
    if isinstance(found, NotJsonAnswer):
        if evidence.reply.finish_reason == "MAX_TOKENS":
            found.reason = "cut"
        raise found
    return found


@once
def schema_of(evidence: Evidence) -> schemas.RequestSchema | None:
    """The schema in the request; None without one."""
    return schemas.request_schema(evidence.request_body)


@once
def violations_of(evidence: Evidence) -> list[schemas.SchemaViolation]:
    """Every violation of the request's schema; empty without a schema.

    Raises NotJsonAnswer if the answer is not one JSON value, and SchemaProblem (a ValueError) for an invalid schema.
    """
    schema, value = schema_of(evidence), value_of(evidence)
    return schemas.violations(schema.schema, value) if schema else []


@once
def values_of(evidence: Evidence) -> Sequence[Json]:
    """The answer as one JSON value, and all values in it; none if it is not JSON."""
    found = evidence.reply.text.strip() if wants_enum(evidence) else _attempt(evidence)
    return () if isinstance(found, NotJsonAnswer) else values_in(found)


def as_json(text: str) -> Json:
    """The text as one JSON value; white space around it is allowed. Raises NotJsonAnswer."""
    try:
        return loads(text, parse_constant=_refuse)
    except NotJsonAnswer:
        raise
    except json.JSONDecodeError as problem:
        raise _not_json(text, problem) from None
    except ValueError as problem:  # Python reads no integer of more than 4,300 digits
        raise NotJsonAnswer(_TOO_LONG if "digits" in str(problem) else _TOO_DEEP) from None


_TOO_LONG = "expected one JSON value, got one with a number that is too long to read"
_TOO_DEEP = "expected one JSON value, got one that is nested too deeply to read"


@once
def _attempt(evidence: Evidence) -> Json | NotJsonAnswer:
    try:
        return as_json(evidence.reply.text)
    except NotJsonAnswer as problem:
        return problem


def _refuse(constant: str) -> Json:
    raise NotJsonAnswer(f"expected one JSON value, got {constant}, which is not valid JSON")


def _not_json(text: str, problem: json.JSONDecodeError) -> NotJsonAnswer:
    if not text.strip():
        return NotJsonAnswer("expected one JSON value, got no text", "no answer")
    if text.lstrip().startswith("```"):
        return NotJsonAnswer("expected one JSON value, got a code fence around it", "fence")
    where = f"at character {problem.pos}, near {text[max(0, problem.pos - 20) : problem.pos + 20]!r}"
    if problem.msg == "Extra data":
        return NotJsonAnswer(f"expected one JSON value, got more text after it, {where}")
    reason = "cut" if _ends_in_the_middle(text, problem) else "not JSON"
    return NotJsonAnswer(f"expected one JSON value, got text that is not JSON: {problem.msg} {where}", reason)


_UNFINISHED = r"(t(ru?)?|f(a(ls?)?)?|n(ul?)?|-|\.|[eE][+-]?|u[0-9a-fA-F]{0,4})?"
"""What may be left at the place of the error where a text ends inside a word, a number or an escape."""


def _ends_in_the_middle(text: str, problem: json.JSONDecodeError) -> bool:
    """Whether the text is the beginning of a JSON value."""
    return problem.msg.startswith("Unterminated string") or bool(
        re.fullmatch(_UNFINISHED, text[problem.pos :].rstrip())
    )
