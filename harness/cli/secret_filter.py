"""Replaces secrets by their names in everything that is printed or written to reports, just before it is written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from harness.cli.stdout import FilteredStream
from harness.text.terminal import safe_for_display

if TYPE_CHECKING:
    from harness.transport.redaction import Leaks

_AT_ONCE = 1 << 18
"""Characters that are searched together."""


def leaks() -> Leaks:
    """The secrets of the environment, including the keys that the configured providers name."""
    from harness.config import load
    from harness.errors import HarnessError
    from harness.transport.redaction import Leaks, known

    rows = None
    with suppress(HarnessError):
        rows = load(Path()).providers
    return Leaks(known(os.environ, rows))


def text(message: str) -> str:
    """The message without secrets."""
    return str(leaks().hidden(message))


class _Hiding(FilteredStream):
    """A stream without secrets. They are looked up when the first text is written."""

    def __init__(self, under: TextIO) -> None:
        super().__init__(under, lambda text: str(self._leaks.hidden(text)))

    @cached_property
    def _leaks(self) -> Leaks:
        return leaks()


@contextmanager
def streams() -> Iterator[None]:
    """Within the block, stdout and stderr hold no secrets, and are for people (a terminal, a log): control characters are made harmless."""
    out, err = (
        cast("TextIO", FilteredStream(cast("TextIO", _Hiding(stream)), safe_for_display))
        for stream in (sys.stdout, sys.stderr)
    )
    with redirect_stdout(out), redirect_stderr(err):
        yield


@contextmanager
def writing(out: TextIO) -> Iterator[TextIO]:
    """A filtered stream for long texts: it searches large pieces that end with a line."""
    buffered = _BufferedFilter(out.under if isinstance(out, _Hiding) else out)
    yield cast("TextIO", buffered)
    buffered.write_out()


class _BufferedFilter(io.TextIOBase):
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._buffer: list[str] = []
        self._size = 0
        self._leaks = leaks()

    def write(self, written: str) -> int:
        self._buffer.append(written)
        self._size += len(written)
        if self._size > _AT_ONCE:
            self._buffer = ["".join(self._buffer)]
            self.write_out(self._buffer[0].rfind("\n") + 1 or self._size)
        return len(written)

    def write_out(self, end: int | None = None) -> None:
        """Filter and write the buffered text, up to ``end``."""
        text_so_far = "".join(self._buffer)
        self._out.write(str(self._leaks.hidden(text_so_far[:end])))
        self._buffer = [] if end is None else [text_so_far[end:]]
        self._size = sum(map(len, self._buffer))
