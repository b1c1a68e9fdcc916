"""What the rules need to know of a request and its answer. Field names are read in camelCase and snake_case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from harness.answer.reply import STEPS, candidate_of, parts_of
from harness.answer.structured import once
from harness.gemini import models, schemas
from harness.gemini.providers import is_chat
from harness.gemini.schemas.request_schema import field, items_of
from harness.model import Evidence, Json
from harness.text.jsontext import an_object, is_whole, objects_in


def number(value: Json) -> int | None:
    """The integer, also if it is written as text or as ``1.0``; None for anything else."""
    try:
        return int(value) if isinstance(value, str) or is_whole(value) else None
    except ValueError:
        return None


def is_natural(value: Json) -> bool:
    """Whether the value is a count: an integer from 0 up."""
    return is_whole(value) and value >= 0


def by_modality(usage: Mapping[str, Json], *names: str) -> Mapping[str, int]:
    """Modality -> tokens, over these lists of details."""
    counts: dict[str, int] = {}
    for detail in (detail for name in names for detail in objects_in(usage.get(name))):
        modality = str(detail.get("modality"))
        counts[modality] = counts.get(modality, 0) + (number(detail.get("tokenCount")) or 0)
    return counts


def thinking(evidence: Evidence, name: str) -> Json:
    """A field of the request's ``thinkingConfig``; None if it is absent."""
    return field(evidence.request_body, "generationConfig", "thinkingConfig", name)


def tools(evidence: Evidence, name: str) -> list[Json]:
    """Every tool of that kind that the request offers."""
    return [
        found for tool in items_of(field(evidence.request_body, "tools")) if (found := field(tool, name)) is not None
    ]


def generation(evidence: Evidence) -> tuple[int, int]:
    """The generation of the model that answered, by ``modelVersion``, else by the requested name; (0, 0) if it is not known."""
    version = models.generation(evidence.reply.model_version or "")
    return version or models.generation(evidence.model or "") or (0, 0)


@once
def declared(evidence: Evidence) -> Mapping[str, schemas.RequestSchema | None]:
    """Name -> schema of every function that the request declares."""
    return schemas.declarations(evidence.request_body)


def offers_builtin_tools(evidence: Evidence) -> bool:
    """Whether the request has a tool that is no function, such as a search."""
    offered = (tool for tool in items_of(field(evidence.request_body, "tools")) if isinstance(tool, dict))
    functions = {"functionDeclarations", "function_declarations"}
    return any(value is not None and name not in functions for tool in offered for name, value in tool.items())


def calling_mode(evidence: Evidence) -> str:
    """The mode of function calling in upper case; empty if the request states none."""
    mode = field(evidence.request_body, "toolConfig", "functionCallingConfig", "mode")
    return str(mode or "").upper()


def has_hidden_functions(evidence: Evidence) -> bool:
    """Whether functions are declared elsewhere: in cached content, by computer use, or on an MCP server."""
    elsewhere = any(tools(evidence, kind) for kind in ("computerUse", "mcpServers"))
    return elsewhere or field(evidence.request_body, "cachedContent") is not None


def request_parts(evidence: Evidence) -> Iterator[Json]:
    """The parts of all turns of the request."""
    for turn in items_of(field(evidence.request_body, "contents")):
        yield from items_of(field(turn, "parts"))


PROGRAMS = (
    r"escap|encod|base.?64|\bhtml|\bxml|entities|regex|regular exp|latex|formula|markdown|\bcode\b(?! execution)|\bjava|\bjs\b|typescript|python|\bsql"
    r"|\bshell|\bglob|newline|line break|backslash|unicode|accents|chat template|\btokens?\b|\btags?\b|chatml|prompt format"
    r"|rror\b|fehler|\bhttp\b(?!:)|status code|gateway|streams? end|\bsse\b|ampersand|\bnotation|page web|web ?page|web ?seite|gina web|<br|<p>"
)
"""Words of a question about texts for programs: its answer may show escapes, tags, tokens and errors."""


@once
def prompted(evidence: Evidence) -> Sequence[str]:
    """The texts of the request: of all turns, without thoughts, and of the system instruction."""
    parts = [*request_parts(evidence), *items_of(field(evidence.request_body, "systemInstruction", "parts"))]
    spoken = (part for part in parts if not field(part, "thought"))
    return [text for part in spoken if isinstance(text := field(part, "text"), str)]


def is_about(evidence: Evidence, topic: str) -> bool:
    """Whether a question or instruction of the request has the regular expression, in any case. The middle of a long text is material."""
    asked = (one if len(one) < 1_000 else f"{one[:500]}\n{one[-500:]}" for one in prompted(evidence))
    return any(re.search(topic, one, re.IGNORECASE) for one in asked)


def is_unfinished(evidence: Evidence) -> bool:
    """Whether the last text of the request is no sentence: the answer may go on with it, or have it as its heading."""
    texts = [str(text) for part in request_parts(evidence) if (text := field(part, "text"))] or ["."]
    return re.search(r"[\w,;:\-]\s*\Z", texts[-1]) is not None


