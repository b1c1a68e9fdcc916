"""Recordings of any tool: the files at some paths, and those that can be read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import BadCassette, UsageError
from harness.text.shape import closest
from harness.transport import cassette
from harness.transport.cassette import Tape

SUFFIXES = frozenset(
    {
        *(".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".json5", ".har", ".httprr", ".sse", ".txt", ".gz", ".zst"),
        *(".zip", ".saz", ".tar", ".tgz", ".eval", ".mitm", ".chlsj", ".chlsx"),
    }
)
"""Of files that are recordings, or are reported as unreadable."""


def check_exist(paths: Iterable[str | Path]) -> None:
    """Raises UsageError for a path that does not exist."""
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"no such file or folder: {path}{near_path(path)}")


def near_path(path: Path) -> str:
    """`` (did you mean ...?)`` with a name of the same folder; empty if none is similar."""
    near = closest(str(path), (str(path.with_name(other.name)) for other in path.parent.glob("*")))
    return f" (did you mean {near}?)" if near else ""


def recordings(paths: Sequence[str]) -> Iterator[Path]:
    """The files at these paths, those of a folder sorted, without hidden ones. Raises UsageError for a path that does not exist."""
    check_exist(paths)
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(_visible(path), key=lambda file: file.parts)  # as paths are compared, but slowly
        else:
            yield path


def _visible(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = (name for name in folders if name[0] != ".")
        yield from (file for name in files if name[0] != "." and (file := Path(place, name)).is_file())


def is_named_a_recording(file: Path, paths: Iterable[str]) -> bool:
    """Whether the user, or its suffix, says that a file is a recording. Others in a folder are passed over if they are none; so is a
    ``.txt`` that does not mention the API, such as a license or a list of requirements."""
    if str(file) in {str(Path(path)) for path in paths}:
        return True
    if file.suffix.lower() == ".txt" and os.access(file, os.R_OK):
        return re.search(rb'(?i)generateContent|gemini|"candidates"', file.read_bytes()) is not None
    return file.suffix.lower() in SUFFIXES


def tapes(paths: Sequence[str], unreadable: dict[str, str], passed_over: Counter[str] | None = None) -> Iterator[Tape]:
    """The readable recordings at these paths. For the others adds file -> reason to ``unreadable``, or counts them in ``passed_over``."""
    for file in recordings(paths):
        try:
            yield cassette.read(file)
        except BadCassette as error:
            if is_named_a_recording(file, paths):
                unreadable[str(file)] = str(error).removeprefix(f"{file}: ")
            elif passed_over is not None:
                passed_over[file.suffix] += 1
