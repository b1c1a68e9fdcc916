"""Numbers with or without a unit: ``3``, ``2s``, ``50%``."""

from __future__ import annotations

import re
from typing import Any, Final

from harness.judge.predicates.predicate_types import Unit
from harness.text.jsontext import is_number

UNITS: Final[dict[Unit, str]] = {
    "": "a number",
    "s": "a time span; write 150ms, 2s, 1.5m, or a number of seconds",
    "%": "a share; write 50% or 0.5",
    "$": "dollars; write 0.002",
}
"""Unit -> what a number of it is called in messages."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(ms|s|m|h|%)")


def quantity(value: Any, unit: Unit) -> float:
    """The number; for ``2s`` or ``50%`` in seconds, or as a share of 1. Raises ValueError for anything else."""
    if is_number(value):
        return value
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) and unit in ("s", "%") else None
    if found is None or (found[2] == "%") != (unit == "%"):
        raise ValueError(f"not {UNITS[unit]}")
    return float(found[1]) * (0.01 if unit == "%" else _SECONDS[found[2]])
