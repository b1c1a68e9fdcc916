"""``merge``: merge the parts of one run into one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.results.load import load
from harness.run.merge import merge

ABOUT = "merge the shards of one run into one run, with the totals of the unsharded run"
EXAMPLES = (
    "gemini-harness merge shard-1 shard-2",
    "gemini-harness merge shards/* --format junit:junit.xml",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="saved runs: their paths or ids")
    parser.add_argument("--partial", action="store_true", help="merge the parts even if shards or trials are missing")
    shared.formats(parser, measures=True)


def main(options: Namespace) -> int:
    printing.check(options, "run")
    parts = [saved_run.find(run, options) for run in options.runs]
    report = saved_run.report(load(merge(parts, saved_run.folder(options), partial=options.partial)))
    printing.show(report, "run", options)
    code = report.summary.exit_code(report.gates, interrupted=report.interrupted)
    if code == 5:
        sys.stderr.write("no trial ran: the run fails (exit code 5)\n")
    return code
