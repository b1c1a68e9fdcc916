"""What a folder holds that a first suite should fit: its CI, its Python project, recordings and suites of other tools."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from harness.config import Config
from harness.text.project import Unreadable, read
from harness.transport.recordings import SUFFIXES

MOST_FILES = 20_000
LARGEST = 8 * 2**20
"""Bytes of a file that is searched for requests."""
_SUFFIXES = (*(SUFFIXES - {".txt"}), ".xml")
_SUITE = re.compile(rb"^suite:", re.MULTILINE)
_OURS = re.compile(rb"^suite:|x-recording", re.MULTILINE)
_PASSED_OVER = {"node_modules", "venv", "site-packages", "dist", "build"}


class Surroundings(NamedTuple):
    """``above``: the top of the repository, where CI looks for its files, if that is not the folder itself. Paths are as the user would write them.

    ``github``, ``gitlab``: whether a job is wanted. ``suites``: whether there are suites in their folder. ``recordings``: folder -> how many files with requests to Gemini it holds, those of the harness not counted.
    ``installer``: the command that adds a development dependency to the Python project; empty if there is none.
    """

    above: Path | None
    github: bool
    gitlab: bool
    configured: bool
    installer: str
    suites: bool
    promptfoo: tuple[Path, ...]
    recordings: dict[Path, int]


def look(folder: Path, settings: Config) -> Surroundings:
    """What there is in the folder, which has these settings, and in the repository that it belongs to. Reads only; a folder that is
    missing is empty."""
    above = _above(folder)
    gitlab = (folder / ".gitlab-ci.yml").is_file()
    suites = any(_SUITE.search(_content(file)) for file in _files(settings.suites))
    ours = {settings.reports, *([settings.cassettes] if suites else [])}
    return Surroundings(
        above,
        github=above is None and ((folder / ".github").is_dir() or not gitlab),
        gitlab=gitlab,
        configured=b"[tool.gemini-harness" in _content(folder / "pyproject.toml"),
        installer=_installer(folder) or _installer(above or folder),
        suites=suites,
        promptfoo=tuple(sorted(path for path in folder.glob("promptfoo*config*.*") if path.is_file())),
        recordings=_recordings(folder, {path.resolve() for path in ours}),
    )


def _above(folder: Path) -> Path | None:
    """The nearest folder above with ``.git``; None where the folder itself has it, or none has."""
    real = folder.resolve()
    root = next((path for path in (real, *real.parents) if (path / ".git").exists()), real)
    return None if root == real else Path(os.path.relpath(root))


def _installer(folder: Path) -> str:
    if not (folder / "pyproject.toml").is_file():
        return ""
    adders = {"uv.lock": "uv add --dev", "poetry.lock": "poetry add --group dev"}
    add = next((command for lock, command in adders.items() if (folder / lock).is_file()), "pip install")
    return f"{add} 'gemini-harness[stats]'"


def _recordings(folder: Path, ours: Set[Path]) -> dict[Path, int]:
    """By the folder called ``cassettes`` that holds them, else by their own. ``ours``: folders of the harness, which are left out."""
    found: Counter[Path] = Counter()
    for file in islice(_files(folder), MOST_FILES):
        content = _content(file) if ours.isdisjoint(file.resolve().parents) else b""
        if b"enerateContent" in content and not _OURS.search(content):
            above = [path for path in file.relative_to(folder).parents if path.name in ("cassettes", "recordings")]
            found[folder / above[-1] if above else file.parent] += 1
    return dict(found)


def _files(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith("."))
        yield from (Path(path, name) for name in sorted(names) if name.endswith(_SUFFIXES) and not name.startswith("."))


def _content(file: Path) -> bytes:
    """The content; empty if it is missing, too large or not to be read."""
    try:
        return read(file) if file.stat().st_size <= LARGEST else b""
    except (OSError, Unreadable):
        return b""
