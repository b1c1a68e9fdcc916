"""Function calls: declared, with arguments that fit, once each, and signed where the next turn needs it."""

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
    """Every called function is declared in the request. Tools that live elsewhere (cached, computer use, MCP) are not judged."""
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
    """Arguments fit their declaration. Missing and wrongly typed ones are errors, and all else under VALIDATED; extra ones warn."""
    if evidence.request_body is None or not evidence.reply.function_calls:
        return
    declared = schemas.declarations(evidence.request_body)
    mode = field(evidence.request_body, "toolConfig", "functionCallingConfig", "mode")
    strict = str(mode).upper() == "VALIDATED"
    for index, call in enumerate(evidence.reply.function_calls):
        schema = declared.get(str(call.get("name")))
        if schema is not None:
            yield from _misfits(schema.schema, call.get("args") or {}, f"functionCalls[{index}].args", strict=strict)


def _misfits(schema: Json, args: Json, at: str, *, strict: bool) -> Iterator[Mismatch]:
    try:
        found = {(each.path, each.message): each for each in schemas.violations(schema, args)}
        found |= {(each.path, each.message): each for each in schemas.undeclared(schema, args)}
    except schemas.SchemaProblem:
        return
    for each in found.values():
        severity: Severity = "error" if strict or each.keyword in ("required", "type") else "warn"
        yield Mismatch(at + each.path.removeprefix("$"), each.expected, each.actual, each.message, severity)


@rule("function-duplicate", "warn")
def function_duplicate(evidence: Evidence) -> Iterator[Mismatch]:
    """No two identical calls in one answer."""
    seen: dict[str, int] = {}
    for index, call in enumerate(evidence.reply.function_calls):
        key = json.dumps([call.get("name"), call.get("args")], sort_keys=True)
        if key in seen:
            message = f"the call of {call.get('name')!r} is the same as functionCalls[{seen[key]}]"
            yield Mismatch(f"functionCalls[{index}]", "another call", call, message)
        seen.setdefault(key, index)


@rule("thought-signature", "warn")
def thought_signature(evidence: Evidence) -> Iterator[Mismatch]:
    """Gemini 3 and later: the first function call carries a ``thoughtSignature``; without it the next turn is refused."""
    if (generation(evidence.model or "") or (0, 0)) < (3, 0) or not has_answer(evidence):
        return
    calls = (part for part in evidence.reply.parts if isinstance(part.get("functionCall"), dict))
    first = next(calls, None)
    if first is not None and not first.get("thoughtSignature"):
        message = "the first functionCall has no thoughtSignature: the next turn will be refused"
        yield Mismatch("parts", "a thoughtSignature", None, message)
