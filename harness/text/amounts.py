"""Writes amounts: dollars, counts, and the first few of many."""

from __future__ import annotations

import math
from collections.abc import Sequence


def dollars(value: float, digits: int = 2) -> str:
    """An amount with ``digits`` significant digits, and at least two decimals: ``12.34``, ``0.0012``, ``0.0000015``."""
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 2
    return f"{value:,.{max(places, 2)}f}"


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def with_status(number: int, status: str) -> str:
    """``12 passed``, ``1 error``, ``2 errors``."""
    return f"{number:,} {status_word(number, status)}"


def status_word(number: int, status: str) -> str:
    """The status as it is called of so many: ``passed``, ``error``, ``errors``."""
    return "errors" if status == "error" and number != 1 else status


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are: ``a, b, c and 4 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
