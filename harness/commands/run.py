"""``run``: play, save, print."""

from __future__ import annotations

import gc
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field

from harness import session
from harness.commands import choosing, printing
from harness.commands.progress import Progress
from harness.errors import HarnessError, UsageError
from harness.model import Result
from harness.play import Stop, play_all, prepare
from harness.render import Report
from harness.session import Plan
from harness.store import RunWriter, load
from harness.summary import Summary


def main(options: Namespace) -> int:
    if options.live and options.record_mode != "none":
        raise UsageError("say --live (no cassette is touched) or --record-mode, not both")
    printing.check(options, "run")
    plan = choosing.plan(options)
    return _dry_run(plan, options) if options.dry_run else _run(plan, options)


# --- the run ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Played:
    """What is known of a run while it goes on."""

    writer: RunWriter
    progress: Progress
    judge: session.Judge
    fail_fast: bool
    summary: Summary = field(default_factory=Summary)
    interrupted: bool = False
    faults: list[HarnessError] = field(default_factory=list)

    def take(self, result: Result) -> None:
        row = self.judge.row(result)
        self.summary.add(row)
        self.writer.append(row)
        self.progress.show(row)
        if self.fail_fast and row["status"] in ("failed", "error", "xpassed"):
            raise Stop


def _run(plan: Plan, options: Namespace) -> int:
    started = time.perf_counter()
    gc.set_threshold(20_000, 20, 50)  # rows and groups hold no cycles; looking for some costs a twentieth of a replay
    mode = session.mode_of(options.record_mode, live=options.live)
    with RunWriter(plan.config.reports, plan.header(mode, "cli")) as writer:
        played = _Played(
            writer,
            Progress(len(plan.trials), options),
            session.Judge(plan.config, options.strict, options.skip_missing),
            options.fail_fast,
        )
        _play(plan, options, played)
        writer.close(played.summary, interrupted=played.interrupted)
    report = Report(
        run=writer.run,
        summary=played.summary,
        rows=load(writer.path).rows,
        interrupted=played.interrupted,
        seconds=time.perf_counter() - started,
    )
    try:
        printing.show(report, "run", options)
    except UsageError as fault:
        played.faults.append(fault)
    return _exit_code(played)


def _play(plan: Plan, options: Namespace, played: _Played) -> None:
    partial = bool(options.keyword or options.shard or options.repeat or options.fail_fast)
    try:
        with session.transport(plan.config, options.record_mode, live=options.live, partial=partial) as transport:
            play_all(plan.trials, played.judge.watch(transport), plan.config, played.take)
    except KeyboardInterrupt:
        played.interrupted = True
    except HarnessError as fault:
        played.faults.append(fault)
        left = len(plan.trials) - played.summary.trials
        if left:
            played.faults.append(type(fault)(f"{left:,} of {len(plan.trials):,} trials were not played"))
    finally:
        played.progress.clear()


def _exit_code(played: _Played) -> int:
    """Of the run, or of what went wrong with saving, recording or printing it: what comes first."""
    code = played.summary.exit_code(interrupted=played.interrupted)
    sys.stderr.writelines(f"{fault}\n" for fault in played.faults)
    if code == 5 and not played.faults:
        sys.stderr.write("nothing ran: that is not a success\n")
    return min([code, *(fault.exit_code for fault in played.faults)], key=_FIRST.index)


_FIRST = (2, 3, 4, 1, 6, 7, 5, 0)
"""Where several exit codes hold, the first of these."""


# --- what would be sent -------------------------------------------------------------------------------


def _dry_run(plan: Plan, options: Namespace) -> int:
    say: Callable[[str], int] = sys.stdout.write
    total = 0
    for trial in plan.trials:
        if trial.skip is not None:
            say(f"skipped: {trial.skip}  {trial.id}\n")
            continue
        request = prepare(trial, plan.config)
        number = session.requests_of(trial)
        total += number
        more = f" and {number - 1} more" if number > 1 else ""
        say(f"{request.method} {request.url} {len(request.content):,} bytes{more}  {trial.id}\n")
    say(f"\n{len(plan.trials):,} trials, {total:,} requests{_to(plan, options)}; nothing was sent\n")
    for note in plan.notes:
        say(f"note: {note}\n")
    return 0 if total else 5


def _to(plan: Plan, options: Namespace) -> str:
    cassettes = {trial.cassette for trial in plan.trials if trial.skip is None}
    there = sum(path.exists() for path in cassettes)
    if options.live:
        return ", all of them live"
    if options.record_mode == "none":
        return f", answered from {len(cassettes):,} cassettes ({there:,} there)"
    return f", recorded into {len(cassettes):,} cassettes ({there:,} there) in mode {options.record_mode}"
