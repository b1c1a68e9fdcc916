"""HAR 1.2, as browsers and proxies export it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import BadCassette
from harness.importers import Recorded, source
from harness.text.jsontext import loads
from harness.transport.cassette import UNREADABLE, read_interaction


@source
def har(path: Path, raw: bytes) -> Iterable[Recorded] | None:
    if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or b'"log"' not in raw:
        return None
    try:
        document = loads(raw.decode("utf-8-sig"))
    except ValueError:
        return None
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    return _recorded_entries(path, entries) if isinstance(entries, list) else None


def _recorded_entries(path: Path, entries: list[Any]) -> Iterator[Recorded]:
    for index, entry in enumerate(entries):
        try:
            found = read_interaction(index, _interaction(entry), verbatim=True)
        except UNREADABLE as fault:
            raise BadCassette(f"{path}: entry {index} is not readable: {type(fault).__name__}: {fault}") from fault
        has_answer = found.exchange.status != 0 and (found.exchange.status != 200 or bool(found.exchange.content))
        yield Recorded(found.exchange.request, found.exchange if has_answer else None, found.credentials)


def _interaction(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in the format of vcrpy. Bodies in HAR are decoded, whatever the header content-encoding says."""
    request, response = entry["request"], entry["response"]
    content = response.get("content", {})
    body = {"base64_string" if content.get("encoding") == "base64" else "string": content.get("text", "")}
    return {
        "request": {
            "method": request["method"],
            "uri": request["url"],
            "headers": _headers(request),
            "body": request.get("postData", {}).get("text"),
        },
        "response": {"status": {"code": response["status"]}, "headers": _headers(response), "body": body},
    }


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {
        header["name"]: header["value"]
        for header in message.get("headers", ())
        if header["name"].lower() != "content-encoding"
    }
