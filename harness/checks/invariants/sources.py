"""Grounding: a search that ran has results, supports point at chunks that exist, and offsets cut the very text."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks import rule
from harness.model import Evidence, Json, Mismatch
from harness.reply import an_object, objects_in, parts_of, text_of

_AT = "$.candidates[{}].groundingMetadata"


@rule("grounding-chunks", "warn")
def grounding_chunks(evidence: Evidence) -> Iterator[Mismatch]:
    """A search that ran yielded chunks."""
    grounding = evidence.reply.grounding
    ran = grounding.get("webSearchQueries") or grounding.get("searchEntryPoint")
    if ran and not grounding.get("groundingChunks"):
        message = "a search ran, but there are no groundingChunks"
        yield Mismatch(f"{_AT.format(0)}.groundingChunks", "at least one", None, message)


@rule("grounding-index", "error")
def grounding_index(evidence: Evidence) -> Iterator[Mismatch]:
    """Every ``groundingChunkIndices`` entry names a chunk that exists."""
    for at, grounding, _ in _groundings(evidence):
        chunks = grounding.get("groundingChunks")
        count = len(chunks) if isinstance(chunks, list) else 0
        for number, support in enumerate(objects_in(grounding.get("groundingSupports"))):
            indices = support.get("groundingChunkIndices")
            for index in indices if isinstance(indices, list) else []:
                if not isinstance(index, int) or not 0 <= index < count:
                    place = f"{at}.groundingSupports[{number}].groundingChunkIndices"
                    yield Mismatch(place, f"below {count}", index, f"chunk {index!r} of {count} does not exist")


@rule("grounding-segment", "error", of_bytes=True)
def grounding_segment(evidence: Evidence) -> Iterator[Mismatch]:
    """The UTF-8 bytes that a segment points at are its text."""
    for at, grounding, candidate in _groundings(evidence):
        parts = parts_of(candidate)
        whole = _encoded(text_of(parts))
        for number, support in enumerate(objects_in(grounding.get("groundingSupports"))):
            segment = an_object(support.get("segment"))
            text = segment.get("text")
            if not isinstance(text, str):
                continue
            found = _slice(segment, parts, whole)
            if found != _encoded(text):
                actual = None if found is None else found.decode(errors="replace")
                yield Mismatch(f"{at}.groundingSupports[{number}].segment", text, actual, _differ(segment, actual))


def _groundings(evidence: Evidence) -> Iterator[tuple[str, dict[str, Json], dict[str, Json]]]:
    for number, candidate in enumerate(objects_in(evidence.reply.response.get("candidates"))):
        yield _AT.format(number), an_object(candidate.get("groundingMetadata")), candidate


def _slice(segment: dict[str, Json], parts: list[dict[str, Json]], whole: bytes) -> bytes | None:
    """The bytes between the offsets, of the part that is named or of the whole visible text; None where there are none."""
    start, end, part = (segment.get(key) for key in ("startIndex", "endIndex", "partIndex"))
    start, end = start or 0, end or 0
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end:
        return None
    if part is None:
        return whole[start:end] if end <= len(whole) else None
    if not isinstance(part, int) or not 0 <= part < len(parts):
        return None
    text = parts[part].get("text")
    return _encoded(text)[start:end] if isinstance(text, str) else None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _differ(segment: dict[str, Json], actual: str | None) -> str:
    where = f"bytes {segment.get('startIndex', 0)} to {segment.get('endIndex', 0)}"
    if actual is None:
        return f"{where} are not in the text"
    return f"{where} of the text are {actual[:60]!r}, the segment says {str(segment['text'])[:60]!r}"
