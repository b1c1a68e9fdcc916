"""How a recording survives: finished exchanges go to a journal first, and become the cassette in one step.

Beside ``case.yaml`` stand, while it is recorded, ``case.yaml.journal`` (one finished exchange a line) and
``case.yaml.lock`` (who records). Whatever happens - kill -9, a full disk - the old cassette is whole, and what was finished
is in the journal until ``fold`` has put it into the cassette.
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import __version__, cassette
from harness.errors import CassetteError

RECOVER = "gemini-harness cassettes recover"


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


def lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


# --- the journal --------------------------------------------------------------------------------------


def append(path: Path, interaction: Mapping[str, Any]) -> None:
    """One finished interaction, on disk when this returns (for the process, not for the power supply).

    Raises CassetteError where it cannot be written; the journal then ends as it did before.
    """
    line = json.dumps(interaction, ensure_ascii=False, default=_from_bytes).encode("utf-8", "surrogatepass") + b"\n"
    journal = journal_of(path)
    try:
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _write_line(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as fault:
        raise CassetteError(
            f"{journal}: cannot be written: {fault.strerror}. {path.name} is as it was; what was finished before is kept. "
            f"Once that is mended: {RECOVER} {path}"
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


def entries(path: Path) -> Sequence[dict[str, Any]]:
    """The finished interactions in the journal of the cassette ``path``; a torn last line is left out."""
    found = []
    for line in journal_of(path).read_bytes().split(b"\n"):
        try:
            found.append(json.loads(line, object_hook=_to_bytes))
        except (ValueError, TypeError, RecursionError):
            continue
    return [each for each in found if isinstance(each, dict)]


def _from_bytes(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _to_bytes(value: dict[str, Any]) -> Any:
    return b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value


# --- into the cassette --------------------------------------------------------------------------------


def fold(path: Path, *, keep: bool = True) -> int:
    """Put the journal into the cassette: a temporary file, synced, then moved into place. Says how many exchanges.

    A slot that was recorded again replaces the old one. ``keep`` False drops everything else that was on the old tape.
    Raises CassetteError where the disk refuses (the journal stays) and BadCassette where the old file cannot be read.
    """
    fresh = entries(path)
    old = cassette.load(path) if path.exists() else {"interactions": []}
    new = {_where(each): each for each in fresh}
    kept = [each for each in old["interactions"] if keep and _where(each) not in new]
    order = sorted([*kept, *new.values()], key=lambda each: _slot(each) or [-1])
    if order:
        _replace(path, cassette.dump(order, {**old.get("recorded_with", {}), "harness": __version__}))
    journal_of(path).unlink()
    return len(new)


def _slot(interaction: Mapping[str, Any]) -> list[int] | None:
    slot = interaction["response"].get("x-recording", {}).get("slot")
    return slot if isinstance(slot, list) else None


def _where(interaction: Mapping[str, Any]) -> tuple[int, ...] | int:
    slot = _slot(interaction)
    return id(interaction) if slot is None else tuple(slot)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as fault:
        temporary.unlink(missing_ok=True)
        raise CassetteError(
            f"{path}: cannot be written: {fault.strerror}. The old file is as it was; what was recorded is in "
            f"{journal_of(path).name}. Once that is mended: {RECOVER} {path}"
        ) from fault


# --- the lock -----------------------------------------------------------------------------------------


def lock(path: Path) -> None:
    """Say that this process records ``path``. Raises CassetteError where another living process does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _try_lock(path) and not (_clear_stale(path) and _try_lock(path)):
            raise CassetteError(
                f"{path} is being recorded by process {_owner(path)}. Wait for it; if it is no recording, remove "
                f"{lock_of(path).name}"
            )
    except OSError as fault:
        raise CassetteError(f"{lock_of(path)}: cannot be written: {fault.strerror}") from fault


def unlock(path: Path) -> None:
    lock_of(path).unlink(missing_ok=True)


def recorder_of(path: Path) -> int | None:
    """The living process that records ``path`` now; None where there is none."""
    owner = _owner(path)
    return owner if owner is not None and _is_alive(owner) else None


def _try_lock(path: Path) -> bool:
    try:
        descriptor = os.open(lock_of(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(str(os.getpid()))
    return True


def _clear_stale(path: Path) -> bool:
    owner = _owner(path)
    if owner is None or _is_alive(owner) or owner != _owner(path):
        return False
    unlock(path)
    return True


def _owner(path: Path) -> int | None:
    try:
        return int(lock_of(path).read_text())
    except (OSError, ValueError):
        return None


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # there, signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
