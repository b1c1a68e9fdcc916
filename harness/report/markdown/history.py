"""A history: a table per subject, a row per run."""

from __future__ import annotations

from typing import TextIO

from harness.report import View, output
from harness.report.content.history import HISTORY_COLUMNS, subject
from harness.report.markdown.drawing import escaped, table_lines
from harness.results.history_lines import History


@output("markdown", of="history")
def history_markdown(history: History, _view: View, out: TextIO) -> None:
    """The results of runs over time, as GitHub tables."""
    for lines in history.by_subject().values():
        out.write(f"#### {escaped(subject(lines))}\n\n")
        rows = [[line.entry.started[:16], *(show(line) for show in HISTORY_COLUMNS.values())] for line in lines]
        out.writelines(f"{line}\n" for line in table_lines(["when (UTC)", *HISTORY_COLUMNS], rows))
        out.write("\n")
    out.writelines(f"- {escaped(note)}\n" for note in history.notes)
