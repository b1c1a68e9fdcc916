"""Budgets: what one side is held to by itself, over all of its cells that were played."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.compare.gates.gate import Gate, GateResult, quantity, told
from harness.results.groups import Group
from harness.results.measures import Moments

if TYPE_CHECKING:
    from harness.compare.stats import Interval

_WHY = {
    "cost_usd": "a price is missing (gemini-harness list models shows those that are known)",
    "ttft_s": "only streams have one, where their recording kept times",
    "gap_s": "only streams have one, where their recording kept times",
    "latency_s": "nothing answered, or the recordings kept no times",
}
"""Why no cell has the measure; of counts: no answer said one."""


def held(gate: Gate, groups: Iterable[Group]) -> GateResult:
    """A pass rate is that of attempts; seconds, tokens and dollars are a trial's, as the mean over cells, of which each counts the same."""
    cells = [each for each in groups if each.attempts and gate.suite in (None, each.suite)]
    if not cells:
        return GateResult(gate, None, "cannot tell: no cell was played")
    if gate.measure == "pass_rate":
        return _rate(gate, cells)
    seen = [each for each in cells if each.measured(gate.measure).size]
    if not seen:
        why = _WHY.get(gate.measure, "no answer said one")
        return GateResult(gate, None, f"cannot tell: no {gate.name} in {_cells(cells)}: {why}")
    return _total(gate, cells, seen) if gate.way == "total" else _mean(gate, cells, seen)


def _rate(gate: Gate, cells: Sequence[Group]) -> GateResult:
    judged = [each for each in cells if each.judged]
    passed, of, made = (sum(column) for column in zip(*((e.passed, e.judged, e.attempts) for e in cells), strict=True))
    if not of:
        return GateResult(gate, None, f"cannot tell: none of {_attempts(made)} in {_cells(cells)} could be judged")
    rate = passed / of
    ends = _rate_ends(gate, judged) if gate.confidence is not None else (rate, rate)
    unjudged = f", {made - of:,} not judged" if made > of else ""
    seen = f"{passed:,} of {_attempts(of)} in {_cells(judged)}{unjudged}"
    return told(gate, gate.crossed(*ends), f"pass_rate is {quantity('pass_rate', rate)}{_sure(gate, ends)}, {seen}")


def _mean(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    means = [each.measured(gate.measure).mean for each in seen]
    mean = math.fsum(means) / len(means)
    ends = _mean_ends(gate, seen, means) if gate.confidence is not None else (mean, mean)
    said = f"{gate.name} is {quantity(gate.measure, mean)}{_sure(gate, ends)} on average in {_of(seen, cells)}"
    if ends is None:
        cases = len(set(_cases(seen)))
        return told(gate, None, f"{said}, and {cases} case{' is' if cases == 1 else 's are'} too few for an interval")
    return _unless_unpriced(gate, gate.crossed(*ends), said, cells)


def _total(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    paid = sum((each.measured(gate.measure) for each in seen), Moments())
    said = f"{gate.name} is {quantity(gate.measure, paid.total)} in all of {_attempts(int(paid.size))} in {_of(seen, cells)}"
    return _unless_unpriced(gate, gate.crossed(paid.total, paid.total), said, cells)


def _unless_unpriced(gate: Gate, crossed: bool | None, said: str, cells: Sequence[Group]) -> GateResult:
    """What is not known may cost anything: then a budget is crossed, or nobody can tell."""
    unpriced = sum(each.tally.unpriced for each in cells) if gate.name == "cost" else 0
    if not unpriced:
        return told(gate, crossed, said)
    return told(gate, crossed or None, f"{said}, and that of {_attempts(unpriced)} is not known")


def _rate_ends(gate: Gate, cells: Sequence[Group]) -> Interval:
    from harness.compare.stats import Attempts, clustered

    attempts = Attempts([each.passed for each in cells], [each.judged for each in cells])
    return clustered(_cases(cells), attempts, gate.two_sided)


def _mean_ends(gate: Gate, cells: Sequence[Group], means: Sequence[float]) -> Interval | None:
    from harness.compare.stats import average

    return average(_cases(cells), means, gate.two_sided)


def _cases(cells: Sequence[Group]) -> list[int]:
    """Which case each cell belongs to."""
    numbers: dict[tuple[str, str], int] = {}
    return [numbers.setdefault((each.suite, each.case), len(numbers)) for each in cells]


def _sure(gate: Gate, ends: Interval | None) -> str:
    if gate.confidence is None or ends is None:
        return ""
    return f" ({' to '.join(quantity(gate.measure, end) for end in ends)} at {gate.confidence:.4g}%)"


def _attempts(number: int) -> str:
    return f"{number:,} attempt{'' if number == 1 else 's'}"


def _cells(cells: Sequence[Group]) -> str:
    return f"{len(cells):,} cell{'' if len(cells) == 1 else 's'}"


def _of(seen: Sequence[Group], cells: Sequence[Group]) -> str:
    return _cells(cells) if len(seen) == len(cells) else f"{len(seen):,} of {_cells(cells)}"
