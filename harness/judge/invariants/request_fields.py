"""What the rules need to know of a request and its answer. Field names are read in camelCase and snake_case."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from harness.gemini import schemas
from harness.gemini.definition import snake
from harness.gemini.providers import is_chat
from harness.model import Evidence, Json


def field(body: Json, *names: str) -> Json:
    """The value at that place of a request body, in either spelling; None if it is absent."""
    for name in names:
        if not isinstance(body, dict):
            return None
        body = body.get(name, body.get(snake(name)))
    return body


def items_of(value: Json) -> Iterator[Json]:
    """The items of a list. A single value is a list of one, as in the API."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def number(value: Json) -> int | None:
    """The integer, also if it is written as text; None for anything else."""
    try:
        return None if isinstance(value, (bool, float)) else int(value)
    except (TypeError, ValueError):
        return None


def thinking(evidence: Evidence, name: str) -> Json:
    """A field of the request's ``thinkingConfig``; None if it is absent."""
    return field(evidence.request_body, "generationConfig", "thinkingConfig", name)


def tools(evidence: Evidence, name: str) -> list[Json]:
    """Every tool of that kind that the request offers."""
    return [
        found for tool in items_of(field(evidence.request_body, "tools")) if (found := field(tool, name)) is not None
    ]


def is_stream(evidence: Evidence) -> bool:
    """Whether the answer is, or should be, a stream."""
    return evidence.transport == "stream" or evidence.reply.form in ("sse", "array")


def wants_sse(evidence: Evidence) -> bool:
    """Whether the request asked for server-sent events. A chat completion asks in its body."""
    if is_chat(evidence.exchange.request.url):
        return evidence.transport == "stream"
    query = parse_qs(urlsplit(evidence.exchange.request.url).query)
    return evidence.transport == "stream" and "sse" in query.get("alt", []) + query.get("$alt", [])


def knows_query(evidence: Evidence) -> bool:
    """Whether the query of the request is known. Many recorders of others keep none."""
    return evidence.exchange.own or "?" in evidence.exchange.request.url


def has_answer(evidence: Evidence) -> bool:
    """Whether this is a 200 with a readable answer and no error, so that the rules about answers apply."""
    reply = evidence.reply
    return evidence.exchange.status == 200 and reply.error is None and bool(_SIGNS & reply.response.keys())


_SIGNS = frozenset(("candidates", "promptFeedback", "usageMetadata"))


def is_finished(evidence: Evidence) -> bool:
    """Whether the answer ended with STOP. Any other end is an outcome, which another rule reports."""
    return has_answer(evidence) and evidence.reply.finish_reason == "STOP"


def wants_json(evidence: Evidence) -> bool:
    return schemas.json_mode(evidence.request_body)
