"""The keys of a suite as Python types. ``shape`` validates suites with them, and makes the JSON Schema for editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Required, TypedDict, get_type_hints

from harness.judge.registry import all_checks, all_rules, find_check
from harness.text import shape
from harness.text.shape import AtLeast, Deferred, Named, Spelled, TypeLabel

REQUEST_KNOWN = "request-known"
"""A case waives this if its literal request has fields that are newer than the published definition."""

Level = Literal["minimal", "low", "medium", "high", "xhigh", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]


class LongThinking(TypedDict, total=False):
    """A level or a budget, and whether thought summaries come back."""

    level: Annotated[Level, "thinkingLevel"]
    budget: Annotated[int, "thinkingBudget, in tokens; 0 is off and -1 dynamic where the model allows it"]
    includeThoughts: Annotated[bool, "whether to request thought summaries"]


ThinkingValue = Level | int | LongThinking
Thinking = Annotated[
    ThinkingValue | list[ThinkingValue] | dict[str, ThinkingValue | list[ThinkingValue]],
    TypeLabel(
        "a level (minimal, low, medium, high, xhigh), a budget in tokens, {level, budget, includeThoughts}, or a list of these"
    ),
    "a level name sends thinkingLevel, an integer thinkingBudget; a list sweeps; a mapping has a value per model (globs)",
]
Transport = Literal["unary", "stream"]
Numbers = Annotated[float | list[float] | dict[str, float | list[float]], TypeLabel("a number, or a list of numbers")]
Integers = Annotated[int | list[int] | dict[str, int | list[int]], TypeLabel("a whole number, or a list of them")]
Booleans = bool | list[bool]
Names = str | list[str]
Percent = Annotated[str, Spelled(r"\d{1,9}(\.\d+)?%", "a percentage such as 25%")]
Points = Annotated[str, Spelled(r"\d{1,9}(\.\d+)?pp", "percentage points such as 2pp")]


Share = Annotated[str, Spelled(r"(100(\.0+)?|\d{1,2}(\.\d+)?)%", "a percentage up to 100%")]
Confidence = Annotated[
    str, Spelled(r"(50\.\d*[1-9]\d*|(5[1-9]|[6-9]\d)(\.\d+)?)%", "a confidence above 50% and below 100%, such as 95%")
]
Amount = Annotated[float, AtLeast(0)]
TimeSpan = Annotated[str, Spelled(r"\d{1,9}(\.\d+)?\s*(ms|s|m|h)", "a time span such as 800ms or 2s")]


Reason = Annotated[str, Spelled(r"(.|\n)*\S(.|\n)*", "a reason")]


class Axes(TypedDict, total=False):
    """Axes of the matrix. A list sweeps its values; a single value pins the axis."""

    model: Annotated[Names, "the model id, as it is sent"]
    provider: Annotated[Names, "a provider of the configuration"]
    thinking: Thinking
    transport: Annotated[Transport | list[Transport], "generateContent, or streamGenerateContent as SSE"]
    temperature: Numbers
    topP: Numbers
    topK: Integers
    candidateCount: Integers
    maxOutputTokens: Integers
    seed: Integers
    presencePenalty: Numbers
    frequencyPenalty: Numbers
    responseLogprobs: Booleans
    logprobs: Integers
    responseMimeType: Names
    mediaResolution: Names


class Skip(Axes, total=False):
    """Combinations of the matrix that are skipped. Models may be globs."""

    why: Required[Annotated[Reason, "printed with the skipped trials"]]


class Matrix(Axes, total=False):
    """Axes for every case of the suite. A case may replace them."""

    skip: list[Skip]


class XfailWords(TypedDict, total=False):
    """An expected failure: the case runs and must fail."""

    why: Required[Reason]
    targets: Annotated[list[str], "globs of provider/model or model; all targets when absent"]


@cache
def parameter(name: str) -> Any:
    """The type of that check's parameter; None for an unknown check."""
    check = find_check(name)
    return check.parameter if check else None


@cache
def _documented(name: str) -> Any:
    check = find_check(name)
    return Annotated[check.parameter, check.doc] if check else None


@cache
def waive_type() -> Any:
    """A TypedDict with a key for each invariant, and ``request-known``."""
    hints = {name: Annotated[Reason, rule.doc] for name, rule in all_rules().items()}
    hints[REQUEST_KNOWN] = Annotated[Reason, "The literal request has only fields that the published definition knows."]
    return TypedDict("Waive", hints, total=False)  # type: ignore[operator]


Expect = Annotated[dict[str, Any], Named(_documented, lambda: all_checks().keys())]
Waive = Annotated[Any, Deferred(waive_type)]
Require = Annotated[
    Literal["all", "none"] | Annotated[str, Spelled(r"[0-9]{1,9}/[1-9][0-9]{0,8}", 'a share such as "4/5"')],
    "how many attempts of a group must pass: all (the default), none (observed only), or k/n",
]
Tool = Literal["googleSearch", "codeExecution", "urlContext", "googleMaps"] | dict[str, Any]
Repeat = Annotated[int, "attempts of each trial"]


class RequestWords(Axes, total=False):
    """What is sent and expected. Allowed under defaults: and in a case."""

    prompt: Annotated[str, "one user turn"]
    system: Annotated[str, "systemInstruction"]
    request: Annotated[dict[str, Any], "a literal generateContent body; objects are merged, lists are replaced"]
    schema: Annotated[dict[str, Any], "responseSchema, with application/json"]
    jsonSchema: Annotated[dict[str, Any], "responseJsonSchema, with application/json"]
    tools: Annotated[list[Tool], "names of built-in tools, or literal Tool objects"]
    expect: Expect
    agree: Annotated[Literal["shape", "text"], "unary and stream must agree in shape (the default), or in text too"]
    repeat: Repeat
    require: Require
    waive: Waive
    xfail: str | XfailWords


