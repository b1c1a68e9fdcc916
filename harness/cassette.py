"""The cassette format: vcrpy's YAML, with what vcrpy forgets beside it. Reads any vcrpy file, writes standard ones.

``read`` turns a file into Exchanges; ``document`` turns an Exchange into one interaction of the file and ``dump`` writes
the file's text. What only we know stands in ``response.x-recording``, which vcrpy and pytest-recording carry along::

    x-recording:
      v: 1
      at: '2026-11-20T12:03:32+00:00'   when the request was sent
      from: google                      whose answer this is
      slot: [0, 2, 1]                   row, repeat, step
      head_ms: 52.1
      t_ms: 52.4 92.8 133.0             when each chunk arrived
      bytes: 159 159 183                and how long it was
      eol: crlf                         the body is stored with LF

``simulated: true``, ``attempts: 2`` and ``request: verbatim`` (the body is not our own compact JSON) appear where they hold.
Cassettes are untrusted: only the safe loader of libyaml ever sees them.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, overload
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import yaml

from harness.errors import BadCassette
from harness.jsontext import compact
from harness.model import Chunk, Exchange, Json, Provenance, Request

SIMULATOR_HOST = "simulator.invalid"
"""The fixed host under which simulated answers are stored and matched."""

_SECRET_QUERY = frozenset({"key", "api_key", "apikey", "access_token", "token"})
_REQUEST_HEADERS = ("accept", "content-type")
_RESPONSE_HEADERS = ("content-type", "server", "server-timing", "retry-after", "via", "x-gemini-service-tier")
_ABOUT_BYTES = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_MODEL = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:?]+)(?::(\w+))?")
_LARGEST_BODY = 200_000_000
_LONG = 1_000_000
"""Bytes from which on a cassette of ours is decoded piece by piece."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


Place: TypeAlias = tuple[int, int, int]
"""``(row, repeat, step)``, each counted from 0."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One exchange on tape. ``index`` counts from 0; ``slot`` is None in files not ours."""

    index: int
    exchange: Exchange
    slot: Place | None


@dataclass(frozen=True, slots=True)
class Tape:
    """A cassette, read. ``recorded_with`` is what the recording tool said about itself, or empty.

    A long cassette of ours is decoded one interaction at a time, as they are looked at; then looking raises BadCassette.
    """

    path: Path
    interactions: Sequence[Interaction]
    recorded_with: Mapping[str, Json]

    def at(self, slot: Place) -> Interaction | None:
        """The interaction recorded there."""
        if isinstance(self.interactions, _Pieces):
            return self.interactions.at(slot)
        return next((each for each in self.interactions if each.slot == slot), None)


# --- reading ------------------------------------------------------------------------------------------


def read(path: Path) -> Tape:
    """The cassette at ``path``. Raises BadCassette with the reason, naming the format where it is a known one."""
    raw = _bytes_of(path)
    if len(raw) > _LONG and raw.startswith(_OURS):
        return _long(path, raw)
    whole = _whole(path, raw)
    items = whole["interactions"]
    normalised = any("parsed_body" in item[side] for item in items for side in ("request", "response"))
    interactions = [_read(path, index, item, verbatim=not normalised) for index, item in enumerate(items)]
    with_what = whole.get("recorded_with")
    return Tape(path, interactions, with_what if isinstance(with_what, dict) else {})


def load(path: Path) -> dict[str, Any]:
    """The file as it stands: a mapping with a list of interactions, each with a request and a response mapping.

    Raises BadCassette for everything else.
    """
    return _whole(path, _bytes_of(path))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BadCassette(f"{path}: cannot be read: {fault.strerror}") from fault


