"""Budgets: limits on one side alone, over all of its cells that were played."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.compare.gates.gate import Gate, GateResult, quantity
from harness.compare.pairs import case_numbers
from harness.results.groups import Group
from harness.text.amounts import count

if TYPE_CHECKING:
    from harness.compare.stats.evidence import Interval

_MISSING_REASONS = {
    "cost_usd": "a price is missing (gemini-harness list models shows those that are known)",
    "ttft_s": "only streams have one, where their recording kept times",
    "gap_s": "only streams have one, where their recording kept times",
    "latency_s": "nothing answered, or the recordings kept no times",
}
"""Why no cell has the measure. For token counts the reason is that no answer reported one."""


def evaluate_level(gate: Gate, groups: Iterable[Group]) -> GateResult:
    """The result of a budget.

    A pass rate is that of all attempts. Seconds, tokens and dollars are per trial: the mean over cells, with equal weights.
    """
    cells = [cell for cell in groups if cell.attempts and gate.suite in (None, cell.suite)]
    if not cells:
        return GateResult(gate, None, "no cell was played")
    if gate.measure == "pass_rate":
        return _rate_result(gate, cells)
    seen = [cell for cell in cells if cell.values(gate.measure)]
    if not seen:
        why = _MISSING_REASONS.get(gate.measure, "no answer reported one")
        return GateResult(gate, None, f"no {gate.name} in {_cells(cells)}: {why}")
    return _total_result(gate, cells, seen) if gate.kind == "total" else _mean_result(gate, cells, seen)


def _rate_result(gate: Gate, cells: Sequence[Group]) -> GateResult:
    judged = [cell for cell in cells if cell.judged]
    passed, of, made = (sum(column) for column in zip(*((e.passed, e.judged, e.attempts) for e in cells), strict=True))
    if not of:
        return GateResult(gate, None, f"none of {count(made, 'attempt')} in {_cells(cells)} could be judged")
    rate = passed / of
    ends = rate_ends(gate, passed, of)
    unjudged = f", {made - of:,} not judged" if made > of else ""
    seen = f"{passed:,} of {count(of, 'attempt')} in {_cells(judged)}{unjudged}"
    return GateResult(
        gate, gate.crossed(*ends), f"pass_rate is {quantity('pass_rate', rate)}{_interval_text(gate, ends)}, {seen}"
    )


def _mean_result(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    means = [math.fsum(values) / len(values) for values in (cell.values(gate.measure) for cell in seen)]
    mean = math.fsum(means) / len(means)
    ends: Interval | None = (mean, mean)
    if gate.confidence is not None:
        from harness.compare.stats.numbers import mean_interval

        ends = mean_interval(case_numbers(seen), means, gate.interval_confidence)
    seen_text = f"{gate.name} is {quantity(gate.measure, mean)}{_interval_text(gate, ends)} on average in {_share_of_cells(seen, cells)}"
    if ends is None:
        cases = len(set(case_numbers(seen)))
        return GateResult(
            gate, None, f"{seen_text}, and {cases} case{' is' if cases == 1 else 's are'} too few for an interval"
        )
    return _with_unpriced(gate, gate.crossed(*ends), seen_text, cells)


def _total_result(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    paid = [cell.values(gate.measure) for cell in seen]
    total, attempts = sum(map(math.fsum, paid)), sum(map(len, paid))
    seen_text = f"{gate.name} is {quantity(gate.measure, total)} in all of {count(attempts, 'attempt')} in {_share_of_cells(seen, cells)}"
    return _with_unpriced(gate, gate.crossed(total, total), seen_text, cells)


def _with_unpriced(gate: Gate, crossed: bool | None, seen_text: str, cells: Sequence[Group]) -> GateResult:
    """The result of a gate on cost. An unknown cost may be any amount: then the budget is crossed, or cannot be decided."""
    unpriced = sum(cell.tally.unpriced for cell in cells) if gate.name == "cost" else 0
    if not unpriced:
        return GateResult(gate, crossed, seen_text)
    return GateResult(gate, crossed or None, f"{seen_text}, and that of {count(unpriced, 'attempt')} is not known")


def rate_ends(gate: Gate, passed: int, judged: int) -> Interval:
    """The exact interval of the rate of these cases, whose attempts are independent; the rate itself for a gate without a confidence."""
    if gate.confidence is None:
        return passed / judged, passed / judged
    from harness.compare.stats.rates import clopper_pearson

    return clopper_pearson(passed, judged, gate.interval_confidence)


def _interval_text(gate: Gate, ends: Interval | None) -> str:
    if gate.confidence is None or ends is None:
        return ""
    return f" ({' to '.join(quantity(gate.measure, end) for end in ends)} at {gate.confidence:.6g}%)"


def _cells(cells: Sequence[Group]) -> str:
    return count(len(cells), "cell")


def _share_of_cells(seen: Sequence[Group], cells: Sequence[Group]) -> str:
    return _cells(cells) if len(seen) == len(cells) else f"{len(seen):,} of {_cells(cells)}"
