"""Sweeps: a table each, and its knee."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output
from harness.report.content.sweep import SWEPT, sweep_rows, sweep_title
from harness.report.markdown.drawing import drawn, escaped

if TYPE_CHECKING:
    from harness.compare.sweeps import Sweeps


@output("markdown", of="sweep")
def sweep_markdown(document: Sweeps, _view: View, out: TextIO) -> None:
    """What each value of an axis buys and costs, and the knee, for a pull request."""
    out.writelines(f"{line}\n" for line in _swept(document))


def _swept(document: Sweeps) -> Iterator[str]:
    for each in document.sweeps:
        yield f"### {escaped(sweep_title(each))}"
        yield ""
        yield from drawn(*sweep_rows(each))
        yield ""
        yield f"**{escaped(each.knee.message)}**"
        yield ""
    yield SWEPT
    yield ""
    yield from (f"- {escaped(each)}" for each in document.notes)
    yield f"- {escaped(document.answers)}; run {document.run}"
