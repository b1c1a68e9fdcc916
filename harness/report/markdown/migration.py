"""A migration: its bottom line, what changes, and the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output
from harness.report.content.migration import bottom_line
from harness.report.markdown.comparison import comparison_lines
from harness.report.markdown.drawing import escaped

if TYPE_CHECKING:
    from harness.compare.migration import Migration


@output("markdown", of="migration")
def migration_markdown(document: Migration, view: View, out: TextIO) -> None:
    """Whether a new model may replace an old one, for a pull request."""
    out.writelines(f"{line}\n" for line in _migration_lines(document, view))


def _migration_lines(document: Migration, view: View) -> Iterator[str]:
    sides = document.comparison
    yield f"### {escaped(sides.reference)} to {escaped(sides.candidate)}"
    yield ""
    verdict, others = bottom_line(document)
    yield f"**{escaped(verdict)}**"
    yield ""
    if others:
        yield from (f"- {escaped(reason)}" for reason in others)
        yield ""
    if document.changes:
        yield "#### What changes"
        yield ""
        yield from (f"- {escaped(change)}" for change in document.changes)
        yield ""
    if document.unsupported:
        yield f"#### What {escaped(sides.candidate)} was not asked"
        yield ""
        shown = document.unsupported[: view.details]
        yield from (f"- {escaped(cell)}: {escaped(why)}" for cell, why in shown)
        if len(shown) < len(document.unsupported):
            yield f"- and {len(document.unsupported) - len(shown)} more"
        yield ""
    yield "#### What was seen"
    yield ""
    yield from comparison_lines(sides, view)
