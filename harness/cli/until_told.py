"""``--until-told``: plays whole cases in random order, and stops at the first look that decides."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from harness.cli.playing import Played
from harness.compare.looks import BOUNDS, Stopped, blocks
from harness.errors import UsageError
from harness.run.session import RecordPolicy
from harness.suite.matrix import Expansion, TrialGroup
from harness.text.amounts import dollars

if TYPE_CHECKING:
    from argparse import Namespace

    from harness.compare.gates import Gate
    from harness.results.summary import Summary

Case = tuple[str, str, int]


def check(options: Namespace) -> None:
    """Raises UsageError for options that play a part of the trials by another rule."""
    for name in ("shard", "fail_fast"):
        if getattr(options, name, None):
            raise UsageError(
                f"give either --until-told or --{name.replace('_', '-')}: both stop before all trials are played"
            )


def check_gates(asked: list[Gate]) -> None:
    """Raises UsageError where there is no gate that could be answered early."""
    if not asked:
        raise UsageError(
            "--until-told stops when the gates are answered, and there are none: add --gate pass_rate.min=95%"
        )


def play(
    played: Played, whole: Expansion, left: Expansion, way: RecordPolicy, told: Callable[[int, Set[str]], str | None]
) -> Stopped | None:
    """Play ``left`` of the trials, look by look. ``whole``: all trials, which decide the order and the looks.

    ``told``: the number of a look, from 1, and the ids of the groups that count there -> why to stop. None where all cases were
    played, or something ended it.
    """
    groups: dict[Case, list[str]] = {}
    for group in whole.groups():
        groups.setdefault(_case(group), []).append(group.id)
    parts = blocks(list(groups))
    cases, whole_number, counted = 0, len(groups), set[str]()
    for look, part in enumerate(parts, 1):
        cases += len(part)
        played.in_order = False  # the file is put in order at the end
        played.play(left.where(_within(frozenset(part))), way, partial=True)
        if played.ended_early:
            return None
        counted.update(group for case in part for group in groups[case])
        why = told(look, counted) if part and cases < whole_number else None
        if why is not None:
            return _stop(played, Stopped(why, cases, whole_number, look))
    played.writer.run["looks"] = len(BOUNDS)
    return None


def _stop(played: Played, stopped: Stopped) -> Stopped:
    """A stopped run is complete: what it did not play is not missing."""
    run = played.writer.run
    run["looks"], run["planned"] = stopped.look, played.writer.trials
    return stopped


def _within(cases: frozenset[Case]) -> Callable[[TrialGroup], bool]:
    return lambda group: _case(group) in cases


def _case(group: TrialGroup) -> Case:
    return group.suite.name, group.case.id, group.row


def saved_text(stopped: Stopped, summary: Summary, prices: str | None, planned: int) -> str:
    """``told after 131 of 300 cases; $0.42 of about $0.97``."""
    cost = summary.cost(prices)["usd"]
    money = (
        f"; ${dollars(cost)} of about ${dollars(cost * planned / summary.trials)}" if cost and summary.trials else ""
    )
    return f"{stopped}{money}. Intervals and verdicts hold for a run that may stop at {len(BOUNDS)} looks"
