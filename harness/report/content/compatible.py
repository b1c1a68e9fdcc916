"""What works natively and in the OpenAI-compatible dialect: a table, and what shows each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.compare.compatible import Compatibility, FeatureCell
from harness.report import View, words
from harness.report.blocks import Block, Bullets, Code, Heading, Paragraph, Table, document
from harness.report.content.parts import notes


@document("compatible")
def compatible_blocks(found: Compatibility, view: View) -> Iterator[Block]:
    """What works natively and in the OpenAI-compatible dialect."""
    yield Heading(f"{found.model}: native and OpenAI-compatible", level=1)
    yield Paragraph([bottom_line(found)], strong=True)
    sides = [side.target for side in found.sides]
    header = ["feature", *_titles(found).values()]
    rows = []
    for feature, cells in found.rows:
        states = {cell.side: cell.state for cell in cells}
        rows.append([feature, *(states.get(side, "not tried") for side in sides)])
    yield Table(header, rows, "what works where", frozenset(range(1, len(header))))
    asked = [[f"{side.title}: ", Code(", ".join(side.providers))] for side in found.sides]
    yield Bullets(asked)
    if not view.quiet:
        yield from _evidence(found)
    yield from notes(found.notes, found.command)


def bottom_line(found: Compatibility) -> str:
    """How many features work on each side: ``features that work: native 5 of 5; compatible 3 of 5, 1 differ, 1 failed``."""
    parts = []
    for target, title in _titles(found).items():
        states = Counter(cell.state for _, cells in found.rows for cell in cells if cell.side == target)
        works = states.pop("works", 0)
        others = [f", {number:,} {'differ' if state == 'differs' else state}" for state, number in states.items()]
        parts.append(f"{title} {works:,} of {works + states.total():,}{''.join(others)}")
    return f"features that work: {'; '.join(parts)}"


def _titles(found: Compatibility) -> dict[str, str]:
    """Target -> the dialect, with the provider where several sides have the same."""
    titles = [side.title for side in found.sides]
    return {
        side.target: side.title if titles.count(side.title) == 1 else f"{side.title} ({side.target.partition('/')[0]})"
        for side in found.sides
    }


def _evidence(found: Compatibility) -> Iterator[Block]:
    titles = _titles(found)
    yield Heading("evidence")
    for feature, cells in found.rows:
        yield Heading(feature, level=3)
        yield Bullets([_line(titles[cell.side], cell) for cell in cells])


def _line(title: str, cell: FeatureCell) -> list[str]:
    line = [f"{title}: {cell.state}"]
    if cell.reason:
        line.append(f": {words.shortened(cell.reason, 200)}")
    return [*line, "; ", Code(cell.trials[0])]
