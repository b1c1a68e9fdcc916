"""Which gates a number of cells can answer, before anything is asked, and how many the others need."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

from harness.compare.gates.gate import Gate
from harness.text.amounts import count

TYPICAL = 0.95
"""The pass rate of the model in the forecasts."""
KEPT = 0.8
"""A gate suits a suite if an unchanged model keeps it in at least this share of its runs."""
MOST = 100_000
"""More cells than this are not looked for."""
WIDEST = 50
"""Points: a wider limit guards nothing."""


def reach(gate: Gate, cells: int, attempts: int = 1) -> str | None:
    """A sentence on whether this number of cells, with this number of attempts each, can answer a gate; None where it always can.

    ``cells``: of one side. Gates on numbers are answered by five cases or more (seven at 99%), if these do not scatter too far: fewer
    have no interval.
    """
    if gate.checks or (gate.confidence is None and gate.is_budget):
        return None
    there = f"{count(cells, 'cell')}{f' of {attempts} attempts' if attempts > 1 else ''}"
    if gate.name != "pass_rate":
        least = 0 if gate.confidence is None else math.ceil(1 - math.log2(1 - gate.interval_confidence))
        return f"{there} cannot answer it: it takes at least {least} cases" if cells < least else None
    if gate.confidence is not None and not _answers(gate, cells, attempts):
        return f"{there} cannot answer it, even if every attempt passes; {_would(gate, cells, attempts, _answers)}"
    if gate.is_budget:
        return f"{there} can answer it"
    share = _kept(gate, cells, attempts)
    about = f"{there} can answer it; an unchanged model that passes {TYPICAL:.0%} keeps it in about {share:.0%} of runs"
    return (
        about
        if share >= KEPT
        else f"{about}; for {KEPT:.0%}, {_would(gate, cells, attempts, lambda *one: _kept(*one) >= KEPT)}"
    )


def _would(gate: Gate, cells: int, attempts: int, enough: Callable[[Gate, int, int], bool]) -> str:
    """``it takes 149 cells, or a limit of 22 pp``."""
    more = _least(lambda number: enough(gate, number, attempts), MOST)
    points = _least(lambda limit: enough(_with_limit(gate, limit), cells, attempts), WIDEST)
    other = f"or a limit of {_with_limit(gate, points).much}" if points else ""
    return ", ".join(filter(None, [f"it takes {more:,} cells" if more else "", other])) or "no number of cells does"


def _with_limit(gate: Gate, points: int) -> Gate:
    return replace(gate, limit=1 - points / 100 if gate.kind == "min" else points / 100)


def _least(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from 1 to ``most`` that is enough; None where there is none. What is enough stays enough."""
    return 1 + bisect_left(range(1, most), True, key=enough) if enough(most) else None


def _answers(gate: Gate, cells: int, attempts: int) -> bool:
    """Whether the gate holds where every attempt passes."""
    from harness.compare.stats.rates import Attempts, clopper_pearson, rates

    if gate.is_budget:
        low, high = clopper_pearson(cells * attempts, cells * attempts, gate.interval_confidence)
        return gate.crossed(low, high) is False
    side = Attempts([attempts] * cells, [attempts] * cells)
    ends = rates(range(cells), side, side, margin=gate.limit, scope="these cases").ends(gate.interval_confidence).change
    return ends is not None and gate.crossed(*ends) is False


def _kept(gate: Gate, cells: int, attempts: int) -> float:
    """In which share of runs a model that does not change keeps the gate, about."""
    from harness.compare.stats.verdict import chance_to_hold

    confidence = None if gate.confidence is None else gate.confidence / 100
    return chance_to_hold(gate.limit, confidence, TYPICAL, cells * attempts)
