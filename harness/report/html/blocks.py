"""Blocks as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TextIO

from harness.report import View, words
from harness.report.blocks import (
    Annotation,
    Block,
    Bullets,
    Code,
    CodeBlock,
    ComparedLines,
    Details,
    Facts,
    Heading,
    Items,
    Lines,
    Matrix,
    MatrixCell,
    MatrixRow,
    Opens,
    Pair,
    Paragraph,
    Pictures,
    Styled,
    Table,
    Totals,
    Trials,
    title,
)
from harness.report.html.markup import Markup, data, element, section
from harness.report.html.markup import table as table_markup
from harness.report.html.page import page
from harness.report.html.plots import pictures
from harness.text.amounts import status_word

NO_SCRIPT = (
    "The list of trials and their requests and responses need JavaScript, which is off. All above works without it."
)


def write_blocks(blocks: Sequence[Block], view: View, out: TextIO) -> None:
    """Headings of level 2 begin sections, which the bar at the top links; those of level 3 parts of a section."""
    trials = next((block for block in blocks if isinstance(block, Trials)), None)
    totals = [words.totals(block.counts) for block in blocks if isinstance(block, Totals)]
    writer = _Blocks(trials.numbers if trials else {})
    out.writelines(
        page(
            " - ".join([*totals, title(blocks)]),
            writer.sections(blocks),
            what=title(blocks),
            links=[block.text for block in blocks if isinstance(block, Heading) and block.level == 2],
            home=view.home,
            data=_data(trials) if trials else (),
        )
    )


def _data(trials: Trials) -> Iterator[Markup]:
    """The data blocks for the script. Details for which there is no room are left out."""
    room = trials.room
    yield data(trials.facts, id="facts")
    for number, (index, details) in enumerate(trials.parts):
        yield data(index, data_index=True)
        whole = data(details, id=f"details-{number}")
        yield whole if room is None or len(whole) <= room else data([None], id=f"details-{number}")
        room = None if room is None else room - len(whole)


class _Blocks:
    """Writes blocks as HTML. ``numbers``: what opens a trial -> its number in the script's data."""

    def __init__(self, numbers: Mapping[Opens, int]) -> None:
        self._numbers = numbers

    def sections(self, blocks: Sequence[Block]) -> Iterator[Markup]:
        """A band for simulated answers, then a section for each heading of level 2."""
        name, inside = "", list[Block]()
        for block in [*blocks, Heading("")]:
            if isinstance(block, Paragraph) and block.simulated:
                yield self.block(block)
            elif not isinstance(block, Heading) or block.level > 2:
                inside.append(block)
            else:
                yield from [section(name, *self._parts(inside))] if inside else []
                name, inside = ("" if block.level == 1 else block.text), []

    def _parts(self, blocks: Sequence[Block]) -> Iterator[Markup]:
        """A part begins at each heading of level 3."""
        started = 0
        numbers = [started := started + isinstance(block, Heading) for block in blocks]
        for number, part in groupby(zip(numbers, blocks, strict=True), key=lambda numbered: numbered[0]):
            inside = [self.block(block) for _, block in part]
            yield from [element("div", *inside, class_="part")] if number else inside

    def block(self, block: Block) -> Markup:  # noqa: C901, PLR0912  a case for each kind of block
        """A block; nothing for one that has no place on a page."""
        match block:
            case Heading(text):
                return element("h3", text)
            case Paragraph(texts, strong, simulated):
                kind = "simulated" if simulated else "bottom-line" if strong else None
                return element("p", *self.texts(texts), class_=kind, role="note" if simulated else None)
            case Totals():
                return _totals(block)
            case Table():
                return self._table(block)
            case Matrix():
                return _matrix(block, self._numbers)
            case Bullets(items):
                listed = (element("li", *self.texts(item)) for item in items)
                return element("ul", *listed, class_="notes") if items else Markup()
            case Items():
                return self._items(block)
            case Facts(rows):
                facts = (part for label, text in rows for part in (element("dt", label), element("dd", text)))
                return element("dl", *facts, class_="facts")
            case CodeBlock(lines) | Lines(lines):
                return element("pre", "\n".join(lines))
            case Pair():
                return self._pair(block)
            case ComparedLines():
                return _compared(block)
            case Details(summary, inside):
                return element("details", element("summary", *self.texts(summary)), *map(self.block, inside))
            case Pictures():
                return pictures(block)
            case Trials():
                return element("div", element("noscript", element("p", NO_SCRIPT)), element("div", id="list"))
            case Annotation():
                return Markup()

    def _table(self, block: Table) -> Markup:
        numbers = {at for at in range(1, len(block.header)) if at not in block.words}
        head = element(
            "tr",
            *(element("th", name, class_=_number(at, numbers), scope="col") for at, name in enumerate(block.header)),
        )
        levels = [*block.levels, *[None] * (len(block.rows) - len(block.levels))]
        rows = (
            element(
                "tr", *(self._cell(at, cell, numbers) for at, cell in enumerate(row)), data_differs=level is not None
            )
            for row, level in zip(block.rows, levels, strict=True)
        )
        return table_markup(block.caption, [head], rows, data_filter=block.filter or None, data_only=block.only or None)

    def _cell(self, at: int, cell: str, numbers: set[int]) -> Markup:
        if at == 0:
            return element("th", *self.texts([cell]), scope="row")
        return element("td", *self.texts([cell]), class_=_number(at, numbers))

    def _items(self, block: Items) -> Markup:
        items = [
            element("li", element("p", *self.texts(item.head)), *map(self.block, item.blocks)) for item in block.items
        ]
        shown, folded = items[: block.unfolded], items[len(items) if block.unfolded is None else block.unfolded :]
        more = element("details", element("summary", f"{len(folded):,} more"), element("ol", *folded, class_="items"))
        return element("div", element("ol", *shown, class_="items"), more if folded else None)

    def _pair(self, block: Pair) -> Markup:
        sides = (
            element(
                "div",
                element("small", *self.texts(name)),
                element("pre", text, dir="auto") if text is not None else None,
            )
            for name, text in zip(block.titles, block.texts, strict=True)
        )
        return element("div", *sides, class_="pair")

    def texts(self, texts: Sequence[str]) -> list[str]:
        return [self._text(text) for text in texts]

    def _text(self, text: str) -> str:
        match text:
            case Code():
                return element("code", text)
            case Styled():
                return self._styled(text)
            case _ if text.startswith("SIMULATED: "):
                return Markup(element("strong", "SIMULATED") + element("span", text.removeprefix("SIMULATED:")))
            case _:
                return text

    def _styled(self, text: Styled) -> Markup:
        if text.opens and text.opens in self._numbers:
            opened = {"data_trial" if isinstance(text.opens, tuple) else "data_group": self._numbers[text.opens]}
            return element("button", text, type="button", class_="link", **opened)
        if text.address:
            return element("a", text, href=text.address)
        return element("b", text, class_=f"mark {text.status}") if text.status else element("code", text)


