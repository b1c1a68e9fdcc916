"""Grounding: a search has results, supports point at existing chunks, and the offsets of a segment give its text.

And the pages that the model was asked to read could be fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.answer.reply import candidate_of
from harness.answer.structured import wants_json
from harness.gemini import grounding
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import has_text, is_finished, is_placeholder, number, tools
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import a_list, an_object, is_number, keys_in, objects_in

_AT = "$.candidates[0].groundingMetadata."


@rule("grounding-chunks", "warn", per_candidate=True, needs="groundingMetadata")
def grounding_chunks(evidence: Evidence) -> Iterator[Mismatch]:
    """If the model ran a search, an answer that ended with STOP has ``groundingChunks``, and of Google's a ``searchEntryPoint``.
    The service's terms want both shown, so it is whole HTML that is not escaped. With it come the queries, each once: they are billed.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"webSearchQueries": ["capital of Norway"], "searchEntryPoint": {"renderedContent": "<div></div>"}, "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"webSearchQueries": ["capital of Norway"]}}]}
    """
    found = evidence.reply.grounding
    ran = any(found.get(sign) for sign in ("webSearchQueries", "searchEntryPoint", "retrievalQueries"))
    if ran and is_finished(evidence) and not found.get("groundingChunks"):
        yield Mismatch(f"{_AT}groundingChunks", "at least one", None, "a search ran, but there are no groundingChunks")
    is_google = tools(evidence, "googleSearch") and found.get("webSearchQueries")
    if is_google and is_finished(evidence) and found.get("groundingChunks") and not found.get("searchEntryPoint"):
        message = "sources came without the searchEntryPoint, which the service's terms want shown"
        yield Mismatch(f"{_AT}searchEntryPoint", "the search suggestions", None, message)
    shown = str(an_object(found.get("searchEntryPoint")).get("renderedContent", "<>"))
    if re.match(r"\s*(?:&lt;|\\u003c|\\n)", shown) or '=\\"' in shown or re.fullmatch(_BASE64, shown):
        yield Mismatch(f"{_AT}searchEntryPoint", "HTML", shown[:80], "the search suggestions are escaped")
    elif ("<" in shown or not shown) and not shown.rstrip().endswith((">", "...")):
        yield Mismatch(f"{_AT}searchEntryPoint", "HTML", shown[-80:], "the search suggestions are cut")
    queries = a_list(found.get("webSearchQueries") or found.get("imageSearchQueries"))
    if len(set(map(str, queries))) < len(queries):
        yield Mismatch(f"{_AT}webSearchQueries", "each once", queries, "a query comes twice: each is billed")
    if found.get("searchEntryPoint") and is_finished(evidence) and found.get("groundingChunks") and not any(queries):
        yield Mismatch(f"{_AT}webSearchQueries", "at least one", None, "search suggestions came without their queries")


_BASE64 = r"[A-Za-z0-9+/_-]{60,}={0,2}"


@rule("grounding-index", "error", per_candidate=True, needs="groundingMetadata")
def grounding_index(evidence: Evidence) -> Iterator[Mismatch]:
    """Every entry of ``groundingChunkIndices`` is the index of an existing chunk.
    A client that looks it up fails, or shows another source.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [1]}]}}]}
    """
    count = len(grounding.chunks(evidence.reply))
    for at, index in grounding.stray_indices(evidence.reply):
        yield Mismatch(_AT + at, f"below {count}", index, f"chunk {index!r} does not exist: there are {count}")


@rule("grounding-segment", "error", per_candidate=True, needs="groundingMetadata")
def grounding_segment(evidence: Evidence) -> Iterator[Mismatch]:
    """The UTF-8 bytes at a segment's offsets are its text: in its part if it names one, else in the visible text.
    Clients put footnotes there.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    """
    words = "" if evidence.exchange.verbatim else " ".join(evidence.reply.text.split())
    for segment in grounding.segments(evidence.reply):
        if segment.text and not segment.agrees and not _is_outside(segment, evidence):
            if words and " ".join(segment.text.split()) in words and _is_moved(segment, evidence.reply.text):
                continue  # whoever recorded the answer changed characters before it
            source = "the text" if segment.part is None else f"part {segment.part}"
            what = "do not exist" if segment.found is None else f"are {segment.found[:60]!r}"
            message = (
                f"bytes {segment.start} to {segment.end} of {source} {what}, the segment says {segment.text[:60]!r}"
            )
            yield Mismatch(_AT + segment.at, segment.text, segment.found, message)


def _is_moved(segment: grounding.Segment, text: str) -> bool:
    """Whether a recorder that replaced quotes and dashes by shorter ones can explain where the segment is."""
    whole, words = text.encode("utf-8", "replace"), segment.text.encode("utf-8", "replace")
    at = whole.rfind(words, 0, segment.start + len(words))
    if segment.part is not None or words not in whole:
        return True
    lost = ((segment.start - at, whole[:at]), (segment.end - segment.start - len(words), words))
    return at >= 0 and all(count == 0 or 0 < count <= 2 * len(re.findall(rb"['\"-]", place)) for count, place in lost)


@rule("grounding-range", "error", per_candidate=True, needs=("groundingMetadata", "citationMetadata"))
def grounding_range(evidence: Evidence) -> Iterator[Mismatch]:
    """A segment or a citation lies in the answer: it ends after its start, and not beyond twice the text. A recorder may have changed
    characters.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"startIndex": 4000, "endIndex": 4004, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    """
    for segment in grounding.segments(evidence.reply):
        if _is_outside(segment, evidence):
            length = len(evidence.reply.text.encode("utf-8", "replace"))
            message = f"a segment from {segment.start} to {segment.end} is outside the text of {length} bytes: clients have no place for its footnote"
            yield Mismatch(_AT + segment.at, f"0 to {length}", [segment.start, segment.end], message)
            return
    cited = an_object(candidate_of(evidence.reply.response).get("citationMetadata")) if is_finished(evidence) else {}
    for one in (*objects_in(cited.get("citationSources")), *objects_in(cited.get("citations"))):
        start, end = number(one.get("startIndex")) or 0, number(one.get("endIndex")) or 0
        length, uri = len(evidence.reply.text.encode("utf-8", "replace")), one.get("uri")
        if isinstance(uri, str) and not re.match(_ADDRESS, uri) and not is_placeholder(uri):
            message = f"the uri of a citation is no whole address: {uri[:80]!r}"
            yield Mismatch("$.candidates[0].citationMetadata", "an address", uri, message, "warn")
            return
        if start < 0 or start > end or end > (length if evidence.exchange.verbatim else _most(evidence)):
            message = f"a citation from {start} to {end} is outside the text"
            yield Mismatch("$.candidates[0].citationMetadata", "a place in the text", [start, end], message)
            return


_REDIRECT = "grounding-api-redirect"  # of a search; a page that was read may come several times
_ROOM = 100
"""Bytes that a recorder may have taken from a short text."""


def _is_outside(segment: grounding.Segment, evidence: Evidence) -> bool:
    return segment.start > segment.end or segment.end > _most(evidence)


def _most(evidence: Evidence) -> int:
    return 2 * len(evidence.reply.text.encode("utf-8", "replace")) + _ROOM


@rule("grounding-support", "warn", per_candidate=True, needs="groundingMetadata")
def grounding_support(evidence: Evidence) -> Iterator[Mismatch]:
    """A support says what it is about and where it comes from: a segment with its text and its end, and chunks, each once.
    Supports are in the order of the text, and each place has one; each chunk comes once. Chunks are numbered in the order in which
    supports name them first. What a search found has supports.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}}]}}]}
    """
    places = [(one.part or 0, one.start, one.end) for one in grounding.segments(evidence.reply)]
    if places != sorted(set(places)):
        message = "supports come twice or out of order: clients misplace their footnotes"
        yield Mismatch(f"{_AT}groundingSupports", "in order", places, message)
    sources = [str(one) for one in objects_in(evidence.reply.grounding.get("groundingChunks")) if _REDIRECT in str(one)]
    if len(set(sources)) < len(sources):
        message = "two chunks are the same: clients list a source twice"
        yield Mismatch(f"{_AT}groundingChunks", "each once", len(sources), message)
    supports = objects_in(evidence.reply.grounding.get("groundingSupports"))
    is_found = sources or any(one.kind == "maps" for one in grounding.chunks(evidence.reply))
    is_prose = is_finished(evidence) and not wants_json(evidence) and bool(evidence.reply.text.strip())
    if is_found and is_prose and not supports:
        message = "sources came without supports: nobody can tell what in the text is from them"
        yield Mismatch(f"{_AT}groundingSupports", "at least one", None, message)
    order = [*dict.fromkeys(number(one) or 0 for one in supports for one in a_list(one.get("groundingChunkIndices")))]
    if order != sorted(order):
        message = f"supports name the chunks in the order {', '.join(map(str, order[:12]))}: chunks changed places"
        yield Mismatch(f"{_AT}groundingSupports", "in order of first use", order, message)
    for index, support in enumerate(supports):
        segment = an_object(support.get("segment"))
        named = a_list(support.get("groundingChunkIndices"))
        lost = [name for name in ("text", "endIndex") if not segment.get(name)]
        lost += [] if named else ["groundingChunkIndices"]
        if lost:
            message = f"a support has no {lost[0]}: clients cannot show which text comes from which source"
            yield Mismatch(f"{_AT}groundingSupports[{index}]", lost[0], support, message)
            return
        if len(set(map(str, named))) < len(named):
            message = f"a support names a chunk twice ({named}): clients show its footnote twice"
            yield Mismatch(f"{_AT}groundingSupports[{index}]", "each once", named, message)
            return


@rule("grounding-confidence", "error", per_candidate=True, needs="groundingMetadata")
def grounding_confidence(evidence: Evidence) -> Iterator[Mismatch]:
    """A support with ``confidenceScores`` has one for each of its chunks, from 0 to 1. Later models send none.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0], "confidenceScores": [0.9]}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}], "groundingSupports": [{"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0], "confidenceScores": [0.9, 0.8]}]}}]}
    """
    for index, support in enumerate(objects_in(evidence.reply.grounding.get("groundingSupports"))):
        scores, count = a_list(support.get("confidenceScores")), len(a_list(support.get("groundingChunkIndices")))
        at = f"{_AT}groundingSupports[{index}].confidenceScores"
        if scores and len(scores) != count:
            message = f"{len(scores)} confidenceScores for {count} groundingChunkIndices"
            yield Mismatch(at, count, len(scores), message)
        elif strange := [score for score in scores if not is_number(score) or not 0 <= score <= 1]:
            yield Mismatch(at, "0 to 1", strange[0], f"{strange[0]!r} is not a confidence: it is from 0 to 1")


@rule("grounding-uri", "error", per_candidate=True, needs="groundingMetadata")
def grounding_uri(evidence: Evidence) -> Iterator[Mismatch]:
    """Every chunk from the web has a ``uri``: without it, nobody can follow the source. A warning if it is no whole address, or one that
    redirects and has no title, a
    chunk is empty or of two kinds, a place has no ``uri``, or an id that does not begin with ``places/``, or a passage of a file has no text
    or is of a store that was not requested.

    asked: {"tools": [{"googleSearch": {}}]}
    right: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}]}}]}
    wrong: {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"title": "a.example"}}]}}]}
    """
    chunks = objects_in(evidence.reply.grounding.get("groundingChunks"))
    uris = [uri for chunk in chunks if (uri := an_object(chunk.get("web")).get("uri"))]
    titles = {str(an_object(chunk.get("web")).get("title")) for chunk in chunks}
    if len(uris) > 2 and len(titles) > 1 and all(uri == uris[0] for uri in uris):
        yield Mismatch(f"{_AT}groundingChunks", "several", uris[0], f"{len(uris)} sources have one uri", "warn")
    for index, chunk in enumerate(chunks):
        if not any(chunk.values()):
            message = f"chunk {index} names no source"
            yield Mismatch(f"{_AT}groundingChunks[{index}]", "a source", chunk, message, "warn")
        kinds = [kind for kind in grounding.KINDS if kind in chunk]
        place = an_object(chunk.get("maps")).get("placeId")
        if len(kinds) > 1:
            message = f"chunk {index} is {' and '.join(kinds)} at once: clients read one of them"
            yield Mismatch(f"{_AT}groundingChunks[{index}]", "one kind", kinds, message, "warn")
        if isinstance(place, str) and not place.startswith("places/") and not is_placeholder(place):
            message = f"the placeId {place[:40]!r} does not begin with places/"
            yield Mismatch(f"{_AT}groundingChunks[{index}].maps.placeId", "places/...", place, message, "warn")
        if wrong := _strange_source(evidence, chunk):
            yield Mismatch(f"{_AT}groundingChunks[{index}]", "a source", chunk, f"chunk {index} {wrong}", "warn")
        web = chunk.get("web")
        uri, at = an_object(web).get("uri"), f"{_AT}groundingChunks[{index}].web.uri"
        if isinstance(web, dict) and not uri:
            yield Mismatch(at, "an address", uri, f"the source {web.get('title') or index!r} has no uri")
        elif isinstance(uri, str) and not re.match(_ADDRESS, uri):
            yield Mismatch(at, "an address", uri, f"the uri of a source is no whole address: {uri[:80]!r}", "warn")
        elif isinstance(uri, str) and _REDIRECT in uri and not an_object(web).get("title"):
            message = f"source {index} has no title: its uri is a redirection, which says nothing of the site"
            yield Mismatch(at, "a title", None, message, "warn")


def _strange_source(evidence: Evidence, chunk: Mapping[str, Json]) -> str:
    """What is wrong with a place of Maps, or with a passage of a file; empty if nothing is."""
    passage, store = chunk.get("retrievedContext"), field(chunk.get("retrievedContext"), "fileSearchStore")
    if chunk.get("maps") and not field(chunk["maps"], "uri"):
        return "is a place without a uri"
    if store and not field(passage, "text"):
        return "is a passage without its text"
    stores = [name for tool in tools(evidence, "fileSearch") for name in items_of(field(tool, "fileSearchStoreNames"))]
    return f"is of {store}, which was not requested" if store and stores and store not in stores else ""


_ADDRESS = r"(?!https://vertexaisearch\.cloud\.google\.com/(?!grounding-api-redirect/[\w=.…-]+\Z))\w[\w+.-]*://[^/*\s](?!.*(?:&amp;|\*\*\*|\s\w+=))(?!.*\n)"
"""Gateways mask addresses: ``https://***.com/***``. A redirection of Google's search is whole."""


