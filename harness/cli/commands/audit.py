"""``audit``: check recordings against the invariants, without a suite."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from harness.cli import options as shared
from harness.cli import printing
from harness.compare.audit import Audit, AuditFinding, audit
from harness.config import load as load_config
from harness.errors import UsageError
from harness.transport.recordings import tapes

ABOUT = "check any recordings against the invariants, without a suite"
EXAMPLES = (
    "gemini-harness audit tests/cassettes/",
    "gemini-harness audit recording.har --format json",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="recordings, or folders of them")
    shared.strict(parser)
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
    done = audit(tapes(options.paths, unreadable, passed_over), unreadable, passed_over)
    if redaction:
        done.findings = [AuditFinding(**redaction.row(asdict(finding))) for finding in done.findings]
    printing.show(done, "audit", options)
    return _exit_code(done, strict=options.strict)


def _exit_code(done: Audit, *, strict: bool) -> int:
    if done.errors or (strict and done.findings):
        return 1
    if not done.exchanges:
        sys.stderr.write("nothing was audited: no exchange of the Gemini API was found\n")
        return 6 if done.unreadable else 5
    return 0
