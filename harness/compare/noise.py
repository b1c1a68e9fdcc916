"""What changes by itself: how far attempts at the same cell disagree, and the smallest change that a suite can therefore see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from harness.compare.verdicts import JUDGED
from harness.results.groups import Group, Tally
from harness.results.summary import Summary

if TYPE_CHECKING:
    from harness.compare.stats.evidence import Interval

REPEATS = (1, 2, 3, 5, 10)
"""The numbers of repeats for which the report states the smallest visible change."""


class CellNoise(Struct, frozen=True):
    """A cell: ``passed`` of ``judged`` attempts; ``flips``: the share of pairs of attempts that disagree, with its interval."""

    id: str
    passed: int
    judged: int
    flips: float
    interval: Interval


class Visible(Struct, frozen=True):
    """The smallest change that a comparison sees in 80% of reports: repeats of a cell -> points or a relative change; 0.1 is 10%."""

    measure: str
    by_repeats: Mapping[int, float]


class TargetNoise(Struct, frozen=True):
    """One target. ``flips``: the mean share over cells with several attempts, with its interval. ``unstable``: the worst first.

    ``repeats``: attempts a cell.
    """

    target: str
    cells: int
    repeats: int
    flips: float
    interval: Interval
    unstable: Sequence[CellNoise]
    visible: Sequence[Visible]


class NoiseReport(Struct, frozen=True):
    """The document. ``runs``: the ids of the runs whose attempts are taken together."""

    runs: Sequence[str]
    simulated: bool
    targets: Sequence[TargetNoise]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of ``noise --format json``."""
        return {"version": 1, **to_builtins(self)}


def noise(runs: Sequence[Summary]) -> list[TargetNoise]:
    """The noise of every target that has a cell with several attempts, over the attempts of all runs together."""
    cells: dict[str, dict[str, list[Group]]] = {}
    for summary in runs:
        for group in summary.groups.values():
            cells.setdefault(group.target, {}).setdefault(group.id, []).append(group)
    made = (_target_noise(target, groups) for target, groups in cells.items())
    return [found for found in made if found is not None]


def replays_itself(runs: Sequence[Summary]) -> bool:
    """Whether several runs replay the same recordings: every answer took exactly as long in all of them."""
    if len(runs) < 2 or any(mode == "live" for summary in runs for mode, _, _ in summary.provenance):
        return False
    first, *others = [{cell.id: cell.values("latency_s") for cell in summary.groups.values()} for summary in runs]
    return any(first.values()) and all(times == first for times in others)


def _target_noise(target: str, cells: Mapping[str, Sequence[Group]]) -> TargetNoise | None:
    from harness.compare.stats.repeats import flip_interval_of, share_of_flips, spread_of_flips, visible_rate

    counted = {
        cell: (sum(one.passed for one in all_of), sum(one.judged for one in all_of)) for cell, all_of in cells.items()
    }
    several = {cell: counts for cell, counts in counted.items() if counts[1] > 1}
    if not several:
        return None
    passed, judged = zip(*several.values(), strict=True)
    shares = share_of_flips(passed, judged)
    unstable = [
        CellNoise(cell, held, of, share, flip_interval_of(held, of))
        for (cell, (held, of)), share in zip(several.items(), shares, strict=True)
        if 0 < held < of
    ]
    repeats = min(group.judged for groups in cells.values() for group in groups if group.judged)
    rates = {k: visible_rate(shares, k) for k in sorted({*REPEATS, repeats})}
    return TargetNoise(
        target=target,
        cells=len(several),
        repeats=repeats,
        flips=sum(shares) / len(shares),
        interval=spread_of_flips(shares, passed, judged),
        unstable=sorted(unstable, key=lambda cell: -cell.flips),
        visible=[Visible("pass_rate", rates), *_visible_numbers([cells[cell] for cell in several], tuple(rates))],
    )


def _visible_numbers(cells: Sequence[Sequence[Group]], repeats: Sequence[int]) -> Iterator[Visible]:
    from harness.compare.stats.repeats import visible_number

    for measure in JUDGED:
        values = [[value for one in groups for value in one.values(measure)] for groups in cells]
        known = [of for of in values if len(of) > 1]
        if measure != "pass_rate" and known and any(map(sum, known)):
            yield Visible(measure, {k: visible_number(known, k) for k in repeats})


# --- beside a difference ------------------------------------------------------------------------------


def note(tallies: Sequence[Tally], name: str) -> Iterator[str]:
    """How far the attempts of a side disagree by themselves, in a line; nothing without repeats."""
    several = [tally for tally in tallies if tally.judged > 1]
    if not several:
        return
    from harness.compare.stats.repeats import share_of_flips

    flips = sum(share_of_flips([one.passed for one in several], [one.judged for one in several]))
    unstable = unstable_text(sum(0 < one.passed < one.judged for one in several), len(several))
    yield f"noise: two attempts at the same cell of {name} disagree in {flips / len(several):.1%} of pairs; {unstable}"


def unstable_text(unstable: int, cells: int) -> str:
    """``2 of 20 cells are unstable``."""
    if cells == 1:
        return f"the only cell is {'unstable' if unstable else 'stable'}"
    return f"{f'{unstable:,}' if unstable else 'none'} of {cells:,} cells {'are' if unstable > 1 else 'is'} unstable"
