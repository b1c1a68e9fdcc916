"""``--until-told``: plays whole cases in random order, and stops at the first look that decides."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence, Set

from harness.cli.playing import Played
from harness.compare.looks import BOUNDS, Curtailment, Stopped, attempts, blocks, decided
from harness.errors import UsageError
from harness.results.load import load
from harness.results.rows import GateRow, Row
from harness.results.summary import Summary
from harness.run.session import Plan, RecordPolicy
from harness.suite.matrix import Expansion, TrialGroup
from harness.text.amounts import dollars
from harness.text.grouping import gathered

Case = tuple[str, str, int]


def check(options: Namespace) -> None:
    """Raises UsageError for options that play a part of the trials by another rule."""
    for name in ("shard", "fail_fast"):
        if getattr(options, name, None):
            raise UsageError(
                f"give either --until-told or --{name.replace('_', '-')}: both stop before all trials are played"
            )


def play_for_gates(
    played: Played, plan: Plan, left: Expansion, policy: RecordPolicy, texts: Sequence[str]
) -> tuple[Stopped, list[GateRow]] | None:
    """Play until the gates are answered, those of ``texts`` and of the suites; then why it stopped, and their answers. None where all
    was played. Raises UsageError where there are none."""
    from harness.compare.gates import budgets, from_option

    asked = [*map(from_option, texts), *budgets(plan.suite_row(suite) for suite in plan.suites)]
    if not asked:
        raise UsageError(
            "--until-told stops when the gates are answered, and there are none for one run: add --gate pass_rate.min=95%"
        )
    sizes: dict[str | None, int] = {suite.name: plan.trials.trials_in_suite(suite) for suite in plan.suites}
    sizes[None] = sum(group.attempts for group in plan.trials.groups() if group.cell.skip is None)
    sure, answers = Curtailment(asked, sizes), list[GateRow]()
    for group in load(played.writer.path).summary().groups.values():
        sure.add(group.suite, group.passed, group.judged, group.attempts)

    fails = played.stops

    def stops(row: Row) -> bool:
        if row.status != "skipped":
            sure.add(row.suite, row.status in ("passed", "xpassed"), row.status != "error")
        return fails(row) or sure.certain

    def why_stop(look: int, counted: Set[str]) -> str | None:
        groups = [group for group in load(played.writer.path).summary().groups.values() if group.id in counted]
        found = [decided(gate, groups, sizes[gate.suite] - attempts(groups, gate.suite), look) for gate in asked]
        answers[:] = [answer.to_json() for answer in found]
        crossed = any(answer.crossed for answer in found)
        return "told" if crossed or all(answer.crossed is False for answer in found) else None

    played.stops = stops
    stopped = play(played, plan.trials, left, policy, why_stop, lambda: sure.certain)
    return (stopped, answers) if stopped else None


def play(
    played: Played,
    whole: Expansion,
    left: Expansion,
    policy: RecordPolicy,
    why_stop: Callable[[int, Set[str]], str | None],
    certain: Callable[[], bool] = lambda: False,
) -> Stopped | None:
    """Play ``left`` of the trials, look by look. ``whole``: all trials, which decide the order and the looks.

    ``why_stop``: the number of a look, from 1, and the ids of the groups that count there -> why to stop; None: go on. ``certain``: whether nothing
    can change the answer any more, which may end it between looks too; the verdicts are then those of the look before. None where all
    cases were played, or something ended it.
    """
    groups = gathered((group.case_key, group.id) for group in whole.groups())
    parts = blocks(list(groups))
    cases, whole_number, counted = 0, len(groups), set[str]()
    planned = played.writer.run.get("planned", len(whole))
    for look, part in enumerate(parts, 1):
        cases += len(part)
        played.in_order = False  # the file is put in order at the end
        played.play(left.where(_within(frozenset(part))), policy, partial=True)
        if played.ended_early:
            return None
        counted.update(group for case in part for group in groups[case])
        if certain() and played.writer.trials < planned:
            why_stop(max(look - 1, 1), {group for ids in groups.values() for group in ids})
            return _stop(played, Stopped("told", _asked(played, groups), whole_number, max(look - 1, 1)))
        why = why_stop(look, counted) if part and cases < whole_number else None
        if why is not None:
            return _stop(played, Stopped(why, cases, whole_number, look))
    played.writer.run["looks"] = len(BOUNDS)
    return None


def _stop(played: Played, stopped: Stopped) -> Stopped:
    """A stopped run is complete: what it did not play is not missing."""
    run = played.writer.run
    run["looks"], run["whole"], run["planned"] = stopped.look, run.get("planned", 0), played.writer.trials
    return stopped


def _asked(played: Played, groups: Mapping[Case, Sequence[str]]) -> int:
    there = set(load(played.writer.path).summary().groups)
    return sum(not there.isdisjoint(ids) for ids in groups.values())


def _within(cases: frozenset[Case]) -> Callable[[TrialGroup], bool]:
    return lambda group: group.case_key in cases


def say(stopped: Stopped, summary: Summary, prices: str | None, planned: int) -> str:
    """Print a note for the run, and return it: ``told after 131 of 300 cases; $0.42 of about $0.97``."""
    cost = summary.cost(prices)["usd"]
    money = (
        f"; ${dollars(cost)} of about ${dollars(cost * planned / summary.trials)}" if cost and summary.trials else ""
    )
    note = f"{stopped}{money}. Intervals and verdicts hold for a run that may stop at {len(BOUNDS)} looks"
    sys.stderr.write(f"{note}\n")
    return note
