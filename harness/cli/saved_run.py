"""Saved runs for the commands that read them: found, with their notes, and as a document."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from harness.config import load as load_config
from harness.errors import RunError
from harness.report import Report
from harness.results import baseline
from harness.results.load import SavedRun, load
from harness.results.store import is_being_played
from harness.results.summary import Summary
from harness.text import amounts


def find(name: str, options: Namespace) -> SavedRun:
    """The saved run with this path or id, searched in ``--reports`` or the configured folder. Raises RunError."""
    if name == baseline.FOLDER and not Path(name).exists():
        kept = baseline.path(load_config(Path()).folder)
        if not kept.is_file():
            raise RunError(f"there is no {kept} yet; `gemini-harness baseline set RUN` keeps a run there")
        return load(kept)
    return load(name, folder(options))


def folder(options: Namespace) -> Path:
    """The folder of saved runs: that of ``--reports``, or the configured one."""
    return Path(options.reports) if options.reports else load_config(Path()).reports


def notes(saved: SavedRun, summary: Summary) -> list[str]:
    """What the user should know about a run that was read: a damaged file, missing trials."""
    ending = saved.ending
    if ending is None:
        return _unended(saved, summary, playing=is_being_played(saved.path.parent))
    there, planned = ending.get("trials", 0), saved.run.get("planned", 0)
    if not ending.get("interrupted") and there >= planned:
        return saved.notes
    of = f" of {amounts.count(planned, 'trial')} are" if planned else f" trial{' is' if there == 1 else 's are'}"
    return [*saved.notes, f"run {saved.run['id']} was cut short: {there:,}{of} in it"]


def _unended(saved: SavedRun, summary: Summary, *, playing: bool) -> list[str]:
    """The notes of a run without a last line. While it is played, an incomplete line is no damage: it is being written."""
    if not playing:
        return saved.notes
    planned = saved.run.get("planned", 0)
    there = (
        f"{summary.trials:,} of {amounts.count(planned, 'trial')}"
        if planned
        else amounts.count(summary.trials, "trial")
    )
    are = "is" if (planned or summary.trials) == 1 else "are"
    return [f"run {saved.run['id']} is still being played by another process: {there} {are} finished so far"]


def report(saved: SavedRun) -> Report:
    """A saved run as a document. Reads the file once."""
    summary = saved.summary()
    ending = saved.ending or {}
    playing = saved.ending is None and is_being_played(saved.path.parent)
    return Report(
        run=saved.run,
        summary=summary,
        rows=saved.rows,
        rows_of=saved.rows_of,
        notes=tuple(_unended(saved, summary, playing=playing)),
        interrupted=bool(ending.get("interrupted", saved.ending is None)),
        playing=playing,
        seconds=ending.get("seconds"),
        gates=saved.run.get("gates", ()),
    )
