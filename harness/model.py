"""The nouns: plain frozen values that every room speaks in. Nothing here acts.

From the question to the answer::

    Suite > Case > (x Target x axes x row x attempt) = Trial > Step > Request > Exchange > Reply
    Mismatch < Verdict < Result < Run

Units are seconds and tokens. Wire names (``finishReason``, ``thoughtsTokenCount``) are Gemini's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Json = Any
"""A decoded JSON value."""

Status = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
"""pytest's own words. ``failed``: the provider did not do it. ``error``: we could not judge."""

Severity = Literal["error", "warn"]
Transport = Literal["unary", "stream"]


# --- saying what to ask -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a suite. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and a model: a column of the table."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line under ``expect:``. ``parameter`` is the plain YAML value, templates already filled in."""

    check: str
    parameter: Json
    place: Place


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a case, before the conversation so far is known.

    ``body`` is the ``generateContent`` body without ``contents``; ``contents`` are the turns that this step adds
    (Content objects). ``replies`` answers the function calls of the previous model turn: function name -> response
    object, becoming ``functionResponse`` parts, ids echoed. ``capture`` maps a name to a JSONPath into the merged
    response; later steps write ``${capture.name}``.
    """

    body: Mapping[str, Json]
    contents: Sequence[Json]
    transport: Transport
    expect: Sequence[Expectation]
    place: Place
    replies: Mapping[str, Json] | None = None
    capture: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    """JSON path of the body -> where that part came from (``defaults``, ``case``, ``axis thinking`` ...), for ``show``."""


@dataclass(frozen=True, slots=True)
class Require:
    """How many attempts of a group must pass. ``at_least`` None: all. 0: observed only."""

    at_least: int | None = None

    def met(self, passed: int, attempts: int) -> bool:
        return passed >= (attempts if self.at_least is None else min(self.at_least, attempts))


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an exchange belongs on tape: the cassette and ``[row, repeat, step]``, all counted from 0."""

    cassette: Path
    row: int
    repeat: int
    step: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt at one case on one target: what ``play`` plays.

    ``id`` is ``suite/case[axes]@provider/model#n`` with n from 1 (always written); ``group`` is the same without ``#n``.
    ``axes`` holds the swept axes only (not model and provider), in matrix order. Attempts of one group share ``steps``.
    """

    id: str
    group: str
    suite: str
    case: str
    target: Target
    axes: Mapping[str, Json]
    attempt: int
    row: int
    steps: Sequence[Step]
    cassette: Path
    place: Place
    about: str = ""
    tags: Sequence[str] = ()
    require: Require = Require()
    xfail: str | None = None
    skip: str | None = None
    waive: Mapping[str, str] = field(default_factory=dict)
    """Invariant id -> the reason why this case waives it."""
    agree: Literal["shape", "text"] | None = None
    """Set where unary and stream trials of one case must agree."""
    folder: Path = Path()
    """The suite's folder: ``python:`` checks and ``${file:}`` are looked up from here."""


