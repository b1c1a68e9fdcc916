"""Replays on several processes. Forks of this process play batches of trials in turn, and the results come back in order."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from harness.model import Trial
from harness.suite.matrix import Expansion

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WORTHWHILE = 200
"""Trials from which there are several processes. To fork, and to expand all trials in every process, takes about as much time as 50 to
100 trials; with two processes, 200 trials take a fifth less than with one (processor time of the longest path, Python 3.11)."""
MOST = 64
_DEFAULT_MOST = 4
"""The first process needs an eighth of the time of a trial to save it, so twice as many would wait for it."""
_BATCH = 8
"""Trials that travel together. They fit the buffer of a pipe, so a fork seldom waits."""

Work = Callable[[Iterable[Trial]], Iterator[bytes]]
"""What is done with a batch of trials: a result for each, without a line break."""


def can_fork() -> bool:
    """Whether this system has forks. Windows has none."""
    return hasattr(os, "fork")


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default(trials: int) -> int:
    """The number of processes for this number of trials, unless the user names one."""
    if trials < WORTHWHILE or not can_fork():
        return 1
    return min(cores(), _DEFAULT_MOST)


def in_order(trials: Expansion, work: Work, processes: int) -> Generator[bytes]:
    """The results of ``work`` for all trials, in the order of the trials.

    This process plays the first trials: a fork then has everything that is imported, read and compiled to play one. If a fork
    ends early, this process plays the rest, so an error is the same as without forks.
    """
    done = min(_BATCH, len(trials))
    yield from work(islice(trials, done))
    with _forks(trials, work, processes) as readers:
        for results in _received(readers, len(trials)):
            yield from results
            done += len(results)
    yield from work(trials.at(lambda position: position >= done))


def _received(readers: Sequence[Connection], trials: int) -> Iterator[list[bytes]]:
    for number in range(1, -(-trials // _BATCH)):
        try:
            yield readers[number % len(readers)].recv_bytes().split(b"\n")
        except (EOFError, OSError):
            return


@contextmanager
def _forks(trials: Expansion, work: Work, processes: int) -> Iterator[Sequence[Connection]]:
    """The connections from the forks. Leaving the block ends them."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    forks = []
    readers: list[Connection] = []
    # Ctrl-C reaches the whole group. Forks never see it: this process, which sees it once all are known, ends them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for part in range(processes):
            reader, writer = context.Pipe(duplex=False)
            readers.append(reader)
            with closing(writer):
                fork = context.Process(
                    target=_play, args=(trials, work, part, processes, writer, list(readers)), daemon=True
                )
                forks.append(fork)
                fork.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield readers
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for reader in readers:
            reader.close()
        for fork in forks:
            if fork.pid is not None:
                fork.terminate()
                fork.join()


def _play(
    trials: Expansion, work: Work, part: int, parts: int, writer: Connection, readers: Sequence[Connection]
) -> None:
    """Play every ``parts``-th batch, in a fork."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for reader in readers:
        reader.close()
    own = trials.at(lambda position: position >= _BATCH and position // _BATCH % parts == part)
    try:
        while results := list(work(islice(own, _BATCH))):
            writer.send_bytes(b"\n".join(results))
    except BaseException:  # noqa: BLE001  the first process plays this trial again and shows what is wrong
        sys.exit(1)
