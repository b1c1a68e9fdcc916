"""Looks after cassettes: finds broken, unfinished, orphaned and stale ones, and recovers interrupted recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import CannotAsk, CassetteError, StaleRecording
from harness.gemini.providers import ROWS, Provider
from harness.model import Exchange, Request, Slot, Target
from harness.suite.cases import Suite
from harness.suite.matrix import Selection, expand
from harness.text.names import safe_filename
from harness.text.personal import NO_REDACTION, Redaction
from harness.transport import cassette, journal
from harness.transport.recorder import Player
from harness.transport.redaction import Leaks

Kind = Literal["unreadable", "unfinished", "secret", "non-standard", "orphaned", "stale", "missing"]


@dataclass(frozen=True, slots=True)
class CassetteFinding:
    """One fault of a cassette, in a sentence. ``changes``: what made it stale, one line for each JSON path."""

    path: Path
    kind: Kind
    message: str
    changes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Recovered:
    """A cassette whose journal was folded into it. ``exchanges``: how many."""

    path: Path
    exchanges: int


def cassettes_in(paths: Iterable[Path]) -> list[Path]:
    """The cassettes at these files and folders, also those that are only a journal so far."""
    found: dict[Path, None] = {}
    for path in paths:
        files = [path] if not path.is_dir() else sorted(file for file in path.rglob("*") if file.is_file())
        for file in files:
            file = journal.cassette_of(file) or file  # noqa: PLW2901
            if file.suffix in (".yaml", ".yml") or not path.is_dir():
                found[file] = None
    return list(found)


def recover(paths: Iterable[Path]) -> list[Recovered]:
    """Fold every journal that an interrupted recording left at these files and folders into its cassette.

    Raises CassetteError if the recording still runs, or if the disk cannot be written.
    """
    found = [path for path in cassettes_in(paths) if path in journal.unfinished(path.parent)]
    return [_recover(path) for path in found]


def _recover(path: Path) -> Recovered:
    with closing(journal.lock_folder(path.parent)):
        return Recovered(path, journal.fold({path: True}))


def inspect(paths: Iterable[Path], *, secrets: Mapping[str, str] | None = None) -> list[CassetteFinding]:
    """The faults of the cassettes at these files and folders. ``secrets`` (variable -> value) must not occur in them."""
    leaks = Leaks(secrets or {})
    return [finding for path in cassettes_in(paths) for finding in _inspect(path, leaks)]


def _inspect(path: Path, leaks: Leaks) -> Iterator[CassetteFinding]:
    left = path in journal.unfinished(path.parent)
    if left:
        now = "another process is recording it" if journal.is_recorded_now(path) else f"run: {journal.RECOVER} {path}"
        yield CassetteFinding(path, "unfinished", f"its recording is not finished; {now}")
    if not path.exists():
        if not left:
            yield CassetteFinding(path, "unreadable", "does not exist")
        return
    try:
        tape = cassette.read(path)
    except CassetteError as fault:
        yield CassetteFinding(path, "unreadable", str(fault).removeprefix(f"{path}: "))
        return
    yield from _leaks(path, tape, leaks)
    if complaint := _not_standard(path, tape):
        yield CassetteFinding(path, "non-standard", complaint)


def _leaks(path: Path, tape: cassette.Tape, leaks: Leaks) -> Iterator[CassetteFinding]:
    """Secrets under the names of credentials, then in decoded bodies, then anywhere else in the file."""
    raw, clean = path.read_bytes(), True
    for interaction in tape.interactions:
        found = [
            f"a value under {where} that is not masked{_line(raw, value)}; {_MASKED}"
            for where, value in interaction.credentials
        ]
        if leak := leaks.find(interaction.exchange):
            found.append(f"{leak}; {_TAKEN_OUT}")
        yield from (CassetteFinding(path, "secret", f"interaction {interaction.index}: {what}") for what in found)
        clean = clean and not found
    if clean and (elsewhere := leaks.search(raw)):
        line = raw.count(b"\n", 0, elsewhere[1]) + 1
        yield CassetteFinding(path, "secret", f"line {line}: {elsewhere[0]}; {_TAKEN_OUT}")


def _line(raw: bytes, value: str) -> str:
    at = raw.find(value.encode("utf-8", "surrogatepass"))
    line = raw.count(b"\n", 0, at) + 1
    return "" if at < 0 else f", line {line}"


_MASKED = "replace it by REDACTED (vcrpy: filter_headers, filter_query_parameters), and revoke it if it is real"
_TAKEN_OUT = "remove it or record the file again, and revoke it if it is real"


def _not_standard(path: Path, tape: cassette.Tape) -> str | None:
    """Why stock vcrpy or pytest-recording cannot load a file that we can read; None if they can."""
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import jsonserializer, yamlserializer

    if tape.format != "vcrpy":
        return f"{tape.format}: stock vcrpy cannot load it; `import` makes a cassette of it"
    if "metadata" in cassette.load(path):
        return "a top-level `metadata` key, which pytest-recording 0.14 cannot load"
    serializer = jsonserializer if path.suffix == ".json" else yamlserializer
    try:
        requests, *_ = FilesystemPersister.load_cassette(path, serializer)
    except Exception as fault:  # noqa: BLE001 - stock vcrpy may raise anything
        return f"stock vcrpy cannot load it: {type(fault).__name__}: {fault}"
    if len(requests) != len(tape.interactions):
        return f"stock vcrpy finds {len(requests)} interactions in it, not {len(tape.interactions)}"
    return None


# --- compared with the suites -----------------------------------------------------------------------------


def orphans(folder: Path, suites: Sequence[Suite], default_provider: str, *, whole: bool = True) -> list[Path]:
    """Our cassettes in a folder that no trial of the suites uses.

    A trial may use it on the suites' own targets, or on a target that something here was recorded from
    (``--provider google`` may have recorded targets that the suites do not name).

    ``whole``: these are all suites of that folder; otherwise only the suites' own folders are searched.
    """
    selection = Selection(default_provider=default_provider, cassettes_dir=folder)
    places = [folder] if whole else [folder / safe_filename(suite.name) for suite in suites]
    unasked = _not_in(selection, suites, cassettes_in(place for place in places if place.exists()))
    recorded = {path: target for path in unasked if (target := _recorded_from(path)) is not None}
    wider = Selection(targets=list(dict.fromkeys(recorded.values())), cassettes_dir=folder)
    return list(_not_in(wider, suites, recorded)) if recorded else []


def _not_in(selection: Selection, suites: Sequence[Suite], paths: Iterable[Path]) -> list[Path]:
    trials = expand(suites, selection)
    asked = {path.resolve() for trial in trials for path in (trial.cassette, trial.own) if path is not None}
    return [path for path in paths if path.resolve() not in asked]


def _recorded_from(path: Path) -> Target | None:
    """The target that a cassette of ours is named after; None for files that other tools made, and for broken ones."""
    try:
        tape = cassette.read(path)
    except CassetteError:
        return None
    if "harness" not in tape.recorded_with or not tape.interactions:
        return None
    models = dict.fromkeys(interaction.exchange.request.model for interaction in tape.interactions)
    for model in models:
        provider, found, _ = path.name.partition(f".{safe_filename(model)}")
        if model and found:
            return Target(provider, model)
    return None


class ReplayProbe:
    """A transport that answers from cassettes. ``findings``: the requests without an answer, ``stale`` or ``missing``."""

    def __init__(
        self,
        providers: Mapping[str, Provider] = ROWS,
        redaction: Redaction = NO_REDACTION,
    ) -> None:
        self.asked = 0
        self.findings: list[CassetteFinding] = []
        self._player = Player(providers, redaction=redaction)

    async def send(self, request: Request, slot: Slot) -> Exchange:
        self.asked += 1
        try:
            return self._player.find(request, slot)
        except StaleRecording as fault:
            self.findings.append(CassetteFinding(slot.cassette, "stale", str(fault), fault.changes))
            raise
        except (CannotAsk, CassetteError) as fault:
            self.findings.append(CassetteFinding(slot.cassette, "missing", str(fault)))
            raise
