"""Times, in seconds since the request was sent. A replay uses the recorded times.

If a recording has no times, a timing check fails and says so, because a check that cannot fail would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, TypedDict

from harness.judge.predicates import DurationPredicate, NumberPredicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch

NOT_RECORDED = "expected a time, got none: this recording has no times; record it again, or remove the check"


class StreamWords(TypedDict, total=False):
    """The chunks of a stream, and its times."""

    chunks: Annotated[NumberPredicate, "how many chunks (events) there are"]
    ttft: Annotated[DurationPredicate, "the time to the first text, call or data of the answer"]
    gap: Annotated[DurationPredicate, "the longest time between two chunks"]
    duration: Annotated[DurationPredicate, "the time from the first chunk to the last"]


@check("latency")
def latency(evidence: Evidence, expected: DurationPredicate) -> Iterator[Mismatch]:
    """The time to the last byte of the answer. The check fails if the recording has no times.

    latency: {max: 4s}
    """
    yield from _timed("latency", evidence.exchange.latency, expected)


@check("ttft")
def ttft(evidence: Evidence, expected: DurationPredicate) -> Iterator[Mismatch]:
    """The time to the first text, call or data of the answer, without thoughts. For a unary answer it is the whole time.

    ttft: {max: 800ms}
    """
    yield from _first_output("ttft", evidence, expected)


@check("stream")
def stream(evidence: Evidence, expected: StreamWords) -> Iterator[Mismatch]:
    """The chunks and times of a streamed answer. It passes for a unary trial, so that one case can sweep both transports.

    stream: {chunks: {min: 2}, ttft: {max: 2s}, gap: {max: 5s}}
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


def _first_output(at: str, evidence: Evidence, expected: DurationPredicate) -> Iterator[Mismatch]:
    if evidence.reply.ttft is None and evidence.exchange.latency is not None:
        yield Mismatch(at, dict(expected), None, "expected a first output, got an answer without text, call or data")
    else:
        yield from _timed(at, evidence.reply.ttft, expected)


def _timed(at: str, seconds: float | None, expected: DurationPredicate) -> Iterator[Mismatch]:
    if seconds is None:
        yield Mismatch(at, dict(expected), None, NOT_RECORDED)
    else:
        yield from differs(at, seconds, expected, unit="s")
