"""How the endpoint sends answers: as Google does, as a healthy gateway that re-encodes JSON, or as a lossy gateway."""

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
    """How one kind of endpoint sends answers. ``recodes``: JSON is compact, lines of events end with LF, and fields and headers that
    only Google sends are missing."""

    name: str
    server: str
    recodes: bool = False
    losses: tuple[Fault, ...] = ()
    """Faults in every answer."""

    def body(self, value: Any) -> bytes:
        return _compact(self.shown(value)) if self.recodes else wire_format.pretty(value)

    def pieces(self, values: Iterable[Any], framing: str) -> Iterator[bytes]:
        """The bytes of each value, framed as ``json``, ``sse`` or ``array``."""
        if framing == "array":
            return wire_format.elements(map(self.shown, values))
        return map(self.event if framing == "sse" else self.body, values)

    def event(self, value: Any) -> bytes:
        return b"data: " + _compact(self.shown(value)) + b"\n\n" if self.recodes else wire_format.event(value)

    def shown(self, value: Any) -> Any:
        """The value without the fields that this endpoint drops."""
        if not self.recodes or not isinstance(value, Mapping) or "usageMetadata" not in value:
            return value
        usage = {name: count for name, count in value["usageMetadata"].items() if name != "serviceTier"}
        return {**value, "usageMetadata": usage}

    def headers(self, kind: str, tier: str | None = None) -> list[tuple[bytes, bytes]]:
        """Response headers for a content type. ``tier`` is the service tier of an answer, None for other bodies."""
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


def profile_for(prefix: str) -> Profile:
    """The profile for a path prefix: ``/gateway`` a healthy gateway, ``/lossy`` a lossy one, else Google."""
    return _PROFILES.get(prefix.rpartition("/")[2], GOOGLE)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
