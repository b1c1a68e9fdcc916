"""The files that a suite may name: regular files inside its project, of a limited size.

A suite may come from a stranger, and the files that it names are read, sent and saved. Its project is the nearest folder, at or
above the suite's, with the configuration (``harness.toml``, or ``[tool.gemini-harness]`` in ``pyproject.toml``), else the root
of its git repository, else its own folder. Links are followed before the place of a file is checked.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from harness.text.shape import suggestion

MOST = 256 * 1024 * 1024
"""The most bytes of a file."""


class Unreadable(Exception):
    """A file that does not exist or may not be read. The message is the reason, to be written after the file's name."""


class Outside(Unreadable):
    """The file lies outside of the project."""


class Missing(Unreadable):
    """The file does not exist."""


class Project(Struct, frozen=True):
    """The project of a suite in ``folder``. With ``anywhere``, files outside of the project may be read too."""

    folder: Path
    anywhere: bool = False

    def find(self, name: str) -> Path:
        """The path of a file, relative to the suite's folder. Raises Unreadable if it is outside or not a regular file."""
        path = self._inside(name)
        if not path.exists():
            raise Missing("no such file or directory")
        if not path.is_file():
            raise Unreadable("it is a directory" if path.is_dir() else "it is not a regular file")
        return path

    def complaint(self, name: str) -> str | None:
        """Why the file cannot be used; None if it can."""
        try:
            self.find(name)
        except Missing:
            near = suggestion(Path(name).name, [file.name for file in (self.folder / name).parent.glob("*")])
            return f"there is no file {self.folder / name}{near and f'; {near}'}"
        except Unreadable as fault:
            return f"cannot read {self.folder / name}: {fault}"
        return None

    def read(self, name: str) -> bytes:
        """The content of the file. Raises Unreadable."""
        return read(self._inside(name))

    def _inside(self, name: str) -> Path:
        path = self.folder / name
        try:
            real, root = path.resolve(), _root(self.folder.resolve())
        except (OSError, RuntimeError, ValueError) as fault:
            raise Unreadable(_reason(fault)) from None
        if not (self.anywhere or real.is_relative_to(root)):
            raise Outside(f"it lies outside of {root}; a harness.toml further up, or --allow-outside-files, allows it")
        return path


def read(path: Path) -> bytes:
    """The content of a regular file. Raises Unreadable, also if it is too large. Never waits for a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind):
                raise Unreadable("it is not a regular file")
            content = file.read(MOST + 1)
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise Missing(_reason(fault)) from None
    except (OSError, ValueError) as fault:
        raise Unreadable(_reason(fault)) from None
    if len(content) > MOST:
        size = max(path.stat().st_size, len(content))
        raise Unreadable(f"it has {size / 2**20:,.0f} MiB; a file may have at most {MOST >> 20} MiB")
    return content


@lru_cache(maxsize=256)
def _root(folder: Path) -> Path:
    """The project of an absolute folder."""
    above = (folder, *folder.parents)
    configured = (path for path in above if _configures(path))
    repository = (path for path in above if (path / ".git").exists())
    return next(configured, None) or next(repository, None) or above[0]


def _configures(folder: Path) -> bool:
    if (folder / "harness.toml").is_file():
        return True
    try:
        return b"[tool.gemini-harness" in read(folder / "pyproject.toml")
    except Unreadable:
        return False


def _reason(fault: Exception) -> str:
    return (fault.strerror or str(fault)).lower() if isinstance(fault, OSError) else str(fault)
