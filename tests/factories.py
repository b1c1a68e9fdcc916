"""Makes trials, requests and exchanges for tests of sending, recording and running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from harness.config import Config, Timeouts
from harness.gemini.providers import Provider
from harness.model import Chunk, Exchange, Expectation, Place, Provenance, Request, Slot, Step, Target, Trial
from harness.text.jsontext import compact

PLACE = Place("suites/capitals.yaml", 7, 5)
URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
PARIS: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "Paris"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 5},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def body(text: str = "hi", **more: Any) -> dict[str, Any]:
    return {"contents": [user(text)], **more}


def request(value: Any = None, url: str = URL, **more: Any) -> Request:
    sent = body() if value is None else value
    plain: dict[str, Any] = {
        "provider": "google",
        "model": "gemini-2.5-flash",
        "method": "POST",
        "headers": {"accept": "*/*", "content-type": "application/json", "user-agent": "a test"},
        "content": compact(sent),
        "transport": "unary",
    }
    return Request(url=url, body=sent, **{**plain, **more})


def exchange(value: Any = PARIS, sent: Request | None = None, **more: Any) -> Exchange:
    """An exchange with a live answer: one chunk, or the given chunks."""
    data = value if isinstance(value, bytes) else compact(value)
    plain: dict[str, Any] = {
        "status": 200,
        "headers": {"content-type": "application/json; charset=UTF-8"},
        "chunks": [Chunk(data, 0.25)] if data else [],
        "head_at": 0.2,
        "provenance": Provenance("live", "google", "2026-11-21T10:00:00+00:00"),
    }
    return Exchange(request=sent or request(), **{**plain, **more})


def slot(cassette: Path, row: int = 0, repeat: int = 0, step: int = 0, own: Path | None = None) -> Slot:
    return Slot(cassette, row, repeat, step, own=own)


def step(text: str = "hi", expect: Mapping[str, Any] | None = None, **more: Any) -> Step:
    """A step that sends ``text``."""
    plain: dict[str, Any] = {"body": {}, "contents": [user(text)] if text else [], "transport": "unary", "place": PLACE}
    expectations = [Expectation(name, parameter, PLACE) for name, parameter in (expect or {}).items()]
    return Step(expect=expectations, **{**plain, **more})


def trial(steps: Sequence[Step] | None = None, cassette: Path = Path("case.yaml"), **more: Any) -> Trial:
    attempt = more.pop("attempt", 1)
    plain: dict[str, Any] = {
        "group": "capitals/france@here/gemini-2.5-flash",
        "suite": "capitals",
        "case": "france",
        "target": Target("here", "gemini-2.5-flash"),
        "axes": {},
        "row": 0,
        "steps": steps or [step()],
        "place": PLACE,
    }
    made = {**plain, **more}
    return Trial(id=f"{made['group']}#{attempt}", attempt=attempt, cassette=cassette, **made)


def config(url: str = "http://127.0.0.1:9", **more: Any) -> Config:
    """A configuration with one provider called ``here``, without a key, and with short timeouts."""
    row = Provider("here", url, kind="import", auth="none")
    settings = Config(provider="here", providers={"here": row}, timeouts=Timeouts(2, 1, 3, 2), concurrency=4)
    return replace(settings, **more)


class Script:
    """A transport that returns these answers in turn, and then repeats the last one. An answer that is an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.sent: list[tuple[Request, Slot]] = []
        self._answers = answers

    async def send(self, request: Request, slot: Slot) -> Exchange:
        self.sent.append((request, slot))
        found = self._answers[min(len(self.sent), len(self._answers)) - 1]
        if isinstance(found, BaseException):
            raise found
        return replace(found, request=request) if isinstance(found, Exchange) else exchange(found, request)

    async def __aenter__(self) -> Script:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None
