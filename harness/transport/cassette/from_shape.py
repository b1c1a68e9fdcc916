"""Reads any JSON, YAML or JSON lines by shape: where an address or a model, a Gemini request and a Gemini answer stand near each other.

Two ways, tried at every mapping. A mapping with an address and an answer under names that HTTP recorders use is an exchange,
whatever its bodies hold. Elsewhere bodies are known by their content, at any depth and under any key; requests, answers and
addresses that stand apart are put together in the nearest list or mapping that holds them all.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations, takewhile
from typing import Any

from msgspec.structs import replace

from harness.gemini import definition
from harness.text.credentials import credential_kind
from harness.text.jsontext import an_object, compact, json_of, loads
from harness.transport.cassette import messages, spelling
from harness.transport.cassette.bodies import (
    ANSWER_FIELDS,
    MODEL,
    MOST_OF_GRPC,
    Body,
    body_of,
    decoded,
    gist,
    is_answer,
    is_request,
    json_in,
    may_be_answer,
    octets_of,
    word,
)
from harness.transport.cassette.documents import lines
from harness.transport.cassette.logs import logged
from harness.transport.cassette.messages import UNKNOWN_HOST, named
from harness.transport.cassette.packing import unpack
from harness.transport.cassette.pieces import (
    ANSWER_ID,
    MOST_SEARCHED,
    Piece,
    by_calls,
    grouped,
    is_error,
    matched,
    split,
)
from harness.transport.cassette.texts import http_message, is_message
from harness.transport.cassette.values import Elements

_REQUESTS = ("request", "req", "when", "originalrequest", "sent", "outgoing", "httprequest", "input")
_ANSWERS = ("response", "res", "resp", "then", "reply", "answer", "received", "incoming", "httpresponse", "responses", "output", "result", "returns", "is")  # fmt: skip
_REQUEST_BODIES = ("requestbody", "reqbody", "requestbodyjson", "requestjson", "requestdata", "requestpayload", "postdata", "request", "req", "input", "body", "payload", "params")  # fmt: skip
_ANSWER_BODIES = ("responsebody", "respbody", "resbody", "responsejson", "responsedata", "responsetext", "replybody", *_ANSWERS)  # fmt: skip
_MODELS = ("model", "modelname", "modelid", "modelversion")
_IDS = ("id", "requestid", "reqid", "callid", "traceid", "correlationid", "correlation", "key", "seq", "exchangeid", "flowid", "uuid", "spanid")  # fmt: skip
_HINTS = ("candidates", "promptFeedback", "prompt_feedback", "usageMetadata", "usage_metadata", "contents", "enerateContent", '"error"', "'error'")  # fmt: skip
_BODY_HINTS = ('"contents"', '"candidates"', "'contents'", "'candidates'")
_TIMES = ("starteddatetime", "recordedat")
_ADDRESSED = messages.ADDRESSED.union(_REQUESTS)
_ASKED = frozenset(_REQUESTS)
_MESSAGES = _ASKED.union(_ANSWERS)
_CALL = re.compile(r"(?:models\.)?(stream)?generate_?content_?(stream)?(?:_?async)?", re.IGNORECASE)
_HTTP = re.compile(r"[A-Z]{3,7} \S+ HTTP/|HTTP/[\d.]+ \d")
_DEEPEST = 60
_SHORTEST = 12
"""Characters. No shorter text is an address or a body."""
_LONGEST_ADDRESS, _LONGEST_MODEL = 3_000, 150
_FEW = 40


def exchanges(documents: Iterable[Any]) -> Iterator[Piece]:
    """The exchanges in these values, in their order. Those that stand in several documents are put together."""
    values = documents if isinstance(documents, Elements) else list(documents)
    found = by_calls(_in_sequence(values, 0))
    if not any(piece.has_answer for piece in found):
        found = (
            _in_column(values[0] if len(values) == 1 and isinstance(values[0], list | Elements) else values) or found
        )
    pieces = deque(matched(grouped(found)))
    del documents, values, found  # a long file is freed, and then each piece, before all its exchanges are there
    while pieces:
        piece = pieces.popleft()
        if not piece.is_context:
            yield from split(piece)


def _in_column(lines_of: Sequence[Any]) -> list[Piece]:
    """What stands in the lines of a log, a mapping with a line or a part of one each: an object may go over several lines."""
    values = list(lines_of)
    if len(values) < 3 or not all(isinstance(value, dict) for value in values):
        return []
    for key, first in list(values[0].items())[:_FEW]:
        lines = [value.get(key) for value in values] if isinstance(first, str) else []
        if lines and all(isinstance(line, str) for line in lines):
            text = ("" if any(line.endswith("\n") for line in lines) else "\n").join(lines)
            if any(hint in text for hint in _BODY_HINTS) and (found := _in_text(f"\n{text}", 0)):
                return found
    return []


# --- finding ----------------------------------------------------------------------------------------------


def scan(value: Any, deep: int = 0) -> list[Piece]:
    """The pieces of exchanges in a value, in their order."""
    if deep > _DEEPEST:
        return []
    if isinstance(value, str):
        return _in_text(value, deep) if len(value) > _SHORTEST else []
    if isinstance(value, dict):
        return _in_mapping(value, deep)
    if isinstance(value, bytes):
        return _in_bytes(value, deep)
    return _in_list(value, deep) if isinstance(value, (list, Elements)) else []


def _in_mapping(value: Mapping[str, Any], deep: int) -> list[Piece]:
    value = _as_sent(value)
    if (octets := octets_of(value)) is not None:
        return _in_bytes(octets, deep)
    if pairs := _pairs_by_name(value):
        around = _around(named(value))
        found = (piece for pair in pairs for piece in scan(pair, deep + 1) if not piece.is_context)
        return [
            (one if one.has_answer else replace(one, failure="no answer has its name")).within(around) for one in found
        ]
    if "contents" in value and "candidates" in value:
        asked = {key: item for key, item in value.items() if spelling.camel_word(key) in _REQUEST_FIELDS}
        others = {key: item for key, item in value.items() if key not in asked}
        return matched([*_in_mapping(asked, deep), *_in_mapping(others, deep)])
    body, rest = _split_body(value)
    if body is not None and not rest:
        return [body]
    mapping = named(rest)
    whole = _by_names(mapping, deep) if body is None else None
    if whole is not None:
        return [whole]
    around = _around(mapping)
    inside = _once([_under(key, item, deep + 1) for key, item in rest.items()])
    if body is not None and not (inside or around.url):
        return [replace(_body_piece(value), id=around.id)]  # what stands beside the fields of a body belongs to it
    inside = _headed([*([body] if body else []), *inside])
    if not inside:
        around = replace(around, failure=_failed(value))
        return [around] if around.url or around.model or around.failure else []
    bodies = [piece for piece in inside if not piece.is_context]
    turns = _turns(rest) if len(bodies) == 1 and bodies[0].has_answer and not bodies[0].has_request else ()
    return [piece.within(around) for piece in matched([*turns, *inside])]


def _as_sent(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A body that a program printed, in the form in which it is sent; any other mapping as it is."""
    if "Candidates" in value or "Contents" in value:
        in_camel: Mapping[str, Any] = spelling.camel(value)
        return in_camel
    if isinstance(candidates := value.get("candidates"), list) and any(map(spelling.is_printed, candidates)):
        return {key: spelling.unprinted(item) for key, item in value.items()}
    if any(isinstance(item, str) and item[:1] == "{" for item in value.values()):
        value = {key: _message_in(item) if word(key) in _MESSAGES else item for key, item in value.items()}
    if "contents" not in value or is_request(value):
        return value
    asked = next((an_object(json_in(piece.request)) for piece in _asked_by(value)), None)
    return value if asked is None else {**{key: item for key, item in value.items() if key != "config"}, **asked}


