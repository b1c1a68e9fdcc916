"""The data types that all packages share: plain frozen values, without behaviour.

From the suite to the answer::

    Suite > Case > (x Target x axes x row x attempt) = Trial > Step > Request > Exchange > Reply
    Mismatch < Verdict < Result < Run

Units are seconds and tokens. Wire names (``finishReason``, ``thoughtsTokenCount``) are Gemini's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

Json = Any
"""A decoded JSON value."""

Status = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
"""As in pytest. ``failed``: the provider did not do it. ``error``: it could not be judged."""

UNKNOWN_MODEL = "unknown-model"
"""Stands in the address of a recording that tells no model."""

RecordMode = Literal["none", "once", "new_episodes", "all", "stale"]
"""What is replayed, and what is asked and recorded: see ``transport.recorder``."""

Severity = Literal["error", "warn"]
Transport = Literal["unary", "stream", "batch"]
Auth = Literal["x-goog-api-key", "bearer", "both", "none"]
"""The headers that carry the key."""


# --- what to ask ---------------------------------------------------------------------------------------


class Place(Struct, frozen=True, omit_defaults=True):
    """A place in the text of a suite. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Target(Struct, frozen=True):
    """A provider and a model: a column of the table."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Access(Struct, frozen=True):
    """How a trial shows its key. ``auth``: in these headers; None: as the provider says. ``wrong_key``: a made-up key is sent in
    place of the provider's."""

    auth: Auth | None = None
    wrong_key: bool = False


class Expectation(Struct, frozen=True):
    """One line under ``expect:``. ``parameter`` is the plain YAML value, templates already filled in."""

    check: str
    parameter: Json
    place: Place


class Poll(Struct, frozen=True):
    """Repeats a call until its answer is as wanted. ``wanted``: JSONPath -> predicate. ``every`` and ``limit`` are seconds."""

    wanted: Mapping[str, Json]
    every: float
    limit: float

    @property
    def most(self) -> int:
        """How often the call is made at most."""
        return 1 + int(self.limit / self.every)


class ApiCall(Struct, frozen=True):
    """A call of the API that is not a turn of the conversation.

    ``path`` is below the provider's base and version: ``cachedContents``, ``models/gemini-3.8-flash:countTokens``. ``body``: None
    sends none. ``upload`` names a file, relative to the suite, that is sent through the Files API.
    """

    method: str
    path: str
    body: Json = None
    upload: str | None = None
    poll: Poll | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Step(Struct, frozen=True):
    """One request of a case, without the conversation before it.

    ``body`` is the ``generateContent`` body without ``contents``; ``contents`` are the turns that this step adds
    (Content objects). ``replies`` answers the function calls of the previous model turn, as ``functionResponse`` parts, ids
    echoed: function name -> response object, or a list of ``{name, response}`` in the order of the calls. ``capture`` maps a
    name to a JSONPath into the merged response; later steps write ``${capture.name}``. ``script``: the model's turn as the suite
    states it; then nothing is sent. ``call``: what is sent instead of the conversation.
    """

    body: Mapping[str, Json]
    contents: Sequence[Json]
    transport: Transport
    expect: Sequence[Expectation]
    place: Place
    replies: Mapping[str, Json] | Sequence[Mapping[str, Json]] | None = None
    capture: Mapping[str, str] = field(default_factory=dict)
    origins: Callable[[], Mapping[str, str]] = dict
    """Returns JSON path of the body -> the origin of that part (``defaults``, ``case``, ``axis thinking`` ...), for ``show``."""
    script: Sequence[Json] | None = None
    call: ApiCall | None = None
    cleanup: bool = False
    """Runs at the end whatever happened before; its own failure is a warning."""

    @property
    def sends(self) -> bool:
        """Whether the step sends a request."""
        return self.script is None


class Slot(Struct, frozen=True):
    """The position of an exchange on a cassette: ``[row, repeat, step]``, all counted from 0. ``part`` counts further requests of
    one step, from 1: polls, and what a judge is asked. ``own``: see `Trial`."""

    cassette: Path
    row: int
    repeat: int
    step: int
    part: int = 0
    own: Path | None = None

    @property
    def position(self) -> tuple[int, ...]:
        """As the cassette holds it: ``part`` is left out where it is 0."""
        return (self.row, self.repeat, self.step, *((self.part,) if self.part else ()))


