"""Reads the public recordings of real traffic in all their file formats, and asks the simulator the same."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import yaml

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call
from harness.transport import cassette

OPERATIONS = {"generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"}


class Recorded(NamedTuple):
    """One recorded request and its answer."""

    url: str
    body: bytes
    status: int
    content: bytes


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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A fast loader that knows Ruby's ``!binary``."""


_Loader.add_constructor("!binary", lambda _, node: base64.b64decode(node.value))


def _vcr(path: Path) -> Iterator[Recorded]:
    for interaction in cassette.read(path).interactions:
        found = interaction.exchange
        body = b"" if found.request.body is None else json.dumps(found.request.body).encode()
        yield Recorded(found.request.url, body, found.status, found.content)


def _httpmock(path: Path) -> Iterator[Recorded]:
    for pair in yaml.load_all(path.read_text("utf-8"), _Loader):
        asked, answered = pair["when"], pair["then"]
        query = "&".join(
            f"{one['name']}={one['value']}" for one in asked.get("query_param") or () if one["name"] != "key"
        )
        yield Recorded(
            f"{asked['path']}?{query}", _bytes(asked.get("body")), answered["status"], _bytes(answered.get("body"))
        )


def _test_server(path: Path) -> Iterator[Recorded]:
    for pair in json.loads(path.read_text("utf-8"))["interactions"]:
        asked, answered = pair["request"], pair["response"]
        sent, chunks = asked.get("bodySegments") or [None], answered.get("bodySegments") or []
        yield Recorded(
            asked["url"], _bytes(sent[0]), answered["statusCode"], _bytes(chunks if len(chunks) != 1 else chunks[0])
        )


def _ruby(path: Path) -> Iterator[Recorded]:
    for pair in yaml.load(path.read_text("utf-8"), _Loader)["http_interactions"]:
        asked, answered = pair["request"], pair["response"]
        status = answered["status"]["code"] if isinstance(answered["status"], dict) else answered["status"]
        yield Recorded(asked["uri"], _string(asked.get("body")), status, _string(answered.get("body")))


def _braintrust(path: Path) -> Iterator[Recorded]:
    for pair in json.loads(path.read_text("utf-8"))["entries"]:
        asked, answered = pair["request"], pair["response"]
        bodies = [_bytes((side.get("body") or {}).get("value")) for side in (asked, answered)]
        yield Recorded(asked["url"], bodies[0], answered["status"], bodies[1])


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else b"" if value is None else json.dumps(value).encode()


def _string(body: Any) -> bytes:
    value = (body or {}).get("string")
    return value if isinstance(value, bytes) else _bytes(value)


READERS: Mapping[str, Callable[[Path], Iterator[Recorded]]] = {
    "vcrpy": _vcr, "vcrpy-parsed_body": _vcr, "httpmock-yaml": _httpmock, "test-server-json": _test_server,
    "ruby-vcr": _ruby, "r-vcr": _ruby, "braintrust-cassette": _braintrust,
}  # fmt: skip
"""Format in the index -> reader."""


@lru_cache(maxsize=1)
def compared(recordings: Path) -> tuple[Compared, ...]:
    """Every recorded request of the native API that has a body and an answer, with the simulator's answer to it."""
    with (recordings / "INDEX.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["format"] in READERS]
    read = lru_cache(maxsize=8)(lambda path, form: list(READERS[form](path)))
    found = []
    for row in rows:
        if row["api"] == "gemini" and row["operation"] in OPERATIONS and row["has_request_body"] == "1":
            recorded = read(recordings / row["repo"] / row["file"], row["format"])[int(row["index"])]
            if recorded.content.strip() and recorded.body:
                found.append(_compared(row, recorded))
    return tuple(found)


def _compared(row: Mapping[str, str], recorded: Recorded) -> Compared:
    url = urlsplit(recorded.url)
    call = Call("POST", url.path, dict(parse_qsl(url.query)), {"x-goog-api-key": "k"}, recorded.body)
    sent = Simulator().handle(call)
    name = f"{row['repo']}/{Path(row['file']).stem} {row['index']}"
    request = json.loads(recorded.body)
    statuses = (int(recorded.status), sent.status)
    return Compared(
        name, row["model"], row["operation"], request, statuses, values(recorded.content), values(sent.content)
    )


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
