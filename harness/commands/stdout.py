"""Standard output, and what can happen to it."""

from __future__ import annotations

import os
import sys
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from io import TextIOWrapper
from types import TracebackType
from typing import TextIO

from harness.errors import UsageError

_OF_WRITING = (EPIPE, ENOSPC, EFBIG, EDQUOT, EIO)


def speak_any_language() -> None:
    """What an encoding lacks is spelled out. A file or a pipe gets UTF-8, as all documents do, if nobody says otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            said = stream.isatty() or os.environ.get("PYTHONIOENCODING")
            stream.reconfigure(errors="backslashreplace", encoding=None if said else "utf-8")


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
