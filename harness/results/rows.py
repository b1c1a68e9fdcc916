"""A result as a row of JSON: the public format of a saved run, and the input of everything after ``play``.

The shapes are those of ``--format json``; a saved run adds ``turns`` to each row. Tables, comparisons and other
programs read the same rows, so every output can be produced again from a saved run.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import replace

from harness.answer import refusals, wire_form
from harness.answer.wire_form import FramingRow
from harness.model import (
    Exchange,
    Json,
    Place,
    Problem,
    Provenance,
    RecordMode,
    Reply,
    Request,
    Result,
    Status,
    Turn,
    Verdict,
)
from harness.text import jsontext

LARGEST = 1e100
"""The limit of a measure: a larger value, as a faulty gateway may report it, counts as not known."""
ATTEMPTS = 1_000_000
"""The limit for attempts at one case. Attempts are kept as the bits of an integer."""
VERSION = 1
"""The version of the saved run and of everything that ``--format json`` prints."""

_MARKS = frozenset({"thought", "thoughtSignature", "partMetadata"})


class OutcomeRow(Struct, frozen=True):
    """The shape of the last answer: what unary and stream must agree on."""

    http: int
    finishReason: str | None  # noqa: N815  a name of Gemini
    parts: list[str]
    text: str


class TurnRow(Struct, frozen=True, omit_defaults=True):
    """One request and its answer. ``times``: seconds until each event was complete. ``body``: the beginning of a body that
    holds neither an answer nor an error of the API. ``headers``: those of the answer; values as in `wire_form.headers`;
    None in runs that do not have them."""

    transport: str
    url: str
    request: Json
    status: int
    text: str
    thoughts: str
    response: Json
    times: list[float | None]
    attempts: int
    body: str | None = None
    headers: dict[str, str] | None = None
    framing: FramingRow | None = None
    method: str = "POST"


class Row(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One trial with its verdicts and its turns. Fields with a default are left out of the JSON where they have it.

    ``require`` is the number of attempts that must pass (None: all). ``cassette``: empty where there is none. ``tags``: those of
    its suite and case. ``unpriced`` says why there is no ``cost_usd`` though there was an answer. ``turns``: None where the row
    was saved without them, as in a baseline.
    """

    id: str
    group: str
    suite: str
    case: str
    target: str
    axes: dict[str, Json]
    attempt: Annotated[int, Meta(ge=0, lt=ATTEMPTS)]
    streamed: bool
    place: Place
    require: int | None
    xfail: str | None
    skip: str | None
    agree: Literal["shape", "text"] | None
    cassette: str = ""
    tags: list[str] = []
    status: Status
    verdicts: list[Verdict]
    invariants_passed: int
    measures: dict[str, float | int | None]
    provenance: Provenance | None
    error: Problem | None
    outcome: OutcomeRow | None
    unpriced: str | None = None
    turns: list[TurnRow] | None = None


RowsOf = Callable[[Collection[str]], Iterable[Row]]
"""Reads the rows of these groups from disk."""


class GateRow(TypedDict):
    """A gate and its answer. ``gate``: what is allowed. ``name``: the measure, or ``hard`` for checks. ``suite``: the suite
    that it applies to; None: all.

    ``crossed`` is None if it cannot be decided, or, with ``asked`` false, if the gate was not checked; ``message`` says why.
    """

    gate: str
    name: str
    suite: str | None
    asked: bool
    crossed: bool | None
    message: str


class SuiteRow(TypedDict):
    """A suite of the run: the SHA-256 of its text, and of the files that it uses, by name.

    ``gate``: its block of that name, if a single run can be checked against it: ``hard`` -> checks, or a measure -> its limits and the
    confidence. ``trials``: the number of trials of the whole
    suite, without a selection; only with ``gate``.
    """

    suite: str
    file: str
    sha256: str
    about: NotRequired[str]
    files: NotRequired[dict[str, str]]
    gate: NotRequired[dict[str, list[str] | dict[str, float | str]]]
    trials: NotRequired[int]


class SelectionRow(TypedDict, total=False):
    """The selection, and other options that a repetition of the command needs. Options that were not used are left out."""

    keywords: str
    tags: list[str]
    targets: list[str]
    providers: list[str]
    models: list[str]
    repeat: int
    shard: list[int]
    cassettes: str
    strict: bool
    var: list[str]


class OptionsRow(TypedDict, total=False):
    """The options with which ``--resume`` continues a run. Options that were not given are left out."""

    paths: list[str]
    var: list[str]
    keyword: str | None
    tag: list[str]
    repeat: int | None
    cassettes: str | None
    live: bool
    gate: list[str]
    until_told: bool
    target: list[str]
    provider: list[str]
    model: list[str]
    shard: str | None
    record_mode: RecordMode | None
    skip_missing: bool
    strict: bool
    last_failed: str
    old: str
    new: str
    old_record_mode: RecordMode
    margin: list[str]


class SittingRow(TypedDict):
    """A resumption of a run: when, how many trials it kept, and how many seconds the session before it took (None: not
    known, because it was killed)."""

    at: str
    kept: int
    seconds: float | None


class PartRow(TypedDict):
    """A run that is part of a merged run. ``shard``: [number, of how many]; None if it was not a shard."""

    id: str
    shard: list[int] | None
    started: str
    finished: str | None
    seconds: float | None
    trials: int


