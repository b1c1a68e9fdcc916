"""What the answer leans on: grounding chunks and supports, searches, fetched URLs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from harness.gemini import grounding
from harness.gemini.grounding import ChunkKind, GroundingChunk
from harness.judge.predicates import (
    NumberPredicate,
    NumberWords,
    Predicate,
    SharePredicate,
    TextPredicate,
    counting,
    describe,
    differs,
)
from harness.judge.registry import check
from harness.model import Evidence, Mismatch

SOME: dict[str, Any] = {"min": 1}


class ChunkWords(NumberWords, total=False):
    """How many chunks, and what they are."""

    kind: Annotated[ChunkKind, "count and look at chunks of this kind only"]
    domains: Annotated[Predicate, "the list of their domains; behind a search redirect that is the title"]
    titles: Annotated[Predicate, "the list of their titles"]
    uris: Annotated[Predicate, "the list of their addresses"]
    deny: Annotated[list[str], "domains that must not be among them, subdomains included"]


class SupportWords(NumberWords, total=False):
    """How many supports, and whether they are true."""

    verified: Annotated[bool, "every offset, sliced again from the answer's UTF-8 bytes, gives the segment's text"]


class QueryWords(NumberWords, total=False):
    """How many searches, and for what."""

    each: Annotated[TextPredicate, "every query is so"]
    some: Annotated[TextPredicate, "at least one query is so"]


class UrlWords(NumberWords, total=False):
    """How many URLs, and how the fetches ended."""

    statuses: Annotated[Predicate, "the list of urlRetrievalStatus, such as URL_RETRIEVAL_STATUS_SUCCESS"]
    urls: Annotated[Predicate, "the list of retrievedUrl"]


@check("groundingChunks")
def grounding_chunks(evidence: Evidence, expected: NumberPredicate | ChunkWords) -> Iterator[Mismatch]:
    """The sources in ``groundingChunks``: how many, and of what kind, domain, title and address.

    Without a number at least one is expected. ``domains``, ``titles`` and ``uris`` judge the list of them all.

        groundingChunks: {min: 1, deny: [example.com]}
        groundingChunks: {kind: web, domains: {some: uefa.com}, uris: {each: {starts_with: 'https://'}}}
        groundingChunks: 0
    """
    count, words = counting(expected, SOME)
    found = [chunk for chunk in grounding.chunks(evidence.reply) if words.get("kind") in (None, chunk.kind)]
    kind = f" ({words['kind']})" if "kind" in words else ""
    yield from differs(f"groundingChunks{kind} (count)", len(found), count)
    for word, values in (
        ("domains", [chunk.domain for chunk in found]),
        ("titles", [chunk.title for chunk in found]),
        ("uris", [chunk.uri for chunk in found]),
    ):
        if word in words:
            yield from differs(f"groundingChunks {word}", values, words[word])
    yield from _denied(found, words.get("deny", ()))


def _denied(found: list[GroundingChunk], deny: list[str]) -> Iterator[Mismatch]:
    for index, chunk in enumerate(found):
        for domain in deny:
            if chunk.domain == domain.lower() or chunk.domain.endswith(f".{domain.lower()}"):
                said = f"expected no source from {domain}, got {describe(chunk.uri)} ({chunk.title or chunk.domain})"
                yield Mismatch(f"groundingChunks[{index}]", {"deny": deny}, chunk.domain, said)


@check("groundingSupports")
def grounding_supports(
    evidence: Evidence, expected: Literal["verified"] | NumberPredicate | SupportWords
) -> Iterator[Mismatch]:
    """The supports in ``groundingSupports``: how many, and whether they are true.

    ``verified`` slices every segment again out of the answer's UTF-8 bytes and compares, and looks up every chunk index;
    at least one support must be there. ``{min: 0, verified: true}`` lets them be missing. In a recording whose bodies
    another tool normalised, where bytes are not what they were, a segment's text need only stand in the answer.

        groundingSupports: verified
        groundingSupports: {min: 2, verified: true}
    """
    parameter: Any = {"verified": True} if expected == "verified" else expected
    count, words = counting(parameter, SOME)
    found = evidence.reply.grounding.get("groundingSupports")
    yield from differs("groundingSupports (count)", len(found) if isinstance(found, list) else 0, count)
    if words.get("verified"):
        yield from _unverified(evidence)


def _unverified(evidence: Evidence) -> Iterator[Mismatch]:
    reply, verbatim = evidence.reply, evidence.exchange.verbatim
    for segment in grounding.segments(reply):
        if not segment.agrees and (verbatim or segment.text not in reply.text):
            where = "the answer" if segment.part is None else f"part {segment.part}"
            got = "nothing: they lead outside the text" if segment.found is None else describe(segment.found)
            said = f"expected {describe(segment.text)} at bytes {segment.start}-{segment.end} of {where}, got {got}"
            yield Mismatch(segment.at, segment.text, segment.found, said)
    for at, index in grounding.stray_indices(reply):
        yield Mismatch(
            at, "an existing chunk", index, f"expected the index of an existing chunk, got {describe(index)}"
        )


@check("coverage")
def coverage(evidence: Evidence, expected: SharePredicate) -> Iterator[Mismatch]:
    """The share of the answer's bytes that some grounding support speaks of.

    coverage: {min: 50%}
    """
    yield from differs("coverage", grounding.coverage(evidence.reply), expected, unit="%")


@check("webSearchQueries")
def web_search_queries(evidence: Evidence, expected: NumberPredicate | QueryWords) -> Iterator[Mismatch]:
    """The searches that the model ran: how many (at least one, without a number), and for what.

    webSearchQueries: {min: 1, some: {icontains: euro}}
    webSearchQueries: 0
    """
    count, words = counting(expected, SOME)
    found = evidence.reply.grounding.get("webSearchQueries")
    queries = found if isinstance(found, list) else []
    yield from differs("webSearchQueries (count)", len(queries), count)
    if words:
        yield from differs("webSearchQueries", queries, words)


@check("urlContext")
def url_context(evidence: Evidence, expected: Literal["success"] | NumberPredicate | UrlWords) -> Iterator[Mismatch]:
    """What became of the URLs that the model fetched (``urlContextMetadata``). The answer is a 200 even if all failed.

    ``success``: at least one was fetched, and every fetch succeeded.

        urlContext: success
        urlContext: {min: 2, urls: {some: {contains: example.org}}}
    """
    every = {"statuses": {"each": "URL_RETRIEVAL_STATUS_SUCCESS"}}
    count, words = counting(every if expected == "success" else expected, SOME)
    found = _url_metadata(evidence)
    yield from differs("urlContext (count)", len(found), count)
    for word, field in (("statuses", "urlRetrievalStatus"), ("urls", "retrievedUrl")):
        if word in words:
            yield from differs(f"urlContext {word}", [each.get(field) for each in found], words[word])


def _url_metadata(evidence: Evidence) -> list[Mapping[str, Any]]:
    candidates = evidence.reply.response.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    metadata = first.get("urlContextMetadata") if isinstance(first, Mapping) else None
    found = metadata.get("urlMetadata") if isinstance(metadata, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
