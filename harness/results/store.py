"""A run on disk: ``reports/<run id>/run.jsonl``, a public format with a ``version``.

The first line is ``{"version": 1, "run": {...}}``; then one line per trial, written when it is finished, so that a crash
loses nothing finished; the last is ``{"run": {...}, "groups": [...], "totals": {...}, "finished": ...}``, where ``run``
completes the header. While a process writes a run it holds a lock on the run's folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, cast

from harness import __version__
from harness.disk import FolderLock, is_locked, replacing, sweep
from harness.errors import RunError
from harness.model import Json
from harness.results.rows import VERSION, Row, RunRow, SelectionRow, SuiteRow, dumps
from harness.results.summary import Summary

NAME = "run.jsonl"
_KNOWN_LATE: tuple[Literal["targets", "suites", "notes", "gates"], ...] = ("targets", "suites", "notes", "gates")
"""What of the header may be known only when all trials are there."""
ID = re.compile(rb'\{"id":"([^"\\]*)#(\d+)"')
"""How a line begins that this program wrote: the trial's id, its group first, then its attempt."""


def run_row(
    *,
    record_mode: str,
    front: str,
    suites: Sequence[SuiteRow] = (),
    selection: Mapping[str, Json] | None = None,
    notes: Sequence[str] = (),
    prices: str | None = None,
) -> RunRow:
    """The header of a run that starts now. Its id sorts by time. ``prices`` names the price list that costs come from."""
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


def suite_row(suite: str, file: str, text: bytes, about: str = "") -> SuiteRow:
    """What a run says of a suite that took part; ``text`` is the file's."""
    return {"suite": suite, "file": file, "sha256": hashlib.sha256(text).hexdigest(), "about": about}


class Claim:
    """The right to write the run in that folder: one process has it, until it closes it or ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises RunError where another process writes this run, and where the folder cannot be opened."""
        try:
            self._lock = FolderLock(folder)
        except BlockingIOError:
            raise RunError(f"run {folder.name} is being played by another process; wait for it, or end it") from None
        except OSError as error:
            raise RunError(f"cannot open {folder}: {error.strerror or error}") from error

    def close(self) -> None:
        self._lock.close()


def is_being_played(folder: Path) -> bool:
    """Whether a process writes the run in that folder; False too where that cannot be told."""
    return is_locked(folder)


class RunWriter:
    """Writes one run, a line per finished trial. Use as a context manager, or call ``close``.

    ``trials`` counts the lines that are there, ``unasked`` those of them, since it was opened, that could not be asked or
    judged for reasons that may pass.
    """

    def __init__(self, reports: Path, run: RunRow, resumed: tuple[Claim, int] | None = None) -> None:
        """Create ``reports/<run id>/``, or write on at the end of the file that is there with its header: ``resumed`` is
        the claim to it, and the trials it has. Raises RunError where that cannot be written.
        """
        self.path = reports / run["id"] / NAME
        self.run = run
        self.trials = 0 if resumed is None else resumed[1]
        self.unasked = 0
        self._started = time.perf_counter()
        self._fault: RunError | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._claim = Claim(self.path.parent) if resumed is None else resumed[0]
            self._file: BinaryIO = self.path.open("xb" if resumed is None else "ab")
            for folder in reports.iterdir():
                sweep(folder)
        except OSError as error:
            raise RunError(f"cannot write the run to {self.path}: {error.strerror or error}") from error
        if resumed is None:
            self._put({"version": VERSION, "run": run})

    def append(self, row: Row) -> None:
        self._put(row)
        self.trials += 1
        self.unasked += may_pass(row)

    def arrange(self, order: Iterable[str]) -> None:
        """Put the trials that are there into this order of ids. Where the disk refuses, they stay as they are."""
        if self._fault is not None:
            return
        self._file.close()
        with suppress(OSError):
            arrange(self.path, order)
        self._file = self.path.open("ab")

    def close(
        self,
        summary: Summary | None = None,
        *,
        interrupted: bool = False,
        suites: Sequence[SuiteRow] = (),
        notes: Sequence[str] | None = None,
    ) -> None:
        """Write the last line, where there is a summary, and close the file.

        The targets of the header, and ``suites`` and ``notes`` where they were not known when the run began, are filled
        in here.
        """
        if self._file.closed:
            return
        if summary is not None:
            self.run["targets"] = [target for target, _ in summary.by_target()]
            self.run["suites"] = list(suites) or self.run["suites"]
            self.run["notes"] = self.run["notes"] if notes is None else list(notes)
            self._put(
                {
                    **known_late(self.run, summary),
                    "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                    "seconds": self._seconds(),
                    "interrupted": interrupted,
                    "trials": self.trials,
                    "unasked": self.unasked,
                }
            )
        self._file.close()
        self._claim.close()

    def _seconds(self) -> float | None:
        """Of all sittings together; None where one of them was killed."""
        before = [session["seconds"] for session in self.run.get("resumed", ())]
        known = [seconds for seconds in before if seconds is not None]
        return round(sum(known) + time.perf_counter() - self._started, 3) if len(known) == len(before) else None

    def _put(self, value: object) -> None:
        if self._fault is not None:
            raise self._fault
        try:
            self._file.write(dumps(value).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            self._fault = RunError(f"cannot write the run to {self.path}: {error.strerror or error}")
            with suppress(OSError):  # closing tries again to write what is left
                self._file.close()
            raise self._fault from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        self._claim.close()


def known_late(run: RunRow, summary: Summary) -> dict[str, Any]:
    """What the last line says of all trials together: the rest of the header, groups, totals."""
    return {
        "run": {name: run[name] for name in _KNOWN_LATE if name in run},
        "groups": [group.row() for group in summary.groups.values()],
        "totals": summary.totals(),
        "cost": summary.cost(run.get("prices")),
        "simulated": any(simulated for _, _, simulated in summary.provenance),
    }


def may_pass(row: Row) -> bool:
    """Whether a trial was not judged for a reason that may be gone the next time: the network, a key, a recording, a fault
    of this program."""
    return row["error"] is not None and row["error"]["kind"] in ("ask", "internal")


def arrange(path: Path, order: Iterable[str]) -> None:
    """Put the lines of a run file without its last line into the order of these ids; what they do not name comes last.

    Holds the places of lines that come before their turn, never the lines. Raises OSError; the file is then as it was.
    """
    with path.open("rb") as file, replacing(path) as out:
        out.write(file.readline())
        ahead: dict[str, tuple[int, int]] = {}
        at, end = file.tell(), path.stat().st_size
        for wanted in order:
            while wanted not in ahead and at < end:
                file.seek(at)
                line = file.readline()
                ahead[_id_of(line)] = (at, len(line))
                at += len(line)
            if wanted in ahead:
                _copy(file, ahead.pop(wanted), out)
        for place in ahead.values():
            _copy(file, place, out)
        file.seek(at)
        out.writelines(file)


def _copy(file: BinaryIO, place: tuple[int, int], out: BinaryIO) -> None:
    file.seek(place[0])
    out.write(file.read(place[1]))


def _id_of(line: bytes) -> str:
    found = ID.match(line)
    return f"{found[1].decode()}#{found[2].decode()}" if found else str(json.loads(line)["id"])
