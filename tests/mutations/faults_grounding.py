"""Faults of grounding."""

from __future__ import annotations

from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _metadata(d: Draft) -> list[Object]:
    found = [one["groundingMetadata"] for one in d.candidates() if one.get("groundingMetadata")]
    need(found and d.status == 200)
    return found


def _segment(d: Draft) -> Object:
    need(d.exchange.verbatim)
    found: Object = d.random.choice(d.grounding("groundingSupports"))["segment"]
    need(found.get("text") and found.get("endIndex"))
    return found


@fault("grounding-chunks")
def chunks_lost(d: Draft) -> None:
    d.grounding("groundingChunks")
    found = _metadata(d)
    need(
        any(one.get("webSearchQueries") or one.get("searchEntryPoint") or one.get("retrievalQueries") for one in found)
    )
    for one in found:
        one.pop("groundingChunks", None)
        one.pop("groundingSupports", None)


@fault("grounding-chunks")
def retrieval_without_chunks(d: Draft) -> None:
    d.stopped()
    need(not any(one.get("groundingMetadata") for one in d.candidates()))
    d.last["groundingMetadata"] = {"retrievalQueries": ["opening hours"]}


@fault("grounding-index")
def index_beyond_the_chunks(d: Draft) -> None:
    support = d.random.choice(d.grounding("groundingSupports"))
    support["groundingChunkIndices"] = [len(d.grounding("groundingChunks")) + d.random.randint(0, 9)]


@fault("grounding-index")
def chunks_lost_under_supports(d: Draft) -> None:
    d.grounding("groundingSupports")
    d.grounding("groundingChunks")
    for one in _metadata(d):
        one.pop("groundingChunks", None)


@fault("grounding-segment")
def offsets_shifted(d: Draft) -> None:
    segment = _segment(d)
    by = d.random.randint(1, 7)
    segment["startIndex"] = segment.get("startIndex", 0) + by
    segment["endIndex"] += by


@fault("grounding-segment")
def offsets_in_characters(d: Draft) -> None:
    segment = _segment(d)
    whole = d.text.encode()
    start = len(whole[: segment.get("startIndex", 0)].decode(errors="ignore"))
    need(start != segment.get("startIndex", 0))
    segment["startIndex"], segment["endIndex"] = start, start + len(segment["text"])


@fault("grounding-confidence")
def scores_of_another_length(d: Draft) -> None:
    support = d.random.choice([one for one in d.grounding("groundingSupports") if one.get("groundingChunkIndices")])
    support["confidenceScores"] = [0.9] * (len(support["groundingChunkIndices"]) + d.random.randint(1, 2))


@fault("grounding-confidence")
def score_above_one(d: Draft) -> None:
    support = d.random.choice([one for one in d.grounding("groundingSupports") if one.get("groundingChunkIndices")])
    support["confidenceScores"] = [d.random.choice([1.7, -0.2, 95.0]) for _ in support["groundingChunkIndices"]]


@fault("grounding-uri")
def chunk_without_an_address(d: Draft) -> None:
    chunk = d.random.choice([one for one in d.grounding("groundingChunks") if one.get("web", {}).get("uri")])
    chunk["web"]["uri"] = ""
    if d.random.random() < 0.5:
        del chunk["web"]["uri"]


@fault("url-fetch-failed")
def page_not_fetched(d: Draft) -> None:
    d.stopped()
    found = [
        one["urlContextMetadata"]["urlMetadata"]
        for one in d.candidates()
        if one.get("urlContextMetadata", {}).get("urlMetadata")
    ]
    status = d.random.choice(
        ["URL_RETRIEVAL_STATUS_ERROR", "URL_RETRIEVAL_STATUS_PAYWALL", "URL_RETRIEVAL_STATUS_UNSAFE"]
    )
    d.random.choice(found)[0]["urlRetrievalStatus"] = status


@fault("33a-url-context-fetch-failed", "url-fetch-failed")
def only_page_not_fetched(d: Draft) -> None:
    d.stopped()
    need(d.text and not any(one.get("urlContextMetadata") for one in d.candidates()))
    d.put([*(d.get("tools") or []), {"urlContext": {}}], "tools")
    page = {"retrievedUrl": "https://example.com/opening-hours", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}
    d.last["urlContextMetadata"] = {"urlMetadata": [page]}


@fault("grounding-support")
def supports_lost(d: Draft) -> None:
    d.stopped()
    need("grounding-api-redirect" in str(d.grounding("groundingChunks")) and d.grounding("groundingSupports"))
    need("application/json" not in str(d.body).lower())
    for one in _metadata(d):
        one.pop("groundingSupports", None)


@fault("grounding-uri")
def title_of_a_redirection_lost(d: Draft) -> None:
    web = d.random.choice(d.grounding("groundingChunks"))["web"]
    need("grounding-api-redirect" in web["uri"])
    del web["title"]
