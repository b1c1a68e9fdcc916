"""What built-in tools add to an answer: grounding by search, maps and pages; code and its result."""

# ruff: noqa: RUF001 - a sign of multiplication is data here

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.simulator import grounding
from harness.simulator.answer_types import ModelOutput
from harness.simulator.json_mode import topic
from harness.simulator.knowledge import KnownFact
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.style import StyleRules
from harness.simulator.tokens import tokens, value_tokens

_URL = re.compile(r"https?://[^\s\"'<>)\]]+[^\s\"'<>)\].,;:!?]")
_CODE = re.compile(
    r"\b(?:code|python|calculate|compute|script|program|run|sum|prime|fibonacci|factorial)\b|\d\s*[-+*/×^]\s*\d",
    re.IGNORECASE,
)
MOST_PAGES = 20
_PAGE_TOKENS = 640


def wants_code(prompt: str) -> bool:
    """Whether a prompt is one that a model would run code for."""
    return bool(_CODE.search(prompt))


def grounded(ask: Ask, prompt: str, said: ModelOutput, known: KnownFact | None, seed: Seed) -> ModelOutput:
    """Grounding for a text answer, where a tool that grounds was offered; and the steps on the way, where they are asked for."""
    if urls := _URL.findall(prompt)[:MOST_PAGES] if "urlContext" in ask.tools else []:
        found = _from_pages(said, urls)
        return _stepped(ask, found, "URL_CONTEXT", {"urls": urls}, dict(found.url_context or {}), seed)
    if "googleMaps" in ask.tools:
        widget = bool(ask.tools["googleMaps"].get("enableWidget"))
        grounds = grounding.maps(said.text, prompt, seed, widget=widget)
        places = [{"title": chunk["maps"]["title"]} for chunk in grounds["groundingChunks"]]
        queries = {"queries": grounding.queries(prompt)}
        return _stepped(ask, replace(said, grounding=grounds), "GOOGLE_MAPS", queries, {"places": places}, seed)
    if "googleSearch" in ask.tools and said.text:
        grounds = grounding.search(
            prompt,
            said.text,
            known.domains if known else (),
            seed,
            images=_wants_images(ask),
            scored=ask.generation < (2, 5),
        )
        spent = 0 if ask.signs else 40 + seed.number("search") % 60
        suggestions = {"search_suggestions": grounds["searchEntryPoint"]["renderedContent"]}
        queries = {"queries": grounds["webSearchQueries"]}
        return _stepped(
            ask, replace(said, grounding=grounds, tool_tokens=spent), "GOOGLE_SEARCH_WEB", queries, suggestions, seed
        )
    return said


def _wants_images(ask: Ask) -> bool:
    return "imageSearch" in (ask.tools["googleSearch"].get("searchTypes") or {})


def _from_pages(said: ModelOutput, urls: Sequence[str]) -> ModelOutput:
    """An answer read from pages: those that could be read are its sources."""
    statuses = {url: _status(url) for url in urls}
    read = [url for url, status in statuses.items() if status == "SUCCESS"]
    metadata = [{"retrievedUrl": url, "urlRetrievalStatus": f"URL_RETRIEVAL_STATUS_{statuses[url]}"} for url in urls]
    return replace(
        said,
        grounding=grounding.pages(said.text, read) if read else None,
        url_context={"urlMetadata": metadata},
        tool_tokens=_PAGE_TOKENS * len(read),
    )


def _status(url: str) -> str:
    """How reading a page went: hosts that end in ``.invalid`` cannot be reached, ``paywall.`` and ``unsafe.`` are what they say."""
    host = url.partition("://")[2].partition("/")[0].lower()
    if host.endswith(".invalid"):
        return "ERROR"
    return next((status for status in ("PAYWALL", "UNSAFE") if host.startswith(status.lower() + ".")), "SUCCESS")


def _stepped(
    ask: Ask, said: ModelOutput, tool: str, args: Mapping[str, Any], found: Mapping[str, Any], seed: Seed
) -> ModelOutput:
    """With the tool's call and its answer in front, where the caller asked to be shown them."""
    if not ask.circulates:
        return said
    called = {"toolType": tool, "args": dict(args), "id": seed.call_id(f"step {tool}")}
    answered = {"toolType": tool, "response": dict(found), "id": called["id"]}
    return replace(said, parts=[{"toolCall": called}, {"toolResponse": answered}, *said.parts])


def computed(ask: Ask, prompt: str, manner: StyleRules, known: KnownFact | None, seed: Seed) -> ModelOutput:
    """Code, its result, and a sentence on it. Gemini 3 numbers both; the result counts as tool use."""
    result = known.short if known else str(seed.between("result", 2, 1000))
    code = (
        f"result = {result}\nprint(result)\n"
        if known is None
        else f"# {topic(prompt)}\nresult = {_literal(result)}\nprint(result)\n"
    )
    number = {"id": f"call_{seed.between('code', 10000, 99999)}"} if ask.signs else {}
    sentence = known.sentence(manner.language) if known and not manner.short else result
    parts: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": code, **number}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": f"{result}\n", **number}},
        {"text": manner.fixed or manner.dress(sentence)},
    ]
    return ModelOutput(parts, tool_tokens=tokens(code) + tokens(result) + value_tokens(number))


def _literal(text: str) -> str:
    return text if re.fullmatch(r"-?\d+(\.\d+)?", text) else repr(text)
