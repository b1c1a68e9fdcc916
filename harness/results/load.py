"""Reads saved runs: all rows, their summary, and the rows of some groups."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from harness.errors import RunError, os_errors_as
from harness.results import decoding
from harness.results.rows import VERSION, EndingRow, Row, RunRow
from harness.results.store import ID, NAME
from harness.results.summary import Summary, summarise
from harness.text.shape import suggestion

_AHEAD = 1 << 20
"""Bytes of the read buffer: lines are long and many."""
_TRIAL = b'{"id":'


class SavedRun(Struct):
    """A saved run. ``rows`` reads the file each time; ``ending`` and ``notes`` are known after the first complete pass.

    ``ending`` is the last line, without its groups, which follow from the rows.
    """

    path: Path
    run: RunRow
    ending: EndingRow | None = None
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """The trials, in the order of the file. An incomplete last line is left out, with a note."""
        return (row for _, _, row in self.lines())

    def summary(self) -> Summary:
        return summarise(self.rows())

    def lines(self) -> Iterator[tuple[int, bytes, Row]]:
        """The lines of trials: the position at which each begins, its bytes, its row. Without the last line and incomplete ones."""
        for line, at in self._trials():
            row = self._row(line, at)
            if row is not None:
                yield at, line, row

    def row_at(self, at: int) -> Row:
        """The trial whose line begins at this position. Raises RunError if there is no trial."""
        with self.path.open("rb") as file:
            file.seek(at)
            found = self._row(file.readline(), at)
        if found is None:
            raise RunError(f"{self._line(at)}: this line is cut off; the file was damaged")
        return found

    def rows_of(self, groups: Collection[str]) -> Iterator[Row]:
        """The trials of these groups. Lines that name another group are not decoded."""
        for line, at in self._trials():
            named = ID.match(line)
            if not named or named[1].decode("utf-8", "replace") in groups:
                row = self._row(line, at)
                if row is not None and row.group in groups:
                    yield row

    def _trials(self) -> Iterator[tuple[bytes, int]]:
        """(line, position) of the trials. Keeps the last line as ``ending``, or notes that it is missing."""
        self.notes.clear()
        with self.path.open("rb", buffering=_AHEAD) as file:
            at = len(next(file))
            for line in file:
                if not line.startswith(_TRIAL) and self.ends(line):
                    return
                yield line, at
                at += len(line)
        if not self.notes:
            self.notes.append(f"{self.path}: the run was not finished; the trials that it finished are here")

    def ends(self, line: bytes) -> bool:
        """Whether this is the last line. If so, sets ``ending`` and completes ``run``."""
        try:
            found = decoding.ending(line)
        except ValueError as fault:
            raise RunError(f"{self.path}: {fault} in its last line; the file was damaged") from None
        if found is None:
            return False
        self.ending = found
        self.run = complete({**self.run, **found.get("run", {})}, self.path)
        return True

    def read_ending(self) -> EndingRow | None:
        """The last line of the file, read without the trials. Raises RunError if it is damaged."""
        if self.ending is None:
            self.ends(_last_line(self.path))
        return self.ending

    def is_finished(self) -> bool:
        """Whether it was played to its end, and lacks no trial. Raises RunError if its last line is damaged."""
        ending = self.read_ending()
        if ending is None or ending.get("interrupted"):
            return False
        return ending.get("trials", 0) >= self.run.get("planned", 0)

    def _row(self, line: bytes, at: int) -> Row | None:
        """The trial of a line; None, with a note, for an incomplete last line."""
        try:
            return decoding.row(line)
        except decoding.UndecodableLine:
            if line.endswith(b"\n"):
                raise RunError(f"{self._line(at)}: this line is not JSON; the file was damaged") from None
            self.notes.append(f"{self._line(at)}: the last line was cut off; that trial is not shown")
            return None
        except ValueError as fault:
            raise RunError(f"{self._line(at)}: this line is not a trial ({fault}); the file was damaged") from None

    def _line(self, at: int) -> str:
        """``path:number`` of the line that begins at this position."""
        with self.path.open("rb") as file:
            before = iter(file)
            number = 1
            while at > 0:
                at -= len(next(before))
                number += 1
        return f"{self.path}:{number}"


def _last_line(path: Path) -> bytes:
    """The last line of a file that is not empty."""
    from mmap import ACCESS_READ, mmap

    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as text:
        return text[text.rfind(b"\n", 0, len(text) - 1) + 1 :]


def load(run: str | Path, reports: Path = Path("reports")) -> SavedRun:
    """A saved run by its path, its folder or an unambiguous prefix of the folder's name, its id, or ``last``.

    Raises RunError if there is no such run, or if the file is of another format version.
    """
    path = _find(str(run), reports)
    try:
        with os_errors_as(RunError, f"cannot read the run {path}"), path.open("rb") as file:
            header = decoding.value(file.readline())
    except ValueError:
        raise RunError(f"{path} is not a saved run: its first line is not JSON") from None
    version = header.get("version") if isinstance(header, dict) else None
    if version is None or not isinstance(header.get("run"), dict) or (version == VERSION and "id" not in header["run"]):
        raise RunError(f"{path} is not a saved run: its first line should hold version and run")
    if version != VERSION:
        raise RunError(f"{path} has version {version} of the run format; this program reads version {VERSION}")
    return SavedRun(path, complete(header["run"], path))


_HEADER: Mapping[str, Callable[[], Any]] = {
    **dict.fromkeys(("id", "started", "record_mode", "harness", "python", "front"), str),
    **dict.fromkeys(("targets", "suites", "notes"), list),
    "selection": dict,
}
"""Keys that every version has written. A header that was written by hand may lack some."""


def complete(run: dict[str, Any], path: Path) -> RunRow:
    """A header with its missing keys added, empty. Raises RunError if the header is not valid."""
    try:
        return decoding.run({**{name: kind() for name, kind in _HEADER.items()}, **run})
    except ValueError as fault:
        raise RunError(f"{path} is not a saved run: {fault} in its header") from None


def saved_runs(reports: Path) -> list[str]:
    """The names of the folders with runs, newest last, whatever their names. Those that cannot be read come first."""
    files = sorted(reports.glob(f"*/{NAME}"), key=lambda path: (_sort_key(path), path.parent.name))
    return [path.parent.name for path in files]


def _sort_key(path: Path) -> str:
    """The run's id, which sorts by time. It is the name of the folder, unless the folder was renamed."""
    if re.match(r"\d{8}-\d{6}-", path.parent.name):
        return path.parent.name
    try:
        return load(path).run["id"]
    except RunError:
        return ""


