"""A migration: its bottom line, what changes, and what the new model was not asked. A comparison follows."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.migration import Migration
from harness.report import View
from harness.report.blocks import Block, Bullets, Heading, Paragraph, document
from harness.report.content.comparison import compared_blocks
from harness.report.content.parts import cut


@document("migration")
def migration_blocks(document: Migration, view: View) -> Iterator[Block]:
    """Whether a new model may replace an old one."""
    sides = document.comparison
    yield Heading(f"{sides.reference} to {sides.candidate}", level=1)
    verdict, (because, *others) = document.bottom_line
    yield Paragraph([f"{verdict}: {because}"], strong=True)
    yield Bullets([[reason] for reason in others])
    if document.changes:
        yield Heading("What changes")
        yield Bullets([[change] for change in document.changes])
    if document.unsupported:
        yield Heading(f"What {sides.candidate} was not asked")
        shown, more = cut(document.unsupported, view)
        yield Bullets([[f"{cell}: {why}"] for cell, why in shown])
        yield from more
    yield Heading("What was seen")
    rated = any(reason.startswith("pass rate ") for reason in document.bottom_line.because)
    yield from compared_blocks([sides], view, concluded=rated)
