"""The endpoint as an ASGI app: paths, keys, bodies and framing. What is answered is decided in ``answering``.

Any path prefix is taken; ``/gateway`` answers as a gateway would. Keys: any non-empty one is good, except ``invalid``, ``wrong-key``,
``bad-key`` and those that start with ``invalid`` or ``wrong``. Headers: ``x-simulator-seed: N`` varies the answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from harness.simulator import answering, catalogue, faults, marks, sending
from harness.simulator.errors import Refusal, bad_payload, refusal
from harness.simulator.functions import question
from harness.simulator.profiles import GOOGLE, Profile, profile
from harness.simulator.request import Ask, normal
from harness.simulator.seed import Seed

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST = 100 * 1024 * 1024
"""Bytes of the largest request body, as at Google."""
JSON = "application/json; charset=UTF-8"
EVENTS = "text/event-stream"
_PATH = re.compile(r"^(?P<prefix>/.*?)??/(?P<version>v1beta|v1alpha|v1)/(?P<rest>[^?]*)$")
_MODEL = re.compile(r"^models/(?P<model>[^:]+):(?P<verb>\w+)$")
_BAD_KEYS = re.compile(r"invalid|wrong|bad-key$", re.IGNORECASE)
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The key: header first, then ``?key=``, then Bearer. Empty where there is none."""
        bearer = self.headers.get("authorization", "")
        token = bearer[7:].strip() if bearer.lower().startswith("bearer ") else ""
        return self.headers.get("x-goog-api-key") or self.query.get("key", "") or token


@dataclass(slots=True)
class Sent:
    """What goes back: a whole body, or pieces with pauses between them. ``delay`` are seconds before the first byte."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: Iterator[bytes]
    delay: float = 0.0
    pace: float = 0.0
    note: str = ""


@dataclass(slots=True)
class Simulator:
    """The ASGI app. ``latency`` and ``pace`` are seconds before the first byte and between chunks; ``vary`` makes the nth
    repetition of one request its own answer; ``strict`` refuses models that were shut down; ``log`` gets a line a request."""

    seed: str = ""
    latency: float = 0.0
    pace: float = 0.0
    vary: bool = False
    strict: bool = False
    log: Callable[[str], None] | None = None
    _seen: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        sent = self.handle(await _call(scope, receive))
        status = await _deliver(sent, send)
        if self.log:
            took = (time.perf_counter() - started) * 1000
            self.log(f"{scope['method']:<5} {scope['path']}  {status}  {took:.0f} ms{sent.note}")

    def handle(self, call: Call) -> Sent:
        """The answer to one request, whatever it is: a refusal too."""
        try:
            return self._respond(call)
        except Refusal as refused:
            return _refused(refused, call)

    def _respond(self, call: Call) -> Sent:
        if len(call.body) > LARGEST:
            raise Refusal(400, f"Request payload size exceeds the limit: {LARGEST} bytes.")
        found = _PATH.match(call.path)
        if not found:
            raise refusal("no_route")
        where, version, rest = profile(found["prefix"] or ""), found["version"], unquote(found["rest"]).strip("/")
        model = _MODEL.match(rest)
        if model and call.method == "POST":
            return self._model(call, where, version, model["model"], model["verb"])
        _authorised(call)
        if call.method == "GET" and rest == "models":
            size = call.query.get("pageSize", "")
            return _whole(
                where,
                catalogue.listed(int(size) if size.isdigit() else catalogue.PAGE, call.query.get("pageToken", "")),
            )
        if call.method == "GET" and rest.startswith("models/"):
            return _whole(where, catalogue.described(rest.removeprefix("models/"), version))
        raise refusal("no_route")

    def _model(self, call: Call, where: Profile, version: str, name: str, verb: str) -> Sent:
        body = _json(call.body)
        if verb == "countTokens":
            return self._count(call, where, version, name, body)
        if verb not in ("generateContent", "streamGenerateContent"):
            raise refusal("no_route")
        request = normal(body)
        _authorised(call)
        ask = Ask(name, catalogue.answering(name, version, verb, strict=self.strict), request, {})
        fault = faults.asked(call.headers, marks.fault(question(ask)))
        if fault and (refused := fault.refusal(ask)):
            raise refused
        stream = verb.startswith("stream")
        answer = answering.answer(ask, self._seed(call, name), stream=stream)
        return self._streamed(call, where, answer) if stream else self._unary(where, answer)

    def _unary(self, where: Profile, answer: answering.Answer) -> Sent:
        body = where.body(sending.whole(answer))
        return Sent(200, where.headers(JSON, answer.tier), iter((body,)), self.latency, note=_said(answer))

    def _streamed(self, call: Call, where: Profile, answer: answering.Answer) -> Sent:
        chunks = sending.chunks(answer)
        events = call.query.get("alt") == "sse"
        pieces = map(where.event, chunks) if events else where.elements(chunks)
        headers = where.headers(EVENTS if events else "application/json", answer.tier)
        return Sent(200, headers, iter(pieces), self.latency, self.pace, _said(answer))

    def _count(self, call: Call, where: Profile, version: str, name: str, body: Any) -> Sent:
        request = _countable(body)
        _authorised(call)
        ask = Ask(name, catalogue.answering(name, version, "countTokens", strict=self.strict), request, {})
        return _whole(where, answering.count(ask))

    def _seed(self, call: Call, model: str) -> Seed:
        salt = call.headers.get("x-simulator-seed", "")
        seed = Seed.of(self.seed, salt, model, call.body)
        if not self.vary:
            return seed
        key = seed.bytes("request", 16)
        count = self._seen[key] = self._seen.pop(key, -1) + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return Seed.of(key, str(count)) if count else seed


# --- reading a request --------------------------------------------------------------------------------


async def _call(scope: Scope, receive: Receive) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    return Call(scope["method"], scope["path"], query, headers, await _body(receive))


async def _body(receive: Receive) -> bytes:
    """The whole body; of one that is too large only so much that it shows."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        piece = message.get("body", b"")
        if size <= LARGEST:
            pieces.append(piece)
        size += len(piece)
        more = bool(message.get("more_body"))
    return b"".join(pieces)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        text = "Invalid JSON payload received. Unexpected token.\n" + body[:40].decode("utf-8", "replace") + "\n^"
        raise bad_payload([("", text)]) from None


