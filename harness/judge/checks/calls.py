"""What the model wants to have done: function calls, signatures, code it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from harness.answer.reply import answer_parts
from harness.judge.predicates import NumberPredicate, NumberWords, Predicate, TextPredicate, counting, describe, differs
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch


class _CallName(TypedDict):
    name: Annotated[TextPredicate, "the function"]


class CallWords(_CallName, total=False):
    """One call that is expected."""

    args: Annotated[dict[str, Predicate], "arguments that must be so; others may be there too"]


class CodeWords(NumberWords, total=False):
    """Code that the model ran."""

    language: Annotated[TextPredicate, "such as PYTHON"]
    code: Annotated[TextPredicate, "the source"]


class CodeResultWords(NumberWords, total=False):
    """What came of it."""

    outcome: Annotated[TextPredicate, "such as OUTCOME_OK"]
    output: Annotated[TextPredicate, "what it printed"]


@check("functionCalls")
def function_calls(
    evidence: Evidence, expected: Literal["none"] | NumberPredicate | list[CallWords]
) -> Iterator[Mismatch]:
    """The function calls of the answer: these and no others, in any order; or only how many; or ``none``.

    Arguments that are not named may be anything; a nested object is compared with ``equals`` (whole) or ``fields`` (in part).

        functionCalls: [{name: get_weather, args: {city: Oslo}}]
        functionCalls: [{name: book, args: {guests: {min: 2}, room: {fields: {beds: 1}}}}]
        functionCalls: {min: 1}
        functionCalls: none
    """
    calls = evidence.reply.function_calls
    if isinstance(expected, list):
        yield from _these(calls, expected)
    elif expected == "none":
        yield from (_unexpected(index, call) for index, call in enumerate(calls))
    else:
        yield from differs("functionCalls (count)", len(calls), expected)


def _these(calls: Sequence[Mapping[str, Json]], expected: Sequence[CallWords]) -> Iterator[Mismatch]:
    fits = [[i for i, call in enumerate(calls) if next(_call_differs(i, call, one), None) is None] for one in expected]
    taken = _paired(fits)
    spare = [index for index in range(len(calls)) if index not in taken.values()]
    for position, one in enumerate(expected):
        if position in taken:
            continue
        nearest = next((index for index in spare if calls[index].get("name") == one["name"]), None)
        if nearest is None:
            said = f"expected a call of {describe(one['name'])}, got {_names(calls)}"
            yield Mismatch("functionCalls", dict(one), None, said)
        else:
            spare.remove(nearest)
            yield from _call_differs(nearest, calls[nearest], one)
    yield from (_unexpected(index, calls[index]) for index in spare)


def _paired(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Expected call -> call, each used once, as many as can be (augmenting paths)."""
    owner: dict[int, int] = {}

    def place(one: int, seen: set[int]) -> bool:
        for call in fits[one]:
            if call not in seen:
                seen.add(call)
                if call not in owner or place(owner[call], seen):
                    owner[call] = one
                    return True
        return False

    for one in range(len(fits)):
        place(one, set())
    return {one: call for call, one in owner.items()}


def _call_differs(index: int, call: Mapping[str, Json], expected: CallWords) -> Iterator[Mismatch]:
    at = f"functionCalls[{index}]"
    yield from differs(f"{at}.name", call.get("name"), expected["name"])
    if "args" in expected:
        yield from differs(f"{at}.args", call.get("args", {}), {"fields": expected["args"]})


def _unexpected(index: int, call: Mapping[str, Json]) -> Mismatch:
    said = f"expected no such call, got {call.get('name')} with {describe(call.get('args', {}))}"
    return Mismatch(f"functionCalls[{index}]", None, dict(call), said)


def _names(calls: Sequence[Mapping[str, Json]]) -> str:
    return f"calls of {', '.join(str(call.get('name')) for call in calls)}" if calls else "no function call"


@check("thoughtSignature")
def thought_signature(
    evidence: Evidence, expected: Literal["present", "absent", "on-first-call"]
) -> Iterator[Mismatch]:
    """Whether parts carry a ``thoughtSignature``, which must go back unchanged in the next turn.

    ``present``: some part does; ``on-first-call``: the first function call does, as Gemini 3 needs it; ``absent``: none does.

        thoughtSignature: on-first-call
    """
    parts = (evidence.reply.content or {}).get("parts")
    parts = [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    if expected == "on-first-call":
        first = next((part for part in parts if "functionCall" in part), None)
        if first is None:
            yield Mismatch("thoughtSignature", expected, None, "expected a signed function call, got no function call")
        elif not first.get("thoughtSignature"):
            yield Mismatch(
                "thoughtSignature", expected, None, "expected a signature on the first function call, got none"
            )
    else:
        signed = sum(1 for part in parts if part.get("thoughtSignature"))
        if (signed > 0) != (expected == "present"):
            said = f"expected {'a' if expected == 'present' else 'no'} signed part, got {signed} of {len(parts)}"
            yield Mismatch("thoughtSignature", expected, signed, said)


@check("executableCode")
def executable_code(evidence: Evidence, expected: NumberPredicate | CodeWords) -> Iterator[Mismatch]:
    """Code that the model wrote and ran itself: how many parts, and that one of them is so.

    executableCode: {code: {contains: print}}
    executableCode: 0
    """
    yield from _code_parts(evidence, "executableCode", expected)


@check("codeExecutionResult")
def code_execution_result(evidence: Evidence, expected: NumberPredicate | CodeResultWords) -> Iterator[Mismatch]:
    """What the code printed, and how it ended: how many results, and that one of them is so.

    codeExecutionResult: {outcome: OUTCOME_OK, output: {contains: '5117'}}
    """
    yield from _code_parts(evidence, "codeExecutionResult", expected)


def _code_parts(evidence: Evidence, kind: str, expected: Any) -> Iterator[Mismatch]:
    count, fields = counting(expected, {"min": 1})
    found = [part[kind] for part in answer_parts(evidence.reply.parts) if kind in part]
    yield from differs(f"{kind} (count)", len(found), count)
    if fields and found:
        yield from differs(kind, found, {"some": {"fields": fields}})
