"""Errors instead of an answer."""

from __future__ import annotations

from harness.simulator.errors import quota, refusal
from harness.simulator.faults.registry import refuses

RETRY_SECONDS = 1.5

refuses("400", "a valid request is refused, and the error names no field", lambda _: refusal("invalid_argument"))
refuses("403", "the key has no permission", lambda _: refusal("permission"))
refuses(
    "429",
    "quota used up: 429 with Help, QuotaFailure and RetryInfo (1 s)",
    lambda ask: quota(ask.requested, RETRY_SECONDS),
)
refuses(
    "429-daily",
    "daily quota used up: retrying does not help",
    lambda ask: quota(ask.requested, RETRY_SECONDS, daily=True),
)
refuses("429-short", "429 without details", lambda _: refusal("quota_short"))
refuses("429-capacity", "429 with the text of Vertex AI", lambda _: refusal("capacity"))
refuses("499", "cancelled", lambda _: refusal("cancelled"))
refuses("500", "internal error", lambda _: refusal("internal"))
refuses("503", "overloaded", lambda _: refusal("overloaded"))
refuses("503-deadline", "deadline exceeded, with status 503", lambda _: refusal("deadline_503"))
refuses("504", "deadline exceeded", lambda _: refusal("deadline"))
