"""The parts that documents share: gates, notes, and how much of a list is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from harness.report import View, words
from harness.report.blocks import Block, Bullets, Code, Heading, Level, Paragraph, Styled
from harness.results.rows import GateRow

T = TypeVar("T")
RESULTS: Mapping[bool | None, tuple[str, Level | None]] = {
    True: ("failed", "error"),
    False: ("passed", None),
    None: ("xfailed", "warning"),
}
"""Whether a gate is crossed; None: it cannot be told -> the status in whose colour it is shown, and how bad it is."""


def gates(rows: Sequence[GateRow]) -> Bullets:
    """A line for each gate that was asked, and one for those of a suite that were not."""
    asked = [row for row in rows if row["asked"]]
    items = [[f"gate {words.gate(row)}: ", Styled(row["message"], status=RESULTS[row["crossed"]][0])] for row in asked]
    others = [[line] for line in words.gates_not_asked(rows)]
    return Bullets([*items, *others], [RESULTS[row["crossed"]][1] for row in asked])


def notes(texts: Iterable[str], command: str = "") -> Iterator[Block]:
    """The last part of a document. ``command``: what composes it again."""
    if listed := [[text] for text in texts]:
        yield Heading("notes")
        yield Bullets(listed)
    if command:
        yield Paragraph(["again: ", Code(command)])


def cut(items: Sequence[T], view: View) -> tuple[Sequence[T], list[Block]]:
    """As many items as the view shows in full, and a line on the others if there are any."""
    shown = items[: view.details]
    more = len(items) - len(shown)
    return shown, [Paragraph([f"and {more:,} more (-v shows all)"])] if more else []
