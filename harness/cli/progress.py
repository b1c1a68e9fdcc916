"""The progress line on the terminal while trials are played; with ``-v`` a line for each trial."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections import Counter

from harness.cli.stdout import under
from harness.report import words
from harness.results.rows import Row

_EVERY = 0.1
"""Seconds between two updates."""


class Progress:
    """Writes to stderr; the progress line only if that is a terminal."""

    def __init__(self, total: int, options: Namespace) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()
        capable = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._moving = capable and not options.no_progress and not options.quiet
        self._each = bool(options.verbose)
        self._next = 0.0

    def show(self, row: Row) -> None:
        self._counts[row["status"]] += 1
        if self._each:
            self.clear()
            latency = words.measured("latency_s", row["measures"].get("latency_s"))
            sys.stderr.write(f"{words.MARKS[row['status']]:5}  {latency:>6} s  {row['id']}\n")
        now = time.monotonic()
        if self._moving and now >= self._next:
            self._next = now + _EVERY
            counts = ", ".join(f"{number:,} {status}" for status, number in self._counts.items())
            line = words.clipped(f"{self._counts.total():,}/{self._total:,}  {counts}  {row['group']}", _room())
            under(sys.stderr).write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._moving:
            under(sys.stderr).write("\r\x1b[K")
            sys.stderr.flush()


def _room() -> int:
    """Columns of the terminal minus one: a line that wraps could not be erased."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return (columns or 80) - 1
