"""The log of a step of GitHub Actions, where lines may be commands: what a model said must not be one."""

from __future__ import annotations

import os
from typing import TextIO, cast

from harness.cli.stdout import Steady, steady
from harness.report import words


def safe(text: str) -> str:
    """The text as it may stand there; elsewhere as it may stand on a terminal."""
    text = steady(text)
    return words.no_command(text) if _is_read() else text


def stream(out: TextIO) -> TextIO:
    """The stream with what is written to it, whole lines at a time, made no command; elsewhere the stream itself."""
    return cast("TextIO", Steady(out, words.no_command)) if _is_read() else out


def _is_read() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
