"""Replaying and recording: transports that answer from cassettes, and put live answers into them.

``Player`` never opens a socket. ``Recorder`` wraps a live transport and keeps its answers:

===============  ==================================================================================
mode             does
===============  ==================================================================================
``none``         replays only; a missing or stale recording is an error (this is ``Player``)
``once``         records cassettes that do not exist, or whose recording was cut short; replays what is there
``new_episodes`` replays what matches; records what is missing or stale
``stale``        replays what matches; records what is stale; what is missing stays an error
``all``          records everything again, but replays files that other tools made
===============  ==================================================================================

A file that a case names with ``cassette:`` is only read. What it lacks is recorded where a case without that key is.

This layer never sees credentials: ``wire`` adds them below. Still, every exchange is searched for secrets before anything
is written.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from harness.answer import reply as replies
from harness.errors import (
    BadCassette,
    CannotWrite,
    NoRecording,
    SecretOnTape,
    StaleRecording,
    UnfinishedCassette,
    UsageError,
)
from harness.gemini.providers import ROWS, Provider
from harness.model import Access, Exchange, RecordMode, Request, Slot
from harness.text.personal import NO_REDACTION, Redaction
from harness.transport import journal, matching, redacting
from harness.transport.cassette import Tape, document, read
from harness.transport.redaction import Leaks
from harness.transport.retrying import is_worded_limit
from harness.transport.wrapping import Around, LiveTransport

if TYPE_CHECKING:
    from harness.transport.pacing import GiveTurn

_TAPES_IN_MEMORY = 32

SendHome = Callable[[Path, Mapping[str, Any] | None], None]
"""Takes (cassette, interaction) as soon as it is recorded; None in the place of the interaction: a request is about to be sent."""


class Coworker(Struct, frozen=True):
    """What one process knows of a run that several play together. ``name``: its own.

    ``turn``: of the pacing of all of them. ``send_home`` takes what it records, where it writes no journal itself. ``interrupted``:
    cassettes whose recording was cut short before this run.
    """

    name: str
    turn: GiveTurn | None = None
    send_home: SendHome | None = None
    interrupted: frozenset[Path] = frozenset()


class Player:
    """Answers from cassettes. ``send`` never suspends, so it runs without an event loop.

    Raises NoRecording, StaleRecording, BadCassette, and, unless ``while_recording``, UnfinishedCassette.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider] = ROWS,
        *,
        while_recording: bool = False,
        redaction: Redaction = NO_REDACTION,
        say: Callable[[str], object] | None = None,
        read: Callable[[Path], Tape] = read,
    ) -> None:
        """``say``: takes a sentence where it recovers what an interrupted recording left; without it, that is an error. ``read``: reads
        a cassette."""
        self._read = read
        self._say = say
        self._providers = providers
        self._redaction = redaction
        self._while_recording = while_recording
        self._unfinished: OrderedDict[Path, Mapping[Path, object]] = OrderedDict()
        self._recovered: set[Path] = set()
        self._indexes: OrderedDict[Path, matching.Index] = OrderedDict()

    async def send(self, request: Request, slot: Slot) -> Exchange:
        return self.find(request, slot)

    def find(self, request: Request, slot: Slot) -> Exchange:
        """The recorded exchange, with the present request in the place of the recorded one. In files that other tools made
        it keeps the recorded address, since the framing of the answer depends on it. ``slot.own`` is asked before the file that a case names."""
        if slot.own is None:
            return self._find(request, slot)
        faults: list[NoRecording | StaleRecording] = []
        for place in (_written(slot), slot):
            try:
                return self._find(request, place)
            except (NoRecording, StaleRecording) as fault:
                faults.append(fault)
        raise next((fault for fault in faults if isinstance(fault, StaleRecording)), faults[-1])

    def _find(self, request: Request, slot: Slot) -> Exchange:
        index = self._index(slot.cassette)
        asked = redacting.redacted_request(request, self._redaction)
        try:
            found = matching.find(index, asked, slot, self.host(asked)).exchange
        except StaleRecording as fault:
            raise StaleRecording(f"{fault}{self._other_address(fault, request)}", fault.changes) from None
        found = replace(found, request=asked if found.own else replace(asked, url=found.request.url))
        return redacting.redacted(found, self._redaction)

    def _other_address(self, fault: StaleRecording, request: Request) -> str:
        """What to do where the recording is of another host, and a variable can move this provider to it."""
        row = self._providers.get(request.provider)
        if row is None or row.base_url_from is None or not any(change.startswith("host: ") for change in fault.changes):
            return ""
        return f"\n  {row.base_url_from} moves {row.name} to another address: set it as it was when this was recorded"

    def replayed(
        self, mode: str, request: Request, slot: Slot, *, existed: bool, continued: bool = False
    ) -> Exchange | None:
        """The recording that this mode replays; None if the request must be sent. Raises NoRecording, StaleRecording.

        ``existed``: whether the cassette was there before the run; ``continued``: whether its recording was cut short.
        """
        if not existed and mode != "stale":
            return None
        if mode == "all":
            return self._of_other_tools(request, slot)
        try:
            return self.find(request, slot)
        except StaleRecording:
            if mode == "once":
                raise
        except NoRecording:
            if mode != "new_episodes" and not (mode == "once" and continued):
                raise
        return None

    def _of_other_tools(self, request: Request, slot: Slot) -> Exchange | None:
        """What another tool recorded. What a file lacks that a case names, is recorded beside it; elsewhere it is an error."""
        if not slot.cassette.exists() or self.has_own(slot.cassette) is not False:
            return None
        try:
            return self.find(request, replace(slot, own=None))
        except (StaleRecording, NoRecording):
            if slot.own is None:
                raise
            return None

    def has_own(self, cassette: Path) -> bool | None:
        """Whether this program made a recording on the cassette; None where it holds none. A file that other tools made is evidence,
        and cannot be recorded again here."""
        recorded = self.tape(cassette).interactions
        return any(interaction.exchange.own for interaction in recorded) if recorded else None

    def recorded_since(self, request: Request, slot: Slot, since: datetime) -> Exchange | None:
        """The answer in exactly this slot, if it was recorded at ``since`` or later."""
        slot = _written(slot)
        request = redacting.redacted_request(request, self._redaction)
        try:
            found = matching.find(self._index(slot.cassette), request, slot, self.host(request))
        except (NoRecording, StaleRecording):
            return None
        same = found.slot == slot.position and _is_since(found.exchange, since)
        return replace(found.exchange, request=request) if same else None

    def host(self, request: Request) -> str:
        """The host under which this request's exchanges are matched."""
        return self.record_host(request) or matching.host(request.url)

    def tape(self, cassette: Path) -> Tape:
        """The cassette, read."""
        return self._index(cassette).tape

    def record_host(self, request: Request) -> str | None:
        """The host that replaces the real one on tape, if the provider's row names one."""
        provider = self._providers.get(request.provider)
        return provider.record_host if provider else None

    def _index(self, cassette: Path) -> matching.Index:
        index = self._indexes.get(cassette)
        if index is None:
            if not self._while_recording:
                self._check_finished(cassette)
            index = self._indexes[cassette] = matching.Index(self._tape(cassette))
            if len(self._indexes) > _TAPES_IN_MEMORY:
                self._indexes.popitem(last=False)
        else:
            self._indexes.move_to_end(cassette)
        return index

    def _tape(self, cassette: Path) -> Tape:
        try:
            return self._read(cassette)
        except BadCassette:
            if cassette.exists():
                raise
            raise NoRecording(f"{cassette} does not exist") from None

    def _check_finished(self, cassette: Path) -> None:
        folder = cassette.parent
        if folder not in self._unfinished:
            self._unfinished[folder] = journal.unfinished(folder)
            if len(self._unfinished) > _TAPES_IN_MEMORY:
                self._unfinished.popitem(last=False)
            if self._say and self._unfinished[folder] and folder.parent not in self._recovered:
                self._recovered.add(folder.parent)
                if found := journal.recover(folder):
                    self._say(journal.recovered(found))
                self._unfinished[folder] = journal.unfinished(folder)
        if cassette in self._unfinished[folder]:
            if journal.is_recorded_now(cassette):
                raise UnfinishedCassette(f"{cassette} is being recorded by another process; wait for it")
            raise UnfinishedCassette(
                f"{cassette}: its recording was interrupted; run: {journal.RECOVER} {folder.parent}"
            )