class Trial(Struct, frozen=True):
    """One attempt at one case on one target, the unit that ``play`` plays.

    ``id`` is ``suite/case[axes]@provider/model#n`` with n from 1 (always written); ``group`` is the same without ``#n``.
    ``axes`` holds the swept axes only (not model and provider), in matrix order. Attempts of one group share ``steps``.
    ``own``: set if the case names its ``cassette``, which is then only read; new recordings go to ``own``, and are replayed first.
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
    require: int | None = None
    """How many attempts of the group must pass. None: all. 0: observed only."""
    xfail: str | None = None
    skip: str | None = None
    waive: Mapping[str, str] = field(default_factory=dict)
    """Invariant id -> the reason why this case waives it."""
    agree: Literal["shape", "text"] | None = None
    """Set if unary and stream trials of one case must agree."""
    folder: Path = Path()
    """The suite's folder: ``python:`` checks and ``${file:}`` are looked up from here."""
    access: Access = Access()
    own: Path | None = None


# --- on the wire --------------------------------------------------------------------------------------


class Request(Struct, frozen=True):
    """A request without credentials, which are added below the recorder.

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
    access: Access = Access()


class Chunk(Struct, frozen=True):
    """Bytes as they arrived. ``at``: seconds since the request was sent on an open connection."""

    data: bytes
    at: float


class Provenance(Struct, frozen=True):
    """Where an answer came from: the provider, and live or from a cassette.

    ``recorded_from`` is the provider kind on tape: ``google``, ``cometapi``, ``simulator``, ``import`` ...
    ``timing``: ``live`` (measured now), ``recorded`` (measured at the recording), ``lost`` (not known).
    """

    mode: Literal["live", "replay"]
    recorded_from: str
    recorded_at: str | None = None
    timing: Literal["live", "recorded", "lost"] = "live"
    simulated: bool = False

    @property
    def day(self) -> str:
        """The UTC day of the recording, as in ``2026-12-01``; empty where it is not known."""
        return (self.recorded_at or "")[:10]


class Exchange(Struct, frozen=True):
    """A request and its answer on the wire. Header names are lower case. Bodies are decoded (no gzip).

    ``verbatim`` is False if another tool normalised the body; rules about bytes then do not apply. ``own`` is True for live
    answers and our own cassettes, whose headers are complete. ``fault``: how the answer broke off (cut, stalled, too large);
    None if it is complete.
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
        """Seconds to the last byte; None if the timing is lost."""
        if self.provenance.timing == "lost":
            return None
        return self.chunks[-1].at if self.chunks else self.head_at


# --- what the answer means ----------------------------------------------------------------------------


class AnswerFault(Struct, frozen=True):
    """A fault that decoding found, and that an invariant reports. ``rule``: the invariant's id, or ``done``, see `framing.DONE`."""

    rule: str
    at: str
    message: str


class Event(Struct, frozen=True):
    """One decoded JSON value of an answer: the whole body of a unary call, or one chunk of a stream.

    ``at``: seconds until its last byte arrived; None if the timing is lost.
    """

    value: Json
    at: float | None = None


class Reply(Struct, frozen=True):
    """A decoded answer, merged over its chunks, with thoughts apart from the text. Decoding never raises on faulty data.

    ``form``: its format: ``json``, ``sse``, ``array`` (JSON array stream), ``empty``, ``text`` (HTML or anything else).
    ``response``: the merged GenerateContentResponse, candidates in index order; ``{}`` if there is none.
    ``error``: the error object (``{code, message, status, details}`` or any other value of ``error``); None if there is none.
    ``faults``: what decoding found. The other fields are views on candidate 0 of ``response``.
    """

    form: Literal["json", "sse", "array", "empty", "text"]
    events: Sequence[Event]
    response: Mapping[str, Json]
    error: Json | None
    faults: Sequence[AnswerFault]
    text: str = ""
    thoughts: str = ""
    parts: Sequence[Mapping[str, Json]] = ()
    """Merged parts: adjacent text parts of one kind are joined, all others are unchanged. Each is a JSON object."""
    function_calls: Sequence[Mapping[str, Json]] = ()
    """``functionCall`` objects, in order, partial arguments joined."""
    inline_data: Sequence[Mapping[str, Json]] = ()
    finish_reason: str | None = None
    block_reason: str | None = None
    usage: Mapping[str, Json] = field(default_factory=dict)
    """The last ``usageMetadata`` that holds a total."""
    grounding: Mapping[str, Json] = field(default_factory=dict)
    model_version: str | None = None
    content: Mapping[str, Json] | None = None
    """The model's turn for the next request: every part as received, none merged or lost."""
    ttft: float | None = None
    """Seconds to the event with the first answer text, call or data; None without timing or without output."""
    chat: Sequence[Json] = ()
    """The events of a chat completion as they came; ``events`` has them as native ones. Empty for a native answer."""

    def count(self, name: str) -> int:
        """A ``...TokenCount`` of ``usage``; absent, null and what is no integer count as 0 (proto3 leaves zeros out)."""
        value = self.usage.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0
        return int(value) if value % 1 == 0 else 0


