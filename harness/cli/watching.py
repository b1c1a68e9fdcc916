"""``--watch``: does a command again whenever a suite, or a file that it uses, was changed."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from harness.cli import from_options
from harness.config import Config
from harness.errors import HarnessError
from harness.run import session

EVERY = 0.5
"""Seconds between two looks at the files."""
_State = Mapping[Path, tuple[int, int] | None]
"""File -> its time and size; None where it is not there."""


def watch(options: Namespace, command: Callable[[Namespace], int]) -> int:
    """Do the command, and do it again for what was changed, until Ctrl-C. A changed suite is taken alone; after a change of
    another file all suites that use it are."""
    asked, changed = list(options.paths), None
    try:
        while True:
            settings = from_options.config(options)
            uses = _uses(asked, settings)
            before = _state(uses)
            _do(command, Namespace(**{**vars(options), "watch": False, "paths": _suites(changed, uses) or asked}))
            changed = _wait(uses, before)
            names = ", ".join(sorted(map(str, changed)))
            sys.stderr.write(f"\n{datetime.now():%H:%M:%S}  {names} changed\n")  # noqa: DTZ005 - the clock of the user
    except KeyboardInterrupt:
        return 0


def _do(command: Callable[[Namespace], int], options: Namespace) -> None:
    try:
        command(options)
    except HarnessError as fault:
        sys.stderr.write(f"{fault}\n")
    sys.stdout.flush()


def _uses(asked: Iterable[str], settings: Config) -> dict[Path, set[Path]]:
    """File -> the suites that use it. A suite that cannot be read uses itself."""
    found: dict[Path, set[Path]] = {}
    for file in session.suite_files([Path(path) for path in asked] or [settings.suites]):
        found.setdefault(file, set()).add(file)
        try:
            (suite,) = session.read([file], anywhere=settings.outside_files, variables=settings.variables)
        except HarnessError:
            continue
        for name in session.suite_row_of(suite).get("files", {}):
            found.setdefault(suite.folder / name, set()).add(file)
    return found


def _suites(changed: Iterable[Path] | None, uses: Mapping[Path, set[Path]]) -> list[str]:
    return sorted({str(suite) for file in changed or () for suite in uses.get(file, ()) if suite.exists()})


def _state(files: Iterable[Path]) -> dict[Path, tuple[int, int] | None]:
    found: dict[Path, tuple[int, int] | None] = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found[file] = None
        else:
            found[file] = status.st_mtime_ns, status.st_size
    return found


def _wait(files: Iterable[Path], before: _State) -> set[Path]:
    """The files that have changed since; waits until there are some."""
    watched = list(files)
    while True:
        now = _state(watched)
        changed = {file for file in watched if now[file] != before[file]}
        if changed:
            return changed
        time.sleep(EVERY)
