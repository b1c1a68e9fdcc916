"""The keys of a suite as Python types. ``shape`` validates suites with them, and makes the JSON Schema for editors."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Required, TypedDict, get_type_hints

from harness.gemini import offers
from harness.judge.predicates import Words
from harness.judge.registry import all_checks, all_rules, find_check
from harness.model import Auth
from harness.suite.cases import MOST_ATTEMPTS
from harness.text import shape
from harness.text.shape import AtLeast, Beside, Named, Offered, Spelled, TypeLabel

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
        "a level (minimal, low, medium, high, xhigh), a budget in tokens (0: none), {level, budget, includeThoughts}, or a list of these"
    ),
    "a level name sends thinkingLevel, an integer thinkingBudget; a list sweeps; a mapping has a value per model (globs)",
]
Transport = Literal["unary", "stream", "batch"]
ApiKey = Literal["valid", "wrong"]
Numbers = Annotated[float | list[float] | dict[str, float | list[float]], TypeLabel("a number, or a list of numbers")]
Integers = Annotated[int | list[int] | dict[str, int | list[int]], TypeLabel("a whole number, or a list of them")]
Booleans = bool | list[bool]
Names = str | list[str]
ModelName = Annotated[str, offers.MODELS]
Feature = Annotated[str, offers.FEATURES]
MimeType = Annotated[str, offers.MIME_TYPES]
MediaResolution = Annotated[str, offers.values("GenerationConfig.MediaResolution")]
Scalar = str | int | float | bool
FreeValues = Annotated[Scalar | list[Scalar], TypeLabel("text, a number, true or false, or a list of these")]


class ModelSelector(TypedDict, total=False):
    """The current models of the catalogue with all of these properties."""

    feature: Annotated[
        Feature | list[Feature],
        "a feature, or several, as `gemini-harness models` lists them: image_out, google_search ...",
    ]
    thinking: Annotated[Literal["level", "budget", "none"], "how its thinking is controlled"]
    name: Annotated[str, "a glob of its name"]


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

    model: Annotated[
        ModelName | list[ModelName] | ModelSelector,
        "the model id, as it is sent, or properties that select models of the catalogue",
    ]
    provider: Annotated[Names, "a provider of the configuration"]
    thinking: Thinking
    transport: Annotated[
        Transport | list[Transport],
        "generateContent, streamGenerateContent as SSE, or batchGenerateContent at half the price",
    ]
    auth: Annotated[Auth | list[Auth], "the headers that carry the key, instead of the provider's own"]
    apiKey: Annotated[ApiKey | list[ApiKey], "the key of the provider, or a made-up one that is refused"]
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
    responseMimeType: MimeType | list[MimeType]
    mediaResolution: MediaResolution | list[MediaResolution]


FreeAxes = TypedDict(
    "FreeAxes",
    {
        "axes": Annotated[dict[str, FreeValues], "axes with free names, used as ${axis.name}"],
        "request.*": Annotated[Any, "a path of the body as an axis: a list sweeps its values, any other value is sent"],
    },
    total=False,
)


class Chosen(Axes, FreeAxes, total=False):
    """Combinations of axis values. Models may be globs. Long values are named as ids show them."""

    prompt: Annotated[Names, "prompts, as ids show them"]
    system: Annotated[Names, "system instructions, as ids show them"]
    schema: Annotated[Names, "schemas, as ids show them"]
    jsonSchema: Annotated[Names, "JSON Schemas, as ids show them"]
    tools: Annotated[Names, "lists of tools, as ids show them"]
    files: Annotated[Names, "lists of files, as ids show them"]


class Skip(Chosen, total=False):
    """Combinations of the matrix that are skipped. Models may be globs."""

    why: Required[Annotated[Reason, "printed with the skipped trials"]]


ToolName = Literal[
    "googleSearch",
    "codeExecution",
    "urlContext",
    "googleMaps",
    "google_search",
    "code_execution",
    "url_context",
    "google_maps",
]
LiteralBody = Annotated[dict[str, Any], offers.message("GenerateContentRequest")]
LiteralSchema = Annotated[dict[str, Any], offers.message("Schema")]
LiteralParts = list[Annotated[dict[str, Any], offers.message("Part")]]
Tool = ToolName | Annotated[dict[str, Any], offers.message("Tool")]
ToolItem = Annotated[
    Tool | list[Tool],
    TypeLabel("the name of a built-in tool (googleSearch, codeExecution, urlContext, googleMaps) or a Tool object"),
]


class FileWords(TypedDict, total=False):
    """A file of the prompt, with its type stated."""

    path: Annotated[str, "a file, relative to the suite; sent as inlineData"]
    uri: Annotated[str, "an address, or the uri of an uploaded file; sent as fileData"]
    mimeType: Annotated[str, "the type of the file, such as image/png"]


File = str | FileWords


class Matrix(Axes, FreeAxes, total=False):
    """Axes for every case of the suite. A case may replace them."""

    prompt: Annotated[list[str], "user turns"]
    system: Annotated[list[str], "system instructions"]
    schema: Annotated[list[LiteralSchema], "responseSchema, with application/json"]
    jsonSchema: Annotated[list[dict[str, Any]], "responseJsonSchema, with application/json"]
    tools: Annotated[list[list[Tool]], "lists of tools"]
    files: Annotated[list[list[File]], "lists of files"]
    skip: Annotated[list[Skip], "combinations that are not played"]


class XfailWords(TypedDict, total=False):
    """An expected failure: the case runs and must fail."""

    why: Required[Reason]
    targets: Annotated[list[ModelName], "globs of provider/model or model; all targets when absent"]


@cache
def parameter(name: str) -> Any:
    """The type of that check's parameter; None for an unknown check."""
    check = find_check(name)
    return check.parameter if check else None


