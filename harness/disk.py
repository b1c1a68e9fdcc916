"""What other processes on the same disk may rely on: a folder has one owner at a time, and a file is replaced in one step.

Both rest on locks that the system drops with the process, however it ends: a lock that is held has a living owner, and a
temporary file without one is left over. Windows, and some file systems of networks, know no such locks: there nobody is
kept out, and nothing is swept.
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

_A_LOOK = 0.05
"""Seconds: longer than ``is_locked`` holds the lock."""
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]+\.tmp")
_NAME = 50
"""Characters of a file's name that its temporary file repeats: the name of a file has 255 bytes."""


class FolderLock:
    """A folder that is this process's own, until it closes the lock or ends."""

    def __init__(self, folder: Path, *, wait: bool = False) -> None:
        """Raises BlockingIOError where another process has it and this one does not ``wait``; OSError where the folder cannot
        be opened."""
        self._descriptor: int | None = None
        if sys.platform == "win32":  # there a folder cannot be opened
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(descriptor, wait=wait)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:  # no locks there
            pass
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int, *, wait: bool = False) -> None:
    """Raises BlockingIOError where another process has the lock, and not just to look (``is_locked``); OSError."""
    import fcntl

    if wait:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_A_LOOK)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(folder: Path) -> bool:
    """Whether a process has that folder; False too where that cannot be known."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks there
        return False
    finally:
        os.close(descriptor)
    return False


# --- files that are replaced --------------------------------------------------------------------------


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` in one step, when the block ends well. Raises OSError.

    It takes over the mode of the old file. A link stays, and what it points to is replaced. What a killed process left of
    an earlier try is swept.
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
            if sys.platform == "win32":  # there an open file cannot be moved
                file.close()
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> tuple[Path, BinaryIO]:
    """A new file beside ``path``, locked as long as it is open."""
    while True:
        temporary = path.with_name(f".{path.name[:_NAME]}.{os.urandom(4).hex()}.tmp")
        file = temporary.open("xb")
        if sys.platform == "win32":
            return temporary, file
        with suppress(OSError):
            _lock(file.fileno(), wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # somebody swept it before it was locked


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files of ``replacing`` in that folder (for the file of that name) whose process is gone."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        for entry in folder.iterdir():
            found = _TEMPORARY.fullmatch(entry.name)
            if found and (name is None or found[1] == name[:_NAME]):
                _remove_unowned(entry)


def _remove_unowned(temporary: Path) -> None:
    import fcntl

    with suppress(OSError):
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()
        finally:
            os.close(descriptor)
