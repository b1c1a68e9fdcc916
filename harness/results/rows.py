"""A result as a row of JSON: the public format of a saved run, and all that anything after ``play`` looks at.

The shapes are those of ``--format json``; a saved run adds ``turns`` to each row. Tables, comparisons and other
programs read the same rows, so what is printed can always be printed again from what was saved.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from harness.answer import refusals
from harness.model import Json, Provenance, Reply, Result, Status, Trial, Turn, Verdict

LARGEST = 1e100
"""More than any measure can be, whatever a gateway says: beyond it a measure is not known."""
RecordMode = Literal["none", "once", "new_episodes", "all", "stale"]
VERSION = 1
"""Of the saved run and of everything ``--format json`` prints."""

_MARKS = frozenset({"thought", "thoughtSignature", "partMetadata"})


class PlaceRow(TypedDict):
    """Where a case stands: a file as it was named, a line from 1."""

    file: str
    line: int


class BriefVerdictRow(TypedDict):
    """A check, and what came of it."""

    check: str
    status: Literal["passed", "failed", "error", "waived"]
    severity: Literal["error", "warn"]


class VerdictRow(BriefVerdictRow):
    """One check that held, or one of its mismatches."""

    at: str
    expected: Json
    actual: Json
    message: str
    place: NotRequired[PlaceRow]


class ProvenanceRow(TypedDict):
    """Who answered, and whether we heard it now or from tape."""

    mode: Literal["live", "replay"]
    recorded_from: str
    recorded_at: str | None
    timing: Literal["live", "recorded", "lost"]
    simulated: bool


class ErrorRow(TypedDict):
    """Why a trial could not be judged: ``ask``, ``suite`` or ``internal``."""

    kind: Literal["ask", "suite", "internal"]
    message: str
    traceback: str | None


class OutcomeRow(TypedDict):
    """The shape of the last answer: what unary and stream must agree on."""

    http: int
    finishReason: str | None
    parts: list[str]
    text: str


class TurnRow(TypedDict):
    """One request and its answer. ``times``: seconds at which each event was complete. ``body``: how a body begins that holds neither
    an answer nor the API's error."""

    transport: str
    url: str
    request: Json
    status: int
    text: str
    thoughts: str
    response: Json
    times: list[float | None]
    attempts: int
    body: NotRequired[str]


class TrialRow(TypedDict):
    """One trial without its verdicts. ``require`` is the number of attempts that must pass (None: all).

    ``unpriced`` says why there is no ``cost_usd`` though there was an answer.
    """

    id: str
    group: str
    suite: str
    case: str
    target: str
    axes: dict[str, Json]
    attempt: int
    streamed: bool
    status: Status
    invariants_passed: int
    measures: dict[str, float | int | None]
    provenance: ProvenanceRow | None
    error: ErrorRow | None
    place: PlaceRow
    require: int | None
    xfail: str | None
    skip: str | None
    agree: Literal["shape", "text"] | None
    outcome: OutcomeRow | None
    unpriced: NotRequired[str]


class BriefRow(TrialRow):
    """A trial of which only the names of its checks are of interest."""

    verdicts: list[BriefVerdictRow]


class JudgedRow(TrialRow):
    """A trial, judged."""

    verdicts: list[VerdictRow]
    cassette: NotRequired[str]


class Row(JudgedRow):
    """A trial, judged, with all that was said."""

    turns: NotRequired[list[TurnRow]]


class GateRow(TypedDict):
    """A gate, answered: ``gate`` says what is allowed, ``name`` of which measure (``hard`` of checks), ``suite`` of which suite alone.

    ``crossed`` is None where that cannot be told, or, with ``asked`` false, where it was not asked; ``says`` says why.
    """

    gate: str
    name: str
    suite: str | None
    asked: bool
    crossed: bool | None
    message: str


GateLimits = dict[str, list[str] | dict[str, float | str]]
"""The block ``gate:`` of a suite: checks under ``hard``, else a measure -> how far it may go, and how sure it must be."""


class SuiteRow(TypedDict):
    """A suite that took part, the hash of its text, and the hashes of the files that it uses, by name.

    ``gate``: its block of that name, where a run can be held to some of it; ``trials`` is then how many it has to play, whatever
    was selected.
    """

    suite: str
    file: str
    sha256: str
    about: NotRequired[str]
    files: NotRequired[dict[str, str]]
    gate: NotRequired[GateLimits]
    trials: NotRequired[int]


class SelectionRow(TypedDict, total=False):
    """What was selected, and what else of the command would have to be repeated; what was not used is left out."""

    keywords: str
    tags: list[str]
    targets: list[str]
    providers: list[str]
    models: list[str]
    repeat: int
    shard: list[int]
    cassettes: str
    strict: bool


class OptionsRow(TypedDict, total=False):
    """The options of a command with which a run can go on; what was not given is left out."""

    paths: list[str]
    keyword: str | None
    tag: list[str]
    repeat: int | None
    cassettes: str | None
    live: bool
    gate: list[str]
    target: list[str]
    provider: list[str]
    model: list[str]
    shard: str | None
    record_mode: RecordMode | None
    skip_missing: bool
    strict: bool
    old: str
    new: str
    old_record_mode: RecordMode
    margin: list[str]


class SittingRow(TypedDict):
    """When a run was taken up again, the trials it kept, and how long it had been at it since it was last begun (None:
    it was killed, nobody knows)."""

    at: str
    kept: int
    seconds: float | None


