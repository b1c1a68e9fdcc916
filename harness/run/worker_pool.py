"""The workers of a run on a cluster.

This process alone decides what is played and knows what is done; workers get a few cases at a time. Ray tries nothing again: the
cases of a lost worker, without what has come home, are given to another one.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from harness.errors import CannotAsk, HarnessError, UsageError
from harness.run.case_worker import CaseWorker, Facts, Finished, Recorded, WorkerSetup, facts_of
from harness.run.cluster import compare
from harness.run.play import Stop
from harness.run.session import Plan
from harness.run.shared_limits import SharedLimits, Spent
from harness.suite.matrix import Expansion
from harness.transport.recorder import SendHome

_STARTS, _ENDS = 120.0, 30.0
"""Seconds: for workers to start, and to clean up after Ctrl-C."""
_LOOKS = 0.2
"""Seconds between two looks at Ctrl-C."""
_LOSSES = 3
"""Workers that may be lost with the same cases."""
_REPLAYED = 64
"""Trials that are replayed at least before a worker is given more: a replay takes a millisecond, and so does a message."""


class Home(Struct, frozen=True):
    """Takes what workers send home.

    ``row``: takes a row as a line; raises Stop for the last one that is wanted. ``recorded``: None where nothing is recorded.
    """

    row: Callable[[bytes], None]
    recorded: SendHome | None


@dataclass(slots=True, eq=False)
class _Worker:
    name: str
    actor: Any
    in_hand: int = 0
    """Trials that it was given and has not sent home."""


@dataclass(slots=True, eq=False)
class _Cases:
    """Cases that one worker plays. ``left``: the ids of their trials that have not come home, in their order."""

    left: dict[str, None]
    losses: int = 0

    @property
    def wanted(self) -> dict[str, int]:
        """Group -> what is left of its attempts, as bits."""
        found: dict[str, int] = {}
        for trial in self.left:
            group, _, attempt = trial.rpartition("#")
            found[group] = found.get(group, 0) | 1 << int(attempt)
        return found


def _portions(trials: Expansion, least: int) -> Iterator[_Cases]:
    """The trials in their order, as whole cases, at least ``least`` of them at a time."""
    left: dict[str, None] = {}
    for _, groups in groupby(trials.groups(), attrgetter("case_key")):
        left.update((trial, None) for group in groups for trial in group.trial_ids)
        if len(left) >= least:
            yield _Cases(left)
            left = {}
    if left:
        yield _Cases(left)


class WorkerPool:
    """The workers of a run. They stay for all that it plays, and share one `SharedLimits`."""

    def __init__(self, ray: Any, plan: Plan, setup: WorkerSetup, workers: int) -> None:
        """Start them, and wait until they are found to be alike. Raises UsageError."""
        self._ray, self._setup = ray, setup
        self._here = facts_of(plan)
        near = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self._limits = ray.remote(num_cpus=0, scheduling_strategy=near)(SharedLimits).remote()
        self._class = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(CaseWorker)
        self._started = 0
        self._workers: list[_Worker] = []
        self._starting: dict[Any, _Worker] = {}
        self._streams: dict[Any, tuple[_Worker, _Cases]] = {}
        self._returned: deque[_Cases] = deque()
        self._failed_starts = 0
        for _ in range(workers):
            self._start()
        self._welcome_all()

    def play(self, trials: Expansion, home: Home, ceiling: float | None) -> Spent:
        """Play them all. ``ceiling``: US dollars that may be spent; None: no limit. What workers send goes to ``home`` at once.

        Ctrl-C ends it: workers clean up, what was finished comes home, and KeyboardInterrupt is raised. Raises Stop, CannotAsk,
        and what workers raise.
        """
        if ceiling is not None:
            self._ray.get(self._limits.open_account.remote(ceiling))
        portions = _portions(trials, 1 if self._setup.policy.asks else _REPLAYED)
        self._closed = False
        with _interrupts() as caught:
            try:
                while self._give_out(portions):
                    self._take_in(home, _LOOKS)
                    if caught:
                        raise KeyboardInterrupt  # noqa: TRY301 - as if it had come here
            except BaseException:
                self._recall(home)
                raise
        return Spent(*self._ray.get(self._limits.spent.remote()))

    def _give_out(self, portions: Iterator[_Cases]) -> bool:
        """Give cases to workers that have none left. Returns whether there is anything to wait for."""
        for worker in sorted(self._workers, key=lambda worker: worker.in_hand):
            while worker.in_hand < self._enough and (cases := self._next(portions)):
                stream = worker.actor.play.remote(cases.wanted)
                self._streams[stream] = (worker, cases)
                worker.in_hand += len(cases.left)
        return bool(self._streams or (self._starting and (self._returned or not self._workers)))

    @property
    def _enough(self) -> int:
        """Trials in hand of a worker: those in flight, and as many that wait for them."""
        return 2 * (self._setup.at_once if self._setup.policy.asks else _REPLAYED)

    def _next(self, portions: Iterator[_Cases]) -> _Cases | None:
        """Cases of a lost worker come first."""
        if self._returned:
            return self._returned.popleft()
        return None if self._closed else next(portions, None)

    def _take_in(self, home: Home, seconds: float) -> None:
        waited_for = [*self._streams, *self._starting]
        ready, _ = self._ray.wait(waited_for, num_returns=1, timeout=seconds)
        if ready and len(waited_for) > 1:
            ready, _ = self._ray.wait(waited_for, num_returns=len(waited_for), timeout=0)
        for one in ready:
            if one in self._starting:
                self._welcome(one)
            elif one in self._streams:
                self._unpack(one, home)

    def _unpack(self, stream: Any, home: Home) -> None:
        """Hand over what a worker sent."""
        worker, cases = self._streams[stream]
        try:
            parcels = self._ray.get(next(stream))
        except StopIteration:
            self._ended(stream)
            return
        except self._ray.exceptions.RayTaskError as fault:
            raise _own(fault) from None
        except self._ray.exceptions.RayError as fault:
            self._replace(worker, fault)
            return
        for parcel in sorted(
            parcels, key=lambda parcel: isinstance(parcel, Finished)
        ):  # a row may be the last one wanted
            if isinstance(parcel, Recorded):
                assert home.recorded, "what is not to be recorded is not sent home"
                home.recorded(parcel.cassette, parcel.interaction)
            else:
                worker.in_hand -= 1
                del cases.left[parcel.id]
                home.row(parcel.row)

    def _ended(self, stream: Any) -> None:
        """A worker has played its cases, all of them or those that the ceiling admitted."""
        worker, cases = self._streams.pop(stream)
        worker.in_hand -= len(cases.left)
        if cases.left and not (self._setup.limited or self._closed):
            raise RuntimeError(f"a worker ended without {next(iter(cases.left))}")
        self._closed = self._closed or bool(cases.left)

    def _replace(self, lost: _Worker, fault: Exception) -> None:
        """Start another worker, and take back the cases of this one."""
        self._workers.remove(lost)
        self._forget(lost)
        for stream, (worker, cases) in list(self._streams.items()):
            if worker is lost:
                del self._streams[stream]
                if cases.left:
                    cases.losses += 1
                    self._returned.append(cases)
        if worst := [cases for cases in self._returned if cases.losses >= _LOSSES]:
            raise CannotAsk(
                f"{next(iter(worst[0].left))}: {_LOSSES} workers were lost while they played it or what is near it: {_short(fault)}"
            )
        self._start()

    def _forget(self, lost: _Worker) -> None:
        try:
            self._ray.get(self._limits.forget.remote(lost.name))
        except self._ray.exceptions.RayError as fault:
            raise CannotAsk(f"Ray on this machine ended: {_short(fault)}") from None

    # --- how they come and go ---

    def _start(self) -> None:
        self._started += 1
        worker = _Worker(f"gw{self._started}", self._class.remote())
        self._starting[worker.actor.begin.remote(self._setup, worker.name, self._limits)] = worker

    def _welcome_all(self) -> None:
        """Wait for the workers. Those for which the cluster has no room are left out, if there are others."""
        until = time.monotonic() + _STARTS
        while self._starting and (left := until - time.monotonic()) > 0:
            for begun in self._ray.wait(list(self._starting), timeout=left)[0]:
                self._welcome(begun, first=True)
        if not self._workers:
            raise UsageError(f"--ray: no worker started for {_STARTS:g} s: has the cluster a free CPU?")
        for worker in self._starting.values():
            self._ray.kill(worker.actor)
        self._starting.clear()

    def _welcome(self, begun: Any, *, first: bool = False) -> None:
        """Take in a worker that has started, if its machine is like this one. Raises UsageError."""
        worker = self._starting.pop(begun)
        try:
            there: Facts = self._ray.get(begun)
        except self._ray.exceptions.RayTaskError as fault:
            raise UsageError(f"--ray: a worker cannot play: {_own(fault)}") from None
        except self._ray.exceptions.RayError as fault:
            self._failed_starts += 1
            if self._failed_starts < _LOSSES:
                self._start()
                return
            raise UsageError(f"--ray: workers do not start: {_short(fault)}") from None
        # cassettes are compared before the first request; later they may be those of this run
        compare(self._here, there if first else replace(there, cassettes=self._here.cassettes))
        self._workers.append(worker)

    def _recall(self, home: Home) -> None:
        """Stop the workers, and take in what they still have. They are of no use after that."""
        with suppress(KeyboardInterrupt):  # once more: at once
            for worker in self._workers:
                worker.actor.stop.remote()
            until = time.monotonic() + _ENDS
            self._closed = True
            while self._streams and time.monotonic() < until:
                with suppress(Stop, HarnessError):
                    self._take_in(home, _LOOKS)
        for worker in [*self._workers, *self._starting.values()]:
            self._ray.kill(worker.actor)
        self._workers.clear()
        self._starting.clear()
        self._streams.clear()


def _own(fault: Any) -> BaseException:
    """The error that a worker raised, without Ray's frame around it."""
    cause: BaseException = fault.cause
    return cause if isinstance(cause, HarnessError) else RuntimeError(str(fault))


def _short(fault: BaseException) -> str:
    """The part of one of Ray's messages that says why, on one line."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    missing = [line for line in lines if "No module named" in line]
    return (missing or [line for line in lines if "exit type" in line] or lines or [type(fault).__name__])[-1][:300]


@contextmanager
def _interrupts() -> Iterator[Sequence[int]]:
    """Notes the first Ctrl-C instead of raising it anywhere; the second one is raised."""
    caught: list[int] = []

    def note(number: int, _frame: object) -> None:
        caught.append(number)
        if len(caught) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)
