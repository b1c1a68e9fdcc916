"""Failures on purpose: by header ``x-simulator-fault: NAME``, or by a mark in the prompt, ``[simulate: fault NAME]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.simulator.errors import Refusal, quota, refusal
from harness.simulator.request import Ask

RETRY_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. ``refuse`` makes the error that is answered instead."""

    name: str
    about: str
    refuse: Callable[[Ask], Refusal]

    def refusal(self, ask: Ask) -> Refusal:
        return self.refuse(ask)


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "429",
            "quota used up: 429 with Help, QuotaFailure and RetryInfo",
            lambda ask: quota(ask.requested, RETRY_SECONDS),
        ),
        Fault("429-short", "429 without details", lambda _: refusal("quota_short")),
        Fault("500", "internal error", lambda _: refusal("internal")),
        Fault("503", "overloaded", lambda _: refusal("overloaded")),
        Fault("504", "deadline exceeded", lambda _: refusal("deadline")),
    )
}


def asked(headers: Mapping[str, str], marked: str | None) -> Fault | None:
    """The fault that a header or a mark asks for; None where there is none, or none of that name."""
    return FAULTS.get(headers.get("x-simulator-fault", marked or ""))
