"""Standard output, what can happen to it, and what text of other people cannot do there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from io import TextIOWrapper
from types import TracebackType
from typing import Any, TextIO, cast

from harness.errors import UsageError
from harness.text.terminal import safe_for_display

_OF_WRITING = (EPIPE, ENOSPC, EFBIG, EDQUOT, EIO)


def configure_stdio_encoding() -> None:
    """What an encoding lacks is spelled out. A file or a pipe gets UTF-8, as all documents do, if nobody says otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            said = stream.isatty() or os.environ.get("PYTHONIOENCODING")
            stream.reconfigure(errors="backslashreplace", encoding=None if said else "utf-8")


class FilteredStream:
    """A stream that writes what ``clean`` leaves of a text; in all else the stream ``under`` it."""

    def __init__(self, under: TextIO, clean: Callable[[str], str]) -> None:
        self.under, self._clean = under, clean

    def write(self, text: str) -> int:
        return self.under.write(self._clean(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self.under.writelines(map(self._clean, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.under, name)


def under(stream: TextIO) -> TextIO:
    """The stream itself, for whoever steers the terminal, and cleans what others wrote."""
    return stream.under if isinstance(stream, FilteredStream) else stream


@contextmanager
def filtered() -> Iterator[None]:
    """In its block stdout and stderr are read by people, on a terminal or in a log: what others wrote is text there."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", FilteredStream(stream, safe_for_display)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class Stdout:
    """In its ``with`` block stdout is written, and all of it is out after it. UsageError where that cannot be.

    A reader that has seen enough (``| head``) is no trouble: the block ends there, and what comes later goes nowhere.
    """

    def __enter__(self) -> TextIO:
        return sys.stdout

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if fault is None:
                sys.stdout.flush()
        except OSError as error:
            fault = error
        if not isinstance(fault, OSError) or fault.errno not in _OF_WRITING:
            return False
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if fault.errno != EPIPE:
            raise UsageError(f"cannot write to stdout: {fault.strerror}") from fault
        return True
