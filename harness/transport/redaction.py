"""Finds credentials in what is about to be written.

Cassettes are never redacted: a finding refuses the write, since a changed recording would be no evidence. In reports and
messages the name of the secret replaces its value.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from html import escape
from json import dumps
from pathlib import Path
from urllib.parse import unquote

from harness.answer import framing
from harness.gemini.providers import Provider
from harness.gemini.providers import secrets as keys_of
from harness.model import Exchange, Json, Request
from harness.text.credentials import SHAPES, SHORTEST, credential_kind, credentials_in
from harness.text.jsontext import values_in
from harness.text.names import is_secret_name

_PASSWORD = re.compile(r"(?:^|://)[^/?#\s:@]*:([^/?#\s]+)@[\w.\[-]")
_ESCAPED = rb"%([0-9a-fA-F]{2})|((?:\\+u[0-9a-fA-F]{4})+)"
_HEX = r"[0-9a-fA-F]+"


def known(environ: Mapping[str, str], providers: Mapping[str, Provider] | None = None) -> Mapping[str, str]:
    """Variable -> value of every secret: the providers' keys, each variable whose name (``..._TOKEN``) or value looks like
    a secret, and the password in each address (``DB_URL``, a proxy)."""
    keys = [keys_of(row, environ) for row in (providers or {}).values()]
    called = {name: value for name, value in environ.items() if is_secret_name(name) or credential_kind(value)}
    found = {name: value for source in (called, *keys) for name, value in source.items()}
    return {**found, **{name: secret for name, value in environ.items() for secret in _in_address(value)}, **found}


def _in_address(value: str) -> Iterator[str]:
    """The password, or the key, in the value of a variable that is an address."""
    if password := _PASSWORD.search(value):
        yield unquote(password[1])
    elif "://" in value:
        yield from (secret for _, secret in credentials_in(value))


class _Secret:
    """One secret value, in every encoding in which it may be written."""

    def __init__(self, name: str, value: str) -> None:
        self.what = f"the value of {name}"
        raw = value.encode("utf-8", "surrogatepass")
        self._texts = {value, raw.hex(), raw.hex().upper(), *_base64_forms(raw)}
        if re.fullmatch(_HEX, value):
            self._texts |= {value.lower(), value.upper()}
        in_json = {dumps(value)[1:-1], dumps(value, ensure_ascii=False)[1:-1]}
        quoted = {escape(value), value.replace('"', '""'), value.replace("'", "'\"'\"'"), *in_json}
        self._forms = [text.encode("utf-8", "surrogatepass") for text in self._texts | quoted]
        self._bare = {form.replace(b"\\", b"") for form in self._forms}

    def at(self, data: bytes, plain: bytes) -> int:
        """The position of its first byte; -1 if it is neither in the data nor in ``plain``, the data without its escapes."""
        found = [at for form in self._forms if (at := data.find(form)) >= 0]
        if not found and plain is not data:
            found = [min(at, len(data)) for form in self._bare if (at := plain.find(form)) >= 0]
        return min(found, default=-1)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """All forms, the longest first, each character plain or escaped. Slow: use it for texts that hold the secret."""
        forms = sorted(self._texts, key=len, reverse=True)
        return re.compile("|".join("".join(map(_any_way, form)) for form in forms))


class Leaks:
    """Looks for these secrets (variable name -> value) in every encoding, and for text that looks like a credential.

    Values shorter than 8 characters are ignored.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._known = [_Secret(name, value) for name, value in secrets.items() if len(value) >= SHORTEST]
        self._shapes = [(what, hint.encode(), f"(?a){shape}".encode()) for what, (hint, shape) in SHAPES.items()]
        self._hints = [(next((one for one in b"Qz" if one in hint), hint[0]), hint) for _, hint, _ in self._shapes]

    def find(self, exchange: Exchange) -> str | None:
        """Names what was found and where, without showing it; None if the exchange is clean."""
        if leak := self.find_in_request(exchange.request):
            return leak
        for where, data in (("headers", _joined(exchange.headers)), ("body", exchange.content)):
            if leak := self._in(f"the response's {where}", data):
                return leak
        found = self.search(_over_events(exchange))
        return f"{found[0]} in the response's body, in pieces" if found else None

    def find_in_request(self, request: Request) -> str | None:
        """As ``find``, in a request."""
        pieces = {
            "the request's address": request.url.encode("utf-8", "surrogatepass"),
            "the request's headers": _joined(request.headers),
            "the request's body": request.content,
        }
        return next((leak for where, data in pieces.items() if (leak := self._in(where, data))), None)

    def find_in_name(self, path: Path) -> str | None:
        """As ``find``, in the name of a file and of its folder."""
        return self._in("the name of the file", f"{path.parent.name}/{path.name}".encode("utf-8", "surrogateescape"))

    def _in(self, where: str, data: bytes) -> str | None:
        found = self.search(data)
        return f"{found[0]} in {where}, at byte {found[1]}" if found else None

    def search(self, data: bytes) -> tuple[str, int] | None:
        """The name of what was found, and the position of its first byte."""
        plain = _without_escapes(data)
        for secret in self._known:
            if (at := secret.at(data, plain)) >= 0:
                return secret.what, at
        for what, hint, shape in self._shapes:
            if hint in data and (found := re.search(shape, data)):
                return what, found.start()
        return None

    def may_be_in(self, data: bytes) -> bool:
        """Whether ``hidden`` may find something in the value of this JSON text. If not, it need not look at each text of it."""
        for rare, hint in self._hints:  # one letter is found ten times as fast
            if rare in data and hint in data:
                return True
        plain = _without_escapes(data) if self._known else data
        return any(secret.at(data, plain) >= 0 for secret in self._known)

    def hidden(self, value: Json) -> Json:
        """The JSON value or text with each secret replaced by its name. The same object if it holds none."""
        everything = "\n".join(_texts(value)).encode("utf-8", "surrogatepass")
        plain = _without_escapes(everything)
        found = [(secret.pattern, f"[{secret.what}]") for secret in self._known if secret.at(everything, plain) >= 0]
        found += [
            (re.compile(SHAPES[what][1], re.ASCII), f"[{what}]")
            for what, hint, shape in self._shapes
            if hint in everything and re.search(shape, everything)
        ]
        return _replaced(value, found) if found else value


