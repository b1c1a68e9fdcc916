"""Writes amounts: dollars and counts."""

from __future__ import annotations

import math


def dollars(value: float, digits: int = 2) -> str:
    """An amount with ``digits`` significant digits, and at least two decimals: ``12.34``, ``0.0012``, ``0.0000015``."""
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 2
    return f"{value:,.{max(places, 2)}f}"


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