def _totals(block: Totals) -> Markup:
    counts = [
        element("span", element("b", f"{number:,}"), f" {status_word(number, status)}", class_=status)
        for status, number in block.counts.items()
        if number
    ]
    counts += [element("span", block.stopped, class_="failed")] if block.stopped else []
    return element("p", *counts, None if counts else "nothing ran", class_="totals")


def _number(at: int, numbers: set[int]) -> str | None:
    return "n" if at in numbers else None


def _compared(block: ComparedLines) -> Markup:
    sides = (
        element("div", element("h4", name), element("pre", *_marked(lines, marked)))
        for name, lines, marked in zip(block.titles, block.lines, block.marked, strict=True)
    )
    return element("div", *sides, class_="compared")


def _marked(lines: Sequence[str], marked: frozenset[int]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield element("mark", line) if number in marked else line
        yield "\n"


# --- the matrix ---------------------------------------------------------------------------------------


def _matrix(block: Matrix, numbers: Mapping[Opens, int]) -> Markup:
    """A button for each case and column, which opens its trials, and the note about what is left out."""
    drawn = table_markup(
        block.caption, list(_matrix_head(block)), (_matrix_row(row, numbers) for row in block.rows), class_="matrix"
    )
    return element("div", drawn, element("p", block.more, class_="about") if block.more else None)


def _matrix_head(block: Matrix) -> Iterator[Markup]:
    spans = [(target, len(list(columns))) for target, columns in groupby(target for target, _ in block.columns)]
    names = [
        element("th", target, colspan=span if span > 1 else None, scope="colgroup" if span > 1 else "col")
        for target, span in spans
    ]
    yield element("tr", element("th", "case", scope="col"), *names)
    for at, axis in enumerate(block.axes):
        values = (element("th", values[at], scope="col") for _, values in block.columns)
        yield element("tr", element("th", axis, scope="row"), *values, class_="axis")


def _matrix_row(row: MatrixRow, numbers: Mapping[Opens, int]) -> Markup:
    labels = [element("small", measure) for measure in row.measures]
    cells = (_matrix_cell(cell, numbers) if cell else element("td", class_="hole") for cell in row.cells)
    return element("tr", element("th", element("span", row.name, title=row.name), *labels, scope="row"), *cells)


def _matrix_cell(cell: MatrixCell, numbers: Mapping[Opens, int]) -> Markup:
    button = element(
        "button", cell.verdict, type="button", data_group=numbers.get(cell.verdict.opens or ""), title=cell.about, aria_label=cell.about,
    )  # fmt: skip
    return element(
        "td", button, *(element("small", ", ".join(value)) for value in cell.values), class_=cell.verdict.status
    )
