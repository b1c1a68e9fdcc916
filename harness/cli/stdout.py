"""Standard output: its encoding, its faults, and the filter for text of others, such as terminal escape codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from io import TextIOWrapper
from typing import Any, TextIO

from harness.errors import UsageError

_OF_WRITING = (EPIPE, ENOSPC, EFBIG, EDQUOT, EIO)


def configure_stdio_encoding() -> None:
    """Write UTF-8 to a file or a pipe, unless PYTHONIOENCODING is set. Escape characters that an encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            chosen = stream.isatty() or os.environ.get("PYTHONIOENCODING")
            stream.reconfigure(errors="backslashreplace", encoding=None if chosen else "utf-8")


class FilteredStream:
    """A stream that passes texts through ``clean``. Everything else goes to the stream ``under`` it."""

    def __init__(self, under: TextIO, clean: Callable[[str], str]) -> None:
        self.under, self.clean = under, clean

    def write(self, text: str) -> int:
        self.under.write(self.clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.under.writelines(map(self.clean, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.under, name)


def under(stream: TextIO) -> TextIO:
    """The unfiltered stream, for code that writes terminal codes and filters text of others itself."""
    return stream.under if isinstance(stream, FilteredStream) else stream


@contextmanager
def flushed() -> Iterator[TextIO]:
    """Stdout, which is flushed at the end of the block. Raises UsageError if it cannot be written.

    If the reader closes the pipe (``| head``), the block ends without an error, and further output is dropped.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as fault:
        if fault.errno not in _OF_WRITING:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if fault.errno != EPIPE:
            raise UsageError(f"cannot write to stdout: {fault.strerror}") from fault
