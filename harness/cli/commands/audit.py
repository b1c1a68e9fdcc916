"""``audit``: check recordings against the invariants, without a suite."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.cli import options as shared
from harness.cli import printing
from harness.compare.audit import Audit, AuditFinding, audit
from harness.config import load as load_config
from harness.errors import BadCassette, UsageError
from harness.transport import cassette
from harness.transport.cassette import Tape

SUFFIXES = frozenset(
    {
        *(".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".json5", ".har", ".httprr", ".sse", ".txt", ".gz", ".zst"),
        *(".zip", ".saz", ".tar", ".tgz", ".eval", ".mitm", ".chlsj", ".chlsx"),
    }
)
"""Of files that are recordings, or are reported as unreadable."""


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
    if "last" in options.paths and not Path("last").exists():
        raise UsageError(
            "audit reads recordings; a run is judged when it is played: `gemini-harness report last` shows it"
        )
    redaction = load_config(Path()).redact  # the configuration may name another definition, too
    unreadable: dict[str, str] = {}
    passed_over: Counter[str] = Counter()
    done = audit(tapes(options.paths, unreadable, passed_over), {})
    if redaction:
        done.findings = [AuditFinding(**redaction.row(asdict(finding))) for finding in done.findings]
    done.files += len(unreadable)
    done.unreadable, done.passed_over = unreadable, dict(passed_over.most_common())
    printing.show(done, "audit", options)
    return _exit_code(done, strict=options.strict)


def _exit_code(done: Audit, *, strict: bool) -> int:
    if done.errors or (strict and done.findings):
        return 1
    if not done.exchanges:
        sys.stderr.write(
            "nothing was audited: no native exchange of generateContent, countTokens or embedContent was found\n"
        )
        return 6 if done.unreadable else 5
    return 0


def recordings(paths: Iterable[str]) -> Iterator[Path]:
    """The files at these paths, those of a folder sorted, without hidden ones. Raises UsageError for a path that does not exist."""
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"no such file or folder: {path}")
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(_visible(path))
        else:
            yield path


def _visible(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = (name for name in folders if name[0] != ".")
        yield from (file for name in files if name[0] != "." and (file := Path(place, name)).is_file())


def is_named_a_recording(file: Path, paths: Iterable[str]) -> bool:
    """Whether the user, or its suffix, says that a file is a recording. Others in a folder are passed over if they are none."""
    return file.suffix.lower() in SUFFIXES or str(file) in {str(Path(path)) for path in paths}


def tapes(paths: Sequence[str], unreadable: dict[str, str], passed_over: Counter[str] | None = None) -> Iterator[Tape]:
    """The readable recordings at these paths. For the others adds file -> reason to ``unreadable``, or counts them in ``passed_over``."""
    for file in recordings(paths):
        try:
            yield cassette.read(file)
        except BadCassette as error:
            if is_named_a_recording(file, paths):
                unreadable[str(file)] = str(error).removeprefix(f"{file}: ")
            elif passed_over is not None:
                passed_over[file.suffix] += 1