def has_text(evidence: Evidence, text: str) -> bool:
    """Whether the request has the text anywhere: then the answer may have it too."""
    return json.dumps(text)[1:-1] in json.dumps(evidence.request_body)


def media_parts(evidence: Evidence) -> frozenset[str]:
    """The kinds of media in the request: ``inlineData``, ``fileData``."""
    kinds = ("inlineData", "fileData")
    return frozenset(kind for part in request_parts(evidence) for kind in kinds if field(part, kind) is not None)


def is_stream(evidence: Evidence) -> bool:
    """Whether the answer is, or should be, a stream."""
    return evidence.transport == "stream" or evidence.reply.form in ("sse", "array")


@once
def wants_sse(evidence: Evidence) -> bool:
    """Whether the request asked for server-sent events. A chat completion asks in its body."""
    url = evidence.exchange.request.url
    if evidence.transport != "stream" or is_chat(url):
        return evidence.transport == "stream"
    query = parse_qs(urlsplit(url).query)
    return "sse" in query.get("alt", []) + query.get("$alt", [])


def knows_query(evidence: Evidence) -> bool:
    """Whether the query of the request is known. Many recorders of others keep none."""
    return evidence.exchange.own or "?" in evidence.exchange.request.url


_PLACEHOLDER = (
    r"(?s)<[^<>]*>|\[[^\[\]]*\]|\{\{.*\}\}|\*{3,}|(?i:redacted|scrubbed|filtered)|(?:\S+ ){0,4}\S*(?:\.{3}.*|…)"
)


def is_placeholder(value: Json) -> bool:
    """Whether a recorder or its user replaced or shortened the value: ``<BASE64>``, ``[image data]``, ``iVBORw0...``."""
    if not isinstance(value, str):
        return False
    return re.fullmatch(_PLACEHOLDER, value if len(value) < 200 else value[:100] + value[-100:]) is not None


def has_answer(evidence: Evidence) -> bool:
    """Whether this is a 200 with a readable answer and no error, so that the rules about answers apply."""
    reply = evidence.reply
    if evidence.exchange.status != 200 or reply.error is not None:
        return False
    return "candidates" in reply.response or not SIGNS.isdisjoint(reply.response)


def subjects(evidence: Evidence) -> Sequence[str]:
    """What this is: the values of `Rule.of` for which a rule is asked."""
    return ("exchange", "answer", "finished")[: 1 + has_answer(evidence) + is_finished(evidence)]


def has_several_candidates(evidence: Evidence) -> bool:
    """Whether the answer has several candidates, whose tokens are counted together."""
    return len(objects_in(evidence.reply.response.get("candidates"))) > 1


SIGNS = frozenset(("candidates", "promptFeedback", "usageMetadata"))
"""Every answer has at least one of these fields."""
USED = ("toolUsePromptTokenCount", "groundingMetadata", "urlContextMetadata", *STEPS)
"""What an answer has only if a built-in tool ran."""


def is_chunk(value: Mapping[str, Json]) -> bool:
    """Whether an event has at least one field of an answer, be it only its id."""
    return not _FIELDS.isdisjoint(value)


def event_without(evidence: Evidence, name: str) -> int | None:
    """The index of the first event with content that lacks a field which others have; None if there is none.

    The Gemini API writes all of `_EACH` into every event, Vertex AI counts in the last. Events that were made up have one or none.
    """
    is_vertex = "trafficType" in evidence.reply.usage or "createTime" in evidence.reply.response
    found = _fields_of_events(evidence)
    having = [at for at, fields in enumerate(found) if name in fields]
    if not having or len(having) == len(found) or (is_vertex and name == "usageMetadata"):
        return None
    *parts, _ = [at for at, fields in enumerate(found) if "content" in fields] or [0]  # counts may come behind the last
    lacking = (at for at in parts if name not in found[at])
    return next((at for at in lacking if len(_EACH & found[at]) == 2 or having[0] < at < having[-1]), None)


@once
def _fields_of_events(evidence: Evidence) -> Sequence[frozenset[str]]:
    """Which fields each event has, and its candidate. Of a long stream, one event is held at a time."""
    values = (an_object(event.value) for event in (evidence.reply.events if is_stream(evidence) else ()))
    each = ({**value, "content": parts_of(candidate_of(value))} for value in values)
    return [frozenset(name for name in (*_EACH, "content") if fields.get(name)) for fields in each]


_EACH = frozenset(("usageMetadata", "modelVersion", "responseId"))
_FIELDS = SIGNS | {"modelVersion", "responseId", "createTime", "modelStatus", "turnToken"}


def is_finished(evidence: Evidence) -> bool:
    """Whether the answer ended with STOP. Any other end is an outcome, which another rule reports."""
    return has_answer(evidence) and evidence.reply.finish_reason == "STOP"
