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
    explanations,
    shown_flips,
    suite_rows,
)
from harness.report.table.drawing import bullets, fitted, wrapped, write
from harness.text import amounts


@output("table", of="comparison")
def comparison_table(comparison: Comparison, view: View, out: TextIO) -> None:
    """What differs between two sides, for a terminal."""
    write(comparison_lines(comparison, view), view, out)


def comparison_lines(comparison: Comparison, view: View, *, alone: bool = True) -> Iterator[str]:
    """The lines of a comparison, which also end a migration. ``alone``: with a note on how to read them."""
    yield from wrapped(str(comparison.conclusion), view, "")
    yield ""
    yield f"reference  {comparison.reference}"
    yield f"candidate  {comparison.candidate}"
    yield ""
    yield from bullets([str(broken) for broken in comparison.breaks], view)
    yield f"{amounts.count(len(comparison.flips), 'flip')} in {amounts.count(len(comparison.paired), 'cell')}"
    flips, more = shown_flips(comparison, view)
    for _, alike in groupby(flips, attrgetter("id", "answers")):
        yield from _flip_lines(list(alike), view)
    if more:
        yield from wrapped(f"and {more:,} more (the worst are above): {comparison.command} -v", view, "  ")
    yield ""
    if comparison.differences:
        yield from fitted(DIFFERENCE_HEADER, difference_rows(comparison), view)
        yield ""
        if not view.quiet:
            yield from _explanation_lines(comparison, view)
            yield from wrapped(READING, view, "") if alone else ()
    yield from bullets(words.gates([result.to_json() for result in comparison.gates]), view)
    if not view.quiet:
        yield from bullets(comparison.notes, view)
    elif comparison.simulated:
        yield words.SIMULATED


def _explanation_lines(comparison: Comparison, view: View) -> Iterator[str]:
    yield from bullets(list(explanations(comparison)), view)
    yield ""
    header, rows = suite_rows(comparison)
    if len(rows) > 1:
        yield from fitted(header, rows, view)
        yield ""


def _message(flip: Flip) -> str:
    """The failure message of a flip, whatever its check; empty where it is not known."""
    known = flip.trouble
    return "" if known is None else known.verdict.message if known.verdict else known.message


def _flip_lines(flips: Sequence[Flip], view: View) -> Iterator[str]:
    """The flips of one cell with the same answers: the failure message below each group of flips, the answers at the end."""
    for _, alike in groupby(flips, _message):
        same = list(alike)
        yield from (f"  {flip.before} -> {flip.after}  {flip.check}  {flip.id}" for flip in same)
        if same[-1].after != "passed" and same[0].trouble is not None:
            yield from wrapped(words.shortened(words.reason(same[0].trouble), 300), view, "      ")
    flip = flips[-1]
    for side, answer in zip(("reference", "candidate"), flip.answers, strict=True):
        if answer is not None:
            yield from wrapped(f"{side} said: {words.value(answer, 160)}", view, "      ")
