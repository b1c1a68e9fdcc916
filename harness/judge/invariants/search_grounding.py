"""Grounding: a search has results, supports point at existing chunks, and the offsets of a segment give its text."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gemini import grounding
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch

_AT = "$.candidates[0].groundingMetadata."


@rule("grounding-chunks", "warn")
def grounding_chunks(evidence: Evidence) -> Iterator[Mismatch]:
    """If the model ran a search, the answer has ``groundingChunks``."""
    found = evidence.reply.grounding
    ran = found.get("webSearchQueries") or found.get("searchEntryPoint")
    if ran and not found.get("groundingChunks"):
        yield Mismatch(f"{_AT}groundingChunks", "at least one", None, "a search ran, but there are no groundingChunks")


@rule("grounding-index", "error")
def grounding_index(evidence: Evidence) -> Iterator[Mismatch]:
    """Every entry of ``groundingChunkIndices`` is the index of an existing chunk."""
    if evidence.reply.grounding:
        count = len(grounding.chunks(evidence.reply))
        for at, index in grounding.stray_indices(evidence.reply):
            yield Mismatch(_AT + at, f"below {count}", index, f"chunk {index!r} does not exist: there are {count}")


@rule("grounding-segment", "error", of_bytes=True)
def grounding_segment(evidence: Evidence) -> Iterator[Mismatch]:
    """The UTF-8 bytes at a segment's offsets are its text: in its part if it names one, else in the visible text."""
    for segment in grounding.segments(evidence.reply) if evidence.reply.grounding else ():
        if segment.text and not segment.agrees:
            source = "the text" if segment.part is None else f"part {segment.part}"
            what = "do not exist" if segment.found is None else f"are {segment.found[:60]!r}"
            message = (
                f"bytes {segment.start} to {segment.end} of {source} {what}, the segment says {segment.text[:60]!r}"
            )
            yield Mismatch(_AT + segment.at, segment.text, segment.found, message)
