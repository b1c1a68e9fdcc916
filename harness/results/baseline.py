"""A baseline: a run that is kept in the repository, small enough for it.

It is a saved run without the requests and answers, so ``compare`` reads it as any other. Long answers are cut, with a hash of
the whole, so two that differ still differ.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from harness.disk import replacing
from harness.errors import RunError, os_errors_as
from harness.results.load import SavedRun
from harness.results.rows import dumps
from harness.results.store import NAME

FOLDER = "baseline"
"""Beside the configuration. ``baseline`` names the run in it, for every command that takes a run."""
LONGEST = 160
"""Characters of an answer that are kept."""


def path(project: Path) -> Path:
    """Where the baseline of a project is kept."""
    return project / FOLDER / NAME


def keep(saved: SavedRun, target: Path) -> int:
    """Write the run to ``target`` as a baseline; the number of its trials. Raises RunError if it cannot be written, or was
    cut short."""
    ending = saved.read_ending()
    if ending is None or ending.get("interrupted"):
        raise RunError(
            f"run {saved.run['id']} was cut short, so it is no baseline; `gemini-harness run --resume` ends it"
        )
    try:
        with os_errors_as(RunError, f"cannot keep {saved.path} in {target}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with saved.path.open("rb") as file, replacing(target) as out:
                out.writelines(f"{dumps(_small(json.loads(line)))}\n".encode() for line in file)
    except ValueError as error:
        raise RunError(f"{saved.path} is damaged: {error}") from error
    return ending.get("trials", 0)


def _small(row: Any) -> Any:
    if "id" in row:
        row.pop("turns", None)
        if row.get("outcome"):
            row["outcome"]["text"] = _short(row["outcome"].get("text", ""))
        for verdict in row.get("verdicts", ()):
            verdict["actual"] = _short(verdict.get("actual"))
    return row


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= LONGEST:
        return value
    return f"{value[:LONGEST]}... (sha256 {hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:16]})"
