"""``audit``: recordings held to the invariants, with no suite."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.cli import options as shared
from harness.cli import printing
from harness.errors import BadCassette, UsageError
from harness.judge.audit import Audit, audit
from harness.transport import cassette
from harness.transport.cassette import Tape

SUFFIXES = frozenset({".yaml", ".yml", ".json", ".jsonl", ".har", ".httprr", ".sse", ".txt"})


ABOUT = "hold any recording to the invariants, with no suite"
EXAMPLES = (
    "gemini-harness audit tests/cassettes/",
    "gemini-harness audit recording.har --format json",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files or folders of recordings")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    shared.formats(parser, reports=False)


def main(options: Namespace) -> int:
    printing.check(options, "audit")
    unreadable: dict[str, str] = {}
    done = audit(_tapes(list(recordings(options.paths)), unreadable), {})
    done.files += len(unreadable)
    done.unreadable = unreadable
    printing.show(done, "audit", options)
    return _exit_code(done, strict=options.strict)


def _exit_code(done: Audit, *, strict: bool) -> int:
    if done.errors or (strict and done.findings):
        return 1
    if not done.exchanges:
        sys.stderr.write("nothing was audited: no native generateContent exchange was found\n")
        return 6 if done.unreadable else 5
    return 0


def recordings(paths: Iterable[str]) -> Iterator[Path]:
    """The recordings named, and those in the folders named, sorted. Raises UsageError for a path that is not there."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"no such file or folder: {path}")


def _tapes(files: Iterable[Path], unreadable: dict[str, str]) -> Iterator[Tape]:
    """The tapes one by one; what cannot be read goes into ``unreadable``."""
    for file in files:
        try:
            yield cassette.read(file)
        except BadCassette as error:
            unreadable[str(file)] = str(error).removeprefix(f"{file}: ")
