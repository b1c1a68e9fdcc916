"""One interaction of a vcrpy file -> an Exchange: every layout that vcrpy has ever written, and our ``x-recording``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from harness.gemini.providers import is_chat
from harness.model import Chunk, Exchange, Json, Provenance, Request
from harness.text.credentials import credentials_in
from harness.text.jsontext import compact, loads
from harness.text.lazy import Lazy
from harness.text.names import is_secret_name
from harness.transport.cassette import origin
from harness.transport.cassette.packing import unpack

SIMULATOR_HOST = "simulator.invalid"
"""The fixed host under which simulated answers are stored and matched."""

ABOUT_BYTES = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_MODEL = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:?]+)(?::(\w+))?")
_LAST_STATUS = 999

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""The errors of reading something that is not an interaction."""

_KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "from": ("text", (str,)),
    "at": ("a date and time", (str, datetime, date)),
    "slot": ("three or four whole numbers", (list,)),
    "attempts": ("a whole number", (int,)),
    "head_ms": ("a number", (int, float)),
    "t_ms": ("numbers", (str, int, float)),
    "bytes": ("whole numbers", (str, int)),
    "simulated": ("true or false", (bool,)),
    "redacted": ("true or false", (bool,)),
    "eol": ("text", (str,)),
    "request": ("text", (str,)),
    "headers": ("names of headers", (str,)),
}
"""The keys of ``x-recording``: what is expected, in words and as types."""
_COUNT, _TIME = r"[0-9]{1,9}", r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_AS_WRITTEN = {name: re.compile(f"{one}(?: {one})*") for name, one in (("bytes", _COUNT), ("t_ms", _TIME))}
"""Lists of numbers as this program writes them. Their numbers need not be read to be checked."""
_MOST = 1_000_000_000
"""The upper limit of every count in it: rows, repeats, steps, attempts, bytes, milliseconds."""

Place: TypeAlias = tuple[int, ...]
"""``(row, repeat, step)``, each counted from 0, or ``(row, repeat, step, part)`` with ``part`` from 1."""


class Interaction(Struct, frozen=True):
    """One recorded exchange. ``index`` counts from 0; ``slot`` is None in files of other tools. ``credentials``: (where,
    value) of each unmasked credential that the file has under its name; the exchange holds none of them. ``id``: what the
    file calls it, such as the id of a trial in a saved run; or empty."""

    index: int
    exchange: Exchange
    slot: Place | None
    credentials: Sequence[tuple[str, str]] = ()
    id: str = ""


class Recorded(Struct, frozen=True):
    """A request that was sent, and its answer; None if the answer was not recorded.

    ``credentials`` are (place, value) pairs: the keys that were recorded with the request.
    """

    request: Request
    answer: Exchange | None = None
    credentials: Iterable[tuple[str, str]] = ()


class Unread(Struct, frozen=True):
    """A part of a file that cannot be read. ``where`` is its place in the file, ``reason`` says why, and what to do."""

    where: str
    reason: str


_Item = TypeVar("_Item")


class Compact(Lazy[_Item]):
    """Many items in little memory: interactions are kept without the decoded bodies of their requests.

    A body is decoded again on access. Decoded, it takes about ten times the memory of its bytes. ``parts``: the items without it.
    """

    def __init__(self, items: Iterable[_Item]) -> None:
        super().__init__([_with_body(item, None) for item in items], _restored)


def kept(items: Sequence[_Item]) -> Sequence[_Item]:
    """The items, without decoding again what ``Compact`` left out."""
    return items.parts if isinstance(items, Compact) else items


def _restored(item: _Item) -> _Item:
    return _with_body(item, json_of(item.exchange.request.content)) if isinstance(item, Interaction) else item


def _with_body(item: _Item, body: Json) -> _Item:
    if not isinstance(item, Interaction) or item.exchange.request.body is body:
        return item
    exchange = item.exchange
    return replace(item, exchange=replace(exchange, request=replace(exchange.request, body=body)))