def _written(slot: Slot) -> Slot:
    """The slot on the cassette that a recording goes to: a file that a case names is only read."""
    return slot if slot.own is None else replace(slot, cassette=slot.own, own=None)


class Recorder(Around, AbstractContextManager["Recorder"]):
    """Answers live and keeps the answers, as ``mode`` says. Use it in a ``with`` block: leaving it writes the cassettes.

    ``secrets``: variable -> value; none of the values may be written.
    ``live``: what it takes out of its exchanges (``Redacting``) is taken out of a request before it is looked for.
    ``partial``: this run does not ask for everything that a cassette holds (a selection, an interruption); then ``all``
    replaces what it records and drops nothing.
    ``since``: an earlier session of this run recorded what is of this time or later; it is not asked for again.
    ``worker``: this process is one of several that record together; it only writes journals, or sends home what it records,
    and the main process holds the lock and folds the journals.
    ``foreign``: the cassettes that ``all`` replayed, because other tools made them.
    ``beside``: files that cases name -> where the recording went that such a file lacks.
    ``recovered``: exchanges that an interrupted recording had left. ``unwritten``: cassettes whose journals stay, since writing them
    was interrupted.

    Raises what Player and ``live`` raise, SecretOnTape, and CannotWrite if the disk cannot be written; no further
    request is then sent.
    """

    def __init__(
        self,
        mode: RecordMode,
        live: LiveTransport,
        providers: Mapping[str, Provider] = ROWS,
        secrets: Mapping[str, str] | None = None,
        *,
        partial: bool = False,
        since: datetime | None = None,
        worker: Coworker | None = None,
    ) -> None:
        if mode not in (modes := get_args(RecordMode)[1:]):
            raise UsageError(f"{mode!r} is not a mode that records; these are: {', '.join(modes)}")
        self.partial = partial
        self.foreign: set[Path] = set()
        self.beside: dict[Path, Path] = {}
        self._since = since
        self._mode = mode
        super().__init__(live)
        self.live = True
        redaction = live.redaction if isinstance(live, redacting.Redacting) else NO_REDACTION
        self._player = Player(providers, while_recording=True, redaction=redaction)
        self._leaks = Leaks(secrets or {})
        self._existed: dict[Path, bool] = {}
        self._writes_cassettes = worker is None
        self._worker = worker.name if worker else ""
        self._send_home: SendHome = (worker and worker.send_home) or self.receive
        self._lock = journal.RecordingLock()
        self.recovered = 0
        self.unwritten = 0
        self._claimed: set[Path] = set()
        self._interrupted = set(worker.interrupted) if worker else set()
        self._opened: set[Path] = set()
        self._refused: CannotWrite | None = None
        self._unrecorded: Counter[Path] = Counter()

    def claim(self, folders: Iterable[Path], waiting: Callable[[str], object] | None = None) -> None:
        """Lock folders of cassettes, before the first request: see ``journal.RecordingLock.take``."""
        new = set(folders) - self._claimed
        if not new:
            return
        self._interrupted.update(path for folder in new for path in journal.unfinished(folder))
        if self._writes_cassettes:
            self.recovered += self._lock.take(new, waiting)
        self._claimed |= new

    async def send(self, request: Request, slot: Slot) -> Exchange:
        if self._refused:
            raise self._refused
        try:
            return await self._send(request, slot)
        except CannotWrite as fault:
            self._refused = fault
            raise

    async def _send(self, request: Request, slot: Slot) -> Exchange:
        named, slot = slot, _written(slot)
        self.claim([slot.cassette.parent])
        if self._since and (recorded := self._player.recorded_since(request, slot, self._since)):
            return recorded
        reads_named = named.own is not None and named.cassette.exists()
        if (existed := self._existed.get(slot.cassette)) is None:
            existed = self._existed[slot.cassette] = self._is_older(slot.cassette)
        continued = slot.cassette in self._interrupted
        if recorded := self._player.replayed(
            self._mode, request, named, existed=existed or reads_named, continued=continued
        ):
            if self._mode == "all":
                self.foreign.add(named.cassette)
            return recorded
        self._refuse(self._leaks.find_in_request(request) or self._leaks.find_in_name(slot.cassette), slot)
        self._send_home(slot.cassette, None)
        exchange = await super().send(request, slot)
        if worth_keeping(exchange):
            self._keep(exchange, slot)
            if reads_named:
                self.beside[named.cassette] = slot.cassette
        return exchange

    def receive(self, cassette: Path, interaction: Mapping[str, Any] | None) -> None:
        """Keep what this process, or one that sends home, has recorded: see `SendHome`. Raises CannotWrite."""
        if cassette not in self._opened:
            journal.begin(cassette, self._worker)
            self._opened.add(cassette)
        if interaction is None:
            self._unrecorded[cassette] += 1
        else:
            journal.append(cassette, interaction, self._worker)
            self._unrecorded[cassette] -= 1

    def _is_older(self, cassette: Path) -> bool:
        """Whether the cassette was there before this run began."""
        if self._since is None or not cassette.exists():
            return cassette.exists()
        since = self._since
        return not all(_is_since(recorded.exchange, since) for recorded in self._player.tape(cassette).interactions)

    def _keep(self, exchange: Exchange, slot: Slot) -> None:
        self._refuse(self._leaks.find(exchange), slot)
        host = self._player.record_host(exchange.request)
        self._send_home(slot.cassette, document(exchange, slot.position, host))

    def _refuse(self, leak: str | None, slot: Slot) -> None:
        """Raises SecretOnTape for a leak: for one in the request before it is sent, for one in the answer before it is written."""
        if leak:
            raise SecretOnTape(
                f"{slot.cassette}: not recorded: {leak}. Nothing was written. A case that has to send or receive a secret "
                "can only be run with --live."
            )

    def close(self) -> None:
        """Write every cassette that was recorded, and release the locks. Raises the first fault, after trying all."""
        if not self._writes_cassettes:
            return
        try:
            journal.fold({path: not self._is_whole(path) for path in sorted(self._opened)})
        finally:
            self.unwritten = sum(journal.journal_of(path).exists() for path in self._opened)
            self._lock.close()

    def _is_whole(self, cassette: Path) -> bool:
        """Whether this run has recorded everything that belongs into the cassette."""
        return self._mode == "all" and not self.partial and not self._unrecorded[cassette]

    def __exit__(self, kind: object, fault: object, _: object) -> None:
        self.partial = self.partial or kind is not None
        try:
            self.close()
        except CannotWrite:
            if not isinstance(fault, CannotWrite):  # the fault on its way out says the same
                raise


