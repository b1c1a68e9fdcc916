"""``check``: validate suites without playing them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from harness.cli import from_options
from harness.cli import options as shared
from harness.run import session
from harness.suite.matrix import Selection

ABOUT = "validate suites without playing them, and report all problems at once"
EXAMPLES = (
    "gemini-harness check",
    "gemini-harness check suites/thinking.yaml",
)


def add_options(parser: ArgumentParser) -> None:
    shared.suites(parser)


def main(options: Namespace) -> int:
    settings = from_options.config(options)
    plan = session.plan(options.paths, Selection(cassettes_dir=settings.cassettes), settings)
    for note in plan.notes:
        sys.stdout.write(f"note: {note}\n")
    cases = sum(len(suite.cases) for suite in plan.suites)
    numbers = {"suite": len(plan.suites), "case": cases, "trial": len(plan.trials)}
    counts = ", ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for noun, number in numbers.items())
    sys.stdout.write(f"{counts}: no problem found\n")
    return 0