def _message_in(text: Any) -> Any:
    """The message of HTTP that a text holds as JSON; any other value as it is."""
    value = an_object(json_of(text)) if isinstance(text, str) and text[:1] == "{" else {}
    words = named(value)
    is_message = messages.message_body(words) and (messages.status_of(words) or messages.url_of(words))
    return value if is_message else text


def _pairs_by_name(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each answer and each request with that of the same name, where a mapping holds both by name; empty for any other mapping."""
    asked, answered = value.get("requests"), value.get("responses")
    if not (isinstance(asked, dict) and isinstance(answered, dict)) or asked.keys().isdisjoint(answered):
        return []
    return [{"request": asked.get(name), "response": answered.get(name)} for name in {**answered, **asked}]


def _failed(value: Mapping[str, Any]) -> str:
    """Why a batch has no answer for a row, which has an error of gRPC in its place; empty for any other mapping."""
    error = an_object(value.get("error"))
    code, message = error.get("code"), str(error.get("message", ""))
    if type(code) is not int or not 0 < code <= MOST_OF_GRPC:
        return ""
    why = f" ({message})" if message and not credential_kind(message) else ""
    return f"it failed with code {code}{why}, so no request or answer of Gemini is there; ask for it again"


def _turns(value: Mapping[str, Any], deep: int = 2) -> Iterator[Piece]:
    """Requests of a mapping that keeps only their turns, or what an SDK was called with, beside the answer."""
    for item in value.values():
        asked = list(_asked_by(item))
        yield from asked or (_turns(item, deep - 1) if isinstance(item, dict) and deep else ())


def _asked_by(value: Any) -> Iterator[Piece]:
    """The request with these turns or these parameters of an SDK, or with those in a text; none for any other value.

    Tools of an SDK may be functions, which only the program knows: then nothing is.
    """
    if isinstance(value, str):
        is_one = value[:1] in ("{", "[") and ('"parts"' in value or '"contents"' in value)
        value = json_of(value) if is_one else None
    asked: dict[str, Any] = {"contents": value} if isinstance(value, list) else {}
    if isinstance(value, dict) and "contents" in value:
        with suppress(ValueError):
            asked = spelling.sent(value["contents"], value.get("config"))
    is_known = asked.get("generationConfig", {}).keys() <= definition.fields("GenerationConfig").keys()
    tools, fields = asked.get("tools"), definition.fields("Tool").keys()
    are_known = isinstance(tools, list) and all(an_object(one) and one.keys() <= fields for one in tools)
    is_known = is_known and (tools is None or (are_known and bool(tools)))
    if is_known and is_request(asked) and asked["contents"][-1].get("role") != "model":
        yield Piece(request=Body(compact(asked), exact=False))


def _headed(pieces: list[Piece]) -> list[Piece]:
    """The pieces, with the head of an answer joined to the answer, where each stands under a key of its own."""
    answered = [piece for piece in pieces if piece.has_answer]
    bodies = [piece for piece in answered if piece.has_request or piece.answers != [Body(b"")]]
    heads = [piece for piece in answered if not piece.has_request and piece.answers == [Body(b"")]]
    if len(heads) != 1 or len(bodies) != 1 or bodies[0].status:
        return pieces
    return [piece.within(heads[0]) if piece is bodies[0] else piece for piece in pieces if piece is not heads[0]]


def _once(found: list[list[Piece]]) -> list[Piece]:
    """The pieces of a mapping, without an answer that is there a second time under another key, and its request.

    Some tools keep an answer as it came and as they read it, others in a span and in the trace around it. The one with the
    request is kept, or the one in more events, or among more answers.
    """
    if sum(map(bool, found)) < 2:  # as in most mappings
        return [piece for pieces in found for piece in pieces]
    several = sum(any(piece.has_answer for piece in pieces) for pieces in found) > 1
    answers = [(pieces, piece) for pieces in found for piece in pieces if piece.has_answer][: _FEW * several]
    texts = {id(piece): _text_of_answer(piece) for _, piece in answers}
    again: set[int] = set()
    for (here, one), (there, other) in combinations(answers, 2):
        same = bool(texts[id(one)]) and texts[id(one)] == texts[id(other)]
        named = _answer_id(one) is not None and _answer_id(one) == _answer_id(other)
        is_again = same or (named and _events(one) != _events(other))
        is_two = one.has_request and other.has_request  # unless it is the same call, in a trace and in its span
        is_two = is_two and (one.request != other.request or len(here) == len(there))
        if here is not there and is_again and not is_two:
            worth = [
                (piece.has_request, _events(piece), len(beside)) for piece, beside in ((other, there), (one, here))
            ]
            again.add(id(other if worth[0] <= worth[1] else one))
    kept = [piece for pieces in found for piece in pieces if id(piece) not in again]
    asked = [piece for piece in kept if piece.has_request]
    asked.sort(key=lambda piece: (not piece.has_answer, not piece.url))
    is_one = again or sum(piece.has_answer for piece in kept) < 2
    if is_one and len({compact(json_in(piece.request)) for piece in asked}) == 1:
        kept = [piece for piece in kept if piece is asked[0] or piece.has_answer or not piece.has_request]
    return kept


def _text_of_answer(piece: Piece) -> bytes:
    """The text by which an answer is known a second time; empty for an error, which each attempt may have."""
    if any(is_error(body) for body in piece.answers):
        return b""
    return b"\n".join(compact(value) if (value := json_in(body)) else body.content for body in piece.answers)


def _answer_id(piece: Piece) -> bytes | None:
    """The id that Google gave an answer; None for a piece with more than an answer."""
    found = (
        ANSWER_ID.search(piece.answers[0].content, 0, 1_000_000) if piece.answers and not piece.has_request else None
    )
    return found[1] if found else None


def _events(piece: Piece) -> int:
    return sum(max(1, body.events, body.content.count(b"data:")) for body in piece.answers)


def _split_body(value: Mapping[str, Any]) -> tuple[Piece | None, Mapping[str, Any]]:
    """The request or the answer whose fields a mapping holds, and the mapping's other keys."""
    kind = ANSWER_FIELDS if is_answer(value) else _REQUEST_FIELDS if is_request(value) else None
    if kind is None:
        return None, value
    own = {key: item for key, item in value.items() if spelling.camel_word(key) in kind}
    return _body_piece(own), {key: item for key, item in value.items() if key not in own}


def _body_piece(value: Mapping[str, Any]) -> Piece:
    if is_answer(value):
        wire = spelling.on_the_wire(value)
        return Piece(answers=[replace(decoded(wire), gist=gist(wire))])
    model = value.get("model")
    is_of_log = isinstance(model, str) and not model.startswith("models/")  # a log names it so, not a request
    value = {key: item for key, item in value.items() if key not in ("self", "@type") and word(key) not in _IDS and not (is_of_log and key == "model")}  # fmt: skip
    return Piece(request=Body(compact(value), exact=False), model=_model(model))


_REQUEST_FIELDS = frozenset({"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings", "cachedContent", "labels", "model", "serviceTier", "store"})  # fmt: skip


def _under(key: Any, item: Any, deep: int) -> list[Piece]:
    """What is under a key. The key itself may be the address, or the request."""
    if isinstance(item, str) and (_is_address(item) or word(key) in _MODELS):
        return []  # ``_around`` has read it
    found, text = scan(item, deep), str(key)
    if not found and isinstance(item, str) and item[:2] == "[{" and "request" in text.lower():
        return list(_asked_by(item))
    if "enerateContent" in text or text[:1] == "{":
        return matched([*_in_text(text, deep), *found])
    return found


def _is_address(text: str) -> bool:
    """Whether a text is an address or a line with one, not a whole message or a body."""
    if len(text) > _LONGEST_ADDRESS or "enerateContent" not in text:
        return False
    return text.lstrip()[:1] not in "{[" and "\n" not in text.strip() and not any(hint in text for hint in _BODY_HINTS)


def _around(mapping: Mapping[str, Any]) -> Piece:
    """What the texts and numbers of a mapping say of the exchanges in it."""
    texts = [item for item in mapping.values() if isinstance(item, str) and len(item) < _LONGEST_ADDRESS]
    url = next((found for text in texts if _is_address(text) and (found := messages.address_in(text))), None)
    calls = [call for text in texts if len(text) < 40 and (call := _CALL.fullmatch(text.strip()))]
    return Piece(
        url=messages.without_unknown_host(url, mapping) if url else None,
        model=next((found for name in _MODELS if (found := _model(mapping.get(name)))), None) or _named_model(texts),
        method=messages.method_of(mapping) if url else None,
        status=messages.status_of(mapping),
        streams=any(call[1] or call[2] for call in calls) if calls else None,
        id=next((str(mapping[name]) for name in _IDS if isinstance(mapping.get(name), (str, int))), None),
    )


def _model(value: Any) -> str | None:
    if not isinstance(value, str) or not re.fullmatch(r"[\w./@-]{3,100}", value):
        return None
    name = value.rpartition("/")[2]
    return name if re.search(r"gem|model|imag|veo|learnlm|palm|flash|pro", value, re.IGNORECASE) else None


_PREFIXED = re.compile(rf"(?:[\w./@-]*[/:])?({MODEL.pattern})")


def _named_model(texts: Iterable[str]) -> str | None:
    """The model that one of these texts is, whatever its key: ``google:gemini-2.5-flash``, ``publishers/google/models/gemini-2.5-flash``."""
    found = (
        _PREFIXED.fullmatch(text) for text in texts if len(text) < _LONGEST_MODEL and ("gem" in text or "learn" in text)
    )
    return next((one[1] for one in found if one), None)


def _in_list(items: Sequence[Any], deep: int) -> list[Piece]:
    if len(items) > 20 and all(isinstance(item, int) for item in items):
        return _in_bytes(bytes(items), deep) if all(0 <= item < 256 for item in items) else []
    if items and all(isinstance(item, str) for item in items) and (found := _in_texts(items, deep)):
        return found
    return matched(grouped(_in_sequence(items, deep + 1)))


def _in_texts(items: Sequence[str], deep: int) -> list[Piece]:
    """What is in the pieces of one text: an answer, or lines of a log."""
    if _HTTP.match(items[0]) or not (len(items) > 1 or any(hint in items[0] for hint in _HINTS)):
        return []
    if '"contents"' in items[0] and is_request(json_of(items[0])):
        return []  # a body of its own
    body = body_of(list(items))
    found = _in_body(body, deep) if body else []
    return found if any(piece.has_request or piece.has_answer for piece in found) else []


def _in_body(body: Body, deep: int) -> list[Piece]:
    """What is in a body, or a cell of a notebook, that was put together. An answer alone is as exact as the body."""
    found = _in_text(body.content.decode("utf-8", "replace"), deep, is_program=True)
    if len(found) == 1 and found[0].has_answer:
        return [replace(found[0], answers=[replace(one, exact=one.exact and body.exact) for one in found[0].answers])]
    return found


def _in_sequence(items: Sequence[Any], deep: int) -> list[Piece]:
    """The pieces in values that follow each other. Neighbours may hold one body in pieces, each under the same key."""
    found: list[Piece] = []
    at = 0
    while at < len(items):
        whole, end = _in_neighbours(items, at, deep) if isinstance(items[at], dict) else ([], at)
        found += whole or scan(items[at], deep)
        at = end if whole else at + 1
        if isinstance(items, Elements) and found and (found[-1].has_request or found[-1].has_answer):
            items.free(at)
    return found


def _in_neighbours(items: Sequence[Any], at: int, deep: int) -> tuple[list[Piece], int]:
    """The answer that begins in a mapping and goes on in the next ones, and where they end; empty if there is none."""
    first = items[at]
    for path, text in _short(first):
        if (encoding := _begun(text)) is None:
            continue
        following = (_piece(items[number], path) for number in range(at, len(items)))
        texts = list(takewhile(lambda found: isinstance(found, str), following))
        body = body_of(texts, encoding) if len(texts) > 1 else None
        found = _in_body(body, deep) if body else []
        if len(found) == 1 and found[0].has_answer:
            return [found[0].within(_around(named({**first, path[0]: ""})))], at + len(texts)
    return [], at


def _short(first: Any, deep: int = 2) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The texts in a mapping, or in one in it, beside which there are short values only, each with the keys on its way."""
    if not isinstance(first, dict) or len(first) >= _FEW or not deep:
        return
    long = [key for key, item in first.items() if not _is_short(item)]
    for key, item in first.items():
        if long in ([], [key]):
            inside = [((), item)] if isinstance(item, str) else _short(item, deep - 1)
            yield from (((key, *path), text) for path, text in inside)


def _piece(item: Any, path: Sequence[Any]) -> Any:
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _is_short(value: Any) -> bool:
    """Whether it is a number or a few words, or a few of these, as beside the chunks of a stream."""
    if isinstance(value, dict):
        return len(value) < _FEW and all(not isinstance(item, dict) and _is_short(item) for item in value.values())
    return not isinstance(value, (list, bytes)) and not (isinstance(value, str) and len(value) > _FEW)


_BEGIN = re.compile(r"\s*+(?:[{\[]|data:|event:|[eW][w-z0-9+/]|ZGF0Y|ZXZl)")
"""How a body begins, as text or in base64."""


def _begun(text: Any) -> str | None:
    """The encoding of a text that begins a body and does not end it: base64 or none (an empty text); None for any other."""
    if not isinstance(text, str) or not _BEGIN.match(text):
        return None
    plain = text.encode("utf-8", "surrogatepass")
    content = body_of(text) or Body(plain)
    head = content.content.lstrip()[:6]
    if head.startswith((b"data:", b"event:")):
        is_ours = not content.content.endswith((b"\n\n", b"\r\n\r\n")) or may_be_answer(content.content)
        is_begun = is_ours and b"finishReason" not in content.content
    else:
        is_begun = head[:1] in (b"{", b"[") and b'"' in content.content and json_in(content) is None
    return ("" if content.content == plain else "base64") if is_begun else None


def _in_bytes(value: bytes, deep: int) -> list[Piece]:
    content = unpack(value).content
    return _in_http(content, deep) if is_message(content) else _in_text(content.decode("utf-8", "replace"), deep + 1)


_WRAPPED = re.compile(r'data:\s*\{\s*(?:"traceId"\s*:\s*"\w*"\s*,\s*)?"response"\s*:')
"""How a stream of Code Assist begins, which wraps its events."""


def _in_text(text: str, deep: int, *, is_program: bool = False) -> list[Piece]:
    if deep > _DEEPEST:
        return []
    head = text[:64].lstrip("\ufeff \t\r\n")
    if head[:1] in ("{", "["):
        return _in_json(text, deep) if any(hint in text for hint in _HINTS) else []
    if head.startswith(("data:", "event:", "id:", ":")) and "data:" in text:
        stream = Piece(answers=[Body(text.encode("utf-8", "surrogatepass"))], streams=True)
        if _WRAPPED.match(text):
            lines = (line[5:] for line in text.splitlines() if line.startswith("data:"))
            events = [piece for line in lines for piece in _in_text(line, deep + 1)]
            return [replace(piece, streams=True) for piece in grouped(events)]
        return [stream] if any(hint in text for hint in _HINTS) else []
    if _HTTP.match(text, len(text) - len(text.lstrip())):
        return _in_http(text.encode("utf-8", "surrogatepass"), deep)
    if "{" in text and any(hint in text for hint in _BODY_HINTS):
        return _in_list(logged(text.encode("utf-8", "surrogatepass"), is_program=is_program), deep + 1)
    if len(text) < _LONGEST_ADDRESS and "enerateContent" in text:
        url = messages.address_in(text)
        return [Piece(url=url)] if url else []
    if len(text) > 40 and (" " not in text[:40] or text[2] == " " or text[0] == '"'):
        body = body_of(text)
        if body and body.content != text.encode("utf-8", "surrogatepass"):
            return _in_bytes(body.content, deep)
    return []


def _in_json(text: str, deep: int) -> list[Piece]:
    content = text.encode("utf-8", "surrogatepass")
    try:
        value = loads(content)
    except ValueError:
        texts = (part.decode("utf-8", "surrogatepass").strip() for part in (lines(content) or Elements([])).parts)
        found = matched(grouped([piece for one in texts for piece in _in_text(one, deep + 1)]))
        is_literal = any(hint in text for hint in _BODY_HINTS if hint[0] == "'")
        return found or (_in_list(logged(content), deep + 1) if is_literal else [])
    if _is_on_the_wire(value):
        return [Piece(answers=[Body(content, gist=gist(value))])]
    if is_request(value):
        return [_body_piece(value) if "model" in value else Piece(request=Body(content))]
    if isinstance(value, list) and value and all(map(_is_on_the_wire, value)):
        return [Piece(answers=[Body(content)], streams=True)]
    return scan(value, deep + 1)


def _is_on_the_wire(value: Any) -> bool:
    """Whether it is an answer as the API sent it, not as an SDK spells it."""
    return is_answer(value) and not spelling.is_spelled_by_sdk(value)


def _in_http(raw: bytes, deep: int) -> list[Piece]:
    try:
        message = http_message(raw)
    except ValueError:
        return []
    body = Body(message.body) if message.body else None
    if message.status is None:
        host = message.headers.get("host", UNKNOWN_HOST)
        url = message.target if "://" in message.target else f"https://{host}{message.target}"
        return [Piece(url=url, method=message.method, headers=message.headers, request=body)]
    inside = _in_text(message.body.decode("utf-8", "replace"), deep + 1)
    one = inside[0] if len(inside) == 1 else Piece()
    whole = replace(body or Body(b""), gist=one.answers[-1].gist if one.answers else None)
    return [Piece(status=message.status, answer_headers=message.headers, answers=[whole], streams=one.streams)]


# --- by the names of HTTP recorders -----------------------------------------------------------------------------


def _by_names(mapping: Mapping[str, Any], deep: int) -> Piece | None:
    """The exchange of a mapping with a request that has an address, and an answer; None for any other."""
    if _ADDRESSED.isdisjoint(mapping):
        return None
    inner = next((named(item) for name in _REQUESTS if isinstance(item := mapping.get(name), dict)), {})
    url = messages.url_of(inner)
    asked: Mapping[str, Any] = inner if url else mapping
    url = url or messages.url_of(mapping)
    if url is None or _holds_messages(mapping) or _holds_examples(mapping):
        return None
    is_flat = asked is mapping
    if is_flat and all(mapping.get(name) is None for name in _ANSWER_BODIES):
        return None
    answer = _answer(mapping, deep)
    if answer is None:
        return None
    if is_flat:
        body = _first_body(mapping, (*_REQUEST_BODIES, *_REQUESTS))
    else:
        body = messages.message_body(inner)
        if body is None:  # a mock compares one at any depth
            body = next((piece.request for piece in scan(dict(inner), deep + 1) if piece.has_request), None)
    whole = _exchange(mapping, asked, replace(answer, url=url, request=None if _is_of_sdk(body) else body))
    if body is None or whole.answers == [Body(b"")]:
        whole = _completed(whole, mapping, deep)
    is_other = "enerateContent" not in url and is_request(json_in(whole.request))
    if is_other and b'"candidates"' in whole.answers[0].content[:MOST_SEARCHED]:  # a gateway may take calls anywhere
        model = whole.model or _named_model(url.split("/")) or _around(mapping).model
        whole = replace(whole, url=None, model=model, streams=whole.answers[0].content[:5] == b"data:")
    return whole if whole.request or is_flat else replace(whole, request=Body(b""))


def _holds_messages(mapping: Mapping[str, Any]) -> bool:
    """Whether a request or an answer is a whole message of HTTP, as text."""
    texts = (mapping.get(name) for name in (*_REQUESTS, *_ANSWERS))
    return any(isinstance(text, str) and _HTTP.match(text) and "\n" in text for text in texts)


def _holds_examples(mapping: Mapping[str, Any]) -> bool:
    """Whether its answers have requests of their own, as the examples of a request in a collection of Postman."""
    first = next((item[0] for name in _ANSWERS if isinstance(item := mapping.get(name), list) and item), None)
    return isinstance(first, dict) and not _ASKED.isdisjoint(named(first))


def _exchange(mapping: Mapping[str, Any], asked: Mapping[str, Any], found: Piece) -> Piece:
    """What was found, with what the mapping says beside it. ``asked``: its request, or itself where it holds both sides."""
    is_flat = asked is mapping
    has_own = not is_flat or any(isinstance(one := mapping.get(name), dict) and not is_answer(one) for name in _ANSWERS)
    return replace(
        found,
        method=messages.method_of(asked),
        headers=messages.headers_of(asked) if has_own else {},
        status=found.status or (messages.status_of(mapping) if is_flat else None),
        answer_headers=found.answer_headers or ({} if has_own else messages.headers_of(mapping)),
        at=next((str(mapping[name]) for name in _TIMES if mapping.get(name)), None),
    )


def _completed(piece: Piece, mapping: Mapping[str, Any], deep: int) -> Piece:
    """The exchange, with the body that it lacks, where it stands under another key. Its address may be that of a gateway."""
    used = (*_REQUESTS, *_REQUEST_BODIES, *_ANSWER_BODIES)
    others = matched(_once([scan(item, deep + 1) for name, item in mapping.items() if name not in used]))
    other = others[0] if len(others) == 1 else Piece()
    if other.has_request and other.has_answer and "enerateContent" not in (piece.url or ""):
        return replace(other, status=other.status or piece.status)
    if piece.request is None:
        piece = replace(piece, request=other.request)
    if piece.answers == [Body(b"")] and other.has_answer:
        piece = replace(piece, answers=other.answers, streams=other.streams)
    return piece


def _first_body(mapping: Mapping[str, Any], names: Iterable[str]) -> Body | None:
    bodies = filter(None, (body_of(mapping[name]) for name in names if mapping.get(name) not in (None, "")))
    return next((body for body in bodies if unpack(body.content).content[:1] in (b"{", b"[")), None)


def _is_of_sdk(body: Body | None) -> bool:
    """Whether the body holds the parameters of an SDK's method, not what was sent."""
    value = json_in(body) if body is not None and b'"config"' in body.content else None
    return isinstance(value, dict) and "config" in value and not is_request(value)


def _answer(mapping: Mapping[str, Any], deep: int) -> Piece | None:
    for name in _ANSWER_BODIES:
        value = mapping.get(name)
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            continue
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and not is_answer(value[0]):
            value = value[0]  # mocks answer with one of several responses
            if isinstance(value.get("is"), dict):
                value = value["is"]
        return _answer_in(value, deep)
    return None


def _answer_in(value: Any, deep: int) -> Piece | None:
    if not isinstance(value, dict) or is_answer(value):
        body = body_of(value)
        is_lines = isinstance(value, str) and value[:1] == "{" and json_in(body) is None
        if is_lines and len(found := _in_json(value, deep)) == 1 and found[0].has_answer:
            return found[0]
        return Piece(answers=[body]) if body is not None else None
    message = named(value)
    status, headers = messages.status_of(message), messages.headers_of(message)
    body = messages.message_body(message)
    if body is None or (status is None and not headers and not may_be_answer(body.content[:MOST_SEARCHED])):
        inside = [piece for piece in scan(dict(value), deep + 1) if piece.has_answer]
        if len(inside) == 1:
            own = replace(
                inside[0], status=status or inside[0].status, answer_headers=headers or inside[0].answer_headers
            )
            return own if body is None else inside[0]
        if not status:
            return None
    return Piece(status=status, answer_headers=headers, answers=[body or Body(b"")])
