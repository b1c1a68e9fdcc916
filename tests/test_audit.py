"""The audit: any recording held to the invariants, with no suite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.audit import audit, operation
from harness.model import Exchange
from tests.exchanges import answer, exchange, request, sse


@dataclass(frozen=True)
class Interaction:
    index: int
    exchange: Exchange


@dataclass(frozen=True)
class Tape:
    path: Path
    interactions: list[Interaction]


def tape(name: str, *exchanges: Exchange) -> Tape:
    return Tape(Path(name), [Interaction(index, each) for index, each in enumerate(exchanges)])


ERROR = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}


def test_the_document() -> None:
    other = request(path="/v1beta/models/gemini-embedding-2:embedContent")
    streamed = exchange(sse(answer("a"), answer("b")), request(stream=True))
    done = audit(
        [
            tape("one.yaml", exchange(answer()), exchange({}, other), exchange(ERROR, status=429)),
            tape("two.yaml", replace(streamed, verbatim=False)),
        ],
        {"three.yaml": "a HAR file, not a vcrpy cassette"},
    ).document()
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
    assert done == {
        "version": 1,
        "files": 3,
        "interactions": 4,
        "native_interactions": 3,
        "unreadable": [{"file": "three.yaml", "reason": "a HAR file, not a vcrpy cassette"}],
        "normalised": ["two.yaml"],
        "findings": [
            {
                "file": "two.yaml",
                "index": 0,
                "rule": "stream-end",
                "severity": "error",
                "at": "events[1]",
                "expected": "nothing after the end",
                "actual": [{"text": "b"}],
                "message": "content came after the finishReason in events[0]",
            }
        ],
        "exchanges": [
            heard("one.yaml", 0, "generateContent", 200, "STOP", usage),
            heard("one.yaml", 2, "generateContent", 429, None, {}),
            heard("two.yaml", 0, "streamGenerateContent", 200, "STOP", usage),
        ],
    }


def heard(file: str, index: int, called: str, status: int, reason: str | None, usage: object) -> dict[str, object]:
    return {
        "file": file,
        "index": index,
        "model": "gemini-2.5-flash",
        "operation": called,
        "status": status,
        "finishReason": reason,
        "stream": called.startswith("stream"),
        "usage": usage,
    }


@pytest.mark.parametrize(
    ("path", "native"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent?alt=json", ("gemini-2.5-pro", "generateContent")),
        ("/gw/v1/models/m:streamGenerateContent?alt=sse", ("m", "streamGenerateContent")),
        ("/v1/projects/p/locations/l/publishers/google/models/m:generateContent", ("m", "generateContent")),
        ("/v1/projects/p/locations/l/endpoints/123:generateContent", ("123", "generateContent")),
        ("/v1beta/models/m:countTokens", None),
        ("/v1beta/openai/chat/completions", None),
        ("/v1beta/models", None),
    ],
)
def test_native_exchanges_are_told_by_their_path(path: str, native: tuple[str, str] | None) -> None:
    assert operation(exchange(answer(), request(path=path))) == native
