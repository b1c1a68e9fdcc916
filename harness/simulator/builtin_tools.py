"""Adds the output of built-in tools to an answer: grounding by search, maps and pages; code and its result."""

# ruff: noqa: RUF001 - a sign of multiplication is data here

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.simulator import grounding
from harness.simulator.answer_types import ModelOutput
from harness.simulator.json_mode import topic
from harness.simulator.knowledge import KnownFact
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import asked
from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.style import StyleRules
from harness.simulator.tokens import tokens, value_tokens

_URL = re.compile(r"https?://[^\s\"'<>)\]]+[^\s\"'<>)\].,;:!?]")
_CODE = re.compile(
    r"\b(?:code|python|calculat\w*|comput\w*|script|program|run|sum|prime|fibonacci|factorial|what (?:day|date)|days)\b|\d\s*[-+*/×^]\s*\d",
    re.IGNORECASE,
)
MOST_PAGES = 20
_PAGE_TOKENS = 640
_MEDIA_TOKENS = 1200
"""Tokens of the parts of a video that the model looks at by itself."""


def wants_code(prompt: str) -> bool:
    """Whether a model would run code for this prompt."""
    return bool(_CODE.search(prompt))


def grounded(ask: Ask, prompt: str, output: ModelOutput, known: KnownFact | None, seed: Seed) -> ModelOutput:
    """Adds grounding to a text answer if the request has a tool for it, and the tool's steps if it asks for them."""
    if urls := _URL.findall(prompt)[:MOST_PAGES] if "urlContext" in ask.tools else []:
        found = _from_pages(output, urls)
        return _with_steps(ask, found, "URL_CONTEXT", {"urls": urls}, dict(found.url_context or {}), seed)
    if any(part.get("mediaProcessing") == "AGENTIC" for part in ask.parts):
        found = replace(output, tool_tokens=_MEDIA_TOKENS)
        return _shown(found, "MEDIA_PROCESSING", {"query": topic(prompt)}, {"result": output.text}, seed)
    if ask.passages:
        read = 250 + sum(tokens(str(context["text"])) for context in ask.passages)
        found = replace(output, grounding=grounding.passages(output.text, ask.passages), tool_tokens=read)
        return _with_steps(ask, found, "FILE_SEARCH", {}, {}, seed)
    if "googleMaps" in ask.tools:
        widget = bool(ask.tools["googleMaps"].get("enableWidget"))
        grounds = grounding.maps(output.text, prompt, seed, widget=widget)
        places = [{"title": chunk["maps"]["title"]} for chunk in grounds["groundingChunks"]]
        queries = {"queries": grounding.queries(prompt)}
        return _with_steps(ask, replace(output, grounding=grounds), "GOOGLE_MAPS", queries, {"places": places}, seed)
    if "googleSearch" in ask.tools and output.text:
        grounds = grounding.search(
            prompt,
            output.text,
            known.domains if known else (),
            seed,
            images=_wants_images(ask),
            scored=ask.generation < (2, 5),
        )
        spent = 0 if ask.requires_signatures else 40 + seed.number("search") % 60
        suggestions = {"search_suggestions": grounds["searchEntryPoint"]["renderedContent"]}
        queries = {"queries": grounds["webSearchQueries"]}
        return _with_steps(
            ask, replace(output, grounding=grounds, tool_tokens=spent), "GOOGLE_SEARCH_WEB", queries, suggestions, seed
        )
    return output


def beside_calls(ask: Ask, prompt: str, output: ModelOutput, seed: Seed) -> ModelOutput:
    """Function calls, with the steps of a search before them if the prompt asks for both in one turn."""
    if not (ask.shows_tool_steps and "googleSearch" in ask.tools and grounding.SEARCHES.search(prompt)):
        return output
    asked = grounding.queries(prompt)[:2]
    suggestions = {"search_suggestions": grounding.entry_point(asked)}
    return _with_steps(ask, output, "GOOGLE_SEARCH_WEB", {"queries": asked}, suggestions, seed)


def _wants_images(ask: Ask) -> bool:
    return "imageSearch" in (ask.tools["googleSearch"].get("searchTypes") or {})