def with_id(run: str, reports: Path) -> Path | None:
    """The file of the run with this id, if its folder was renamed; else None."""
    for name in reversed(saved_runs(reports)):
        with suppress(RunError):
            saved = load(reports / name / NAME)
            if saved.run["id"] == run:
                return saved.path
    return None


def _find(name: str, reports: Path) -> Path:
    given = Path(name)
    if given.is_file():
        return given
    if (given / NAME).is_file():
        return given / NAME
    if inside := saved_runs(given):
        if len(inside) == 1:
            return given / inside[0] / NAME
        raise RunError(f"{name} holds {len(inside)} saved runs, such as {given / inside[-1]}: name one")
    saved = saved_runs(reports)
    if name == "last" and saved:
        return reports / saved[-1] / NAME
    exact = reports / name / NAME if name in saved else with_id(name, reports)
    if exact is not None:
        return exact
    matching = [folder for folder in saved if folder.startswith(name)] if given.name == name else []
    if len(matching) == 1:
        return reports / matching[0] / NAME
    if matching:
        raise RunError(f"{name!r} is the beginning of {len(matching)} runs: {', '.join(matching[:5])}")
    latest = f"the latest are {', '.join(saved[-3:])}" if saved else "no run has been saved there yet"
    near = "" if name in ("last", "baseline") else suggestion(name, ["last", "baseline"], 0.7)
    raise RunError(f"no saved run {name!r} in {reports}/; {near or latest}")
