"""The page of sweeps: a table and a sentence for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report.content.sweep import SWEEP_NOTE, sweep_rows, sweep_title
from harness.report.html.markup import Markup, columns, element, table
from harness.report.html.run_sections import section, simulated_band

if TYPE_CHECKING:
    from harness.compare.sweeps import Sweep, Sweeps


def sections(document: Sweeps) -> Iterator[Markup]:
    if document.simulated:
        yield simulated_band("Some or all of these answers were")
    yield section("sweeps", *(_sweep(sweep) for sweep in document.sweeps), element("p", SWEEP_NOTE, class_="about"))
    notes = [*document.notes, document.answers, f"run {document.run}"]
    yield section("notes", element("ul", *(element("li", note) for note in notes), class_="notes"))


def _sweep(sweep: Sweep) -> Markup:
    title = sweep_title(sweep)
    (*names, _), rows = sweep_rows(sweep)
    listed = table(title, [columns([*names, "standing"], 1)], map(_row, rows))
    return element("div", element("h3", title), listed, element("p", element("b", sweep.knee.message)))


def _row(texts: Sequence[str]) -> Markup:
    value, *rest = texts
    return element("tr", element("th", value, scope="row"), *(element("td", text, class_="n") for text in rest))