def _check_names() -> Mapping[str, str]:
    docs = {name: check.doc for name, check in all_checks().items()}
    docs |= {f"invariant:{name}": rule.doc for name, rule in all_rules().items()}
    return {name: doc.partition("\n\n")[0] for name, doc in docs.items()}


@cache
def waivable() -> Mapping[str, Any]:
    """Each invariant, and ``request-known`` -> the type of the reason for which it is waived."""
    known = {name: Annotated[Reason, rule.doc] for name, rule in all_rules().items()}
    return known | {
        REQUEST_KNOWN: Annotated[Reason, "The literal request has only fields that the published definition knows."]
    }


def _of_text(value: Any) -> list[Any]:
    """The checks that may be meant by a text, by texts, or by assertions of promptfoo instead of checks."""
    match value:
        case str() | [str()]:
            text = value if isinstance(value, str) else value[0]
            return [{"text": text}, {"text": {"contains": text}}]
        case [str(), *_]:
            return [{"text": {word: [{"contains": text} for text in value]}} for word in ("any", "all")]
        case [{"type": word, "value": wanted}, *_] if word in Words.__annotations__:
            return [{"text": {word: wanted}}]
    return []


Expect = Annotated[
    dict[str, Any],
    Named(parameter, lambda: all_checks().keys(), "Expect", lambda name: all_checks()[name].page, _of_text),
    "what the answer must be: checks, which must all hold",
]
Waive = Annotated[
    dict[str, Any],
    Named(lambda name: waivable().get(name), lambda: waivable().keys(), "Waive", lambda _: ""),
    "invariants that are not checked here: id -> reason",
]
Xfail = Annotated[str | XfailWords, "why the case must fail for now; passing is an error"]
About = Annotated[str, "what it is for, for people"]
Tags = Annotated[list[str], "words for `--tag`"]
Require = Annotated[
    Literal["all", "none"] | Annotated[str, Spelled(r"[0-9]{1,9}/[1-9][0-9]{0,8}", 'a share such as "4/5"')],
    "how many attempts of a group must pass: all (the default), none (observed only), or k/n",
]
Repeat = Annotated[int, AtLeast(1, most=MOST_ATTEMPTS), "attempts of each trial"]


class RequestWords(Axes, FreeAxes, total=False):
    """What is sent and expected. Allowed under defaults: and in a case."""

    prompt: Annotated[Names, "one user turn; a list sweeps"]
    system: Annotated[Names, "systemInstruction; a list sweeps"]
    request: Annotated[LiteralBody, "a literal generateContent body; objects are merged, lists are replaced"]
    schema: Annotated[LiteralSchema | list[LiteralSchema], "responseSchema, with application/json; a list sweeps"]
    jsonSchema: Annotated[
        dict[str, Any] | list[dict[str, Any]], "responseJsonSchema, with application/json; a list sweeps"
    ]
    tools: Annotated[list[ToolItem], "names of built-in tools, or literal Tool objects; a list of lists sweeps"]
    files: Annotated[
        list[File | list[File]],
        TypeLabel("a list of names, of addresses, or of {path: ..., mimeType: ...}"),
        "files of the prompt, relative to the suite, or addresses; the type comes from the bytes; a list of lists sweeps",
    ]
    expect: Expect
    agree: Annotated[Literal["shape", "text"], "unary and stream must agree in shape (the default), or in text too"]
    repeat: Repeat
    require: Require
    waive: Waive
    xfail: Xfail


