"""Faults in grounding."""

from __future__ import annotations

from harness.simulator.faults.registry import edits
from harness.simulator.faults.values import Json, candidates, text_of, texts
from harness.simulator.request import Ask


def _groundings(values: list[Json]) -> list[Json]:
    return [found for candidate in candidates(values) if (found := candidate.get("groundingMetadata"))]


@edits("grounding-segment")
def character_offsets(values: list[Json], _: Ask) -> None:
    """Grounding offsets count characters instead of bytes, and are too large by one."""
    text = text_of(values).encode()
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            segment = support["segment"]
            for name in ("startIndex", "endIndex"):
                segment[name] = len(text[: segment.get(name, 0)].decode("utf-8", "ignore")) + 1


@edits("grounding-index")
def dangling_chunk(values: list[Json], _: Ask) -> None:
    """A support refers to a chunk that does not exist."""
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            support["groundingChunkIndices"] = [len(found.get("groundingChunks", ())) + 3]


@edits("grounding-segment")
def wrong_part(values: list[Json], _: Ask) -> None:
    """Segments have the partIndex of a part that does not exist."""
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            support["segment"]["partIndex"] = 7


@edits()
def footnotes(values: list[Json], _: Ask) -> None:
    """The answer has footnote marks, but no grounding metadata."""
    if not _groundings(values):
        return
    for candidate in candidates(values):
        candidate.pop("groundingMetadata", None)
    for part in texts(values)[-1:]:
        part["text"] += " [1][2]"


@edits("grounding-chunks")
def no_chunks(values: list[Json], _: Ask) -> None:
    """The search ran, but no chunks and supports came back."""
    for found in _groundings(values):
        found.pop("groundingChunks", None)
        found.pop("groundingSupports", None)


@edits()
def empty_grounding(values: list[Json], _: Ask) -> None:
    """The groundingMetadata is {} (real answers do that too)."""
    for candidate in candidates(values):
        if "groundingMetadata" in candidate:
            candidate["groundingMetadata"] = {}
