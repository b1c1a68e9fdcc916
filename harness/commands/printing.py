"""Where a document goes: one format to stdout, any number into files."""

from __future__ import annotations

import os
import shutil
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from harness.commands.stdout import Stdout
from harness.errors import UsageError
from harness.render import MEASURES, Kind, View, find, words


def show(document: Any, kind: Kind, options: Namespace) -> None:
    """Write the document in every format that ``--format`` asks for; the table where none of them takes stdout.

    Raises UsageError for an unknown format, two formats for stdout, or, when all others are written, for what cannot be.
    """
    faults: list[UsageError] = []
    for name, file in wanted(options.format):
        writer = find(name, kind)
        try:
            with Stdout() if file is None else _into(file) as out:
                writer(document, view(options, out), out)
        except UsageError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def wanted(formats: list[str]) -> list[tuple[str, Path | None]]:
    """(format, its file or None for stdout) in the order given."""
    parsed = [(name, Path(file) if file else None) for name, _, file in (each.partition(":") for each in formats)]
    to_stdout = [name for name, file in parsed if file is None]
    if len(to_stdout) > 1:
        raise UsageError(
            f"--format: {' and '.join(to_stdout)} cannot both go to stdout; give a file, as in {to_stdout[1]}:out"
        )
    return parsed if to_stdout else [("table", None), *parsed]


def check(options: Namespace, kind: Kind) -> None:
    """Complain about formats and measures before anything is played."""
    for name, _ in wanted(options.format):
        find(name, kind)
    measures(options.measures)


def measures(text: str | None) -> tuple[str, ...]:
    """``thoughts,latency`` or full names as names of measures. Raises UsageError for an unknown one."""
    if text is None:
        return MEASURES
    short = {label.split()[0]: name for name, label in words.LABELS.items()}
    known = {*words.LABELS, "chunks"}
    found = tuple(short.get(each, each) for each in (part.strip() for part in text.split(",")))
    for name in found:
        if name not in known and not name.endswith("TokenCount"):
            raise UsageError(f"--measures: no measure {name!r}; there are {', '.join([*short, *sorted(known)])}")
    return found


def view(options: Namespace, out: TextIO) -> View:
    terminal = out.isatty()
    width = options.width or (shutil.get_terminal_size((80, 24)).columns if terminal else _columns())
    return View(
        width=width,
        color=terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        measures=measures(options.measures),
        details=None if options.verbose else 20,
        quiet=bool(options.quiet),
    )


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) >= 40 else 80


@contextmanager
def _into(file: Path) -> Iterator[TextIO]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="\n") as out:
            yield out
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from error
