"""A renewed definition: what it adds, removes and changes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gemini.renewal import Renewal
from harness.report import View
from harness.report.blocks import Block, Bullets, Code, Heading, Paragraph, document


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
            yield Bullets([[Code(name)] for name in names[: view.details]])
            if view.details is not None and len(names) > view.details:
                yield Paragraph([f"and {len(names) - view.details:,} more (-v shows all)"])
    yield Heading("notes")
    notes = [f"before: {renewal.before}", f"now: {renewal.revision}"]
    if renewal.is_older:
        notes.append("this document is older than what was known: what it removes may have come later")
    yield Bullets([[note] for note in notes])
