"""For GitHub Actions: an annotation on the suite's own line for each group that went wrong."""

from __future__ import annotations

from typing import TextIO

from harness.render import Report, View, output, words
from harness.summary import Group

_LEVELS = {"failed": "error", "xpassed": "error", "error": "warning"}


@output("github", of="run")
def github(report: Report, _view: View, out: TextIO) -> None:
    """Annotations for GitHub Actions, on the suite's own lines."""
    for group in report.summary.groups.values():
        if group.status in _LEVELS:
            out.write(f"{_annotation(group)}\n")
    out.write(f"::notice title=gemini-harness::{_data(words.totals(report.summary.totals()))}")
    out.write(f" - {_data(words.provenance(report.summary))}\n")


def _annotation(group: Group) -> str:
    where = words.where(group)
    title = f"{words.MARKS[group.status]} {group.id}"
    message = "\n".join(filter(None, [words.needs(group), words.why(group)]))
    place = f"file={_property(where['file'])},line={where['line']}"
    return f"::{_LEVELS[group.status]} {place},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return words.printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
