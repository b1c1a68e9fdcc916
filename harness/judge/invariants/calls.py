"""Function calls: each is declared, has valid arguments and an id of its own, occurs once, and is signed if need be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from harness.answer.reply import received
from harness.gemini import schemas
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import (
    calling_mode,
    declared,
    generation,
    has_hidden_functions,
    request_parts,
)
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object


@rule("function-declared", "error", per_candidate=True, needs="functionCall")
def function_declared(evidence: Evidence) -> Iterator[Mismatch]:
    """Every called function is declared in the request. A client has no other to call.

    Not checked if the request has functions that are declared elsewhere (cached content, computer use, MCP).

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "forecast", "args": {}}}]}}]}
    """
    if evidence.request_body is None or not evidence.reply.function_calls or has_hidden_functions(evidence):
        return
    known = declared(evidence)
    for index, call in enumerate(evidence.reply.function_calls):
        if str(call.get("name")) not in known:
            names = ", ".join(known) or "none"
            message = f"{call.get('name')!r} is not declared in the request; declared: {names}"
            yield Mismatch(f"functionCalls[{index}].name", list(known), call.get("name"), message)


@rule("function-args", "error", per_candidate=True, needs="functionCall")
def function_args(evidence: Evidence) -> Iterator[Mismatch]:
    """The arguments of a call match their declaration.

    A missing argument or a wrong type is an error, anything else a warning. In the mode VALIDATED everything is an error, else
    arguments for a function without parameters are not judged: models often invent one, and nothing reads it.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}]}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": 7}}}]}}]}
    """
    if evidence.request_body is None or not evidence.reply.function_calls:
        return
    known = declared(evidence)
    strict = calling_mode(evidence) == "VALIDATED"
    for index, call in enumerate(evidence.reply.function_calls):
        schema = known.get(str(call.get("name")))
        if schema is not None and (strict or _has_parameters(schema.schema)):
            yield from _argument_mismatches(
                schema.schema, call.get("args") or {}, f"functionCalls[{index}].args", strict=strict
            )


def _has_parameters(schema: Json) -> bool:
    return not isinstance(schema, dict) or bool(schema.keys() - _NOTHING or schema.get("properties"))


_NOTHING = {"type", "properties", "additionalProperties", "description", "title", "$schema", "required", "nullable"}
"""The keys of a schema without parameters."""


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


@rule("function-duplicate", "warn", per_candidate=True, needs="functionCall")
def function_duplicate(evidence: Evidence) -> Iterator[Mismatch]:
    """No two calls of an answer are identical: an agent would act twice. Not checked for calls without arguments
    (three rolls of a die) or with ids. And none looks up what the turn before looked up, and the request gives, unless a call is due (ANY).

    asked: {"tools": [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}]}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}, {"functionCall": {"name": "weather", "args": {"city": "Rome"}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}, {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]}}]}
    """
    for index, call in enumerate(evidence.reply.function_calls):
        is_lookup = call.get("args") and re.match(_LOOKS_UP, str(call.get("name")))
        if is_lookup and _is_answered(evidence, [call.get("name"), call["args"]]):
            message = f"the call of {call.get('name')!r} was made in the turn before, and the request gives its result"
            yield Mismatch(f"functionCalls[{index}]", "another call, or an answer", call, message)
    seen: dict[str, int] = {}
    for index, call in enumerate(evidence.reply.function_calls):
        key = json.dumps([call.get("name"), call.get("args")], sort_keys=True)
        if not call.get("args") or call.get("id"):
            continue
        if key in seen:
            message = f"the call of {call.get('name')!r} is the same as functionCalls[{seen[key]}]"
            yield Mismatch(f"functionCalls[{index}]", "another call", call, message)
        seen.setdefault(key, index)


def _is_answered(evidence: Evidence, call: list[Json]) -> bool:
    """Whether the last turn of the model made this call, and the request ends with its result, which would be the same the next time."""
    turns = [*map(an_object, items_of(field(evidence.request_body, "contents")))][-2:]
    asked, given = ([*items_of(turn.get("parts"))] for turn in turns) if len(turns) > 1 else ([], [])
    calls = [an_object(field(part, "functionCall")) for part in asked]
    if call not in [[one.get("name"), one.get("args")] for one in calls] or calling_mode(evidence) == "ANY":
        return False
    results = [field(part, "functionResponse") for part in given]
    return all(field(one, "response") is not None and not re.search(_CHANGES, json.dumps(one)) for one in results)


_LOOKS_UP = r"(?i)get|find|search|look|list|read|fetch|query"
"""The name of a function that changes nothing: a die may be rolled, and a robot moved, twice."""
_CHANGES = r"(?i)error|fail|exception|retry|again|invalid|not found|pending|queued|progress|running|wait|timeout|denied|status|random|next"
"""Words of a result, or of its function, after which the same call is right."""


@rule("call-id-unique", "error", of="answer", per_candidate=True, dialect="gemini", needs="functionCall")
def call_id_unique(evidence: Evidence) -> Iterator[Mismatch]:
    """No two calls have the same id. A warning if a call has the id of a call in an earlier turn, or it has none, although other calls
    have one or the model is of Gemini 3 or later, or an empty one.

    The API gives ids since May 2026, when it began to name the service tier in ``usageMetadata``.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}, "id": "a"}}, {"functionCall": {"name": "weather", "args": {}, "id": "b"}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}, "id": "a"}}, {"functionCall": {"name": "weather", "args": {}, "id": "a"}}]}}]}
    """
    calls = evidence.reply.function_calls
    ids = [call.get("id") for call in calls]
    earlier = [field(part, "functionCall", "id") for part in request_parts(evidence)] if any(ids) else []
    for index, found in enumerate(ids):
        if found and found in earlier:
            message = f"the id {found!r} is that of a call in an earlier turn"
            yield Mismatch(f"functionCalls[{index}].id", "another id", found, message, "warn")
        if found and found in ids[:index]:
            message = (
                f"the id {found!r} is that of functionCalls[{ids.index(found)}]: their results cannot be told apart"
            )
            yield Mismatch(f"functionCalls[{index}].id", "another id", found, message)
    if not all(ids) and (any(ids) or "" in ids or _gives_ids(evidence)):
        index = next(index for index, found in enumerate(ids) if not found)
        message = f"the call of {calls[index].get('name')!r} has no id"
        yield Mismatch(f"functionCalls[{index}].id", "an id", None, message, "warn")


def _gives_ids(evidence: Evidence) -> bool:
    """Whether the API gives ids in such an answer. Vertex AI gives none, and neither has a call that comes in pieces."""
    reply = evidence.reply
    parts = received(reply)
    in_pieces = any("partialArgs" in an_object(part.get("functionCall")) for part in parts)
    vertex = "createTime" in reply.response or "trafficType" in reply.usage
    new = "serviceTier" in reply.usage or generation(evidence) >= (3, 5)
    steps = (an_object(part.get(kind)) for part in parts for kind in ("toolCall", "toolResponse"))
    if any(step.get("id") for step in steps):
        return True  # calls of built-in tools have ids in the same answer
    return generation(evidence) >= (3, 0) and new and not vertex and not in_pieces


@rule("call-complete", "error", of="finished", per_candidate=True, needs="functionCall")
def call_complete(evidence: Evidence) -> Iterator[Mismatch]:
    """A call whose arguments come in pieces ends before the answer does: its last piece has no ``willContinue``.
    Otherwise arguments are lost.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}]}
    right: [
      {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "partialArgs": [{"jsonPath": "$.city", "stringValue": "Oslo"}], "willContinue": true}}]}}]},
      {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}
    ]
    wrong: [
      {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "partialArgs": [{"jsonPath": "$.city", "stringValue": "Oslo"}], "willContinue": true}}]}}]},
      {"candidates": [{"content": {"parts": null}}]}
    ]
    """
    pieces = [call for part in received(evidence.reply) if isinstance(call := part.get("functionCall"), dict)]
    number, name = -1, ""
    for piece, after in pairwise([*pieces, {"name": "none"}]):
        number, name = (number + 1, piece["name"]) if piece.get("name") else (number, name)
        if piece.get("willContinue") and after.get("name"):
            message = f"the call of {name!r} is incomplete: its last piece has willContinue"
            yield Mismatch(f"functionCalls[{max(number, 0)}]", "the rest", piece, message)


@rule("thought-signature", "warn", of="answer", per_candidate=True, needs=("functionCall", "thoughtSignature"))
def thought_signature(evidence: Evidence) -> Iterator[Mismatch]:
    """In Gemini 3 and later, or if another has one, the first function call has a ``thoughtSignature``. The API rejects the next turn without it.
    And no two parts have the same one, nor one of an earlier turn: a signature is of one part. Nor is it the text that clients send in the place of a lost one.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
    right: {"modelVersion": "gemini-3-pro-preview", "candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "c2ln"}]}}]}
    wrong: {"modelVersion": "gemini-3-pro-preview", "candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}}}]}}]}
    """
    signatures = [part.get("thoughtSignature") for part in evidence.reply.parts]
    earlier = [field(part, "thoughtSignature") for part in request_parts(evidence)] if any(signatures) else []
    for index, found in enumerate(signatures):
        if found in ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go"):
            message = f"the thoughtSignature of parts[{index}] is a stand-in: the real one was lost"
            yield Mismatch(f"parts[{index}].thoughtSignature", "a signature", found, message)
            break
        if isinstance(found, str) and len(found) >= 40 and found in (*signatures[:index], *earlier):
            owner = "an earlier turn" if found in earlier else f"parts[{signatures.index(found)}]"
            message = f"parts[{index}] has the thoughtSignature of {owner}: it was copied"
            yield Mismatch(f"parts[{index}].thoughtSignature", "one of its own", found[:40], message)
            break
    calls = [
        part.get("thoughtSignature") for part in evidence.reply.parts if isinstance(part.get("functionCall"), dict)
    ]
    if calls and not calls[0] and (any(calls) or generation(evidence) >= (3, 0)):
        message = "the first functionCall has no thoughtSignature: the API will reject the next turn"
        yield Mismatch("parts", "a thoughtSignature", None, message)
