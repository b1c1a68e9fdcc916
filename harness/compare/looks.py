"""Stopping early: whole cases in random order, and a few looks that are fixed beforehand.

At each look the evidence so far is held to O'Brien and Fleming's boundary, which spends the level of 5% over all five looks, whether or
not one stops (O'Brien and Fleming 1979, Biometrics 35). An interval at the level of the look holds at whatever look a run stops: it
is a repeated confidence interval (Jennison and Turnbull 1989, J. R. Statist. Soc. B 51).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from harness.compare.comparison import Comparison
from harness.compare.gates.budgets import evaluate_level, rate_ends
from harness.compare.gates.gate import Gate, GateResult
from harness.compare.verdicts import ALPHA
from harness.results.groups import Group
from harness.results.rows import RunRow
from harness.results.summary import Summary
from harness.text.amounts import count

BOUNDS = (4.562, 3.226, 2.634, 2.281, 2.040)
"""The boundaries of five looks for the two-sided level of 5%: over a million simulated paths the level was 4.995%."""
FUTILE = 0.05
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
    if comparison.breaks or any(gate.crossed for gate in gates):
        return "told"
    rate = comparison.overall.get("pass_rate")
    if rate is None or any(gate.unknown for gate in gates):
        return None
    if gates or rate.verdict != "cannot tell":
        return "told"
    return "given up as futile" if futile(rate.evidence.p, look) else None


def futile(p: float | None, look: int) -> bool:
    """Whether the last look will hardly call the sides different; ``p``: that of this look."""
    if look == len(BOUNDS):
        return False
    z = _NORMAL.inv_cdf(1 - max(1.0 if p is None else p, 1e-15) / 2)
    share = look / len(BOUNDS)
    drift = (z + 1) / share**0.5
    last, rest = z * share**0.5 + drift * (1 - share), (1 - share) ** 0.5
    beyond = 1 - _NORMAL.cdf((BOUNDS[-1] - last) / rest) + _NORMAL.cdf((-BOUNDS[-1] - last) / rest)
    return beyond < FUTILE


class Curtailment:
    """Whether the answers about pass rates are certain, whatever the attempts to come will be.

    This costs no error at all, so it may be asked after every attempt. ``left``: suite -> its attempts to come; None: all.
    """

    def __init__(self, gates: Sequence[Gate], left: Mapping[str | None, int]) -> None:
        self._gates, self._left = gates, Counter(left)
        self._passed, self._judged = Counter[str | None](), Counter[str | None]()

    def add(self, suite: str, passed: int, judged: int, made: int = 1) -> None:
        """Count attempts of a suite: how many were ``made``, how many of them were ``judged``, and how many of these ``passed``."""
        for part in (None, suite):
            self._passed[part] += passed
            self._judged[part] += judged
            self._left[part] -= made

    @property
    def certain(self) -> bool:
        """Whether one gate is crossed, or all of them hold, for certain."""
        answers = [self.crossed(gate) for gate in self._gates]
        return True in answers or set(answers) == {False}

    def crossed(self, gate: Gate) -> bool | None:
        """The answer of the gate that nothing to come can change; None where there is none."""
        if gate.name != "pass_rate" or not gate.is_budget:
            return None
        left = max(self._left[gate.suite], 0)
        held, of = self._passed[gate.suite], self._judged[gate.suite] + left
        ends = {gate.crossed(*rate_ends(gate, held + more, of)) for more in (0, left)} if of else {None}
        return ends.pop() if len(ends) == 1 else None


def attempts(groups: Iterable[Group], suite: str | None) -> int:
    """How many were made, in this suite or (None) in all."""
    return sum(group.attempts for group in groups if suite in (None, group.suite))


def decided(gate: Gate, groups: Sequence[Group], left: int, look: int) -> GateResult:
    """A budget of a run that is not complete: what it says whatever the ``left`` attempts will be, or else at this look.

    A pass rate without such an answer is open, and a number needs a confidence for an answer.
    """
    mine = [group for group in groups if gate.suite in (None, group.suite)]
    counted, rest = Curtailment([gate], {gate.suite: left}), count(left, "attempt")
    for group in mine:
        counted.add(group.suite, group.passed, group.judged, 0)
    answer = counted.crossed(gate)
    if answer is not None:
        seen = evaluate_level(replace(gate, confidence=None), mine).seen
        return GateResult(gate, answer, f"{seen}, and the {rest} left cannot change it")
    made = evaluate_level(gate if gate.kind == "total" else at_look(gate, look), mine)
    certain = made.crossed is True if gate.kind == "total" else gate.confidence is not None
    if gate.name != "pass_rate" and certain:
        return replace(made, gate=gate)
    return GateResult(gate, None, f"{made.seen}, and the {rest} left could change it")


def stopped_answer(gate: Gate, run: RunRow, summary: Summary, groups: Sequence[Group]) -> GateResult:
    """A budget of a run that stopped early by design, for these groups of it. One of a suite may stay open: then it is not asked."""
    whole = next((suite.get("trials") for suite in run["suites"] if suite["suite"] == gate.suite), None)
    left = (whole or run["whole"]) - attempts(summary.groups.values(), gate.suite)
    found = decided(gate, groups, left, run["looks"])
    if gate.suite is None or found.crossed is not None:
        return found
    return GateResult(gate, None, f"the run stopped early by design: {found.seen}", asked=False)


def at_look(gate: Gate, look: int) -> Gate:
    """The gate with the confidence that a look demands; a gate on checks, or on a total, as it is."""
    if gate.checks or gate.kind == "total":
        return gate
    return replace(gate, confidence=max(gate.confidence or 0.0, 100 * (1 - level(look) / 2)))


def notes(*runs: RunRow) -> Iterator[str]:
    """What the design of runs that may stop early asks of a verdict, in one line."""
    ended = [f"run {run['id']} ended at look {run['looks']} of {len(BOUNDS)}" for run in runs if "looks" in run]
    if ended:
        needed = f"{alpha(*runs):.6f}".rstrip("0")
        yield f"{' and '.join(ended)}: where a run may stop early, a difference counts at p {needed} or less"


def look_of(*runs: RunRow) -> int | None:
    """The earliest look at which one of the runs may have stopped, whose level is the strictest; None where none could."""
    return min((run["looks"] for run in runs if "looks" in run), default=None)


def alpha(*runs: RunRow) -> float:
    """The level at which runs are compared."""
    look = look_of(*runs)
    return ALPHA if look is None else level(look)
