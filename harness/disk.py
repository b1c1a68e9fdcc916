"""Locks on folders, and files that are replaced in one step, for several processes on the same disk.

Both use file locks (``flock``), which the system releases when the process ends: a held lock has a living owner, and a
temporary file without a lock is left over. Windows and some network file systems lack such locks: there, no process is
excluded, and no temporary file is removed.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PEEK_SECONDS = 0.05
"""Longer than ``is_locked`` holds the lock."""
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]+\.tmp")
_NAME = 50
"""Characters of a file's name in the name of its temporary file: a file name has at most 255 bytes."""


class FolderLock:
    """A lock on a folder, until it is closed or the process ends: exclusive, or shared with others that are not exclusive.

    ``held``: false where the system has no locks.
    """

    def __init__(self, folder: Path, *, wait: bool = False, shared: bool = False) -> None:
        """Raises BlockingIOError if another process holds the lock and ``wait`` is false; OSError if the folder cannot be
        opened."""
        self._descriptor: int | None = None
        self.held = False
        if sys.platform == "win32":  # a folder cannot be opened on Windows
            return
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(self._descriptor, wait=wait, shared=shared)
            self.held = True
        except BaseException as fault:
            if isinstance(fault, BlockingIOError) or not isinstance(fault, OSError):  # others: no locks there
                self.close()
                raise

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int, *, wait: bool = False, shared: bool = False) -> None:
    """Raises BlockingIOError if another process holds the lock for longer than ``is_locked`` does; OSError."""
    import fcntl

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if wait:
        fcntl.flock(descriptor, kind)
        return
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_PEEK_SECONDS)
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock on a folder. False also if that cannot be found out."""
    try:
        FolderLock(folder, shared=True).close()
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


# --- files that are replaced --------------------------------------------------------------------------


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write. It replaces ``path`` in one step when the block ends without an error. Raises OSError.

    It keeps the mode of the old file. If ``path`` is a link, its target is replaced. Temporary files that killed processes
    left are removed.
    """
    path = Path(os.path.realpath(path))
    sweep(path.parent, path.name)
    temporary, file = _temporary(path)
    try:
        with file:
            with suppress(OSError):
                temporary.chmod(path.stat().st_mode & 0o7777)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":  # an open file cannot be moved on Windows
                file.close()
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> tuple[Path, BinaryIO]:
    """A new file in the folder of ``path``, locked while it is open."""
    while True:
        temporary = path.with_name(f".{path.name[:_NAME]}.{os.urandom(4).hex()}.tmp")
        file = temporary.open("xb")
        if sys.platform == "win32":
            return temporary, file
        with suppress(OSError):
            _lock(file.fileno(), wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # another process removed it before it was locked


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files of ``replacing`` in a folder (only those for ``name``) whose process has ended."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        for entry in os.listdir(folder):  # noqa: PTH208  a Path for each entry takes most of the time
            found = _TEMPORARY.fullmatch(entry)
            if found and (name is None or found[1] == name[:_NAME]):
                _remove_unowned(folder / entry)


def _remove_unowned(temporary: Path) -> None:
    import fcntl

    with suppress(OSError):
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()
        finally:
            os.close(descriptor)
