"""Answers from cassettes of any tool: a recorded request gets its recorded answer, at its recorded pace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

from harness.errors import CassetteError
from harness.model import Exchange, Request
from harness.simulator.errors import Refusal
from harness.simulator.traffic import Call, Cut, Pause, Piece, Sent
from harness.text.jsontext import canonical, json_of
from harness.transport import cassette
from harness.transport.cassette import origin

Key = tuple[str, str, str]

_OPERATION = re.compile(r"models/[^/]+$")
_OF_THE_CONNECTION = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "date"})


@dataclass(slots=True)
class Replay:
    """Recorded answers by request. The n-th request gets the n-th recording of it, later ones the last recording.

    Requests match by the method, the model and its verb (in any API version), and the body as JSON.
    """

    answers: dict[Key, list[Exchange]]
    _asked: dict[Key, int] = field(default_factory=dict)

    def answer(self, call: Call) -> Sent:
        """The recorded answer. Raises the API's 404 for a request without a recording."""
        key = _key(_request(call))
        found = self.answers.get(key)
        if not found:
            known = sum(map(len, self.answers.values()))
            raise Refusal(
                "NOT_FOUND",
                f"No recorded request matches {call.method} {call.path} with this body ({known} recordings are loaded).",
            )
        number = self._asked.get(key, 0)
        self._asked[key] = number + 1
        return _sent(found[min(number, len(found) - 1)])


def load(paths: Sequence[Path]) -> Replay:
    """Loads cassettes, and all cassettes in folders. Raises CassetteError for one that cannot be read."""
    answers: dict[Key, list[Exchange]] = {}
    for path in paths:
        for tape in _in_folder(path) if path.is_dir() else [cassette.read(path)]:
            for interaction in tape.interactions:
                answers.setdefault(_key(interaction.exchange.request), []).append(interaction.exchange)
    return Replay(answers)


def _in_folder(folder: Path) -> Iterator[cassette.Tape]:
    """The recordings in a folder. A file of another kind is passed over, but a broken cassette is not."""
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        try:
            yield cassette.read(file)
        except CassetteError:
            if file.suffix in (".yaml", ".yml"):
                raise


def _key(request: Request) -> Key:
    """Method, model and verb, and the body as canonical JSON text."""
    url = request.url.partition("?")[0]
    found = _OPERATION.search(url)
    body = canonical(request.body) if request.body is not None else request.content.decode("latin-1")
    return request.method.upper(), found[0] if found else url.partition("://")[2].partition("/")[2], body


def _request(call: Call) -> Request:
    query = urlencode({name: value for name, value in call.query.items() if name != "key"})
    url = f"http://{cassette.SIMULATOR_HOST}{call.path}{'?' + query if query else ''}"
    return Request("", "", call.method, url, {}, json_of(call.body), call.body, "unary")


def _sent(exchange: Exchange) -> Sent:
    kept = {**exchange.headers, **dict(origin.headers_of(exchange.provenance))}
    headers = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in kept.items()
        if name not in _OF_THE_CONNECTION
    ]
    return Sent(exchange.status, [*headers, (b"x-replayed", b"gemini-harness")], _pieces(exchange), note="  replayed")


def _pieces(exchange: Exchange) -> Iterator[Piece]:
    """The chunks, and the pauses between them if the recording has times."""
    chunks = exchange.chunks
    if chunks:
        yield chunks[0].data
    for before, chunk in pairwise(chunks):
        if exchange.provenance.timing != "lost":
            yield Pause(max(0.0, chunk.at - before.at))
        yield chunk.data
    if exchange.fault:
        yield Cut()
