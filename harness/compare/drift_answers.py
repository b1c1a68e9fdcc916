"""Answers for ``drift``, from the rows of a run or from recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.answer.reply import is_vertex
from harness.compare.drift import DriftAnswer, Sighting
from harness.judge.recorded import CHAT, evidence, operation, operation_at
from harness.model import UNKNOWN_MODEL, Json
from harness.results.rows import Row, RunRow
from harness.transport.cassette import Tape


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
            native = operation(exchange)
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
