"""Saved runs for the commands that read them: found, with their notes, and as a document; and recordings, for those that read either."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from harness.config import load as load_config
from harness.disk import is_locked
from harness.errors import RunError, UsageError
from harness.report import Report
from harness.results import baseline
from harness.results.load import SavedRun, load
from harness.results.store import NAME
from harness.results.summary import Summary
from harness.text import amounts
from harness.text.grouping import grouped


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
    if _is_playing(saved):  # an incomplete line is no damage: it is being written
        there = _counted(summary.trials, saved)
        return [f"run {saved.run['id']} is still being played by another process: {there} finished so far"]
    if ending is None or saved.is_finished():
        return saved.notes
    return [*saved.notes, f"run {saved.run['id']} was cut short: {_counted(ending.get('trials', 0), saved)} in it"]


def _is_playing(saved: SavedRun) -> bool:
    return saved.ending is None and is_locked(saved.path.parent)


def _counted(there: int, saved: SavedRun) -> str:
    """``3 of 8 trials are``."""
    planned = saved.run.get("planned", 0)
    of = f"{there:,} of " if planned else ""
    return f"{of}{amounts.count(planned or there, 'trial')} {'is' if (planned or there) == 1 else 'are'}"


def report(saved: SavedRun) -> Report:
    """A saved run as a document. Reads the file once."""
    summary = saved.summary()
    ending = saved.ending or {}
    playing = _is_playing(saved)
    return Report(
        run=saved.run,
        summary=summary,
        rows=saved.rows,
        rows_of=saved.rows_of,
        notes=tuple(notes(saved, summary) if playing else saved.notes),
        interrupted=bool(ending.get("interrupted", saved.ending is None)),
        playing=playing,
        seconds=ending.get("seconds"),
        gates=saved.run.get("gates", ()),
    )


# --- runs and recordings ------------------------------------------------------------------------------


class Named(Struct, frozen=True):
    """The saved runs, and the files and folders of recordings."""

    runs: list[SavedRun]
    recordings: list[str]


def named(names: Iterable[str], options: Namespace) -> Named:
    """What these names are: runs (by path, id, or ``last``), folders of runs, recordings. Raises RunError, UsageError."""
    found = Named([], [])
    for name in names:
        inside = sorted(Path(name).glob(f"*/{NAME}")) if Path(name).is_dir() else []
        if inside and not (Path(name) / NAME).is_file():
            found.runs.extend(find(str(path), options) for path in inside)
        else:
            _add(found, name, options)
    return found


def _add(found: Named, name: str, options: Namespace) -> None:
    path = Path(name)
    try:
        found.runs.append(find(name, options))
    except RunError as fault:
        if path.name == NAME or (name == "last" and not path.exists()):
            raise
        if not path.exists():
            from harness.transport.recordings import near_path

            raise UsageError(f"no such file or folder: {name}{near_path(path)}, and {fault}") from fault
        found.recordings.append(name)


def is_at(target: str, name: str) -> bool:
    """Whether a target, ``provider/model``, is meant by ``provider/model`` or ``provider``."""
    return target == name or target.startswith(f"{name}/")


def unreadable(reasons: dict[str, str]) -> Iterator[str]:
    """A note on the files that cannot be read, for each reason."""
    for reason, files in grouped(reasons, reasons.__getitem__).items():
        more = f" and {amounts.count(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        yield f"not read: {files[0]}{more}: {reason}"
