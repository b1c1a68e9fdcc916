"""Helpers for faults to read and change response values. ``values`` are the response objects: one, or one per chunk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.simulator.request import Ask

Json = dict[str, Any]
JSON_MODE = "application/json"


def candidates(values: list[Json]) -> Iterator[Json]:
    for value in values:
        yield from value.get("candidates", ())


def parts(values: list[Json]) -> Iterator[Json]:
    for candidate in candidates(values):
        yield from candidate.get("content", {}).get("parts", ())


def texts(values: list[Json]) -> list[Json]:
    """The text parts of the answer, without thoughts."""
    return [part for part in parts(values) if part.get("text") and not part.get("thought")]


def calls(values: list[Json]) -> list[Json]:
    return [part["functionCall"] for part in parts(values) if "functionCall" in part]


def usages(values: list[Json]) -> list[Json]:
    return [value["usageMetadata"] for value in values if "usageMetadata" in value]


def set_text(values: list[Json], text: str) -> None:
    """Make ``text`` the whole answer: it replaces the first text part, and the others become empty."""
    for number, part in enumerate(texts(values)):
        part["text"] = text if number == 0 else ""


def text_of(values: list[Json]) -> str:
    return "".join(part["text"] for part in texts(values))


def set_json_text(values: list[Json], ask: Ask, text: str) -> None:
    """Make ``text`` the whole answer if the request asks for JSON; other answers stay unchanged."""
    if ask.mime == JSON_MODE:
        set_text(values, text)


def set_finish(values: list[Json], finish: str) -> None:
    for candidate in candidates(values):
        if "finishReason" in candidate:
            candidate["finishReason"] = finish


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
