"""Blocks as annotations for GitHub Actions, on the lines of suites where a place is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import TextIO

from harness.errors import HarnessError, SuiteError
from harness.report import View, words
from harness.report.blocks import Annotation, Block, Bullets, Heading, Items, Paragraph, Table
from harness.report.table.blocks import block_lines
from harness.text.grouping import grouped
from harness.text.yamltext import Complaint

MAX_ANNOTATIONS = 10
"""How many annotations of a level GitHub shows for a step. It drops further ones without a message."""
NAME = "gemini-harness"
"""The title of annotations that have no better one."""


def write_blocks(blocks: Sequence[Block], view: View, out: TextIO) -> None:
    """The annotations, those of the rows and items that have a level, and the strong paragraphs as the closing notice."""
    found = [annotation for block in blocks for annotation in _of_block(block)]
    name = next((block.text for block in blocks if isinstance(block, Heading) and block.level == 1), NAME)
    shown = _within_the_limit([*found, Annotation("notice", name, _closing(blocks))])
    out.writelines(f"{_line(annotation, view)}\n" for annotation in shown)


def _of_block(block: Block) -> Iterator[Annotation]:
    match block:
        case Annotation():
            yield block
        case Table():
            for level, (name, *cells) in zip(block.levels, block.rows, strict=False):
                about = "; ".join(f"{header}: {cell}" for header, cell in zip(block.header[1:], cells, strict=True))
                yield from [Annotation(level, name, about)] if level else []
        case Bullets():
            for level, texts in zip(block.levels, block.items, strict=False):
                yield from [Annotation(level, NAME, "".join(texts))] if level else []
        case Items():
            for item in block.items:
                message = "\n".join(line for inside in item.blocks for line in block_lines(inside, View(width=10_000)))
                yield from [Annotation(item.level, "".join(item.head), message, item.place)] if item.level else []


def _closing(blocks: Sequence[Block]) -> str:
    """The strong paragraphs, each after the heading of its part."""
    part, texts = "", list[str]()
    for block in blocks:
        if isinstance(block, Heading):
            part = f"{block.text}: " if block.level == 2 else ""
        elif isinstance(block, Paragraph) and block.strong:
            texts.append(f"{part}{''.join(block.texts)}")
    simulated = any(isinstance(block, Paragraph) and block.simulated for block in blocks)
    message = "\n".join(texts)
    return f"{message}; {words.SIMULATED}" if simulated and "SIMULATED" not in message else message


def error_annotations(error: HarnessError, view: View) -> list[str]:
    """The lines for a command that ended with an error: one for each complaint about a suite, at its place."""
    if not isinstance(error, SuiteError):
        return [_line(Annotation("error", NAME, str(error)), view)]
    made = [
        Annotation("error", "suite", "\n".join(filter(None, [one.message, one.hint])), one.place)
        if isinstance(one, Complaint)
        else Annotation("error", "suite", str(one))
        for one in sorted(error.complaints, key=lambda one: not isinstance(one, Complaint))
    ]
    return [_line(annotation, view) for annotation in made[:MAX_ANNOTATIONS]]


def _within_the_limit(annotations: list[Annotation]) -> Iterator[Annotation]:
    """The annotations level by level, at most ``MAX_ANNOTATIONS`` each; where some are left out, the last one says how many. The closing
    notice is always kept."""
    *rest, closing = annotations
    for level, alike in grouped(rest, attrgetter("level")).items():
        room = MAX_ANNOTATIONS - (level == closing.level)
        shown = alike if len(alike) <= room else alike[: room - 1]
        yield from shown
        if more := len(alike) - len(shown):
            about = f"and {more:,} more, which GitHub would not show: see the table or the saved run"
            yield Annotation(level, NAME, about)
    yield closing


def _line(annotation: Annotation, view: View) -> str:
    title = f"title={_property(annotation.title)}"
    if annotation.place is not None:
        title = f"file={_property(view.display_path(annotation.place.file))},line={annotation.place.line},{title}"
    return f"::{annotation.level} {title}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return words.printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
