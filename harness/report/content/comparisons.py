"""Several candidates: all of them in a table, then each against the reference."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.comparison import Comparisons
from harness.report import View
from harness.report.blocks import Block, Bullets, Heading, Paragraph, Table, document
from harness.report.content.comparison import READING, compared_blocks, correction_note, overview


@document("comparisons")
def comparisons_blocks(document: Comparisons, view: View) -> Iterator[Block]:
    """What differs between a reference and each of several candidates."""
    if view.page:
        yield Heading(f"{len(document.comparisons)} candidates against {document.reference}", level=1)
    verdicts = (f"{comparison.candidate}: {comparison.conclusion.verdict}" for comparison in document.comparisons)
    yield Paragraph(["; ".join(verdicts)], strong=True)
    if view.page:
        yield Heading("candidates")
    yield Paragraph([correction_note(document)])
    yield Table(*overview(document), "verdicts on each candidate")
    if not view.quiet:
        yield Paragraph([READING])
        yield Bullets([[note] for note in document.notes])
    yield from compared_blocks(document.comparisons, view)
