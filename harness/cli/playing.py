"""Trials played into a saved run, a new one or one that goes on: what ``run`` and ``migrate`` have in common."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from harness.cli.progress import Progress
from harness.config import Config
from harness.disk import FolderLock
from harness.errors import CannotWrite, HarnessError, RunError, UsageError
from harness.judge.judging import violations
from harness.model import Result, Trial
from harness.results import decoding
from harness.results.load import SavedRun, load
from harness.results.rows import Row, RunRow
from harness.results.store import RunWriter, claim
from harness.results.summary import Summary
from harness.run import session
from harness.run.play import Stop, finish, play, play_all
from harness.run.resume import CompletedTrials, check, kept, reopen, resume
from harness.run.session import Judge, Plan, RecordPolicy
from harness.suite.matrix import Expansion
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.gates import Gate
    from harness.run.budget import Budget
    from harness.run.replay_cache import ReplayCache
    from harness.run.worker_pool import WorkerPool
    from harness.transport.wrapping import Transport


CACHED_FROM = 100
"""Trials of a replay from which there is a cache. To open it takes about as much time as it saves in ten trials."""


def began(run: RunRow) -> datetime | None:
    return decoding.instant(run["started"]) if run["started"] else None


def check_fail_fast(asked: Iterable[Gate]) -> None:
    """Raises UsageError for gates that need all trials."""
    if any(gate.name == "pass_rate" for gate in asked):
        raise UsageError(
            "--fail-fast and --max-failures end early, and a pass rate is that of all: leave one of them out"
        )


class RunSession(Struct, frozen=True):
    """A plan about to be played: as a new run, or as what is left of one that was saved, which nobody else plays meanwhile."""

    plan: Plan
    judge: Judge
    saved: SavedRun | None = None
    claim: FolderLock | None = None
    kept: CompletedTrials = field(default_factory=CompletedTrials)

    def left(self, trials: Expansion) -> Expansion:
        """Those of the trials that are still to be played."""
        return trials.without(self.kept.attempts) if self.saved else trials

    def open(self, header: Callable[[], RunRow]) -> RunWriter:
        """The run's file; a new one begins with this header. Raises RunError where it cannot be written."""
        if self.saved is None or self.claim is None:
            return RunWriter(self.plan.config.reports, self.judge.leaks.hidden(header()))
        writer = reopen(self.saved, self.kept, self.claim)
        numbers = f"{amounts.count(writer.trials, 'trial')} kept, {len(self.plan.trials) - writer.trials:,} to play"
        sys.stderr.write(f"run {self.saved.run['id']} goes on: {numbers}\n")
        return writer


@contextmanager
def open_session(plan: Plan, judge: Judge, saved: SavedRun | None) -> Iterator[RunSession]:
    """Raises RunError where the saved run is being played, or is not what the plan makes now: see ``resume.check``."""
    if saved is None:
        yield RunSession(plan, judge)
        return
    with closing(claim(saved.path.parent)) as held:
        saved = load(saved.path)  # as it is now that nobody else writes it
        found = kept(saved)
        suites = [session.suite_row_of(suite) for suite in plan.suites]
        check(saved, suites, plan.trials, found, judge.sent)
        yield RunSession(plan, judge, saved, held, found)


