"""Bytes that come late, are cut, or have another format than requested."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from harness.simulator.faults.registry import rewires
from harness.simulator.traffic import EVENTS, JSON, Cut, Headers, Pause, Piece, Sent

SLOW = 3.0
STALL = 600.0
"""Seconds before the first byte for ``slow``, and of silence for ``stall``."""


def _typed(headers: Headers, kind: str) -> Headers:
    return [(name, kind.encode() if name == b"content-type" else value) for name, value in headers]


def _inside(sent: Sent, *pieces: Piece) -> Sent:
    """The answer with ``pieces`` in its middle: between two chunks, or inside the only one."""
    body = list(sent.body)
    if len(body) > 1:
        return replace(sent, body=[*body[: len(body) // 2], *pieces, *body[len(body) // 2 :]])
    whole = sent.content
    return replace(sent, body=[whole[: len(whole) // 2], *pieces, whole[len(whole) // 2 :]])


# --- late and cut -------------------------------------------------------------------------------------


@rewires()
def slow(sent: Sent, _: str) -> Sent:
    """The first byte comes 3 seconds late."""
    return replace(sent, delay=sent.delay + SLOW)


@rewires("stream-end")
def stall(sent: Sent, _: str) -> Sent:
    """The answer stops in the middle and the connection stays open."""
    return _inside(sent, Pause(STALL))


@rewires("stream-end")
def cut(sent: Sent, _: str) -> Sent:
    """The connection is dropped in the middle."""
    return _inside(sent, Cut())


@rewires()
def glued(sent: Sent, _: str) -> Sent:
    """All chunks come at once (healthy)."""
    return replace(sent, body=[sent.content])


@rewires()
def split(sent: Sent, _: str) -> Sent:
    """Every byte comes separately (healthy)."""
    return replace(sent, body=[bytes((byte,)) for byte in sent.content], pace=0.0)


# --- another format -----------------------------------------------------------------------------------


@rewires("error-envelope")
def html(sent: Sent, _: str) -> Sent:
    """An HTML error page with status 502."""
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
    return replace(sent, status=502, headers=_typed(sent.headers, "text/html"), body=[page])


@rewires("error-envelope")
def firewall(sent: Sent, _: str) -> Sent:
    """An HTML page of a firewall with status 403."""
    page = b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>\n"
    return replace(sent, status=403, headers=_typed(sent.headers, "text/html"), body=[page])


@rewires("json-body")
def html_200(sent: Sent, _: str) -> Sent:
    """An HTML page with status 200."""
    return replace(sent, headers=_typed(sent.headers, "text/html"), body=[b"<html><body>Sign in</body></html>\n"])


@rewires("json-body")
def empty(sent: Sent, _: str) -> Sent:
    """Status 200 and no body."""
    return replace(sent, body=[])


@rewires("error-envelope")
def openai_error(sent: Sent, _: str) -> Sent:
    """A gateway's error envelope: message, type and a code that is text."""
    error = {
        "message": "no available channels for model",
        "type": "new_api_error",
        "param": "",
        "code": "model_not_found",
    }
    return _error(sent, 503, {"error": error})


@rewires("error-envelope")
def nested_error(sent: Sent, _: str) -> Sent:
    """An error whose message is another error as JSON text."""
    inner = {"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}}
    return _error(sent, 500, {"error": {"message": json.dumps(inner), "type": "upstream_error"}})


@rewires("error-envelope")
def all_failed(sent: Sent, _: str) -> Sent:
    """A gateway's own message with status 400: every provider failed."""
    return _error(sent, 400, {"error": {"message": "all providers failed", "type": "all_providers_failed"}})


@rewires("json-body")
def error_200(sent: Sent, _: str) -> Sent:
    """An error object with status 200."""
    return _error(sent, 200, {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})


def _error(sent: Sent, status: int, body: Any) -> Sent:
    return replace(sent, status=status, headers=_typed(sent.headers, JSON), body=[json.dumps(body).encode()])


@rewires("json-body")
def broken_json(sent: Sent, _: str) -> Sent:
    """The body is invalid JSON; in a stream one event is."""
    body = [piece for piece in sent.body if isinstance(piece, bytes)]
    middle = len(body) // 2
    body[middle] = body[middle].replace(b'":', b'"', 1)
    return replace(sent, body=body)


@rewires("content-type")
def wrong_content_type(sent: Sent, _: str) -> Sent:
    """The content type is text/plain."""
    return replace(sent, headers=_typed(sent.headers, "text/plain"))


@rewires("content-type")
def no_content_type(sent: Sent, _: str) -> Sent:
    """The content type is missing."""
    return replace(sent, headers=[(name, value) for name, value in sent.headers if name != b"content-type"])


# --- streams ------------------------------------------------------------------------------------------


@rewires("stream-error")
def error_event(sent: Sent, framing: str) -> Sent:
    """A stream ends early with an error event, with status 200."""
    if framing != "sse":
        return sent
    body = list(sent.body)
    error = {
        "error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
    }
    return replace(sent, body=[*body[: max(1, len(body) // 2)], b"data: " + json.dumps(error).encode() + b"\r\n\r\n"])


@rewires("sse-framing")
def done(sent: Sent, framing: str) -> Sent:
    """A stream ends with the [DONE] of another API."""
    return replace(sent, body=[*sent.body, b"data: [DONE]\r\n\r\n"]) if framing == "sse" else sent


@rewires("sse-framing")
def bytes_literal(sent: Sent, framing: str) -> Sent:
    """Each event is wrapped as a Python bytes literal."""
    if framing != "sse":
        return sent
    literals = [b"data: " + repr(piece.strip()).encode() + b"\n\n" for piece in sent.body if isinstance(piece, bytes)]
    return replace(sent, body=literals)


@rewires("sse-framing")
def torn_event(sent: Sent, framing: str) -> Sent:
    """A blank line splits an event in two, as from a gateway that treats each network read as an event."""
    body = [piece for piece in sent.body if isinstance(piece, bytes)]
    if framing == "sse":
        half = len(body[0]) // 2
        body[0] = body[0][:half] + b"\r\n\r\n" + body[0][half:]
    return replace(sent, body=body)


@rewires("sse-framing")
def no_last_blank_line(sent: Sent, framing: str) -> Sent:
    """The blank line after the last event is missing."""
    body = list(sent.body)
    if framing == "sse" and body and isinstance(body[-1], bytes):
        body[-1] = body[-1].rstrip(b"\r\n")
    return replace(sent, body=body)


@rewires()
def comments(sent: Sent, framing: str) -> Sent:
    """Comment lines between events (legal, and some clients break)."""
    return (
        replace(sent, body=[data for piece in sent.body for data in (b": ping\r\n\r\n", piece)])
        if framing == "sse"
        else sent
    )


@rewires("sse-requested")
def json_instead(sent: Sent, framing: str) -> Sent:
    """The request asks for a stream, and one JSON array comes."""
    if framing != "sse":
        return sent
    events = [piece.removeprefix(b"data: ").strip() for piece in sent.body if isinstance(piece, bytes)]
    return replace(sent, headers=_typed(sent.headers, JSON), body=[b"[" + b",\n".join(events) + b"]\n"])


@rewires("sse-requested")
def events_instead(sent: Sent, framing: str) -> Sent:
    """The request asks for one JSON value, and an event comes."""
    if framing != "json":
        return sent
    value = json.dumps(json.loads(sent.content)).encode()
    return replace(sent, headers=_typed(sent.headers, EVENTS), body=[b"data: " + value + b"\r\n\r\n"])
