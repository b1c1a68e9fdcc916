"""Whether a refused request is sent again, and how long the server asks to wait before that. Pure functions of an answer."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

from harness.answer import reply as replies
from harness.model import Exchange, Json
from harness.text.jsontext import objects_in

_RETRIED = frozenset({408, 429, 500, 502, 503, 504, *range(520, 530)})
"""Statuses that may pass: timeouts, limits, and errors of a server or of a gateway (520 to 529: of one in front of a server)."""
_WORDED = rb"""retryDelay\W{1,8}(\d+(?:\.\d+)?)s|retry in (\d+(?:\.\d+)?) ?s"""
"""The wait in a body that a gateway put into a text of its own."""


def is_retried(exchange: Exchange) -> bool:
    """Whether another attempt may help: the status may pass and is not expected, and no answer has started."""
    status = exchange.status
    if status not in _RETRIED or status in exchange.request.expects_status or exchange.fault is not None:
        return False
    return not is_daily(exchange)


def asked_wait(exchange: Exchange) -> float | None:
    """The seconds that the server asks to wait: by ``google.rpc.RetryInfo``, else by its text, else by ``Retry-After``."""
    for detail in details(exchange):
        if str(detail.get("@type", "")).endswith("RetryInfo"):
            with suppress(ValueError):
                return max(0.0, float(str(detail.get("retryDelay", "")).removesuffix("s")))
    if exchange.status >= 400 and (found := re.search(_WORDED, exchange.content[:20_000])):
        return float(found[1] or found[2])
    return _retry_after(exchange.headers.get("retry-after", ""))


def backoff(attempt: int) -> float:
    """Seconds before the next attempt where the server names none: about 1, 2, 4 ..."""
    import random

    return 2.0 ** (min(attempt, 12) - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret


def is_daily(exchange: Exchange) -> bool:
    """Whether the answer says that a daily quota is used up."""
    failures = [detail for detail in details(exchange) if str(detail.get("@type", "")).endswith("QuotaFailure")]
    violations = [violation for failure in failures for violation in objects_in(failure.get("violations"))]
    return exchange.status == 429 and any("PerDay" in str(violation.get("quotaId", "")) for violation in violations)


_LIMIT = (
    r"(?i)rate[ _-]?limit\w* (\w+ ){0,4}(reached|exceeded|hit)|rate[ -]limited|too many requests|quota (\w+ ){0,4}exceeded"
    r"|exceeded (\w+ ){0,4}quota|RESOURCE_EXHAUSTED"
)
_LONGEST_LIMIT = 300
"""Characters of the longest text that is nothing but a rate limit. An assumption."""


def is_worded_limit(exchange: Exchange, text: str) -> bool:
    """Whether an answer under 200 is a rate limit in words: its whole ``text``, where the request does not speak of one."""
    if exchange.status != 200 or len(text) > _LONGEST_LIMIT or not re.search(_LIMIT, text):
        return False
    return not re.search(_LIMIT, exchange.request.content.decode("utf-8", "replace"))


def details(exchange: Exchange) -> list[dict[str, Json]]:
    """The ``details`` of the API's error, for a unary answer and for a stream."""
    error = replies.read(exchange).error
    return objects_in(error.get("details")) if isinstance(error, dict) else []


def _retry_after(header: str) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(header))
    from email.utils import parsedate_to_datetime  # it imports sockets, and few answers have this header

    with suppress(ValueError):
        at = parsedate_to_datetime(header)
        return max(0.0, (at - datetime.now(at.tzinfo or UTC)).total_seconds()) if at.tzinfo else None
    return None
