"""``run``: play, save, print."""

from __future__ import annotations

import gc
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.commands import choosing, dryrun, printing, resuming
from harness.commands.playing import Played, Sitting, announce, first, sitting
from harness.commands.progress import Progress
from harness.errors import CeilingReached, UsageError
from harness.matrix import Expansion
from harness.render import Report, words
from harness.rows import RunRow
from harness.session import Judge, Plan, Way
from harness.store import load
from harness.summary import Summary

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
    with sitting(plan, Judge(plan.config, options.strict, options.skip_missing), saved) as begun:
        left = begun.left(plan.trials)
        if options.dry_run:
            return dryrun.show(replace(plan, trials=left), options)
        way = Way(options.record_mode, options.live)
        announce(plan.config, left, way, quiet=bool(options.quiet))
        return _run(begun, left, way, asked, options)


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


def _run(begun: Sitting, left: Expansion, way: Way, asked: list[Gate], options: Namespace) -> int:
    """Play what is left of the plan, save and print the whole."""
    plan, started = begun.plan, time.perf_counter()
    gc.set_threshold(20_000, 20, 50)  # rows and groups hold no cycles; looking for some costs a twentieth of a replay
    partial = bool(options.keyword or options.shard or options.repeat or options.fail_fast)
    with begun.open(lambda: _header(plan, way, options)) as writer:
        played = Played(writer, begun.judge, Progress(len(left), options), fail_fast=options.fail_fast)
        played.play(left, way, partial=partial)
        played.settle(plan.trials.ids())
        gates = _answered(asked, played.summary, options)
        notes = [*plan.notes, *_cut_short(plan, played), *(f"gate {each.gate}: {each.says}" for each in gates)]
        writer.close(played.summary, interrupted=played.interrupted, notes=notes)
    report = Report(
        run=writer.run,
        summary=played.summary,
        rows=load(writer.path).rows,
        interrupted=played.interrupted,
        seconds=time.perf_counter() - started,
        gates=gates,
    )
    try:
        printing.show(report, "run", options)
    except UsageError as fault:
        played.faults.append(fault)
    code = _exit_code(played, asked, gates)
    played.say_how_to_go_on(options, asks=way.asks)
    return code


def _header(plan: Plan, way: Way, options: Namespace) -> RunRow:
    return plan.header(str(way), "cli", resuming.said(options), cassettes=options.cassettes, strict=options.strict)


def _cut_short(plan: Plan, played: Played) -> list[str]:
    """Why a run did not come to its end, in lines."""
    said = [_interrupted(plan, played.summary)] if played.interrupted else []
    return said + [str(fault) for fault in played.faults if isinstance(fault, CeilingReached)]


def _interrupted(plan: Plan, summary: Summary) -> str:
    """What an interrupted run did not come to; the groups with fewer attempts than planned."""
    said = f"interrupted after {summary.trials:,} of {words.count(len(plan.trials), 'trial')}"
    if len(plan.trials) > _COUNTED:
        return said
    planned = {group.id: group.played.bit_count() for group in plan.trials.groups()}
    made = ((group, group.attempts + group.skipped) for group in summary.groups.values())
    short = [f"{group.id} {number} of {planned[group.id]}" for group, number in made if number < planned[group.id]]
    more = f" and {len(short) - 3:,} more" if len(short) > 3 else ""
    return f"{said}; attempts made: {', '.join(short[:3])}{more}" if short else said


def _exit_code(played: Played, asked: Sequence[Gate], answers: Sequence[Answer]) -> int:
    """Of the run, its gates, or of what went wrong with saving, recording or printing it: what comes first."""
    code = played.summary.exit_code(interrupted=played.interrupted, by_rate=any(map(_rates, asked)))
    played.say_faults()
    if code == 5 and not played.faults:
        sys.stderr.write("nothing ran: that is not a success\n")
    gates = [1 if each.crossed else 7 for each in answers if each.crossed is not False and code != 5]
    return first([code, *gates, *(fault.exit_code for fault in played.faults)])


_COUNTED = 20_000
"""Trials that an interrupted run is willing to count once more."""
