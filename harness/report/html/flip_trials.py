"""The trials on both sides of the flips, as data for the script of comparison pages. The panel is the one of run pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.compare.comparison import Comparison, Source, read_answers
from harness.model import Json
from harness.report.content.comparison import worst_first
from harness.report.html import trials
from harness.report.html.markup import Markup, block
from harness.results.rows import Row

NAMES = ("reference", "candidate")
"""The names of the two sides. Several candidates have their own names instead."""
SHOWN = 200
"""How many flips are listed with their answers."""
ROOM = 16_000_000
"""The most characters of requests and answers in the page; later ones are left out, as on the page of a very large run."""

Numbers = Mapping[tuple[int, str], int]
"""(side, trial) -> its number in the script's data. The reference is side 0, the first candidate 1, the second 2."""


@dataclass(slots=True)
class SidesData:
    """The data for the script, and the numbers under which the page refers to the trials."""

    numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    groups: list[list[Json]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    lines: list[list[Json]] = field(default_factory=list)
    details: list[Markup] = field(default_factory=list)

    def of(self, place: int) -> Numbers:
        """The numbers for the comparison at that index, in which the candidate is side 1."""
        sides = {0: 0, place + 1: 1}
        return {(sides[side], trial): number for (side, trial), number in self.numbers.items() if side in sides}

    def blocks(self) -> Iterator[Markup]:
        """The data blocks for the script; none where there are no trials."""
        if self.lines:
            yield block({**trials.facts_of(self.groups, self.targets), "block": 1}, id="facts")
            yield block(self.lines, data_index=True)
            yield from self.details


def with_answers(comparison: Comparison) -> Comparison:
    """The comparison with its flips sorted, the worst first, and with the answers of the listed flips."""
    flips = worst_first(comparison.flips)
    return replace(comparison, flips=[*read_answers(flips[:SHOWN], comparison.sources), *flips[SHOWN:]])


def read(compared: Sequence[Comparison]) -> SidesData:
    """Read the trials of the listed flips, one side after the other. A trial of two flips is read once.

    Comparisons of several candidates share their reference.
    """
    found = SidesData()
    pairs = _pair_numbers(compared)
    room = ROOM
    for side, (name, source, groups) in enumerate(_sources(compared)):
        run, rows = source
        for row in rows(groups) if groups else ():
            if (side, row.id) in pairs:
                number = len(found.lines)
                found.numbers[side, row.id] = number
                found.groups.append(trials.group_facts(row, run, name, pairs[side, row.id]))
                found.targets.append(row.target)
                found.lines.append(trials.index(row, number))
                found.details.append(_detail(row, number, room))
                room -= len(found.details[-1])
    return found


def _sources(compared: Sequence[Comparison]) -> Iterator[tuple[str, Source, set[str]]]:
    """(name, source of its rows, the groups to read) of the reference and of every candidate that is saved."""
    first = compared[0].sources
    if first is not None:
        yield NAMES[0], first[0], {flip.groups[0] for comparison in compared for flip in comparison.flips[:SHOWN]}
    for comparison in compared:
        if comparison.sources is not None:
            name = NAMES[1] if len(compared) == 1 else comparison.candidate
            yield name, comparison.sources[1], {flip.groups[1] for flip in comparison.flips[:SHOWN]}


def _pair_numbers(compared: Sequence[Comparison]) -> dict[tuple[int, str], int]:
    """(side, trial) -> the number of the pair that it is shown in. Trials with a common partner are in one pair."""
    pairs: dict[tuple[int, str], int] = {}
    for place, comparison in enumerate(compared, 1):
        for flip in comparison.flips[:SHOWN]:
            keys = [(side, trial) for side, trial in zip((0, place), flip.trials, strict=True) if trial is not None]
            pair = next((pairs[key] for key in keys if key in pairs), len(pairs))
            for key in keys:
                pairs.setdefault(key, pair)
    return pairs


def _detail(row: Row, number: int, room: int) -> Markup:
    whole = block([trials.detail(row)], id=f"details-{number}")
    return whole if len(whole) <= room else block([None], id=f"details-{number}")