@rule(
    "url-fetch-failed", "warn", of="finished", per_candidate=True, needs="urlContextMetadata", stated_by=("urlContext",)
)
def url_fetch_failed(evidence: Evidence) -> Iterator[Mismatch]:
    """Every page that the model was to read (``urlContext``) could be fetched. Otherwise it answers without having read it.
    And it is of a site that the request names, unless the model searched.

    asked: {"contents": [{"parts": [{"text": "What does https://a.example/ say?"}]}], "tools": [{"urlContext": {}}]}
    right: {"candidates": [{"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://a.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]}}]}
    wrong: {"candidates": [{"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://a.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}]}}]}
    """
    found = an_object(candidate_of(evidence.reply.response).get("urlContextMetadata"))
    for index, page in enumerate(objects_in(found.get("urlMetadata"))):
        url, at = page.get("retrievedUrl"), f"$.candidates[0].urlContextMetadata.urlMetadata[{index}]"
        if not re.match(_ADDRESS, str(url)) and not is_placeholder(url):
            message = f"the retrievedUrl is no whole address: {str(url)[:80]!r}"
            yield Mismatch(f"{at}.retrievedUrl", "an address", url, message)
        elif isinstance(url, str) and _is_strange_page(evidence, url):
            message = f"{url} was read, which was not requested"
            yield Mismatch(f"{at}.retrievedUrl", "a page of the request", url, message)
        status = str(page.get("urlRetrievalStatus") or "no status").removeprefix(_STATUS)
        if status not in ("SUCCESS", "1", "UNSPECIFIED"):
            message = f"{page.get('retrievedUrl')} could not be fetched ({status}), but the model answers"
            yield Mismatch(f"{at}.urlRetrievalStatus", f"{_STATUS}SUCCESS", page.get("urlRetrievalStatus"), message)


def _is_strange_page(evidence: Evidence, url: str) -> bool:
    """Whether the model could not have the site from the request, nor from another tool."""
    site = re.match(r"\w+://(?:[^/?#]*\.)?([^./?#]+\.[^./?#:]+)", url)
    others = keys_in([*items_of(field(evidence.request_body, "tools"))]) - {"urlContext", "url_context"}
    return site is not None and not others and evidence.request_body is not None and not has_text(evidence, site[1])


_STATUS = "URL_RETRIEVAL_STATUS_"
