"""Documents as lists of blocks, so that a document is composed once, and each format writes blocks.

A function of ``content/`` composes the blocks of a kind of document, and registers it for every format that writes blocks::

    @document("fidelity")
    def fidelity_blocks(document: Fidelity, view: View) -> Iterator[Block]:
        '''What one side changes against the other.'''
        yield Heading("What changes")

Texts are plain; every format escapes what is special in it. A `Code` within a text or a cell is a name or a command. GitHub Actions get
annotations: every `Annotation`, the rows and items that have a level, and the strong paragraphs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TextIO

from harness.report import Kind, View, output
from harness.results.rows import PlaceRow

FORMATS = {"table": "table.blocks", "markdown": "markdown.blocks", "html": "html.blocks", "github": "github"}
"""The formats that write blocks -> the module with its function ``write_blocks(blocks, view, out)``."""
Level = Literal["error", "warning", "notice"]


class Code(str):
    """A name or a command: text in a fixed-width font where the format has one."""

    __slots__ = ()


class Unfolding(str):
    """A cell with more inside: on a page the cell opens; other formats show its text only."""

    __slots__ = ("inside",)

    def __new__(cls, text: str, inside: Sequence[Block]) -> Self:
        cell = super().__new__(cls, text)
        cell.inside = inside
        return cell

    inside: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of the document (level 1), of a part of it (level 2), or of the one block below it (level 3)."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Texts, one after the other. ``strong``: the most important one. ``simulated``: a warning that answers are made up."""

    texts: Sequence[str]
    strong: bool = False
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. The first column names the row; ``words``: the numbers of the other columns that hold words, not numbers.
    ``levels``: how bad each row is, None where it is fine. ``spare``: the columns that a narrow terminal leaves out, the first one first."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: frozenset[int] = frozenset()
    levels: Sequence[Level | None] = ()
    spare: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list. An item is a sequence of texts. ``levels``: as those of a table."""

    items: Sequence[Sequence[str]]
    levels: Sequence[Level | None] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels, and a text for each. Where a label is empty, the text continues the one above."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines in a fixed-width font, such as commands."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class ComparedLines:
    """Lines of both sides of something, with the numbers of the lines that differ."""

    titles: tuple[str, str]
    lines: tuple[Sequence[str], Sequence[str]]
    marked: tuple[frozenset[int], frozenset[int]]


@dataclass(frozen=True, slots=True)
class Details:
    """What is folded until the reader asks for it; a terminal shows it with ``-v`` only."""

    summary: Sequence[str]
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message that GitHub shows at a line of a file, or, without a place, on the page of the run. Other formats leave it out."""

    level: Level
    title: str
    message: str
    place: PlaceRow | None = None


SIMULATED = Paragraph(
    ["SIMULATED: some or all of these answers were made up by the simulator, not by a model."], simulated=True
)
Block = Heading | Paragraph | Table | Bullets | Facts | CodeBlock | ComparedLines | Details | Annotation
Compose = Callable[[Any, View], Iterable[Block]]


def document(kind: Kind, *formats: str) -> Callable[[Compose], Compose]:
    """Register the composition of a kind of document for these formats; by default for all that write blocks."""

    def register(compose: Compose) -> Compose:
        for name in formats or FORMATS:
            output(name, of=kind)(_writer(name, compose))
        return compose

    return register


def title(blocks: Iterable[Block]) -> str:
    """The first heading; empty if there is none."""
    return next((block.text for block in blocks if isinstance(block, Heading)), "")


def write(name: str, blocks: Iterable[Block], view: View, out: TextIO) -> None:
    """Write blocks in one of these formats."""
    module = importlib.import_module(f"harness.report.{FORMATS[name]}")
    module.write_blocks(list(blocks), view, out)


def _writer(name: str, compose: Compose) -> Callable[[Any, View, TextIO], None]:
    def write_document(document: Any, view: View, out: TextIO) -> None:
        write(name, compose(document, view), view, out)

    write_document.__doc__ = compose.__doc__
    return write_document
