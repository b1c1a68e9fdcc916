"""Where a recording of another tool comes from, by what it holds itself: whether the simulator answered, and when.

Other tools keep the headers of an answer, or at least its body. The simulator signs both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from harness.model import Provenance

SIMULATED_HEADER = "x-simulated"
"""The header of every answer of the simulator."""
_SIMULATED_ID = re.compile(rb'"(responseId|id)"\s*:\s*"(?:resp_)?sim[\w-]{20}"')
"""The ids that the simulator makes. One in 262,144 of Google's begins so too."""
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
_DATES = ("recorded_at", "startedDateTime")
"""The keys under which Ruby's VCR and HAR keep the time of an interaction."""


def is_simulated(headers: Mapping[str, str], content: bytes) -> bool:
    """Whether the simulator made this answer: by its header, or by its id where the headers were not kept."""
    if SIMULATED_HEADER in headers:
        return True
    found = _SIMULATED_ID.search(content)
    return found is not None and (found[1] == b"responseId" or b'"chat.completion' in content)


def recorded_at(item: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """When the interaction was recorded, in ISO 8601: as its tool tells, else by the header ``date`` of the answer."""
    dates = filter(None, (*map(item.get, _DATES), headers.get("date")))
    at = next(filter(None, map(moment, map(str, dates))), None)
    return at.isoformat(timespec="seconds") if at else None


def moment(text: str) -> datetime | None:
    """A time in UTC as HTTP writes it (RFC 9110, IMF-fixdate), or in ISO 8601 (without a zone: in UTC); None for any other text."""
    for read in (datetime.fromisoformat, lambda text: datetime.strptime(text, _HTTP_DATE).replace(tzinfo=UTC)):
        with suppress(ValueError, OverflowError):
            at: datetime = read(text)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def headers_of(provenance: Provenance) -> Iterator[tuple[str, str]]:
    """The headers by which ``is_simulated`` and ``recorded_at`` find this origin again."""
    if provenance.recorded_at and (at := moment(provenance.recorded_at)):
        yield "date", at.strftime(_HTTP_DATE)
    if provenance.simulated:
        yield SIMULATED_HEADER, "gemini-harness"