class Bill(Struct, frozen=True):
    """The cost of an answer in US dollars. None: not known, for the reason ``why``; ``remedy``: what to do, if there is a remedy."""

    dollars: float | None = None
    why: str = ""
    remedy: str = ""


class Turn(Struct, frozen=True):
    """One step with its request and answer."""

    step: Step
    request: Request
    exchange: Exchange
    reply: Reply
    bill: Bill = Bill()


class Question(Struct, frozen=True):
    """What a check asks a model about an answer. ``provider`` and ``model``: None are those of the trial. ``method`` is
    ``generateContent`` or ``embedContent``."""

    method: str
    body: Json
    provider: str | None = None
    model: str | None = None


class Assessment(Struct, frozen=True):
    """A question of a check, and what was answered. ``by``: the target that was asked."""

    by: Target
    exchange: Exchange
    reply: Reply
    bill: Bill = Bill()


class Evidence(Struct, frozen=True):
    """The input of checks and invariants.

    ``request_body``: the body as sent (raw spelling); None if a recording has none. ``expects``: the step's own checks, by
    name, with their parameters; empty in ``audit``. ``audit``: True if there is no suite, and so no expectation.
    """

    exchange: Exchange
    reply: Reply
    request_body: Mapping[str, Json] | None
    model: str | None
    transport: Transport
    expects: Mapping[str, Json] = field(default_factory=dict)
    audit: bool = False
    operation: str = "generateContent"
    """The method of the API: ``generateContent``, ``countTokens`` ...; empty for a call without one."""
    folder: Path = Path()
    earlier: Sequence[Turn] = ()
    bill: Bill = Bill()
    assessments: Mapping[str, Sequence[Assessment]] = field(default_factory=dict)
    """Check -> the answers to its questions."""
    memo: dict[Any, Any] = field(default_factory=dict)
    """A cache of results that several checks and rules need (see ``structured``)."""


# --- judging ------------------------------------------------------------------------------------------


class Mismatch(Struct, frozen=True):
    """One way in which an answer is not what was expected. ``at`` is a JSON path, or a plain name.

    ``severity`` overrides that of the rule; None keeps it. ``reason``: why in one or two words that stay the same, to be counted
    (``missing key``); empty if the check gives none.
    """

    at: str
    expected: Json
    actual: Json
    message: str
    severity: Severity | None = None
    reason: str = ""


class Verdict(Struct, frozen=True):
    """The result of a check: that it passed, or one of its mismatches.

    ``check`` is the YAML key or ``invariant:<rule id>``. ``status`` ``waived`` says why in ``message``. ``reason``: see ``Mismatch``.
    """

    check: str
    status: Literal["passed", "failed", "error", "waived"]
    severity: Severity = "error"
    at: str = ""
    expected: Json = None
    actual: Json = None
    message: str = ""
    place: Place | None = None
    reason: str = ""


class Problem(Struct, frozen=True, omit_defaults=True):
    """Why a trial could not be judged. ``kind``: ``ask`` (network, key, recording), ``suite`` (an error in the user's own
    check), ``unknown`` (a check lacks a fact, such as a price), ``internal`` (an error of this program). ``cause``: the error's name, as `errors.cause` gives it.
    ``traceback``: None if it would not help."""

    kind: Literal["ask", "suite", "unknown", "internal"]
    message: str
    traceback: str | None
    cause: str = ""


class Result(Struct, frozen=True):
    """A judged trial. ``invariants_passed`` counts invariants; those violated or waived are among ``verdicts``.

    ``measures`` are numbers in seconds, tokens or US dollars (None: not known); they never pass or fail by themselves.
    ``turns``: requests and answers, kept until the run has been written.
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
