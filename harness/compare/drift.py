"""What answers hold that the official definition does not know: fields, enum values, other types. No side effects.

Only answers of ``generateContent`` and ``streamGenerateContent`` with HTTP 200 are looked at, at any host. Of a request that
was answered so, the fields and values are looked at as well, unless it went to Vertex AI, whose requests are not defined here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from harness.answer.reply import error_of, is_vertex
from harness.compare.known import Entry, stands_for
from harness.gemini import definition
from harness.gemini.canonical import RequestFinding, request_findings
from harness.judge.recorded import CHAT, evidence, operation, operation_at
from harness.model import UNKNOWN_MODEL, Json
from harness.results.rows import Row, RunRow
from harness.transport.cassette import Tape

DriftKind = Literal["field", "value", "type"]
_INDEX = re.compile(r"\[\d+\]")
_KINDS: Mapping[str, DriftKind] = {
    "unknown-field": "field",
    "unknown-value": "value",
    "wrong-type": "type",
    "not-repeating": "type",
}
_JSON_TYPES = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}


class Sighting(NamedTuple):
    """Where an answer was seen. ``date``: its day, as in 2026-12-01; empty: not known. ``trial``: an id, or the place in a recording."""

    provider: str
    model: str
    date: str
    file: str
    trial: str
    simulated: bool = False


class DriftAnswer(NamedTuple):
    """An answer: its values (one, or the events of a stream), and the body that asked for it; None: not to be looked at."""

    seen: Sighting
    values: Sequence[Json]
    request: Json


class Unknown(NamedTuple):
    """What the definition does not know. ``value``: the enum value, or what stands in the place of the type. ``expected``: the message,
    the enum or the type."""

    kind: DriftKind
    path: str
    value: str
    expected: str


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """One unknown at one provider. ``count``: in how many answers; ``models``: in the order in which they were seen."""

    unknown: Unknown
    models: tuple[str, ...]
    first: Sighting
    count: int = 1
    known: bool = False

    @property
    def provider(self) -> str:
        return self.first.provider

    @property
    def named(self) -> dict[str, str]:
        """What an entry of a list says of it."""
        one = self.unknown
        return {"kind": one.kind, "path": one.path, "value": one.value, "provider": self.provider}

    def to_json(self) -> dict[str, Json]:
        first = {"date": self.first.date or None, "file": self.first.file, "trial": self.first.trial}
        return {
            "path": self.unknown.path,
            "kind": self.unknown.kind,
            "provider": self.provider,
            "model": self.first.model,
            "first": first,
            "value": self.unknown.value or None,
            "expected": self.unknown.expected,
            "models": list(self.models),
            "count": self.count,
            "known": self.known,
            "simulated": self.first.simulated,
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """The document. ``revision``: of the definition. ``answers``: how many were looked at. ``unseen``: entries of the list that were not seen."""

    revision: str
    answers: int
    findings: Sequence[DriftFinding]
    unseen: Sequence[Entry] = ()
    notes: Sequence[str] = ()
    simulated: bool = False
    listed: str = ""
    """The file of what was seen before; empty: none was given."""

    @property
    def new(self) -> list[DriftFinding]:
        return [finding for finding in self.findings if not finding.known]

    def to_json(self) -> dict[str, Json]:
        return {
            "version": 1,
            "definition": self.revision,
            "answers": self.answers,
            "findings": [finding.to_json() for finding in self.findings],
            "unseen": [{"kind": one["kind"], "path": one["path"], "value": one.get("value")} for one in self.unseen],
            "notes": list(self.notes),
            "simulated": self.simulated,
        }


def drift(answers: Iterable[DriftAnswer], known: Collection[Entry] = ()) -> Drift:
    """What these answers hold that the definition in use does not know, the most frequent first; new ones before known ones."""
    seen: dict[tuple[Unknown, str], list[Sighting]] = {}
    number, simulated = 0, False
    for answer in answers:
        number += 1
        simulated |= answer.seen.simulated
        for unknown in dict.fromkeys(unknowns(answer)):
            seen.setdefault((unknown, answer.seen.provider), []).append(answer.seen)
    found = [_finding(unknown, places, known) for (unknown, _), places in seen.items()]
    found.sort(key=lambda one: (one.known, -one.count, one.unknown, one.provider))
    unseen = [entry for entry in known if not any(stands_for(entry, one.named) for one in found)]
    return Drift(definition.revision(), number, found, unseen, simulated=simulated)


def _finding(unknown: Unknown, seen: Sequence[Sighting], known: Collection[Entry]) -> DriftFinding:
    models = tuple(dict.fromkeys(at.model for at in seen))
    found = DriftFinding(unknown, models, min(seen, key=lambda at: at.date or "9999"), len(seen))
    return replace(found, known=any(stands_for(entry, found.named) for entry in known))


def unknowns(answer: DriftAnswer) -> Iterator[Unknown]:
    """What the definition does not know, once for each time it occurs."""
    for value in answer.values:
        if isinstance(value, dict) and error_of(value) is None:
            for one in definition.walk("GenerateContentResponse", value):
                kind = _KINDS[one.kind]
                instead = str(one.actual) if kind == "value" else _JSON_TYPES.get(type(one.actual), "null")
                yield Unknown(kind, _INDEX.sub("[*]", one.at), "" if kind == "field" else instead, str(one.expected))
    if isinstance(answer.request, dict):
        yield from (_of_request(one) for one in request_findings(answer.request))


def _of_request(one: RequestFinding) -> Unknown:
    path = "request $" + "".join("[*]" if isinstance(step, int) else f".{step}" for step in one.at)
    if one.kind == "unknown-field":
        return Unknown("field", path, "", _INDEX.sub("[*]", one.field) or "GenerateContentRequest")
    if one.kind == "not-repeating":
        return Unknown("type", path, "a list", "one value")
    kind: DriftKind = "value" if one.known else "type"
    return Unknown(kind, path, one.message.rpartition(", ")[2][:80], "a known value" if one.known else "another type")


# --- what is looked at ------------------------------------------------------------------------------------------


def from_rows(run: RunRow, rows: Iterable[Row], file: str) -> Iterator[DriftAnswer]:
    """The answers of a saved run. Those of a stream were merged when it was saved."""
    for row in rows:
        source = row.provenance
        date = (source and source.day) or run["started"][:10]
        provider, _, model = row.target.partition("/")
        for turn in row.turns or ():
            native = operation_at(turn.url)
            if native is not None and native[1] != CHAT and turn.status == 200:
                simulated = bool(source and source.simulated)
                seen = Sighting(provider, native[0] or model, date, file, row.id, simulated)
                yield DriftAnswer(seen, [turn.response], _request(turn.url, turn.request))


def from_tapes(tapes: Iterable[Tape]) -> Iterator[DriftAnswer]:
    """The native answers of recordings."""
    for tape in tapes:
        for interaction in tape.interactions:
            exchange = interaction.exchange
            native = operation(exchange.request)
            if native is not None and native[1] != CHAT and exchange.status == 200:
                source = exchange.provenance
                where = str(tape.path), f"interaction {interaction.index}"
                seen = Sighting(source.recorded_from, native[0], source.day, *where, source.simulated)
                values = [event.value for event in evidence(exchange).reply.events]
                if native[0] == UNKNOWN_MODEL and not any(map(_is_answer, values)):
                    continue  # its address is not known, and another call may be meant
                yield DriftAnswer(seen, values, _request(exchange.request.url, exchange.request.body))


def _is_answer(value: Json) -> bool:
    return isinstance(value, dict) and ("candidates" in value or "promptFeedback" in value)


def _request(url: str, body: Json) -> Json:
    """The body, unless it went to Vertex AI, whose requests are not defined here."""
    return None if is_vertex(url) else body
