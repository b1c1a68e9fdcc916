"""The summary of a step of GitHub Actions: a file that GitHub names, takes after the step, and shows on the page of the run."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import TextIO

from harness.errors import UsageError

LIMIT = 1024 * 1024
"""Bytes of a step's summary; GitHub refuses all of a longer one."""
CUT = "\n\n*The rest does not fit into what GitHub takes of one step (1 MiB): the saved run has all of it.*\n"


def file() -> Path | None:
    """Where the summary of this step goes; None outside of GitHub Actions."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def named(place: str) -> str:
    """A file as annotations name it: from the root of the repository, where that is known and the file lies in it."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root:
        return place
    path = Path(os.path.relpath(Path(place).resolve(), Path(root).resolve()))
    return place if ".." in path.parts else path.as_posix()


class StepSummary:
    """What its ``with`` block writes is added to the step's summary, after what is there, as far as it fits.

    Raises UsageError where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = io.StringIO()

    def __enter__(self) -> TextIO:
        return self._text

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            return
        try:
            there = self._path.stat().st_size if self._path.exists() else 0
            with self._path.open("ab") as out:
                out.write(fitting(self._text.getvalue() + "\n", LIMIT - there))
        except OSError as error:
            raise UsageError(f"cannot write the step's summary {self._path}: {error.strerror or error}") from error


def fitting(text: str, room: int) -> bytes:
    """The text in UTF-8, or the whole lines of it that fit beside the sentence that says so; nothing where not even that fits."""
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
