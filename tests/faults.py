"""Every fault of the simulator, the trials that detect it, and the fault of each suite: ``python -m tests.faults [FAULT ...]``.

Each trial is played against a simulator in this process that makes the fault in every answer. ``REACH`` says which trials a fault
can affect, in terms of features of the healthy exchange. ``FAULTS[name].rule`` is the rule that must detect it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from harness.config import Config
from harness.gemini.providers import credentials
from harness.judge.registry import all_rules
from harness.model import Chunk, Event, Exchange, Json, Provenance, Request, Result, Slot, Trial, Turn
from harness.run.play import finish, play
from harness.run.session import plan
from harness.simulator.app import Simulator
from harness.simulator.faults import FAULTS
from harness.simulator.traffic import Call, Cut, Pause, Sent
from harness.suite.matrix import Selection

SUITES = Path(__file__).parents[1] / "suites"
CONFIG = Config(provider="simulator")

PROFILE = "profile "
"""Before the name of a profile, which is used as a fault: a gateway that does not offer something."""

Colour = Literal["green", "warn", "red", "error", "broken"]
"""The result of a trial. green: passed, warn: passed with a warning, red: failed, error: no answer to judge, broken: an error of the harness."""


class InProcessTransport:
    """A transport to a simulator in this process that makes one fault. Times are computed, without waiting."""

    def __init__(self, fault: str = "") -> None:
        self._simulator = Simulator(now=self._now)
        self._at = 0.0
        self._prefix = f"/{fault.removeprefix(PROFILE)}" if fault.startswith(PROFILE) else ""
        self._headers = {"x-simulator-fault": fault} if fault in FAULTS else {}

    def _now(self) -> float:
        """A second later with every look at the clock, so that nothing is waited for."""
        self._at += 1
        return self._at

    async def send(self, request: Request, _: Slot) -> Exchange:
        url = urlsplit(request.url)
        key = credentials(CONFIG.find(request.provider).as_accessed(request.access), {})
        headers = {**request.headers, **key, **self._headers}
        path, query = self._prefix + url.path, dict(parse_qsl(url.query))
        sent = self._simulator.handle(Call(request.method, path, query, headers, request.content))
        chunks, broke_off = _arrived(sent)
        return Exchange(
            request=request,
            status=sent.status,
            headers={name.decode(): value.decode() for name, value in sent.headers},
            chunks=chunks,
            head_at=sent.delay,
            provenance=Provenance("replay", request.provider, simulated=True),
            fault=broke_off,
        )


def _arrived(sent: Sent) -> tuple[list[Chunk], str | None]:
    """The chunks that a client receives, and how the answer broke off (None if it is complete)."""
    chunks: list[Chunk] = []
    at = sent.delay
    for piece in sent.body:
        if isinstance(piece, Cut):
            return chunks, "cut"
        if isinstance(piece, Pause):
            at += piece.seconds
            if piece.seconds > CONFIG.timeouts.gap:
                return chunks, "stalled"
        else:
            chunks.append(Chunk(piece, at))
            at += sent.pace
    return chunks, None


# --- what a fault can affect --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """The trials that a fault can affect. ``where``: names of features that one healthy turn must all have; ``or`` separates such sets.
    ``by``: other rules and checks that may detect it there."""

    where: str
    by: str = ""

    def covers(self, turns: Sequence[frozenset[str]]) -> bool:
        return any(set(words.split()) <= turn for words in self.where.split(" or ") for turn in turns)


REACH: Mapping[str, Reach] = {
    # usage
    "no-usage": Reach("content"),
    "no-thoughts-count": Reach("thought"),
    "wrong-sum": Reach("ok"),
    "negative-count": Reach("ok"),
    "wrong-details": Reach("ok no-tool-use"),
    "prompt-drift": Reach("recounts no-tool-use"),
    "no-candidates-count": Reach("text counted"),
    # thinking
    "ignored-budget": Reach("budget or few-thoughts", by="thinking-off thoughtsTokenCount"),
    "unasked-thoughts": Reach("content thoughts-unrequested"),
    "missing-thoughts": Reach("thoughts-shown", by="thoughts"),
    "thought-leak": Reach("text"),
    "control-text": Reach("text"),
    "no-thinking": Reach("thoughts-expected or thinking-expected", by="thoughts thoughtsTokenCount"),
    "eaten-by-thoughts": Reach("stopped or cut off", by="finishReason thinking-off max-tokens-unasked"),
    "untagged-thoughts": Reach("thoughts-shown"),
    # structured output
    "fenced-json": Reach("json"),
    "truncated-json": Reach("json"),
    "extra-json": Reach("json"),
    "prose-for-json": Reach("json"),
    "thoughts-in-json": Reach("json"),
    "number-loop": Reach("json", by="finishReason finish-reason"),
    "schema-violation": Reach("json", by="json"),
    "missing-key": Reach("json object", by="json"),
    "reversed-keys": Reach("ordered or json search", by="grounding-segment"),
    # functions
    "lost-signature": Reach("calls signs"),
    "undeclared-call": Reach("calls"),
    "wrong-args": Reach("calls"),
    "missing-args": Reach("calls"),
    "duplicate-call": Reach("calls"),
    "malformed-call": Reach("content", by="finishReason"),
    "unexpected-call": Reach("content", by="finishReason"),
    # grounding
    "character-offsets": Reach("search"),
    "dangling-chunk": Reach("search"),
    "wrong-part": Reach("search"),
    "footnotes": Reach("search cites or search json", by="groundingChunks json"),
    "no-chunks": Reach("search"),
    "empty-grounding": Reach("search cites", by="groundingChunks"),
    # the envelope
    "substituted-model": Reach("ok"),
    "empty-stop": Reach("stopped"),
    "blocked": Reach("ok", by="blockReason"),
    "no-candidates": Reach("content"),
    "no-finish": Reach("content", by="finishReason stream-end"),
    "hidden-truncation": Reach("content limit"),
    "truncation-as-other": Reach("cut", by="finishReason"),
    "broken-characters": Reach("text"),
    "unknown-field": Reach("ok"),
    "unknown-finish": Reach("content", by="finishReason"),
    "wrong-type": Reach("content"),
    "wrong-image-type": Reach("image"),
    "no-image": Reach("image"),
    # the order of a stream
    "early-finish": Reach("chunks no-tool-use"),
    "no-end": Reach("chunks"),
    "snapshots": Reach("texts"),
    "repeated-text": Reach("chunks long or chunks exact", by="text"),
    # errors instead of an answer
    "400": Reach("processed ok or processed says", by="http error"),
    "403": Reach("processed", by="http error"),
    **dict.fromkeys(("429", "429-daily", "429-short", "429-capacity", "499"), Reach("processed")),
    **dict.fromkeys(("500", "503", "503-deadline", "504"), Reach("processed")),
    # dropped fields of the request
    "forgets-system": Reach("system", by="text python promptTokenCount"),
    "forgets-config": Reach(
        "schema or cut or off or thoughts-expected or config-refused or shaped",
        by="text finishReason thoughts thinking-off http error images",
    ),
    "forgets-history": Reach("history refused", by="http error"),
    "forgets-tools": Reach("calls or search cites", by="functionCalls groundingChunks"),
    # bytes
    "slow": Reach("ttft", by="stream"),
    "stall": Reach("ok"),
    "cut": Reach("ok"),
    "html": Reach("ok"),
    "firewall": Reach("ok"),
    "html-200": Reach("ok"),
    "empty": Reach("ok"),
    "openai-error": Reach("ok"),
    "nested-error": Reach("ok"),
    "all-failed": Reach("ok"),
    "error-200": Reach("ok"),
    "broken-json": Reach("ok", by="sse-framing"),
    "wrong-content-type": Reach("ok"),
    "no-content-type": Reach("ok"),
    "error-event": Reach("stream"),
    "done": Reach("stream"),
    "bytes-literal": Reach("stream"),
    "torn-event": Reach("stream"),
    "no-last-blank-line": Reach("stream"),
    "json-instead": Reach("stream"),
    "events-instead": Reach("unary"),
}
"""Fault -> the trials that it can affect. A fault that is missing here is healthy and affects none."""

EVERY_FAULT = frozenset(
    [
        "errors", "function-calling", "grounding", "image-output", "json-mode", "response-schema", "streaming", "system-instructions",
        "thinking-budgets", "thinking-levels", "thoughts",
    ]
)  # fmt: skip
"""The suites whose trials are played with every fault."""

OF_SUITE: Mapping[str, str] = {
    "audio-input": "forgets-media",
    "auth": "403",
    "batch": "profile comet",
    "caching": "forgets-cache",
    "citations": "unknown-finish",
    "code-execution": "forgets-tools",
    "compatible": "forgets-tools",
    "count-tokens": "wrong-sum",
    "embeddings": "forgets-dimensions",
    "enum-mode": "forgets-config",
    "errors": "profile comet",
    "file-search": "forgets-tools",
    "files": "forgets-media",
    "function-calling": "lost-signature",
    "function-modes": "forgets-tools",
    "gateway": "lost-signature",
    "grounding": "character-offsets",
    "identity": "substituted-model",
    "image-input": "forgets-media",
    "image-output": "wrong-image-type",
    "json-mode": "fenced-json",
    "logprobs": "forgets-config",
    "maps": "forgets-tools",
    "models-list": "profile comet",
    "multi-turn": "forgets-history",
    "pdf-input": "forgets-media",
    "response-json-schema": "missing-key",
    "response-schema": "missing-key",
    "safety": "blocked",
    "sampling": "forgets-config",
    "schema-matrix": "schema-violation",
    "simulator": "empty-stop",
    "speech": "forgets-config",
    "streaming": "snapshots",
    "system-instructions": "forgets-system",
    "text": "broken-characters",
    "thinking-budgets": "ignored-budget",
    "thinking-levels": "no-thinking",
    "thoughts": "unasked-thoughts",
    "url-context": "forgets-tools",
    "usage": "no-usage",
    "video-input": "forgets-media",
}
"""Shipped suite -> the fault of its own feature, which turns it red."""

ERRORS: Mapping[str, str] = {
    **{name: f"HTTP {name[:3]}" for name in FAULTS if name[:3] in ("429", "499", "500", "503", "504")},
    "html": "HTTP 502",
    "openai-error": "HTTP 503",
    "nested-error": "HTTP 500",
    "stall": "the answer broke off: stalled",
    "cut": "the answer broke off: cut",
}
"""Fault -> a part of the error message, for faults that lead to an error: temporary statuses and lost connections."""


def features(turn: Turn) -> frozenset[str]:
    """The names of the features of one turn of a healthy trial."""
    return frozenset(name for name, present in _features(turn) if present)


def _features(turn: Turn) -> Iterator[tuple[str, Any]]:
    if turn.step.call is not None:
        return  # faults change answers of the model only
    yield from _of_request(turn)
    yield from _of_answer(turn)
    yield from _of_stream(turn)


def _of_request(turn: Turn) -> Iterator[tuple[str, Any]]:
    body, expects = turn.request.body, {expectation.check: expectation.parameter for expectation in turn.step.expect}
    config = body.get("generationConfig", {})
    thinking = config.get("thinkingConfig", {})
    ok = turn.exchange.status == 200
    unread = (turn.reply.error or {}).get("message", "").startswith(("Invalid ", "API key ", "Method doesn't allow "))
    thoughts, error = expects.get("thoughtsTokenCount"), expects.get("error", {})
    limits = thoughts if isinstance(thoughts, dict) else {}
    yield "ok", ok
    yield "processed", turn.exchange.status != 404 and not unread  # these are refused before anything else
    yield "refused", turn.exchange.status == 400
    yield "config-refused", turn.exchange.status == 400 and not unread and set(config) - {"maxOutputTokens"}
    yield "says", "message" in error or "details" in error
    yield "system", body.get("systemInstruction")
    yield "history", len(body.get("contents", ())) > 1
    yield "limit", config.get("maxOutputTokens")
    yield "json", ok and config.get("responseMimeType") == "application/json"
    yield "counted", not (config.get("responseMimeType") == "application/json" and body.get("tools"))
    yield "schema", ok and (config.get("responseSchema") or config.get("responseJsonSchema"))
    yield "ordered", ok and config.get("responseSchema", {}).get("propertyOrdering")
    yield "signs", turn.request.model.startswith("gemini-3")
    yield "thoughts-unrequested", not thinking.get("includeThoughts")
    yield "budget", ok and thinking.get("thinkingBudget", -1) >= 0
    yield "off", ok and thinking.get("thinkingBudget") == 0 and "lite" not in turn.request.model  # which is off anyway
    yield "thoughts-expected", expects.get("thoughts") == {"present": True}
    yield "thinking-expected", limits.get("min")
    yield "few-thoughts", limits.get("max", 1000) < 1000
    yield "shaped", config.get("imageConfig")
    yield "exact", "equals" in expects.get("text", {})
    yield "cites", expects.get("groundingChunks", {"min": 0}) != {"min": 0}
    yield "ttft", "ttft" in expects.get("stream", {})


def _of_answer(turn: Turn) -> Iterator[tuple[str, Any]]:
    reply = turn.reply
    yield "content", reply.parts
    yield "stopped", reply.finish_reason == "STOP"
    yield "cut", reply.finish_reason == "MAX_TOKENS"
    yield "text", reply.text
    yield "long", len(reply.text) >= 12  # shorter texts repeat by chance
    yield "object", reply.text.startswith("{")
    yield "calls", reply.function_calls
    yield "image", reply.inline_data
    yield "search", reply.grounding.get("groundingSupports")
    yield "no-tool-use", not reply.count("toolUsePromptTokenCount")
    yield "thought", reply.count("thoughtsTokenCount")
    yield "thoughts-shown", reply.thoughts


def _of_stream(turn: Turn) -> Iterator[tuple[str, Any]]:
    ok, events = turn.exchange.status == 200, turn.reply.events
    stream = ok and turn.request.transport == "stream"
    yield "unary", ok and not stream
    yield "stream", stream
    yield "chunks", stream and len(events) > 1
    tools = turn.request.body.get("tools")  # one change of the prompt's count is right with them
    yield "recounts", stream and len(events) > (2 if tools else 1)
    yield "texts", stream and sum(map(_has_text, events)) > 1
    yield "pieces", stream and sum(map(_has_content, events)) > 1


def _has_text(event: Event) -> bool:
    return any(part.get("text") and not part.get("thought") for part in _parts(event))


def _has_content(event: Event) -> bool:
    return any(part.get("text") or "functionCall" in part for part in _parts(event))


def _parts(event: Event) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = event.value["candidates"][0].get("content", {}).get("parts", ())
    return found


# --- playing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one trial with one fault. ``names`` are the rules and checks that failed, or the error message."""

    trial: Trial
    colour: Colour
    names: frozenset[str]


