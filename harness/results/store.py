"""A run on disk: ``reports/<run id>/run.jsonl``, a public format with a ``version``.

The first line is ``{"version": 1, "run": {...}}``. Then comes a line per trial, written when the trial is finished, so that a
crash loses no finished trial. The last line is ``{"run": {...}, "groups": [...], "totals": {...}, "finished": ...}``, where
``run`` completes the header. While a process writes a run, it holds a lock on the run's folder.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from harness import __version__
from harness.disk import FolderLock, replacing, sweep
from harness.errors import RunError, os_errors_as
from harness.model import Json
from harness.results.measures import total
from harness.results.rows import VERSION, Row, RunRow, SelectionRow, SuiteRow, dumps, row_line
from harness.results.summary import Summary

NAME = "run.jsonl"
_KNOWN_LATE = frozenset({"targets", "suites", "notes", "gates", "looks", "whole", "planned", "parts"})
"""The keys of the header that are complete only at the end of the run."""
_SWEPT = 20
"""The latest runs whose folders are freed of what a killed process left there. Any other is when its file is written again."""
ID = re.compile(rb'\{"id":"([^"\\]*)#(\d+)"')
"""The beginning of a trial's line as this program writes it: (group, attempt) of the trial's id."""


def run_row(
    *,
    record_mode: str,
    front: str,
    suites: Sequence[SuiteRow] = (),
    selection: Mapping[str, Json] | None = None,
    notes: Sequence[str] = (),
    prices: str | None = None,
) -> RunRow:
    """The header of a run that starts now. Its id sorts by time. ``prices``: the name of the price list."""
    now = datetime.now(UTC)
    row: RunRow = {
        "id": f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}{os.urandom(1).hex()}",
        "started": now.isoformat(timespec="seconds"),
        "record_mode": record_mode,
        "targets": [],
        "suites": list(suites),
        "harness": __version__,
        "python": sys.version.partition(" ")[0],
        "front": front,
        "selection": cast("SelectionRow", dict(selection or {})),
        "notes": list(notes),
    }
    return {**row, "prices": prices} if prices else row


def claim(folder: Path) -> FolderLock:
    """The exclusive right to write the run in a folder. Raises RunError if another process writes it, or if the folder cannot be opened."""
    try:
        return FolderLock(folder)
    except BlockingIOError:
        raise RunError(f"run {folder.name} is being played by another process; wait for it, or end it") from None
    except OSError as error:
        raise RunError(f"cannot open {folder}: {error.strerror or error}") from error


class RunWriter(AbstractContextManager["RunWriter"]):
    """Writes one run, a line per finished trial. Use as a context manager, or call ``close``.

    ``trials`` counts the trials in the file. ``unasked`` counts those of them, since it was opened, that could not be asked
    or judged for a reason that may pass.
    """

    def __init__(self, reports: Path, run: RunRow, resumed: tuple[FolderLock, int] | None = None) -> None:
        """Create ``reports/<run id>/``, or, with ``resumed``, append to the file that is there with its header.

        ``resumed``: the claim to the run, and the number of trials in the file. Raises RunError if it cannot be written.
        """
        self.path = reports / run["id"] / NAME
        self.run = run
        self.trials = 0 if resumed is None else resumed[1]
        self.unasked = 0
        self._started = time.perf_counter()
        self._fault: RunError | None = None
        elsewhere = "; --reports DIR (pytest: --harness-reports DIR) saves it elsewhere"
        with os_errors_as(RunError, f"cannot write the run to {self.path}", elsewhere):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._claim = claim(self.path.parent) if resumed is None else resumed[0]
            self._file: BinaryIO = self.path.open("xb" if resumed is None else "ab")
            for folder in sorted(reports.iterdir(), key=str)[-_SWEPT:]:
                sweep(folder)
        if resumed is None:
            self._write(header_line(run))

    def append(self, row: Row, line: bytes | None = None) -> None:
        """Write a row. ``line``: the row as it is written, if it is known."""
        self._write((row_line(row) if line is None else line) + b"\n")
        self.trials += 1
        self.unasked += may_pass(row)

    def arrange(self, order: Iterable[str]) -> None:
        """Put the trials of the file into this order of ids, others at the end. If the disk cannot be written, they keep their order."""
        if self._fault is not None:
            return
        self._file.close()
        with suppress(OSError):
            keep_lines(self.path, _places(self.path, order))
        self._file = self.path.open("ab")

    def close(
        self,
        summary: Summary | None = None,
        *,
        interrupted: bool = False,
        suites: Sequence[SuiteRow] = (),
        notes: Sequence[str] | None = None,
    ) -> None:
        """Write the last line, if there is a summary, and close the file.

        It completes the header: the targets, and ``suites`` and ``notes``, if they were not known at the start.
        """
        if summary is not None and not self._file.closed:
            self.run["targets"] = [target for target, _ in summary.by_target()]
            self.run["suites"] = list(suites) or self.run["suites"]
            self.run["notes"] = self.run["notes"] if notes is None else list(notes)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            before = (session["seconds"] for session in self.run.get("resumed", ()))  # None: it was killed
            seconds = total([*before, time.perf_counter() - self._started])
            self._write(last_line(self.run, summary, now, seconds, self.unasked, interrupted=interrupted))
        self._file.close()
        self._claim.close()

    def _write(self, line: bytes) -> None:
        if self._fault is not None:
            raise self._fault
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self._fault = RunError(f"cannot write the run to {self.path}: {error.strerror or error}")
            with suppress(OSError):  # closing tries again to write what is left
                self._file.close()
            raise self._fault from error

    def __exit__(self, *_: object) -> None:
        self.close()


def last_line(
    run: RunRow, summary: Summary, finished: str | None, seconds: float | None, unasked: int, *, interrupted: bool
) -> bytes:
    """The last line of a run's file. ``summary``: of all trials in it; the rest of the header, groups and totals follow from it."""
    ending = {
        "run": {name: value for name, value in run.items() if name in _KNOWN_LATE},
        "groups": [group.row() for group in summary.groups.values()],
        "totals": summary.totals(),
        "cost": summary.cost(run.get("prices")),
        "simulated": any(simulated for _, _, simulated in summary.provenance),
        "finished": finished,
        "seconds": None if seconds is None else round(seconds, 3),
        "interrupted": interrupted,
        "trials": summary.trials,
        "unasked": unasked,
    }
    return dumps(ending).encode() + b"\n"


