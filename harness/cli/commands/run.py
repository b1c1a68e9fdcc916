"""``run``: play, save, print."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from msgspec.structs import replace

from harness.cli import costs, earlier_run, from_options, printing
from harness.cli import options as shared
from harness.cli.playing import Played, RunSession, began, check_fail_fast, open_session
from harness.cli.progress import Progress
from harness.errors import CeilingReached, UsageError, first
from harness.report import Report, words
from harness.results.load import load
from harness.results.rows import GateRow, Row, RunRow
from harness.results.summary import Summary
from harness.run import processes, session
from harness.run.session import Judge, Plan, RecordPolicy
from harness.suite.matrix import Expansion
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.looks import Stopped
    from harness.run.worker_pool import WorkerPool

ABOUT = "play suites, print the comparison table, save the run"
EXAMPLES = (
    "gemini-harness run suites/ --format junit:junit.xml",
    "gemini-harness run -k json --provider google --record-mode once",
)


def add_options(parser: ArgumentParser) -> None:
    shared.suites(parser)
    shared.selection(parser)
    _how(parser)
    shared.formats(parser, measures=True)
    add = parser.add_argument
    shared.repeatable(
        parser,
        "--gate",
        "GATE",
        "exit with 1 if the run crosses this limit, in addition to the budgets of its suites: pass_rate.min=95%%, latency.max=2s, "
        "totalTokenCount.max=5000, cost.total=0.50; @95%% after it for confidence (repeatable)",
    )
    add("--dry-run", action="store_true", help="show the requests, their number and their cost; send nothing")
    add("--no-progress", action="store_true", help="show no progress")
    shared.watch(parser, "play")
    shared.resume(parser, "a run")
    add(
        "--last-failed",
        metavar="RUN",
        nargs="?",
        const="",
        help="play again what failed in a run (default: the latest), with the options of that run",
    )


def _how(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    add = group.add_argument
    add(
        "--record-mode",
        metavar="MODE",
        choices=shared.RECORD_MODES,
        default="none",
        help="none: replay only (the default); once: record where there is no cassette; new_episodes: what is missing or stale; "
        "stale: what is stale; all: everything",
    )
    add("--live", action="store_true", help="send every request; read and write no cassette")
    add("--skip-missing", action="store_true", help="skip trials without a recording, instead of an error")
    shared.concurrency(group)
    add(
        "-j",
        "--processes",
        metavar="N",
        type=shared.positive,
        help=f"processes that replay (default: the cores, at most 4, from {processes.WORTHWHILE} trials on; else 1); with --ray: workers",
    )
    add(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="local",
        help="play on the workers of the Ray cluster at HOST:PORT, or of one that is started here",
    )
    shared.max_cost(group, "spend at most this on live answers: begin no trial that would exceed it")
    add("--fail-fast", action="store_true", help="stop at the first trial that does not pass")
    add("--max-failures", metavar="N", type=shared.positive, help="stop after N trials that did not pass")
    shared.strict(group)
    shared.until_told(group, "stop as soon as the gates are answered; cases are played in random order")


def main(options: Namespace) -> int:
    if options.watch:
        return _watch(options)
    saved = None if options.resume is None else earlier_run.resumed(options)
    if options.last_failed is not None and saved is None:
        earlier_run.take_over_failed(options)
    _check(options)
    started, plan = time.perf_counter(), _plan(options)
    policy = RecordPolicy(options.record_mode, options.live)
    with open_session(plan, Judge(plan.config, options.strict, options.skip_missing), saved) as run_session:
        left = run_session.left(plan.trials)
        if options.dry_run:
            from harness.cli import dryrun

            return dryrun.show(replace(plan, trials=left), policy, options)
        if options.ray and policy.asks and left.has_batches:
            raise UsageError("--ray: cases with transport: batch are sent by one process: leave out --ray")
        costs.announce(plan.config, left, left.targets, policy, quiet=bool(options.quiet))
        with (
            _pool(run_session, left, policy, options) as pool,
            run_session.open(lambda: _header(plan, policy, options)) as writer,
        ):
            stops = _after(_most_failures(options))
            played = Played(writer, run_session.judge, Progress(options), stops=stops, pool=pool)
            stopped = None
            if options.until_told:
                from harness.cli import early_stopping

                stopped = early_stopping.play_for_gates(played, run_session.plan, left, policy, options.gate)
            else:
                number = 1 if policy.asks else options.processes or processes.default(len(left))
                played.play(left, policy, partial=_is_partial(options), processes=number)
            gates = _conclude(run_session, played, options, stopped)
    return _show(played, gates, started, options, asks=policy.asks)


def _watch(options: Namespace) -> int:
    from harness.cli.watching import watch

    if options.live or options.ray or options.resume is not None or options.last_failed is not None:
        raise UsageError("--watch replays what changed: leave out --live, --ray, --resume and --last-failed")
    return watch(options, main)


def _plan(options: Namespace) -> Plan:
    plan = from_options.plan(options)
    if options.last_failed is None:
        return plan
    return replace(plan, trials=earlier_run.only_failed(plan.trials, options))


def _check(options: Namespace) -> None:
    """Raises UsageError for options that make no sense together, before anything is played."""
    if options.live and options.record_mode != "none":
        raise UsageError("say --live (no cassette is touched) or --record-mode, not both")
    _check_processes(options)
    if options.dry_run:
        from harness.cli import dryrun

        dryrun.check(options)
    else:
        printing.check(options, "run")
    _check_gates(options)
    if options.until_told:
        from harness.cli import early_stopping

        early_stopping.check(options)


def _most_failures(options: Namespace) -> int | None:
    return 1 if options.fail_fast else options.max_failures


def _after(most: int | None) -> Callable[[Row], bool]:
    """Whether a trial is the last one to be played, since so many did not pass."""
    failures = count(1)
    return lambda row: most is not None and row.status in words.WRONG and next(failures) >= most


def _check_processes(options: Namespace) -> None:
    asked = options.processes or 1
    if asked == 1 or options.ray:
        return
    if options.live or options.record_mode != "none":
        raise UsageError(
            f"-j {asked} is for replays; requests are sent by one process: use --concurrency to have more in flight"
        )
    if asked > processes.MOST:
        raise UsageError(f"-j {asked}: expected at most {processes.MOST} processes")
    if not processes.can_fork():
        raise UsageError(f"-j {asked}: this system cannot fork processes; leave it out")


def _is_partial(options: Namespace) -> bool:
    """Whether not everything is played that a cassette holds."""
    return bool(options.keyword or options.shard or options.repeat or options.last_failed or _most_failures(options))


def _check_gates(options: Namespace) -> None:
    """Raises UsageError for a ``--gate`` that needs two sides, or all trials where not all may be played."""
    if not options.gate:
        return
    from harness.compare.gates import from_option

    asked = [from_option(text) for text in options.gate]
    for gate in asked:
        if not gate.is_budget:
            raise UsageError(
                f"--gate: {gate} takes two sides: ask it of compare; a run may be held to pass_rate.min=95%, latency.max=2s "
                "or cost.total=0.50"
            )
    if _most_failures(options):
        check_fail_fast(asked)


def _gates(run: RunRow, summary: Summary, options: Namespace) -> list[GateRow]:
    """What the run is held to by its command line and its suites, answered."""
    gates = session.gates(options.gate, run, summary)
    if options.quiet:
        sys.stderr.writelines(f"{line}\n" for line in words.gates(list(filter(session.is_unmet, gates))))
    return gates


# --- the run ------------------------------------------------------------------------------------------


def _conclude(
    run_session: RunSession, played: Played, options: Namespace, stopped: tuple[Stopped, list[GateRow]] | None
) -> list[GateRow]:
    """Put the file in order, answer the gates, and write the last line."""
    run = played.writer.run
    played.settle(run_session.plan.trials.ids())
    gates = run["gates"] = stopped[1] if stopped else _gates(run, played.summary, options)
    notes = _notes(run_session, played)
    if stopped:
        from harness.cli import early_stopping

        notes.append(early_stopping.say(stopped[0], played.summary, run.get("prices"), len(run_session.plan.trials)))
    played.close(interrupted=played.interrupted, notes=notes)
    return gates


def _show(played: Played, gates: Sequence[GateRow], started: float, options: Namespace, *, asks: bool) -> int:
    """Print the whole run; the exit code."""
    saved = load(played.writer.path)
    report = Report(
        run=played.writer.run,
        summary=played.summary,
        rows=saved.rows,
        rows_of=saved.rows_of,
        interrupted=played.interrupted,
        seconds=time.perf_counter() - started,
        gates=gates,
    )
    try:
        printing.show(report, "run", options)
    except UsageError as fault:
        played.faults.append(fault)
    code = _exit_code(played, gates)
    played.say_how_to_go_on(options, asks=asks)
    return code


@contextmanager
def _pool(
    run_session: RunSession, left: Expansion, policy: RecordPolicy, options: Namespace
) -> Iterator[WorkerPool | None]:
    """The workers of ``--ray``; None without it."""
    if not options.ray:
        yield None
        return
    from harness.run import cluster, worker_pool

    with cluster.connected(options.ray, options.processes) as (ray, most):
        workers = min(most, len(left)) or 1
        setup = cluster.setup(
            run_session.plan, policy, workers, began(run_session.saved.run) if run_session.saved else None
        )
        setup = replace(setup, strict=options.strict, skip_missing=options.skip_missing)
        yield worker_pool.WorkerPool(ray, run_session.plan, setup, workers)


def _header(plan: Plan, policy: RecordPolicy, options: Namespace) -> RunRow:
    return plan.header(
        str(policy),
        "cli",
        earlier_run.given(options),
        cassettes=options.cassettes,
        strict=options.strict,
        var=options.var,
    )


def _notes(run_session: RunSession, played: Played) -> list[str]:
    """Those of the plan, and why the run did not come to its end."""
    planned = amounts.count(len(run_session.plan.trials), "trial")
    cut_short = [f"interrupted after {played.summary.trials:,} of {planned}"] if played.interrupted else []
    cut_short += [str(fault) for fault in played.faults if isinstance(fault, CeilingReached)]
    notes: list[str] = run_session.judge.leaks.hidden([*run_session.plan.notes, *cut_short])
    return notes


def _exit_code(played: Played, gates: Sequence[GateRow]) -> int:
    """Of the run, its gates, or of what went wrong with saving, recording or printing it: what comes first."""
    code = played.summary.exit_code(gates, interrupted=played.interrupted)
    played.say_faults()
    if code == 5 and not played.faults:
        sys.stderr.write("no trial ran: the run fails (exit code 5)\n")
    return first([code, *(fault.exit_code for fault in played.faults)])
