"""Several candidates: all of them in a table, then each against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from harness.compare.candidates import Comparisons
from harness.report import View, output, words
from harness.report.content.comparison import READING, correction_note, overview
from harness.report.markdown.comparison import comparison_lines
from harness.report.markdown.drawing import escaped, table_lines


@output("markdown", of="comparisons")
def comparisons_markdown(document: Comparisons, view: View, out: TextIO) -> None:
    """What differs between a reference and each of several candidates, for a pull request."""
    out.writelines(f"{line}\n" for line in _all(document, view))


def _all(document: Comparisons, view: View) -> Iterator[str]:
    yield f"**{escaped(correction_note(document))}**"
    yield ""
    if document.simulated:
        yield f"**{words.SIMULATED}**"
        yield ""
    yield from table_lines(*overview(document))
    yield ""
    yield READING
    yield ""
    yield from (f"- {escaped(note)}" for note in document.notes)
    for comparison in document.comparisons:
        yield ""
        yield f"### {escaped(comparison.candidate)}"
        yield ""
        yield from comparison_lines(comparison, view, alone=False)