class TurnWords(TypedDict, total=False):
    """One request of a conversation: what the user says, or the answers to the model's function calls."""

    user: str
    reply: Annotated[dict[str, dict[str, Any]], "function name -> response object"]
    expect: Expect
    capture: Annotated[dict[str, str], "name -> JSONPath into the response; later turns write ${capture.name}"]


class CaseWords(RequestWords, total=False):
    """One case."""

    id: Required[Annotated[str, "a hyphenated statement that is true if the case passes; may contain ${row.x}"]]
    about: str
    tags: list[str]
    each: Annotated[str | list[dict[str, Any]], "rows: ${file:rows.csv} (or .jsonl, .json), or a list of mappings"]
    turns: list[TurnWords]
    only: Annotated[Axes | list[Axes], "the only combinations of the matrix that this case runs"]
    skip: Annotated[str, "the reason why this case is skipped"]
    cassette: Annotated[str, "an existing vcrpy cassette, relative to this file's folder"]


class Change(TypedDict, total=False):
    """How far a measure may change before the gate fails."""

    drop: Percent | Amount
    rise: Percent | Amount
    confidence: Annotated[Confidence, "how certain the decision must be; without it, the observed change decides"]


class RateGate(TypedDict, total=False):
    """How far a pass rate may change, and its minimum."""

    drop: Points | Percent | Amount
    rise: Points | Percent | Amount
    min: Annotated[Share, "the minimum share of the attempts of a run, or of a candidate, that must pass"]
    confidence: Annotated[Confidence, "how certain the decision must be; without it, the observed change decides"]


class TimeGate(Change, total=False):
    """How far a time may change, and its maximum."""

    max: Annotated[TimeSpan | Amount, "the maximum for trials of a run, or of a candidate, on average over its cells"]


class CountGate(Change, total=False):
    """How far a count may change, and its maximum."""

    max: Annotated[Amount, "the maximum for a trial of a run, or of a candidate, on average over its cells"]


class CostGate(Change, total=False):
    """How far a cost may change, and its maximum, in US dollars."""

    max: Annotated[Amount, "the maximum for a trial of a run, or of a candidate, on average over its cells"]
    total: Annotated[Amount, "the maximum for all trials of a run, or of a candidate, together"]


class GateWords(TypedDict, total=False):
    """Gates that a comparison must pass. Gates that need no second side (min, max, total) must be passed by a run too."""

    pass_rate: RateGate
    latency: TimeGate
    ttft: TimeGate
    cost: CostGate
    promptTokenCount: CountGate
    candidatesTokenCount: CountGate
    thoughtsTokenCount: CountGate
    totalTokenCount: CountGate
    hard: Annotated[list[str], "checks for which a single flip fails the gate, without statistics"]


class Compare(TypedDict, total=False):
    """How the trials of this suite are compared."""

    by: Annotated[str, "the axis: trials that differ only in it are compared in pairs"]
    baseline: Annotated[Any, "the value of that axis that the others are compared with"]
    gate: GateWords


class SuiteWords(TypedDict, total=False):
    """A suite for gemini-harness: requests to Gemini's native API, and what is expected of the answers."""

    suite: Required[Annotated[str, "the suite's name: the first part of every trial id"]]
    about: str
    tags: list[str]
    defaults: RequestWords
    matrix: Matrix
    repeat: Repeat
    cases: Required[list[CaseWords]]
    compare: Compare
    require: Require
    waive: Waive
    xfail: str | XfailWords


@cache
def axis_type(name: str) -> Any:
    """The type of the values of that axis."""
    return get_type_hints(Axes, include_extras=True)[name]


AXES: tuple[str, ...] = tuple(Axes.__annotations__)
"""Names of the axes."""


_OTHER_WORDS = {
    **dict.fromkeys(("assert", "asserts", "asserting", "assertions", "checks", "expected"), "expect"),
    **dict.fromkeys(("input", "question", "user", "text", "contents"), "prompt"),
    **dict.fromkeys(("rows", "data", "vars", "examples"), "each"),
    **dict.fromkeys(("messages", "steps", "conversation"), "turns"),
    **dict.fromkeys(("systemInstruction", "system_instruction"), "system"),
    **dict.fromkeys(("thinkingLevel", "thinkingBudget", "thinkingConfig", "budget", "level"), "thinking"),
    **dict.fromkeys(("responseSchema", "response_schema"), "schema"),
    **dict.fromkeys(("responseJsonSchema", "json_schema"), "jsonSchema"),
    **dict.fromkeys(("stream", "streaming"), "transport"),
    **dict.fromkeys(("body", "generationConfig"), "request"),
    **dict.fromkeys(("name", "title"), "id"),
    **dict.fromkeys(("description", "doc"), "about"),
}


def meant(path: Sequence[str | int]) -> str | None:
    """``did you mean`` for keys of other tools in a case or under ``defaults``; None for any other key."""
    if len(path) != (3 if path[0] == "cases" else 2) or path[0] not in ("cases", "defaults"):
        return None
    if path[-1] in all_checks():
        return f"{path[-1]} is a check: it belongs under expect:"
    from difflib import get_close_matches

    close = get_close_matches(str(path[-1]), _OTHER_WORDS, n=1, cutoff=0.85)
    return f'did you mean "{_OTHER_WORDS[close[0]]}"?' if close else None


def suite_json_schema() -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a suite, with every registered check, for editors."""
    return {**shape.json_schema(SuiteWords), "title": "gemini-harness suite"}
