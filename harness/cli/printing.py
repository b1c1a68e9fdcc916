"""Where a document goes: one format to stdout, any number into files."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

from msgspec.structs import replace

from harness.cli import step_summary, streams
from harness.cli.streams import FilteredStream, flushed, under
from harness.disk import replacing
from harness.errors import UsageError, os_errors_as
from harness.judge.registry import find_check
from harness.report import MEASURES, Kind, View, find, words
from harness.text.shape import suggestion
from harness.text.terminal import escape_commands, escape_controls


def show(document: Any, kind: Kind, options: Namespace) -> None:
    """Write the document in every format of ``--format``; and the table, if no format goes to stdout.

    In a step of GitHub Actions ``github`` also writes the step's summary.

    Raises UsageError for an unknown format, for two formats on stdout, and, after all others are written, for a file that
    cannot be written.
    """
    check(options, kind)
    faults: list[UsageError] = []
    for name, to in _places(options.format):
        try:
            with to as out, streams.writing(under(out)) as plain:
                find(name, kind)(document, view(options, out), _of(name, out, plain))
        except UsageError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def _of(name: str, out: TextIO, plain: TextIO) -> TextIO:
    """The stream for a format: a table keeps its colour codes, GitHub annotations keep their commands."""
    if out is not sys.stdout or name == "github":
        return plain
    return cast("TextIO", FilteredStream(plain, escape_commands if name == "table" else escape_controls))


def _places(formats: list[str]) -> Iterator[tuple[str, AbstractContextManager[TextIO]]]:
    asked = wanted(formats)
    for name, file in asked:
        yield name, flushed() if file is None else into(file)
    summary = step_summary.file()
    if summary and any(name == "github" for name, _ in asked):
        yield "markdown", step_summary.appended(summary)


def wanted(formats: list[str]) -> list[tuple[str, Path | None]]:
    """(format, its file or None for stdout), in the order given. ``table`` and ``github`` may both go to stdout."""
    parsed = [(name, Path(file) if file else None) for name, _, file in (text.partition(":") for text in formats)]
    to_stdout = [name for name, file in parsed if file is None]
    if len(to_stdout) > 1 and set(to_stdout) != {"table", "github"}:
        raise UsageError(
            f"--format: {' and '.join(to_stdout)} cannot both go to stdout; give a file, as in {to_stdout[1]}:out"
        )
    return parsed if to_stdout else [("table", None), *parsed]


def check(options: Namespace, kind: Kind) -> None:
    """Check formats, their files and measures before a trial is played. Raises UsageError."""
    for name, file in wanted(options.format):
        find(name, kind)
        if file is not None and file.is_dir():
            raise UsageError(f"--format {name}:{file}: that is a folder; name a file, as in {name}:{file / name}.out")
    measures(options.measures)


def measures(text: str | None) -> tuple[str, ...]:
    """``thoughts,latency``, full names of measures, or names of checks. Raises UsageError for an unknown one."""
    if text is None:
        return MEASURES
    known = {*words.LABELS, "chunks"}
    found = tuple(words.SHORT.get(name, name) for name in (part.strip() for part in text.split(",")))
    for name in found:
        if name not in known and not name.endswith("TokenCount") and find_check(name) is None:
            there = f"there are {', '.join([*words.SHORT, *sorted(known)])}, and the checks, such as json"
            raise UsageError(f"--measures: no measure {name!r}; {suggestion(name, [*words.SHORT, *known]) or there}")
    return found


def view(options: Namespace, out: TextIO) -> View:
    terminal = out.isatty()
    width = options.width or _columns(terminal=terminal)
    seen = View(
        width=width,
        color=colored(os.environ, terminal=terminal, forced=out is sys.stdout),
        measures=measures(options.measures),
        quiet=bool(options.quiet),
        display_path=step_summary.named,
    )
    return replace(seen, details=None, cases=None, answer=None) if options.verbose else seen


def colored(environ: Mapping[str, str], *, terminal: bool, forced: bool) -> bool:
    """Whether to use colours: on a terminal that is not dumb, unless the environment says otherwise; NO_COLOR wins.

    ``forced``: whether FORCE_COLOR applies elsewhere too. NO_COLOR: no-color.org; FORCE_COLOR: force-color.org.
    """
    wanted = environ.get("FORCE_COLOR", "").lower()
    if environ.get("NO_COLOR") or wanted in ("0", "false"):
        return False
    return (forced and bool(wanted)) or (terminal and environ.get("TERM") != "dumb")


def _columns(*, terminal: bool) -> int:
    if terminal:
        from shutil import get_terminal_size

        return get_terminal_size((80, 24)).columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) >= 40 else 80


@contextmanager
def into(file: Path) -> Iterator[TextIO]:
    """The file; its folders are created. It is replaced when the block ends without an error. Raises UsageError if it
    cannot be written."""
    with os_errors_as(UsageError, f"cannot write {file}"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") if _is_a_stream(file) else replacing(file) as raw:
            out = TextIOWrapper(raw, encoding="utf-8", newline="\n")
            yield out
            out.detach()


def write(file: Path, content: bytes) -> None:
    """A file with this content: see ``into``."""
    with into(file) as out:
        out.buffer.write(content)


def _is_a_stream(file: Path) -> bool:
    """Whether it is a pipe, a terminal or another device, which is written to, not replaced."""
    return (file.exists() and not file.is_file()) or file.absolute().parts[1:2] in (("dev",), ("proc",))
