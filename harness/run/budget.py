"""A ceiling on the cost of a run: decides whether a trial may begin, and sums up what was spent. In US dollars.

Trials in flight count at their maximum. The next trial counts at its expected cost: what it cost before, else the highest
cost of a trial on its target in this run, else the cost of its prompt. So a run exceeds its ceiling at most by the amount by
which one trial costs more than expected. When little is left, trials wait for those in flight. The first trial that does not
fit when none is in flight closes the budget. Only live answers cost money.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

from harness.errors import (
    CeilingReached,
    GivenUp,
    HarnessError,
    MissingKey,
    NoConnection,
    NoRecording,
    StaleRecording,
    UsageError,
)
from harness.gemini.price_rates import Unpriced
from harness.model import Exchange, Request, Result, Slot, Target, Trial
from harness.run.estimate import Estimate, Estimates
from harness.transport.wrapping import Around

_UNSENT = (GivenUp, MissingKey, NoConnection, NoRecording, StaleRecording, UsageError)
"""Errors that occur before a request is sent."""


class Account(Protocol):
    """Where a budget asks and pays: a `Ledger`, or that of another process."""

    async def admit(self, id: str, target: Target, estimate: Estimate) -> bool: ...
    def settle(self, id: str, target: Target, dollars: float, *, known: bool) -> None: ...


class Ledger:
    """What was spent of a ceiling, and what the trials in flight may cost. ``closed`` is empty until a trial is not admitted;
    then it is the reason, with the numbers."""

    def __init__(self, ceiling: float, workers: int = 1) -> None:
        """``workers``: the number of processes that share the ceiling equally; this object has one share."""
        self.ceiling = ceiling / workers
        self._whole = ceiling
        self.spent = 0.0
        self.guessed = 0
        """Answers without a known cost. They count at their maximum."""
        self.closed = ""
        self._in_flight: dict[str, float] = {}
        self._dearest: dict[Target, float] = {}
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()

    async def admit(self, id: str, target: Target, estimate: Estimate) -> bool:
        """Whether the trial may begin. Waits for trials in flight if that decides it. Trials are admitted in the order of the calls."""
        async with self._turn:
            dearest = max(estimate.least, self._dearest.get(target, 0))
            expected = dearest if estimate.about is None else estimate.about
            while not self.closed and self.spent + sum(self._in_flight.values()) + expected > self.ceiling:
                if not self._in_flight:
                    self.closed = self._why(id, expected)
                    break
                self._settled.clear()
                await self._settled.wait()
            if not self.closed:
                self._in_flight[id] = estimate.most
            return not self.closed

    def settle(self, id: str, target: Target, dollars: float, *, known: bool) -> None:
        """Add the cost of a trial that has ended. If it is not ``known``, the trial counts at its maximum at least."""
        most = self._in_flight.pop(id, 0.0)
        if not known:
            self.guessed += 1
            dollars = max(dollars, most)
        self.spent += dollars
        self._dearest[target] = max(dollars, self._dearest.get(target, 0))
        self._settled.set()

    def _why(self, id: str, expected: float) -> str:
        from harness.text.amounts import count, dollars

        guessed = f" ({count(self.guessed, 'answer')} of unknown cost counted at the maximum)" if self.guessed else ""
        part = f" (a worker's share of ${dollars(self._whole)})" if self._whole > self.ceiling else ""
        return (
            f"the ceiling of ${dollars(self.ceiling)}{part} would be exceeded: ${dollars(self.spent, 3)} is spent{guessed}, and "
            f"{id} is expected to cost ${dollars(expected, 3)}"
        )


class Budget:
    """What trials are estimated at and what they cost, held against an account."""

    def __init__(self, ceiling: float, estimates: Estimates, workers: int = 1, account: Account | None = None) -> None:
        """``workers``: see `Ledger`. ``account``: that of another process, instead of the own ledger."""
        self.ledger = Ledger(ceiling, workers)
        self._account = account or self.ledger
        self._estimates = estimates
        self._lost: set[tuple[Path, int, int]] = set()

    @property
    def spent(self) -> float:
        return self.ledger.spent

    def check(self) -> None:
        """Raises CeilingReached if a trial was not admitted."""
        if self.ledger.closed:
            raise CeilingReached(self.ledger.closed)

    def watch(self, transport: Any) -> Any:
        """The transport, which now records requests that were sent and got no answer."""
        return _NotingLosses(transport, self._lost)

    async def admit(self, trial: Trial) -> bool:
        """Whether the trial may begin: see `Ledger.admit`. Raises UsageError if its cost cannot be estimated."""
        try:
            estimate = self._estimates.of(trial) if self._estimates.asks(trial) else Estimate(0, 0, 0)
        except Unpriced as unknown:
            raise UsageError(f"a ceiling cannot be kept: {unknown}\n  {unknown.remedy}".rstrip()) from None
        return await self._account.admit(trial.id, trial.target, estimate)

    def settle(self, result: Result) -> None:
        """Add the cost of a trial that has ended."""
        trial = result.trial
        live = [turn.bill.dollars for turn in result.turns if turn.exchange.provenance.mode == "live"]
        if live and result.measures.get("judge_requests"):
            live.append(result.measures["judge_cost_usd"])
        lost = (trial.cassette, trial.row, trial.attempt - 1) in self._lost
        dollars = sum(cost for cost in live if cost is not None)
        self._account.settle(trial.id, trial.target, dollars, known=not lost and None not in live)


class _NotingLosses(Around):
    """A transport that notes (cassette, row, attempt from 0) of the requests that were sent and got no answer."""

    def __init__(self, inner: Any, lost: set[tuple[Path, int, int]]) -> None:
        super().__init__(inner)
        self._lost = lost

    async def send(self, request: Request, slot: Slot) -> Exchange:
        try:
            return await super().send(request, slot)
        except HarnessError as fault:
            if not isinstance(fault, _UNSENT):
                self._lost.add((slot.cassette, slot.row, slot.repeat))
            raise
