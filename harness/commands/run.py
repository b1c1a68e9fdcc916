"""``run``: play, save, print."""

from __future__ import annotations

import gc
import sys
import time
from argparse import Namespace
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from harness import session
from harness.commands import choosing, costs, dryrun, printing, resuming
from harness.commands.progress import Progress
from harness.errors import CeilingReached, HarnessError, UsageError
from harness.model import Result
from harness.play import Stop, play_all
from harness.render import Report, words
from harness.rows import Row, RunRow, without_turns
from harness.session import Plan
from harness.store import RunWriter, SavedRun, load
from harness.summary import Summary
from harness.unfinished import check, done, reopen

if TYPE_CHECKING:
    from harness.gates import Answer, Gate


def main(options: Namespace) -> int:
    saved = None if options.resume is None else resuming.chosen(options)
    if options.live and options.record_mode != "none":
        raise UsageError("say --live (no cassette is touched) or --record-mode, not both")
    if options.dry_run:
        dryrun.check(options)
    else:
        printing.check(options, "run")
    asked = _gates(options)
    plan = choosing.plan(options)
    if saved is not None:
        return _resume(saved, plan, asked, options)
    if options.dry_run:
        return dryrun.show(plan, options)
    costs.announce(plan, options)
    return _run(plan, asked, options)


def _gates(options: Namespace) -> list[Gate]:
    """What ``--gate`` holds the run to. Raises UsageError for a gate that needs two sides, or all trials where not all may be played."""
    if not options.gate:
        return []
    from harness.gates import from_option

    asked = [from_option(each) for each in options.gate]
    for gate in asked:
        if not gate.alone:
            raise UsageError(
                f"--gate: {gate} takes two sides: ask it of compare; a run may be held to pass_rate.min=95%, latency.max=2s "
                "or cost.total=0.50"
            )
    if options.fail_fast and any(_rates(each) for each in asked):
        raise UsageError(
            "--fail-fast ends with the first failure, and a pass rate is that of all: leave one of them out"
        )
    return asked


def _rates(gate: Gate) -> bool:
    return gate.name == "pass_rate"


def _answered(asked: list[Gate], summary: Summary, options: Namespace) -> list[Answer]:
    if not asked:
        return []
    from harness.gates import held

    answers = [held(each, summary.groups.values()) for each in asked]
    if options.quiet:
        sys.stderr.writelines(f"gate {each.gate}: {each.says}\n" for each in answers if each.crossed is not False)
    return answers


# --- the run ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Played:
    """What is known of a run while it goes on. ``in_order``: the file holds the trials in the order of the suites."""

    writer: RunWriter
    progress: Progress
    judge: session.Judge
    fail_fast: bool
    in_order: bool
    asked: list[Gate]
    summary: Summary = field(default_factory=Summary)
    interrupted: bool = False
    faults: list[HarnessError] = field(default_factory=list)
    gates: list[Answer] = field(default_factory=list)
    _kept: deque[str] = field(default_factory=deque)

    def keep(self, result: Result) -> Row:
        """On disk as soon as it is there: what was paid for is not lost while it waits for its turn."""
        row = self.judge.row(result)
        self.writer.append(row)
        if self.in_order:
            self._kept.append(row["id"])
        if self.fail_fast and row["status"] in ("failed", "error", "xpassed"):
            raise Stop
        return without_turns(row)

    def take(self, row: Row) -> None:
        """The same, in the order of the trials."""
        self.in_order = self.in_order and row["id"] == self._kept.popleft()
        self.summary.add(row)
        self.progress.show(row)


def _run(plan: Plan, asked: list[Gate], options: Namespace) -> int:
    return _finish(plan, plan, RunWriter(plan.config.reports, _header(plan, options)), asked, options)


def _resume(saved: SavedRun, plan: Plan, asked: list[Gate], options: Namespace) -> int:
    """Play what is left of a run, as the same run."""
    kept = done(saved)
    check(saved, [session.suite_row_of(suite) for suite in plan.suites], plan.trials, kept)
    left = replace(plan, trials=plan.trials.without(kept))
    if options.dry_run:
        return dryrun.show(left, options)
    costs.announce(left, options)
    writer = reopen(saved, kept)
    numbers = f"{words.count(len(kept), 'trial')} kept, {len(left.trials):,} to play"
    sys.stderr.write(f"run {saved.run['id']} goes on: {numbers}\n")
    return _finish(plan, left, writer, asked, options)