def read_interaction(index: int, item: Mapping[str, Any], *, verbatim: bool) -> Interaction:
    """One item of ``interactions:``. Raises one of ``UNREADABLE`` if it is not an interaction."""
    response = item["response"]
    ours = _ours(response.get("x-recording"))
    headers = {**_unkept(ours), **_headers(response.get("headers"))}
    content, fault = _response_bytes(response), None
    if ours is None:
        content, fault = unpack(content, headers.get("content-encoding", ""))
    if ours is not None and ours.get("eol") == "crlf":
        content = content.replace(b"\n", b"\r\n")
    chunks, timed = _chunks(content, ours)
    provenance = _provenance(item, ours, headers, content, timed=timed)
    exchange = Exchange(
        request=_request(item["request"], ours, provenance.recorded_from),
        status=_status(response),
        headers={name: value for name, value in headers.items() if name not in ABOUT_BYTES},
        chunks=chunks,
        head_at=_seconds(ours.get("head_ms")) if ours is not None and timed else None,
        provenance=provenance,
        attempts=int((ours or {}).get("attempts", 1)),
        verbatim=verbatim and not (ours or {}).get("redacted"),
        own=ours is not None,
        fault=fault,
    )
    return Interaction(index, exchange, _slot(ours), credentials(item["request"]))


