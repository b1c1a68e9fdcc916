"""The history of runs: a SQLite database in the reports folder, a cache of what the run files hold.

Opening it reads the runs that are new or changed (by size and modification time) and removes those that are gone, in one
transaction per run, so that several processes can do so at the same time. A database of another version
is rebuilt. If it is damaged or cannot be written, the database is in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.disk import is_locked
from harness.errors import HarnessError, UsageError
from harness.results.groups import Group, median_of, total_of
from harness.results.history_lines import HistoryEntry, QueryResult
from harness.results.load import SavedRun, load
from harness.results.measures import total
from harness.results.rows import dumps
from harness.results.store import NAME
from harness.results.summary import Summary
from harness.text.grouping import grouped

FILE = "history.sqlite"
VERSION = 3
"""Of the schema in ``history.sql``; in the file as ``user_version``."""
_LARGEST = 2**63
_COUNTED = "passed, failed, errors, skipped, total, attempts, tokens, thoughts, ttft_s, latency_s, cost_usd, sources, simulated"
_MERGED = "SELECT value FROM runs, json_each(parts) WHERE damage IS NULL AND value <> runs.id"
"""The ids of runs that are parts of a merged run: its lines contain theirs."""
_ENTRY_COLUMNS = [field.name for field in fields(HistoryEntry) if field.name not in ("playing", "change")]
"""The fields of an entry that the database holds."""
_WAIT = 30.0
"""Seconds to wait for another process that is reading runs."""
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


class PastRuns(AbstractContextManager["PastRuns"]):
    """The history of a folder of runs, brought up to date. Use as a context manager. ``notes``: what the user should know."""

    def __init__(self, reports: Path) -> None:
        self.notes: list[str] = []
        self._reports = reports
        file = reports / FILE
        try:
            self._db = self._current(file)
        except sqlite3.DatabaseError as fault:
            if reports.is_dir():
                self.notes.append(
                    f"{file} cannot be used ({fault}): the runs are read again each time; remove it, and a new one is made"
                )
            self._db = self._current(":memory:")

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _current(self, file: Path | str) -> sqlite3.Connection:
        db = sqlite3.connect(file, timeout=_WAIT, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA foreign_keys = ON")
            with _transaction(db):
                _make(db)
            self._read_new(db)
        except BaseException:
            db.close()
            raise
        return db

    def _read_new(self, db: sqlite3.Connection) -> None:
        known = {
            folder: (size, changed) for folder, size, changed in db.execute("SELECT folder, size, changed FROM runs")
        }
        there = {path.parent.name: path for path in self._reports.glob(f"*/{NAME}")}
        for folder in known.keys() - there.keys():
            db.execute("DELETE FROM runs WHERE folder = ?", (folder,))
        for folder, path in sorted(there.items(), reverse=True):
            with suppress(FileNotFoundError):
                about = path.stat()
                if known.get(folder) != (about.st_size, about.st_mtime_ns):
                    _put(db, path, about.st_size, about.st_mtime_ns)
        for folder, damage in db.execute("SELECT folder, damage FROM runs WHERE damage IS NOT NULL ORDER BY folder"):
            self.notes.append(f"run {folder} is left out: {damage}")

    def entries(
        self, *, suite: str | None, target: str | None, case: str | None, since: str | None, last: int | None
    ) -> tuple[list[HistoryEntry], int]:
        """(entries, number of runs that ``last`` left out). Oldest first, without the parts of merged runs.

        There is an entry for each run, suite and target; with ``case`` (a name, ``suite/name`` or the id of a group) for each
        group. ``last``: the number of runs to keep. ``since``: a date or a time in ISO 8601, compared as text with the start
        of the run (UTC).
        """
        table, more = ("lines", "NULL, NULL") if case is None else ("groups", "l.id, l.status")
        conditions = [
            ("r.damage IS NULL", ()),
            (f"r.id NOT IN ({_MERGED})", ()),
            ("l.suite = ?", (suite,)),
            ("r.started >= ?", (since,)),
            ("? IN (l.target, substr(l.target, instr(l.target, '/') + 1))", (target,)),
        ]
        if case is not None:
            conditions.append(('? IN (l."case", l.suite || \'/\' || l."case", l.id)', (case,)))
        asked = [(text, values) for text, values in conditions if None not in values]
        rows = self._db.execute(
            f"SELECT r.id, r.started, r.record_mode, r.complete, l.suite, l.target, {more}, {_COUNTED}, r.stopped_early "  # noqa: S608
            f"FROM {table} l JOIN runs r USING (folder) WHERE {' AND '.join(text for text, _ in asked)} "
            "ORDER BY r.id, l.suite, l.target",
            [value for _, values in asked for value in values],
        )
        playing = self._playing()
        found = [_entry(row, playing) for row in rows]
        runs = list(dict.fromkeys(entry.run for entry in found))
        shown = set(runs if last is None else runs[-last:])
        return [entry for entry in found if entry.run in shown], len(runs) - len(shown)

    def _playing(self) -> set[str]:
        """The ids of the runs that are being played."""
        unended = self._db.execute("SELECT id, folder FROM runs WHERE damage IS NULL AND finished IS NULL")
        return {run for run, folder in unended if is_locked(self._reports / folder)}

    def query(self, sql: str) -> QueryResult:
        """The result of a SELECT. Raises UsageError for an SQL error, and for a statement that would write or open a file."""
        self._db.execute("PRAGMA query_only = ON")
        self._db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
        try:
            cursor = self._db.execute(sql)
            rows = [[value.hex() if isinstance(value, bytes) else value for value in row] for row in cursor]
        except (sqlite3.Error, sqlite3.Warning, ValueError) as fault:
            raise UsageError(
                f"--sql: {str(fault).rstrip('.')}; write one SELECT over the tables runs, lines and groups (docs/reports.md lists their columns)"
            ) from fault
        if cursor.description is None:
            raise UsageError("--sql: the query is empty; write one SELECT over the tables runs, lines and groups")
        return QueryResult([name for name, *_ in cursor.description], rows)


def _entry(row: Sequence[Any], playing: Container[str]) -> HistoryEntry:
    named = dict(zip(_ENTRY_COLUMNS, row, strict=True))
    known = {name: bool(named[name]) for name in ("complete", "simulated", "stopped_early")}
    return HistoryEntry(**{**named, **known, "playing": named["run"] in playing})


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing, one process at a time."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


def _make(db: sqlite3.Connection) -> None:
    """Create the tables. Empties them if the file is of another version."""
    if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        for table in ("groups", "lines", "runs"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in (files(__package__) / "history.sql").read_text("utf-8").split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")


# --- one run ------------------------------------------------------------------------------------------


def _put(db: sqlite3.Connection, path: Path, size: int, changed: int) -> None:
    """Insert the rows of a run, or replace them."""
    folder = path.parent.name
    try:
        saved = load(path)
        summary = saved.summary()
        first, *rest = _run(saved)
    except HarnessError as fault:
        summary = Summary()
        first, *rest = folder, *[None] * 8, str(fault), None, None
    run = (first, folder, size, changed, *rest)
    with _transaction(db):
        db.execute("DELETE FROM runs WHERE folder = ?", (folder,))
        tables = (("runs", 15, [run]), ("lines", 16, _lines(summary, folder)), ("groups", 20, _groups(summary, folder)))
        for table, columns, rows in tables:
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", rows)  # noqa: S608


def _run(saved: SavedRun) -> tuple[Any, ...]:
    run, ending = saved.run, saved.ending or {}
    times = (run["started"], ending.get("finished"), ending.get("seconds"))
    parts = dumps([part["id"] for part in run["parts"]]) if "parts" in run else None
    early = run.get("whole", 0) > run.get("planned", 0)
    how = (run["record_mode"], run["front"], run["harness"])
    return run["id"], *times, *how, saved.is_finished(), dumps(run["selection"]), None, parts, early


def _lines(summary: Summary, folder: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a run in the table ``lines``."""
    cells = grouped(summary.groups.values(), lambda group: (group.suite, group.target))
    for (suite, target), groups in cells.items():
        statuses = [group.status for group in groups]
        passed = sum(statuses.count(status) for status in ("passed", "xfailed"))
        failed = sum(statuses.count(status) for status in ("failed", "xpassed"))
        errors, skipped = statuses.count("error"), statuses.count("skipped")
        counts = (passed, failed, errors, skipped, len(groups) - skipped)
        yield folder, suite, target, *counts, *_measured(groups), *_sources_of(groups)


