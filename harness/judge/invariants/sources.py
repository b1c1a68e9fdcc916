"""Grounding: a search that ran has results, supports point at chunks that exist, and offsets cut the very text."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gemini import grounding
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch

_AT = "$.candidates[0].groundingMetadata."


@rule("grounding-chunks", "warn")
def grounding_chunks(evidence: Evidence) -> Iterator[Mismatch]:
    """A search that ran yielded chunks."""
    found = evidence.reply.grounding
    ran = found.get("webSearchQueries") or found.get("searchEntryPoint")
    if ran and not found.get("groundingChunks"):
        yield Mismatch(f"{_AT}groundingChunks", "at least one", None, "a search ran, but there are no groundingChunks")


@rule("grounding-index", "error")
def grounding_index(evidence: Evidence) -> Iterator[Mismatch]:
    """Every ``groundingChunkIndices`` entry names a chunk that exists."""
    if evidence.reply.grounding:
        count = len(grounding.chunks(evidence.reply))
        for at, index in grounding.stray_indices(evidence.reply):
            yield Mismatch(_AT + at, f"below {count}", index, f"chunk {index!r} does not exist: there are {count}")


@rule("grounding-segment", "error", of_bytes=True)
def grounding_segment(evidence: Evidence) -> Iterator[Mismatch]:
    """The UTF-8 bytes that a segment points at are its text: of its part where it names one, else of the visible text."""
    for each in grounding.segments(evidence.reply) if evidence.reply.grounding else ():
        if each.text and not each.agrees:
            where = f"bytes {each.start} to {each.end} of {'the text' if each.part is None else f'part {each.part}'}"
            what = "do not exist" if each.found is None else f"are {each.found[:60]!r}"
            message = f"{where} {what}, the segment says {each.text[:60]!r}"
            yield Mismatch(_AT + each.at, each.text, each.found, message)
