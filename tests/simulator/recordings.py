"""Reads the public recordings of real traffic in all their file formats, and asks the simulator the same."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from harness.model import Request
from harness.simulator.app import Simulator
from harness.simulator.traffic import Call, Sent
from harness.transport import cassette

OPERATIONS = {"generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"}


class Compared(NamedTuple):
    """A recorded answer beside the simulator's. ``recorded`` and ``simulated`` are the JSON values, one for each chunk."""

    name: str
    model: str
    operation: str
    request: Mapping[str, Any]
    statuses: tuple[int, int]
    recorded: list[Any]
    simulated: list[Any]

    @property
    def answered(self) -> bool:
        return self.statuses == (200, 200)


FORMATS = (
    *("vcrpy", "vcrpy-parsed_body", "httpmock-yaml", "test-server-json"),
    *("ruby-vcr", "r-vcr", "braintrust-cassette"),
)
"""The formats of the index whose recordings are compared."""


@lru_cache(maxsize=1)
def compared(recordings: Path) -> tuple[Compared, ...]:
    """Every recorded request of the native API that has a body and an answer, with the simulator's answer to it."""
    with (recordings / "INDEX.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["format"] in FORMATS and row["api"] == "gemini"]
    files = dict.fromkeys((row["repo"], row["file"]) for row in rows)
    return tuple(found for repo, file in files for found in _compared(recordings, repo, file))


def _compared(recordings: Path, repo: str, file: str) -> Iterator[Compared]:
    for interaction in cassette.read(recordings / repo / file).interactions:
        recorded = interaction.exchange
        operation = urlsplit(recorded.request.url).path.rpartition(":")[2]
        if operation not in OPERATIONS or recorded.request.body is None or not recorded.content.strip():
            continue
        sent = answer_to(recorded.request)
        name = f"{repo}/{Path(file).stem} {interaction.index}"
        statuses = (recorded.status, sent.status)
        answers = values(recorded.content), values(sent.content)
        yield Compared(name, recorded.request.model, operation, recorded.request.body, statuses, *answers)


def answer_to(request: Request) -> Sent:
    """The answer of a new simulator to a recorded request."""
    url = urlsplit(request.url)
    body = b"" if request.body is None else json.dumps(request.body).encode()
    call = Call(request.method.upper(), url.path, dict(parse_qsl(url.query)), {"x-goog-api-key": "k"}, body)
    return Simulator().handle(call)


def values(content: bytes) -> list[Any]:
    """The JSON values of an answer in any framing; none of an answer that is no JSON."""
    try:
        if content.lstrip().startswith(b"data:"):
            return [json.loads(line[5:]) for line in content.decode().splitlines() if line.startswith("data:")]
        value = json.loads(content)
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]


def keys(value: Any, at: str = "") -> Iterator[str]:
    """Every key path, except inside free-form objects."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item, at + "[]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield f"{at}.{name}"
            if name not in ("args", "response"):
                yield from keys(item, f"{at}.{name}")


def candidate(value: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (value.get("candidates") or [{}])[0] if isinstance(value, dict) else {}
    return found


def kinds(value: Any) -> list[str]:
    """The kinds of the parts of a chunk, equal neighbours once."""
    names = [_kind(part) for part in (candidate(value).get("content") or {}).get("parts") or ()]
    return [name for n, name in enumerate(names) if not n or names[n - 1] != name]


def _kind(part: Mapping[str, Any]) -> str:
    if part.get("thought"):
        return "thought"
    name = next((name for name in part if name not in ("thoughtSignature", "partMetadata")), "nothing")
    return "empty" if name == "text" and not part["text"] else name


def usage(chunks: list[Any]) -> Mapping[str, int]:
    """The last ``usageMetadata``."""
    return next((chunk["usageMetadata"] for chunk in reversed(chunks) if "usageMetadata" in chunk), {})
