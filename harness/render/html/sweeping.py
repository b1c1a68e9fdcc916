"""Sweeps: a table and a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.render.content.sweep import SWEPT, sweep_rows, sweep_title
from harness.render.html.markup import Markup, element
from harness.render.html.overview import section, simulated

if TYPE_CHECKING:
    from harness.sweeps import Sweep, Sweeps


def sections(document: Sweeps) -> Iterator[Markup]:
    if document.simulated:
        yield simulated("Some or all of these answers were")
    yield section("sweeps", *(_sweep(each) for each in document.sweeps), element("p", SWEPT, class_="about"))
    notes = [*document.notes, document.answers, f"run {document.run}"]
    yield section("notes", element("ul", *(element("li", each) for each in notes), class_="notes"))


def _sweep(sweep: Sweep) -> Markup:
    header, rows = sweep_rows(sweep)
    table = element("table", element("thead", _row("th", header)), element("tbody", *(_row("td", row) for row in rows)))
    knee = element("p", element("b", sweep.knee.says))
    return element("div", element("h3", sweep_title(sweep)), element("div", table, class_="wide"), knee)


def _row(cell: str, texts: Sequence[str]) -> Markup:
    return element("tr", *(element(cell, text, class_="n" if place else None) for place, text in enumerate(texts)))
