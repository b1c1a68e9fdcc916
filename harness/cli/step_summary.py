"""The summary of a GitHub Actions step: a file named by GITHUB_STEP_SUMMARY, which GitHub shows on the page of the run."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError, os_errors_as

LIMIT = 1024 * 1024
"""Bytes of a step's summary; GitHub rejects a longer one as a whole."""
CUT = "\n\n*The rest does not fit into what GitHub takes of one step (1 MiB): the saved run has all of it.*\n"


def file() -> Path | None:
    """The file of this step's summary; None outside of GitHub Actions."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def named(place: str) -> str:
    """The path of a file for annotations: relative to the root of the repository, if it is known and contains the file."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root:
        return place
    path = Path(os.path.relpath(Path(place).resolve(), Path(root).resolve()))
    return place if ".." in path.parts else path.as_posix()


@contextmanager
def appended(path: Path) -> Iterator[TextIO]:
    """A text that is appended to the step's summary, as far as it fits, when the block ends without an error.

    Raises UsageError if the file cannot be written.
    """
    text = io.StringIO()
    yield text
    with os_errors_as(UsageError, f"cannot write the step's summary {path}"):
        there = path.stat().st_size if path.exists() else 0
        with path.open("ab") as out:
            out.write(fitting(text.getvalue() + "\n", LIMIT - there))


def fitting(text: str, room: int) -> bytes:
    """The text in UTF-8. If it does not fit, as many whole lines as fit, and ``CUT``; empty if not even ``CUT`` fits."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= room:
        return data
    end = CUT.encode()
    closing = b"\n</details>"
    if room < len(end) + len(closing):
        return b""
    head = data[: room - len(end) - len(closing)]
    head = head[: head.rfind(b"\n") + 1]
    return head + (closing if head.count(b"<details") > head.count(b"</details") else b"") + end
