"""Replaces secrets by their names in everything that is printed or written to reports, just before it is written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeGuard, cast

from harness.cli.stdout import FilteredStream

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


@contextmanager
def streams() -> Iterator[None]:
    """Within the block, everything written to stdout and stderr is filtered."""
    with redirect_stdout(_filtered(sys.stdout)), redirect_stderr(_filtered(sys.stderr)):
        yield


@contextmanager
def writing(out: TextIO) -> Iterator[TextIO]:
    """A filtered stream for long texts: it searches large pieces that end with a line."""
    buffered = _BufferedFilter(out.under if _hides(out) else out)
    yield cast("TextIO", buffered)
    buffered.write_out()


def _filtered(out: TextIO) -> TextIO:
    return cast("TextIO", out if _hides(out) else FilteredStream(out, _Hidden()))


def _hides(out: object) -> TypeGuard[FilteredStream]:
    return isinstance(out, FilteredStream) and isinstance(out.clean, _Hidden)


class _Hidden:
    """A text without secrets. They are looked up when the first text is written."""

    @cached_property
    def _leaks(self) -> Leaks:
        return leaks()

    def __call__(self, text: str) -> str:
        return str(self._leaks.hidden(text))


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