def may_pass(row: Row) -> bool:
    """Whether a trial was not judged for a reason that may not occur next time: the network, a key, a recording, a fault of
    this program."""
    return row.error is not None and row.error.kind in ("ask", "internal")


def keep_lines(path: Path, places: Iterable[int], run: RunRow | None = None) -> None:
    """Replace a run file in one step by its lines at these positions. ``run``: another header. Raises OSError."""
    with path.open("rb") as file, replacing(path) as out:
        header = file.readline()
        out.write(header if run is None else header_line(run))
        for at in places:
            file.seek(at)
            out.write(file.readline())


def header_line(run: RunRow) -> bytes:
    """The first line of a run's file."""
    return dumps({"version": VERSION, "run": run}).encode() + b"\n"


def _places(path: Path, order: Iterable[str]) -> Iterator[int]:
    """The positions of the lines in this order. It holds those that are read before their turn, never the lines."""
    with path.open("rb") as file:
        at, ahead = len(file.readline()), dict[str, int]()
        for wanted in order:
            while wanted not in ahead and (line := file.readline()):
                ahead[_id_of(line)] = at
                at += len(line)
            if wanted in ahead:
                yield ahead.pop(wanted)
        yield from ahead.values()
        for line in file:
            yield at
            at += len(line)


def _id_of(line: bytes) -> str:
    found = ID.match(line)
    return f"{found[1].decode()}#{found[2].decode()}" if found else str(json.loads(line)["id"])
