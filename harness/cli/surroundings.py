"""What a folder holds that a first suite should fit: its CI, its configuration, its suites."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from harness.config import Config
from harness.run.session import is_suite


class Surroundings(NamedTuple):
    """``above``: the top of the repository, where CI looks for its files, if that is not the folder itself, as the user would write it.

    ``github``, ``gitlab``: whether a job is wanted. ``suites``: whether there are suites in their folder.
    """

    above: Path | None
    github: bool
    gitlab: bool
    configured: bool
    suites: bool


def look(folder: Path, settings: Config) -> Surroundings:
    """What there is in the folder, which has these settings, and in the repository that it belongs to. Reads only; a folder that is
    missing is empty."""
    above = _above(folder)
    gitlab = (folder / ".gitlab-ci.yml").is_file()
    project = folder / "pyproject.toml"
    return Surroundings(
        above,
        github=above is None and ((folder / ".github").is_dir() or not gitlab),
        gitlab=gitlab,
        configured=project.is_file() and "[tool.gemini-harness" in project.read_text("utf-8", "replace"),
        suites=any(map(is_suite, settings.suites.rglob("*.y*ml"))),
    )


def _above(folder: Path) -> Path | None:
    """The nearest folder above with ``.git``; None where the folder itself has it, or none has."""
    real = folder.resolve()
    root = next((path for path in (real, *real.parents) if (path / ".git").exists()), real)
    return None if root == real else Path(os.path.relpath(root))