def _countable(body: Any) -> dict[str, Any]:
    """The request whose tokens are counted: ``contents``, or a whole ``generateContentRequest``."""
    known = {
        "contents": "contents",
        "generateContentRequest": "request",
        "generate_content_request": "request",
        "model": "model",
    }
    if not isinstance(body, dict):
        raise bad_payload([("", 'Invalid JSON payload received. Unknown name "": Root element must be a message.')])
    unknown = [name for name in body if name not in known]
    if unknown:
        raise bad_payload(
            [("", f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.') for name in unknown]
        )
    whole = body.get("generateContentRequest") or body.get("generate_content_request")
    if whole is not None:
        return normal(whole, "generate_content_request")
    return normal({"contents": body.get("contents")})


def _authorised(call: Call) -> None:
    if not call.key:
        raise refusal("key_missing")
    if _BAD_KEYS.match(call.key):
        raise refusal("key_invalid")


# --- sending ------------------------------------------------------------------------------------------


def _whole(where: Profile, value: Any, status: int = 200) -> Sent:
    return Sent(status, where.headers(JSON), iter((where.body(value),)))


def _refused(refused: Refusal, call: Call) -> Sent:
    """An error before anything was sent: plain JSON, even under ``alt=sse``; an array where an array was asked for."""
    found = _PATH.match(call.path)
    where = profile(found["prefix"] or "") if found else GOOGLE
    streams = call.path.endswith(":streamGenerateContent")
    events = streams and call.query.get("alt") == "sse"
    body = [refused.body] if streams and not events else refused.body
    headers = where.headers(EVENTS if events else JSON)
    return Sent(refused.status, headers, iter((where.body(body),)), note=f"  {str(refused).splitlines()[0][:100]}")


def _said(answer: answering.Answer) -> str:
    finish = (
        answer.candidates[0].said.finish
        if answer.candidates
        else f"blocked {(answer.blocked or {}).get('blockReason')}"
    )
    return f"  {finish}, {sum(answer.output.values())} tokens, {answer.thoughts} thought"


async def _deliver(sent: Sent, send: Send) -> int:
    """Send it, each piece at its time: pauses are measured from the start, so that they do not add up."""
    if sent.delay:
        await asyncio.sleep(sent.delay)
    pieces = sent.body
    first = next(pieces, b"")
    await send({"type": "http.response.start", "status": sent.status, "headers": sent.headers})
    due = time.perf_counter()
    await send({"type": "http.response.body", "body": first, "more_body": True})
    for piece in pieces:
        due += sent.pace
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return sent.status
