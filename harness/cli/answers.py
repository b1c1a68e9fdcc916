"""Saved runs and recordings by the names that the user gives, for the commands that read either."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.cli import saved_run
from harness.errors import RunError, UsageError
from harness.results.load import SavedRun
from harness.results.store import NAME
from harness.text.amounts import count
from harness.text.shape import closest


class Named(NamedTuple):
    """The saved runs, and the files and folders of recordings."""

    runs: list[SavedRun]
    recordings: list[str]


def named(names: Iterable[str], options: Namespace) -> Named:
    """What these names are: runs (by path, id, or ``last``), folders of runs, recordings. Raises RunError, UsageError."""
    found = Named([], [])
    for name in names:
        inside = sorted(Path(name).glob(f"*/{NAME}")) if Path(name).is_dir() else []
        if inside and not (Path(name) / NAME).is_file():
            found.runs.extend(saved_run.find(str(path), options) for path in inside)
        else:
            _add(found, name, options)
    return found


def _add(found: Named, name: str, options: Namespace) -> None:
    path = Path(name)
    try:
        found.runs.append(saved_run.find(name, options))
    except RunError as fault:
        if path.name == NAME or (name == "last" and not path.exists()):
            raise
        if not path.exists():
            raise UsageError(f"no such file or folder: {name}{_hint(path)}, and {fault}") from fault
        found.recordings.append(name)


def _hint(path: Path) -> str:
    near = closest(str(path), (str(path.with_name(other.name)) for other in path.parent.glob("*")))
    return f" (did you mean {near}?)" if near else ""


def is_at(target: str, name: str) -> bool:
    """Whether a target, ``provider/model``, is meant by ``provider/model`` or ``provider``."""
    return target == name or target.startswith(f"{name}/")


def unreadable(reasons: dict[str, str]) -> Iterator[str]:
    """A note on files that cannot be read."""
    for file, reason in list(reasons.items())[:1]:
        more = f" and {count(len(reasons) - 1, 'more file')}" if len(reasons) > 1 else ""
        yield f"not read: {file}{more}: {reason}"
