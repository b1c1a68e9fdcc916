"""What was said on both sides of the flips, for the script of a comparison: the same panel as that of a run shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.compare import Comparison, Flip, answered
from harness.model import Json
from harness.render.content.comparison import worst_first
from harness.render.html import trials
from harness.render.html.markup import Markup, block
from harness.rows import Row

NAMES = ("reference", "candidate")
SHOWN = 200
"""Flips that are listed with what was said."""
ROOM = 16_000_000
"""Characters of requests and answers in the page; what comes after them is left out, as in a run of very many trials."""

Numbers = Mapping[tuple[int, str], int]
"""(side, trial) -> its number for the script."""


@dataclass(slots=True)
class Said:
    """The data for the script, and the numbers under which the page refers to the trials."""

    numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    groups: list[list[Json]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    lines: list[list[Json]] = field(default_factory=list)
    details: list[Markup] = field(default_factory=list)

    def blocks(self) -> Iterator[Markup]:
        """The elements that the script reads; none where nothing was said."""
        if self.lines:
            yield block({**trials.told(self.groups, self.targets), "block": 1}, id="facts")
            yield block(self.lines, data_index=True)
            yield from self.details


def listed(comparison: Comparison) -> Comparison:
    """With its flips the worst first, and with what was said of those that the page lists."""
    flips = worst_first(comparison.flips)
    return replace(comparison, flips=[*answered(flips[:SHOWN], comparison.sources), *flips[SHOWN:]])


def said(comparison: Comparison) -> Said:
    """Read the trials of the flips that are listed, a side after the other; a trial that shows two flips is there once."""
    found = Said()
    if comparison.sources is None:
        return found
    flips = comparison.flips[:SHOWN]
    room = ROOM
    for side, (run, rows) in enumerate(comparison.sources):
        pairs = _pairs(flips, side)
        groups = {flip.groups[side] for flip in flips}
        for row in rows(groups, turns=True) if pairs else ():
            if row["id"] in pairs:
                number = len(found.lines)
                found.numbers[side, row["id"]] = number
                found.groups.append(trials.of_row(row, run, NAMES[side], pairs[row["id"]]))
                found.targets.append(row["target"])
                found.lines.append(trials.index(row, number))
                found.details.append(_detail(row, number, room))
                room -= len(found.details[-1])
    return found


def _pairs(flips: Sequence[Flip], side: int) -> dict[str, int]:
    """Trial of that side -> the pair that it is shown in. Trials that share a partner are in one pair."""
    pairs: dict[str, int] = {}
    known: dict[tuple[int, str], int] = {}
    for flip in flips:
        keys = [(n, trial) for n, trial in enumerate(flip.trials) if trial is not None]
        pair = next((known[key] for key in keys if key in known), len(known))
        for key in keys:
            known.setdefault(key, pair)
    pairs.update({trial: pair for (n, trial), pair in known.items() if n == side})
    return pairs


def _detail(row: Row, number: int, room: int) -> Markup:
    whole = block([trials.detail(row)], id=f"details-{number}")
    return whole if len(whole) <= room else block([None], id=f"details-{number}")
