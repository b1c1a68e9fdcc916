"""Blocks as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from harness.report import View
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
    Paragraph,
    Table,
    Unfolding,
    title,
)
from harness.report.html.markup import Markup, element
from harness.report.html.markup import table as table_markup
from harness.report.html.page import page
from harness.report.html.run_sections import section


def write_blocks(blocks: Sequence[Block], _view: View, out: TextIO, home: str | None = None) -> None:
    """Headings of level 2 begin sections, which the bar at the top links. ``home``: the address of the list of runs, where there is one."""
    sections = list(_sections(blocks))
    parts = [section(link, *inside) if link else element("div", *inside) for link, inside in sections]
    out.writelines(page(title(blocks), parts, links=[link for link, _ in sections if link], home=home))


def _sections(blocks: Sequence[Block]) -> Iterator[tuple[str, list[Markup]]]:
    link, inside = "", list[Markup]()
    for block in blocks:
        if isinstance(block, Heading) and block.level < 3:
            if inside:
                yield link, inside
            link, inside = ("" if block.level == 1 else block.text), []
        else:
            inside.append(_markup(block))
    if inside:
        yield link, inside


def _markup(block: Block) -> Markup:
    match block:
        case Heading(text):
            return element("h3", text)
        case Paragraph():
            return _paragraph(block)
        case Table():
            return _table(block)
        case Bullets(items):
            return element("ul", *(element("li", *_texts(item)) for item in items), class_="notes")
        case Facts(rows):
            return _facts(rows)
        case CodeBlock(lines):
            return element("pre", "\n".join(lines))
        case ComparedLines():
            return _compared(block)
        case Annotation():
            return Markup()
        case Details(summary, inside):
            return element("details", element("summary", *_texts(summary)), *map(_markup, inside))


def _paragraph(block: Paragraph) -> Markup:
    if block.simulated:
        return element("p", *_texts(block.texts), class_="simulated", role="note")
    return element("p", element("b" if block.strong else "span", *_texts(block.texts)))


def _facts(rows: Sequence[tuple[str, str]]) -> Markup:
    parts = (part for label, text in rows for part in (element("dt", label), element("dd", text)))
    return element("dl", *parts, class_="facts")


def _table(block: Table) -> Markup:
    numbers = [at for at in range(1, len(block.header)) if at not in block.words]
    head = element(
        "tr", *(element("th", name, class_=_number(at in numbers), scope="col") for at, name in enumerate(block.header))
    )
    rows = (
        element("tr", element("th", *_texts(row[:1]), scope="row"), *(
            element("td", *_texts([cell]), class_=_number(at in numbers)) for at, cell in enumerate(row[1:], 1)
        ))
        for row in block.rows
    )  # fmt: skip
    return table_markup(block.caption, [head], rows)


def _number(is_number: bool) -> str | None:
    return "n" if is_number else None


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


def _texts(texts: Sequence[str]) -> list[str]:
    return [_text(text) for text in texts]


def _text(text: str) -> str:
    match text:
        case Code():
            return element("code", text)
        case Unfolding():
            return element("details", element("summary", str(text)), *map(_markup, text.inside))
        case _:
            return text
