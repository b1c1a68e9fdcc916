"""Saved runs, as the commands that read them need them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from harness.config import load as load_config
from harness.render import Report
from harness.saved import SavedRun, load


def run(name: str, options: Namespace) -> SavedRun:
    """The saved run of that path or id, looked for under ``--reports`` or the configured folder."""
    reports = Path(options.reports) if options.reports else load_config(Path()).reports
    return load(name, reports)


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
