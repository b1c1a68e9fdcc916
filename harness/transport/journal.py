"""Crash-safe recording: finished exchanges go to a journal first, and then into the cassette in one step.

While ``case.yaml`` is recorded, ``case.yaml.journal`` stands beside it, with one finished exchange a line. Several workers
of one run have a journal each, ``case.yaml.gw0.journal``. After kill -9 or on a full disk the old cassette is intact, and
finished exchanges stay in the journal until ``fold`` has put them into the cassette. The process that folds holds the
``RecordingLock`` of the folder.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from harness import __version__
from harness.disk import FolderLock, is_locked, replacing, sweep
from harness.errors import CannotWrite, CassetteError
from harness.text.amounts import count
from harness.transport import cassette

RECOVER = "gemini-harness cassettes recover"
_AT_ONCE = 8
"""Cassettes that are written at the same time. To write one is mostly to wait for the disk."""
_JOURNAL = r"(.+?)(\.gw\d+)?\.journal"
"""The cassette's name, and the name of the worker, where there is one."""


def journal_of(path: Path, worker: str = "") -> Path:
    """Where finished exchanges of the cassette ``path`` go."""
    return path.with_name(f"{path.name}.{worker}.journal" if worker else f"{path.name}.journal")


def cassette_of(path: Path) -> Path | None:
    """The cassette that a journal belongs to; None for any other file."""
    name = re.fullmatch(_JOURNAL, path.name)
    return path.with_name(name[1]) if name else None


def unfinished(folder: Path) -> dict[Path, list[Path]]:
    """Cassette -> its journals, for the cassettes in a folder that have some. Subfolders are not searched."""
    found: dict[Path, list[Path]] = {}
    with suppress(OSError):
        names = os.listdir(folder)  # noqa: PTH208  a Path for each entry takes most of the time
        for name in sorted([name for name in names if name.endswith(".journal")]):
            if path := cassette_of(folder / name):
                found.setdefault(path, []).append(folder / name)
    return found


# --- the journal --------------------------------------------------------------------------------------


def begin(path: Path, worker: str = "") -> None:
    """Create an empty journal, unless there is one: a disk that cannot be written fails before the first request.

    Raises CannotWrite.
    """
    _write(path, b"", worker)


def append(path: Path, interaction: Mapping[str, Any], worker: str = "") -> None:
    """Add a finished interaction, after ``begin``. It survives the end of the process, but not a power failure: the file is not synced.

    Raises CannotWrite if it cannot be written; the journal is then unchanged.
    """
    line = json.dumps(interaction, ensure_ascii=False, default=_from_bytes).encode("utf-8", "surrogatepass") + b"\n"
    _write(path, line, worker)


def _write(path: Path, line: bytes, worker: str) -> None:
    journal = journal_of(path, worker)
    try:
        if not line:  # of ``begin``: there is a folder from then on
            journal.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _write_line(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as fault:
        raise CannotWrite(
            f"{journal}: cannot be written: {fault.strerror}. {path.name} is unchanged; exchanges that finished before are kept. "
            f"Fix that and run again, or save what is finished: {RECOVER} {path}"
        ) from fault


def _write_line(descriptor: int, line: bytes) -> None:
    before = os.fstat(descriptor).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _entries(journal: Path) -> Iterator[dict[str, Any]]:
    """The finished interactions in a journal, without an incomplete last line."""
    for line in journal.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line, object_hook=_to_bytes)
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(entry, dict) and isinstance(entry.get("response"), dict):
            yield entry