def _groups(summary: Summary, folder: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a run in the table ``groups``."""
    for group in summary.groups.values():
        failed = group.judged - group.passed
        passed, failed = (group.passed, failed) if group.xfail is None else (failed, group.passed)
        counts = (passed, failed, group.tally.unjudged, group.tally.skipped, group.attempts)
        named = (group.suite, group.target, group.id, group.case, dumps(dict(group.axes)), group.status)
        yield folder, *named, *counts, *_measured([group]), *_sources_of([group])


def _sources_of(groups: Sequence[Group]) -> tuple[str, bool]:
    sources = set().union(*(group.tally.sources for group in groups))
    return ", ".join(sorted({source for _, source, _ in sources})), any(simulated for _, _, simulated in sources)


def _measured(groups: Sequence[Group]) -> tuple[float | None, ...]:
    """Attempts; tokens and thoughts where known; the median times; the cost if it is known for all."""
    attempts = sum(group.attempts for group in groups)
    tokens, thoughts = (_sum(groups, name) for name in ("totalTokenCount", "thoughtsTokenCount"))
    cost = total(group.cost for group in groups if group.judged or group.cost)
    return (
        attempts,
        tokens,
        thoughts,
        _median(groups, "ttft_s"),
        _median(groups, "latency_s"),
        None if cost is None else round(cost, 12),
    )


def _sum(groups: Sequence[Group], measure: str) -> float | None:
    """The sum as an integer; as a float if it is too large for SQLite; None if nothing was measured."""
    whole = total_of(groups, measure)
    return whole if whole is None or abs(whole) >= _LARGEST else round(whole)


def _median(groups: Sequence[Group], measure: str) -> float | None:
    found = median_of(groups, measure)
    return None if found is None else round(found, 9)
