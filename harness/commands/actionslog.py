"""The log of a step of GitHub Actions, where lines may be commands: what a model said must not be one."""

from __future__ import annotations

import io
import os
from typing import TextIO, cast

from harness.render import words


def safe(text: str) -> str:
    """The text as it may stand there; elsewhere as it is."""
    return words.no_command(text) if _is_read() else text


def stream(out: TextIO) -> TextIO:
    """The stream with what is written to it, whole lines at a time, made safe; elsewhere the stream itself."""
    return cast("TextIO", _Safe(out)) if _is_read() else out


def _is_read() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


class _Safe(io.TextIOBase):
    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(safe(text))
