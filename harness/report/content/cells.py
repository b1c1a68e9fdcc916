"""The cells of a comparison, side by side: a table for pages, which can filter it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from harness.compare.pairs import Pair
from harness.report import words
from harness.report.blocks import Block, Level, Paragraph, Styled, Table
from harness.results.groups import Group

CELLS = 5_000
"""The most cells in the table."""
_SHOWN = ("thoughtsTokenCount", "totalTokenCount", "latency_s")


def cells(pairs: Sequence[Pair]) -> Iterator[Block]:
    """A row per cell: both verdicts, and the measures that any cell has. Rows whose verdict differs have a level."""
    shown, part = _part(pairs)
    measures = [measure for measure in _SHOWN if any(_typical(side, measure) for pair in shown for side in pair)]
    header = ["cell", "reference", "candidate"]
    header += [f"{words.label(measure)} {side}" for measure in measures for side in ("ref.", "cand.")]
    rows = [
        [
            pair.id,
            *map(_mark, pair),
            *(words.measured(measure, _typical(side, measure)) for measure in measures for side in pair),
        ]
        for pair in shown
    ]
    levels: list[Level | None] = ["notice" if _differs(pair) else None for pair in shown]
    if part:
        yield Paragraph([part])
    yield Table(
        header,
        rows,
        "cells on both sides",
        frozenset({1, 2}),
        levels,
        filter="cells",
        only="only where the verdict differs",
    )


def _part(pairs: Sequence[Pair]) -> tuple[Sequence[Pair], str]:
    """(the cells that the page shows, a note where some are left out). Cells whose verdicts differ are kept first."""
    if len(pairs) <= CELLS:
        return pairs, ""
    differing = [pair for pair in pairs if _differs(pair)]
    first = chain(differing, (pair for pair in pairs if not _differs(pair)))
    differ = len(differing)
    kept = f"all {differ:,} whose" if differ <= CELLS else f"of the {differ:,} whose"
    return list(islice(first, CELLS)), (
        f"{CELLS:,} of {len(pairs):,} cells: first {kept} verdict differs, then in their order; --format json has all"
    )


def _differs(pair: Pair) -> bool:
    reference, candidate = map(_mark, pair)
    return reference != candidate


def _typical(side: Group | None, measure: str) -> float | None:
    return None if side is None else side.typical(measure)


def _mark(side: Group | None) -> Styled:
    if side is None:
        return Styled("not there", status="none")
    attempts = f" {side.passed}/{side.attempts}" if side.attempts > 1 else ""
    return Styled(f"{words.MARKS[side.status]}{attempts}", status=side.status)
