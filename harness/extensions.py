"""Additions of other packages: modules that entry points name in the groups ``gemini_harness.checks``, ``.dialects``,
``.formats`` and ``.sources``. Importing one registers what it decorates. And the extra that this package may be without."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from harness.errors import UsageError


def modules_in(folders: Iterable[str]) -> list[str]:
    """The names of the modules and packages in these folders, sorted. ``pkgutil`` takes five times as long, and imports ``inspect``."""
    names = [entry.name for folder in folders for entry in os.scandir(folder) if not entry.name.startswith("_")]
    return sorted({name.removesuffix(".py") for name in names if "." not in name.removesuffix(".py")})


def load(group: str, name: str | None = None) -> None:
    """Import the modules that other packages name in ``gemini_harness.<group>``: all, or the one with this name.

    Raises UsageError if a module cannot be imported: a broken extension is not ignored.
    """
    if not _are_there():
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group=f"gemini_harness.{group}"):
        if name not in (None, entry.name):
            continue
        try:
            entry.load()
        except Exception as fault:
            package = entry.dist.name if entry.dist else "a package"
            raise UsageError(
                f"{package}: its entry point {entry.name} = {entry.value} (gemini_harness.{group}) cannot be loaded: "
                f"{type(fault).__name__}: {fault}"
            ) from fault


NEEDS_STATS = "this needs statistics, which are not installed: pip install 'gemini-harness[stats]'"


def has_statistics() -> bool:
    """Whether numpy and scipy, the extra ``stats``, are installed."""
    from importlib.util import find_spec

    return bool(find_spec("numpy") and find_spec("scipy"))


def check_statistics() -> None:
    """Raises UsageError where the extra ``stats`` is not installed."""
    if not has_statistics():
        raise UsageError(NEEDS_STATS)


@cache
def _are_there() -> bool:
    """Whether any package names one of our groups. Importing ``importlib.metadata`` would take longer than a small run."""
    files = (file for folder in sys.path for file in Path(folder).glob("*-info/entry_points.txt"))
    return any(b"[gemini_harness." in file.read_bytes() for file in files)