class ReplyWords(TypedDict):
    """The answer to one function call."""

    name: Annotated[str, "the name of the function"]
    response: Annotated[dict[str, Any], "the response object"]


_Until = TypedDict(
    "_Until", {"for": Annotated[TimeSpan, "how long to go on; 2m if absent"]}, total=False
)  # a keyword cannot be an attribute


class Until(_Until, total=False):
    """Makes a call again until its answer is as wanted."""

    path: Required[Annotated[dict[str, Any], "JSONPath into the answer -> what must be there, as in the check `path`"]]
    every: Annotated[TimeSpan, "the wait between two calls; 5s if absent"]


Capture = Annotated[dict[str, str], "name -> JSONPath into the response; later turns write ${capture.name}"]


class ApiCallWords(TypedDict, total=False):
    """A call of the API that is not a turn of the conversation."""

    call: Annotated[str, "method and path below the provider's version: POST cachedContents, GET models/${model}"]
    body: Annotated[Any, "the JSON body that is sent"]
    upload: Annotated[str, "a file that is sent through the Files API: call: POST files"]
    until: Annotated[Until, "make the call again until its answer is as wanted"]
    expect: Expect
    capture: Capture


class TurnWords(ApiCallWords, total=False):
    """One turn: what the user says, the answers to the model's function calls, a scripted answer, or another call."""

    user: Annotated[str | LiteralParts, "what the user says: a text, or literal parts"]
    files: Annotated[list[File], "files of this turn"]
    model: Annotated[
        str | LiteralParts, "what the model is supposed to have said: a text, or literal parts; nothing is sent"
    ]
    reply: Annotated[
        dict[str, dict[str, Any]] | list[ReplyWords],
        "function name -> response object, or a list in the order of the calls",
    ]
    request: Annotated[LiteralBody, "what this turn adds to the body"]


_Finally = TypedDict(
    "_Finally",
    {
        "finally": Annotated[
            list[ApiCallWords], "calls at the end, whatever happened before; their own failure is a warning"
        ]
    },
    total=False,
)


class CaseWords(RequestWords, _Finally, total=False):
    """One case."""

    id: Required[Annotated[str, "a hyphenated statement that is true if the case passes; may contain ${row.x}"]]
    about: About
    tags: Tags
    each: Annotated[str | list[dict[str, Any]], "rows: ${file:rows.csv} (or .jsonl, .json), or a list of mappings"]
    turns: Annotated[list[TurnWords], "a conversation, instead of a prompt"]
    only: Annotated[Chosen | list[Chosen], "the only combinations of the matrix that this case runs"]
    skip: Annotated[Reason, "why this case is skipped"]
    cassette: Annotated[str, "an existing vcrpy cassette, relative to this file's folder"]


Sure = Annotated[
    Confidence,
    "how certain the decision must be; without it, the observed change decides",
    Beside("this gate says no limit, so nothing crosses it", "write min:, max:, drop: or rise:"),
]


class Change(TypedDict, total=False):
    """How far a measure may change before the gate fails."""

    drop: Annotated[Percent | Amount, "how far it may fall"]
    rise: Annotated[Percent | Amount, "how far it may rise"]
    confidence: Sure


class RateGate(TypedDict, total=False):
    """How far a pass rate may change, and its minimum."""

    drop: Annotated[Points | Percent | Amount, "how far it may fall"]
    rise: Annotated[Points | Percent | Amount, "how far it may rise"]
    min: Annotated[Share, "the minimum share of the attempts of a run, or of a candidate, that must pass"]
    confidence: Sure


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


CheckName = Annotated[str, Offered("CheckName", _check_names)]
AxisName = Annotated[str, Offered("AxisName", lambda: dict.fromkeys((*AXES, *BODY_AXES), ""))]


