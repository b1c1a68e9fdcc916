"""Errors that are answered instead of an answer."""

from __future__ import annotations

from harness.simulator.errors import quota, refusal
from harness.simulator.faults.registry import refuses

RETRY_SECONDS = 1.5

refuses("400", "a good request is refused, and no field is named", lambda _: refusal("invalid_argument"))
refuses("403", "the key may not do this", lambda _: refusal("permission"))
refuses(
    "429",
    "quota used up: 429 with Help, QuotaFailure and RetryInfo (1 s)",
    lambda ask: quota(ask.requested, RETRY_SECONDS),
)
refuses(
    "429-daily", "daily quota used up: retrying is no use", lambda ask: quota(ask.requested, RETRY_SECONDS, daily=True)
)
refuses("429-short", "429 without details", lambda _: refusal("quota_short"))
refuses("429-capacity", "429 in Vertex's words", lambda _: refusal("capacity"))
refuses("499", "cancelled", lambda _: refusal("cancelled"))
refuses("500", "internal error", lambda _: refusal("internal"))
refuses("503", "overloaded", lambda _: refusal("overloaded"))
refuses("503-deadline", "deadline exceeded, said with 503", lambda _: refusal("deadline_503"))
refuses("504", "deadline exceeded", lambda _: refusal("deadline"))
