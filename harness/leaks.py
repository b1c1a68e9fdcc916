"""Finds credentials in what is about to be written.

On tape nothing is redacted: a finding refuses the write, since a changed tape would be no evidence. In reports and
messages the value is replaced by its name.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from json import dumps
from urllib.parse import quote

from harness.model import Exchange, Json
from harness.providers import Provider
from harness.providers import secrets as keys_of

_SHAPES = {
    "a Google API key": rb"(?<![\w+/-])AIza[\w-]{35}(?![\w+/-])",
    "a Google access token": rb"(?<![\w+/-])ya29\.[\w-]{20,}",
    "a bearer token": rb"[Bb]earer\s+(?=\S*\d)[\w.~+/-]{16,}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
_SHORTEST = 8
_SECRET_NAME = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)


def known(environ: Mapping[str, str], providers: Mapping[str, Provider] | None = None) -> Mapping[str, str]:
    """Variable -> value of every secret: the providers' keys, and each variable that is called one (``..._TOKEN``)."""
    keys = [keys_of(row, environ) for row in (providers or {}).values()]
    called = {name: value for name, value in environ.items() if _SECRET_NAME.search(name)}
    return {name: value for found in (called, *keys) for name, value in found.items()}


class Leaks:
    """Looks for these secrets (variable name -> value) in every spelling, and for what looks like a credential.

    Values shorter than 8 characters are no secrets.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._known = {
            f"the value of {name}": _spellings(value) for name, value in secrets.items() if len(value) >= _SHORTEST
        }
        patterns = {what: b"|".join(map(re.escape, forms)) for what, forms in self._known.items()}
        self._patterns = [(what, re.compile(pattern)) for what, pattern in (*patterns.items(), *_SHAPES.items())]

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

    def hidden(self, value: Json) -> Json:
        """A value, or a text, with the names of the secrets in the place of what they hold. The same object where it
        holds none."""
        if not self._known:
            return value
        everything = "\n".join(_texts(value))
        found = {
            form.decode(): f"[{what}]"
            for what, forms in self._known.items()
            for form in forms
            if form.decode() in everything
        }
        return _replaced(value, found) if found else value


def _pieces(exchange: Exchange) -> Iterator[tuple[str, bytes]]:
    yield "the request's address", exchange.request.url.encode()
    yield "the request's headers", _joined(exchange.request.headers)
    yield "the request's body", exchange.request.content
    yield "the response's headers", _joined(exchange.headers)
    yield "the response's body", exchange.content


def _joined(headers: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode("utf-8", "replace")


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _replaced(value: Json, found: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        for form, name in found.items():
            value = value.replace(form, name)
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(each, found) for key, each in value.items()}
    return [_replaced(each, found) for each in value] if isinstance(value, list | tuple) else value


def _spellings(secret: str) -> list[bytes]:
    """The secret as it is, in an address, in JSON, and in base64 at any offset and in both alphabets; longest first."""
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), dumps(secret)[1:-1].encode()}
    for offset in range(3):
        inner = _base64_core(raw, offset)
        forms |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return sorted(forms, key=len, reverse=True)


def _base64_core(raw: bytes, offset: int) -> bytes:
    """The base64 characters that depend on ``raw`` alone when ``offset`` bytes (modulo 3) stand before it."""
    encoded = b64encode(b"\0" * offset + raw)
    whole = (offset + len(raw)) // 3 * 4
    return encoded[(0, 2, 3)[offset] : whole]
