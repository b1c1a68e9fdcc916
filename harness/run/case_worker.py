"""A worker that plays cases on another process or machine. It reads the suites there, and sends home rows and recordings.

It gets ids of groups, never requests. Its rows and recordings are on their way as soon as there are some, so that a lost worker
takes with it only what it was asking.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from harness import __version__
from harness.config import Config, with_definition
from harness.errors import HarnessError, UsageError
from harness.model import Trial
from harness.results.rows import SuiteRow
from harness.run import session
from harness.run.budget import Budget
from harness.run.concurrency import play_some
from harness.run.play import Stop, pay_and_play
from harness.run.session import Judge, Plan, RecordPolicy
from harness.run.shared_limits import SharedAccount, SharedTurn
from harness.suite.matrix import Selection, TrialGroup
from harness.transport.recorder import Coworker


class WorkerSetup(Struct, frozen=True):
    """What a worker has to know to play cases of a run.

    ``folder``: where the suites and cassettes are, the same on every machine. ``at_once``: trials in flight. ``environment``:
    the variables that suites and providers read. ``since``, ``interrupted``: see `Recorder` and `Coworker`.
    """

    folder: Path
    files: Sequence[Path]
    selection: Selection
    config: Config
    policy: RecordPolicy
    strict: bool = False
    skip_missing: bool = False
    at_once: int = 1
    environment: Mapping[str, str] = {}
    since: datetime | None = None
    interrupted: frozenset[Path] = frozenset()

    @property
    def limited(self) -> bool:
        """Whether there is a ceiling."""
        return self.config.max_cost is not None and self.policy.asks


class Facts(Struct, frozen=True):
    """What has to be the same on every machine, but for its name. ``cassettes``: folder -> a hash of the names and sizes of its files."""

    machine: str
    harness: str
    python: str
    suites: Sequence[SuiteRow]
    cassettes: Mapping[str, str]


class Recorded(Struct, frozen=True):
    """Something for the cassette folders at home: see `SendHome`."""

    cassette: Path
    interaction: Mapping[str, Any] | None


class Finished(Struct, frozen=True):
    """A trial that was played, and its row as a line of the run's file."""

    id: str
    row: bytes


Parcel = Finished | Recorded
"""What a worker sends home."""

_PARCELS: ContextVar[asyncio.Queue[Parcel | None]] = ContextVar("parcels")
"""Where a task of a worker puts what goes home with the cases that it plays."""


def facts_of(plan: Plan) -> Facts:
    """The facts of this machine."""
    everything = replace(plan.trials, wanted=(), done={})
    return Facts(
        platform.node(),
        __version__,
        ".".join(platform.python_version_tuple()[:2]),
        [session.suite_row_of(suite) for suite in plan.suites],
        {str(folder): _listed(folder) for folder in sorted(everything.folders())},
    )


def _listed(folder: Path) -> str:
    """A hash of the cassettes of a folder, by name and size; empty where there are none."""
    with suppress(OSError):
        files = sorted((file.name, file.stat().st_size) for file in folder.iterdir() if file.suffix == ".yaml")
        return sha256(repr(files).encode()).hexdigest() if files else ""
    return ""


class CaseWorker:
    """Plays cases. Call ``begin`` first."""

    _plan: Plan
    _judge: Judge
    _transport: Any
    _limit: Budget | None
    _at_once: int
    _asks: bool

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = ExitStack()
        self._groups: Iterator[TrialGroup] = iter(())

    async def begin(self, setup: WorkerSetup, name: str, limits: Any) -> Facts:
        """Read the suites, and open the transport. Returns the facts of this machine; raises UsageError where it cannot play."""
        try:
            self._plan = _plan_here(setup)
            await self._open_transport(setup, name, limits)
        except HarnessError as fault:
            raise UsageError(str(fault)) from None  # others do not survive the way home
        return facts_of(self._plan)

    async def _open_transport(self, setup: WorkerSetup, name: str, limits: Any) -> None:
        config, policy = self._plan.config, setup.policy
        self._asks = policy.asks
        self._judge = Judge(config, setup.strict, setup.skip_missing)
        self._limit = session.budget(config, policy, account=SharedAccount(limits, name))
        worker = Coworker(name, partial(SharedTurn, limits, name), _send_home, setup.interrupted)
        opened = session.transport(config, policy, partial=True, since=setup.since, worker=worker)
        transport = self._open.enter_context(opened)
        self._transport = self._limit.watch(transport) if self._limit else transport
        self._at_once = setup.at_once
        self._slots = asyncio.Semaphore(setup.at_once)
        if self._asks:
            await self._transport.__aenter__()

    async def play(self, wanted: Mapping[str, int]) -> AsyncIterator[list[Parcel]]:
        """Play these attempts of groups, as bits. Yields what goes home as soon as there is something.

        It ends without a row for a trial that the ceiling does not admit. Raises CannotWrite and UsageError.
        """
        parcels: asyncio.Queue[Parcel | None] = asyncio.Queue()
        task = asyncio.create_task(self._play(wanted, parcels))
        self._tasks.add(task)
        found: list[Parcel | None] = []
        while None not in found:
            found = [await parcels.get()]
            while not parcels.empty():
                found.append(parcels.get_nowait())
            yield [parcel for parcel in found if parcel is not None]
        self._tasks.discard(task)
        with suppress(Stop, asyncio.CancelledError):
            await task

    async def _play(self, wanted: Mapping[str, int], parcels: asyncio.Queue[Parcel | None]) -> None:
        _PARCELS.set(parcels)
        try:
            trials = chain.from_iterable(map(self._plan.trials.of, self._found(wanted)))
            await play_some(self._play_one, trials, parcels.put_nowait, self._at_once)
        finally:
            parcels.put_nowait(None)

    async def _play_one(self, trial: Trial) -> Finished:
        async with self._slots:
            result = await pay_and_play(trial, self._transport, self._plan.config, self._limit)
        return Finished(trial.id, self._judge.saved(result)[1])

    def _found(self, wanted: Mapping[str, int]) -> list[TrialGroup]:
        """The wanted groups. Cases come in the order of the suites, so the search begins where the last one ended."""
        missing, found = dict(wanted), []
        for _ in range(2):
            for group in self._groups:
                if group.id in missing:
                    found.append(replace(group, played=missing.pop(group.id)))
                if not missing:
                    return found
            self._groups = self._plan.trials.groups()
        raise UsageError(f"there is no {next(iter(missing))} on {platform.node()}")

    async def stop(self) -> None:
        """Cancel what is in flight, and close the transport. Steps that clean up are played."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._asks:
            await self._transport.__aexit__(None, None, None)
        self._open.close()


def _plan_here(setup: WorkerSetup) -> Plan:
    """The plan, of the files of this machine."""
    os.environ.update(setup.environment)
    try:
        os.chdir(setup.folder)
    except OSError as fault:
        raise UsageError(f"{setup.folder}: {fault.strerror}") from None
    config = with_definition(setup.config)
    suites = session.read(setup.files, anywhere=config.outside_files, variables=config.variables)
    return session.plan_of(suites, setup.selection, config)


def _send_home(cassette: Path, interaction: Mapping[str, Any] | None) -> None:
    _PARCELS.get().put_nowait(Recorded(cassette, interaction))
