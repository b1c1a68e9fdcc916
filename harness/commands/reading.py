"""Saved runs, as the commands that read them need them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from harness.config import load as load_config
from harness.render import Report, words
from harness.saved import SavedRun, load


def run(name: str, options: Namespace) -> SavedRun:
    """The saved run of that path or id, looked for under ``--reports`` or the configured folder."""
    reports = Path(options.reports) if options.reports else load_config(Path()).reports
    return load(name, reports)


def notes(saved: SavedRun) -> list[str]:
    """What whoever reckons with a run should know of it, once it was read: that its file is damaged, that trials are missing."""
    ending = saved.ending
    if ending is None:
        return saved.notes
    there, planned = ending.get("trials", 0), saved.run.get("planned", 0)
    if not ending.get("interrupted") and there >= planned:
        return saved.notes
    of = f" of {words.count(planned, 'trial')} are" if planned else f" trial{' is' if there == 1 else 's are'}"
    return [*saved.notes, f"run {saved.run['id']} was cut short: {there:,}{of} in it"]


def report(saved: SavedRun) -> Report:
    """A saved run as a document; reads it once."""
    summary = saved.summary()
    ending = saved.ending or {}
    return Report(
        run=saved.run,
        summary=summary,
        rows=saved.rows,
        notes=tuple(saved.notes),
        interrupted=bool(ending.get("interrupted", saved.ending is None)),
        seconds=ending.get("seconds"),
        gates=saved.run.get("gates", ()),
    )