def _from_bytes(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _to_bytes(value: dict[str, Any]) -> Any:
    return b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value


# --- into the cassette --------------------------------------------------------------------------------


def fold(cassettes: Mapping[Path, bool], raised: type[CassetteError] = CassetteError) -> int:
    """Put the journals into these cassettes: write a temporary file, sync it, move it into place. Returns the number of exchanges.

    A slot that was recorded again replaces the old one. A cassette with False drops all other exchanges that it held. Raises the first
    fault of the kind ``raised``, after trying all: CannotWrite if the disk cannot be written (the journals stay), and BadCassette if an old
    file cannot be read.
    """
    from concurrent.futures import ThreadPoolExecutor

    faults: list[CassetteError] = []
    journals: dict[Path, list[Path]] = {}
    for folder in {path.parent for path in cassettes}:
        journals |= unfinished(folder)

    def one(path: Path) -> int:
        try:
            return _fold(path, journals.get(path, []), keep=cassettes[path])
        except CassetteError as fault:
            faults.append(fault)
            return 0

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = sum(pool.map(one, cassettes))
    for fault in faults:
        if isinstance(fault, raised):
            raise fault
    return found


def _fold(path: Path, journals: Sequence[Path], *, keep: bool) -> int:
    try:
        new = {_slot_or_id(entry): entry for journal in journals for entry in _entries(journal)}
        if new:
            _put_into(path, new, keep=keep)
        for journal in journals:
            journal.unlink()
    except OSError as fault:
        raise CannotWrite(
            f"{path}: cannot be written: {fault.strerror}. The old file is unchanged; what was recorded is in "
            f"{journals[0].name}. Fix that, then run: {RECOVER} {path}"
        ) from fault
    return len(new)


def _put_into(path: Path, new: Mapping[Any, dict[str, Any]], *, keep: bool) -> None:
    old = cassette.load(path) if path.exists() else {"interactions": []}
    kept = [entry for entry in old["interactions"] if keep and _slot_or_id(entry) not in new]
    order = sorted([*kept, *new.values()], key=lambda entry: _slot(entry) or [-1])
    text = cassette.dump(order, {**old.get("recorded_with", {}), "harness": __version__})
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def _slot(interaction: Mapping[str, Any]) -> list[int] | None:
    slot = interaction["response"].get("x-recording", {}).get("slot")
    return slot if isinstance(slot, list) else None


def _slot_or_id(interaction: Mapping[str, Any]) -> tuple[int, ...] | int:
    slot = _slot(interaction)
    return id(interaction) if slot is None else tuple(slot)


# --- who records --------------------------------------------------------------------------------------


class RecordingLock:
    """The exclusive right to write the cassettes of some folders. The system releases it when the process ends.

    Taking it also folds the journals that killed recordings left. The lock is on the parent folder, which is a suite's.
    """

    def __init__(self) -> None:
        self._locks: dict[Path, FolderLock] = {}
        self._folders: set[Path] = set()

    def take(self, folders: Iterable[Path], waiting: Callable[[str], object] | None = None) -> int:
        """Lock these folders of cassettes too. If another process holds one, call ``waiting`` with a message, and wait. Returns the
        number of exchanges that were in journals.

        Raises CannotWrite if the disk cannot be written, and, without ``waiting``, if another process holds one.
        """
        new = set(folders)
        for folder in sorted(new):
            if (home := _home(folder)) not in self._locks:
                self._locks[home] = lock_folder(folder, waiting)
        for folder in new:
            sweep(folder)
        found = _fold_all(new)
        self._folders |= new
        return found

    def fold(self) -> None:
        """Fold all journals in these folders. Raises the first fault, after trying all folders."""
        _fold_all(self._folders)

    def close(self) -> None:
        for lock in self._locks.values():
            lock.close()
        self._locks.clear()
        self._folders.clear()


def is_recorded_now(path: Path) -> bool:
    """Whether a process holds the lock for the cassette."""
    return is_locked(_home(path.parent))


def _home(folder: Path) -> Path:
    return folder.absolute().parent


def lock_folder(folder: Path, waiting: Callable[[str], object] | None = None) -> FolderLock:
    """Lock one folder of cassettes. Raises CannotWrite: see ``RecordingLock.take``."""
    home = _home(folder)
    try:
        home.mkdir(parents=True, exist_ok=True)
        try:
            return FolderLock(home)
        except BlockingIOError:
            busy = f"{os.path.relpath(home)} is being recorded by another process"
            if waiting is None:
                raise CannotWrite(f"{busy}; wait for it, or end it") from None
            waiting(f"{busy}: waiting for it (Ctrl-C stops waiting)")
            return FolderLock(home, wait=True)
    except OSError as fault:
        raise CannotWrite(
            f"{os.path.relpath(home)}: cannot be written: {fault.strerror}. No request of this folder was sent"
        ) from fault


def recover(folder: Path) -> int:
    """Fold the journals in a folder of cassettes and those beside it, unless a process records there or the disk cannot be
    written. Returns the number of exchanges. Of several processes that replay, one does it and the others wait."""
    home = _home(folder)
    with suppress(OSError, CannotWrite), closing(FolderLock(home, shared=True)) as lock:
        if lock.held:
            with closing(FolderLock(home.parent, wait=True)):
                return _fold_all(home.iterdir())
    return 0


def _fold_all(folders: Iterable[Path]) -> int:
    """A cassette that cannot be read keeps its journals; reading it reports the fault."""
    return fold({path: True for folder in sorted(folders) for path in unfinished(folder)}, CannotWrite)


def recovered(exchanges: int) -> str:
    """What a run says where it found journals."""
    them = count(exchanges, "exchange")
    return f"an interrupted recording had left {them} in journals; they are in their cassettes now"
