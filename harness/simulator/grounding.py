"""Grounding metadata of Google Search, Google Maps and web pages. Offsets are UTF-8 bytes of the answer's text."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.simulator.seed import Seed

REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
FALLBACK = ("wikipedia.org", "britannica.com", "reuters.com", "bbc.com")
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
        "searchEntryPoint": {"renderedContent": _entry_point(asked)},
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
    """The search queries for a prompt."""
    words = " ".join(_QUESTION.sub(" ", prompt).split()[:12]).lower()
    return [words or "news", f"{words} explained"] if len(words) > 60 else [words or "news"]


def _redirect(domain: str, seed: Seed) -> str:
    return REDIRECT + base64.urlsafe_b64encode(b"simulated" + seed.bytes("redirect " + domain, 48)).decode().rstrip("=")


def _entry_point(queries: Sequence[str]) -> str:
    chips = "".join(f'<a class="chip" href="{REDIRECT}simulated">{html.escape(query)}</a>' for query in queries)
    return f'<style>\n.chip {{ border: solid 1px; border-radius: 16px; }}\n</style>\n<div class="container">{chips}</div>\n'


def maps(text: str, prompt: str, seed: Seed, *, widget: bool) -> dict[str, Any]:
    """``groundingMetadata`` of Google Maps: one place, and a widget token if ``widget``."""
    place = "ChIJ" + base64.urlsafe_b64encode(seed.bytes("place", 17)).decode().rstrip("=")
    names = re.findall(r"\b[A-Z][\w'-]+", prompt)
    uri = f"https://maps.google.com/?cid={seed.number('cid')}"
    title = f"{names[-1] if names else 'Simulated'} Café"
    found: dict[str, Any] = {
        "groundingChunks": [{"maps": {"uri": uri, "title": title, "placeId": f"places/{place}"}}],
        "groundingSupports": list(_supports(text, 1)),
    }
    return {**found, "googleMapsWidgetContextToken": "widgetcontent/" + place} if widget else found