@cache
def shipped() -> Sequence[Trial]:
    """Every trial of the shipped suites."""
    return tuple(plan([str(SUITES)], Selection(), CONFIG).trials)


@cache
def trials() -> Sequence[Trial]:
    """The trials that are played with every fault: those of ``EVERY_FAULT``."""
    return tuple(trial for trial in shipped() if trial.suite in EVERY_FAULT)


def observed(suite: str, fault: str = "") -> list[Observation]:
    """The result of every trial of one suite, with a fault or a profile."""
    transport = InProcessTransport(fault)
    return [_observed(trial, finish(play(trial, transport, CONFIG))) for trial in shipped() if trial.suite == suite]


@cache
def healthy() -> Mapping[str, Sequence[frozenset[str]]]:
    """Trial id -> the features of its turns, without a fault."""
    return {trial.id: [*map(features, result.turns)] for trial, result in _played("")}


def observations(fault: str = "", played: Sequence[Trial] = ()) -> list[Observation]:
    """The result of every trial with this fault, or of those that are given."""
    return [_observed(trial, result) for trial, result in _played(fault, played)]


def affected_trials(fault: str) -> set[str]:
    """The ids of the trials that a fault can affect."""
    reach = REACH.get(fault)
    return {name for name, turns in healthy().items() if reach and reach.covers(turns)}


