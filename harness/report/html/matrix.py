"""A matrix on a page: a button for each case and column, which opens its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from harness.report.blocks import Matrix, MatrixCell, MatrixRow, Opens
from harness.report.html.markup import Markup, element, table

Numbers = Mapping[Opens, int]


def matrix(block: Matrix, numbers: Numbers) -> Markup:
    """The matrix, and the note about what is left out. ``numbers``: the group of a cell -> its number in the script's data."""
    drawn = table(block.caption, list(_head(block)), (_row(row, numbers) for row in block.rows), class_="matrix")
    return element("div", drawn, element("p", block.more, class_="about") if block.more else None)


def _head(block: Matrix) -> Iterator[Markup]:
    spans = [(target, len(list(columns))) for target, columns in groupby(target for target, _ in block.columns)]
    names = [
        element("th", target, colspan=span if span > 1 else None, scope="colgroup" if span > 1 else "col")
        for target, span in spans
    ]
    yield element("tr", element("th", "case", scope="col"), *names)
    for at, axis in enumerate(block.axes):
        values = (element("th", values[at], scope="col") for _, values in block.columns)
        yield element("tr", element("th", axis, scope="row"), *values, class_="axis")


def _row(row: MatrixRow, numbers: Numbers) -> Markup:
    labels = [element("small", measure) for measure in row.measures]
    cells = (_cell(cell, numbers) if cell else element("td", class_="hole") for cell in row.cells)
    return element("tr", element("th", element("span", row.name, title=row.name), *labels, scope="row"), *cells)


def _cell(cell: MatrixCell, numbers: Numbers) -> Markup:
    button = element(
        "button", cell.verdict, type="button", data_group=numbers.get(cell.verdict.opens or ""), title=cell.about, aria_label=cell.about,
    )  # fmt: skip
    return element(
        "td", button, *(element("small", ", ".join(value)) for value in cell.values), class_=cell.verdict.status
    )
