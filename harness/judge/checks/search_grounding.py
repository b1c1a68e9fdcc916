"""The sources of an answer: grounding chunks and supports, searches, fetched URLs."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypedDict

from harness.answer.reply import candidate_of
from harness.gemini import grounding, offers
from harness.gemini.grounding import ChunkKind, GroundingChunk
from harness.judge.predicates import (
    ABSENT,
    NumberPredicate,
    NumberWords,
    Predicate,
    ShareWords,
    TextPredicate,
    describe,
    differs,
    or_absent,
    split_count,
    with_count,
)
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import a_list, an_object, objects_in

SOME: dict[str, Any] = {"min": 1}


class ChunkWords(NumberWords, total=False):
    """How many chunks there are, and what they must be."""

    kind: Annotated[ChunkKind, "only chunks of this kind are counted and checked"]
    domains: Annotated[Predicate, "the list of all domains; the domain of a search redirect is taken from the title"]
    titles: Annotated[Predicate, "the list of all titles"]
    uris: Annotated[Predicate, "the list of all addresses"]
    deny: Annotated[list[str], "domains that no chunk may have, subdomains included"]


class SupportWords(NumberWords, total=False):
    """How many supports there are, and whether they are correct."""

    verified: Annotated[bool, "true: the bytes of the answer at the offsets of every segment are the segment's text"]
    confidenceScores: Annotated[Predicate, "every score, from 0 to 1; a support has one for each of its chunk indices"]  # noqa: N815


class QueryWords(NumberWords, total=False):
    """How many searches there are, and their queries."""

    each: Annotated[TextPredicate, "every query satisfies this"]
    some: Annotated[TextPredicate, "at least one query satisfies this"]


class UrlWords(NumberWords, total=False):
    """How many URLs there are, and how the fetches ended."""

    statuses: Annotated[
        Predicate,
        offers.expected("UrlMetadata.UrlRetrievalStatus"),
        "the list of all urlRetrievalStatus values, such as URL_RETRIEVAL_STATUS_SUCCESS",
    ]
    urls: Annotated[Predicate, "the list of all retrievedUrl values"]


class CitationWords(TypedDict, total=False):
    """How many works are cited, and their addresses."""

    count: Annotated[NumberPredicate, "how many sources there are; at least one, if this is not given"]
    uri: Annotated[TextPredicate, "the address of every source"]


@check("groundingChunks")
def grounding_chunks(evidence: Evidence, expected: NumberPredicate | ChunkWords) -> Iterator[Mismatch]:
    """The sources in ``groundingChunks``: their number, kind, domains, titles and addresses.

    If no number is given, at least one chunk must be there. ``domains``, ``titles`` and ``uris`` each compare the whole
    list.

        groundingChunks: {min: 1, deny: [example.com]}
        groundingChunks: {kind: web, domains: {some: uefa.com}, uris: {each: {starts_with: 'https://'}}}
        groundingChunks: 0
    """
    count, words = split_count(expected, SOME)
    found = [chunk for chunk in grounding.chunks(evidence.reply) if words.get("kind") in (None, chunk.kind)]
    kind = f" ({words['kind']})" if "kind" in words else ""
    yield from differs(f"groundingChunks{kind} (count)", len(found), count)
    for word, name in (("domains", "domain"), ("titles", "title"), ("uris", "uri")):
        if word in words:
            yield from differs(f"groundingChunks {word}", [getattr(chunk, name) for chunk in found], words[word])
    yield from _denied(found, words.get("deny", ()))


def _denied(found: list[GroundingChunk], deny: list[str]) -> Iterator[Mismatch]:
    for index, chunk in enumerate(found):
        for domain in deny:
            if chunk.domain == domain.lower() or chunk.domain.endswith(f".{domain.lower()}"):
                message = f"expected no source from {domain}, got {describe(chunk.uri)} ({chunk.title or chunk.domain})"
                yield Mismatch(f"groundingChunks[{index}]", {"deny": deny}, chunk.domain, message)


@check("groundingSupports")
def grounding_supports(
    evidence: Evidence, expected: Literal["verified"] | NumberPredicate | SupportWords
) -> Iterator[Mismatch]:
    """The supports in ``groundingSupports``: their number, and whether they are correct.

    ``verified`` compares the text of every segment with the UTF-8 bytes of the answer at its offsets, and checks that every
    chunk index exists. At least one support must be there; ``{min: 0, verified: true}`` allows none. If another tool
    normalised the recorded bodies, offsets are not compared: the segment's text need only occur in the answer.
    Only models before Gemini 2.5 send ``confidenceScores``.

        groundingSupports: verified
        groundingSupports: {min: 2, verified: true}
        groundingSupports: {confidenceScores: {min: 0.5}}
    """
    parameter: Any = {"verified": True} if expected == "verified" else expected
    count, words = split_count(parameter, SOME)
    supports = a_list(evidence.reply.grounding.get("groundingSupports"))
    yield from differs("groundingSupports (count)", len(supports), count)
    if words.get("verified"):
        yield from _unverified(evidence)
    if "confidenceScores" in words:
        yield from _wrong_scores(supports, words["confidenceScores"])


def _wrong_scores(supports: list[Json], expected: Any) -> Iterator[Mismatch]:
    for number, support in enumerate(supports):
        at = f"groundingSupports[{number}].confidenceScores"
        scores = a_list(an_object(support).get("confidenceScores"))
        if not scores:
            yield from differs(at, ABSENT, expected)
        for index, score in enumerate(scores):
            yield from differs(f"{at}[{index}]", score, expected)


def _unverified(evidence: Evidence) -> Iterator[Mismatch]:
    reply, verbatim = evidence.reply, evidence.exchange.verbatim
    for segment in grounding.segments(reply):
        if not segment.agrees and (verbatim or segment.text not in reply.text):
            where = "the answer" if segment.part is None else f"part {segment.part}"
            got = "nothing: they are outside of the text" if segment.found is None else describe(segment.found)
            message = f"expected {describe(segment.text)} at bytes {segment.start}-{segment.end} of {where}, got {got}"
            yield Mismatch(segment.at, segment.text, segment.found, message)
    for at, index in grounding.stray_indices(reply):
        yield Mismatch(
            at, "an existing chunk", index, f"expected the index of an existing chunk, got {describe(index)}"
        )


@check("coverage")
def coverage(evidence: Evidence, expected: ShareWords) -> Iterator[Mismatch]:
    """The share of the answer's bytes that lie in the segment of a grounding support.

    coverage: {min: 50%}
    """
    yield from differs("coverage", grounding.coverage(evidence.reply), expected, unit="%")


@check("webSearchQueries")
def web_search_queries(evidence: Evidence, expected: NumberPredicate | QueryWords) -> Iterator[Mismatch]:
    """The queries of the searches that the model ran.

    A number is how many queries there are (at least one, if none is given).

        webSearchQueries: {min: 1, some: {icontains: euro}}
        webSearchQueries: 0
    """
    count, words = split_count(expected, SOME)
    queries = a_list(evidence.reply.grounding.get("webSearchQueries"))
    yield from differs("webSearchQueries (count)", len(queries), count)
    if words:
        yield from differs("webSearchQueries", queries, words)


@check("urlContext")
def url_context(evidence: Evidence, expected: Literal["success"] | NumberPredicate | UrlWords) -> Iterator[Mismatch]:
    """The URLs that the model fetched (``urlContextMetadata``). The HTTP status is 200 even if every fetch failed.

    ``success``: the model fetched at least one URL, and every fetch succeeded. A number is how many URLs there are (at least
    one, if none is given).

        urlContext: success
        urlContext: {min: 2, urls: {some: {contains: example.org}}}
    """
    every = {"statuses": {"each": "URL_RETRIEVAL_STATUS_SUCCESS"}}
    count, words = split_count(every if expected == "success" else expected, SOME)
    metadata = an_object(candidate_of(evidence.reply.response).get("urlContextMetadata"))
    found = objects_in(metadata.get("urlMetadata"))
    yield from differs("urlContext (count)", len(found), count)
    for word, field in (("statuses", "urlRetrievalStatus"), ("urls", "retrievedUrl")):
        if word in words:
            yield from differs(f"urlContext {word}", [url.get(field) for url in found], words[word])


@check("citations")
def citations(evidence: Evidence, expected: int | CitationWords) -> Iterator[Mismatch]:
    """The works that the answer recites (``citationMetadata.citationSources`` of the first candidate; Vertex says ``citations``).

    A number is how many sources there are. They are not those of a search; see ``groundingChunks``.

        citations: {count: {min: 1}, uri: {starts_with: 'https://'}}
        citations: 0
    """
    words = with_count(expected)
    metadata = an_object(candidate_of(evidence.reply.response).get("citationMetadata"))
    found = objects_in(metadata.get("citationSources", metadata.get("citations")))
    yield from differs("citations (count)", len(found), words["count"])
    if "uri" in words:
        for index, source in enumerate(found):
            yield from differs(f"citations[{index}].uri", or_absent(source.get("uri")), words["uri"])
