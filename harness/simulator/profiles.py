"""How endpoints answer: as Google does, or as one of the gateways before it.

The first part of a path selects a profile (``/comet/v1beta/...``), else ``simulate --profile NAME`` does. To add one, add a row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.simulator import gateways, wire_format
from harness.simulator.errors import Refusal
from harness.simulator.faults import FAULTS, Fault
from harness.simulator.messages import stamp
from harness.simulator.traffic import EVENTS, Call, Headers

SIMULATED = (b"x-simulated", b"gemini-harness")
_GOOGLE_HEADERS = (
    (b"vary", b"Origin"),
    (b"vary", b"X-Origin"),
    (b"vary", b"Referer"),
    (b"x-xss-protection", b"0"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
)
Edit = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of endpoint answers.

    ``compact``: JSON is encoded again, without spaces. ``lf``: lines of events end with LF. ``headers_kept``: Google's headers on whole
    answers. ``numbered``: answers have new-api's request id. ``edits`` change answers, ``losses`` are faults in every answer.
    ``reads`` changes the body of ``generateContent``, ``refuses`` an error. ``narrow``: only answers, embeddings and a thin list of models are
    served. ``events_only``: streams are events, also without ``alt=sse``. ``chats``: chat completions are new-api's. ``dated``: answers have a ``createTime``.
    """

    name: str
    about: str
    server: str = ""
    compact: bool = False
    lf: bool = False
    headers_kept: bool = False
    numbered: bool = False
    edits: tuple[Edit, ...] = ()
    losses: tuple[Fault, ...] = ()
    reads: Callable[[Any], Any] | None = None
    refuses: Callable[[Refusal, str], tuple[int, Any]] | None = None
    narrow: bool = False
    events_only: bool = False
    chats: bool = False
    dated: bool = False

    def body(self, value: Any) -> bytes:
        return _compact(value) if self.compact else wire_format.pretty(value)

    def pieces(self, values: Iterable[Any], framing: str) -> Iterator[bytes]:
        """The bytes of each value, framed as ``json``, ``sse`` or ``array``."""
        if framing == "array":
            return wire_format.elements(values)
        return map(self.event if framing == "sse" else self.body, values)

    def event(self, value: Any) -> bytes:
        line = _compact(value) if self.compact else wire_format.line(value)
        return b"data: " + line + (b"\n\n" if self.lf else b"\r\n\r\n")

    def shown(self, value: Any, now: float) -> Any:
        """An answer as this endpoint sends it at ``now``, in seconds since the epoch."""
        if not (self.edits or self.dated) or not isinstance(value, Mapping) or "usageMetadata" not in value:
            return value
        changed = {**value, "createTime": stamp(now)} if self.dated else dict(value)
        for edit in self.edits:
            changed = edit(changed)
        return changed

    def refused(self, refused: Refusal, call: Call) -> tuple[int, Any]:
        """HTTP status and body of an error."""
        if not self.refuses:
            return refused.status, refused.body
        return self.refuses(refused, gateways.request_id(call.path, call.body))

    def headers(self, kind: str, call: Call, tier: str | None = None) -> Headers:
        """Response headers for a content type. ``tier`` is the service tier of an answer, None for other bodies."""
        sent = [
            (b"content-type", kind.encode()),
            (b"server", (self.server or f"simulated {self.name}").encode()),
            SIMULATED,
        ]
        if self.numbered:
            sent.append((b"x-oneapi-request-id", gateways.request_id(call.path, call.body).encode()))
            sent.append((b"x-new-api-version", b"v0.9.26"))
        if not self.headers_kept or (self.lf and kind == EVENTS):
            return sent
        return [*sent, *_GOOGLE_HEADERS, *([(b"x-gemini-service-tier", tier.encode())] if tier else ())]


GOOGLE = Profile("google", "Google's own endpoint", "scaffolding on HTTPServer2", headers_kept=True)
_FAMILY: Mapping[str, Any] = {
    "lf": True, "numbered": True, "reads": gateways.typed_request, "narrow": True, "events_only": True, "chats": True,
}  # fmt: skip

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        GOOGLE,
        Profile("vertex", "Vertex AI's fields: createTime, trafficType, avgLogprobs, ratings, citations; no index", GOOGLE.server,
                headers_kept=True, edits=(gateways.from_vertex,), dated=True),
        Profile("gateway", "a healthy gateway: JSON encoded again, LF, no headers of Google", compact=True, lf=True,
                edits=(gateways.without_tier,)),
        Profile("lossy", "a gateway that drops signatures and thoughtsTokenCount", compact=True, lf=True, edits=(gateways.without_tier,),
                losses=(FAULTS["lost-signature"], FAULTS["no-thoughts-count"])),
        Profile("new-api", "new-api, current: loses request fields, own errors, only generateContent", "nginx", headers_kept=True,
                refuses=gateways.new_api_error, **_FAMILY),
        Profile("new-api-old", "new-api of 2025 and its forks: answers decoded and encoded, nulls and zeros added", "nginx", compact=True,
                edits=(gateways.typed_answer,), refuses=gateways.new_api_error, **_FAMILY),
        Profile("comet", "CometAPI's page: the new-api family before Vertex AI", "cloudflare", headers_kept=True, dated=True,
                edits=(gateways.from_vertex,), refuses=gateways.comet_error, **_FAMILY),
        Profile("one-hub", "one-hub: own error shape, no serviceTier", compact=True, edits=(gateways.without_tier,),
                refuses=gateways.one_hub_error),
        Profile("litellm", "LiteLLM, routed: LF, events without alt=sse, own error shape", compact=True, lf=True, events_only=True,
                edits=(gateways.without_tier,), refuses=gateways.litellm_error),
        Profile("cli-proxy", "CLIProxyAPI: cpaUsageMetadata in chunks before the last", lf=True, events_only=True,
                edits=(gateways.renamed_usage,)),
        Profile("balance", "gemini-balance: texts merged, signatures lost, any error is a 500", compact=True, lf=True,
                edits=(gateways.merged_parts, gateways.without_signatures), refuses=gateways.balance_error),
        Profile("bifrost", "Bifrost: own response ids, ratings lost", compact=True, lf=True, edits=(gateways.own_id,)),
    )
}  # fmt: skip
"""Every profile by its name."""


def profile_for(prefix: str, default: Profile) -> Profile:
    """The profile that the last part of a path prefix names, else ``default``."""
    return PROFILES.get(prefix.rpartition("/")[2], default)


def listing() -> str:
    """One line per profile, for ``gemini-harness simulate --profiles``."""
    width = max(map(len, PROFILES))
    return "\n".join(f"{name:<{width}}  {profile.about}" for name, profile in PROFILES.items())


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