def _from_pages(output: ModelOutput, urls: Sequence[str]) -> ModelOutput:
    """An answer from web pages. Its sources are the pages that could be read."""
    statuses = {url: _status(url) for url in urls}
    read = [url for url, status in statuses.items() if status == "SUCCESS"]
    metadata = [{"retrievedUrl": url, "urlRetrievalStatus": f"URL_RETRIEVAL_STATUS_{statuses[url]}"} for url in urls]
    return replace(
        output,
        grounding=grounding.pages(output.text, read) if read else None,
        url_context={"urlMetadata": metadata},
        tool_tokens=_PAGE_TOKENS * len(read),
    )


def _status(url: str) -> str:
    """The retrieval status of a page: ERROR for hosts that end in ``.invalid``, PAYWALL or UNSAFE for those that start with
    ``paywall.`` or ``unsafe.``, else SUCCESS."""
    host = url.partition("://")[2].partition("/")[0].lower()
    if host.endswith(".invalid"):
        return "ERROR"
    return next((status for status in ("PAYWALL", "UNSAFE") if host.startswith(status.lower() + ".")), "SUCCESS")


def _with_steps(
    ask: Ask, output: ModelOutput, tool: str, args: Mapping[str, Any], found: Mapping[str, Any], seed: Seed
) -> ModelOutput:
    """Puts the tool's call and response first, if the request asks to see them."""
    return _shown(output, tool, args, found, seed) if ask.shows_tool_steps else output


def _shown(
    output: ModelOutput, tool: str, args: Mapping[str, Any], found: Mapping[str, Any], seed: Seed
) -> ModelOutput:
    number = seed.call_id(f"step {tool}")
    called = {"toolType": tool, **({"args": dict(args)} if args else {}), "id": number}
    answered = {"toolType": tool, **({"response": dict(found)} if found else {}), "id": number}
    return replace(output, parts=[{"toolCall": called}, {"toolResponse": answered}, *output.parts])


def computed(ask: Ask, prompt: str, style: StyleRules, known: KnownFact | None, seed: Seed) -> ModelOutput:
    """Code, its result, and a sentence about it. On Gemini 3 both have an id. The result counts as tool use."""
    result = known.short if known else str(seed.between("result", 2, 1000))
    code = (
        f"result = {result}\nprint(result)\n"
        if known is None
        else f"# {topic(prompt)}\nresult = {_literal(result)}\nprint(result)\n"
    )
    number = {"id": f"call_{seed.between('code', 10000, 99999)}"} if ask.requires_signatures else {}
    sentence = known.sentence(style.language) if known and not style.short else result
    parts: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": code, **number}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": f"{result}\n", **number}},
        {"text": style.fixed or style.apply(sentence)},
    ]
    return ModelOutput(parts, tool_tokens=tokens(code) + tokens(result) + value_tokens(number))


def _literal(text: str) -> str:
    return text if re.fullmatch(r"-?\d+(\.\d+)?", text) else repr(text)


# --- tools of MCP servers, which the API calls itself --------------------------------------------------

SERVER_TOKENS = 400
"""Tokens of the tools that a server lists."""


def server_parts(servers: Sequence[Mapping[str, Any]], prompt: str) -> list[dict[str, Any]]:
    """The call of a tool of the first MCP server, and its result, as the API shows them. No server is reached: tools are named after theirs, and
    their results made up."""
    server = str((servers[0] if servers else {}).get("name") or "server")
    places, dates = mentions("place", prompt), mentions("date", prompt)
    name, args = f"{server}_search", {"query": asked(prompt)}
    if places:
        name, args = f"{server}_get_weather", {"location": str(places[0].value)}
        args |= {"startDate": str(dates[0].value), "endDate": str(dates[-1].value)} if dates else {}
    result = json.dumps({"simulated": True, **args})
    whole = {"meta": None, "content": [{"type": "text", "text": result}], "structuredContent": None, "isError": False}
    response = {"call_tool_result_json": json.dumps(whole), "result": result}
    return [
        {"functionCall": {"name": name, "args": args}},
        {"functionResponse": {"name": name, "response": response}},
    ]
