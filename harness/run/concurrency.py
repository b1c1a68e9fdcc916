"""Live trials: an event loop to play them in, a few at a time, and their results in the order they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from harness.model import Trial
from harness.transport.wrapping import LiveTransport

T = TypeVar("T")

AHEAD = 64
"""Results may wait for an earlier one; this many times the trials in flight, then no new ones start."""


@contextmanager
def stage(transport: LiveTransport) -> Iterator[asyncio.Runner]:
    """An event loop (uvloop where there is one) with a transport opened in it, as long as the ``with`` block lasts."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(transport.__aenter__())
        try:
            yield runner
        finally:
            runner.run(transport.__aexit__(None, None, None))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def play_some(
    play: Callable[[Trial], Coroutine[Any, Any, T]],
    trials: Iterable[Trial],
    on_result: Callable[[T], None],
    at_once: int,
) -> None:
    """Play the trials, ``at_once`` in flight, and hand over the results in the order of the trials.

    When it is cancelled (Ctrl-C), or ``on_result`` raises, what is in flight is cancelled; a cancelled one still hands
    over everything that was finished.
    """
    line = InOrder(on_result, at_once * AHEAD)
    numbered = iter(enumerate(trials))
    workers = [asyncio.create_task(_work(play, numbered, line)) for _ in range(at_once)]
    try:
        await _all(workers)
    except asyncio.CancelledError:
        await _cancel(workers)
        line.hand_over_all()
        raise
    finally:
        await _cancel(workers)


async def _work(
    play: Callable[[Trial], Coroutine[Any, Any, T]], trials: Iterator[tuple[int, Trial]], line: InOrder[T]
) -> None:
    for number, trial in trials:
        line.finished(number, await play(trial))
        await line.room()


async def _all(workers: list[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


async def _cancel(workers: list[asyncio.Task[None]]) -> None:
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


class InOrder(Generic[T]):
    """Results that wait until all before them are there. Not more than ``longest`` should wait."""

    def __init__(self, on_result: Callable[[T], None], longest: int) -> None:
        self._on_result = on_result
        self._longest = longest
        self._waiting: dict[int, T] = {}
        self._next = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    def finished(self, number: int, result: T) -> None:
        self._waiting[number] = result
        while self._next in self._waiting:
            first = self._waiting.pop(self._next)
            self._next += 1
            self._on_result(first)
        if self.is_full:
            self._has_room.clear()
        else:
            self._has_room.set()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self._longest

    async def room(self) -> None:
        await self._has_room.wait()

    def hand_over_all(self) -> None:
        for number in sorted(self._waiting):
            self._on_result(self._waiting.pop(number))