def _whole(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        whole = _decode(raw)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise BadCassette(f"{path}: {_foreign_text(raw) or _why(fault)}") from fault
    if reason := _not_vcrpy(whole):
        raise BadCassette(f"{path}: {_foreign_text(raw) or reason}")
    return whole  # type: ignore[no-any-return]


def _decode(raw: bytes) -> Any:
    # vcrpy's JSON serializer writes surrogate pairs as two escapes, which YAML does not know.
    if raw[:1] in (b"{", b"["):
        try:
            return json.loads(raw)
        except ValueError:
            pass
    return yaml.load(raw, _Loader)  # noqa: S506 - it is the safe loader


def _why(fault: Exception) -> str:
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark is not None:
        mark = fault.problem_mark
        return f"not decodable at line {mark.line + 1}, column {mark.column + 1}: {fault.problem}"
    return f"not decodable: {str(fault).splitlines()[0] if str(fault) else type(fault).__name__}"


def _not_vcrpy(whole: Any) -> str | None:
    """Why this document is not a vcrpy cassette; None if it is one."""
    if whole is None:
        return "empty"
    if not isinstance(whole, dict) or not isinstance(whole.get("interactions"), list):
        return _foreign_document(whole)
    if "recordID" in whole:
        return "a recording of Google's test-server, not a vcrpy cassette"
    for index, item in enumerate(whole["interactions"]):
        request, response = (item.get("request"), item.get("response")) if isinstance(item, dict) else (None, None)
        if not isinstance(request, dict) or not isinstance(response, dict):
            return f"interaction {index} has no request and response: not a vcrpy cassette"
        if not isinstance(request.get("uri"), str):
            tool = "a go-vcr cassette" if "url" in request else f"interaction {index} has no uri"
            return f"{tool}, not a vcrpy cassette"
    return None


_KEYS_OF = (
    ("http_interactions", "a Ruby VCR (or R vcr) cassette"),
    ("when", "an httpmock recording"),
    ("recordID", "a recording of Google's test-server"),
    ("entries", "a Braintrust cassette"),
    ("log", "a HAR file"),
    ("candidates", "a bare Gemini answer"),
    ("request", "a single exchange, as the Datadog test agent stores it"),
)


def _foreign_document(whole: Any) -> str:
    first = whole[0] if isinstance(whole, list) and whole else whole
    if isinstance(whole, list) and isinstance(first, dict):
        if "scope" in first:
            return "a nock recording, not a vcrpy cassette"
        if "request" in first:
            return "vcrpy's layout from before version 1; migrate it with `python -m vcr.migration FILE`"
    if isinstance(first, dict):
        for key, name in _KEYS_OF:
            if key in first:
                return f"{name}, not a vcrpy cassette"
    return "not a cassette: no list of interactions"


def _foreign_text(raw: bytes) -> str | None:
    if raw.startswith(b"httprr trace"):
        return "an httprr trace, not a vcrpy cassette"
    if raw.startswith(b"when:"):
        return "an httpmock recording, not a vcrpy cassette"
    if b"http_interactions:" in raw[:100]:
        return "a Ruby VCR (or R vcr) cassette, not a vcrpy cassette"
    if raw.startswith((b"data:", b"event:")):
        return "a bare event stream, not a vcrpy cassette"
    if b"!!python/" in raw:
        return "it holds Python objects, which are never loaded from a cassette"
    return None


def _read(path: Path, index: int, item: Mapping[str, Any], *, verbatim: bool = True) -> Interaction:
    try:
        return _interaction(index, item, verbatim=verbatim)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        raise BadCassette(f"{path}: interaction {index} is not readable: {type(fault).__name__}: {fault}") from fault


# --- long cassettes of ours -----------------------------------------------------------------------------

_OURS = b"version: 1\ninteractions:\n- request:\n"
_BEGINS = re.compile(rb"^- request:$", re.MULTILINE)
_ENDS = re.compile(rb"^[a-z]", re.MULTILINE)
_SLOT = re.compile(rb"^      slot: \[(\d+), (\d+), (\d+)\]$", re.MULTILINE)


def _long(path: Path, raw: bytes) -> Tape:
    starts = [found.start() for found in _BEGINS.finditer(raw)]
    end = _ENDS.search(raw, starts[-1])
    rest = yaml.load(raw[end.start() :], _Loader) if end else {}  # noqa: S506 - it is the safe loader
    starts.append(end.start() if end else len(raw))
    return Tape(path, _Pieces(path, raw, starts), rest.get("recorded_with", {}))


class _Pieces(Sequence[Interaction]):
    """Interactions of a file as ``dump`` writes it: cut where each begins, decoded when one is asked for."""

    def __init__(self, path: Path, raw: bytes, starts: Sequence[int]) -> None:
        self._path = path
        self._raw = raw
        self._starts = starts
        # The last line that looks so is the real one: bodies stand before it.
        said = ((_SLOT.findall(raw, starts[index], starts[index + 1]), index) for index in range(len(self)))
        self._slots = {tuple(map(int, found[-1])): index for found, index in said if found}

    def at(self, slot: Place) -> Interaction | None:
        index = self._slots.get(slot)
        return None if index is None else self[index]

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Interaction]: ...
    def __getitem__(self, index: int | slice) -> Interaction | Sequence[Interaction]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        piece = self._raw[self._starts[number] : self._starts[number + 1]]
        whole = _whole(self._path, b"interactions:\n" + piece)
        return _read(self._path, number, whole["interactions"][0])


