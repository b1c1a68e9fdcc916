"""Whose habits the endpoint has: Google's own, those of a healthy gateway that re-encodes what passes through, or a lossy one's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.simulator import wire_format
from harness.simulator.faults import FAULTS, Fault

SIMULATED = (b"x-simulated", b"gemini-harness")


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of endpoint sends what was answered. ``recodes``: JSON comes compact, events end with a bare blank
    line, and fields that only Google sends are gone."""

    name: str
    server: str
    recodes: bool = False
    losses: tuple[Fault, ...] = ()
    """What it does to every answer."""

    def body(self, value: Any) -> bytes:
        return _compact(self.shown(value)) if self.recodes else wire_format.pretty(value)

    def pieces(self, values: Iterable[Any], framing: str) -> Iterator[bytes]:
        """Values as ``json``, ``sse`` or ``array``, one piece each."""
        if framing == "array":
            return wire_format.elements(map(self.shown, values))
        return map(self.event if framing == "sse" else self.body, values)

    def event(self, value: Any) -> bytes:
        return b"data: " + _compact(self.shown(value)) + b"\n\n" if self.recodes else wire_format.event(value)

    def shown(self, value: Any) -> Any:
        """A value without what this endpoint drops on the way."""
        if not self.recodes or not isinstance(value, Mapping) or "usageMetadata" not in value:
            return value
        usage = {name: count for name, count in value["usageMetadata"].items() if name != "serviceTier"}
        return {**value, "usageMetadata": usage}

    def headers(self, kind: str, tier: str | None = None) -> list[tuple[bytes, bytes]]:
        """Response headers for a content type. ``tier`` is the service tier, where an answer has one."""
        sent = [(b"content-type", kind.encode()), (b"server", self.server.encode()), SIMULATED]
        if self.recodes:
            return sent
        google = [*_GOOGLE, (b"x-gemini-service-tier", tier.encode())] if tier else list(_GOOGLE)
        return sent + google


_GOOGLE = (
    (b"vary", b"Origin"),
    (b"vary", b"X-Origin"),
    (b"vary", b"Referer"),
    (b"x-xss-protection", b"0"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
)

GOOGLE = Profile("google", "scaffolding on HTTPServer2")
GATEWAY = Profile("gateway", "gemini-harness gateway", recodes=True)


LOSSY = Profile(
    "lossy",
    "gemini-harness lossy gateway",
    True,
    tuple(FAULTS[name] for name in ("lost-signature", "no-thoughts-count")),
)
_PROFILES = {"gateway": GATEWAY, "lossy": LOSSY}


def profile(prefix: str) -> Profile:
    """The profile that a path prefix asks for: ``/gateway`` a healthy gateway's, ``/lossy`` a lossy one's, else Google's."""
    return _PROFILES.get(prefix.rpartition("/")[2], GOOGLE)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
