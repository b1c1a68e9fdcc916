"""Function calls, thought signatures, and code that the model ran."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from harness.answer.reply import answer_parts, received
from harness.gemini import offers
from harness.judge.predicates import (
    NumberPredicate,
    NumberWords,
    Predicate,
    TextPredicate,
    describe,
    differs,
    split_count,
)
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch


class _CallName(TypedDict):
    name: Annotated[TextPredicate, "the name of the function"]


class CallWords(_CallName, total=False):
    """One expected call."""

    args: Annotated[dict[str, Predicate], "arguments and their expected values; the call may have others"]


class CodeWords(NumberWords, total=False):
    """Code that the model ran."""

    language: Annotated[TextPredicate, offers.expected("ExecutableCode.Language"), "such as PYTHON"]
    code: Annotated[TextPredicate, "the source code"]


class CodeResultWords(NumberWords, total=False):
    """The result of code that the model ran."""

    outcome: Annotated[TextPredicate, offers.expected("CodeExecutionResult.Outcome"), "such as OUTCOME_OK"]
    output: Annotated[TextPredicate, "what the code printed"]


@check("functionCalls")
def function_calls(
    evidence: Evidence, expected: Literal["none"] | NumberPredicate | list[CallWords]
) -> Iterator[Mismatch]:
    """The function calls of the answer.

    A list names every expected call, in any order; no other call may be there. A number is how many calls there are, and
    ``none`` means no call. Arguments that are not named may have any value. Compare a nested object with ``equals`` (the
    whole object) or ``fields`` (some of its keys).

        functionCalls: [{name: get_weather, args: {city: Oslo}}]
        functionCalls: [{name: book, args: {guests: {min: 2}, room: {fields: {beds: 1}}}}]
        functionCalls: {min: 1}
        functionCalls: none
    """
    calls = evidence.reply.function_calls
    if isinstance(expected, list):
        yield from _expected_calls(calls, expected)
    elif expected == "none":
        yield from (_unexpected(index, call) for index, call in enumerate(calls))
    else:
        yield from differs("functionCalls (count)", len(calls), expected)


def _expected_calls(calls: Sequence[Mapping[str, Json]], expected: Sequence[CallWords]) -> Iterator[Mismatch]:
    fits = [
        [i for i, call in enumerate(calls) if next(_call_differs(i, call, want), None) is None] for want in expected
    ]
    matched = _matched(fits)
    unmatched = [index for index in range(len(calls)) if index not in matched.values()]
    for position, want in enumerate(expected):
        if position in matched:
            continue
        nearest = next((index for index in unmatched if calls[index].get("name") == want["name"]), None)
        if nearest is None:
            message = f"expected a call of {describe(want['name'])}, got {_names(calls)}"
            yield Mismatch("functionCalls", dict(want), None, message)
        else:
            unmatched.remove(nearest)
            yield from _call_differs(nearest, calls[nearest], want)
    yield from (_unexpected(index, calls[index]) for index in unmatched)


def _matched(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Index of an expected call -> index of a call that fits it: a maximum matching, found with augmenting paths.

    ``fits`` holds, for each expected call, the indexes of the calls that fit it.
    """
    expected_by_call: dict[int, int] = {}

    def place(expected: int, seen: set[int]) -> bool:
        for call in fits[expected]:
            if call not in seen:
                seen.add(call)
                if call not in expected_by_call or place(expected_by_call[call], seen):
                    expected_by_call[call] = expected
                    return True
        return False

    for expected in range(len(fits)):
        place(expected, set())
    return {expected: call for call, expected in expected_by_call.items()}


def _call_differs(index: int, call: Mapping[str, Json], expected: CallWords) -> Iterator[Mismatch]:
    at = f"functionCalls[{index}]"
    yield from differs(f"{at}.name", call.get("name"), expected["name"])
    if "args" in expected:
        yield from differs(f"{at}.args", call.get("args", {}), {"fields": expected["args"]})


def _unexpected(index: int, call: Mapping[str, Json]) -> Mismatch:
    message = f"expected no such call, got {call.get('name')} with {describe(call.get('args', {}))}"
    return Mismatch(f"functionCalls[{index}]", None, dict(call), message)


def _names(calls: Sequence[Mapping[str, Json]]) -> str:
    return f"calls of {', '.join(str(call.get('name')) for call in calls)}" if calls else "no function call"


@check("thoughtSignature")
def thought_signature(
    evidence: Evidence, expected: Literal["present", "absent", "on-first-call"]
) -> Iterator[Mismatch]:
    """Whether parts of the answer have a ``thoughtSignature``. The next turn must send it back unchanged.

    ``present``: at least one part has one. ``on-first-call``: the first function call has one, as Gemini 3 requires.
    ``absent``: no part has one.

        thoughtSignature: on-first-call
    """
    parts = received(evidence.reply)
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
            message = f"expected {'a' if expected == 'present' else 'no'} signed part, got {signed} of {len(parts)}"
            yield Mismatch("thoughtSignature", expected, signed, message)


@check("executableCode")
def executable_code(evidence: Evidence, expected: NumberPredicate | CodeWords) -> Iterator[Mismatch]:
    """The ``executableCode`` parts: code that the model wrote and ran.

    A number is how many parts there are (at least one, if none is given). At least one part must have the given fields.

        executableCode: {code: {contains: print}}
        executableCode: 0
    """
    yield from _code_parts(evidence, "executableCode", expected)


@check("codeExecutionResult")
def code_execution_result(evidence: Evidence, expected: NumberPredicate | CodeResultWords) -> Iterator[Mismatch]:
    """The ``codeExecutionResult`` parts: how the code ended, and what it printed.

    A number is how many results there are (at least one, if none is given). At least one result must have the given fields.

        codeExecutionResult: {outcome: OUTCOME_OK, output: {contains: '5117'}}
    """
    yield from _code_parts(evidence, "codeExecutionResult", expected)


def _code_parts(evidence: Evidence, kind: str, expected: Any) -> Iterator[Mismatch]:
    count, fields = split_count(expected, {"min": 1})
    found = [part[kind] for part in answer_parts(evidence.reply.parts) if kind in part]
    yield from differs(f"{kind} (count)", len(found), count)
    if fields and found:
        yield from differs(kind, found, {"some": {"fields": fields}})
