"""Grounding offsets: bytes of UTF-8, in a part or in the whole visible text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.answer.reply import read
from harness.gemini import grounding
from harness.judge.registry import find_check
from harness.model import Evidence, Reply
from tests.exchanges import exchange

pieces = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), min_size=1, max_size=5)


def reply(supports: list[Any], *parts: Any, chunks: Any = ()) -> Reply:
    content = {"parts": [{"text": part} if isinstance(part, str) else part for part in parts]}
    text = "".join(part["text"] for part in content["parts"] if "text" in part and not part.get("thought"))
    found = {"groundingSupports": supports, "groundingChunks": list(chunks)}
    return Reply("json", (), {}, None, (), text=text, content=content, grounding=found)


def support(start: int, end: int, text: str, **more: Any) -> dict[str, Any]:
    return {"segment": {**({"startIndex": start} if start else {}), "endIndex": end, "text": text, **more}}


@given(pieces)
def test_supports_cut_at_bytes_agree_and_cover_everything(texts: list[str]) -> None:
    supports, start = [], 0
    for text in texts:
        end = start + len(text.encode())
        supports.append(support(start, end, text))
        start = end
    answer = reply(supports, "".join(texts))
    assert all(segment.agrees for segment in grounding.segments(answer))
    assert grounding.coverage(answer) == 1


@given(pieces)
def test_part_indices_count_in_their_own_part(texts: list[str]) -> None:
    supports = [support(0, len(text.encode()), text, partIndex=index) for index, text in enumerate(texts)]
    answer = reply(supports, *texts)
    assert all(segment.agrees for segment in grounding.segments(answer))
    assert grounding.coverage(answer) == 1


def test_offsets_do_not_count_thoughts_and_tool_parts() -> None:
    parts: tuple[Any, ...] = ({"toolCall": {}}, {"text": "hm", "thought": True}, "Oslo.")
    (segment,) = grounding.segments(reply([support(0, 5, "Oslo.")], *parts))
    assert segment.agrees


def test_zeros_are_left_out_on_the_wire() -> None:
    (segment,) = grounding.segments(reply([{"segment": {}}], "abc"))
    assert (segment.start, segment.end, segment.found, segment.agrees) == (0, 0, "", True)


def test_overlapping_supports_cover_once() -> None:
    assert (
        grounding.coverage(reply([support(0, 6, "abcdef"), support(2, 4, "cd"), support(4, 8, "efgh")], "abcdefghij"))
        == 0.8
    )


def test_no_text_no_coverage() -> None:
    assert grounding.coverage(reply([])) == 0


@pytest.mark.parametrize(
    "segment",
    [
        {"startIndex": 3, "endIndex": 2},
        {"endIndex": 99},
        {"startIndex": -1, "endIndex": 2},
        {"endIndex": "2"},
        {"endIndex": True},
        {"partIndex": 7, "endIndex": 2},
    ],
)
def test_offsets_outside_the_text(segment: Any) -> None:
    (found,) = grounding.segments(reply([{"segment": segment}], "abc"))
    assert found.found is None
    assert not found.agrees


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["segment", "web", "uri", "groundingChunkIndices"]), inner), max_leaves=8))  # fmt: skip
def test_nothing_in_the_metadata_makes_it_raise(value: Any) -> None:
    answer = reply(value, "abc", chunks=value if isinstance(value, list) else [value])
    grounding.segments(answer)
    grounding.chunks(answer)
    list(grounding.stray_indices(answer))
    grounding.coverage(answer)


@pytest.mark.parametrize(
    ("chunk", "kind", "domain"),
    [
        ({"web": {"uri": "https://www.uefa.com/x", "title": "UEFA"}}, "web", "www.uefa.com"),
        ({"web": {"uri": "https://www.uefa.com/x", "domain": "uefa.com"}}, "web", "uefa.com"),
        (
            {"web": {"uri": "https://vertexaisearch.cloud.google.com/grounding-api-redirect/a", "title": "uefa.com"}},
            "web",
            "uefa.com",
        ),
        ({"image": {"sourceUri": "https://a.example/p", "imageUri": "https://b.example/i"}}, "image", "a.example"),
        ({"maps": {"uri": "https://maps.google.com/?cid=1", "placeId": "places/x"}}, "maps", "maps.google.com"),
        ({"retrievedContext": {"title": "doc.pdf", "text": "x"}}, "retrievedContext", ""),
        ({"web": {"uri": "https://[broken"}}, "web", ""),
        ({}, "", ""),
    ],
)
def test_chunks_have_a_kind_and_a_domain(chunk: Any, kind: str, domain: str) -> None:
    (found,) = grounding.chunks(reply([], "x", chunks=[chunk]))
    assert (found.kind, found.domain) == (kind, domain)


def judged(quote: str, *, verbatim: bool) -> list[str]:
    """The messages of ``groundingSupports: verified`` for a support whose offsets do not match ``quote``."""
    part = {"content": {"parts": [{"text": "It's so. It's old."}]}, "finishReason": "STOP"}
    received = exchange({"candidates": [{**part, "groundingMetadata": {"groundingSupports": [support(1, 9, quote)]}}]})
    received = replace(received, verbatim=verbatim)
    check = find_check("groundingSupports")
    assert check is not None
    seen = Evidence(received, read(received), None, None, "unary")
    return [mismatch.message for mismatch in check.function(seen, "verified")]


def test_rewritten_bodies_only_need_the_segment_in_the_answer() -> None:
    assert judged("It's old.", verbatim=True) != []
    assert judged("It's old.", verbatim=False) == []
    assert judged("It's new.", verbatim=False) != []
