"""curl command lines, as documentation shows them and "copy as cURL" gives them: what was asked, without its answer."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from harness.cassette import read_request
from harness.errors import BadCassette
from harness.model import Request
from harness.sources import Asked, source

_BEGINS = re.compile(rb"^[ \t]*(?:\$ )?curl\b", re.MULTILINE)
_ANSI = re.compile(r"(?<!\S)\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
"""``$'...'``, as browsers quote what holds quotes or line breaks."""
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_FLAGS = ("-s", "-S", "-N", "-k", "-i", "-v", "-f", "-L", "-g", "--silent", "--show-error", "--no-buffer", "--insecure",
          "--include", "--verbose", "--fail", "--fail-with-body", "--location", "--compressed", "--globoff", "-sS")  # fmt: skip
_VALUES = ("-m", "-o", "-A", "-e", "-b", "-x", "--max-time", "--connect-timeout", "--output", "--retry", "--user-agent",
           "--referer", "--cookie", "--proxy")  # fmt: skip


@source
def curl(path: Path, raw: bytes) -> Iterable[Asked] | None:
    if not _BEGINS.search(raw) or b"interactions:" in raw:
        return None
    return _asked(path, raw.decode("utf-8", "replace"))


def _asked(path: Path, text: str) -> Iterator[Asked]:
    try:
        words = list(_words(text))
    except ValueError as fault:
        raise BadCassette(f"{path}: not a command line that can be read: {fault}") from fault
    for command in words:
        yield Asked(_request(path, command))


def _words(text: str) -> Iterator[list[str]]:
    """The words of each curl command; a command ends where its line does, unless a backslash says that it goes on."""
    text = _ANSI.sub(_plain, text.replace("\r\n", "\n"))
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="\n;|&")
    lexer.whitespace = " \t"
    lexer.whitespace_split = True
    lexer.commenters = ""
    command: list[str] = []
    for word in [*lexer, "\n"]:
        if word.strip("\n;|&"):
            command.append(word)
            continue
        if "curl" in command[:2]:
            yield command[command.index("curl") + 1 :]
        command = []


def _plain(quoted: re.Match[str]) -> str:
    return shlex.quote(quoted[1].encode("latin-1", "backslashreplace").decode("unicode_escape"))


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _options(command: list[str]) -> Namespace:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("-X", "--request", dest="method")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument(*_DATA, dest="data", action="append", default=[])
    parser.add_argument("--url", dest="urls", action="append", default=[])
    for flag in _FLAGS:
        parser.add_argument(flag, action="store_true")
    for name in _VALUES:
        parser.add_argument(name)
    options, rest = parser.parse_known_args(command)
    options.urls += [each for each in rest if not each.startswith("-")]
    return options


def _request(path: Path, command: list[str]) -> Request:
    try:
        options = _options(command)
        (url,) = options.urls
    except ValueError as fault:
        raise BadCassette(f"{path}: a curl command that is not understood: {fault}") from fault
    headers = dict(each.split(":", 1) for each in options.headers if ":" in each)
    body = "&".join(_data(path, each) for each in options.data)
    return read_request(
        {
            "method": options.method or ("POST" if options.data else "GET"),
            "uri": url.strip(),
            "headers": {name.strip(): value.strip() for name, value in headers.items()},
            "body": body,
        }
    )


def _data(path: Path, value: str) -> str:
    """``@file`` is looked up beside the file with the command."""
    if not value.startswith("@"):
        return value
    file = path.parent / value[1:]
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadCassette(f"{path}: curl sends {file}, which cannot be read: {fault}") from fault