# --- on the wire --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out, without credentials: those are added below the recorder.

    ``url`` is absolute and holds no key. ``body`` is the JSON value; ``content`` its bytes as sent.
    ``expects_status`` are HTTP statuses that the case itself expects: never retried, always kept.
    """

    provider: str
    model: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Json
    content: bytes
    transport: Transport
    expects_status: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they arrived, and when: seconds since the request was sent."""

    data: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who said this, and how we heard it.

    ``recorded_from`` is the provider kind on tape: ``google``, ``cometapi``, ``simulator``, ``import`` ...
    ``timing``: ``live`` measured now, ``recorded`` measured when it was recorded, ``lost`` not known.
    """

    mode: Literal["live", "replay"]
    recorded_from: str
    recorded_at: str | None = None
    timing: Literal["live", "recorded", "lost"] = "live"
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer on the wire. Header names are lower case. Bodies are decoded (no gzip).

    ``verbatim`` is False where another tool normalised the body, so that rules about bytes stay silent; ``own`` is True
    for live answers and our own cassettes, where a missing header is a fact. ``fault`` says how the answer broke off
    (cut, stalled, too large); None where it ended cleanly.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    chunks: Sequence[Chunk]
    head_at: float | None
    provenance: Provenance
    attempts: int = 1
    verbatim: bool = True
    own: bool = True
    fault: str | None = None

    @property
    def content(self) -> bytes:
        return self.chunks[0].data if len(self.chunks) == 1 else b"".join(chunk.data for chunk in self.chunks)

    @property
    def latency(self) -> float | None:
        """Seconds to the last byte; None where timing was lost."""
        if self.provenance.timing == "lost":
            return None
        return self.chunks[-1].at if self.chunks else self.head_at


# --- what the answer means ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """Something the reader met that a rule will speak about: ``rule`` is the invariant's id."""

    rule: str
    at: str
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded JSON value of an answer: the whole body of a unary call, or one chunk of a stream.

    ``at`` is when its last byte arrived (seconds), None where timing was lost.
    """

    value: Json
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer means: decoded, merged over chunks, thoughts apart from the answer. Never raises on odd data.

    ``form``: how it came: ``json``, ``sse``, ``array`` (JSON array stream), ``empty``, ``text`` (HTML or anything else).
    ``response``: the merged GenerateContentResponse, candidates in index order; ``{}`` where there is none.
    ``error``: the error object (``{code, message, status, details}`` or whatever stood under ``error``); None if there is none.
    ``faults``: what the reader met. The rest are views on candidate 0 of ``response``.
    """

    form: Literal["json", "sse", "array", "empty", "text"]
    events: Sequence[Event]
    response: Mapping[str, Json]
    error: Json | None
    faults: Sequence[AnswerFault]
    text: str = ""
    thoughts: str = ""
    parts: Sequence[Mapping[str, Json]] = ()
    """Merged parts: neighbouring text parts of one kind joined; everything else as it came. Each is a JSON object."""
    function_calls: Sequence[Mapping[str, Json]] = ()
    """``functionCall`` objects, in order, partial arguments joined."""
    inline_data: Sequence[Mapping[str, Json]] = ()
    finish_reason: str | None = None
    finish_reasons: Sequence[str] = ()
    """Every finish reason of candidate 0 over the chunks, in order."""
    block_reason: str | None = None
    usage: Mapping[str, Json] = field(default_factory=dict)
    """The last ``usageMetadata`` that holds a total."""
    grounding: Mapping[str, Json] = field(default_factory=dict)
    model_version: str | None = None
    content: Mapping[str, Json] | None = None
    """The model's turn as it goes back in the next request: every part as received, none merged, none lost."""
    ttft: float | None = None
    """Seconds to the event with the first answer text, call or data; None without timing or without output."""

    def count(self, name: str) -> int:
        """A ``...TokenCount`` of ``usage``; absent, null and non-numbers count as 0 (proto3 leaves zeros out)."""
        value = self.usage.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0


@dataclass(frozen=True, slots=True)
class Bill:
    """What an answer cost in US dollars. None where that is not known: then ``why``, and ``remedy`` where there is one."""

    dollars: float | None = None
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as it was played."""

    step: Step
    request: Request
    exchange: Exchange
    reply: Reply
    bill: Bill = Bill()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a check or an invariant may look at.

    ``request_body`` is the body as sent (raw spelling), None where a recording has none. ``expects`` maps the names of
    checks that the step itself states to their parameters; empty in ``audit``. ``audit`` is True where nobody expects anything.
    """

    exchange: Exchange
    reply: Reply
    request_body: Mapping[str, Json] | None
    model: str | None
    transport: Transport
    expects: Mapping[str, Json] = field(default_factory=dict)
    audit: bool = False
    folder: Path = Path()
    earlier: Sequence[Turn] = ()
    bill: Bill = Bill()
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out once and several checks and rules need (see ``structured``)."""


# --- judging ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One way in which an answer is not what was expected. ``at`` is a JSON path, or a plain name.

    ``severity`` is set where one rule judges cases differently; None leaves the rule's own.
    """

    at: str
    expected: Json
    actual: Json
    message: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of judgement: a check that held, or one of its mismatches.

    ``check`` is the YAML key or ``invariant:<rule id>``. ``status`` ``waived`` carries the reason in ``message``.
    """

    check: str
    status: Literal["passed", "failed", "error", "waived"]
    severity: Severity = "error"
    at: str = ""
    expected: Json = None
    actual: Json = None
    message: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a trial could not be judged. ``kind``: ``ask`` (network, key, recording), ``suite`` (the user's own check
    broke), ``internal`` (ours). ``traceback`` is kept where it helps."""

    kind: Literal["ask", "suite", "internal"]
    message: str
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One trial, judged. ``held`` counts the invariants that held; those violated or waived are among ``verdicts``.

    ``measures`` are numbers in seconds, tokens or dollars (None: not known); they never pass or fail by themselves.
    ``turns`` is what was said, kept until the run has been written.
    """

    trial: Trial
    status: Status
    verdicts: Sequence[Verdict] = ()
    invariants_passed: int = 0
    measures: Mapping[str, float | int | None] = field(default_factory=dict)
    provenance: Provenance | None = None
    problem: Problem | None = None
    turns: Sequence[Turn] = ()


CheckFunction = Callable[[Evidence, Any], Iterator[Mismatch]]
RuleFunction = Callable[[Evidence], Iterator[Mismatch]]
