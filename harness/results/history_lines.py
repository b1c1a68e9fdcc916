"""The document of ``history``: a line for each run, suite and target (or group), and what changed since the line before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter

from harness.model import Json
from harness.results.rows import VERSION
from harness.text.grouping import grouped


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """The result of one run for one suite on one target; with ``group``, for that group only.

    ``passed``, ``failed``, ``errors`` and ``skipped`` count groups by verdict (attempts, if ``group`` is given). ``total``
    counts all but the skipped. Expected failures count as passed, unexpected passes as failed. Tokens, thoughts and
    ``cost_usd`` (US dollars) are sums over attempts, times are medians in seconds; None: not known. ``complete``: the run
    was finished. ``stopped_early``: by design, as its answer was known. ``playing``: another process is still playing it.
    """

    run: str
    started: str
    record_mode: str
    complete: bool
    suite: str
    target: str
    group: str | None
    status: str | None
    passed: int
    failed: int
    errors: int
    skipped: int
    total: int
    attempts: int
    tokens: int | None
    thoughts: int | None
    ttft_s: float | None
    latency_s: float | None
    cost_usd: float | None
    sources: str
    simulated: bool
    stopped_early: bool = False
    playing: bool = False
    change: str = ""
    """What changed since the entry before of the same subject; empty for the first, and if nothing changed."""

    @property
    def subject(self) -> tuple[str, str, str | None]:
        """What must be the same for two lines to be compared."""
        return self.suite, self.target, self.group


@dataclass(frozen=True, slots=True)
class History:
    """Lines, newest last. ``earlier``: the number of older runs that ``--last`` left out."""

    lines: Sequence[HistoryEntry]
    notes: Sequence[str] = ()
    earlier: int = 0

    def to_json(self) -> dict[str, Json]:
        """The document of ``history --format json``."""
        lines = [asdict(line) for line in self.lines]
        return {"version": VERSION, "history": lines, "earlier": self.earlier, "notes": list(self.notes)}

    def by_subject(self) -> Mapping[tuple[str, str, str | None], Sequence[HistoryEntry]]:
        return grouped(self.lines, attrgetter("subject"))


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of ``history --sql``."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Json]]

    def to_json(self) -> dict[str, Json]:
        """The document of ``history --sql SELECT --format json``."""
        return {"version": VERSION, "columns": list(self.columns), "rows": list(self.rows)}


def lines(entries: Sequence[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Entries, oldest first, with what changed."""
    before: dict[tuple[str, str, str | None], HistoryEntry] = {}
    for entry in entries:
        yield replace(entry, change=", ".join(_changes(before.get(entry.subject), entry)))
        before[entry.subject] = entry


def _changes(before: HistoryEntry | None, now: HistoryEntry) -> Iterator[str]:
    if not now.complete:
        yield "still being played" if now.playing else "cut short"
    elif now.stopped_early:
        yield "stopped early by design"
    if before is None:
        return
    for what, then, here in (
        ("failed", before.failed, now.failed),
        ("error", before.errors, now.errors),
        ("in all", before.total, now.total),
    ):
        if here != then:
            yield f"{here - then:+d} {what}"
    if before.simulated != now.simulated:
        yield "simulated now" if now.simulated else "real now"
    elif before.sources != now.sources:
        yield "other source"
