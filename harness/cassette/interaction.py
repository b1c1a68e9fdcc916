"""One interaction of a vcrpy file -> an Exchange: every layout that vcrpy has written, and what only we record."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from harness.jsontext import compact
from harness.model import Chunk, Exchange, Json, Provenance, Request
from harness.refusals import is_noise

SIMULATOR_HOST = "simulator.invalid"
"""The fixed host under which simulated answers are stored and matched."""

ABOUT_BYTES = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_SECRET_QUERY = frozenset({"key", "api_key", "apikey", "access_token", "token"})
_MODEL = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:?]+)(?::(\w+))?")
_LARGEST_BODY = 200_000_000

Place: TypeAlias = tuple[int, int, int]
"""``(row, repeat, step)``, each counted from 0."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One exchange on tape. ``index`` counts from 0; ``slot`` is None in files not ours."""

    index: int
    exchange: Exchange
    slot: Place | None


def read_interaction(index: int, item: Mapping[str, Any], *, verbatim: bool) -> Interaction:
    """One item of ``interactions:``. Raises KeyError, TypeError, ValueError or AttributeError for what is none."""
    response = item["response"]
    ours = response.get("x-recording")
    ours = ours if isinstance(ours, dict) else None
    request = _request(item["request"], ours)
    headers = _headers(response.get("headers"))
    content, fault = _decoded(_response_bytes(response), headers.get("content-encoding", ""))
    if ours is not None and ours.get("eol") == "crlf":
        content = content.replace(b"\n", b"\r\n")
    chunks, timed = _chunks(content, ours)
    exchange = Exchange(
        request=request,
        status=_status(response),
        headers={name: value for name, value in headers.items() if name not in ABOUT_BYTES},
        chunks=chunks,
        head_at=_seconds(ours.get("head_ms")) if ours is not None and timed else None,
        provenance=_provenance(request, ours, timed=timed),
        attempts=int((ours or {}).get("attempts", 1)),
        verbatim=verbatim,
        own=ours is not None,
        fault=fault,
    )
    return Interaction(index, exchange, _slot(ours))


def read_request(raw: Mapping[str, Any]) -> Request:
    """The request of an interaction: ``method``, ``uri``, ``headers``, ``body``. Raises as ``read_interaction`` does."""
    return _request(raw, None)


def _request(raw: Mapping[str, Any], ours: Mapping[str, Any] | None) -> Request:
    url = without_secrets(raw["uri"])
    content = _request_bytes(raw)
    body = json_of(content)
    if ours is not None and body is not None and ours.get("request") != "verbatim":
        content = compact(body)
    found = _MODEL.search(urlsplit(url).path)
    return Request(
        provider=(ours or {}).get("from") or provider_of(url),
        model=found[1] if found else _model_in(body),
        method=str(raw.get("method", "POST")),
        url=url,
        headers={name: value for name, value in _headers(raw.get("headers")).items() if not _is_secret_header(name)},
        body=body,
        content=content,
        transport="stream" if found and (found[2] or "").startswith("stream") else "unary",
    )


def _model_in(body: Json) -> str:
    """The model that a body names, as in the OpenAI dialect and in cached contents."""
    name = body.get("model") if isinstance(body, dict) else None
    return name.removeprefix("models/") if isinstance(name, str) else ""


def _is_secret_header(name: str) -> bool:
    return name in ("authorization", "x-goog-api-key", "cookie", "proxy-authorization")


def _headers(raw: Any) -> dict[str, str]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    return {str(name).lower(): _header_value(value) for name, value in pairs}


def _header_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return ", ".join(map(_header_value, value)) if isinstance(value, list) else str(value)


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status", response.get("status_code", 0))
    return int(status["code"] if isinstance(status, dict) else status)


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
    if _size(value, {}) > _LARGEST_BODY:
        raise ValueError("a parsed_body that unfolds beyond 200 MB")
    return compact(value)


def _size(value: Any, known: dict[int, int]) -> int:
    """How large a tree is once its aliases are written out. An alias to itself counts as endless."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = _LARGEST_BODY + 1
        inside = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(each, known) for each in inside)
    return known[id(value)]


def _decoded(content: bytes, encoding: str) -> tuple[bytes, str | None]:
    """The body without its content encoding, and what is wrong with it. The header may be missing, or a left-over."""
    if content[:2] == b"\x1f\x8b":
        return _inflated(content, 31)
    if "deflate" in encoding and content:
        for window in (15, -15):
            plain, fault = _inflated(content, window)
            if fault is None:
                return plain, None
    for name in ("br", "zstd"):
        if name in encoding.split(", ") and is_noise(content, encoded=True):
            return content, f"the body is stored in {name}, which is not decoded here"
    return content, None


def _inflated(content: bytes, window: int) -> tuple[bytes, str | None]:
    inflate = zlib.decompressobj(window)
    try:
        plain = inflate.decompress(content, _LARGEST_BODY)
    except zlib.error as fault:
        return content, f"compressed, and broken: {fault}"
    if inflate.unconsumed_tail:
        return plain, "too large: unfolds beyond 200 MB"
    return plain, None if inflate.eof else "cut: the compressed body ends early"


def is_text(content: bytes) -> bool:
    """Whether it is UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def json_of(content: bytes) -> Json:
    """The JSON value; None where there is none."""
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None


def _chunks(content: bytes, ours: Mapping[str, Any] | None) -> tuple[Sequence[Chunk], bool]:
    """The chunks with their times, and whether times are known: not after the body was edited by hand."""
    if ours is not None:
        lengths = [int(each) for each in str(ours.get("bytes", "")).split()]
        times = [float(each) for each in str(ours.get("t_ms", "")).split()]
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
    if not isinstance(slot, list) or len(slot) != 3:
        return None
    row, repeat, step = map(int, slot)
    return row, repeat, step


def _provenance(request: Request, ours: Mapping[str, Any] | None, *, timed: bool) -> Provenance:
    at = (ours or {}).get("at")
    return Provenance(
        mode="replay",
        recorded_from=request.provider,
        recorded_at=None if at is None else str(at),
        timing="recorded" if timed else "lost",
        simulated=bool((ours or {}).get("simulated")) or provider_of(request.url) == "simulator",
    )


def provider_of(url: str) -> str:
    """Who answers at this address: ``google``, ``vertex``, ``cometapi``, ``simulator``, else ``import``."""
    host = urlsplit(url).hostname or ""
    if host == "generativelanguage.googleapis.com":
        return "google"
    if host == "aiplatform.googleapis.com" or host.endswith("-aiplatform.googleapis.com"):
        return "vertex"
    if host == "api.cometapi.com":
        return "cometapi"
    return "simulator" if host == SIMULATOR_HOST else "import"


def without_secrets(url: str) -> str:
    """The address without user, password and key parameters; otherwise letter for letter."""
    parts = urlsplit(url)
    query = parts.query
    if query and any(name.lower() in _SECRET_QUERY for name, _ in parse_qsl(query, keep_blank_values=True)):
        kept = [pair for pair in query.split("&") if pair.partition("=")[0].lower() not in _SECRET_QUERY]
        query = "&".join(kept)
    host = parts.netloc.rpartition("@")[2]
    if host == parts.netloc and query == parts.query:
        return url
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))
