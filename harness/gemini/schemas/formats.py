"""Checks for the formats that the API promises. Other formats are not checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from harness.model import Json

_DATE = r"(?a)(\d{4})-(\d\d)-(\d\d)"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"


def _matches(pattern: str, *, dated: bool) -> Callable[[Json], bool]:
    """The test of a text; ``dated``: its first groups are a day of the calendar. Any other value passes."""
    if dated:
        return lambda value: not isinstance(value, str) or _on_calendar(re.fullmatch(pattern, value))
    return lambda value: not isinstance(value, str) or re.fullmatch(pattern, value) is not None


def _on_calendar(found: re.Match[str] | None) -> bool:
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _fits(bits: int) -> Callable[[Json], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: isinstance(value, bool | str) or not isinstance(value, int) or -limit <= value < limit


FORMATS: Final[dict[str, Callable[[Json], bool]]] = {
    "date-time": _matches(f"{_DATE}[Tt]{_TIME}", dated=True),
    "date": _matches(_DATE, dated=True),
    "time": _matches(f"(?a){_TIME}", dated=False),
    "int32": _fits(32),
    "int64": _fits(64),
}
HINTS: Final = {
    "date-time": "an RFC 3339 date-time such as 2026-11-20T09:40:00Z",
    "date": "a date such as 2026-11-20",
    "time": "an RFC 3339 time such as 09:40:00Z",
    "int32": "a 32-bit integer",
    "int64": "a 64-bit integer",
}
