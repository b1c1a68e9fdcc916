"""The trials on both sides of the flips, for the script of comparison pages. The panel is the one of run pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.compare.comparison import Comparison, Source, read_answers
from harness.model import Json
from harness.report.blocks import Opens, Trials
from harness.report.content import trials
from harness.report.content.flips import SHOWN, SIDES, Trial, worst_first

ROOM = 16_000_000
"""The most characters of requests and answers in the page; later ones are left out, as on the page of a very large run."""


def with_answers(comparison: Comparison) -> Comparison:
    """The comparison with its flips sorted, the worst first, and with the answers of the listed flips."""
    flips = worst_first(comparison.flips)
    return replace(comparison, flips=[*read_answers(flips[:SHOWN], comparison.sources), *flips[SHOWN:]])


def flip_trials(compared: Sequence[Comparison]) -> Trials:
    """Read the trials of the listed flips, one side after the other. A trial of two flips is read once.

    Comparisons of several candidates share their reference.
    """
    numbers: dict[Opens, int] = {}
    groups: list[list[Json]] = []
    parts: list[tuple[Json, Json]] = []
    pairs = _pair_numbers(compared)
    for side, (name, source, wanted) in enumerate(_sources(compared)):
        run, rows = source
        for row in rows(wanted) if wanted else ():
            if (side, row.id) in pairs:
                number = numbers[side, row.id] = len(parts)
                groups.append(trials.group_facts(row, run, name, pairs[side, row.id]))
                parts.append(([trials.index(row, number)], [trials.detail(row)]))
    return Trials({**trials.facts_of(groups), "block": 1}, parts, numbers, ROOM)


def _sources(compared: Sequence[Comparison]) -> Iterator[tuple[str, Source, set[str]]]:
    """(name, source of its rows, the groups to read) of the reference and of every candidate that is saved."""
    first = compared[0].sources
    if first is not None:
        yield SIDES[0], first[0], {flip.groups[0] for comparison in compared for flip in comparison.flips[:SHOWN]}
    for comparison in compared:
        if comparison.sources is not None:
            name = SIDES[1] if len(compared) == 1 else comparison.candidate
            yield name, comparison.sources[1], {flip.groups[1] for flip in comparison.flips[:SHOWN]}


def _pair_numbers(compared: Sequence[Comparison]) -> dict[Trial, int]:
    """A trial -> the number of the pair that it is shown in. Trials with a common partner are in one pair."""
    pairs: dict[Trial, int] = {}
    for place, comparison in enumerate(compared, 1):
        for flip in comparison.flips[:SHOWN]:
            keys = [(side, trial) for side, trial in zip((0, place), flip.trials, strict=True) if trial is not None]
            pair = next((pairs[key] for key in keys if key in pairs), len(pairs))
            for key in keys:
                pairs.setdefault(key, pair)
    return pairs