# --- one interaction ------------------------------------------------------------------------------------


def _interaction(index: int, item: Mapping[str, Any], *, verbatim: bool) -> Interaction:
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
        headers={name: value for name, value in headers.items() if name not in _ABOUT_BYTES},
        chunks=chunks,
        head_at=_seconds(ours.get("head_ms")) if ours is not None and timed else None,
        provenance=_provenance(request, ours, timed=timed),
        attempts=int((ours or {}).get("attempts", 1)),
        verbatim=verbatim,
        own=ours is not None,
        fault=fault,
    )
    return Interaction(index, exchange, _slot(ours))


def _request(raw: Mapping[str, Any], ours: Mapping[str, Any] | None) -> Request:
    url = without_secrets(raw["uri"])
    content = _request_bytes(raw)
    body = _json(content)
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
        if name in encoding.split(", ") and not _is_text(content):
            return content, f"stored in {name}, which is not decoded here"
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


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _json(content: bytes) -> Json:
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


# --- writing ------------------------------------------------------------------------------------------


def document(exchange: Exchange, slot: tuple[int, int, int] | None, host: str | None = None) -> dict[str, Any]:
    """One interaction as it stands in the file. ``host`` replaces scheme, host and port of the address."""
    ours = _about(exchange, slot)
    request_body: str | bytes | None = _pretty(exchange.request)
    if request_body is None:
        ours["request"] = "verbatim"
        request_body = _text(exchange.request.content)
    body = _text(exchange.content)
    if isinstance(body, str) and (unix := _unix(body)) is not None:
        body = unix
        ours["eol"] = "crlf"
    return {
        "request": {
            "method": exchange.request.method,
            "uri": _stored_url(exchange.request.url, host),
            "headers": _kept(exchange.request.headers, _REQUEST_HEADERS),
            "body": request_body,
        },
        "response": {
            "status": {"code": exchange.status, "message": _reason(exchange.status)},
            "headers": _kept(exchange.headers, _RESPONSE_HEADERS),
            "body": {"string": body},
            "x-recording": ours,
        },
    }


def dump(interactions: Iterable[Mapping[str, Any]], recorded_with: Mapping[str, Json] | None = None) -> str:
    """The file's text: interactions in the order given."""
    whole: dict[str, Any] = {"version": 1, "interactions": list(interactions)}
    if recorded_with:
        whole["recorded_with"] = dict(recorded_with)
    text: str = yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text.removesuffix("...\n")  # libyaml ends so after a literal block that keeps its last line ends


def _about(exchange: Exchange, slot: tuple[int, int, int] | None) -> dict[str, Any]:
    provenance = exchange.provenance
    about: dict[str, Any] = {"v": 1, "at": provenance.recorded_at, "from": provenance.recorded_from}
    if provenance.simulated:
        about["simulated"] = True
    if slot is not None:
        about["slot"] = list(slot)
    if exchange.attempts != 1:
        about["attempts"] = exchange.attempts
    if provenance.timing != "lost":
        about["head_ms"] = None if exchange.head_at is None else round(exchange.head_at * 1000, 3)
        about["t_ms"] = " ".join(_ms(chunk.at) for chunk in exchange.chunks)
        about["bytes"] = " ".join(str(len(chunk.data)) for chunk in exchange.chunks)
    return about


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3f}".rstrip("0").rstrip(".")


def _pretty(request: Request) -> str | None:
    """The body indented, if its bytes come back from that; else None."""
    value = _json(request.content)
    if value is None or compact(value) != request.content:
        return None
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if text.isprintable() or _is_text(text.encode("utf-8", "surrogatepass")) else None


def _text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _unix(text: str) -> str | None:
    """The text with LF, if every line of it ends in CRLF; else None."""
    lines = text.count("\n")
    if lines == 0 or text.count("\r\n") != lines or text.count("\r") != lines:
        return None
    return text.replace("\r\n", "\n")


def _kept(headers: Mapping[str, str], allowed: Sequence[str]) -> dict[str, list[str]]:
    return {name: [headers[name]] for name in allowed if name in headers}


def _stored_url(url: str, host: str | None) -> str:
    clean = without_secrets(url)
    if host is None:
        return clean
    parts = urlsplit(clean)
    return urlunsplit(("https", quote(host, safe=".:-[]"), parts.path, parts.query, ""))


def _reason(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Bodies as literal blocks, short lists on one line, no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text or len(text) > 100 else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_list(dumper: Any, items: list[Any]) -> Any:
    flat = all(isinstance(item, int) or (isinstance(item, str) and len(item) <= 100) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flat)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
