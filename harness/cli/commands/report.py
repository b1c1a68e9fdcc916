"""``report``: a saved run, rendered again."""

from __future__ import annotations

from argparse import Namespace

from harness.cli import printing, reading


def main(options: Namespace) -> int:
    saved = reading.run(options.run, options)
    printing.show(reading.report(saved), "run", options)
    return 0
