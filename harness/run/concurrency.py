"""Live trials: an event loop to play them in, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from harness.model import Trial
from harness.transport.wrapping import LiveTransport

T = TypeVar("T")


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
    """Play the trials, ``at_once`` in flight, and hand over each result as soon as there is one.

    When it is cancelled (Ctrl-C), or anything raises, what is in flight is cancelled.
    """
    left = iter(trials)

    async def work() -> None:
        for trial in left:
            on_result(await play(trial))

    workers = [asyncio.create_task(work()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
