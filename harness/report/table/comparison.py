"""A comparison: flips, then the verdicts on the measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TextIO

from harness.compare.comparison import Comparison, Flip
from harness.report import View, output, words
from harness.report.content.comparison import (
    DIFFERENCE_HEADER,
    READING,
    difference_rows,
    explained,
    shown_flips,
    suite_rows,
)
from harness.report.table.drawing import fitted, listed, wrapped, write
from harness.text import amounts


@output("table", of="comparison")
def comparison_table(comparison: Comparison, view: View, out: TextIO) -> None:
    """What differs between two sides, for a terminal."""
    write(compared(comparison, view), view, out)


def compared(comparison: Comparison, view: View, *, alone: bool = True) -> Iterator[str]:
    """The lines of a comparison; those of a migration end with them. ``alone``: how to read them is said here."""
    yield f"reference  {comparison.reference}"
    yield f"candidate  {comparison.candidate}"
    yield ""
    yield f"{amounts.count(len(comparison.flips), 'flip')} in {amounts.count(len(comparison.paired), 'cell')}"
    flips, more = shown_flips(comparison, view)
    for _, alike in groupby(flips, attrgetter("id", "answers")):
        yield from _flipped(list(alike), view)
    if more:
        yield from wrapped(f"and {more:,} more (the worst are above): {comparison.again} -v", view, "  ")
    yield ""
    if comparison.differences:
        yield from fitted(DIFFERENCE_HEADER, difference_rows(comparison), view)
        yield ""
        if not view.quiet:
            yield from _explained(comparison, view)
            yield from wrapped(READING, view, "") if alone else ()
    yield from listed(words.gates([each.to_json() for each in comparison.gates]), view)
    if not view.quiet:
        yield from listed(comparison.notes, view)
    elif comparison.simulated:
        yield words.SIMULATED


def _explained(comparison: Comparison, view: View) -> Iterator[str]:
    yield from listed(list(explained(comparison)), view)
    yield ""
    header, rows = suite_rows(comparison)
    if len(rows) > 1:
        yield from fitted(header, rows, view)
        yield ""


def _message(flip: Flip) -> str:
    """What is wrong, whichever check says so."""
    known = flip.trouble
    return "" if known is None else known.verdict["message"] if known.verdict else known.message


def _flipped(flips: Sequence[Flip], view: View) -> Iterator[str]:
    """Checks of one cell that one answer flipped: what is wrong stands below each, what was said below the last."""
    for _, alike in groupby(flips, _message):
        told = list(alike)
        yield from (f"  {each.before} -> {each.after}  {each.check}  {each.id}" for each in told)
        if told[-1].after != "passed" and told[0].trouble is not None:
            yield from wrapped(words.shortened(words.reason(told[0].trouble), 300), view, "      ")
    flip = flips[-1]
    for side, answer in zip(("reference", "candidate"), flip.answers, strict=True):
        if answer is not None:
            yield from wrapped(f"{side} said: {words.value(answer, 160)}", view, "      ")
