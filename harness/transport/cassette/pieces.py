"""What was found of exchanges, put together: requests, answers and addresses that stand apart; and each as an interaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import UNSET, Struct, field
from msgspec.structs import replace

from harness.model import UNKNOWN_MODEL, Json
from harness.text.jsontext import an_object, compact
from harness.transport.cassette.bodies import Body, is_answer, joined, json_in, sse
from harness.transport.cassette.messages import UNKNOWN_HOST

_SERVED = re.compile(rb'"modelVersion"\s*:\s*"([\w.@-]{1,100})"')
ANSWER_ID = re.compile(rb'"responseId"\s*:\s*"([^"]{1,100})"')


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Piece(Struct):
    """What was found of an exchange. ``answers``: its body, or the events of it.
    ``failure``: why it has no answer; none that stands near is taken for it.

    ``ids``: the ``responseId`` of its answers, where many were put together; ``several``: the answers may be those of several exchanges; ``streams``: whether the call was a stream, if something says so.
    """

    url: str | None = None
    model: str | None = None
    method: str | None = None
    headers: Mapping[str, str] = _NO_HEADERS
    request: Body | None = None
    status: int | None = None
    answer_headers: Mapping[str, str] = _NO_HEADERS
    answers: list[Body] = field(default_factory=list)
    ids: set[Json] | None = None
    several: bool = False
    streams: bool | None = None
    id: str | None = None
    at: str | None = None
    failure: str = ""

    @property
    def is_context(self) -> bool:
        """Whether it only says where the exchanges around it were sent."""
        return not (self.has_request or self.has_answer or self.failure)

    @property
    def has_request(self) -> bool:
        return self.request is not None

    @property
    def has_answer(self) -> bool:
        return bool(self.answers)

    def within(self, context: Piece) -> Piece:
        """This piece, completed by what stands around it."""
        return replace(
            self,
            url=self.url or context.url,
            model=self.model or context.model,
            method=self.method or context.method,
            headers=self.headers or context.headers,
            request=self.request if self.request is not None else context.request,
            status=self.status or context.status,
            answer_headers=self.answer_headers or context.answer_headers,
            streams=context.streams if self.streams is None else self.streams,
            id=self.id or context.id,
            at=self.at or context.at,
        )


def by_calls(pieces: list[Piece]) -> list[Piece]:
    """The pieces, those of one id after each other, where calls at the same time were written as they came."""
    answered = [piece.id for piece in pieces if piece.has_answer]
    if len(set(answered)) == len(answered) or not all(piece.id for piece in pieces):
        return pieces
    order = {piece.id: number for number, piece in reversed(list(enumerate(pieces)))}
    return sorted(pieces, key=lambda piece: order[piece.id])


def fits(piece: Piece) -> bool:
    """Whether the answer can be that of the request: it calls no function of a request without tools."""
    request, answer = piece.request, piece.answers[0] if piece.answers else None
    if request is None or answer is None or b'"functionCall"' not in answer.content[:MOST_SEARCHED]:
        return True
    return b'"tools"' in request.content or b'"cachedContent"' in request.content


MOST_SEARCHED = 100_000


def is_foreign_error(piece: Piece, *, of_google: bool) -> bool:
    """Whether it is an error that nothing around it shows to be of a call. ``of_google``: a status of Google's shows it."""
    one = piece.answers[0].gist if len(piece.answers) == 1 else None
    error = one.error if one is not None else None
    if piece.url or piece.model or piece.has_request or not isinstance(error, dict):
        return False
    return not (of_google and isinstance(error.get("status"), str))


def split(piece: Piece) -> Iterator[Piece]:
    """One exchange for each answer, unless they are events of one stream."""
    streams = piece.streams or "stream" in (piece.url or "").rpartition(":")[2][:7]
    if len(piece.answers) < 2 or streams or not piece.several:
        yield piece
        return
    yield from (replace(piece, answers=[body]) for body in piece.answers)


# --- putting together -------------------------------------------------------------------------------------------


