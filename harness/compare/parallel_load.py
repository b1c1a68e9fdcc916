"""Loads two large runs in parallel, the second one in a child process, if there is a processor for it."""

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
"""Runs of at least so many bytes (about 15,000 trials) are worth a child process, whose start takes a third of a second."""
LoadedRun = tuple[SavedRun, Summary]
"""A saved run, and the summary of its trials."""


def load_both(base: SavedRun, candidate: SavedRun) -> tuple[LoadedRun, LoadedRun]:
    """Both runs, as ``SavedRun.summary`` reads them. Raises RunError."""
    if not _worth_a_process(base, candidate):
        return _load_in_turn(base, candidate)
    from multiprocessing import get_context

    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    helper = context.Process(target=_load_in_child, args=(candidate, sender), daemon=True)
    helper.start()
    sender.close()
    try:
        base_summary = base.summary()
        import harness.compare.stats  # noqa: F401  takes half a second, and is needed next

        found: LoadedRun | None = receiver.recv()
    except EOFError:  # the child was killed, probably for want of memory: load in this process instead
        found = None
    finally:
        helper.kill()
        helper.join()
    return (base, base_summary), found or (candidate, candidate.summary(like=base_summary))


def _load_in_turn(base: SavedRun, candidate: SavedRun) -> tuple[LoadedRun, LoadedRun]:
    base_summary = base.summary()
    return (base, base_summary), (candidate, candidate.summary(like=base_summary))


def _worth_a_process(*runs: SavedRun) -> bool:
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return free > 1 and all(run.path.stat().st_size >= LARGE and not _has_repeats(run) for run in runs)


def _has_repeats(saved: SavedRun) -> bool:
    """Whether the first cell has several attempts: then the summary cannot be sent (see ``_load_in_child``)."""
    with saved.path.open("rb") as file:
        groups = [named[1] for line in islice(file, 1, 3) if (named := ID.match(line))]
    return len(groups) == 2 and groups[0] == groups[1]


def _load_in_child(saved: SavedRun, sender: Connection) -> None:
    """Load a run in the child process and send it to the parent; send None where that is not possible.

    The values of several attempts are in a temporary file of this process, and cannot be sent. Errors are not sent
    either: the parent loads the run again, and reports them.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()
    found = None
    with suppress(RunError, OSError):
        summary = saved.summary()
        found = None if summary.groups.measures.several else (saved, summary)
    sender.send(found)
