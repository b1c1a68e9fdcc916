"""Stopping early: whole cases in random order, and a few looks that are fixed beforehand.

At each look the evidence so far is held to O'Brien and Fleming's boundary, which spends the level of 5% over all five looks, whether or
not one stops (O'Brien and Fleming 1979, Biometrics 35). An interval at the level of the look holds at whatever look a run stops: it
is a repeated confidence interval (Jennison and Turnbull 1989, J. R. Statist. Soc. B 51).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from harness.compare.comparison import Comparison
from harness.compare.gates.gate import Gate, GateResult
from harness.compare.gates.level import evaluate_level
from harness.compare.verdicts import ALPHA, Difference
from harness.results.groups import Group
from harness.results.rows import RunRow
from harness.text.amounts import count

BOUNDS = (4.562, 3.226, 2.634, 2.281, 2.040)
"""The boundaries of five looks for the two-sided level of 5%: over a million simulated paths the level was 4.995%."""
FUTILE = 0.1
"""Below this chance of ever telling, even if the difference is larger by a standard error than it seems, asking on is not worth it.
Power is then within 3 percentage points of that of a run that does not stop; without the standard error it is 12 points lower."""
SEED = 1
_NORMAL = NormalDist()
Case = TypeVar("Case")


class Stopped(NamedTuple):
    """Why a run stopped, after how many of its cases; ``look``: from 1."""

    why: str
    cases: int
    of: int
    look: int

    def __str__(self) -> str:
        return f"{self.why} after {self.cases:,} of {count(self.of, 'case')}"


def level(look: int) -> float:
    """The two-sided level of a look, from 1."""
    return 2 * (1 - _NORMAL.cdf(BOUNDS[look - 1]))


def blocks(cases: Sequence[Case]) -> list[Sequence[Case]]:
    """The cases in random order, which is the same every time, cut at the looks. Fewer cases than looks have fewer blocks."""
    shuffled = list(dict.fromkeys(cases))
    Random(SEED).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    ends = [-(-len(shuffled) * look // len(BOUNDS)) for look in range(len(BOUNDS) + 1)]
    return [shuffled[start:end] for start, end in pairwise(ends)]


def told(comparison: Comparison, gates: Sequence[GateResult], look: int) -> str | None:
    """What a comparison at this look tells, whose verdicts are at the level of the look; None where asking on may tell more."""
    if comparison.breaks:
        return "told"
    rate = next((one for one in comparison.differences if one.measure == "pass_rate" and one.suite is None), None)
    if any(gate.crossed for gate in gates):
        return "told"
    if rate is None or any(gate.unknown for gate in gates):
        return None
    if gates or rate.verdict != "cannot tell":
        return "told"
    return "given up as futile" if futile(rate, look) else None


def futile(rate: Difference, look: int) -> bool:
    """Whether the last look will hardly call the sides different."""
    if look == len(BOUNDS):
        return False
    z = _NORMAL.inv_cdf(1 - max(rate.evidence.p or 1.0, 1e-15) / 2)
    share = look / len(BOUNDS)
    drift = (z + 1) / share**0.5
    last, rest = z * share**0.5 + drift * (1 - share), (1 - share) ** 0.5
    beyond = 1 - _NORMAL.cdf((BOUNDS[-1] - last) / rest) + _NORMAL.cdf((-BOUNDS[-1] - last) / rest)
    return beyond < FUTILE


def decided(gate: Gate, groups: Sequence[Group], left: int, look: int) -> GateResult:
    """A budget of a run that is not complete: what it says whatever the ``left`` attempts will be, or else at this look.

    The end of a pass rate may be known before the run ends: that costs no error at all. A number needs a confidence for an answer.
    """
    made = evaluate_level(gate if gate.kind == "total" else at_look(gate, look), groups)
    if gate.name == "pass_rate":
        ends = {_rate_of(gate, groups, passed=more, judged=left) for more in (0, left)}
        if len(ends) == 1 and None not in ends:
            found = evaluate_level(replace(gate, confidence=None), groups)
            return replace(
                found,
                gate=gate,
                crossed=ends.pop(),
                message=f"{found.message}; the {left:,} attempts left cannot change it",
            )
        return replace(made, gate=gate, crossed=None)
    open_ = made.crossed is not True if gate.kind == "total" else gate.confidence is None
    return replace(made, gate=gate, crossed=None if open_ else made.crossed)


def _rate_of(gate: Gate, groups: Sequence[Group], passed: int, judged: int) -> bool | None:
    """The answer of the gate with so many attempts more."""
    from harness.compare.stats import clopper_pearson

    mine = [group for group in groups if gate.suite in (None, group.suite)]
    held, of = sum(group.passed for group in mine) + passed, sum(group.judged for group in mine) + judged
    if not of:
        return None
    ends = (held / of, held / of) if gate.confidence is None else clopper_pearson(held, of, gate.interval_confidence)
    return gate.crossed(*ends)


def at_look(gate: Gate, look: int) -> Gate:
    """The gate with the confidence that a look demands; a gate on checks, or on a total, as it is."""
    if gate.checks or gate.kind == "total":
        return gate
    return replace(gate, confidence=max(gate.confidence or 0.0, 100 * (1 - level(look) / 2)))


def alpha(*runs: RunRow) -> float:
    """The level at which runs are compared: that of the last look, where one of them may have stopped early."""
    looks = [run["looks"] for run in runs if "looks" in run]
    return min((level(look) for look in looks), default=ALPHA)
