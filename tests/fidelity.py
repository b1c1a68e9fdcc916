"""Answers of the simulator for tests of ``fidelity``: what each fault looks like, field by field.

``python -m tests.fidelity [FAULT ...]`` prints what is claimed for each fault; ``python -m tests.fidelity --null RUNS`` how often
something is claimed between the simulator and itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from harness.answer import reply
from harness.compare.fidelity import fidelity, pair_answers
from harness.compare.fidelity_answers import features_of
from harness.compare.fidelity_changes import Answer, Fidelity, FidelityOptions, Where
from harness.compare.fidelity_facts import facts
from harness.model import Exchange, Request
from harness.results.rows import TurnRow, turn_row
from harness.run.play import prepare
from harness.simulator.faults import FAULTS
from tests import faults

Rewrite = Callable[[Exchange, int], Exchange]
"""What a proxy makes of an answer; the number counts its answers."""


class Recorded:
    """One side: its answers, and how to read them again."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.exchanges = exchanges
        self._turns = {(str(number), 0): _turn(exchange) for number, exchange in enumerate(exchanges)}
        self.answers = [self._answer(where, turn) for where, turn in self._turns.items()]

    def read(self, wanted: Collection[Where]) -> Mapping[Where, TurnRow]:
        return {where: self._turns[where] for where in wanted}

    @staticmethod
    def _answer(where: Where, turn: TurnRow) -> Answer:
        case = f"{turn.url} {turn.request}"
        return Answer(case, tuple(features_of(turn.request, turn.transport)), where, facts(turn))


def _turn(exchange: Exchange) -> TurnRow:
    return turn_row(exchange.request, exchange, reply.read(exchange))


def compared(reference: Recorded, candidate: Recorded, options: FidelityOptions | None = None) -> Fidelity:
    pairs = pair_answers(reference.answers, candidate.answers)
    reads = (reference.read, candidate.read)
    return fidelity(pairs, ("google", "gateway"), reads, options or FidelityOptions())


@cache
def requests() -> tuple[Request, ...]:
    """The first request of every trial of the shipped suites."""
    return tuple(prepare(trial, faults.CONFIG) for trial in faults.trials())


def answers(fault: str = "", *, rewrite: Rewrite | None = None, seed: str = "") -> Recorded:
    """What the simulator answers with a fault, behind a proxy."""
    sent = exchanges(fault, seed)
    return Recorded([rewrite(exchange, number) for number, exchange in enumerate(sent)] if rewrite else sent)


@lru_cache(maxsize=4)
def exchanges(fault: str, seed: str) -> list[Exchange]:
    """The answers to all requests. With a seed, other texts and counts than without."""
    transport = faults.InProcessTransport(fault)
    transport._simulator.seed = seed
    return [asyncio.run(transport.send(request, _SLOT)) for request in requests()]


def claims(document: Fidelity) -> set[tuple[str, str]]:
    return {(change.kind, change.path) for change in document.overall.changes if not change.note}


_SLOT: Any = None


def false_claims(runs: int) -> list[set[tuple[str, str]]]:
    """What is claimed between the simulator and itself, of reports in which something is. Every run has seeds of its own."""
    found = (compared(answers(seed=f"a{run}"), answers(seed=f"b{run}")) for run in range(runs))
    return [claimed for document in found if (claimed := claims(document))]


def main(names: Sequence[str]) -> int:
    if names[:1] == ["--null"]:
        wrong = false_claims(int(names[1]))
        print(f"{len(wrong)} of {names[1]} reports claim something: {wrong}")
        return 0
    healthy = answers()
    for name in names or FAULTS:
        document = compared(healthy, answers(name))
        found = [f"{change.kind} {change.path} {change.pairs}/{change.of}" for change in document.overall.changes]
        unsure = [f"{change.kind} {change.path} {change.pairs}/{change.of}" for change in document.unsure]
        print(f"{name:22} {'; '.join(found) or '-'}   ?? {'; '.join(unsure)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