class RunRow(TypedDict):
    """The header of a run: what was played, on which targets, when, and with which version. ``notes`` come before the first trial.

    ``options``: the command-line options that decide what is played, and how. ``planned``: the number of trials.
    ``resumed``: an entry for each resumption. ``parts``: the runs that it was merged from. ``gates``: the gates of the run
    with their answers, known when it is complete.
    """

    id: str
    started: str
    record_mode: str
    targets: list[str]
    suites: list[SuiteRow]
    harness: str
    python: str
    front: str
    selection: SelectionRow
    notes: list[str]
    prices: NotRequired[str]
    options: NotRequired[OptionsRow]
    planned: NotRequired[int]
    resumed: NotRequired[list[SittingRow]]
    parts: NotRequired[list[PartRow]]
    gates: NotRequired[list[GateRow]]
    migration: NotRequired[list[str]]
    """The old and the new target of a run of ``migrate``."""
    rejudged: NotRequired[str]
    """The run whose answers these are, judged again."""
    looks: NotRequired[int]
    """At which look the run ended, where it may stop early."""
    whole: NotRequired[int]
    """The trials that it would have had, where it did stop early."""


class EndingRow(TypedDict, total=False):
    """The last line of a saved run, without what follows from its rows. ``run`` completes the header.

    ``seconds``: the duration (None: not known). ``trials``: the number of trials in the file. ``unasked``: those of them
    that could not be asked or judged for a reason that may pass.
    """

    run: dict[str, Json]
    totals: dict[str, int]
    simulated: bool
    finished: str | None
    seconds: float | None
    interrupted: bool
    trials: int
    unasked: int


def result_row(result: Result) -> Row:
    """The row of a result, ``turns`` included."""
    trial = result.trial
    return Row(
        id=trial.id,
        group=trial.group,
        suite=trial.suite,
        case=trial.case,
        target=str(trial.target),
        axes=dict(trial.axes),
        attempt=trial.attempt,
        streamed=any(step.transport == "stream" for step in trial.steps),
        place=trial.place,
        require=trial.require,
        xfail=trial.xfail,
        skip=trial.skip,
        agree=trial.agree,
        cassette=str(trial.cassette),
        tags=list(trial.tags),
        status=result.status,
        verdicts=list(result.verdicts),
        invariants_passed=result.invariants_passed,
        measures=dict(result.measures),
        provenance=result.provenance,
        error=result.problem,
        outcome=_outcome(result.turns[-1]) if result.turns else None,
        unpriced=next((turn.bill.why for turn in result.turns if turn.bill.dollars is None), None) or None,
        turns=[turn_row(turn.request, turn.exchange, turn.reply) for turn in result.turns],
    )


def without_turns(row: Row) -> Row:
    """The row as ``--format json`` prints it."""
    return replace(row, turns=None)


def dumps(value: object, *, indent: int | None = None) -> str:
    """Strict JSON on one line, non-ASCII characters unescaped. What JSON lacks (NaN, sets) is written as text; a value with half surrogate
    pairs is escaped."""
    layout: dict[str, Any] = {"indent": indent, "separators": (",", ":") if indent is None else None}
    try:  # no row holds itself
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, check_circular=False, default=plain, **layout)
        text.encode()
    except ValueError:
        return json.dumps(jsontext.mapped(value, _finite), default=str, **layout)
    return text


def row_line(row: object) -> bytes:
    """A row, or any other value, as a line of a saved run: the value that ``dumps`` writes, in a twentieth of the time."""
    return jsontext.fast(row, _is_not_finite, _basic) or dumps(row).encode()


def _is_not_finite(packed: bytes) -> bool:
    """Whether MessagePack holds NaN or an infinite float, which the fast JSON writes as null."""
    return (b"\x7f" in packed or b"\xff" in packed) and re.search(rb"\xcb[\x7f\xff][\xf0-\xff]", packed) is not None


def plain(value: object) -> Any:
    """A row as JSON, its inner rows too. What JSON lacks is written as text."""
    return to_builtins(value, enc_hook=_basic) if isinstance(value, Struct) else str(value)


def _basic(value: object) -> str | int | float:
    """A text or number of a subclass, such as those of numpy, as a plain one. Anything else as text."""
    return next((kind(value) for kind in (int, float) if isinstance(value, kind)), str(value))


def _finite(value: Any) -> Any:
    """What JSON lacks as text, where it is no part of a list or a mapping."""
    if isinstance(value, Struct):
        return jsontext.mapped(plain(value), _finite)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def turn_row(request: Request, exchange: Exchange, reply: Reply) -> TurnRow:
    """One request and its answer, as a saved run keeps them."""
    unreadable = exchange.content and not reply.response and not refusals.message_of(reply.error)
    return TurnRow(
        transport=request.transport,
        url=request.url,
        request=request.body,
        status=exchange.status,
        text=reply.text,
        thoughts=reply.thoughts,
        response=saved_response(reply),
        times=[None if event.at is None else round(event.at, 6) for event in reply.events],
        attempts=exchange.attempts,
        body=refusals.saved_body(exchange) if unreadable else None,
        headers=wire_form.headers(exchange.headers),
        framing=wire_form.framing(exchange, reply),
        method=request.method,
    )


def saved_response(reply: Reply) -> Mapping[str, Json]:
    """The answer as a saved run keeps it: merged, with its error."""
    return reply.response if reply.error is None else {**reply.response, "error": reply.error}


def _outcome(turn: Turn) -> OutcomeRow:
    reply = turn.reply
    return OutcomeRow(turn.exchange.status, reply.finish_reason, kinds(reply), reply.text)


def kinds(reply: Reply) -> list[str]:
    """The kinds of parts of an answer (``text``, ``thought``, ``functionCall`` ...), each once, sorted."""
    return sorted({kind for part in reply.parts if (kind := _kind(part))})


def _kind(part: Mapping[str, Json]) -> str | None:
    """The kind of a part. None for an empty text: streams end with one."""
    if part.get("thought") is True:
        return "thought"
    name = next((name for name in part if name not in _MARKS), None)
    return None if name == "text" and part["text"] == "" else name