def _joined(headers: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode("utf-8", "surrogatepass")


def _without_escapes(data: bytes) -> bytes:
    """The data without the escapes of JSON (at any depth) and of URLs; the same object if nothing is escaped."""
    if b"%" in data or b"\\u" in data:
        data = re.sub(_ESCAPED, _unescaped, data)
    return data.replace(b"\\", b"")


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes.fromhex(found[1].decode())
    units = bytes.fromhex(re.sub(rb"\\+u", b"", found[2]).decode())
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _over_events(exchange: Exchange) -> bytes:
    """The texts of an answer joined over its events: those at the same path, and those of all parts together."""
    events = framing.unframe(exchange).events
    together: defaultdict[tuple[str | int, ...], list[str]] = defaultdict(list)
    for event in events:
        for path, text in _leaves(event.value, ()):
            together[path].append(text)
            together["*", *(step for step in path if isinstance(step, str))].append(text)
    return "\n".join("".join(texts) for texts in together.values() if len(texts) > 1).encode("utf-8", "surrogatepass")


def _leaves(value: Json, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))


def _texts(value: Json) -> Iterator[str]:
    """Every text in a value, including member names."""
    for inner in values_in(value):
        if isinstance(inner, str | Mapping):
            yield from [inner] if isinstance(inner, str) else inner


def _replaced(value: Json, found: list[tuple[re.Pattern[str], str]]) -> Json:
    if isinstance(value, str):
        for pattern, name in found:
            value = pattern.sub(lambda _, name=name: name, value)  # type: ignore[misc]
        return value
    if isinstance(value, Mapping):
        return {_key(key, found): _replaced(inner, found) for key, inner in value.items()}
    return [_replaced(inner, found) for inner in value] if isinstance(value, list | tuple) else value


def _key(key: str, found: list[tuple[re.Pattern[str], str]]) -> str:
    """The name of a member. A plain word stays, though a made-up key such as ``simulated`` is one: rows have names like these."""
    name: str = key if key.replace("_", "").isalpha() else _replaced(key, found)
    return name


@cache
def _any_way(character: str) -> str:
    """A pattern for a character, plain and as URLs, JSON, HTML, CSV and shells escape it."""
    encoded = character.encode("utf-8", "surrogatepass")
    escaped = rf"\\+{re.escape(dumps(character)[2:-1])}" if dumps(character)[1] == "\\" else r"(?!)"
    units = dumps(character)[1:-1] if ord(character) > 0x7F else rf"\u{ord(character):04x}"
    ways = {
        rf"\\*{re.escape(character)}",
        escaped,
        f"(?i:{''.join(f'%{byte:02x}' for byte in encoded)})",
        f"(?i:{units.replace(chr(92), chr(92) * 2 + '+')})",
        re.escape(escape(character)),
        *_QUOTES.get(character, ()),
    }
    return f"(?:{'|'.join(sorted(ways, key=len, reverse=True))})"


_QUOTES = {"'": ("&#39;", "'\"'\"'"), '"': ("&#34;", '""')}


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The base64 forms at any offset, in both alphabets."""
    for offset in range(3):
        inner = _base64_core(raw, offset)
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def _base64_core(raw: bytes, offset: int) -> str:
    """The base64 characters that depend on ``raw`` alone when ``offset`` bytes (modulo 3) stand before it."""
    encoded = b64encode(b"\0" * offset + raw).decode()
    whole = (offset + len(raw)) // 3 * 4
    return encoded[(0, 2, 3)[offset] : whole]
