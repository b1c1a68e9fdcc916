"""The identity of an answer, and how it was served: its id, its time, its service tier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from harness.gemini import offers
from harness.gemini.models import service_tier as tier_of
from harness.judge.predicates import ABSENT, TextPredicate, differs, or_absent
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch

TIER_HEADER = "x-gemini-service-tier"


@check("responseId")
def response_id(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """``responseId``: the id of the answer.

    responseId: {present: true}
    responseId: {matches: '^[\\w-]{20,23}$'}
    """
    yield from differs("responseId", or_absent(evidence.reply.response.get("responseId")), expected)


@check("createTime")
def create_time(evidence: Evidence, expected: TextPredicate) -> Iterator[Mismatch]:
    """``createTime``: when the API got the request, or made the resource. The invariant ``wire-type`` wants an RFC 3339 time.

    In an answer of a model only Vertex sends it.

        createTime: {present: true}
        createTime: {starts_with: '2026-'}
    """
    yield from differs("createTime", or_absent(evidence.reply.response.get("createTime")), expected)


@check("trafficType")
def traffic_type(
    evidence: Evidence, expected: Annotated[TextPredicate, offers.expected("UsageMetadata.TrafficType")]
) -> Iterator[Mismatch]:
    """``usageMetadata.trafficType``: the quota that paid for the answer. Vertex sends it, the Gemini API does not.

    trafficType: ON_DEMAND
    trafficType: {in: [ON_DEMAND, PROVISIONED_THROUGHPUT]}
    """
    yield from differs("trafficType", or_absent(evidence.reply.usage.get("trafficType")), expected)


@check("serviceTier")
def service_tier(
    evidence: Evidence, expected: Annotated[Literal["asked"] | TextPredicate, offers.expected("ServiceTier")]
) -> Iterator[Mismatch]:
    """The service tier that served the answer: ``usageMetadata.serviceTier`` and the header ``x-gemini-service-tier``.

    ``asked``: the tier that the request asks for (``serviceTier``), or ``standard`` if it asks for none. An answer may say its
    tier in one of the two places only; if it says it in both, both must hold.

        serviceTier: asked
        serviceTier: {in: [flex, standard]}
    """
    body = or_absent(evidence.reply.usage.get("serviceTier"))
    header = or_absent(evidence.exchange.headers.get(TIER_HEADER))
    asked = tier_of((evidence.request_body or {}).get("serviceTier")) or "standard"
    predicate = asked if expected == "asked" else expected
    if body is not ABSENT or header is ABSENT:
        yield from differs("usageMetadata.serviceTier", _lower(body), predicate)
    if header is not ABSENT:
        yield from differs(f"header {TIER_HEADER}", _lower(header), predicate)


def _lower(value: Json) -> Json:
    return value.lower() if isinstance(value, str) else value
