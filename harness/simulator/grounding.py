"""Grounding metadata of Google Search, Google Maps and web pages. Offsets are UTF-8 bytes of the answer's text."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.simulator.mentions import mentions
from harness.simulator.seed import Seed

REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
FALLBACK = ("wikipedia.org", "britannica.com", "reuters.com", "bbc.com")
SEARCHES = re.compile(r"\b(?:search|google|look up|latest|news|web)\b", re.IGNORECASE)
"""Words of a prompt that speaks of a search."""
_SENTENCE = re.compile(r"[^\s].*?(?:[.!?](?=\s|$)|[。！？।]|$)", re.DOTALL)
_QUESTION = re.compile(r"\b(?:answer|reply|respond) in \w+\b|[?.!\"“”]", re.IGNORECASE)


def search(
    prompt: str, text: str, domains: Sequence[str], seed: Seed, *, images: bool = False, scored: bool = False
) -> dict[str, Any]:
    """``groundingMetadata`` of Google Search, without fields that are zero, as Google sends it. ``images``: also search for images.
    ``scored``: supports have confidence scores, as before Gemini 2.5."""
    sources = tuple(domains) or FALLBACK[: 2 + seed.number("sources") % 2]
    asked = queries(prompt)
    chunks: list[dict[str, Any]] = [{"web": {"uri": _redirect(domain, seed), "title": domain}} for domain in sources]
    supports = list(_supports(text, len(sources)))
    if scored:
        supports = [
            {**support, "confidenceScores": [0.9] * len(support["groundingChunkIndices"])} for support in supports
        ]
    found = {
        "searchEntryPoint": {"renderedContent": entry_point(asked)},
        "groundingChunks": [*chunks, *([_picture(sources[0], seed)] if images else ())],
        "groundingSupports": supports,
        "webSearchQueries": asked,
    }
    return {**found, "imageSearchQueries": asked[:1]} if images else found


def _picture(domain: str, seed: Seed) -> dict[str, Any]:
    name = seed.call_id("picture")
    uris = {"imageUri": f"https://{domain}/{name}.jpg", "sourceUri": f"https://{domain}/{name}"}
    return {"image": {**uris, "title": f"A picture from {domain}", "domain": domain}}


def pages(text: str, urls: Sequence[str]) -> dict[str, Any]:
    """``groundingMetadata`` of an answer from the pages at ``urls``. It has no queries and no entry point."""
    return {
        "groundingChunks": [{"web": {"uri": url, "title": url.partition("://")[2]}} for url in urls],
        "groundingSupports": list(_supports(text, len(urls))),
    }


def passages(text: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``groundingMetadata`` of a file search: the passages, and the first sentence supported by the best one."""
    start, sentence = next(sentences(text), (0, ""))
    support = {"segment": {"endIndex": start + len(sentence.encode()), "text": sentence}, "groundingChunkIndices": [0]}
    chunks = [{"retrievedContext": dict(context)} for context in found]
    return {"groundingChunks": chunks, "groundingSupports": [support] if sentence else []}


def best_sentence(text: str, question: str) -> str:
    """The sentence of ``text`` with the most words of the question."""
    wanted = set(re.findall(r"\w{3,}", question.lower()))
    found = [sentence for _, sentence in sentences(text)]
    return max(found, key=lambda sentence: len(wanted & set(re.findall(r"\w{3,}", sentence.lower()))), default=text)


def _supports(text: str, chunks: int) -> Iterator[dict[str, Any]]:
    for number, (start, sentence) in enumerate(sentences(text)):
        segment: dict[str, Any] = {"startIndex": start} if start else {}
        segment["endIndex"] = start + len(sentence.encode())
        segment["text"] = sentence
        indices = sorted({number % chunks, (number + 1) % chunks} if number else {0})
        yield {"segment": segment, "groundingChunkIndices": indices}


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Each sentence of ``text`` with the UTF-8 byte at which it starts."""
    position = offset = 0
    for found in _SENTENCE.finditer(text):
        offset += len(text[position : found.start()].encode())
        position = found.start()
        yield offset, found[0]


def queries(prompt: str) -> list[str]:
    """The search queries for a prompt: what it quotes if it speaks of a search, else its own words."""
    quoted = [str(mention.value) for mention in mentions("quote", prompt)] if SEARCHES.search(prompt) else []
    if quoted:
        return quoted
    words = " ".join(_QUESTION.sub(" ", prompt).split()[:12]).lower()
    return [words or "news", f"{words} explained"] if len(words) > 60 else [words or "news"]


def _redirect(domain: str, seed: Seed) -> str:
    return REDIRECT + base64.urlsafe_b64encode(b"simulated" + seed.bytes("redirect " + domain, 48)).decode().rstrip("=")


def entry_point(queries: Sequence[str]) -> str:
    """The HTML of the search suggestions."""
    chips = "".join(f'<a class="chip" href="{REDIRECT}simulated">{html.escape(query)}</a>' for query in queries)
    return f'<style>\n.chip {{ border: solid 1px; border-radius: 16px; }}\n</style>\n<div class="container">{chips}</div>\n'


def maps(text: str, prompt: str, seed: Seed, *, widget: bool) -> dict[str, Any]:
    """``groundingMetadata`` of Google Maps: three places with a text each, and a widget token if ``widget``."""
    names = [str(mention.value) for mention in mentions("place", prompt)] or ["Simulated"]
    kinds = seed.between("kind", 0, len(_VENUES) - 1)
    chunks = [_venue(f"{names[0]} {_VENUES[(kinds + n) % len(_VENUES)]}", seed) for n in range(3)]
    found: dict[str, Any] = {"groundingChunks": chunks, "groundingSupports": list(_supports(text, len(chunks)))}
    token = "widgetcontent/" + base64.urlsafe_b64encode(seed.bytes("widget", 33)).decode()
    return {**found, "googleMapsWidgetContextToken": token} if widget else found


_VENUES = ("Café", "Bistro", "Market Hall", "Gallery", "Park")


def _venue(title: str, seed: Seed) -> dict[str, Any]:
    place = "ChIJ" + base64.urlsafe_b64encode(seed.bytes(f"place {title}", 17)).decode().rstrip("=")
    uri = f"https://maps.google.com/?cid={seed.number(f'cid {title}')}"
    text = f"{title} is a simulated place, open from 9:00 to 18:00 and rated {3.5 + seed.number(title) % 15 / 10:.1f}."
    return {"maps": {"uri": uri, "title": title, "text": text, "placeId": f"places/{place}"}}
