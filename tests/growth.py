"""How long work takes, as a ratio of what else this process does: no test knows how fast its machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 5


def seconds(work: Callable[[], object]) -> float:
    """The seconds of processor time that work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def grows_evenly(work: Callable[[int], object], size: int, *, least: float = 0.01) -> bool:
    """Whether five times the size takes less than half of the time that work of quadratic growth would take.

    A ratio that is too large is measured again at twice the size: what else the machine does disturbs one measure, and
    quadratic growth shows in all of them. Shorter times than ``least`` seconds count as that.
    """
    work(1)  # imports what it needs
    limit = TIMES**2 / 2
    return any(
        _seconds_of(work, n * TIMES) < limit * max(least, _seconds_of(work, n)) for n in (size, 2 * size, 4 * size)
    )


def _seconds_of(work: Callable[[int], object], size: int) -> float:
    return seconds(lambda: work(size))


def loops(work: Callable[[], object]) -> float:
    """The processor time of work, in loops over a million numbers (about 10 ms on a machine of 2026)."""
    return seconds(work) / min(seconds(lambda: sum(range(1_000_000))) for _ in range(3))