def _finish(plan: Plan, left: Plan, opened: RunWriter, asked: list[Gate], options: Namespace) -> int:
    """Play what is left of the plan, save and print the whole."""
    started = time.perf_counter()
    gc.set_threshold(20_000, 20, 50)  # rows and groups hold no cycles; looking for some costs a twentieth of a replay
    if not options.quiet and (options.live or options.record_mode != "none"):
        sys.stderr.writelines(f"{each}\n" for each in session.endings(left.trials.targets, plan.config))
    with opened as writer:
        played = _Played(
            writer,
            Progress(len(left.trials), options),
            session.Judge(plan.config, options.strict, options.skip_missing),
            options.fail_fast,
            in_order=left is plan,
            asked=asked,
        )
        _play(left, options, played)
        if not played.in_order or played.summary.trials != writer.trials:
            writer.arrange(trial.id for trial in plan.trials)
            played.summary = load(writer.path).summary()
        cut = _cut_short(plan, played.summary) if played.interrupted else []
        cut += [str(fault) for fault in played.faults if isinstance(fault, CeilingReached)]
        played.gates = _answered(played.asked, played.summary, options)
        cut += [f"gate {each.gate}: {each.says}" for each in played.gates]
        writer.close(played.summary, interrupted=played.interrupted, notes=[*plan.notes, *cut])
    report = Report(
        run=writer.run,
        summary=played.summary,
        rows=load(writer.path).rows,
        interrupted=played.interrupted,
        seconds=time.perf_counter() - started,
        gates=played.gates,
    )
    try:
        printing.show(report, "run", options)
    except UsageError as fault:
        played.faults.append(fault)
    code = _exit_code(played)
    if _can_go_on(writer, options):
        reports = f" --reports {words.quoted(options.reports)}" if options.reports else ""
        sys.stderr.write(f"go on with it: gemini-harness run --resume {writer.run['id']}{reports}\n")
    return code


def _can_go_on(writer: RunWriter, options: Namespace) -> bool:
    """Whether trials are missing, or could not be asked where asking again may help."""
    asks = options.live or options.record_mode != "none"
    return writer.trials < writer.run.get("planned", 0) or (asks and writer.unasked > 0)


def _header(plan: Plan, options: Namespace) -> RunRow:
    mode = session.mode_of(options.record_mode, live=options.live)
    return plan.header(mode, "cli", resuming.said(options), cassettes=options.cassettes, strict=options.strict)


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
    resumes = options.resume is not None
    partial = bool(options.keyword or options.shard or options.repeat or options.fail_fast or resumes)
    since = datetime.fromisoformat(played.writer.run["started"]) if resumes else None
    purse = costs.purse(plan, options)
    try:
        with session.transport(
            plan.config, options.record_mode, live=options.live, partial=partial, since=since
        ) as transport:
            heard = purse.watch(transport) if purse else transport
            play_all(
                plan.trials,
                played.judge.watch(heard),
                plan.config,
                played.take,
                keep=played.keep,
                purse=purse,
            )
            if purse:
                purse.check()
    except KeyboardInterrupt:
        played.interrupted = True
    except HarnessError as fault:
        played.faults.append(fault)
        planned = played.writer.run.get("planned", len(plan.trials))
        left = planned - played.writer.trials
        if left:
            played.faults.append(type(fault)(f"{left:,} of {planned:,} trials were not played"))
    finally:
        played.progress.clear()


def _exit_code(played: _Played) -> int:
    """Of the run, its gates, or of what went wrong with saving, recording or printing it: what comes first."""
    code = played.summary.exit_code(interrupted=played.interrupted, by_rate=any(map(_rates, played.asked)))
    sys.stderr.writelines(f"{fault}\n" for fault in played.faults)
    if code == 5 and not played.faults:
        sys.stderr.write("nothing ran: that is not a success\n")
    gates = [1 if each.crossed else 7 for each in played.gates if each.crossed is not False and code != 5]
    return min([code, *gates, *(fault.exit_code for fault in played.faults)], key=_FIRST.index)


_COUNTED = 20_000
"""Trials that an interrupted run is willing to count once more."""
_FIRST = (2, 3, 4, 1, 6, 7, 5, 0)
"""Where several exit codes hold, the first of these."""
