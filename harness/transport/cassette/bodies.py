"""Bodies in recordings of any tool -> bytes: text, base64, hex, JSON values, lists of chunks or of events, wrapped in any mapping."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from harness.model import Json
from harness.text.jsontext import compact, json_of, loads, mapped
from harness.transport.cassette.packing import ZLIB, unpack
from harness.transport.cassette.values import literal_value

_PAYLOADS = (
    "string", "base64string", "base64", "text", "value", "body", "data", "json", "content", "raw", "bytes", "payload", "encoded", "chunk",
    "chunks", "segments", "events", "lines", "parts", "stream", "message", "responsebody", "requestbody", "bodysegments", "buffer",
    "b64", "base64bytes", "rawbytes", "asbytes", "asstring", "bodydata",
)  # fmt: skip
_ENCODINGS = ("encoding", "contentencoding", "bodyencoding", "transferencoding", "format", "kind", "type", "isbase64encoded", "isbase64", "base64encoded", "base64", "binary")  # fmt: skip
_BASE64 = re.compile(r"[A-Za-z0-9+/_\r\n-]+={0,2}\s*")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_PLAIN_HEX = re.compile(r"(?:7b|5b|64.?61.?74.?61|48.?54.?54.?50|1f.?8b)(?:[ :\n]?[0-9a-f]{2})+\s*", re.IGNORECASE)
"""Hex of ``{``, ``[``, ``data``, ``HTTP`` or gzip, which no text begins with by chance."""
_WRITTEN = re.compile(r"""b["']|"[ ]*(?:[{\[]|data:|event:)""")
"""How bytes begin that Python wrote, and a body that was made JSON a second time."""
_PIECES = re.compile(r'\["[A-Za-z0-9+/=]{16,}"[\],]')
"""How a body begins that is a list of its pieces, in hex or base64, as Polly.js keeps it."""
_ABOUT = frozenset({"mimetype", "mime", "contenttype", "size", "sha1", "sha256", "hash", "file", "filename", "path", "encoding", "compression", "length", "bodysize"})  # fmt: skip
"""Keys that describe a body which is kept elsewhere, or was not kept."""
_BEGINS = (b"{", b"[", b"data:", b"event:", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", *ZLIB, b"POST /", b"HTTP/")
"""How a body begins that is taken for base64 although nothing says that it is."""
_FOREIGN = frozenset({"contents", "serverContent", "setupComplete", "toolCall", "toolCallCancellation"})
"""Keys of requests, and of messages of the Live API, which count tokens too."""
ANSWER_FIELDS = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime", "error", "modelStatus"})  # fmt: skip
SDK_FIELDS = frozenset({"sdkHttpResponse", "automaticFunctionCallingHistory", "parsed"})
"""What Google's SDKs add to an answer."""
_WHOLE = ANSWER_FIELDS | SDK_FIELDS
_CANDIDATE_FIELDS = frozenset({"content", "finishReason", "finish_reason", "finishMessage", "index", "safetyRatings", "safety_ratings", "groundingMetadata", "grounding_metadata", "citationMetadata", "tokenCount"})  # fmt: skip
"""Keys of candidates. Other APIs have candidates too: places, persons, products."""
MODEL = re.compile(r"(?:gemini-(?:\d|pro|flash|exp)|gemma-\d|learnlm-\d)[\w.@-]*(?<=\w)")
"""The name of a model of Google, whatever stands around it."""
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_LONGEST_WORD = 60
MOST_OF_GRPC = 16
"""The last code of an error of gRPC."""
_DEEPEST = 20


class Gist(Struct, frozen=True):
    """What is kept of the JSON of an answer or an event, which takes ten times the memory of its text.

    ``is_open``: its first candidate does not end here; ``error``: what is under that key.
    """

    id: Json
    is_open: bool
    error: Json | UnsetType


def gist(value: Any) -> Gist | None:
    """The gist of an object; None for any other value."""
    if not isinstance(value, dict):
        return None
    candidates = value.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else {}
    is_open = bool(candidates) and not (first.get("finishReason") or first.get("finish_reason"))
    return Gist(value.get("responseId"), is_open, value.get("error", UNSET))


class Body(Struct, frozen=True):
    """The bytes of a body. ``exact``: they are those of the wire. ``events``: how many a list held; 0 if it was no list.

    ``gist``: that of its JSON, where it is known.
    """

    content: bytes
    exact: bool = True
    events: int = 0
    gist: Gist | None = None


def word(key: Any) -> str:
    """A key without case and separators: ``status_code``, ``StatusCode`` and ``status-code`` are ``statuscode``."""
    return _word(key) if isinstance(key, str) and len(key) < _LONGEST_WORD else _word.__wrapped__(str(key))


@lru_cache(4096)
def _word(key: str) -> str:
    return _SEPARATORS.sub("", key.lower())


def is_answer(value: Json) -> bool:
    """Whether a value is a Gemini answer, one event of it, or an error of the API."""
    if not isinstance(value, dict) or not _FOREIGN.isdisjoint(value):
        return False
    is_whole = value.keys() <= _WHOLE
    if isinstance(candidates := value.get("candidates"), list):
        return all(map(_is_candidate, candidates)) if candidates else is_whole or "usageMetadata" in value
    if isinstance(value.get("promptFeedback"), dict):
        return True
    if isinstance(value.get("usageMetadata"), dict):
        is_cache = str(value.get("name", "")).startswith("cachedContents/")
        return is_whole or is_cache  # frameworks keep the counts beside an answer in their own form
    error = value.get("error")
    if not isinstance(error, dict):
        return False
    code = error.get("code")  # of HTTP: a failed row of a batch has one of gRPC
    return isinstance(code, int) and code > MOST_OF_GRPC and bool({"message", "status"} & error.keys())


def may_be_answer(content: bytes) -> bool:
    """Whether an answer may be in these bytes, by its keys."""
    return any(hint in content for hint in (b"candidates", b"promptFeedback", b"usageMetadata", b'"error"'))


def _is_candidate(item: Json) -> bool:
    return isinstance(item, dict) and not (item and _CANDIDATE_FIELDS.isdisjoint(item))


def is_request(value: Json) -> bool:
    """Whether a value is a Gemini request as it is on the wire."""
    if not isinstance(value, dict) or "contents" not in value or "config" in value or is_answer(value):
        return False
    turns = value["contents"]
    turns = [turns] if isinstance(turns, dict) else turns
    return isinstance(turns, list) and bool(turns) and all(isinstance(turn, dict) and "parts" in turn for turn in turns)


def decoded(answer: Mapping[str, Any]) -> Body:
    """An answer or a request that a tool has decoded, as JSON. Some write a count of tokens as ``11.0``, logs of Google the type."""
    answer = {key: item for key, item in answer.items() if key != "@type"}
    usage = answer.get("usageMetadata")
    if isinstance(usage, dict) and any(isinstance(count, float) for count in usage.values()):
        answer = {**answer, "usageMetadata": mapped(usage, _whole)}
    return Body(compact(answer), exact=False)


def _whole(value: Json) -> Json:
    """An integer for a number that has no fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def body_of(value: Any, encoding: str = "", deep: int = 0) -> Body | None:
    """The body in a value; None if there is none. ``encoding``: what the recording says of it (``base64``, ``hex``)."""
    if deep > _DEEPEST or value is None:
        return None
    if isinstance(value, bytes):
        return Body(value)
    if isinstance(value, str):
        return Body(_text(value, encoding))
    if isinstance(value, dict):
        return _in_mapping(value, deep)
    if isinstance(value, list):
        return _in_list(value, encoding, deep)
    return None if isinstance(value, Sequence) else Body(compact(value), exact=False)


def _text(text: str, encoding: str) -> bytes:
    if _PIECES.match(text):
        with suppress(ValueError):
            whole = body_of(loads(text), encoding)
            if whole and whole.content.startswith(_BEGINS):
                return whole.content
    if "hex" in encoding and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if len(text) > 15 and _PLAIN_HEX.fullmatch(text):
        return bytes.fromhex(text.replace(":", ""))
    if "base64" in encoding or (len(text) > 15 and _BASE64.fullmatch(text)):
        plain = _unbase64(text)
        if plain is not None and ("base64" in encoding or plain.lstrip().startswith(_BEGINS)):
            return plain
    if _WRITTEN.match(text) and text[-1] in "\"'":
        with suppress(ValueError):
            return str(literal_value(text)).encode("utf-8", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


def _unbase64(text: str) -> bytes | None:
    packed = re.sub(r"\s", "", text)
    packed += "=" * (-len(packed) % 4)
    try:
        return urlsafe_b64decode(packed) if "-" in packed or "_" in packed else b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None


def _in_mapping(value: Mapping[str, Any], deep: int) -> Body | None:
    if is_answer(value) or is_request(value):
        return decoded(value)
    if (octets := octets_of(value)) is not None:
        return Body(octets)
    named = {word(key): item for key, item in value.items() if item is not None}
    if named.get("kind") in ("empty", "none"):
        return Body(b"")
    if len(named) == 1 and isinstance(only := next(iter(named.values())), str) and only.startswith(_TEXTS):
        return body_of(only, deep=deep + 1)
    encoding = encoding_of(named)
    names = [name for name in _PAYLOADS if named.get(name) is not None] if len(named) <= len(_ENCODINGS) else []
    if names:
        name = next((name for name in names if named[name] != ""), names[0])
        if name.startswith(("base64", "b64")) and isinstance(named[name], str):
            encoding += " base64"
        return body_of(named[name], encoding, deep + 1)
    if "path" in named and ("sha256" in named or named.get("kind") == "binary"):
        return None  # the body is in a file of its own
    if named and _ABOUT.issuperset(named):
        return None
    return Body(compact(value), exact=False)


_TEXTS = ("{", "[", "data:", "event:")


def octets_of(value: Mapping[str, Any]) -> bytes | None:
    """The bytes of an array of JavaScript that was written as an object: ``{"0": 123, "1": 34}``; None for any other object."""
    if "0" not in value or any(key != str(number) for number, key in enumerate(value)):
        return None
    octets = list(value.values())
    return bytes(octets) if all(type(item) is int and 0 <= item < 256 for item in octets) else None


def encoding_of(named: Mapping[str, Any]) -> str:
    """What a mapping (by its words) says of the encoding of its body."""
    stated = ((name, named[name]) for name in _ENCODINGS if named.get(name))
    return " ".join(
        "base64" if value is True else value.lower()[:40]
        for name, value in stated
        if value is True or isinstance(value, str)
    )


def _in_list(items: list[Any], encoding: str, deep: int) -> Body | None:
    if items and all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 256 for item in items):
        return Body(bytes(items))
    if items and all(isinstance(item, str) and len(item) > 7 and _HEX.fullmatch(item) for item in items):
        return Body(bytes.fromhex("".join(items)))
    if len(items) > 1 and all(isinstance(item, str) and _BASE64.fullmatch(item) for item in items):
        encoding += " base64" * _text(items[0], encoding).startswith(_BEGINS)  # as the first piece, so the others
    bodies = [body for item in map(_untimed, items) if (body := body_of(item, encoding, deep + 1)) is not None]
    if len(items) == 1 and isinstance(items[0], list):
        return bodies[0] if bodies else None
    return joined(bodies)


def _untimed(item: Any) -> Any:
    """A chunk without its time, where both stand in a list of two."""
    is_timed = isinstance(item, list) and len(item) == 2 and isinstance(item[0], (int, float))
    return item[1] if is_timed and isinstance(item[1], (str, dict)) else item


def joined(bodies: list[Body]) -> Body:
    """The pieces of one body, or the events of a stream, as a whole."""
    pieces = [body.content for body in bodies]
    if not pieces:
        return Body(b"")
    if any(piece.lstrip().startswith((b"data:", b"event:")) for piece in pieces):
        are_lines = all(piece.startswith((b"data:", b"event:")) or not piece for piece in pieces)
        whole = are_lines and not any(piece.endswith(b"\n") for piece in pieces)
        ended = (piece + b"\n\n" if whole else piece for piece in filter(None, pieces))
        return Body(b"".join(ended), exact=not whole, events=len(pieces))
    if all(piece[:1] in (b"{", b"[") and json_of(piece) is not None for piece in pieces):
        return Body(pieces[0] if len(pieces) == 1 else sse(pieces), exact=False, events=len(pieces))
    return Body(b"".join(pieces), exact=len(pieces) == 1)


def sse(events: Iterable[bytes]) -> bytes:
    """The events as a stream of server-sent events. A list of events has lost how they were framed."""
    return b"".join(b"data: " + event + b"\n\n" for event in events)


def json_in(body: Body | None) -> Json:
    """The JSON value of a body; None if it is none."""
    if body is None:
        return None
    content = unpack(body.content).content
    return json_of(content) if content.lstrip()[:1] in (b"{", b"[") else None
