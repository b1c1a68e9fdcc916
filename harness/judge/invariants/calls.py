"""Function calls: each is declared, has valid arguments, occurs once, and is signed if the next turn needs that."""

from __future__ import annotations

import json
from collections.abc import Iterator

from harness.gemini import schemas
from harness.gemini.models import generation
from harness.judge.invariants.request_fields import field, has_answer, tools
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch, Severity


@rule("function-declared", "error")
def function_declared(evidence: Evidence) -> Iterator[Mismatch]:
    """Every called function is declared in the request.

    Not checked if the request has functions that are declared elsewhere (cached content, computer use, MCP).
    """
    if evidence.request_body is None or not evidence.reply.function_calls or _has_hidden_functions(evidence):
        return
    declared = schemas.declarations(evidence.request_body)
    for index, call in enumerate(evidence.reply.function_calls):
        if str(call.get("name")) not in declared:
            names = ", ".join(declared) or "none"
            message = f"{call.get('name')!r} is not declared in the request; declared: {names}"
            yield Mismatch(f"functionCalls[{index}].name", list(declared), call.get("name"), message)


def _has_hidden_functions(evidence: Evidence) -> bool:
    elsewhere = any(tools(evidence, kind) for kind in ("computerUse", "mcpServers"))
    return elsewhere or field(evidence.request_body, "cachedContent") is not None


@rule("function-args", "error")
def function_args(evidence: Evidence) -> Iterator[Mismatch]:
    """The arguments of a call match their declaration.

    A missing argument or a wrong type is an error, anything else a warning. In the mode VALIDATED everything is an error.
    """
    if evidence.request_body is None or not evidence.reply.function_calls:
        return
    declared = schemas.declarations(evidence.request_body)
    mode = field(evidence.request_body, "toolConfig", "functionCallingConfig", "mode")
    strict = str(mode).upper() == "VALIDATED"
    for index, call in enumerate(evidence.reply.function_calls):
        schema = declared.get(str(call.get("name")))
        if schema is not None:
            yield from _argument_mismatches(
                schema.schema, call.get("args") or {}, f"functionCalls[{index}].args", strict=strict
            )


def _argument_mismatches(schema: Json, args: Json, at: str, *, strict: bool) -> Iterator[Mismatch]:
    try:
        found = {(violation.path, violation.message): violation for violation in schemas.violations(schema, args)}
        found |= {(violation.path, violation.message): violation for violation in schemas.undeclared(schema, args)}
    except schemas.SchemaProblem:
        return
    for violation in found.values():
        severity: Severity = "error" if strict or violation.keyword in ("required", "type") else "warn"
        place = at + violation.path.removeprefix("$")
        yield Mismatch(place, violation.expected, violation.actual, violation.message, severity)


@rule("function-duplicate", "warn")
def function_duplicate(evidence: Evidence) -> Iterator[Mismatch]:
    """No two calls of an answer are identical."""
    seen: dict[str, int] = {}
    for index, call in enumerate(evidence.reply.function_calls):
        key = json.dumps([call.get("name"), call.get("args")], sort_keys=True)
        if key in seen:
            message = f"the call of {call.get('name')!r} is the same as functionCalls[{seen[key]}]"
            yield Mismatch(f"functionCalls[{index}]", "another call", call, message)
        seen.setdefault(key, index)


@rule("thought-signature", "warn")
def thought_signature(evidence: Evidence) -> Iterator[Mismatch]:
    """In Gemini 3 and later, the first function call has a ``thoughtSignature``. The API rejects the next turn without it."""
    if (generation(evidence.model or "") or (0, 0)) < (3, 0) or not has_answer(evidence):
        return
    calls = (part for part in evidence.reply.parts if isinstance(part.get("functionCall"), dict))
    first = next(calls, None)
    if first is not None and not first.get("thoughtSignature"):
        message = "the first functionCall has no thoughtSignature: the API will reject the next turn"
        yield Mismatch("parts", "a thoughtSignature", None, message)
