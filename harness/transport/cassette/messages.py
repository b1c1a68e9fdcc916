"""Requests and answers in mappings of any tool -> the parts of HTTP messages: address, method, headers, status, body.

Each tool has its own names for the same things. Names are compared without case and separators (``word``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from harness.gemini.providers import GOOGLE_MODELS
from harness.model import UNKNOWN_MODEL
from harness.text.jsontext import json_of
from harness.transport.cassette.bodies import Body, body_of, encoding_of, is_answer, word

UNKNOWN_HOST = "recording.invalid"
"""Stands for a host that the recording does not tell."""

_URLS = (
    "uri", "url", "fullurl", "absoluteurl", "requesturl", "requesturi", "href", "endpoint", "address", "target", "path", "urlpath",
    "pathname", "rawpath", "route", "requestpath", "resource", "requestline", "request", "matchkey",
)  # fmt: skip
ADDRESSED = frozenset(_URLS)
"""Words for an address. A mapping without any has none."""
_HOSTS = ("scope", "host", "hostname", "baseurl", "serveraddress", "server", "origin", "destination", "authority", "domain", "netloc")  # fmt: skip
_QUERIES = ("query", "querystring", "queryparameters", "queryparams", "queryparam", "params", "search")
_AS_TEXT = ("asText", "asJsonString")
"""Where Optic keeps all parameters of a query together."""
_METHODS = ("method", "httpmethod", "verb", "requestmethod")
_STATUSES = ("status", "statuscode", "code", "httpstatus", "httpstatuscode", "responsecode", "responsestatus", "responsestatuscode", "statusline", "httpcode")  # fmt: skip
_HEADERS = ("headers", "header", "rawheaders", "httpheaders")
_BODIES = (
    "body", "parsedbody", "bodysegments", "rawbody", "jsonbody", "bodyjson", "base64body", "bodybase64", "bodystring", "bodytext",
    "postdata", "entity", "content", "text", "payload", "data", "json", "string", "base64string", "chunks", "events", "stream",
    "frames", "lines", "value",
)  # fmt: skip
_ABOUT_BODIES = ("type", "file", "path", "size", "hash", "name", "format", "length", "url", "encoding", "patterns")
NATIVE = re.compile(
    r"(?P<base>https?://[^\s\"'<>?#]*?|\{?\w*\}?|[\w.-]+\.[\w.-]+(?::\d+)?)(?P<path>/[^\s\"'<>?#]*)?"
    r"(?P<call>(?:models|tunedModels|endpoints|dynamic)/[^\s\"'<>/?#:]+:(?:streamG|g)enerateContent)(?P<query>\?[^\s\"'<>#]*)?"
)
_ESCAPED, _PATTERN = re.compile(r"\\([./:?-])"), re.compile(r"models/[^:]*[*+\[({$%\\][^:]*:")
"""What mocks write in an address that is a regular expression."""
_STATUS = re.compile(r"(?:HTTP/[\d.]+\s+)?([1-9]\d\d)\b")
_PREFIXES = {"MLDEV_URL_PREFIX": GOOGLE_MODELS.removesuffix("/models"), "VERTEX_URL_PREFIX": "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/l"}  # fmt: skip
"""What Google's own SDKs write in place of the start of an address."""


def named(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    """The mapping by its words."""
    return {word(key): value for key, value in mapping.items()}


@lru_cache(500)
def address_in(text: str) -> str | None:
    """The first address of a native call in a text; None without one."""
    if ":generateContent" not in text and ":streamGenerateContent" not in text:  # to look for it takes long
        return None
    found = NATIVE.search(_ESCAPED.sub(r"\1", text))
    if not found:
        return None
    call = _PATTERN.sub(f"models/{UNKNOWN_MODEL}:", found["call"])
    return _whole(f"{found['base']}{found['path'] or ''}{call}{(found['query'] or '').rstrip('/$')}")


def _whole(url: str) -> str:
    """The address with a host, also where the recording has none."""
    for name, base in _PREFIXES.items():
        if url.startswith(f"{{{name}}}"):
            return base + url.removeprefix(f"{{{name}}}")
    if "://" in url:
        return url
    if re.match(r"[\w-]+(\.[\w-]+)+(:\d+)?/", url):
        return f"https://{url}"
    if not re.match(r"/?v\d\w*/", url) and "/v1" not in url:
        url = f"v1beta/{url.lstrip('/')}"
    return f"https://{UNKNOWN_HOST}/{url.lstrip('/')}"


def url_of(message: Mapping[str, Any]) -> str | None:
    """The address that a request mapping (by its words) holds, completed from its host and its query; None without one."""
    for name in _URLS:
        if message.get(name) is not None and (url := _as_url(message[name])):
            break
    else:
        return None
    url = without_unknown_host(url if "://" in url else f"https://{UNKNOWN_HOST}{url}", message)
    query = next((text for name in _QUERIES if (text := _query(message.get(name)))), "")
    return f"{url}?{query}" if query and "?" not in url else url


def _as_url(value: Any) -> str | None:
    if isinstance(value, list) and value:
        return _as_url(value[0])
    if isinstance(value, dict):
        inside = named(value)
        if isinstance(inside.get("raw"), str):
            return _as_url(inside["raw"])
        if isinstance(inside.get("value"), str):
            return _as_url(inside["value"])
        path, host = (
            inside.get("path") or inside.get("pathname"),
            inside.get("host") or inside.get("hostname") or inside.get("domain"),
        )
        path = "/".join(map(str, path)) if isinstance(path, list) else path
        host = ".".join(map(str, host)) if isinstance(host, list) else host
        if not isinstance(path, str):
            return None
        path = path if path.startswith("/") else f"/{path}"
        query = _query(inside.get("query"))
        return (f"https://{host}{path}" if isinstance(host, str) and host else path) + (f"?{query}" if query else "")
    if not isinstance(value, str) or len(value) > 5_000:
        return None
    text = value.strip()
    if "enerateContent" in text:
        return address_in(text)
    return text if re.match(r"(https?://|/)\S+$", text) else None


def _with_host(url: str, message: Mapping[str, Any]) -> str:
    for name in _HOSTS:
        value = message.get(name)
        value = value[0] if isinstance(value, list) and value else value
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, str) and re.match(r"(https?://)?[\w.-]+(:\d+)?/?$", value):
            base = value if "://" in value else f"https://{value}"
            return base.rstrip("/") + url
    if host := headers_of(message).get("host"):
        return f"https://{host}{url}"
    return f"https://{UNKNOWN_HOST}{url}"


