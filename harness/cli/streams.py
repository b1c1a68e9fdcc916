"""Standard output and error: their encoding and their faults. And filters for what is printed or written to reports, just before it is
written: secrets are replaced by their names, and terminal escape codes of others are made harmless."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from harness.errors import HarnessError, UsageError
from harness.text.terminal import safe_for_display

if TYPE_CHECKING:
    from harness.transport.redaction import Leaks

_OF_WRITING = (EPIPE, ENOSPC, EFBIG, EDQUOT, EIO)
_AT_ONCE = 1 << 18
"""Characters that are searched together."""


def configure_encoding() -> None:
    """Write UTF-8 to a file or a pipe, unless PYTHONIOENCODING is set. Escape characters that an encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
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


# --- secrets ------------------------------------------------------------------------------------------


def leaks() -> Leaks:
    """The secrets of the environment, including the keys that the configured providers name."""
    from harness.config import load
    from harness.transport.redaction import Leaks, known

    rows = None
    with suppress(HarnessError):
        rows = load(Path()).providers
    return Leaks(known(os.environ, rows))


def without_secrets(message: str) -> str:
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
def filtered() -> Iterator[None]:
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
