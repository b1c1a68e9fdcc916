"""One interaction of a vcrpy file -> an Exchange: every layout that vcrpy has ever written, and our ``x-recording``."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Annotated, Any, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Meta, Struct, convert
from msgspec.structs import replace

from harness.gemini.providers import HOSTS, is_chat
from harness.model import Chunk, Exchange, Json, Provenance, Request
from harness.text.credentials import credentials_in, is_masked
from harness.text.jsontext import compact, json_of
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

_MOST = 1_000_000_000
"""The upper limit of every count in ``x-recording``: rows, repeats, steps, attempts, bytes, milliseconds."""
_Whole = Annotated[int, Meta(ge=0, lt=_MOST)]
_Number = Annotated[float, Meta(ge=0, lt=_MOST)]
_COUNT, _TIME = r"[0-9]{1,9}", r"[0-9]{1,9}(?:\.[0-9]{1,9})?"


class About(Struct, frozen=True, rename={"source": "from"}):
    """``x-recording``: what `cassette` says of each key. ``at``: as text, or as YAML reads it."""

    source: str = ""
    at: Any = None
    slot: Annotated[tuple[_Whole, ...], Meta(min_length=3, max_length=4)] | None = None
    attempts: _Whole = 1
    head_ms: _Number | None = None
    t_ms: Annotated[str, Meta(pattern=f"^({_TIME}( {_TIME})*)?$")] | _Number = ""
    bytes: Annotated[str, Meta(pattern=f"^({_COUNT}( {_COUNT})*)?$")] | _Whole = ""
    simulated: bool = False
    redacted: bool = False
    eol: str = ""
    request: str = ""
    headers: str = ""
    v: int = 1

    def __post_init__(self) -> None:
        if self.v != 1:
            raise ValueError(f"version {self.v} of x-recording; this program reads version 1")
        _sendable(f"{self.source} {self.headers}")
        if self.at is not None and datetime.fromisoformat(str(self.at)).year < 2:
            raise ValueError(f"at: expected a date and time, got {self.at}")


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

    ``credentials`` are (place, value) pairs: the keys that were recorded with the request. ``id``: what the file calls it, or empty.
    ``line``: where the command of the request is in its file, or 0.
    """

    request: Request
    answer: Exchange | None = None
    credentials: Iterable[tuple[str, str]] = ()
    id: str = ""
    line: int = 0


class Unread(Struct, frozen=True):
    """A part of a file that cannot be read. ``where`` is its place in the file, ``reason`` says why, and what to do."""

    where: str
    reason: str


Item: TypeAlias = Interaction | Recorded | Unread
"""What is read of a part of a recording."""
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
    headers = {**dict.fromkeys(ours.headers.split() if ours else (), ""), **_headers(response.get("headers"))}
    content, fault = _response_bytes(response), None
    if ours is None:
        content, fault = unpack(content, headers.get("content-encoding", ""))
    elif ours.eol == "crlf":
        content = content.replace(b"\n", b"\r\n")
    chunks, timed = _chunks(content, ours)
    provenance = _provenance(item, ours, headers, content, timed=timed)
    asked = item["request"]
    sent = _headers(asked.get("headers"))
    exchange = Exchange(
        request=_request(asked, sent, ours, provenance.recorded_from),
        status=_status(response),
        headers={name: value for name, value in headers.items() if name not in ABOUT_BYTES},
        chunks=chunks,
        head_at=ours.head_ms / 1000 if ours and timed and ours.head_ms is not None else None,
        provenance=provenance,
        attempts=ours.attempts if ours else 1,
        verbatim=verbatim and not (ours and ours.redacted),
        own=ours is not None,
        fault=fault,
    )
    return Interaction(index, exchange, ours.slot if ours else None, _credentials(str(asked["uri"]), *sent.items()))


