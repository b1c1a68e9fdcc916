"""An Exchange -> one interaction of a cassette, and interactions -> the file's text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import yaml

from harness.answer.wire_form import KEPT_HEADERS, other_headers
from harness.model import Exchange, Json, Request
from harness.text.jsontext import compact, is_utf8, json_of
from harness.transport.cassette.interaction import without_secrets

_REQUEST_HEADERS = ("accept", "content-type")


def document(exchange: Exchange, slot: tuple[int, ...] | None, host: str | None = None) -> dict[str, Any]:
    """One interaction as the file holds it. ``host`` replaces the scheme, host and port of the address."""
    from http.client import responses

    ours = _about(exchange, slot)
    request_body: str | bytes | None = _pretty(exchange.request)
    if request_body is None:
        ours["request"] = "verbatim"
        request_body = as_text(exchange.request.content)
    body = as_text(exchange.content)
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
            "status": {"code": exchange.status, "message": responses.get(exchange.status, "")},
            "headers": _kept(exchange.headers, KEPT_HEADERS),
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
    return text.removesuffix("...\n")  # libyaml adds this after a literal block that keeps its trailing newlines


def _about(exchange: Exchange, slot: tuple[int, ...] | None) -> dict[str, Any]:
    provenance = exchange.provenance
    about: dict[str, Any] = {"v": 1, "at": provenance.recorded_at, "from": provenance.recorded_from}
    if provenance.simulated:
        about["simulated"] = True
    if not exchange.verbatim:
        about["redacted"] = True
    if slot is not None:
        about["slot"] = list(slot)
    if exchange.attempts != 1:
        about["attempts"] = exchange.attempts
    if names := other_headers(exchange.headers):
        about["headers"] = " ".join(names)
    if provenance.timing != "lost":
        about["head_ms"] = None if exchange.head_at is None else round(exchange.head_at * 1000, 3)
        about["t_ms"] = " ".join(f"{chunk.at * 1000:.3f}".rstrip("0").rstrip(".") for chunk in exchange.chunks)
        about["bytes"] = " ".join(str(len(chunk.data)) for chunk in exchange.chunks)
    return about


def _pretty(request: Request) -> str | None:
    """The body indented, if the same bytes can be restored from it; else None."""
    value = json_of(request.content)
    if value is None or compact(value) != request.content:
        return None
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if text.isprintable() or is_utf8(text.encode("utf-8", "surrogatepass")) else None


def as_text(content: bytes) -> str | bytes:
    """The bytes as text, where they are text in UTF-8."""
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