def detectors(fault: str) -> set[str]:
    """The rules and checks that may detect it; at least one must."""
    reach = REACH.get(fault, Reach(""))
    return {name for name in (FAULTS[fault].rule, *reach.by.split()) if name}


def only_warns(fault: str) -> bool:
    """Whether the rule that detects it only warns."""
    rule = all_rules().get(FAULTS[fault].rule)
    return rule is not None and rule.severity == "warn"


def _played(fault: str, played: Sequence[Trial] = ()) -> Iterator[tuple[Trial, Result]]:
    transport = InProcessTransport(fault)
    for trial in played or trials():
        yield trial, finish(play(trial, transport, CONFIG))


def _observed(trial: Trial, result: Result) -> Observation:
    if result.problem is not None:
        colour: Colour = "error" if result.problem.kind == "ask" else "broken"
        return Observation(trial, colour, frozenset((result.problem.message,)))
    names = frozenset(
        verdict.check.removeprefix("invariant:") for verdict in result.verdicts if verdict.status == "failed"
    )
    return Observation(trial, "red" if result.status == "failed" else "warn" if names else "green", names)


# --- output -------------------------------------------------------------------------------------------


def table(names: Sequence[str]) -> str:
    """The table: a row per fault; ``""`` is no fault."""
    from tabulate import tabulate

    rows = [_row(name, observations(name)) for name in names]
    headers = ["fault", "red", "warn", "could not ask", "green", "detected by", "also by"]
    return tabulate(rows, headers, disable_numparse=True, colalign=["left", *["right"] * 4, "left", "left"])


