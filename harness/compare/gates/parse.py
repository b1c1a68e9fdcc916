"""Reads gates: from ``compare: gate:`` in a suite, and from ``--gate`` on the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from harness.compare.gates.gate import MEASURES, Gate, LimitKind
from harness.errors import UsageError
from harness.judge.predicates.predicate_types import UNITS, Unit, quantity
from harness.model import Json
from harness.text.jsontext import is_number
from harness.text.shape import nearest

EXAMPLES = (
    "pass_rate=10pp@95%, latency=25%, latency.max=2s, pass_rate.min=95%, cost.total=0.50 or hard=json,finishReason"
)
_CHANGE_KINDS: tuple[LimitKind, ...] = ("drop", "rise")
_LEVEL_KINDS: Mapping[str, tuple[LimitKind, ...]] = {"pass_rate": ("min",), "cost": ("max", "total")}
"""Measures that are not listed have ``max`` only."""
_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount", "chunks")


def from_suite(gate: Mapping[str, Json], suite: str) -> Iterator[Gate]:
    """The gates of a suite's ``compare: gate:`` block, already validated. Raises UsageError for an invalid limit."""
    for name, value in gate.items():
        if name == "hard":
            yield Gate("hard", checks=tuple(value), suite=suite)
            continue
        for kind in (*_CHANGE_KINDS, *_level_kinds(name)):
            if kind in value:
                sure = None if kind == "total" else value.get("confidence")
                yield Gate(name, kind, _limit(name, kind, value[kind]), _confidence(name, sure), suite=suite)


def from_option(text: str) -> Gate:
    """A gate such as ``latency.max=2s`` or ``pass_rate.drop=2pp@95%``.

    Without a kind (``pass_rate=2pp``), a pass rate may not drop, and other measures may not rise, by more than the limit.
    Raises UsageError for any other text.
    """
    gate, _, value = text.partition("=")
    if gate == "hard" and value:
        return Gate("hard", checks=tuple(map(_check, value.split(","))))
    limit, _, sure = value.partition("@")
    name, _, kind = gate.partition(".")
    if "<" in gate or ">" in gate or not name or not limit:
        raise UsageError(f"--gate {text}: expected {EXAMPLES}")
    name = _measure(name)
    found = _kind(name, kind) if kind else "drop" if name == "pass_rate" else "rise"
    if found == "total" and sure:
        raise UsageError(f"--gate {text}: a total has no confidence; leave out @{sure}")
    return Gate(name, found, _limit(name, found, limit), _confidence(name, sure or None))


def _level_kinds(name: str) -> tuple[LimitKind, ...]:
    return _LEVEL_KINDS.get(name, ("max",))


def _measure(name: str) -> str:
    """The name that gates use for the measure. Raises UsageError for an unknown one."""
    for short, full in MEASURES.items():
        if name == full:
            return short
    known = ("pass_rate", *MEASURES, *_COUNTS)
    if name not in known and not name.endswith("TokenCount"):
        raise UsageError(f"--gate: no measure {name!r}; {nearest(name, (*known, 'hard'))}")
    return name


def _kind(name: str, kind: str) -> LimitKind:
    ways = (*_CHANGE_KINDS, *_level_kinds(name))
    for known in ways:
        if kind == known:
            return known
    raise UsageError(f"--gate {name}.{kind}: {nearest(kind, ways)}")


def _check(name: str) -> str:
    from harness.judge.registry import names_like

    name = name.strip()
    if name not in (known := names_like(name)):
        raise UsageError(f"--gate hard: there is no check {name!r}; {nearest(name, known)}".rstrip("; "))
    return name


def _limit(name: str, kind: LimitKind, value: Json) -> float:
    return _share(name, value) if kind in _CHANGE_KINDS else _level(name, value)


def _share(name: str, value: Json) -> float:
    text = f"{Decimal(str(value)):f}" if is_number(value) else str(value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%|pp)?", text)
    if found is None or (found[2] == "pp" and name != "pass_rate") or (not found[2] and float(found[1]) > 1):
        kinds = "points such as 2pp" if name == "pass_rate" else "a percentage such as 25%"
        raise UsageError(f"gate {name}: expected {kinds}, got {value!r}")
    return float(found[1]) / (100 if found[2] else 1)


def _level(name: str, value: Json) -> float:
    units: Mapping[str, Unit] = {"pass_rate": "%", "cost": "$"}
    unit = units.get(name, "s" if name in MEASURES else "")
    try:
        limit = quantity(value, unit)
    except ValueError:
        raise UsageError(f"gate {name}: expected {UNITS[unit]}, got {value!r}") from None
    if not 0 <= limit < math.inf or (unit == "%" and limit > 1):
        wanted = "at most 100%, as in 95%" if unit == "%" else "0 or more"
        raise UsageError(f"gate {name}: expected {wanted}, got {value!r}")
    if unit == "s" and limit >= 300 and isinstance(value, str) and value.strip()[-1] in "0123456789.":
        raise UsageError(f"gate {name}: {value!r} has no unit; write {value}ms or {value}s")
    return limit


def _confidence(name: str, value: Json) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", str(value))
    if found is None or not 50 < float(found[1]) < 100:
        raise UsageError(f"gate {name}: expected a confidence between 50% and 100%, got {value!r}")
    return float(found[1])