def credentials(raw: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """(where, value) of each credential of a request; the value is empty where a header has a variable or a mask for it."""
    headers = _headers(raw.get("headers"))
    masked = ((name, "") for name, value in headers.items() if is_secret_name(name) and value and is_masked(value))
    return (*masked, *_credentials(str(raw["uri"]), *headers.items()))


@lru_cache(500)
def _credentials(address: str, *headers: tuple[str, str]) -> Sequence[tuple[str, str]]:
    return tuple(credentials_in(address, dict(headers)))


def _ours(about: Any) -> About | None:
    """``x-recording``; None in files of other tools. Raises ValueError for a value that it cannot have."""
    if not isinstance(about, dict):
        return None
    return convert({name: value for name, value in about.items() if value is not None}, About)


def read_request(raw: Mapping[str, Any]) -> Request:
    """The request of an interaction: ``method``, ``uri``, ``headers``, ``body``. Raises as ``read_interaction`` does."""
    return _request(raw, _headers(raw.get("headers")), None, provider_of(raw["uri"]))


def _request(raw: Mapping[str, Any], headers: Mapping[str, str], ours: About | None, provider: str) -> Request:
    url, model, method = _address(raw["uri"])
    content = _parsed(raw) if "parsed_body" in raw else _bytes(raw.get("body"))
    if ours is None:
        content = unpack(content).content
    body = json_of(content)
    if ours is not None and body is not None and ours.request != "verbatim":
        content = compact(body)
    return Request(
        provider=provider,
        model=_model_in(body) if model is None else model,
        method=_sendable(str(raw.get("method", "POST"))),
        url=url,
        headers={name: value for name, value in headers.items() if not is_secret_name(name)},
        body=body,
        content=content,
        transport="stream" if _streams(method, url, body) else "unary",
    )


@lru_cache(500)
def _address(url: str) -> tuple[str, str | None, str | None]:
    """An address without its secrets, and its model and its method; None for an address that names no model."""
    url = without_secrets(_sendable(url))
    found = _MODEL.search(urlsplit(url).path)
    return url, _sendable(unquote(found[1])) if found else None, (found[2] or "") if found else None


def _streams(method: str | None, url: str, body: Json) -> bool:
    """Whether a stream was asked for: in the address, or in the body of a chat completion."""
    if method is None:
        return is_chat(url) and isinstance(body, dict) and body.get("stream") is True
    return method.startswith("stream")


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
    found = {str(name).lower(): _header_value(value) for name, value in pairs}
    _sendable("".join((*found, *found.values())))
    return found


def _header_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return ", ".join([item if isinstance(item, str) else _header_value(item) for item in value])
    return str(value)


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status", response.get("status_code", 0))
    code = int(status["code"] if isinstance(status, dict) else status)
    if not 0 <= code <= _LAST_STATUS:
        raise ValueError(f"a status of {code}")
    return code


def _response_bytes(raw: Mapping[str, Any]) -> bytes:
    if "parsed_body" in raw:
        return _parsed(raw)
    return _bytes(raw["body"] if "body" in raw else raw.get("content"))


def _bytes(value: Any) -> bytes:
    """vcrpy has written bodies as text, as binary, as ``{string: ...}`` and as JSON values."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes | None):
        return value or b""
    if isinstance(value, dict):
        for key in ("string", "base64_string", "content"):
            if key in value:
                return b64decode(value[key]) if key == "base64_string" else _bytes(value[key])
    return compact(value)


def _parsed(raw: Mapping[str, Any]) -> bytes:
    """A body that the recording tool decoded into YAML, as JSON again."""
    value = raw["parsed_body"]
    return b"" if value is None else compact(value)


def _chunks(content: bytes, ours: About | None) -> tuple[Sequence[Chunk], bool]:
    """The chunks with their times, and whether times are known: not after the body was edited by hand."""
    if ours is not None:
        lengths = [int(length) for length in str(ours.bytes).split()]
        times = [float(time) for time in str(ours.t_ms).split()]
        if len(lengths) == len(times) and sum(lengths) == len(content):
            return _cut(content, lengths, times), True
    return ([Chunk(content, 0.0)] if content else []), False


def _cut(content: bytes, lengths: Sequence[int], times: Sequence[float]) -> Sequence[Chunk]:
    pieces = zip(lengths, accumulate(lengths), times, strict=True)
    return [Chunk(content[end - length : end], at / 1000) for length, end, at in pieces]


def _provenance(
    item: Mapping[str, Any],
    ours: About | None,
    headers: Mapping[str, str],
    content: bytes,
    *,
    timed: bool,
) -> Provenance:
    provider = provider_of(item["request"]["uri"])
    simulated = ours.simulated if ours else origin.is_simulated(headers, content)
    at = ours.at if ours else origin.recorded_at(item, headers)
    return Provenance(
        mode="replay",
        recorded_from=(ours and ours.source) or ("simulator" if simulated else provider),
        recorded_at=None if at is None else str(at),
        timing="recorded" if timed else "lost",
        simulated=simulated or provider == "simulator",
    )


@lru_cache(500)
def provider_of(url: str) -> str:
    """The provider at this address: ``google``, ``vertex``, ``cometapi``, ``simulator``, else ``import``."""
    host = urlsplit(url).hostname or ""
    if re.search(r"(?:^|-)aiplatform\.googleapis\.com$", host):
        return "vertex"
    known = {served: kind for kind, served in HOSTS.items()}
    return "simulator" if host == SIMULATOR_HOST else known.get(host, "import")


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