class Played(Struct):
    """What is known of a run while it goes on. ``in_order``: its file holds the trials in the order of the plan.

    ``stops``: whether no trial after this one is wanted; ``stopped``: the last one then. ``pool``: the workers of a cluster that play it.
    ``faults`` are what ended it early otherwise, or went wrong with saving or recording it; ``spent`` dollars, where there is a ceiling.
    """

    writer: RunWriter
    judge: Judge
    progress: Progress
    stops: Callable[[Row], bool] = lambda _: False
    stopped: Row | None = None
    pool: WorkerPool | None = None
    in_order: bool = True
    summary: Summary = field(default_factory=Summary)
    interrupted: bool = False
    faults: list[HarnessError] = field(default_factory=list)
    spent: float = 0.0

    @property
    def ended_early(self) -> bool:
        return self.interrupted or bool(self.faults)

    def play(self, trials: Expansion, policy: RecordPolicy, *, partial: bool, processes: int = 1) -> None:
        """All of them, within what is left of the ceiling; what ends that early is noted. ``partial``: see ``transport``.
        ``processes``: more than one only where nothing is asked."""
        config = self.judge.config
        budget = session.budget(config, policy, self.spent)
        self.in_order = self.in_order and not policy.asks and self.pool is None
        self.progress.begin(trials)
        try:
            with (
                self._cache(trials, policy) as cache,
                self._transport(trials, policy, cache, partial=partial) as transport,
            ):
                counted = self.progress.watch(transport)
                watched = budget.watch(counted) if budget else counted
                with suppress(Stop):
                    if self.pool is not None:
                        self._play_on(self.pool, trials, transport, budget)
                    elif processes > 1:
                        self._play_forked(trials, watched, processes, cache)
                    else:
                        find = cache.violations if cache else violations
                        crowded = _crowded(config, trials)
                        play_all(trials, watched, crowded, self._take, limit=budget, find_violations=find)
                if budget:
                    self.spent += budget.spent
                    budget.check()
        except KeyboardInterrupt:
            self.interrupted = True
        except HarnessError as fault:
            self.faults.append(fault)
            planned = self.writer.run.get("planned", len(trials))
            if left := planned - self.writer.trials:
                self.faults.append(type(fault)(f"{left:,} of {planned:,} trials were not played"))
        finally:
            self.progress.clear()

    def _cache(self, trials: Expansion, policy: RecordPolicy) -> AbstractContextManager[ReplayCache | None]:
        """The cache of a long replay; none where it would not pay, and where warnings fail, since nothing is taken on trust there."""
        if policy.asks or self.judge.strict or self.pool is not None or len(trials) < CACHED_FROM:
            return nullcontext()
        from harness.run.replay_cache import replay_cache

        return replay_cache(self.judge.config)

    def _transport(
        self, trials: Expansion, policy: RecordPolicy, cache: ReplayCache | None, *, partial: bool
    ) -> AbstractContextManager[Transport]:
        if cache:
            return nullcontext(session.player(self.judge.config, cache.read))
        resumed = "resumed" in self.writer.run
        return session.transport(
            self.judge.config,
            policy,
            partial=partial or resumed,
            since=began(self.writer.run) if resumed else None,
            folders=trials.folders,
            batching=self._batching if trials.has_batches else None,
        )

    def _play_forked(self, trials: Expansion, transport: Transport, processes: int, cache: ReplayCache | None) -> None:
        from harness.run.processes import in_order

        find = cache.violations if cache else violations

        def lines(batch: Iterable[Trial]) -> Iterator[bytes]:
            for trial in batch:
                yield self.judge.saved(finish(play(trial, transport, self.judge.config, find)))[1]
            if cache:
                cache.flush()

        with closing(in_order(trials, lines, processes)) as saved:
            for line in saved:
                self._take_line(line)

    def _play_on(self, pool: WorkerPool, trials: Expansion, transport: Any, budget: Budget | None) -> None:
        from harness.run.worker_pool import Home

        home = Home(self._take_line, getattr(transport, "receive", None))
        spent = pool.play(trials, home, budget.ledger.ceiling if budget else None)
        if budget:
            budget.ledger.spent, budget.ledger.closed = spent

    def _batching(self, wire: Any) -> Any:
        """The way to the network, which also sends batches. The run keeps its jobs."""
        from harness.transport.batch_jobs import NAME, BatchJobs
        from harness.transport.batching import Batching

        jobs = BatchJobs(self.writer.path.with_name(NAME))
        return Batching(wire, jobs, self.judge.config.concurrency, self.progress.say)

    def _take(self, result: Result) -> None:
        self._save(*self.judge.saved(result))

    def _take_line(self, line: bytes) -> None:
        self._save(decoding.own(line), line)

    def _save(self, row: Row, line: bytes) -> None:
        """On disk first: what was paid for is not lost. Raises Stop where no other trial is wanted."""
        self.writer.append(row, line)
        if self.in_order:  # else ``settle`` reads the file
            self.summary.add(row)
        self.progress.show(row)
        if self.stops(row):
            self.stopped = row
            raise Stop

    def settle(self, order: Iterable[str]) -> None:
        """The file in the order of these ids, and the summary of all that it holds."""
        if not self.in_order or self.summary.trials != self.writer.trials:
            self.writer.arrange(order)
            self.summary = load(self.writer.path).summary()

    def close(self, *, interrupted: bool, notes: Sequence[str] | None = None) -> None:
        """Write the last line. Where the disk refuses, that is one fault more: what is known is shown all the same."""
        try:
            self.writer.close(self.summary, interrupted=interrupted, notes=notes)
        except RunError as fault:
            self.faults.append(fault)

    def say_faults(self) -> None:
        sys.stderr.writelines(f"{fault}\n" for fault in self.faults)

    def say_how_to_go_on(self, options: Namespace, *, asks: bool) -> None:
        """Where trials are missing, could not be asked and asking again may help, or something could not be written."""
        missing = self.writer.trials < self.writer.run.get("planned", 0) or (asks and self.writer.unasked > 0)
        if missing or any(isinstance(fault, RunError | CannotWrite) for fault in self.faults):
            reports = f" --reports {shlex.quote(options.reports)}" if options.reports else ""
            sys.stderr.write(f"go on with it: {resume(self.writer.run)}{reports}\n")


def _crowded(config: Config, trials: Expansion) -> Config:
    """The configuration, with as many trials in flight as may wait for a batch."""
    if not trials.has_batches:
        return config
    from harness.transport.batch_jobs import MOST_WAITING

    return replace(config, concurrency=max(config.concurrency, MOST_WAITING))
