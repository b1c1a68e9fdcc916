"""Schemas in Gemini requests, read as JSON Schema 2020-12. ``jsonschema`` validates; it is imported when first used.

In: a request, or a schema in either dialect, and a value. Out: the schema as JSON Schema, and every violation of it.
May import: ``text``.

Requests have schemas in two dialects, often mixed: Google's own (``STRING``, ``nullable``,
``propertyOrdering``, ``minItems: "2"``) and JSON Schema. Both are read by the same rules, so the spelling never decides
whether an answer is valid. ``oneOf`` counts as ``anyOf``, as the API documents. Only the formats that the API promises are
checked: date-time, date, time, int32, int64. A ``$ref`` is never fetched from another document.
"""

from __future__ import annotations

from harness.gemini.schemas.judging import SchemaViolation, check_schema, undeclared, violations
from harness.gemini.schemas.order import key_order, order_violations
from harness.gemini.schemas.request_schema import RequestSchema, declarations, json_mode, request_schema, requested_type
from harness.gemini.schemas.spelling import SchemaProblem, to_json_schema

__all__ = [
    "RequestSchema",
    "SchemaProblem",
    "SchemaViolation",
    "check_schema",
    "declarations",
    "json_mode",
    "key_order",
    "order_violations",
    "request_schema",
    "requested_type",
    "to_json_schema",
    "undeclared",
    "violations",
]
