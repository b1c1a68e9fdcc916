"""Two large runs are read at once: one here, the other by a second process, where there is a processor for it."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from harness.errors import RunError
from harness.results.load import SavedRun
from harness.results.store import ID
from harness.results.summary import Summary

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LARGE = 64 << 20
"""Bytes of a run, about 15,000 trials, from which on a process is worth its start: that takes a third of a second."""
Read = tuple[SavedRun, Summary]
"""A run as it is known after a pass, and what its trials say."""


def read(base: SavedRun, candidate: SavedRun) -> tuple[Read, Read]:
    """Both runs, as ``SavedRun.summary`` reads them. Raises RunError."""
    if not _worthwhile(base, candidate):
        return _here(base, candidate)
    from multiprocessing import get_context

    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    helper = context.Process(target=_there, args=(candidate, there), daemon=True)
    helper.start()
    there.close()
    try:
        one = base.summary()
        import harness.compare.stats  # noqa: F401  which takes half a second, and comes next

        found: Read | None = here.recv()
    except EOFError:  # it was killed: there may not be the memory for two
        found = None
    finally:
        helper.kill()
        helper.join()
    return (base, one), found or (candidate, candidate.summary(like=one))


def _here(base: SavedRun, candidate: SavedRun) -> tuple[Read, Read]:
    one = base.summary()
    return (base, one), (candidate, candidate.summary(like=one))


def _worthwhile(*runs: SavedRun) -> bool:
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return free > 1 and all(each.path.stat().st_size >= LARGE and not _repeated(each) for each in runs)


def _repeated(saved: SavedRun) -> bool:
    """Whether the first cell has several attempts: then what is read cannot be sent (see ``_there``)."""
    with saved.path.open("rb") as file:
        groups = [named[1] for line in islice(file, 1, 3) if (named := ID.match(line))]
    return len(groups) == 2 and groups[0] == groups[1]


def _there(saved: SavedRun, there: Connection) -> None:
    """Sends what was read; None where it cannot be sent: values of several attempts are in a file of this process.

    What is wrong with the run is said where it is then read once more.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()
    found = None
    with suppress(RunError, OSError):
        summary = saved.summary()
        found = None if summary.groups.measures.several else (saved, summary)
    there.send(found)