def without_unknown_host(url: str, message: Mapping[str, Any]) -> str:
    """The address with the host that the mapping tells, where the address itself tells none."""
    parts = urlsplit(url)
    return _with_host(url.partition(parts.netloc)[2], message) if parts.netloc == UNKNOWN_HOST else url


def _query(value: Any) -> str:
    if isinstance(value, str):
        inside = json_of(value) if value[:1] == "{" else None
        return _query(inside) if inside else value.lstrip("?") if "=" in value else ""
    if isinstance(value, dict):
        if texts := [item for key, item in value.items() if key in _AS_TEXT and isinstance(item, str)]:
            return _query(texts[0])
        pairs = [(str(key), _scalar(item)) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [
            (str(one.get("name", one.get("key", ""))), _scalar(one.get("value")))
            for one in value
            if isinstance(one, dict)
        ]
    else:
        return ""
    return urlencode([(key, item) for key, item in pairs if key], quote_via=quote)


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return _scalar(value[0]) if value else ""
    if isinstance(value, dict):
        return _scalar(next((value[key] for key in ("value", "equalTo", "values") if key in value), ""))
    return "" if value is None else str(value)


def method_of(message: Mapping[str, Any]) -> str | None:
    """The HTTP method of a request mapping."""
    for name in _METHODS:
        value = message.get(name)
        value = value[0].get("value") if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3,7}", value):
            return value.upper()
    return None


def status_of(message: Mapping[str, Any]) -> int | None:
    """The HTTP status of an answer mapping: ``200``, ``"200 OK"``, ``{code: 200}``."""
    for name in _STATUSES:
        if name not in message:
            continue
        value = message[name]
        if isinstance(value, dict):
            value = next((value[key] for key in value if word(key) in ("code", "value", "statuscode", "status")), None)
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 999:
            return value
        if isinstance(value, str) and (found := _STATUS.match(value)):
            return int(found[1])
    return None


def headers_of(message: Mapping[str, Any]) -> dict[str, str]:
    """Header (lower case) -> value of a mapping with headers in any layout."""
    for name in _HEADERS:
        if message.get(name):
            return {key.lower(): value for key, value in _pairs(message[name])}
    return {}


def _pairs(headers: Any) -> Iterator[tuple[str, str]]:
    """The headers of a mapping, of lines, of a flat list of names and values, or of a list of pairs."""
    if isinstance(headers, dict):
        yield from ((str(key), _joined(value)) for key, value in headers.items())
    elif isinstance(headers, str):
        lines = (line.partition(":") for line in headers.splitlines())
        yield from ((key.strip(), value.strip()) for key, colon, value in lines if colon and key.strip())
    elif isinstance(headers, list) and all(isinstance(item, str) for item in headers):
        lined = all(":" in item for item in headers)
        yield from _pairs("\n".join(headers)) if lined else zip(headers[::2], headers[1::2], strict=False)
    elif isinstance(headers, list):
        yield from (pair for pair in map(_pair, headers) if pair is not None)


def _pair(item: Any) -> tuple[str, str] | None:
    if isinstance(item, list) and len(item) == 2:
        return str(item[0]), _joined(item[1])
    if not isinstance(item, dict):
        return None
    inside = named(item)
    key = next((inside[name] for name in ("name", "key", "header") if isinstance(inside.get(name), str)), None)
    return (key, _joined(inside.get("value", inside.get("values", "")))) if key else None


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_joined, value))
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def message_body(message: Mapping[str, Any]) -> Body | None:
    """The body of a mapping with a request or an answer; None if it holds none."""
    if is_answer(message):
        return body_of(message)
    encoding = encoding_of(message)
    for name in _BODIES:
        if message.get(name) not in (None, ""):
            found = body_of(message[name], encoding + (" base64" if "base64" in name else ""))
            if found is not None:
                return found
    others = (value for name, value in message.items() if _is_other_body(name) and value)
    return next((body_of(value, encoding) for value in others if isinstance(value, (str, bytes, list, dict))), None)


def _is_other_body(name: str) -> bool:
    """Whether it is the name of a body that no tool here has: ``body_blob``, ``BodyAsJson``."""
    return "body" in name and not name.startswith(("request", "response")) and not name.endswith(_ABOUT_BODIES)
