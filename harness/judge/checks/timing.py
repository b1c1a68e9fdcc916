"""Times, in seconds since the request was sent on an open connection, and the events of a stream. A replay uses the recorded times.

If a recording has no times, a timing check fails and says so, because a check that cannot fail would prove nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, TypedDict

from msgspec.structs import replace

from harness.judge.checks.parameters import JsonPath
from harness.judge.checks.structured import selected
from harness.judge.predicates import DurationWords, NumberPredicate, Predicate, differs
from harness.judge.registry import check
from harness.model import Event, Evidence, Mismatch
from harness.text import amounts

NOT_RECORDED = "expected a time, got none: this recording has no times; record it again, or remove the check"


class StreamWords(TypedDict, total=False):
    """The chunks of a stream, what they hold, and its times."""

    chunks: Annotated[NumberPredicate, "how many chunks (events) there are"]
    ttft: Annotated[DurationWords, "as the check ttft"]
    gap: Annotated[DurationWords, "the longest time between two chunks"]
    duration: Annotated[DurationWords, "the time from the first chunk to the last"]
    each: Annotated[dict[JsonPath, Predicate], "JSONPath -> the predicate that its value in every event must satisfy"]
    first: Annotated[dict[JsonPath, Predicate], "the same, for the first event"]
    last: Annotated[dict[JsonPath, Predicate], "the same, for the last event"]


@check("latency")
def latency(evidence: Evidence, expected: DurationWords) -> Iterator[Mismatch]:
    """The time from the request, on an open connection, to the last byte of the answer.

    Neither other requests in flight nor earlier tries count. The check fails if the recording has no times, and passes for a
    trial in a batch.

    latency: {max: 4s}
    """
    if evidence.transport == "batch":
        return
    yield from _timed("latency", evidence.exchange.latency, expected)


@check("ttft")
def ttft(evidence: Evidence, expected: DurationWords) -> Iterator[Mismatch]:
    """The time from the request, on an open connection, to the first text, call or data. Thoughts do not count.

    For a unary answer it is the ``latency``. The check passes for a trial in a batch.

    ttft: {max: 800ms}
    """
    if evidence.transport == "batch":
        return
    yield from _first_output("ttft", evidence, expected)


@check("stream")
def stream(evidence: Evidence, expected: StreamWords) -> Iterator[Mismatch]:
    """The chunks and times of a streamed answer. It passes for other trials, so that one case can sweep all transports.

    ``each``, ``first`` and ``last`` look into the events as they arrived, before they are merged; ``path`` looks into the
    merged answer. Events count from 1.

        stream: {chunks: {min: 2}, ttft: {max: 2s}, gap: {max: 5s}}
        stream:
          each: {$.modelVersion: {present: true}}
          last: {'$.candidates[0].finishReason': STOP}
    """
    if evidence.transport != "stream":
        return
    times = [event.at for event in evidence.reply.events if event.at is not None]
    if "chunks" in expected:
        yield from differs("stream.chunks", len(evidence.reply.events), expected["chunks"])
    if "ttft" in expected:
        yield from _first_output("stream.ttft", evidence, expected["ttft"])
    if "gap" in expected:
        gap = max((later - earlier for earlier, later in pairwise(times)), default=0.0)
        yield from _timed("stream.gap", gap if times else None, expected["gap"])
    if "duration" in expected:
        yield from _timed("stream.duration", times[-1] - times[0] if times else None, expected["duration"])
    for word, which in _EVENTS.items():
        if word in expected:
            yield from _wrong_events(evidence.reply.events, which, expected[word])  # type: ignore[literal-required]


_EVENTS = {"each": slice(None), "first": slice(1), "last": slice(-1, None)}


def _wrong_events(events: Sequence[Event], which: slice, expected: Mapping[str, Any]) -> Iterator[Mismatch]:
    """The mismatches of the first event that differs, path by path, and the number of the others."""
    numbered = list(enumerate(events, 1))[which]
    if not numbered:
        yield Mismatch("stream", dict(expected), None, "expected an event, got an empty stream")
    for path, predicate in expected.items():
        found = (list(selected(event.value, {path: predicate}, f"event {number} ")) for number, event in numbered)
        wrong = [mismatches for mismatches in found if mismatches]
        more = f"; also in {amounts.count(len(wrong) - 1, 'more event')}" if len(wrong) > 1 else ""
        for mismatch in wrong[0] if wrong else ():
            yield replace(mismatch, message=mismatch.message + more)


def _first_output(at: str, evidence: Evidence, expected: DurationWords) -> Iterator[Mismatch]:
    if evidence.reply.ttft is None and evidence.exchange.latency is not None:
        yield Mismatch(at, dict(expected), None, "expected a first output, got an answer without text, call or data")
    else:
        yield from _timed(at, evidence.reply.ttft, expected)


def _timed(at: str, seconds: float | None, expected: DurationWords) -> Iterator[Mismatch]:
    if seconds is None:
        yield Mismatch(at, dict(expected), None, NOT_RECORDED)
    else:
        yield from differs(at, seconds, expected, unit="s")
