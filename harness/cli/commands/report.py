"""``report``: print a saved run again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from harness.cli import options as shared
from harness.cli import printing, saved_run

ABOUT = "print a saved run again, in any format"
EXAMPLES = (
    "gemini-harness report",
    "gemini-harness report last --format html:report.html",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run", metavar="RUN", nargs="?", default="last", help="a saved run: its path, its id, or last (the default)"
    )
    shared.formats(parser, measures=True)


def main(options: Namespace) -> int:
    saved = saved_run.find(options.run, options)
    printing.show(saved_run.report(saved), "run", options)
    return 0