class PartRow(TypedDict):
    """A run that a merged run was made of. ``shard``: which part of how many it was, where it was one."""

    id: str
    shard: list[int] | None
    started: str
    finished: str | None
    seconds: float | None
    trials: int


class RunRow(TypedDict):
    """What was asked, of whom, when, and with which code. ``notes`` were known before the first trial.

    ``options`` are those of the command line that say what is played and how, ``planned`` is the number of trials that
    makes, ``resumed`` tells each time that it was taken up again, ``parts`` what it was merged from. ``gates`` are those that
    the run was held to, known when all of it is there.
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
    """The old and the new target, where it was made by ``migrate``."""


class EndingRow(TypedDict, total=False):
    """The last line of a saved run, without what follows from its rows: when it ended, after how long (None: nobody knows), whether
    that was before its time, and how many trials are there. ``run`` completes the header.
    """

    run: dict[str, Json]
    totals: dict[str, int]
    simulated: bool
    finished: str | None
    seconds: float | None
    interrupted: bool
    trials: int
    unasked: int


class CostRow(TypedDict):
    """What a run cost: ``usd`` of all trials whose cost is known (None: of none), and how many others there were, and why."""

    usd: float | None
    unknown: int
    why: dict[str, int]
    prices: str | None


class GroupRow(TypedDict):
    """The verdict that counts: a group's, over its attempts. ``cost_usd`` is the sum; None where any is not known."""

    id: str
    status: Status
    passed: int
    attempts: int
    cost_usd: float | None


def result_json(result: Result) -> Row:
    """The row of a result, ``turns`` included."""
    trial = result.trial
    row: Row = {
        **_asked(trial),  # type: ignore[typeddict-item]
        "status": result.status,
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
        "invariants_passed": result.invariants_passed,
        "measures": dict(result.measures),
        "provenance": _provenance(result.provenance),
        "error": None,
        "outcome": _outcome(result.turns[-1]) if result.turns else None,
        "turns": [_turn(turn) for turn in result.turns],
    }
    unpriced = next((turn.bill.why for turn in result.turns if turn.bill.dollars is None), None)
    if unpriced:
        turns = row.pop("turns")
        row["unpriced"], row["turns"] = unpriced, turns  # turns come last
    if result.problem is not None:
        problem = result.problem
        row["error"] = {"kind": problem.kind, "message": problem.message, "traceback": problem.traceback}
    return row


def without_turns(row: Row) -> Row:
    """The row as ``--format json`` prints it."""
    return {key: value for key, value in row.items() if key != "turns"}  # type: ignore[return-value]


def dumps(value: object, *, indent: int | None = None) -> str:
    """Strict JSON on one line, readable characters kept. What JSON cannot say (NaN, sets, lone surrogates) is spelled out."""
    separators = (",", ":") if indent is None else None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=separators, indent=indent, default=str)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=separators, indent=indent, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(_finite(value), separators=separators, indent=indent, default=str)
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _asked(trial: Trial) -> dict[str, Json]:
    return {
        "id": trial.id,
        "group": trial.group,
        "suite": trial.suite,
        "case": trial.case,
        "target": str(trial.target),
        "axes": dict(trial.axes),
        "attempt": trial.attempt,
        "streamed": any(step.transport == "stream" for step in trial.steps),
        "place": {"file": trial.place.file, "line": trial.place.line},
        "require": trial.require.at_least,
        "xfail": trial.xfail,
        "skip": trial.skip,
        "agree": trial.agree,
        "cassette": str(trial.cassette),
    }


def _verdict(verdict: Verdict) -> VerdictRow:
    row: VerdictRow = {
        "check": verdict.check,
        "status": verdict.status,
        "severity": verdict.severity,
        "at": verdict.at,
        "expected": verdict.expected,
        "actual": verdict.actual,
        "message": verdict.message,
    }
    if verdict.place is not None:
        row["place"] = {"file": verdict.place.file, "line": verdict.place.line}
    return row


def _provenance(provenance: Provenance | None) -> ProvenanceRow | None:
    if provenance is None:
        return None
    return {
        "mode": provenance.mode,
        "recorded_from": provenance.recorded_from,
        "recorded_at": provenance.recorded_at,
        "timing": provenance.timing,
        "simulated": provenance.simulated,
    }


def _turn(turn: Turn) -> TurnRow:
    reply = turn.reply
    silent = not reply.response and not refusals.message_of(reply.error)
    row: TurnRow = {
        "transport": turn.request.transport,
        "url": turn.request.url,
        "request": turn.request.body,
        "status": turn.exchange.status,
        "text": reply.text,
        "thoughts": reply.thoughts,
        "response": reply.response if reply.error is None else {**reply.response, "error": reply.error},
        "times": [None if event.at is None else round(event.at, 6) for event in reply.events],
        "attempts": turn.exchange.attempts,
    }
    if silent and turn.exchange.content:
        row["body"] = refusals.kept(turn.exchange)
    return row


def _outcome(turn: Turn) -> OutcomeRow:
    reply = turn.reply
    return {
        "http": turn.exchange.status,
        "finishReason": reply.finish_reason,
        "parts": kinds(reply),
        "text": reply.text,
    }


def kinds(reply: Reply) -> list[str]:
    """The kinds of parts of an answer (``text``, ``thought``, ``functionCall`` ...), each once, sorted."""
    return sorted({kind for part in reply.parts if (kind := _kind(part))})


def _kind(part: Mapping[str, Json]) -> str | None:
    """None for an empty text, which streams end with."""
    if part.get("thought") is True:
        return "thought"
    name = next((name for name in part if name not in _MARKS), None)
    return None if name == "text" and part["text"] == "" else name
