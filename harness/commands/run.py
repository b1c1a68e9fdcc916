"""``run``: play, save, print."""

from __future__ import annotations

import gc
import sys
import time
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass, field

from harness import session
from harness.commands import choosing, costs, dryrun, printing
from harness.commands.progress import Progress
from harness.errors import CeilingReached, HarnessError, UsageError
from harness.model import Result
from harness.play import Stop, play_all
from harness.render import Report, words
from harness.rows import RunRow
from harness.session import Plan
from harness.store import RunWriter, load
from harness.summary import Summary


def main(options: Namespace) -> int:
    if options.live and options.record_mode != "none":
        raise UsageError("say --live (no cassette is touched) or --record-mode, not both")
    if options.dry_run:
        dryrun.check(options)
    else:
        printing.check(options, "run")
    plan = choosing.plan(options)
    if options.dry_run:
        return dryrun.show(plan, options)
    costs.announce(plan, options)
    return _run(plan, options)


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
    with RunWriter(plan.config.reports, _header(plan, options)) as writer:
        played = _Played(
            writer,
            Progress(len(plan.trials), options),
            session.Judge(plan.config, options.strict, options.skip_missing),
            options.fail_fast,
        )
        _play(plan, options, played)
        cut = _cut_short(plan, played.summary) if played.interrupted else []
        cut += [str(fault) for fault in played.faults if isinstance(fault, CeilingReached)]
        writer.close(played.summary, interrupted=played.interrupted, notes=[*plan.notes, *cut])
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


def _header(plan: Plan, options: Namespace) -> RunRow:
    mode = session.mode_of(options.record_mode, live=options.live)
    return plan.header(mode, "cli", cassettes=options.cassettes, strict=options.strict)


def _cut_short(plan: Plan, summary: Summary) -> list[str]:
    """What an interrupted run did not come to, in a line; the groups with fewer attempts than planned, where few were planned."""
    said = f"interrupted after {summary.trials:,} of {words.count(len(plan.trials), 'trial')}"
    if len(plan.trials) > _COUNTED:
        return [said]
    planned = Counter(trial.group for trial in plan.trials)
    made = ((group, group.attempts + group.skipped) for group in summary.groups.values())
    short = [f"{group.id} {number} of {planned[group.id]}" for group, number in made if number < planned[group.id]]
    more = f" and {len(short) - 3:,} more" if len(short) > 3 else ""
    return [f"{said}; attempts made: {', '.join(short[:3])}{more}" if short else said]


def _play(plan: Plan, options: Namespace, played: _Played) -> None:
    partial = bool(options.keyword or options.shard or options.repeat or options.fail_fast)
    purse = costs.purse(plan, options)
    try:
        with session.transport(plan.config, options.record_mode, live=options.live, partial=partial) as transport:
            heard = purse.watch(transport) if purse else transport
            play_all(plan.trials, played.judge.watch(heard), plan.config, played.take, purse=purse)
            if purse:
                purse.check()
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


_COUNTED = 20_000
"""Trials that an interrupted run is willing to count once more."""
_FIRST = (2, 3, 4, 1, 6, 7, 5, 0)
"""Where several exit codes hold, the first of these."""
