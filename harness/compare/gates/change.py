"""What a candidate may not do beside its reference: let a hard check down, or move a measure too far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.compare.comparison import Comparison, Flip
from harness.compare.gates.gate import Gate, GateResult, told, unasked
from harness.compare.gates.level import held
from harness.compare.pairs import Pairs
from harness.compare.verdicts import measured, percent
from harness.results.groups import Tally

if TYPE_CHECKING:
    from harness.compare.stats import PairedEvidence


def answer(gate: Gate, comparison: Comparison, parts: Mapping[str, str] = MappingProxyType({})) -> GateResult:
    """Look at the cells that both sides have; of a budget (``Gate.alone``) at all of the candidate's, unless that has but a part
    of the suite: see ``budgets.parts``.

    No correction for other comparisons: each gate is a promise of its own.
    """
    if gate.alone:
        if why := parts.get(gate.suite or ""):
            return unasked(gate, why)
        return held(gate, [pair.candidate for pair in comparison.pairs if pair.candidate])
    cells = comparison.paired.of(gate.suite)
    if not cells:
        return GateResult(gate, None, "cannot tell: the two sides have no cell in common")
    if gate.checks:
        flips = [each for each in comparison.flips if gate.suite in (None, each.suite) and each.check in gate.checks]
        return _hard(gate, flips, cells)
    evidence = measured(gate.measure, cells, gate.two_sided)
    if evidence is None or evidence.change is None:
        return GateResult(gate, None, f"cannot tell: no {gate.name} on both sides to reckon with")
    return _moved(gate, evidence)


def _hard(gate: Gate, flips: Sequence[Flip], cells: Pairs) -> GateResult:
    """A check that fails is a failure, judged before or not; of one that is no longer, or never, judged nobody knows."""
    worse = [each for each in flips if each.worse or (_unknown(each.before) and each.after in ("failed", "flaky"))]
    lost = [each for each in flips if _unknown(each.after) and each.before != "failed"]
    if worse:
        return GateResult(gate, True, f"crossed: {_went(worse)}")
    if lost:
        return GateResult(gate, None, f"cannot tell: {_went(lost)}")
    if not any(_judges(side.tally, gate.checks) for cell in cells for side in cell if side):
        return GateResult(gate, None, f"cannot tell: none of {', '.join(gate.checks)} was judged in {len(cells)} cells")
    return GateResult(gate, False, f"holds: none of {', '.join(gate.checks)} got worse in {len(cells)} cells")


def _judges(side: Tally, checks: Sequence[str]) -> bool:
    """Whether any of the checks was judged; an invariant is of every answer that was."""
    named = {name for name, held, broke in side.checks if held or broke}
    return any(check in named or (check.startswith("invariant:") and side.judged > 0) for check in checks)


def _unknown(state: str) -> bool:
    return state == "not judged"


def _went(flips: Sequence[Flip]) -> str:
    first = flips[0]
    more = f", and {len(flips) - 1} more" if len(flips) > 1 else ""
    return f"{first.check} of {first.id} went from {first.before} to {first.after}{more}"


def _moved(gate: Gate, evidence: PairedEvidence) -> GateResult:
    change = evidence.change or 0.0
    seen = f"{gate.name} changed by {percent(gate.name, change, signed=True)} in {evidence.pairs} pairs"
    if gate.confidence is None:
        return told(gate, gate.crossed(change, change), seen)
    ends = evidence.change_ends
    if ends is None:
        return told(gate, None, f"{seen}, too few for an interval")
    far = " to ".join(percent(gate.name, end, signed=True) for end in ends)
    return told(gate, gate.crossed(*ends), f"{seen} ({far} at {gate.confidence:.4g}%)")
