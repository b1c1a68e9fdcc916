"""``baseline``: keep a run in the repository, for ``compare baseline last``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from harness.cli import options as shared
from harness.cli import saved_run
from harness.config import load as load_config
from harness.report import words
from harness.results import baseline
from harness.text import amounts

ABOUT = "keep a run in the repository, without requests and answers, for `compare baseline last`"
EXAMPLES = ("gemini-harness baseline set last",)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", metavar="set", choices=("set",), help="keep a run as the baseline")
    shared.run(parser)
    shared.reports_folder(parser)


def main(options: Namespace) -> int:
    target = baseline.path(load_config(Path()).folder)
    saved = saved_run.find(options.run, options)
    trials = baseline.keep(saved, target)
    size = f"{target.stat().st_size / 1024:,.0f} KiB"
    kept = f"{amounts.count(trials, 'trial')} ({words.totals(saved.summary().totals())}), {size}"
    sys.stdout.write(f"{target}: run {saved.run['id']}, {kept}, without bodies\n")
    sys.stdout.write("commit it; then: gemini-harness compare baseline last\n")
    return 0
