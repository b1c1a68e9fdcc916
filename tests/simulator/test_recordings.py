"""Sends recorded requests to the simulator. Its answers have the same status, and no key that real answers do not have."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.transport import cassette
from tests.simulator.provenance import EVIDENCE, SOURCES, ShapeSource
from tests.simulator.recordings import OPERATIONS, answer_to, keys, values

NOT_SERVED = ("gemini-1.5-", "gemma-3-", "learnlm")
"""Model families that are not in the catalogue any more. Their recordings have answers, the simulator does not."""
NEVER_FOLLOWED = {401, 403, 429, 500, 503}
"""Recorded errors that do not depend on the request."""
ELSEWHERE = {
    ".usageMetadata.serviceTier",
    ".candidates[].content.parts[].functionCall.id",
    ".candidates[].groundingMetadata.groundingSupports[].segment.startIndex",
}
"""Keys whose recordings are in formats that this test does not read."""


class Compared(NamedTuple):
    name: str
    recorded: Any
    simulated: Any


@pytest.fixture(scope="module")
def compared(shared: Path) -> list[Compared]:
    found = []
    with (shared / "recordings/INDEX.csv").open(encoding="utf-8", newline="") as rows:
        wanted = [row for row in csv.DictReader(rows) if _wanted(row)]
    for row in wanted:
        tape = cassette.read(shared / "recordings" / row["repo"] / row["file"])
        exchange = tape.interactions[int(row["index"])].exchange
        name = f"{row['repo']} {row['file']} {row['index']}"
        found.append(Compared(name, exchange, answer_to(exchange.request)))
    return found


def _wanted(row: dict[str, str]) -> bool:
    served = row["operation"] in OPERATIONS and not row["model"].startswith(NOT_SERVED)
    return row["format"] == "vcrpy" and row["api"] == "gemini" and served and row["has_request_body"] == "1"


def test_recorded_requests_get_their_recorded_status(compared: list[Compared]) -> None:
    assert len(compared) > 100
    wrong = []
    for name, recorded, simulated in compared:
        about_key = b"API_KEY_INVALID" in recorded.content
        if recorded.status not in NEVER_FOLLOWED and not about_key and recorded.status != simulated.status:
            wrong.append((name, recorded.status, simulated.status, simulated.content[:300]))
    assert wrong == []


def test_no_answer_has_a_key_that_no_recording_has(compared: list[Compared]) -> None:
    real: set[str] = set(ELSEWHERE)
    made: dict[str, str] = {}
    for name, recorded, simulated in compared:
        if recorded.status == simulated.status == 200 and recorded.content:
            assert values(recorded.content), name
            assert values(simulated.content), name
            real.update(key for value in values(recorded.content) for key in keys(value))
            made.update((key, name) for value in values(simulated.content) for key in keys(value))
    assert {key: name for key, name in made.items() if key not in real} == {}


def test_every_shape_is_listed_once_with_its_evidence() -> None:
    assert len({source.shape for source in SOURCES}) == len(SOURCES)
    assert {source.evidence for source in SOURCES} == set(EVIDENCE)


@pytest.mark.parametrize("source", [row for row in SOURCES if row.evidence == "recorded"], ids=lambda row: row.shape)
def test_a_recorded_shape_names_a_repository_with_recordings(source: ShapeSource, shared: Path) -> None:
    with (shared / "recordings/INDEX.csv").open(encoding="utf-8", newline="") as rows:
        kept = {row["repo"].replace("+", "/") for row in csv.DictReader(rows)}
    assert any(repository in source.source for repository in kept), source.source