def grouped(pieces: list[Piece]) -> list[Piece]:
    """Answers that follow each other and go on in each other are the events of one answer."""
    found: list[Piece] = []
    group: Piece | None = None
    """The last of them, where it is a copy that this call made and may extend, as it may its ``ids``."""
    ids = set[Json]()
    for piece in pieces:
        before = found[-1] if found else None
        if before is None or not _goes_on(before, piece):
            found.append(piece)
            group = None
            continue
        if group is None:
            ids = {*_ids(before)}
            group = found[-1] = replace(before, answers=[*before.answers], ids=ids)
        group.several = group.several or not _is_open(group)
        group.answers += piece.answers
        ids |= _ids(piece)
    return found


def _ids(piece: Piece) -> set[Json]:
    """The ids of its answers, also those that the text of events names."""
    if piece.ids is not None:
        return piece.ids
    named = {one.gist.id for one in piece.answers if one.gist is not None}
    if named or not _is_of_events(piece):
        return named
    return {found[1] for body in piece.answers for found in ANSWER_ID.finditer(body.content, 0, 1_000_000)}


def _goes_on(before: Piece, piece: Piece) -> bool:
    if not (before.has_answer and piece.has_answer) or piece.has_request or piece.url or len(piece.answers) > 1:
        return False
    if before.status and (piece.status or before.status) != before.status:
        return False
    if _is_of_events(before) and _is_of_events(piece):
        return b"finishReason" not in before.answers[-1].content and len(_ids(before) | _ids(piece)) < 2
    if piece.streams is not None or (before.streams is not None and not before.has_request):
        return False  # each is the answer of a call of its own
    if before.has_request and not _is_open(before):
        return False
    last, first = before.answers[-1].gist, piece.answers[0].gist
    if last is None or first is None:
        return False
    if last.error is not UNSET:
        return False  # nothing follows an error
    if last.id and first.id:
        return bool(last.id == first.id)
    if before.id and piece.id and before.id != piece.id:
        return _is_open(before) and not before.has_request
    return _is_open(before) or not before.has_request


def _is_of_events(piece: Piece) -> bool:
    """Whether it is the text of events, without anything that shows where they belong."""
    alone = not piece.has_request and not piece.url and piece.answers[-1].gist is None
    return alone and bool(piece.streams) and piece.answers[-1].content[:5] == b"data:"


def _is_open(piece: Piece) -> bool:
    """Whether the last event does not end its answer, or all have the id of the same answer."""
    last = piece.answers[-1].gist
    ids = _ids(piece)
    return (last is not None and last.is_open) or (len(piece.answers) > 1 and len(ids) == 1 and None not in ids)


def matched(pieces: list[Piece]) -> list[Piece]:
    """Contexts, requests and answers that stand apart, as exchanges. What has no counterpart here stays as it is."""
    contexts = [piece for piece in pieces if piece.is_context]
    asked = [piece for piece in pieces if piece.has_request and not (piece.has_answer or piece.failure)]
    calls = [(context.url or "").partition("/v1")[2] for context in contexts]
    if calls and len(calls) == 2 * len(asked) and calls[::2] == calls[1::2]:  # named with the request and the answer
        again = {id(context) for context in contexts[1::2]}
        return matched([piece for piece in pieces if id(piece) not in again])
    answered = [piece for piece in pieces if piece.has_answer and not piece.has_request]
    if len(pieces) < 2 or not (contexts or (asked and answered)):
        return pieces
    if contexts and asked and len(contexts) == len(asked) and len(contexts) > 1:
        merged = iter([one.within(context) for one, context in zip(asked, contexts, strict=True)])
        rest = (piece for piece in pieces if not piece.is_context)
        return matched([piece if piece.has_answer or piece.failure else next(merged) for piece in rest])
    if len(contexts) == 1 or (contexts and (asked or not any(piece.url for piece in contexts))):
        are_one = len({one.url for one in contexts}) == 1  # a log names an address with the request and with the answer
        context = contexts[0] if are_one else Piece(model=contexts[0].model)
        return matched([piece.within(context) for piece in pieces if not piece.is_context])
    return _paired(pieces, asked or contexts, answered)


