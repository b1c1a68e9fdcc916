"""What workers share: one pace and one ceiling. What a lost worker held comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from harness.gemini.providers import ROWS
from harness.model import Target
from harness.run.estimate import Estimate
from harness.run.shared_limits import SharedAccount, SharedLimits, SharedTurn
from harness.transport.pacing import Answered

ONE_AT_A_TIME = replace(ROWS["simulator"], concurrency=1)
TARGET = Target("simulator", "m")
DOLLAR = Estimate(least=1.0, about=1.0, most=1.0)


class Handle:
    """The limits as a handle of an actor shows it."""

    def __init__(self, limits: SharedLimits) -> None:
        self._limits = limits

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Awaitable[Any]] = getattr(self._limits, name)

        class Method:
            @staticmethod
            def remote(*values: Any) -> asyncio.Future[Any]:
                return asyncio.ensure_future(method(*values))

        return Method


async def soon(waits: Awaitable[Any]) -> bool:
    """Whether it is done at once."""
    done, _ = await asyncio.wait([asyncio.ensure_future(waits)], timeout=0.05)
    return bool(done)


def test_workers_have_turns_of_one_pace() -> None:
    async def ask() -> None:
        limits = Handle(SharedLimits())
        mine, theirs = (SharedTurn(limits, name, ONE_AT_A_TIME, "m", 1) for name in ("gw1", "gw2"))
        async with mine:
            waiting = asyncio.ensure_future(theirs.__aenter__())
            assert not await soon(asyncio.shield(waiting))
        assert await mine.note(Answered(False), 60) is True
        assert await soon(waiting)

    asyncio.run(ask())


def test_a_turn_that_brought_no_answer_ends_too() -> None:
    async def ask() -> None:
        limits = Handle(SharedLimits())
        for _ in range(2):
            turn = SharedTurn(limits, "gw1", ONE_AT_A_TIME, "m", 1)
            await turn.__aenter__()
            await turn.__aexit__(OSError, OSError(), None)
        assert await soon(SharedTurn(limits, "gw2", ONE_AT_A_TIME, "m", 1).__aenter__())

    asyncio.run(ask())


def test_the_turns_of_a_lost_worker_come_back() -> None:
    async def ask() -> None:
        limits = SharedLimits()
        await limits.enter("gw1", ONE_AT_A_TIME, "m", 1)
        waiting = [asyncio.ensure_future(limits.enter(name, ONE_AT_A_TIME, "m", 1)) for name in ("gw1", "gw2")]
        assert not await soon(asyncio.shield(waiting[1]))
        await limits.forget("gw1")
        assert await soon(waiting[1]), "the lost worker's second request does not keep the place that it was given late"

    asyncio.run(ask())


def test_one_ceiling_holds_for_all_workers() -> None:
    async def ask() -> None:
        limits = SharedLimits()
        await limits.open_account(2.5)
        accounts = [SharedAccount(Handle(limits), name) for name in ("gw1", "gw2")]
        assert await accounts[0].admit("a", TARGET, DOLLAR)
        assert await accounts[1].admit("b", TARGET, DOLLAR)
        third = asyncio.ensure_future(accounts[0].admit("c", TARGET, DOLLAR))
        assert not await soon(asyncio.shield(third))
        accounts[0].settle("a", TARGET, 1.0, known=True)
        accounts[1].settle("b", TARGET, 1.0, known=True)
        assert await third is False
        spent = await limits.spent()
        assert spent.dollars == 2.0
        assert "the ceiling of $2.50 would be exceeded: $2.00 is spent, and c is expected to cost $1.00" in spent.closed

    asyncio.run(ask())


def test_what_a_lost_worker_was_asking_counts_at_its_maximum() -> None:
    async def ask() -> None:
        limits = SharedLimits()
        await limits.open_account(10.0)
        await limits.admit("gw1", "a", TARGET, Estimate(least=0.1, about=0.2, most=3.0))
        await limits.forget("gw1")
        assert (await limits.spent()).dollars == 3.0
        await limits.settle("gw1", "a", TARGET, 1.0, True)
        assert (await limits.spent()).dollars == 3.0, "a late message changes nothing"

    asyncio.run(ask())
