"""Documents as lists of blocks, so that a document is composed once, and each format writes blocks.

A function of ``content/`` composes the blocks of a kind of document, and registers it for every format that writes blocks::

    @document("fidelity")
    def fidelity_blocks(document: Fidelity, view: View) -> Iterator[Block]:
        '''What one side changes against the other.'''
        yield Heading("What changes")

Texts are plain; every format escapes what is special in it. A `Code` within a text or a cell is a name or a command, a `Styled` has a colour
or a link. A line break in a paragraph stays one. GitHub Actions get annotations: every `Annotation`, the rows and items that have a level,
and the strong paragraphs.

A format of another package is one function for all documents, in a module that the entry points name::

    @block_format("headings")
    def headings(blocks: Sequence[Block], view: View, out: TextIO) -> None:
        '''The headings of a document.'''
        out.writelines(f"{block.text}\\n" for block in blocks if isinstance(block, Heading))

The view of a composition says for which ``format`` it is. A ``page`` can
fold, filter, draw, and open trials, so it may get more blocks: `Pictures` and `Trials`, which other formats leave out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self, TextIO

from msgspec import Struct
from msgspec.structs import replace

from harness.model import Json, Place, Status
from harness.report import Kind, View, output

FORMATS = {
    "table": ("table.blocks", "Text and tables, for a terminal."),
    "markdown": ("markdown", "Text and tables, for a pull request or a wiki page."),
    "html": ("html.blocks", "One self-contained page, with all requests and responses of each trial."),
    "github": ("github", "Annotations for GitHub Actions, on the suite's own lines; in a step also its summary."),
}
"""The formats that write blocks -> the module with its function ``write_blocks(blocks, view, out)``, and what it writes."""
Level = Literal["error", "warning", "notice"]
Opens = str | tuple[int, str]
"""What opens trials on a page: a group of a run, or a side of a comparison and a trial."""


class Code(str):
    """A name or a command: text in a fixed-width font where the format has one."""

    __slots__ = ()


class Styled(str):
    """A text in the colour of a ``status``, or with a link. ``address``: where the link of a served page leads."""

    __slots__ = ("address", "opens", "status")

    def __new__(cls, text: str, *, status: str = "", opens: Opens | None = None, address: str = "") -> Self:
        made = super().__new__(cls, text)
        made.status, made.opens, made.address = status, opens, address
        return made

    status: str
    opens: Opens | None
    address: str


class Heading(Struct, frozen=True):
    """The heading of the document (level 1), of a part of it (level 2), or of the one block below it (level 3)."""

    text: str
    level: int = 2


class Paragraph(Struct, frozen=True):
    """Texts, one after the other. ``strong``: the most important one. ``simulated``: a warning that answers are made up."""

    texts: Sequence[str]
    strong: bool = False
    simulated: bool = False


class Table(Struct, frozen=True):
    """Rows of cells. The first column names the row; ``words``: the numbers of the other columns that hold words, not numbers.
    ``levels``: how bad each row is, None where it is fine. ``spare``: the columns that a narrow terminal leaves out, the first one first.
    ``filter``: what the rows are, if a page lets the reader filter them; ``only``: the label of a filter for the rows with a level."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: frozenset[int] = frozenset()
    levels: Sequence[Level | None] = ()
    spare: Sequence[int] = ()
    filter: str = ""
    only: str = ""


class MatrixCell(Struct, frozen=True):
    """``verdict``: with its status, and with the group that it opens; ``values``: the pieces of each measure of its row; ``about``: the
    cell in a sentence."""

    verdict: Styled
    values: Sequence[Sequence[str]]
    about: str


class MatrixRow(Struct, frozen=True):
    """A case, the names of its measures, and a cell for each column; None where it was not asked."""

    name: str
    measures: Sequence[str]
    cells: Sequence[MatrixCell | None]


class Matrix(Struct, frozen=True):
    """Cases by columns. A column is a target and its value on each of the ``axes``; those of one target are adjacent. ``more``: a note
    about cases that are left out."""

    axes: Sequence[str]
    columns: Sequence[tuple[str, Sequence[str]]]
    rows: Sequence[MatrixRow]
    caption: str = ""
    more: str = ""


class Totals(Struct, frozen=True):
    """How many groups have each status. ``text``: the same in words, and more. ``stopped``: gates that do not hold."""

    counts: Mapping[Status, int]
    text: str
    stopped: str = ""


class Item(Struct, frozen=True):
    """A line, and the blocks that belong to it. ``level``: how bad it is; ``place``: where GitHub shows that."""

    head: Sequence[str]
    blocks: Sequence[Block] = ()
    level: Level | None = None
    place: Place | None = None


class Items(Struct, frozen=True):
    """A list of things that have more to them than a line. ``unfolded``: how many of them a page shows without a click; None: all."""

    items: Sequence[Item]
    unfolded: int | None = None


