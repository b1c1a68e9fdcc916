"""Reads the grounding of an answer: its sources and the segments they support. Offsets count UTF-8 bytes, not characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from harness.model import Json, Reply
from harness.text.jsontext import a_list, an_object, is_whole

ChunkKind = Literal["web", "image", "maps", "retrievedContext"]
KINDS: tuple[ChunkKind, ...] = ("web", "image", "maps", "retrievedContext")
_REDIRECT = "vertexaisearch.cloud.google.com"


class GroundingChunk(Struct, frozen=True):
    """One source. ``kind`` is empty for a chunk without a known kind. ``domain`` is in lower case, empty if unknown."""

    kind: ChunkKind | Literal[""]
    uri: str
    title: str
    domain: str


class Segment(Struct, frozen=True):
    """The piece of the answer to which one support refers.

    ``text`` is the text in the support, ``found`` the text at its offsets (None: they are outside the answer). ``start`` and
    ``end`` are byte offsets into the part with index ``part``, or into the whole answer text if ``part`` is None.
    """

    at: str
    start: int
    end: int
    part: int | None
    text: str
    found: str | None

    @property
    def agrees(self) -> bool:
        """Whether the text at the offsets equals the text in the support. Without such a text: whether the offsets are in the answer."""
        return self.found == self.text if self.text else self.found is not None


def chunks(reply: Reply) -> list[GroundingChunk]:
    """``groundingChunks`` in order."""
    return [_chunk(chunk) for chunk in a_list(reply.grounding.get("groundingChunks"))]


def segments(reply: Reply) -> list[Segment]:
    """The segment of every support that has one.

    With ``partIndex``, offsets count in that part as received. Without it, they count in the whole visible text (without thoughts
    and tool parts), also in streams. An absent offset is 0.
    """
    return [
        _segment(segment, f"groundingSupports[{index}].segment", reply)
        for index, support in enumerate(a_list(reply.grounding.get("groundingSupports")))
        if isinstance(segment := an_object(support).get("segment"), Mapping)
    ]


def stray_indices(reply: Reply) -> Iterator[tuple[str, Json]]:
    """Chunk indices in supports that are not the index of a chunk: (place, index)."""
    count = len(a_list(reply.grounding.get("groundingChunks")))
    for at, support in enumerate(a_list(reply.grounding.get("groundingSupports"))):
        for position, index in enumerate(a_list(an_object(support).get("groundingChunkIndices"))):
            if not is_whole(index) or not 0 <= index < count:
                yield f"groundingSupports[{at}].groundingChunkIndices[{position}]", index


def coverage(reply: Reply) -> float:
    """The share of the answer's bytes that at least one support covers (0 to 1); 0 without text."""
    total = len(_bytes(reply.text))
    covered = end = 0
    for start, stop in sorted(_spans(reply)):
        covered += max(0, min(stop, total) - max(start, end))
        end = max(end, stop)
    return covered / total if total else 0.0


def _spans(reply: Reply) -> Iterator[tuple[int, int]]:
    """Byte ranges of the whole answer text."""
    for segment in segments(reply):
        if segment.found is not None:
            offset = sum(len(_bytes(_visible(earlier))) for earlier in _parts(reply)[: segment.part or 0])
            yield segment.start + offset, segment.end + offset


def _segment(segment: Mapping[str, Json], at: str, reply: Reply) -> Segment:
    start, end, part = (_natural(segment.get(name)) for name in ("startIndex", "endIndex", "partIndex"))
    text = segment.get("text")
    whole = _bytes(reply.text if part is None else "".join(map(_visible, _parts(reply)[part : part + 1])))
    first, last = start or 0, end or 0
    found = whole[first:last].decode("utf-8", "replace") if 0 <= first <= last <= len(whole) else None
    return Segment(at, first, last, part, text if isinstance(text, str) else "", found)


def _natural(value: Json) -> int | None:
    """The number; None if absent, -1 if it is not a natural number."""
    if value is None:
        return None
    return int(value) if is_whole(value) and value >= 0 else -1


def _parts(reply: Reply) -> list[Json]:
    return a_list((reply.content or {}).get("parts"))


def _visible(part: Json) -> str:
    if not isinstance(part, Mapping) or part.get("thought"):
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _chunk(value: Json) -> GroundingChunk:
    kind = next((name for name in KINDS if isinstance(an_object(value).get(name), Mapping)), None)
    source = value[kind] if kind else {}
    uri, title, domain = (_text(source.get(name)) for name in ("uri", "title", "domain"))
    uri = uri or _text(source.get("sourceUri"))
    return GroundingChunk(kind or "", uri, title, (domain or _domain(uri, title)).lower())


def _domain(uri: str, title: str) -> str:
    """The host of the uri. For a redirect of Google Search it is the title, which is the site's domain."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return ""
    return title if host == _REDIRECT and " " not in title else host


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
