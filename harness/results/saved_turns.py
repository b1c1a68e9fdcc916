"""The turns of a saved run as exchanges, to be read and judged again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from harness.model import Chunk, Exchange, Provenance, Request
from harness.results.rows import TurnRow


def exchange_of(
    request: Request, turn: TurnRow, provenance: Provenance | None = None, ttft: float | None = None
) -> Exchange:
    """A saved turn as an exchange. ``ttft``: when the first output came, in seconds, if it is known.

    A stream has its events at their times; the one of the first output holds the whole answer.
    """
    timed = bool(turn.times) and None not in turn.times
    origin = replace(provenance or Provenance("replay", ""), mode="replay", timing="recorded" if timed else "lost")
    times = [at or 0.0 for at in turn.times] or [0.0]  # a body that is no answer has no event
    chunks = [Chunk(data, at) for data, at in zip(_bodies(turn, ttft), times, strict=False)]
    headers = turn.headers or {}
    return Exchange(request, turn.status, headers, chunks, None, origin, turn.attempts, verbatim=False, own=False)


def _bodies(turn: TurnRow, ttft: float | None) -> Iterator[bytes]:
    """The body of the answer; of a stream one piece for each of its events."""
    if turn.body is not None or not turn.response:
        yield (turn.body or "").encode()
        return
    whole = json.dumps(turn.response).encode()
    if turn.framing is None or turn.framing.form != "sse":
        yield whole
        return
    around = {
        name: value for name, value in turn.response.items() if name not in ("candidates", "promptFeedback", "error")
    }
    place = _nearest(turn.times, ttft)
    for number in range(max(len(turn.times), 1)):
        yield b"data: " + (whole if number == place else json.dumps(around).encode()) + b"\r\n\r\n"


def _nearest(times: Sequence[float | None], ttft: float | None) -> int:
    """The position of the event that came at this time; the last one if it is not known."""
    known = [(abs(at - ttft), number) for number, at in enumerate(times) if at is not None and ttft is not None]
    return min(known)[1] if known else max(len(times) - 1, 0)
