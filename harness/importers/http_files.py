"""Files of requests that editors send: ``.http`` and ``.rest`` of REST Client (VS Code), JetBrains' HTTP Client and httpyac.

Requests are separated by lines that begin with ``###``. Variables (``@name = value``, ``{{name}}``) and bodies in files
(``< body.json``) are filled in. Nothing is run. The format: https://www.jetbrains.com/help/idea/exploring-http-syntax.html and
https://github.com/Huachao/vscode-restclient#usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.importers.filling import Room, TooLong, Unreadable, bytes_beside, decoded
from harness.transport.cassette import Recorded, Unread, credentials, read_request, without_secrets

SUFFIXES = (".http", ".rest")
_ANSWER = re.compile(r"^HTTP/[\d.]+ \d{3}\b|^<> ", re.MULTILINE)
_SEPARATOR = re.compile(r"^###.*$", re.MULTILINE)
_SCRIPT = re.compile(r"[<>] *\{%")
_SET = re.compile(r"^@([\w.-]+) *=(.*)$", re.MULTILINE)
_ASIDE = re.compile(r"(?:#|//).*|@[\w.-]+ *=.*|\s*")
"""Lines before a request that are no part of it: comments, variables, blank lines."""
_START = re.compile(r"(?:(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|GRPC|WEBSOCKET|GRAPHQL) +)?(\S+?://\S+|\{\{.*|/\S*)")
_VERSION = re.compile(r"(?<!\s)\s+HTTP/[\d.]+\s*$")
_FILE = re.compile(r"<(@\w*)? +(\S.*)")
_VARIABLE = re.compile(r"\{\{([^{}\n]*)\}\}")


class _Request(NamedTuple):
    """A request as it is written, with its variables: the first line, with what continues it, the headers, and the lines of the body."""

    method: str
    address: str
    headers: list[str]
    body: list[str]


def read(path: Path, raw: bytes) -> list[Recorded | Unread]:
    """The requests of a file, in their order; empty if it holds none, or HTTP messages with their answers."""
    text = raw.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if _ANSWER.search(text):
        return []
    try:
        variables = _Variables(text)
        return [item for line, part in _parts(text) if (item := _item(path, line, part, variables))]
    except TooLong as fault:
        return [Unread("its variables", str(fault))]


class _Variables:
    """The variables that a file sets. A value may hold those that stand before it."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        self._room = Room()
        for name, value in _SET.findall(text):
            self._values[name] = self.filled(value.strip())

    def filled(self, text: str) -> str:
        """The text with their values. Raises TooLong."""
        return _VARIABLE.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        return self._room.filled(self._values.get(found[1].strip(), found[0]))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text of each request, and its line."""
    at, line = 0, 1
    for start, end in (*(found.span() for found in _SEPARATOR.finditer(text)), (len(text), len(text))):
        yield line, text[at:start]
        line += text.count("\n", at, end)
        at = end


def _item(path: Path, line: int, part: str, variables: _Variables) -> Recorded | Unread | None:
    lines = list(_without_scripts(part.split("\n")))
    start = next((number for number, one in enumerate(lines) if not _ASIDE.fullmatch(one)), len(lines))
    request = _request(lines[start:])
    try:
        return _recorded(path, request, variables) if request else None
    except ValueError as fault:
        return Unread(f"line {line + start}", str(fault))


def _without_scripts(lines: list[str]) -> Iterator[str]:
    """The lines, with blank ones in the place of scripts: ``< {% ... %}`` before a request, ``> {% ... %}`` after its answer."""
    inside = False
    for line in lines:
        inside = inside or _SCRIPT.match(line) is not None
        yield "" if inside else line
        inside = inside and "%}" not in line


def _request(lines: list[str]) -> _Request | None:
    """The request that begins with the first of these lines; None if it is none."""
    found = _START.match(lines[0]) if lines else None
    if found is None:
        return None
    blank = next((number for number, one in enumerate(lines) if not one.strip()), len(lines))
    head = [one for one in lines[1:blank] if not one.startswith(("#", "//"))]
    more = next((number for number, one in enumerate(head) if not re.match(r"\s+[?&/\w]", one)), len(head))
    address = "".join([_VERSION.sub("", found[2] + lines[0][found.end() :]), *(one.strip() for one in head[:more])])
    return _Request(found[1] or "GET", address.strip(), head[more:], lines[blank + 1 :])


def _recorded(path: Path, request: _Request, variables: _Variables) -> Recorded:
    headers = dict(line.split(":", 1) for line in request.headers if ":" in line)
    sent = {name.strip(): variables.filled(value.strip()) for name, value in headers.items()}
    address = variables.filled(request.address)
    host = next((value for name, value in sent.items() if name.lower() == "host"), "")
    raw = {
        "method": request.method,
        "uri": f"https://{host}{address}" if address.startswith("/") else address,
        "headers": sent,
        "body": "\n".join(_body(path, request.body, variables)).strip(),
    }
    _refuse_unset("address", without_secrets(str(raw["uri"])))
    return Recorded(read_request(raw), credentials=credentials(raw))


def _body(path: Path, lines: list[str], variables: _Variables) -> Iterator[str]:
    """The lines of the body. Those of a file are as they are, unless ``<@`` asks for its variables."""
    for line in lines:
        file = _FILE.fullmatch(line)
        if file:
            name = variables.filled(file[2]).strip()
            text = decoded(bytes_beside(path.parent, name), name)
            yield _refuse_unset("body", variables.filled(text)) if file[1] else text
        elif not line.startswith(_ANSWERS):
            yield _refuse_unset("body", variables.filled(line))


_ANSWERS = (">> ", ">>! ", "> ")
"""How lines begin that say where answers go."""


def _refuse_unset(what: str, text: str) -> str:
    """The text. Raises Unreadable if it holds a variable."""
    if unset := _VARIABLE.search(text):
        raise Unreadable(f"its {what} holds {unset[0]}, which the file does not set; write the value in its place")
    return text