def table_of_suites() -> str:
    """A row per shipped suite: its own fault, how many of its trials turn red, and what detects it."""
    from tabulate import tabulate

    rows = [_row_of_suite(suite, fault) for suite, fault in OF_SUITE.items()]
    return tabulate(rows, ["suite", "fault", "red", "of", "detected by"], disable_numparse=True)


def _row_of_suite(suite: str, fault: str) -> list[Json]:
    found = observed(suite, fault)
    red = [observation for observation in found if observation.colour == "red"]
    counts = Counter(name for observation in red for name in observation.names)
    return [suite, fault, len(red), len(found), ", ".join(_counted(counts, list(counts))[:3])]


def _row(fault: str, found: Sequence[Observation]) -> list[Json]:
    colours = Counter(observation.colour for observation in found)
    expected = {ERRORS[fault]} if fault in ERRORS else detectors(fault) if fault else set()
    counts = Counter(
        name for observation in found if observation.colour in ("red", "warn") for name in observation.names
    )
    named = sorted(expected) if fault in ERRORS else _counted(counts, [name for name in counts if name in expected])
    others = _counted(counts, [name for name in counts if name not in expected])
    numbers = [colours[colour] or "" for colour in ("red", "warn", "error", "green")]
    return [fault or "(none)", *numbers, ", ".join(named), ", ".join(others[:3])]


def _counted(counts: Counter[str], names: Sequence[str]) -> list[str]:
    return [f"{name} {counts[name]}" for name in sorted(names, key=lambda name: (-counts[name], name))]


def listing(fault: str) -> str:
    """One fault: every trial that detects it, and the rules and checks that do."""
    rows = [
        f"  {observation.colour:<7}  {observation.trial.id}  {', '.join(sorted(observation.names)).splitlines()[0]}"
        for observation in observations(fault)
        if observation.colour != "green"
    ]
    return "\n".join([f"{fault}: {FAULTS[fault].about}", *rows])


def main(names: Sequence[str]) -> int:
    """Print the tables, or the trials that detect the named faults. Returns the exit code."""
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        print(f"no fault is called {unknown[0]!r}; `gemini-harness simulate --faults` lists them", file=sys.stderr)
        return 4
    print("\n\n".join(map(listing, names) if names else (table(["", *FAULTS]), table_of_suites())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
