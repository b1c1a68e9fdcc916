"""Gates on a change between reference and candidate: hard checks that may not fail, measures that may not move too far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.compare.comparison import Comparison, Flip
from harness.compare.gates.budgets import evaluate_level
from harness.compare.gates.gate import Gate, GateResult
from harness.compare.pairs import Pairs
from harness.compare.verdicts import measure_evidence, percent
from harness.results.groups import Tally
from harness.text.amounts import count

if TYPE_CHECKING:
    from harness.compare.stats.evidence import PairedEvidence


def evaluate(gate: Gate, comparison: Comparison, parts: Mapping[str, str] = MappingProxyType({})) -> GateResult:
    """The result of a gate on the cells that both sides have.

    A budget (``Gate.is_budget``) is evaluated on all cells of the candidate. It is not asked if the candidate has only a
    part of the suite: ``parts`` comes from ``budgets.partial_suites``. The interval is not corrected for other
    comparisons, since each gate is a promise of its own.
    """
    if gate.is_budget:
        if why := parts.get(gate.suite or ""):
            return GateResult(gate, None, why, asked=False)
        return evaluate_level(gate, [pair.candidate for pair in comparison.pairs if pair.candidate])
    cells = comparison.paired.of(gate.suite)
    if not cells:
        return GateResult(gate, None, "the two sides have no cell in common")
    if gate.checks:
        flips = [flip for flip in comparison.flips if gate.suite in (None, flip.suite) and flip.check in gate.checks]
        return _hard_result(gate, flips, cells)
    evidence = measure_evidence(gate.measure, cells)
    if evidence is None or evidence.change is None:
        return GateResult(gate, None, f"no cell has {gate.name} on both sides")
    return _change_result(gate, evidence)


def _hard_result(gate: Gate, flips: Sequence[Flip], cells: Pairs) -> GateResult:
    """Crossed if a check got worse, or fails where it was not judged before; cannot tell if it is no longer judged."""
    worse = [flip for flip in flips if flip.worse]
    lost = [flip for flip in flips if flip.after == "not judged" and flip.before != "failed"]
    if worse:
        return GateResult(gate, True, _flip_text(worse))
    if lost:
        return GateResult(gate, None, _flip_text(lost))
    names, there = ", ".join(gate.checks), f"in {len(cells)} cells"
    if not any(_judges_any(side.tally, gate.checks) for cell in cells for side in cell if side):
        return GateResult(gate, None, f"none of {names} was judged {there}")
    return GateResult(gate, False, f"none of {names} got worse {there}")


def _judges_any(side: Tally, checks: Sequence[str]) -> bool:
    """Whether any of the checks was judged. An invariant is judged on every answer that was judged."""
    named = {name for name, held, broke in side.checks if held or broke}
    return any(check in named or (check.startswith("invariant:") and side.judged > 0) for check in checks)


def _flip_text(flips: Sequence[Flip]) -> str:
    first = flips[0]
    more = f", and {len(flips) - 1} more" if len(flips) > 1 else ""
    return f"{first.check} of {first.id} went from {first.before} to {first.after}{more}"


def _change_result(gate: Gate, evidence: PairedEvidence) -> GateResult:
    change = evidence.change or 0.0
    seen = f"{gate.name} changed by {percent(gate.name, change, signed=True)} in {count(evidence.pairs, 'pair')}"
    if gate.confidence is None:
        return GateResult(gate, gate.crossed(change, change), seen)
    from harness.compare.stats.evidence import MIN_CONSTANT_CASES

    ends = evidence.ends(gate.interval_confidence).change
    if ends is None and evidence.constant and evidence.cases >= MIN_CONSTANT_CASES:
        ends = (change, change)
    if ends is None:
        return GateResult(gate, None, f"{seen}, too few for an interval")
    far = " to ".join(percent(gate.name, end, signed=True) for end in ends)
    return GateResult(gate, gate.crossed(*ends), f"{seen} ({far} at {gate.confidence:.6g}%)")