def credentials(raw: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """(where, value) of each unmasked credential in the address and the headers of a request."""
    return tuple(credentials_in(str(raw["uri"]), _headers(raw.get("headers"))))


def _ours(about: Any) -> Mapping[str, Any] | None:
    """``x-recording`` with its types checked; None in files of other tools. Raises ValueError for a wrong type."""
    if not isinstance(about, dict):
        return None
    for name, (words, types) in _KINDS.items():
        value = about.get(name)
        if value is not None and (type(value) not in types or not _is_sound(name, value)):
            raise ValueError(f"x-recording.{name}: expected {words}, got {str(value)[:80]!r}")
    return about


def _is_sound(name: str, value: Any) -> bool:
    try:
        if name == "at":
            return datetime.fromisoformat(str(value)).year > 1
        if name == "slot":
            return len(value) in (3, 4) and all(type(part) is int and 0 <= part < _MOST for part in value)
        if name in ("attempts", "head_ms"):
            return bool(0 <= value < _MOST)
        if isinstance(value, str):
            _sendable(value)
        if name in _AS_WRITTEN and not _AS_WRITTEN[name].fullmatch(str(value)):
            number = float if name == "t_ms" else int
            return all(0 <= number(part) < _MOST for part in str(value).split())
    except ValueError:
        return False
    return True


def read_request(raw: Mapping[str, Any]) -> Request:
    """The request of an interaction: ``method``, ``uri``, ``headers``, ``body``. Raises as ``read_interaction`` does."""
    return _request(raw, None, provider_of(raw["uri"]))


def _request(raw: Mapping[str, Any], ours: Mapping[str, Any] | None, provider: str) -> Request:
    url = without_secrets(_sendable(raw["uri"]))
    content = _request_bytes(raw)
    if ours is None:
        content = unpack(content).content
    body = json_of(content)
    if ours is not None and body is not None and ours.get("request") != "verbatim":
        content = compact(body)
    found = _MODEL.search(urlsplit(url).path)
    return Request(
        provider=provider,
        model=_sendable(unquote(found[1])) if found else _model_in(body),
        method=_sendable(str(raw.get("method", "POST"))),
        url=url,
        headers={name: value for name, value in _headers(raw.get("headers")).items() if not is_secret_name(name)},
        body=body,
        content=content,
        transport="stream" if _streams(found, url, body) else "unary",
    )


def _streams(native: re.Match[str] | None, url: str, body: Json) -> bool:
    """Whether a stream was asked for: in the address, or in the body of a chat completion."""
    if native is None:
        return is_chat(url) and isinstance(body, dict) and body.get("stream") is True
    return (native[2] or "").startswith("stream")


def _model_in(body: Json) -> str:
    """The model that a body names, as in the OpenAI dialect and in cached contents."""
    name = body.get("model") if isinstance(body, dict) else None
    return _sendable(name.removeprefix("models/")) if isinstance(name, str) else ""


def _sendable(text: str) -> str:
    """The text. Raises ValueError for half a surrogate pair: JSON can express it, but UTF-8 cannot."""
    text.encode()
    return text


def _headers(raw: Any) -> dict[str, str]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    return {_sendable(str(name)).lower(): _sendable(_header_value(value)) for name, value in pairs}


def _header_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return ", ".join(map(_header_value, value)) if isinstance(value, list) else str(value)


def _unkept(ours: Mapping[str, Any] | None) -> dict[str, str]:
    """The headers that were stored by name only, with empty values."""
    return dict.fromkeys(str((ours or {}).get("headers") or "").split(), "")


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status", response.get("status_code", 0))
    code = int(status["code"] if isinstance(status, dict) else status)
    if not 0 <= code <= _LAST_STATUS:
        raise ValueError(f"a status of {code}")
    return code


def _request_bytes(raw: Mapping[str, Any]) -> bytes:
    return _parsed(raw) if "parsed_body" in raw else _bytes(raw.get("body"))


def _response_bytes(raw: Mapping[str, Any]) -> bytes:
    if "parsed_body" in raw:
        return _parsed(raw)
    return _bytes(raw["body"] if "body" in raw else raw.get("content"))


def _bytes(value: Any) -> bytes:
    """vcrpy has written bodies as text, as binary, as ``{string: ...}`` and as JSON values."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, dict):
        for key in ("string", "base64_string", "content"):
            if key in value:
                return _unbase64(value[key]) if key == "base64_string" else _bytes(value[key])
    return compact(value)


def _unbase64(value: Any) -> bytes:
    import base64

    return base64.b64decode(value)


def _parsed(raw: Mapping[str, Any]) -> bytes:
    """A body that the recording tool decoded into YAML, as JSON again."""
    value = raw["parsed_body"]
    if value is None:
        return b""
    return compact(value)


def json_of(content: bytes) -> Json:
    """The JSON value; None if the bytes are not JSON."""
    try:
        return loads(content) if content else None
    except ValueError:
        return None


def _chunks(content: bytes, ours: Mapping[str, Any] | None) -> tuple[Sequence[Chunk], bool]:
    """The chunks with their times, and whether times are known: not after the body was edited by hand."""
    if ours is not None:
        lengths = [int(length) for length in str(ours.get("bytes", "")).split()]
        times = [float(time) for time in str(ours.get("t_ms", "")).split()]
        if len(lengths) == len(times) and sum(lengths) == len(content):
            return _cut(content, lengths, times), True
    return ([Chunk(content, 0.0)] if content else []), False


def _cut(content: bytes, lengths: Sequence[int], times: Sequence[float]) -> Sequence[Chunk]:
    start, chunks = 0, []
    for length, at in zip(lengths, times, strict=True):
        chunks.append(Chunk(content[start : start + length], at / 1000))
        start += length
    return chunks


def _seconds(ms: Any) -> float | None:
    return None if ms is None else float(ms) / 1000


def _slot(ours: Mapping[str, Any] | None) -> Place | None:
    slot = (ours or {}).get("slot")
    return tuple(slot) if slot else None


def _provenance(
    item: Mapping[str, Any],
    ours: Mapping[str, Any] | None,
    headers: Mapping[str, str],
    content: bytes,
    *,
    timed: bool,
) -> Provenance:
    provider = provider_of(item["request"]["uri"])
    simulated = bool(ours.get("simulated")) if ours is not None else origin.is_simulated(headers, content)
    at = ours.get("at") if ours is not None else origin.recorded_at(item, headers)
    return Provenance(
        mode="replay",
        recorded_from=(ours or {}).get("from") or ("simulator" if simulated else provider),
        recorded_at=None if at is None else str(at),
        timing="recorded" if timed else "lost",
        simulated=simulated or provider == "simulator",
    )


@lru_cache(500)
def provider_of(url: str) -> str:
    """The provider at this address: ``google``, ``vertex``, ``cometapi``, ``simulator``, else ``import``."""
    host = urlsplit(url).hostname or ""
    if host == "generativelanguage.googleapis.com":
        return "google"
    if host == "aiplatform.googleapis.com" or host.endswith("-aiplatform.googleapis.com"):
        return "vertex"
    if host == "api.cometapi.com":
        return "cometapi"
    return "simulator" if host == SIMULATOR_HOST else "import"


@lru_cache(500)
def without_secrets(url: str) -> str:
    """The address without user, password and key parameters; otherwise letter for letter."""
    parts = urlsplit(url)
    query = parts.query
    pairs = query.split("&")
    kept = [pair for pair in pairs if not is_secret_name(unquote(pair.partition("=")[0]))]
    query = query if len(kept) == len(pairs) else "&".join(kept)
    host = parts.netloc.rpartition("@")[2]
    if host == parts.netloc and query == parts.query:
        return url
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))
