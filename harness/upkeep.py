"""What becomes of cassettes: which are broken, unfinished, orphaned or stale, and how an interrupted recording is saved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness import cassette, journal
from harness.errors import CannotAsk, CassetteError, StaleRecording
from harness.leaks import Leaks
from harness.model import Request, Slot
from harness.providers import ROWS, Provider
from harness.recorder import Player

Kind = Literal["unreadable", "unfinished", "secret", "non-standard", "orphaned", "stale", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a cassette, in a sentence. ``changes`` says what made it stale, by JSON path."""

    path: Path
    kind: Kind
    message: str
    changes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Recovered:
    """A cassette that got what its journal held."""

    path: Path
    exchanges: int


def cassettes_in(paths: Iterable[Path]) -> list[Path]:
    """The cassettes at these files and folders, those included of which there is only a journal so far."""
    found: dict[Path, None] = {}
    for path in paths:
        files = [path] if not path.is_dir() else sorted(each for each in path.rglob("*") if each.is_file())
        for file in files:
            if file.name.endswith((".yaml.journal", ".yml.journal")):
                file = file.with_name(file.name.removesuffix(".journal"))  # noqa: PLW2901
            if file.suffix in (".yaml", ".yml") or not path.is_dir():
                found[file] = None
    return list(found)


def recover(paths: Iterable[Path]) -> list[Recovered]:
    """Fold every journal that an interrupted recording left at these files and folders into its cassette.

    Raises CassetteError where the recording still runs, or the disk refuses.
    """
    return [_recover(path) for path in cassettes_in(paths) if journal.journal_of(path).exists()]


def _recover(path: Path) -> Recovered:
    journal.lock(path)
    try:
        return Recovered(path, journal.fold(path))
    finally:
        journal.unlock(path)


def inspect(
    paths: Iterable[Path],
    *,
    live: Collection[Path] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> list[Finding]:
    """What is wrong with the cassettes at these files and folders.

    ``live`` are the cassettes that the suites use: given, every other one is reported as orphaned. ``secrets`` (variable ->
    value) may stand in none of them.
    """
    leaks = Leaks(secrets or {})
    used = None if live is None else {path.resolve() for path in live}
    return [finding for path in cassettes_in(paths) for finding in _inspect(path, leaks, used)]


def _inspect(path: Path, leaks: Leaks, used: Collection[Path] | None) -> Iterator[Finding]:
    if journal.journal_of(path).exists():
        owner = journal.recorder_of(path)
        now = f"process {owner} records it now" if owner else f"run: {journal.RECOVER} {path}"
        yield Finding(path, "unfinished", f"its recording is not finished; {now}")
    if used is not None and path.resolve() not in used:
        yield Finding(path, "orphaned", "no case uses it")
    if not path.exists():
        if not journal.journal_of(path).exists():
            yield Finding(path, "unreadable", "does not exist")
        return
    try:
        tape = cassette.read(path)
    except CassetteError as fault:
        yield Finding(path, "unreadable", str(fault).removeprefix(f"{path}: "))
        return
    yield from _leaks(path, tape, leaks)
    if complaint := _not_standard(path, len(tape.interactions)):
        yield Finding(path, "non-standard", complaint)


def _leaks(path: Path, tape: cassette.Tape, leaks: Leaks) -> Iterator[Finding]:
    """What stands in the open, and what only shows once bodies are decoded."""
    raw = path.read_bytes()
    if found := leaks.search(raw):
        line = raw.count(b"\n", 0, found[1]) + 1
        yield Finding(path, "secret", f"line {line}: {found[0]}")
        return
    for each in tape.interactions:
        if leak := leaks.find(each.exchange):
            yield Finding(path, "secret", f"interaction {each.index}: {leak}")


def _not_standard(path: Path, interactions: int) -> str | None:
    """What stock vcrpy (and pytest-recording, which uses parts of it) cannot do with a file that we can read."""
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import jsonserializer, yamlserializer

    if "metadata" in cassette.load(path):
        return "a top-level `metadata` key, which pytest-recording 0.14 cannot load"
    serializer = jsonserializer if path.suffix == ".json" else yamlserializer
    try:
        requests, *_ = FilesystemPersister.load_cassette(path, serializer)
    except Exception as fault:  # noqa: BLE001 - whatever stock vcrpy says
        return f"stock vcrpy cannot load it: {type(fault).__name__}: {fault}"
    if len(requests) != interactions:
        return f"stock vcrpy finds {len(requests)} interactions in it, not {interactions}"
    return None


def stale(asked: Iterable[tuple[Request, Slot]], providers: Mapping[str, Provider] = ROWS) -> Iterator[Finding]:
    """Which of these requests their cassettes do not answer, and why: ``stale`` or ``missing``. Sends nothing."""
    player = Player(providers)
    for request, slot in asked:
        try:
            player.find(request, slot)
        except StaleRecording as fault:
            yield Finding(slot.cassette, "stale", str(fault), fault.changes)
        except (CannotAsk, CassetteError) as fault:
            yield Finding(slot.cassette, "missing", str(fault))
