"""Finds credentials in what is about to be written. Nothing is redacted: a finding refuses the write."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from json import dumps
from urllib.parse import quote

from harness.model import Exchange

_SHAPES = {
    "a Google API key": rb"(?<![\w+/-])AIza[\w-]{35}(?![\w+/-])",
    "a Google access token": rb"(?<![\w+/-])ya29\.[\w-]{20,}",
    "a bearer token": rb"[Bb]earer\s+[\w.~+/-]{16,}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
_SHORTEST = 8


class Leaks:
    """Looks for these secrets (variable name -> value) in every spelling, and for what looks like a credential.

    Values shorter than 8 characters are no secrets.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        known = {
            f"the value of {name}": _spellings(value) for name, value in secrets.items() if len(value) >= _SHORTEST
        }
        self._patterns = [(what, re.compile(pattern)) for what, pattern in (*known.items(), *_SHAPES.items())]

    def find(self, exchange: Exchange) -> str | None:
        """What was found and where, without showing it; None where the exchange is clean."""
        for where, data in _pieces(exchange):
            if leak := self.search(data):
                return f"{leak[0]} in {where}, at byte {leak[1]}"
        return None

    def search(self, data: bytes) -> tuple[str, int] | None:
        """What was found, and at which byte."""
        for what, pattern in self._patterns:
            if found := pattern.search(data):
                return what, found.start()
        return None


def _pieces(exchange: Exchange) -> Iterator[tuple[str, bytes]]:
    yield "the request's address", exchange.request.url.encode()
    yield "the request's headers", _joined(exchange.request.headers)
    yield "the request's body", exchange.request.content
    yield "the response's headers", _joined(exchange.headers)
    yield "the response's body", exchange.content


def _joined(headers: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode("utf-8", "replace")


def _spellings(secret: str) -> bytes:
    """A pattern for the secret as it is, in an address, in JSON, and in base64 at any offset and in both alphabets."""
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), dumps(secret)[1:-1].encode()}
    for offset in range(3):
        inner = _base64_core(raw, offset)
        forms |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return b"|".join(re.escape(form) for form in sorted(forms))


def _base64_core(raw: bytes, offset: int) -> bytes:
    """The base64 characters that depend on ``raw`` alone when ``offset`` bytes (modulo 3) stand before it."""
    encoded = b64encode(b"\0" * offset + raw)
    whole = (offset + len(raw)) // 3 * 4
    return encoded[(0, 2, 3)[offset] : whole]
