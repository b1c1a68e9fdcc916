"""A renewed definition: what it adds, removes and changes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gemini.renewal import Renewal
from harness.report import View
from harness.report.blocks import Block, Bullets, Code, Heading, Paragraph, document
from harness.report.content.parts import cut, notes


@document("renewal")
def renewal_blocks(renewal: Renewal, view: View) -> Iterator[Block]:
    """What a new definition adds, removes and changes."""
    yield Heading(f"The definition in {renewal.file}", level=1)
    parts = [("added", renewal.added), ("removed", renewal.removed), ("changed", renewal.changed)]
    counted = ", ".join(f"{len(names):,} {what}" for what, names in parts if names) or "nothing changes"
    yield Paragraph([f"Renewed: {counted}. Rules use it from now on."], strong=True)
    for what, names in parts:
        if names:
            yield Heading(what)
            shown, more = cut(names, view)
            yield Bullets([[Code(name)] for name in shown])
            yield from more
    older = "this document is older than what was known: what it removes may have come later"
    yield from notes([f"before: {renewal.before}", f"now: {renewal.revision}", *([older] if renewal.is_older else [])])
