"""An answer as a plain object, the argument of a suite's ``python:`` check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.answer.structured import as_json
from harness.model import Evidence, Json, Reply


class Outcome(Struct, frozen=True):
    """One answer. Times are in seconds, None if they were not recorded.

    ``text`` has no thoughts. ``response`` is the merged GenerateContentResponse, ``chunks`` the JSON values as
    received, ``request`` the body as sent, ``grounding`` the groundingMetadata, ``error`` the API's error object.
    """

    text: str
    thoughts: str
    parts: Sequence[Mapping[str, Json]]
    function_calls: Sequence[Mapping[str, Json]]
    inline_data: Sequence[Mapping[str, Json]]
    finish_reason: str | None
    block_reason: str | None
    usage: Mapping[str, Json]
    grounding: Mapping[str, Json]
    response: Mapping[str, Json]
    chunks: Sequence[Json]
    error: Json | None
    status: int
    headers: Mapping[str, str]
    request: Mapping[str, Json] | None
    model: str | None
    model_version: str | None
    latency: float | None
    ttft: float | None

    @property
    def json(self) -> Json:
        """The answer text as JSON. Raises AssertionError if it is not JSON, so that the check fails with the reason."""
        try:
            return as_json(self.text)
        except ValueError as problem:
            raise AssertionError(str(problem)) from None


_OF_REPLY = Outcome.__annotations__.keys() & Reply.__annotations__.keys()


def outcome(evidence: Evidence) -> Outcome:
    """The plain object for this evidence."""
    reply, exchange = evidence.reply, evidence.exchange
    return Outcome(
        **{name: getattr(reply, name) for name in _OF_REPLY},
        chunks=[event.value for event in reply.events],
        status=exchange.status,
        headers=exchange.headers,
        request=evidence.request_body,
        model=evidence.model,
        latency=exchange.latency,
    )
