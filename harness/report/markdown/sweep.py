"""Sweeps: a table each, and its knee."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output
from harness.report.content.sweep import SWEEP_NOTE, sweep_rows, sweep_title
from harness.report.markdown.drawing import escaped, table_lines

if TYPE_CHECKING:
    from harness.compare.sweeps import Sweeps


@output("markdown", of="sweep")
def sweep_markdown(document: Sweeps, _view: View, out: TextIO) -> None:
    """What each value of an axis buys and costs, and the knee, for a pull request."""
    out.writelines(f"{line}\n" for line in _sweep_lines(document))


def _sweep_lines(document: Sweeps) -> Iterator[str]:
    for sweep in document.sweeps:
        yield f"### {escaped(sweep_title(sweep))}"
        yield ""
        yield from table_lines(*sweep_rows(sweep))
        yield ""
        yield f"**{escaped(sweep.knee.message)}**"
        yield ""
    yield SWEEP_NOTE
    yield ""
    yield from (f"- {escaped(note)}" for note in document.notes)
    yield f"- {escaped(document.answers)}; run {document.run}"
