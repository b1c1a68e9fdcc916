"""Progress on stderr while trials are played: a line for each provider, on a terminal only. With ``-v`` there is a line for each trial
as well, anywhere."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from harness.cli.streams import under
from harness.report import words
from harness.results.rows import Row
from harness.suite.matrix import Expansion
from harness.text.amounts import dollars, duration, with_status
from harness.transport.wrapping import Counting

_FIRST = 0.5
"""Seconds before the lines appear. What takes less time needs none."""


class ProviderProgress(Struct):
    """What is known of the trials at one provider. ``spent`` is in US dollars."""

    total: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    retries: int = 0
    spent: float = 0.0

    @property
    def done(self) -> int:
        return self.statuses.total()

    def line(self, name: str, seconds: float) -> str:
        """What is known after ``seconds`` of playing."""
        rate = self.done / seconds if seconds > 0 else 0.0
        left = self.total - self.done
        parts = [
            f"{name} {self.done:,}/{self.total:,}",
            ", ".join(with_status(number, status) for status, number in self.statuses.items()),
            f"{self.in_flight:,} in flight" if self.in_flight else "",
            f"{rate:,.1f}/s" if self.done else "",
            f"{self.retries:,} retried" if self.retries else "",
            f"${dollars(self.spent)}" if self.spent else "",
            f"{duration(left / rate)} left" if rate and left else "",
        ]
        return "  ".join(filter(None, parts))


class Progress:
    """The progress of a run. It shows itself from ``begin`` to ``clear``."""

    def __init__(self, options: Namespace) -> None:
        self._of: dict[str, ProviderProgress] = {}
        self._verbose, self._quiet = bool(options.verbose), bool(options.quiet)
        self._display = _display(options)
        self._began = time.monotonic()

    def begin(self, trials: Expansion) -> None:
        """Show it for these trials, which are about to be played."""
        if self._display is None:
            return
        if not self._of:
            self._began = time.monotonic()
        for group in trials.groups():
            self._provider(group.target.provider).total += group.played.bit_count()
        self._display.begin(self.lines)

    def lines(self) -> list[str]:
        """A line for each provider."""
        seconds = time.monotonic() - self._began
        return [known.line(name, seconds) for name, known in list(self._of.items())]

    def watch(self, transport: Any) -> Any:
        """The transport; the requests that it sends are counted, if progress is shown."""
        return transport if self._display is None else Counting(transport, self._count)

    def show(self, row: Row) -> None:
        if self._display is not None:
            known = self._provider(row.target.partition("/")[0])
            known.statuses[row.status] += 1
            if row.provenance and row.provenance.mode == "live":
                known.spent += row.measures.get("cost_usd") or 0
        if self._verbose:
            latency = words.measured("latency_s", row.measures.get("latency_s"))
            text = f"{words.MARKS[row.status]:5}  {latency:>6} s  {row.id}"
            self._display.write(text) if self._display else sys.stderr.write(f"{text}\n")

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._display is not None:
            self._display.write(line)
        elif not self._quiet:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._display is not None:
            self._display.end()

    def _count(self, provider: str, in_flight: int, again: int) -> None:
        known = self._provider(provider)
        known.in_flight += in_flight
        known.retries += again

    def _provider(self, name: str) -> ProviderProgress:
        return self._of.setdefault(name, ProviderProgress())


def _display(options: Namespace) -> _Terminal | None:
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not options.no_progress and not options.quiet
    return _Terminal() if shown else None


class _Terminal:
    """Lines that stay at the bottom of the terminal and change. ``rich`` is imported when they appear, by a thread of its own."""

    _live: Any = None

    def begin(self, lines: Callable[[], list[str]]) -> None:
        import threading

        self._lines = lines
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._appear, daemon=True)
        self._thread.start()

    def _appear(self) -> None:
        if self._ended.wait(_FIRST):
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        def drawn() -> Text:
            return Text(words.printable("\n".join(self._lines())), no_wrap=True, overflow="ellipsis")

        console = Console(file=under(sys.stderr), soft_wrap=False)
        self._live = Live(
            console=console, get_renderable=drawn, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()

    def write(self, text: str) -> None:
        if self._live is None:
            sys.stderr.write(f"{text}\n")
        else:
            self._live.console.print(words.printable(text), markup=False, highlight=False)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._live is not None:
            self._live.stop()
            self._live = None