def _is_since(exchange: Exchange, since: datetime) -> bool:
    """Whether this program recorded the exchange at ``since`` or later."""
    at = exchange.provenance.recorded_at
    try:
        return exchange.own and at is not None and datetime.fromisoformat(at) >= since
    except (ValueError, TypeError):  # no date, or one without a zone
        return False


def is_passing(status: int) -> bool:
    """Whether an HTTP status says nothing about a feature: a timeout, a rate limit, cancelled (499), a server error."""
    return status in (408, 429, 499) or status >= 500


def refuses_key(exchange: Exchange) -> bool:
    """Whether the answer refuses the provider's own credential, sent as the provider says. A 403 counts by its text only: it may also
    be about a file or a model."""
    if exchange.request.access != Access():
        return False
    words = _REFUSES_KEY.get(exchange.status)
    return exchange.status == 401 or (words is not None and re.search(words, exchange.content) is not None)


_REFUSES_KEY = {
    400: rb"API_KEY_INVALID",
    403: (
        rb"(?i)api[ _-]?key|unregistered callers|SERVICE_DISABLED|has not been used in project|CONSUMER_(INVALID|SUSPENDED)"
        rb"|BILLING_DISABLED|ACCESS_TOKEN|(invalid|expired|missing|access|auth\w*) token|credential|unauthori[sz]ed"
    ),
}


def worth_keeping(exchange: Exchange) -> bool:
    """Whether an answer belongs on tape: complete, and neither a passing failure nor a refused key, unless the case expects it."""
    if exchange.fault is not None:
        return False
    if exchange.status in exchange.request.expects_status:
        return True
    if is_passing(exchange.status) or refuses_key(exchange):
        return False
    return not is_worded_limit(exchange, replies.read(exchange).text)