class Bullets(Struct, frozen=True):
    """A list. An item is a sequence of texts. ``levels``: as those of a table."""

    items: Sequence[Sequence[str]]
    levels: Sequence[Level | None] = ()


class Facts(Struct, frozen=True):
    """Labels, and a text for each. Where a label is empty, the text continues the one above."""

    rows: Sequence[tuple[str, str]]


class CodeBlock(Struct, frozen=True):
    """Lines in a fixed-width font, such as commands."""

    lines: Sequence[str]


class Lines(Struct, frozen=True):
    """Lines that are laid out with spaces. ``folds``: a narrow terminal may fold them."""

    lines: Sequence[str]
    folds: bool = True


class Pair(Struct, frozen=True):
    """Two texts of one thing, each with its title; None: not known. A page marks the words that differ."""

    titles: tuple[Sequence[str], Sequence[str]]
    texts: tuple[str | None, str | None]


class ComparedLines(Struct, frozen=True):
    """Lines of both sides of something, with the numbers of the lines that differ."""

    titles: tuple[str, str]
    lines: tuple[Sequence[str], Sequence[str]]
    marked: tuple[frozenset[int], frozenset[int]]


class Details(Struct, frozen=True):
    """What is folded until the reader asks for it; a terminal shows it with ``-v`` only."""

    summary: Sequence[str]
    blocks: Sequence[Block]


class Annotation(Struct, frozen=True):
    """A message that GitHub shows at a line of a file, or, without a place, on the page of the run. Other formats leave it out."""

    level: Level
    title: str
    message: str
    place: Place | None = None


class ChartPoint(Struct, frozen=True):
    """``name`` stands beside the point, ``about`` is shown when the reader points at it."""

    x: float
    y: float
    name: str
    about: str


class Chart(Struct, frozen=True):
    """A line for each series. ``measure``: the measure of the y axis; ``top``: its highest value, if that is fixed."""

    title: str
    across: str
    measure: str
    series: Mapping[str, Sequence[ChartPoint]]
    top: float | None = None


class Pictures(Struct, frozen=True):
    """Charts of the same series side by side, which only pages draw. The numbers stand elsewhere, too."""

    charts: Sequence[Chart]


class Trials(Struct, frozen=True):
    """The trials behind a page, which its script lists and opens. ``facts``: what they share; ``parts``: (the index, the details) of some
    trials each; ``numbers``: what a `Styled` may open -> its number. ``room``: the most characters of details; None: no limit."""

    facts: Mapping[str, Json]
    parts: Iterable[tuple[Json, Json]]
    numbers: Mapping[Opens, int]
    room: int | None = None


SIMULATED = Paragraph(
    [
        "SIMULATED: some or all of these answers were made up by the simulator, not by a Gemini model. Those say nothing about Gemini."
    ],
    simulated=True,
)
Block = (
    Heading | Paragraph | Table | Matrix | Totals | Bullets | Items | Facts | CodeBlock | Lines | Pair | ComparedLines | Details | Annotation
    | Pictures | Trials
)  # fmt: skip
Compose = Callable[[Any, View], Iterable[Block]]
WriteBlocks = Callable[[Sequence[Block], View, TextIO], None]
_compositions: dict[Kind, Compose] = {}


def document(kind: Kind, *formats: str) -> Callable[[Compose], Compose]:
    """Register the composition of a kind of document for these formats; by default for all that write blocks. A document that is
    ``simulated`` says so below its title."""

    def register(compose: Compose) -> Compose:
        _compositions[kind] = compose
        for name in formats or FORMATS:
            output(name, of=kind)(_writer(name, kind, partial(_write, name), FORMATS[name][1]))
        return compose

    return register


def block_format(name: str) -> Callable[[WriteBlocks], WriteBlocks]:
    """Register a function of another package that writes blocks: a format of every document that is composed of them."""

    def register(write: WriteBlocks) -> WriteBlocks:
        for kind in _compositions:
            output(name, of=kind)(_writer(name, kind, write, write.__doc__))
        return write

    return register


def title(blocks: Iterable[Block]) -> str:
    """The first heading; empty if there is none."""
    return next((block.text for block in blocks if isinstance(block, Heading)), "")


def _write(name: str, blocks: Sequence[Block], view: View, out: TextIO) -> None:
    module = importlib.import_module(f"harness.report.{FORMATS[name][0]}")
    module.write_blocks(blocks, view, out)


def _writer(name: str, kind: Kind, write: WriteBlocks, about: str | None) -> Callable[[Any, View, TextIO], None]:
    compose = _compositions[kind]

    def write_document(document: Any, view: View, out: TextIO) -> None:
        seen = replace(view, format=name, quiet=view.quiet and name == "table")
        blocks = list(compose(document, seen))
        if getattr(document, "simulated", None) is True:
            blocks.insert(int(isinstance(blocks[0], Heading) and blocks[0].level == 1), SIMULATED)
        write(blocks, seen, out)

    write_document.__doc__ = about
    return write_document
