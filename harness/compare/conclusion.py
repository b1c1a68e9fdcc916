"""What a comparison comes to, in one line; and the breaks that need no statistics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.compare.pairs import Pairs
from harness.compare.verdicts import NAMES, change, needs, overall
from harness.results.groups import Tally
from harness.text.amounts import count

if TYPE_CHECKING:
    from harness.compare.stats.verdict import Difference

MIN_CELLS = 3
MIN_ATTEMPTS = 6
"""Fewer cells, or attempts on a side, are no break: a check that passes half of the time would look like one by chance."""


class Break(NamedTuple):
    """A check that held in every attempt of the reference, and fails in every attempt of the candidate, where both judged it.

    ``suite``: the break is limited to this suite; None: it holds in all of them.
    """

    check: str
    suite: str | None
    cells: int
    attempts: int

    def __str__(self) -> str:
        within = f" of {self.suite}" if self.suite else ""
        cells = f"{count(self.attempts, 'attempt')} at {count(self.cells, 'cell')}{within}"
        return f"{self.check} held in every attempt of the reference, and fails in all {cells}"


class Conclusion(NamedTuple):
    """``verdict``: better, worse, same or cannot tell, on the pass rate, or *worse* for a break. ``message``: a line."""

    verdict: str
    message: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.message}"


class _Judged(NamedTuple):
    """The attempts of some cells at which a check held and broke: the reference, then the candidate."""

    cells: int = 0
    held: int = 0
    broke: int = 0
    held_after: int = 0
    broke_after: int = 0

    def enough(self, attempts: int = MIN_ATTEMPTS) -> bool:
        return self.cells >= MIN_CELLS and min(self.held + self.broke, self.held_after + self.broke_after) >= attempts

    def breaks(self, attempts: int) -> bool:
        """Whether this many attempts or more, on both sides, are a break."""
        return self.enough(attempts) and not self.broke and not self.held_after


def breaks(cells: Pairs) -> list[Break]:
    """The breaks in cells that both sides have: over all suites, else in single ones.

    Among many suites a flaky check breaks in one of them by chance. So the more there are, the more attempts it takes: chance breaks
    any of them as seldom as it breaks one.
    """
    found: dict[tuple[str, str | None], _Judged] = {}
    for (suite, before, after), times in _kinds(cells):
        for check, judged in _judged(before, after):
            for key in ((check, None), (check, suite)):
                before_it = found.get(key, _Judged())
                found[key] = _Judged(*(old + times * new for old, new in zip(before_it, judged, strict=True)))
    parts = sum(suite is not None and judged.enough() for (_, suite), judged in found.items())
    in_part = MIN_ATTEMPTS + math.ceil(math.log(max(parts, 1), 4))
    broken = {key: judged for key, judged in found.items() if judged.breaks(in_part if key[1] else MIN_ATTEMPTS)}
    return [
        Break(check, suite, judged.cells, judged.broke_after)
        for (check, suite), judged in broken.items()
        if suite is None or (check, None) not in broken
    ]


def _kinds(cells: Pairs) -> Iterable[tuple[tuple[str, Tally, Tally], int]]:
    """((suite, tally before, tally after), how many cells), for tallies that differ or not."""
    return Counter((now.suite, was.tally, now.tally) for was, now in zip(*cells.sides, strict=True)).items()


def _judged(before: Tally, after: Tally) -> Iterator[tuple[str, _Judged]]:
    """Each check that both sides judged."""
    for check in dict.fromkeys(name for tally in (before, after) for name, _, _ in tally.checks):
        counts = before.outcome(check), after.outcome(check)
        if all(map(sum, counts)):
            yield check, _Judged(1, *counts[0], *counts[1])


# --- the bottom line ----------------------------------------------------------------------------------


def conclude(cells: Pairs, differences: Sequence[Difference], broken: Sequence[Break]) -> Conclusion:
    """What the cells that both sides have come to: the pass rate first, then other measures whose difference is sure."""
    whole = overall(differences)
    rate = whole.pop("pass_rate", None)
    if rate is None:
        return _of_same_answers(cells)
    parts = [str(broken[0]) + (f", and {len(broken) - 1:,} more like it" if len(broken) > 1 else "")] if broken else []
    nothing = not rate.evidence.reference and not rate.evidence.candidate
    parts.append("nothing passed on either side" if nothing else _moves(cells))
    if rate.evidence.change:
        parts.append(f"pass rate {change(rate)} on {rate.evidence.scope}")
    if rate.verdict == "cannot tell" and not broken:
        parts.append(needs(rate))
    sure = {measure: one for measure, one in whole.items() if one.verdict in ("better", "worse")}
    parts += [f"{NAMES[measure]} {one.verdict}, {change(one).partition(' (')[0]}" for measure, one in sure.items()]
    return Conclusion("worse" if broken else rate.verdict, "; ".join(parts))


def _of_same_answers(cells: Pairs) -> Conclusion:
    """Where nothing was estimated: no cell was judged on both sides, or both sides judged the same answers, which leaves no chance."""
    up, down, judged = _moved(cells)
    if not judged:
        return Conclusion("cannot tell", _why_not_judged(cells))
    return Conclusion("worse" if down else "better" if up else "same", _moves(cells))


def _why_not_judged(cells: Pairs) -> str:
    """With the first problem of a side that has one."""
    if not cells:
        return "the two sides have no cell in common"
    for name, side in zip(("reference", "candidate"), cells.sides, strict=True):
        for group in side:
            if group.problem and not group.judged:
                return f"no cell was judged on both sides; the first problem of the {name}: {group.problem.message}"
    return "no cell was judged on both sides"


def _moved(cells: Pairs) -> tuple[int, int, int]:
    """The cells that pass more often than before, those that pass less often, and those that both sides judged."""
    up = down = judged = 0
    for (_, before, after), times in _kinds(cells):
        if before.judged and after.judged:
            judged += times
            moved = after.passed * before.judged - before.passed * after.judged
            up, down = up + times * (moved > 0), down + times * (moved < 0)
    return up, down, judged


def _moves(cells: Pairs) -> str:
    """``21 of 180 cells flipped, all one way``; with repeats ``17 of 30 cells passed less often, 3 more often``."""
    up, down, judged = _moved(cells)
    there = count(judged, "cell")
    if any(before.judged > 1 or after.judged > 1 for (_, before, after), _ in _kinds(cells)):
        first, *others = [f"{number:,} {how} often" for number, how in ((down, "less"), (up, "more")) if number] or [""]
        number, _, how = first.partition(" ")
        moved = f"{number} of {there} passed {how}" if first else f"none of {there} passed more or less often"
        if judged == 1 and not first:
            return "the only cell passed as often as before"
        return ", ".join([moved, *others])
    if not up + down:
        return f"none of {there} flipped" if judged > 1 else "the only cell did not flip"
    way = f"{down:,} for the worse, {up:,} for the better" if up and down else "all one way"
    return f"{up + down:,} of {there} flipped" + (f", {way}" if up + down > 1 else "")
