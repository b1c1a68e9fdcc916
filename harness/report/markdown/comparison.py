"""A comparison: flips, then the verdicts on the measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from harness.compare.comparison import Comparison
from harness.report import View, output, words
from harness.report.content.comparison import (
    DIFFERENCE_HEADER,
    READING,
    difference_rows,
    explanations,
    shown_flips,
    suite_rows,
)
from harness.report.markdown.drawing import code, escaped, table_lines
from harness.text import amounts


@output("markdown", of="comparison")
def comparison_markdown(comparison: Comparison, view: View, out: TextIO) -> None:
    """What differs between two sides, for a pull request."""
    out.writelines(f"{line}\n" for line in comparison_lines(comparison, view))


def comparison_lines(comparison: Comparison, view: View, *, alone: bool = True) -> Iterator[str]:
    """The lines of a comparison, which also end a migration. ``alone``: with a note on how to read them."""
    yield f"**{escaped(str(comparison.conclusion))}**"
    yield ""
    yield f"Reference {escaped(comparison.reference)}, candidate {escaped(comparison.candidate)}."
    yield ""
    if comparison.simulated:
        yield f"**{words.SIMULATED}**"
        yield ""
    yield from (f"- {escaped(str(broken))}" for broken in comparison.breaks)
    if comparison.breaks:
        yield ""
    yield f"**{amounts.count(len(comparison.flips), 'flip')}** in {amounts.count(len(comparison.paired), 'cell')}"
    yield ""
    flips, more = shown_flips(comparison, view)
    if flips:
        rows = [[flip.id, flip.check, flip.before, flip.after, *map(_answer, flip.answers)] for flip in flips]
        yield from table_lines(["cell", "check", "from", "to", "reference said", "candidate said"], rows)
        yield ""
    if more:
        yield f"and {more:,} more (the worst are above): {code(f'{comparison.command} --format markdown -v')}"
        yield ""
    if comparison.differences:
        yield from table_lines(DIFFERENCE_HEADER, difference_rows(comparison))
        yield ""
        yield from (f"- {escaped(line)}" for line in explanations(comparison))
        yield ""
        header, rows = suite_rows(comparison)
        if len(rows) > 1:
            yield from table_lines(header, rows)
            yield ""
        if alone:
            yield READING
            yield ""
    for result in comparison.gates:
        if result.asked:
            yield f"- gate {escaped(words.gate(result.to_json()))}: **{escaped(result.message)}**"
    yield from (
        f"- {escaped(line)}" for line in words.gates_not_asked([result.to_json() for result in comparison.gates])
    )
    yield from (f"- {escaped(note)}" for note in comparison.notes)


def _answer(text: str | None) -> str:
    return "" if text is None else words.value(text, 160)