class GateWords(TypedDict, total=False):
    """Gates that a comparison must pass. Gates that need no second side (min, max, total) must be passed by a run too."""

    pass_rate: Annotated[RateGate, "the share of attempts that pass"]
    latency: Annotated[TimeGate, "the time to the whole answer"]
    ttft: Annotated[TimeGate, "the time to the first text of a stream"]
    cost: Annotated[CostGate, "US dollars"]
    promptTokenCount: Annotated[CountGate, "tokens of the prompt"]
    candidatesTokenCount: Annotated[CountGate, "tokens of the answer, without thinking"]
    thoughtsTokenCount: Annotated[CountGate, "tokens of thinking"]
    totalTokenCount: Annotated[CountGate, "all tokens"]
    hard: Annotated[list[CheckName], "checks for which a single flip fails the gate, without statistics"]


class Compare(TypedDict, total=False):
    """How the trials of this suite are compared."""

    by: Annotated[AxisName, "the axis: trials that differ only in it are compared in pairs"]
    baseline: Annotated[Any, "the value of that axis that the others are compared with"]
    gate: Annotated[GateWords, "limits that fail the comparison or the run"]


class SuiteWords(TypedDict, total=False):
    """A suite for gemini-harness: requests to Gemini's native API, and what is expected of the answers."""

    suite: Required[Annotated[str, "the suite's name: the first part of every trial id"]]
    about: About
    tags: Tags
    vars: Annotated[dict[str, Scalar], "defaults of ${var.name}; `--var name=value` replaces them"]
    defaults: Annotated[RequestWords, "what every case sends and expects, unless it states its own"]
    matrix: Annotated[Matrix, "axes: every case is played with every combination of their values"]
    repeat: Repeat
    cases: Required[Annotated[list[CaseWords], "what is asked, and what must be true of the answers"]]
    compare: Annotated[Compare, "what is compared, and within which limits"]
    require: Require
    waive: Waive
    xfail: Xfail


@cache
def axis_type(name: str) -> Any:
    """The type of the values of that axis."""
    free = Any if name.startswith("request.") or name in BODY_AXES else FreeValues
    return get_type_hints(Axes, include_extras=True).get(name, free)


AXES: tuple[str, ...] = tuple(Axes.__annotations__)
"""Names of the axes with values of their own type. Any other key of ``BODY_AXES``, free names and paths of the body are axes too."""

BODY_AXES = ("prompt", "system", "schema", "jsonSchema", "tools", "files")
"""Keys that are an axis where they hold several values: a list, or for ``tools`` and ``files`` a list of lists."""


def axes_in(table: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """(name, keys to it, values) of everything in a case, the defaults, the matrix or a row of ``skip`` that may be an axis."""
    for key, value in table.items():
        if key == "axes" and isinstance(value, Mapping):
            yield from ((name, (key, name), values) for name, values in value.items())
        elif key in AXES or key in BODY_AXES or key.startswith("request."):
            yield key, (key,), value


SETTINGS = ("attempts", "timeouts", "concurrency", "max_cost")


def belongs(path: Sequence[str | int], hint: str) -> str:
    """Where a key belongs that is known elsewhere only: a word of a predicate, a key of a case, a setting; ``hint`` for any other key."""
    word, checked = str(path[-1]), path[-2:-1] == ("expect",)
    if checked and word in Words.__annotations__:
        return f"{word} is a word of a predicate: say of what, as in text: {{{word}: ...}}"
    part = next((key for key in ("turns", "expect", "defaults") if key in path[:-1]), "")
    if part and word in CaseWords.__annotations__ and (checked or not hint.startswith(("did you mean", "write"))):
        return f"{word} is a key of the case, not of {part}:"
    if len(path) > 1 and len(path) != {"cases": 3, "defaults": 2}.get(str(path[0])):
        return hint
    near = f'"{word}"' if word in SETTINGS else shape.meant(word, SETTINGS)[len("did you mean ") : -1]
    return f"{near} is a setting of harness.toml" if near else hint


def suite_json_schema() -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a suite, with every registered check, for editors."""
    from harness.suite import editors

    made = shape.json_schema(SuiteWords)
    editors.explain(made["$defs"])
    return {**made, **editors.closed_bodies(made["$defs"], REQUEST_KNOWN)}
