"""Files of requests that editors send: ``.http`` and ``.rest`` of REST Client (VS Code), JetBrains' HTTP Client and httpyac.

Requests are separated by lines that begin with ``###``. Variables (``@name = value``, ``{{name}}``) and bodies in files
(``< body.json``) are filled in. Nothing is run. The format: https://www.jetbrains.com/help/idea/exploring-http-syntax.html and
https://github.com/Huachao/vscode-restclient#usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.transport.cassette import Recorded, Unread, credentials, read_request, without_secrets

SUFFIXES = (".http", ".rest")
_ANSWER = re.compile(r"^HTTP/[\d.]+ \d{3}\b", re.MULTILINE)
_SEPARATOR = re.compile(r"^###.*$", re.MULTILINE)
_SCRIPT = re.compile(r"^[<>] *\{%.*?%\} *$", re.MULTILINE | re.DOTALL)
_SET = re.compile(r"^@([\w.-]+) *= *(.*?) *$", re.MULTILINE)
_ASIDE = re.compile(r"(?:#|//).*|@[\w.-]+ *=.*|\s*")
"""Lines before a request that are no part of it: comments, variables, blank lines."""
_START = re.compile(r"(?:(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|GRPC|WEBSOCKET|GRAPHQL) +)?(\S+?://\S+|\{\{.*|/\S*)")
_VERSION = re.compile(r" +HTTP/[\d.]+ *$")
_FILE = re.compile(r"<(@\w*)? +(\S.*?) *")
_VARIABLE = re.compile(r"\{\{ *(.*?) *\}\}")
_DEEPEST = 10
"""How often a variable may stand in the value of another."""


class _Unreadable(ValueError):
    """Why a request cannot be read."""


class _Request(NamedTuple):
    """A request as it is written, with its variables: the first line, with what continues it, the headers, and the lines of the body."""

    method: str
    address: str
    headers: list[str]
    body: list[str]


def read(path: Path, raw: bytes) -> list[Recorded | Unread]:
    """The requests of a file, in their order; empty if it holds none, or HTTP messages with their answers."""
    text = raw.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if path.suffix.lower() not in SUFFIXES or _ANSWER.search(text):
        return []
    variables = dict(_SET.findall(text))
    return [item for line, part in _parts(text) if (item := _item(path, line, part, variables))]


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text of each request, and its line."""
    at = 0
    for end in (*(found.span() for found in _SEPARATOR.finditer(text)), (len(text), len(text))):
        yield text.count("\n", 0, at) + 1, text[at : end[0]]
        at = end[1]


def _item(path: Path, line: int, part: str, variables: Mapping[str, str]) -> Recorded | Unread | None:
    plain = _SCRIPT.sub(lambda script: "\n" * script[0].count("\n"), part)
    lines = plain.split("\n")
    start = next((number for number, one in enumerate(lines) if not _ASIDE.fullmatch(one)), len(lines))
    request = _request(lines[start:])
    try:
        return _recorded(path, request, variables) if request else None
    except ValueError as fault:
        return Unread(f"line {line + start}", str(fault))


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


def _recorded(path: Path, request: _Request, variables: Mapping[str, str]) -> Recorded:
    headers = dict(line.split(":", 1) for line in request.headers if ":" in line)
    sent = {name.strip(): _filled(value.strip(), variables) for name, value in headers.items()}
    address = _filled(request.address, variables)
    host = next((value for name, value in sent.items() if name.lower() == "host"), "")
    raw = {
        "method": request.method,
        "uri": f"https://{host}{address}" if address.startswith("/") else address,
        "headers": sent,
        "body": "\n".join(_body(path, request.body, variables)).strip(),
    }
    _refuse_unset("address", without_secrets(str(raw["uri"])))
    return Recorded(read_request(raw), credentials=credentials(raw))


def _body(path: Path, lines: list[str], variables: Mapping[str, str]) -> Iterator[str]:
    """The lines of the body. Those of a file are as they are, unless ``<@`` asks for its variables."""
    for line in lines:
        file = _FILE.fullmatch(line)
        if file:
            text = _text(path.parent / _filled(file[2], variables))
            yield _refuse_unset("body", _filled(text, variables)) if file[1] else text
        elif not line.startswith(_ANSWERS):
            yield _refuse_unset("body", _filled(line, variables))


_ANSWERS = ("<> ", ">> ", ">>! ", "> ")
"""How lines begin that say where answers are, or where they go."""


def _refuse_unset(what: str, text: str) -> str:
    """The text. Raises _Unreadable if it holds a variable."""
    if unset := _VARIABLE.search(text):
        raise _Unreadable(f"its {what} holds {unset[0]}, which the file does not set; write the value in its place")
    return text


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise _Unreadable(f"it sends {file}, which cannot be read: {fault}; put it there") from fault


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with the values of the variables that the file sets."""
    for _ in range(_DEEPEST):
        made = _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)
        if made == text:
            break
        text = made
    return text