def _paired(pieces: list[Piece], asked: list[Piece], answered: list[Piece]) -> list[Piece]:
    """Each answer with the request of its id, of its place, or the nearest before it."""
    by_id = {piece.id: piece for piece in asked if piece.id is not None}
    if len(by_id) == len(asked) and all(piece.id in by_id for piece in answered):
        partner = {id(piece): by_id[piece.id or ""] for piece in answered}
    elif len(asked) == len(answered):
        partner = {id(answer): request for answer, request in zip(answered, asked, strict=True)}
    else:
        partner = _nearest(pieces, asked, answered)
    pairs = [(one, partner[id(one)]) for one in answered if id(one) in partner]
    partner = {id(one): asked for one, asked in pairs if asked.method in (None, one.method or asked.method)}
    used = {id(request) for request in partner.values()}
    rest = [piece for piece in pieces if id(piece) not in used]
    return [piece.within(partner[id(piece)]) if id(piece) in partner else piece for piece in rest]


def _nearest(pieces: list[Piece], asked: list[Piece], answered: list[Piece]) -> dict[int, Piece]:
    asks, says = {id(piece) for piece in asked}, {id(piece) for piece in answered}
    last, found = asked[0] if len(asked) == 1 else None, {}
    for piece in pieces:
        if id(piece) in asks:
            last = piece
        elif id(piece) in says and last is not None:
            found[id(piece)] = last
    return found


# --- as an interaction ------------------------------------------------------------------------------------------


def item_of(piece: Piece) -> tuple[dict[str, Any], bool]:
    """The exchange in the layout of vcrpy, and whether its answer has the bytes of the wire."""
    stream = _streams(piece)
    body = _whole_body(piece, stream)
    model = piece.model or _served_model(body)
    call = "streamGenerateContent" if stream else "generateContent"
    url = piece.url or f"https://{UNKNOWN_HOST}/v1beta/models/{model}:{call}"
    return {
        "request": {
            "method": piece.method or "POST",
            "uri": url,
            "headers": dict(piece.headers),
            "body": piece.request.content if piece.request else None,
        },
        "response": {
            "status": {"code": _status(piece, body)},
            "headers": dict(piece.answer_headers),
            "body": {"string": body.content},
        },
        "recorded_at": piece.at,
    }, body.exact


def _served_model(body: Body) -> str:
    found = _SERVED.search(body.content, 0, 1_000_000)
    return found[1].decode() if found else UNKNOWN_MODEL


def _streams(piece: Piece) -> bool:
    if piece.url and "enerateContent" in piece.url:
        return ":stream" in piece.url
    return bool(piece.streams) or len(piece.answers) > 1 or any(body.events > 1 for body in piece.answers)


def _whole_body(piece: Piece, stream: bool) -> Body:
    if not piece.answers:
        return Body(b"")
    first = piece.answers[0]
    if len(piece.answers) > 1 and all(body.content[:5] == b"data:" for body in piece.answers):
        return joined(piece.answers)
    bare = first.events == 1 or (len(piece.answers) == 1 and not first.exact)
    if len(piece.answers) > 1 or (stream and bare and first.content[:1] == b"{" and not is_error(first)):
        return Body(sse(body.content for body in piece.answers), exact=False, events=len(piece.answers))
    return first if piece.answer_headers or "alt=sse" not in (piece.url or "") else _as_events(first)


def _as_events(body: Body) -> Body:
    """The events of a stream in a log without headers: one that keeps them as a list, or drops the blank line at the end."""
    content = body.content
    if content[:5] == b"data:" and content.rstrip()[-1:] == b"}" and not content.endswith((b"\n\n", b"\r\n\r\n")):
        return replace(body, content=content.rstrip() + b"\n\n", exact=False)
    events = json_in(body) if content.lstrip()[:1] == b"[" else None
    if not isinstance(events, list) or not events or not all(map(is_answer, events)):
        return body
    return Body(sse(map(compact, events)), exact=False, events=len(events))


def is_error(body: Body) -> bool:
    return b'"error"' in body.content[:20]


def _status(piece: Piece, body: Body) -> int:
    if piece.status:
        return piece.status
    if b'"error"' in body.content[:200]:
        code = an_object(an_object(json_in(body)).get("error")).get("code")
        return code if isinstance(code, int) and 100 <= code <= 999 else 200
    return 200
