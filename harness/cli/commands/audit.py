"""``audit``: check recordings against the invariants, without a suite."""

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


ABOUT = "check any recordings against the invariants, without a suite"
EXAMPLES = (
    "gemini-harness audit tests/cassettes/",
    "gemini-harness audit recording.har --format json",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="recordings, or folders of them")
    parser.add_argument("--strict", action="store_true", help="let warnings fail as well")
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
    """The recordings at these paths; those of a folder are sorted. Raises UsageError for a path that does not exist."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"no such file or folder: {path}")


def _tapes(files: Iterable[Path], unreadable: dict[str, str]) -> Iterator[Tape]:
    """The readable recordings. For the others adds file -> reason to ``unreadable``."""
    for file in files:
        try:
            yield cassette.read(file)
        except BadCassette as error:
            unreadable[str(file)] = str(error).removeprefix(f"{file}: ")
