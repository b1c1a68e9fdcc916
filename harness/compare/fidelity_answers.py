"""The answers of one side, from the rows of a run or from recordings, with what pairs them to those of the other side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from harness.answer.wire_form import shows_all
from harness.compare.fidelity_changes import Answer
from harness.compare.fidelity_facts import facts
from harness.gemini.canonical import canonical
from harness.judge.recorded import operation
from harness.model import Exchange, Json
from harness.results.rows import Row, TurnRow, turn_row
from harness.text.jsontext import a_list, an_object
from harness.text.jsontext import canonical as sorted_json
from harness.transport.cassette import Tape

Key = tuple[str, ...]


def from_rows(rows: Iterable[Row], name: Callable[[Row], str | None]) -> Iterator[Answer]:
    """``name``: what a trial asks, alike on both sides; None leaves the trial out. Trials without an answer are left out."""
    for row in rows:
        case = name(row)
        if case is None:
            continue
        features = tuple(row.tags or (row.suite,))
        source = row.provenance
        live = source is not None and source.mode == "live"
        for number, turn in enumerate(row.turns or ()):
            found = facts(turn, all_headers=live or shows_all(turn.headers or {}))
            yield Answer(f"{case}#{number}", features, (row.id, number), found)


def case_of(row: Row, *, provider: bool, model: bool) -> str:
    """What a trial asks: its case and axes, with its provider and model where they are to be the same on both sides."""
    own_provider, _, own_model = row.target.partition("/")
    target = [own_provider if provider else "", own_model if model else ""]
    return json.dumps([row.suite, row.case, *target, row.axes], sort_keys=True)


# --- recordings -------------------------------------------------------------------------------------------


def from_tapes(tapes: Iterable[Tape], *, model: bool = True) -> Iterator[Answer]:
    """The native exchanges of recordings. ``model``: whether the same request to another model is another question."""
    for tape in tapes:
        for interaction in tape.interactions:
            exchange = interaction.exchange
            if (native := operation(exchange.request)) is not None:
                case = sorted_json([native[1], native[0] if model else "", _body(exchange.request.body)])
                at = (f"{tape.path}#{interaction.index}", 0)
                found = facts(turn_of(exchange), all_headers=not exchange.own or shows_all(exchange.headers))
                yield Answer(case, tuple(features_of(exchange.request.body, native[1])), at, found)


def turn_of(exchange: Exchange) -> TurnRow:
    """A recorded exchange as a turn of a run. Headers of other tools are as they are; ours are those that cassettes keep."""
    from harness.answer import reply

    return turn_row(exchange.request, exchange, reply.read(exchange))


def dated(turn: TurnRow, at: str | None) -> TurnRow:
    """The turn; the time of its recording stands for a date that was not kept."""
    headers = turn.headers or {}
    return turn if not at or headers.get("date") else replace(turn, headers={**headers, "date": at})


def _body(body: Json) -> Json:
    try:
        return canonical(body)
    except (TypeError, ValueError, AttributeError, KeyError):
        return body


_FEATURES: Sequence[tuple[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]]] = (
    ("functions", lambda body, _: "functionDeclarations" in json.dumps(body.get("tools"))),
    ("search", lambda body, _: "oogleSearch" in json.dumps(body.get("tools"))),
    ("maps", lambda body, _: "googleMaps" in json.dumps(body.get("tools"))),
    ("url-context", lambda body, _: "urlContext" in json.dumps(body.get("tools"))),
    ("code", lambda body, _: "codeExecution" in json.dumps(body.get("tools"))),
    ("file-search", lambda body, _: "fileSearch" in json.dumps(body.get("tools"))),
    ("schema", lambda _, config: bool(config.get("responseSchema") or config.get("responseJsonSchema"))),
    ("json", lambda _, config: config.get("responseMimeType") == "application/json"),
    ("thinking", lambda _, config: "thinkingConfig" in config),
    ("logprobs", lambda _, config: bool(config.get("responseLogprobs"))),
    ("image-output", lambda _, config: "IMAGE" in a_list(config.get("responseModalities"))),
    ("speech", lambda _, config: "AUDIO" in a_list(config.get("responseModalities"))),
    ("system", lambda body, _: "systemInstruction" in body),
    ("safety", lambda body, _: "safetySettings" in body),
    ("caching", lambda body, _: "cachedContent" in body),
    ("files", lambda body, _: "fileData" in json.dumps(body.get("contents"))),
    ("image-input", lambda body, _: '"mimeType": "image/' in json.dumps(body.get("contents"))),
    ("pdf-input", lambda body, _: '"mimeType": "application/pdf' in json.dumps(body.get("contents"))),
    ("audio-input", lambda body, _: '"mimeType": "audio/' in json.dumps(body.get("contents"))),
    ("video-input", lambda body, _: '"mimeType": "video/' in json.dumps(body.get("contents"))),
)
"""What a request asks for, under the names of the shipped suites' tags."""


def features_of(body: Json, operation: str) -> Iterator[str]:
    """The features of a recorded request, which has no tags; ``text`` where it asks for nothing special."""
    read = _body(body) if isinstance(body, dict) else {}
    config = an_object(read.get("generationConfig"))
    found = [name for name, asks in _FEATURES if asks(read, config)]
    found += ["stream"] if operation.startswith("stream") else []
    yield from found or ["text"]
