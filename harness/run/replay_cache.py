"""What a replay works out again each time, kept in ``.cache`` beside the cassettes: parsed cassettes, and what the rules found.

It is never truth. The key of an entry is a hash of all that the entry is made from: of the bytes of the cassette, or of the answer and
what the rules see beside it; and of this program. So no entry can be out of date, and the folder may be deleted at any time. Where the
file cannot be read or written (torn, locked, a full disk), everything is worked out as without it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import MsgspecError, Struct, msgpack

from harness.config import Config
from harness.judge.judging import RuleViolation, violations
from harness.judge.registry import all_rules
from harness.model import Evidence, Mismatch, Severity
from harness.transport import cassette
from harness.transport.cassette import Interaction, Tape

FOLDER, NAME = ".cache", "replays.sqlite"
_MOST = 1 << 29
"""Bytes of the file from which on it is begun again: nobody asks for what cassettes of long ago left in it."""
_AT_ONCE = 128
"""Entries that are written together."""
_WAIT = 2.0
"""Seconds to wait for another process that writes."""
_UNFIT = (TypeError, ValueError, OverflowError)
"""What msgpack raises for values that it cannot hold."""


class _Parsed(Struct, frozen=True, array_like=True):
    interactions: Sequence[Interaction]
    recorded_with: dict[str, Any]


class _Found(Struct, frozen=True, array_like=True):
    rule: str
    mismatch: Mismatch
    severity: Severity


_parsed, _found = msgpack.Decoder(_Parsed), msgpack.Decoder(list[_Found])
_encoded = msgpack.Encoder().encode


class ReplayCache:
    """Forks of a process share it, each by a connection of its own: one of SQLite's may not be carried over a fork."""

    def __init__(self, path: Path, program: bytes) -> None:
        """``program``: a hash of what decides how cassettes are read and answers judged."""
        self._path = path
        self._connections: dict[int, sqlite3.Connection | None] = {}
        self._new: dict[bytes, bytes] = {}
        self._program = program

    def read(self, path: Path) -> Tape:
        """As ``cassette.read``."""
        return cassette.read(path, self._short)

    def _short(self, path: Path, raw: bytes) -> Tape | None:
        key = self._key(raw)
        with suppress(MsgspecError):
            if (kept := self._get(key)) is not None:
                found = _parsed.decode(kept)
                return Tape(path, found.interactions, found.recorded_with)
        tape = cassette.read_short(path, raw)
        if tape is not None:
            self._put(key, _encoded(_Parsed(tape.interactions, dict(tape.recorded_with))))
        return tape

    def violations(self, evidence: Evidence) -> Sequence[RuleViolation]:
        """As ``judging.violations``."""
        key = self._key_of(evidence)
        with suppress(MsgspecError, KeyError):
            if key and (kept := self._get(key)) is not None:
                rules = all_rules()
                return [RuleViolation(rules[item.rule], item.mismatch, item.severity) for item in _found.decode(kept)]
        found = list(violations(evidence))
        if key and all(violation.traceback is None for violation in found):
            entry = [_Found(violation.rule.id, violation.mismatch, violation.severity) for violation in found]
            with suppress(*_UNFIT):
                encoded = _encoded(entry)
                if _found.decode(encoded) == entry:
                    self._put(key, encoded)
        return found

    def _key_of(self, evidence: Evidence) -> bytes | None:
        """None for values that msgpack cannot hold, and where rules of other packages judge: they may see more than this."""
        if not self._only_our_rules:
            return None
        seen = (evidence.exchange, evidence.model, evidence.transport, evidence.operation, evidence.expects)
        with suppress(*_UNFIT):
            return self._key(_encoded(seen))
        return None

    @cached_property
    def _only_our_rules(self) -> bool:
        return all(rule.function.__module__.startswith("harness.judge.") for rule in all_rules().values())

    def _key(self, content: bytes) -> bytes:
        return sha256(self._program + content).digest()

    # the file

    def close(self) -> None:
        """Write what is new, and leave the file to others."""
        self.flush()
        if (connection := self._connections.pop(os.getpid(), None)) is not None:
            connection.close()

    def flush(self) -> None:
        """Write what is new."""
        entries, self._new = self._new, {}
        if entries and (connection := self._connection()) is not None:
            with suppress(sqlite3.Error), connection:
                connection.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?)", entries.items())

    def _get(self, key: bytes) -> bytes | None:
        connection = self._connection()
        if connection is None:
            return None
        try:
            row = connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row else None

    def _put(self, key: bytes, value: bytes) -> None:
        self._new[key] = value
        if len(self._new) >= _AT_ONCE:
            self.flush()

    def _connection(self) -> sqlite3.Connection | None:
        process = os.getpid()
        if process not in self._connections:
            self._connections[process] = _connected(self._path)
        return self._connections[process]


@contextmanager
def replay_cache(config: Config) -> Iterator[ReplayCache]:
    """The cache beside the cassettes. Leaving the block writes what is new."""
    path = config.cassettes / FOLDER / NAME
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.with_name(".gitignore").write_text("*\n", encoding="utf-8")
        if path.exists() and path.stat().st_size > _MOST:
            path.unlink()
    found = ReplayCache(path, _program(config.definition))
    try:
        yield found
    finally:
        found.close()


def _connected(path: Path) -> sqlite3.Connection | None:
    """A connection to the file, which is begun again where it is damaged; None where that is not possible."""
    for _ in range(2):
        try:
            return _opened(path)
        except sqlite3.OperationalError:  # locked, not writable
            return None
        except sqlite3.DatabaseError:
            with suppress(OSError):
                path.unlink()
    return None


_SETTINGS = ("page_size = 16384", "journal_mode = WAL", "synchronous = OFF")


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT)
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB)")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _program(definition: Path | None) -> bytes:
    """A hash of this interpreter, its packages, our files, and the definition of the API where the configuration names one."""
    own = Path(__file__).parents[1]
    files = sorted(f"{place}/{name}" for place, _, names in os.walk(own) for name in names if name[-4:] != ".pyc")
    facts = [(file, (about := os.stat(file)).st_size, about.st_mtime_ns) for file in files]  # noqa: PTH116 - a path each would take as long as all the rest
    packages = Path(sysconfig.get_paths()["purelib"]).stat().st_mtime_ns
    return sha256(repr((sys.version, packages, facts, definition and definition.read_bytes())).encode()).digest()
