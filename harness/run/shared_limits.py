"""What the workers of a run on a cluster share: the pace of their requests, and the ceiling on what they cost.

One process holds the `SharedLimits`. Each worker asks it through a `SharedTurn` and a `SharedAccount`, and sends numbers, never a request or
an answer.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Awaitable
from itertools import count
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from harness.gemini.providers import Provider
from harness.model import Target
from harness.run.budget import Ledger
from harness.run.estimate import Estimate
from harness.transport.pacing import Answered, Pacing, Turn

T = TypeVar("T")


class Spent(NamedTuple):
    """US dollars, and why no further trial was admitted; empty if all were."""

    dollars: float
    closed: str


class SharedLimits:
    """Gives turns and admits trials, of all workers. What a lost worker held comes back with ``forget``."""

    def __init__(self) -> None:
        self._pacing = Pacing(perf_counter)
        self._ledger = Ledger(0.0)
        self._turns: dict[int, tuple[str, Turn]] = {}
        self._numbers = count()
        self._admitted: defaultdict[str, dict[str, Target]] = defaultdict(dict)
        self._lost: set[str] = set()

    async def enter(self, worker: str, provider: Provider, model: str, tokens: int) -> int:
        """Wait for a turn. Returns its number."""
        turn = self._pacing.turn(provider, model, tokens)
        await turn.__aenter__()
        number = next(self._numbers)
        self._turns[number] = (worker, turn)
        if worker in self._lost:
            await self.leave(number)
        return number

    async def leave(self, number: int, answered: Answered | None = None, longest: float = 0.0) -> bool:
        """End a turn, with what its answer says of the pace. Returns whether others got through: see ``Turn.note``."""
        _, turn = self._turns.pop(number)
        await turn.__aexit__(None, None, None)
        return answered is not None and await turn.note(answered, longest)

    async def open_account(self, ceiling: float) -> None:
        """Count from zero. ``ceiling``: US dollars that may be spent."""
        self._ledger = Ledger(ceiling)

    async def admit(self, worker: str, id: str, target: Target, estimate: Estimate) -> bool:
        if not await self._ledger.admit(id, target, estimate):
            return False
        if worker in self._lost:
            self._ledger.settle(id, target, 0.0, known=True)  # the answer does not reach it, so it sends nothing
            return False
        self._admitted[worker][id] = target
        return True

    async def settle(self, worker: str, id: str, target: Target, dollars: float, known: bool) -> None:
        if self._admitted[worker].pop(id, None) is not None:
            self._ledger.settle(id, target, dollars, known=known)

    async def spent(self) -> Spent:
        return Spent(self._ledger.spent, self._ledger.closed)

    async def forget(self, worker: str) -> None:
        """Take back what a lost worker held. What it was admitted for counts at its maximum."""
        self._lost.add(worker)
        for number in [number for number, (holder, _) in self._turns.items() if holder == worker]:
            await self.leave(number)
        for trial, target in self._admitted.pop(worker, {}).items():
            self._ledger.settle(trial, target, 0.0, known=False)


class SharedTurn:
    """A turn at the pacing that all workers share, for one of them. ``limits``: a handle to the actor."""

    def __init__(self, limits: Any, worker: str, provider: Provider, model: str, tokens: int) -> None:
        self._limits = limits
        self._asked = (worker, provider, model, tokens)
        self._number = -1

    async def __aenter__(self) -> Self:
        self._number = await _answer(self._limits.enter.remote(*self._asked))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: object, trace: TracebackType | None) -> None:
        if kind is not None:  # there is nothing to note, so ``note`` does not end it
            self._limits.leave.remote(self._number)

    async def note(self, answered: Answered, longest: float) -> bool:
        return await _answer(self._limits.leave.remote(self._number, answered, longest))


class SharedAccount:
    """The ledger that all workers share, for one of them. ``limits``: a handle to the actor."""

    def __init__(self, limits: Any, worker: str) -> None:
        self._limits, self._worker = limits, worker

    async def admit(self, id: str, target: Target, estimate: Estimate) -> bool:
        return await _answer(self._limits.admit.remote(self._worker, id, target, estimate))

    def settle(self, id: str, target: Target, dollars: float, *, known: bool) -> None:
        self._limits.settle.remote(self._worker, id, target, dollars, known)


async def _answer(asked: Awaitable[T]) -> T:
    """What the actor answers. Without it nothing may be sent, and the process that plays the run sees that this worker is gone."""
    try:
        return await asked
    except Exception:  # noqa: BLE001 - Ray's, which this module does not import
        os._exit(1)
