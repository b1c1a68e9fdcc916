"""Small messages of the API: their fields in either spelling, durations, and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.simulator.errors import bad_payload
from harness.simulator.request import camel

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")
_WELL_KNOWN = "type.googleapis.com/google.protobuf."


def camel_fields(body: Any, known: frozenset[str], inside: str = "") -> dict[str, Any]:
    """The fields of a message with camelCase names, without nulls. ``inside``: the snake_case field that holds the message.

    Raises the API's 400 for a body that is not an object, and for names that are not in ``known``.
    """
    at = f" at '{inside}'" if inside else ""
    if not isinstance(body, Mapping):
        raise bad_payload(
            [(inside, f'Invalid JSON payload received. Unknown name ""{at}: Root element must be a message.')]
        )
    if unknown := [name for name in body if camel(str(name)) not in known]:
        texts = [f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.' for name in unknown]
        raise bad_payload([(inside, text) for text in texts])
    return {camel(str(name)): value for name, value in body.items() if value is not None}


def seconds(value: Any, field: str) -> float:
    """The seconds of a duration such as ``300s``. Raises the API's 400 for anything else."""
    found = _DURATION.fullmatch(str(value))
    if not found:
        raise invalid(field, f"{_WELL_KNOWN}Duration", value)
    return float(found[1])


def moment(value: Any, field: str) -> float:
    """Seconds since the epoch of an RFC 3339 time with an offset. Raises the API's 400 for anything else."""
    try:
        at = datetime.fromisoformat(value if isinstance(value, str) else "")
        if at.tzinfo is not None:
            return at.timestamp()
    except (ValueError, OverflowError):
        pass
    raise invalid(field, f"{_WELL_KNOWN}Timestamp", value)


def stamp(at: float) -> str:
    """A time in UTC: whole seconds without a fraction, others with microseconds."""
    whole = at == int(at)
    return (
        datetime.fromtimestamp(at, UTC)
        .isoformat(timespec="seconds" if whole else "microseconds")
        .replace("+00:00", "Z")
    )


def invalid(field: str, kind: str, value: Any) -> Exception:
    """The API's 400 for a value of the wrong type."""
    return bad_payload([(field, f"Invalid value at '{field}' ({kind}), \"{str(value)[:100]}\"")])
