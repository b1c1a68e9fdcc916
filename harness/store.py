"""A run on disk: ``reports/<run id>/run.jsonl``, a public format with a ``version``.

The first line is ``{"version": 1, "run": {...}}``; then one line per trial, written when it is finished, so that a crash
loses nothing finished; the last is ``{"run": {...}, "groups": [...], "totals": {...}, "finished": ...}``, where ``run``
completes the header. While a process writes a run it holds a lock on the run's folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
import time
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, NamedTuple, Self, cast

from harness import __version__
from harness.errors import RunError
from harness.model import Json
from harness.rows import VERSION, BriefRow, GateRow, JudgedRow, Row, RunRow, SuiteRow, dumps, result_json
from harness.summary import Group, Summary

__all__ = ["RunWriter", "SavedRun", "load", "replacing", "result_json", "run_row", "saved_runs", "suite_row"]

NAME = "run.jsonl"
_AHEAD = 1 << 20
"""Bytes that are read at once: lines are long, and many."""
_KNOWN_LATE: tuple[Literal["targets", "suites", "notes", "gates"], ...] = ("targets", "suites", "notes", "gates")
"""What of the header may be known only when all trials are there."""
_OF_A_TRIAL = {"id", "group", "suite", "case", "target", "axes", "attempt", "status", "verdicts", "measures", "error"}
_SUITE = {"suite", "file", "sha256"}
_GATE = GateRow.__required_keys__
_ID = re.compile(rb'\{"id":"([^"\\]*)#(\d+)"')
"""How a line begins that this program wrote: the trial's id, its group first, then its attempt."""
_TRIAL = b'{"id":'


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
        "selection": dict(selection or {}),
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
        self._descriptor: int | None = None
        if sys.platform == "win32":  # there a folder cannot be opened
            return
        import fcntl

        try:
            self._descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RunError(f"run {folder.name} is being played by another process; wait for it, or end it") from None
        except OSError as error:  # some file systems of networks know no locks
            if self._descriptor is None:
                raise RunError(f"cannot open {folder}: {error.strerror or error}") from error

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


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
        before = [each["seconds"] for each in self.run.get("resumed", ())]
        known = [each for each in before if each is not None]
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


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` in one step, when the block ends well. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
    found = _ID.match(line)
    return f"{found[1].decode()}#{found[2].decode()}" if found else str(json.loads(line)["id"])


@dataclass(slots=True)
class SavedRun:
    """A run that was read back. ``rows`` reads the file anew each time; ``ending`` and ``notes`` are known after a pass.

    ``ending`` is the last line without its groups, which follow from the rows and may be many.
    """

    path: Path
    run: RunRow
    ending: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    _places: _Places | None = field(default=None, init=False, repr=False)

    def rows(self, *, turns: bool = True) -> Iterator[Row]:
        """The trials, in the order in which they finished. A last line that was cut off is left out, and noted.

        Without ``turns`` what was said is not decoded, nor more than the names of checks where all of them held, which is
        most of the work.
        """
        for line, at in self._trials():
            value = None if turns else _brief(line)
            value = value or self._value(line, at)
            if value is not None:
                yield cast("Row", value)

    def summary(self, like: Summary | None = None) -> Summary:
        """Of all trials: what ``summarise`` makes of ``rows``, in half the time. ``like``: see `Summary`."""
        from harness.passed import decode

        summary = Summary(like)
        places = _Places(summary)
        for line, at in self._trials():
            try:
                added = summary.add_passed(decode(line))
            except ValueError:  # another line than that of a trial that passed
                added = False
            if not added:
                row = _judged(line) or self._value(line, at)
                if row is None:
                    continue
                summary.add(cast("Row", row))
            places.note(at)
        self._places = places
        return summary

    def lines(self) -> Iterator[tuple[bytes, Row]]:
        """The trials as they stand in the file, each with its row without turns; not the last line, nor one cut off."""
        for line, at in self._trials():
            value = _brief(line) or self._value(line, at)
            if value is not None:
                yield line, cast("Row", value)

    def rows_of(self, groups: Container[str], *, turns: bool = False) -> Iterator[Row]:
        """The trials of these groups only; the lines of others are not decoded, nor, without ``turns``, what was said.

        They are found at once where there was a ``summary`` before, of a file whose groups follow each other.
        """
        known = self._places is not None and not self._places.scattered
        for line, at in self._found(groups) if known else self._named(groups):
            value = None if turns else _judged(line)
            value = value or self._value(line, at)
            if value is not None and value.get("group") in groups:
                yield cast("Row", value)

    def _found(self, groups: Container[str]) -> Iterator[tuple[bytes, int]]:
        assert self._places is not None
        with self.path.open("rb") as file:
            for start, trials in self._places.of(groups):
                file.seek(start)
                for line in islice(file, trials):
                    yield line, start

    def _named(self, groups: Container[str]) -> Iterator[tuple[bytes, int]]:
        """Lines that this program did not write are among them, whatever they are of."""
        for line, at in self._trials():
            named = _ID.match(line)
            if not named or named[1].decode() in groups:
                yield line, at

    def _trials(self) -> Iterator[tuple[bytes, int]]:
        """The lines of trials, with where they begin. What the last line says is kept, or its absence noted."""
        self.notes.clear()
        with self.path.open("rb", buffering=_AHEAD) as file:
            at = len(next(file))
            for line in file:
                ending = None if line.startswith(_TRIAL) else _ending(line)
                if ending is not None:
                    self.ending = ending
                    known = ending.get("run")
                    self.run = complete({**self.run, **(known if isinstance(known, dict) else {})}, self.path)
                    return
                yield line, at
                at += len(line)
        if not self.notes:
            self.notes.append(f"{self.path}: the run did not come to its end; what it had finished is here")

    def _value(self, line: bytes, at: int) -> dict[str, Any] | None:
        try:
            value: dict[str, Any] = json.loads(line)
        except ValueError:
            if line.endswith(b"\n"):
                raise RunError(f"{self._line(at)}: this line is not JSON; the file was damaged") from None
            self.notes.append(f"{self._line(at)}: the last line was cut off; that trial is not shown")
            return None
        if not isinstance(value, dict) or not value.keys() >= _OF_A_TRIAL:
            raise RunError(f"{self._line(at)}: this line is no trial; the file was damaged")
        measures = value.get("measures", {})
        if not isinstance(measures, dict) or not all(map(_finite_or_unknown, measures.values())):
            raise RunError(f"{self._line(at)}: a measure of this trial is no finite number; the file was damaged")
        return value

    def _line(self, at: int) -> str:
        """The file and the number of the line that begins there."""
        with self.path.open("rb") as file:
            before = iter(file)
            number = 1
            while at > 0:
                at -= len(next(before))
                number += 1
        return f"{self.path}:{number}"


class _Places:
    """Where the trials of each group of a summary begin in the file. ``scattered``: those of some do not follow each other."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._latest: Group | None = None
        self._starts = array("Q")
        self.scattered = False

    def note(self, at: int) -> None:
        """The trial that was added last begins there."""
        latest = self._summary.latest
        if latest is self._latest:
            return
        self._latest = latest
        if len(self._starts) < len(self._summary.groups):
            self._starts.append(at)
        else:
            self.scattered = True

    def of(self, groups: Container[str]) -> Iterator[tuple[int, int]]:
        """Where the trials begin, and how many they are."""
        for group, at in zip(self._summary.groups.values(), self._starts, strict=True):
            if group.id in groups:
                yield at, group.attempts + group.skipped


def _finite_or_unknown(measure: object) -> bool:
    return measure is None or (isinstance(measure, int | float) and math.isfinite(measure))


def _brief(line: bytes) -> dict[str, Any] | None:
    """The row without its turns, and its verdicts in full only where one did not hold; None where the line is another."""
    try:
        row: dict[str, Any] = _decoders().brief(line)
    except ValueError:
        return None
    return row if all(each["status"] == "passed" for each in row["verdicts"]) else _judged(line)


def _judged(line: bytes) -> dict[str, Any] | None:
    """The row without its turns; None where the line is another."""
    try:
        row: dict[str, Any] = _decoders().judged(line)
    except ValueError:
        return None
    return row


def _ending(line: bytes) -> dict[str, Any] | None:
    """The last line without its groups; None where the line is another."""
    try:
        parts = _decoders().parts(line)
        ending = {name: json.loads(bytes(part)) for name, part in parts.items() if name != "groups"}
    except ValueError:
        return None
    return ending if "totals" in ending else None


class _Decoders(NamedTuple):
    """They read what they are asked for and skip the rest."""

    brief: Callable[[bytes], Any]
    judged: Callable[[bytes], Any]
    parts: Callable[[bytes], Any]


@cache
def _decoders() -> _Decoders:
    """Imported here: a run needs none."""
    from msgspec import Raw
    from msgspec.json import Decoder

    return _Decoders(Decoder(BriefRow).decode, Decoder(JudgedRow).decode, Decoder(dict[str, Raw]).decode)


def load(run: str | Path, reports: Path = Path("reports")) -> SavedRun:
    """A saved run by its path, its folder, its id, an unambiguous beginning of its id, or ``last``.

    Raises RunError where there is none, or where the format is of another version.
    """
    path = _find(str(run), reports)
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
    except OSError as error:
        raise RunError(f"cannot read the run {path}: {error.strerror or error}") from error
    except ValueError:
        raise RunError(f"{path} is not a saved run: its first line is not JSON") from None
    version = header.get("version") if isinstance(header, dict) else None
    if version is None or not isinstance(header.get("run"), dict) or (version == VERSION and "id" not in header["run"]):
        raise RunError(f"{path} is not a saved run: its first line should hold version and run")
    if version != VERSION:
        raise RunError(f"{path} has version {version} of the run format; this program reads version {VERSION}")
    return SavedRun(path, complete(header["run"], path))


_HEADER: Mapping[str, type] = {
    **dict.fromkeys(("id", "started", "record_mode", "harness", "python", "front"), str),
    **dict.fromkeys(("targets", "suites", "notes"), list),
    "selection": dict,
}


def complete(run: dict[str, Any], path: Path) -> RunRow:
    """What a run says of itself; what it does not say is empty. Raises RunError where that is not what a run says."""
    whole = {name: run.get(name, kind()) for name, kind in _HEADER.items()}
    wrong = [name for name, kind in _HEADER.items() if not isinstance(whole[name], kind)]
    wrong += ["suites"] * (
        not wrong and not all(isinstance(each, dict) and each.keys() >= _SUITE for each in whole["suites"])
    )
    gates = run.get("gates", [])
    if not isinstance(gates, list) or not all(isinstance(each, dict) and each.keys() >= _GATE for each in gates):
        wrong.append("gates")
    if wrong:
        raise RunError(f"{path} is not a saved run: {wrong[0]} in its first line is not what a run has there")
    return cast("RunRow", {**run, **whole})


def saved_runs(reports: Path) -> list[str]:
    """The ids of the runs in a folder, the latest last."""
    return sorted(path.parent.name for path in reports.glob(f"*/{NAME}"))


def _find(name: str, reports: Path) -> Path:
    given = Path(name)
    if given.is_file():
        return given
    if (given / NAME).is_file():
        return given / NAME
    saved = saved_runs(reports)
    if name == "last" and saved:
        return reports / saved[-1] / NAME
    matching = [each for each in saved if each.startswith(name)] if given.name == name else []
    if len(matching) == 1:
        return reports / matching[0] / NAME
    if matching:
        raise RunError(f"{name!r} is the beginning of {len(matching)} runs: {', '.join(matching[:5])}")
    latest = f"; the latest are {', '.join(saved[-3:])}" if saved else "; no run has been saved there yet"
    raise RunError(f"no saved run {name!r} in {reports}/{latest}")
