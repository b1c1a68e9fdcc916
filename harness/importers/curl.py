"""curl, wget and HTTPie command lines, from documentation or "copy as cURL": requests without their answers.

A file may be a script, or a page of prose with commands in it. Only the commands are parsed, as a shell parses them. Variables
that the file sets, and documents in it (``cat <<EOF > body.json``), are filled in. A command that cannot be read is reported.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from html import unescape
from pathlib import Path
from typing import NoReturn

from harness.importers import httpie, powershell
from harness.model import UNKNOWN_MODEL
from harness.text import project
from harness.transport.cassette import Recorded, Unread, credentials, read_request, without_secrets

_NAME = r"(?P<name>curl|curl\.exe|wget|https?|xhs?)(?![\w.-])"
_COMMAND = re.compile(
    rf"(?P<lead>^[ \t]*(?:(?:[$%#>]|PS[^>\n]*>)[ \t]+)?)?(?<![A-Za-z0-9_./-])(?:/?(?:[\w.-]+/)+)?{_NAME}(?=[ \t]+\S)",
    re.MULTILINE,
)
_POSTED = re.compile(r"[ \t]+(?:-\S+[ \t]+)*+POST[ \t]")
_LINE_ENDS = re.compile(r"(?<!\\)\n")
_FAR = 10_000
"""Characters from the name of HTTPie within which its address is looked for."""
_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:(?:export|set|declare|local|readonly|typeset)[ \t]+(?:-\w+[ \t]+)*)?(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;&|"'`$(]\S*)[ \t]*;?$""",
    re.MULTILINE,
)
_DOCUMENT = re.compile(
    r"""^[ \t]*(?:cat|tee)\b(?P<before>[^\n<]*)<<-?[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote)(?P<after>[^\n]*)\n""",
    re.MULTILINE,
)
_HELD = re.compile(
    r"""(?:\b(?P<name>\w++)=["']?\$\([ \t]*cat|\bread[ \t][^\n<]*?[ \t](?P<read>\w+))[ \t]*<<-?[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote)[^\n]*\n"""
)
"""A document that becomes the value of a variable."""
_PIPED = re.compile(
    r"""(?:\b(?:echo|printf|jq)\b(?:[ \t]+-\w+)*(?:[ \t]+['"]%s(?:\\n)?['"])?[ \t]+(?P<text>'[^']*'|"(?:[^"\\]|\\.)*")|\bcat[ \t]+(?:<<-?[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote)|(?P<file>[\w./-]+)))[ \t]*\|[ \t]*(?:\\?\n[ \t]*)?$"""
)
"""What stands before a command and is piped into it."""
_SUBSTITUTED = re.compile(
    r"""(?P<outer>"?)\$\([ \t]*(?:(?:cat[ \t]+|<[ \t]*)(?P<file>[\w./-]+)[ \t]*\)(?P=outer)|cat[ \t]*<<-?[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote)[ \t]*\n)"""
)
"""A document, or a file, in the place of a word: ``"$(cat <<EOF ...)"``."""
_END = re.compile(r"^[ \t]*(\w+)[ \t]*(?:$|(?=\)))", re.MULTILINE)
"""The line that ends a document."""
_WRITTEN = re.compile(
    r"""\b(?:echo|printf)[ \t]+(?P<text>'[^']*'|"(?:[^"\\]|\\.)*")[ \t]*>[ \t]*["']?(?P<file>[\w./-]+)"""
)
"""A document that ``echo`` writes."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_ADDRESS = re.compile(r"^\w+://|^\w[\w-]*(\.[\w-]+)+(:\d+)?(/|$)|^localhost\b|^\ue000")
_BARE = re.compile(r"(?!)()()|\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_IN_QUOTES = re.compile(r"\\([\\\"$`])|\\\n|(\$\([^()]*\)|`[^`]*`)|\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
"""What a shell replaces: an escaped character, a command substitution, a variable."""
_PLAIN = re.compile(r"[^\s'\"\\$;|&<>()`]++")
"""A piece of a word in which a shell replaces nothing."""
_BASE64 = re.compile(
    r"\$\([ \t]*base64(?:[ \t]+(?:-\S*|\d+|\ue000[^\ue001]*\ue001))*+[ \t]+[\"']?([^\s\"'|]+)[\"']?[ \t]*(?:\|[ \t]*tr[^|]*)?\)"
)
_UNKNOWN = re.compile("\ue000(.*?)\ue001", re.DOTALL)
"""Marks a text whose value only the shell that runs the command would know."""
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json")
_FLAGS = ("-s", "-S", "-N", "-k", "-i", "-v", "-f", "-L", "-g", "-#", "--silent", "--show-error", "--no-buffer", "--insecure",
          "--include", "--verbose", "--fail", "--fail-with-body", "--location", "--compressed", "--globoff")  # fmt: skip
_VALUES = ("-m", "-o", "-A", "-e", "-b", "-x", "-w", "-D", "-c", "-E", "--max-time", "--connect-timeout", "--output",
           "--retry", "--user-agent", "--referer", "--cookie", "--proxy", "--write-out", "--dump-header",
           "--cookie-jar", "--aws-sigv4", "--cacert", "--cert", "--resolve", "--retry-delay", "--noproxy")  # fmt: skip


class _Unreadable(ValueError):
    """Why a command cannot be read."""


def _unknown(text: str) -> str:
    return f"\ue000{text}\ue001"


@dataclass(slots=True)
class _Script:
    """A file with commands, the variables that it sets, and the documents that it writes."""

    path: Path
    text: str
    variables: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    ends: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """A word -> where the lines begin, and end, that hold nothing else."""

    def __post_init__(self) -> None:
        for found in _END.finditer(self.text):
            self.ends.setdefault(found[1], []).append(found.span())

    def document(self, begin: int, end: str, quote: str) -> tuple[str, int] | None:
        """The document that begins at a line, with its variables filled in unless its end is in quotes, and where it ends."""
        lines = self.ends.get(end, [])
        number = bisect_left(lines, (begin, begin))
        if number == len(lines):
            return None
        text = self.text[begin : lines[number][0]].removesuffix("\n")
        return text if quote else _VARIABLE.sub(self.filled, text), lines[number][1]

    def define(self, begin: int, end: int) -> None:
        """Set the variables of a part of the script."""
        for found in _ASSIGNMENT.finditer(self.text, begin, end):
            value = found[2] if found[2][0] == "'" else _VARIABLE.sub(self.filled, found[2])
            self.variables[found[1]] = value[1:-1] if value[0] in "\"'" else value

    def filled(self, found: re.Match[str]) -> str:
        """The value of a variable in a text."""
        return self.value_of(found[1] or found[2])

    def value_of(self, name: str) -> str:
        return self.variables.get(name, _unknown(f"${name}"))


def read(path: Path, text: str) -> list[Recorded | Unread]:
    """The requests of the commands in the text (see ``as_text``) of a script or a page; empty if it has none."""
    return [*_commands(path, _plain(text)), *powershell.read(text)]


_FENCE = re.compile(
    r"^([ \t]*)(`{3,20}|~{3,20}|(?<=\]\n)-{4,20}(?=\n))[^\n]*\n(?P<code>.*?)^\1\2"
    r"|^([ \t]*)\.\. (?:code-block|code|sourcecode)::[^\n]*\n(?P<indented>(?:[ \t]*+\n|\4[ \t]++\S[^\n]*\n?)++)",
    re.MULTILINE | re.DOTALL,
)
"""A block of code in Markdown or AsciiDoc, and in reStructuredText."""
_PRE = re.compile(r"<pre\b[^<>]*>(?:(?!<pre\b).)*?</pre>", re.DOTALL | re.IGNORECASE)


def blocks_without_commands(raw: bytes) -> list[str]:
    """The blocks of code of a page that hold no command."""
    text = raw.decode("utf-8", "replace")
    fenced = (found["code"] or found["indented"] or "" for found in _FENCE.finditer(text))
    return [block for block in (*fenced, *map(as_text, _PRE.findall(text))) if next(_begins(block), None) is None]


_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")
_TAG = re.compile(r"<(?:br|/p|/div|/li|/pre)\b[^>]*>")
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})


def as_text(text: str) -> str:
    """The text of a page as a person copies it: without markup, with plain blanks and quotes."""
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\u00a0", " "))
    if re.search(r"<(?:!doctype|html|pre|code)\b", text[:1_000_000], re.IGNORECASE):
        text = unescape(re.sub(r"<[^<>]*>", "", _TAG.sub("\n", text)))
    return text.translate(_QUOTES) if re.search(r"""(?:curl|-[HdX]|--\w+)[ \t]+[\u201c\u2018]""", text) else text


_DEFAULT = re.compile(r"\$\{(\w+):?[-=]([^{}$\n]*)\}")


def _plain(text: str) -> str:
    """The text with the marks of cmd and PowerShell replaced by those of a shell, and defaults of variables that it does not set."""
    text = _DEFAULT.sub(lambda found: f"${{{found[1]}}}" if f"{found[1]}=" in text else found[2], text)
    if '"{""' in text:
        text = text.replace('""', r"\"")
    if re.search(r'\^"|[ \t]\^\n', text):
        text = re.sub(r"\^\n", " \\\\\n", text)
        text = re.sub(r"\^(.)", r"\1", text)
    text = re.sub(r"\\[ \t]+\n", r"\\\n", _CALLOUT.sub("", text))
    text = _OF_CMD.sub(r"${\1}", text)
    return re.sub(r"(?<=[ \t])`\n", "\\\\\n", text)


_CALLOUT = re.compile(r"[ \t]+<(?:\d{1,2}|\.)>$", re.MULTILINE)
"""The number of a remark on a line, in AsciiDoc."""
_OF_CMD = re.compile(r"%([A-Z_][A-Z0-9_]{2,})%")
"""A variable of cmd."""


def _begins(text: str) -> Iterator[re.Match[str]]:
    """Where commands begin. The names of HTTPie are words of prose too, so that one of them has to be followed by a call."""
    for found in _COMMAND.finditer(text):
        if found["name"].startswith(("curl", "wget")) or _is_call(text, found.end()):
            yield found


def _is_call(text: str, at: int) -> bool:
    """Whether what follows the name of HTTPie is a POST, or has an address of Gemini in the same line."""
    if _POSTED.match(text, at):
        return True
    address = text.find("enerateContent", at, at + _FAR)
    return address >= 0 and not _LINE_ENDS.search(text, at, address)


def _commands(path: Path, text: str) -> Iterator[Recorded | Unread]:
    script = _script(path, text)
    line, counted, end, tried = 1, 0, 0, 0
    for begin in _begins(text):
        if begin.start() < end:
            continue
        line, counted = line + text.count("\n", counted, begin.end()), begin.end()
        try:
            script.define(tried, begin.start())
            command = _Command(script, begin.end())
            command.take_piped(tried, begin.start())
            tried = begin.end()
            command.read()
            tried = end = command.at
            for words in _requests(_as_curl(script, begin["name"], command)):
                if recorded := _recorded(script, words, command.document, at_start=begin["lead"] is not None):
                    yield recorded
        except ValueError as fault:
            if re.compile(r"[ \t]+[-'\"$]|.*(://|[ \t]-)").match(
                text, begin.end()
            ):  # else it is prose that mentions curl
                yield Unread(f"line {line}", str(fault))


def _script(path: Path, text: str) -> _Script:
    script = _Script(path, text)
    script.define(0, len(text))
    for found, document in _opened(script, _HELD):
        script.variables[found["name"] or found["read"]] = document
    for found in _WRITTEN.finditer(text):
        script.documents[found["file"]] = re.sub(r'\\(["\\])', r"\1", found["text"][1:-1])
    for found, document in _opened(script, _DOCUMENT):
        if file := re.search(r">[ \t]*[\"']?([^\s\"'>|]+)", found["before"] + found["after"]) or re.search(
            r"^tee[ \t]+(\S+)", found[0]
        ):
            script.documents[file[1]] = document
    return script


def _opened(script: _Script, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """The places where a document begins, none of them in another document, with its text."""
    at = 0
    for found in pattern.finditer(script.text):
        if found.start() >= at and (document := script.document(found.end(), found["end"], found["quote"])):
            at = document[1]
            yield found, document[0]


# --- one command, as a shell reads it -----------------------------------------------------------------


class _Command:
    """The words of one command, from its place in a script to its end. Redirections, pipes and what follows are left out."""

    def __init__(self, script: _Script, at: int) -> None:
        self.script, self.text, self.at = script, script.text, at
        self.words: list[str] = []
        self.document: str | None = None
        self._heredoc: tuple[str, str] | None = None
        self._word: str | None = None

    def read(self) -> None:
        while self.at < len(self.text) and self._step():
            pass
        self._end_word()
        if self._heredoc:
            self._read_document(*self._heredoc)

    def take_piped(self, after: int, start: int) -> None:
        """Take what is piped into the command, which begins at ``start``, as the document that ``@-`` sends.

        ``after``: where the command before it ends.
        """
        before = self.text[max(after, start - 100_000) : start]
        found = _PIPED.search(before[before.rfind("\n\n") + 1 :])
        if found and found["text"]:
            self.document = self.inner(found["text"])
        elif found and found["end"]:
            self._heredoc = (found["end"], found["quote"])
        elif found:
            self.document = _file(self.script, found["file"])

    def inner(self, quoted: str) -> str:
        """The value of a quoted text."""
        return quoted[1:-1] if quoted[0] == "'" else self._expand(quoted[1:-1], quoted=True)

    def _step(self) -> bool:
        """Read the next piece of the command; False at its end."""
        rest = self.text[self.at : self.at + 2]
        if rest == "\\\n":
            self.at += 2
            self._end_word()
        elif rest[0] in " \t":
            self.at += 1
            self._end_word()
        elif rest[0] in "<>" or rest == "&>" or (rest[0].isdecimal() and rest[1:] in ("<", ">")):
            self._redirect()
        elif rest[0] in "\n;|&)`" or (rest[0] == "#" and self._word is None):
            return False
        else:
            self._word = (self._word or "") + self._piece(rest)
        return True

    def _end_word(self) -> None:
        if self._word is not None:
            self.words.append(self._word)
            self._word = None

    def _piece(self, rest: str) -> str:
        if found := _PLAIN.match(self.text, self.at):
            self.at = found.end()
            return found[0]
        if found := _SUBSTITUTED.match(self.text, self.at):
            if found["file"]:
                self.at = found.end()
                return _file(self.script, found["file"])
            document = self.script.document(found.end(), found["end"], found["quote"])
            closed = re.compile(rf"\s*\){found['outer']}").match(self.text, document[1]) if document else None
            if document and closed:
                self.at = closed.end()
                return document[0]
        if rest == "$'":
            return _ansi(self._until(r"\$'((?:[^'\\]|\\.)*)'"))
        if rest[0] == "'":
            return self._until(r"'([^']*)'")
        if rest[0] == '"':
            return self._expand(self._until(r'"((?:[^"\\]|\\.)*)"'), quoted=True)
        if rest[0] == "\\":
            self.at += 2
            return rest[1:]
        if rest == "$(":
            return self._encoded(self._until(r"(\$\([^()]*(?:\([^()]*\)[^()]*)*\))"))
        return self._expand(self._until(r"(\$?[^\s'\"\\$;|&<>()`]*|.)"), quoted=False)

    def _until(self, pattern: str) -> str:
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found is None or any(begin["lead"] is not None for begin in _begins(found[0])):
            raise _Unreadable(f"not a command line that can be read: {self.text[self.at]} is opened and not closed")
        self.at = max(found.end(), self.at + 1)
        return found[1]

    def _expand(self, text: str, *, quoted: bool) -> str:
        return (_IN_QUOTES if quoted else _BARE).sub(self._replacement, text)

    def _replacement(self, found: re.Match[str]) -> str:
        if found[2]:
            return self._encoded(found[2])
        name = found[3] or found[4]
        return self.script.value_of(name) if name else found[1] or ""

    def _encoded(self, substitution: str) -> str:
        """What ``$(base64 FILE)`` prints; any other command as unknown."""
        found = _BASE64.fullmatch(self._expand(substitution, quoted=False))
        with suppress(project.Unreadable):
            return b64encode(project.read(self.script.path.parent / (found[1] if found else ""))).decode()
        return _unknown(substitution)

    def _redirect(self) -> None:
        """Skip a redirection of output, which does not change the request. ``<<EOF`` is the text that ``@-`` sends."""
        self._end_word()
        if found := re.compile(r"\d?<<-?[ \t]*([\"']?)(\w+)\1").match(self.text, self.at):
            self._heredoc = (found[2], found[1])
        elif found := re.compile(r"<<<[ \t]*").match(self.text, self.at):
            self.at = found.end()
            self.document = self._piece(self.text[self.at : self.at + 2])
            return
        else:
            found = re.compile(r"(?:\d|&)?[<>]+&?[ \t]*(\"[^\"]*\"|'[^']*'|[^\s;|&<>()]*)").match(self.text, self.at)
            if found and found[0][0] == "<" and found[1] != "/dev/null":
                self.document = _file(self.script, found[1].strip("\"'"))
        self.at = found.end() if found else self.at + 1

    def _read_document(self, end: str, quote: str) -> None:
        begins = self.text.find("\n", self.at) + 1
        document = self.script.document(begins, end, quote)
        if not begins or document is None:
            raise _Unreadable(f"not a command line that can be read: no line ends the document <<{end}")
        self.document, self.at = document


def _ansi(text: str) -> str:
    """The value of ``$'...'``. Browsers quote texts with quotes or line breaks so."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")


# --- the request of a command -------------------------------------------------------------------------


def _requests(words: Iterable[str]) -> Iterator[list[str]]:
    """The words of each request. ``--next`` begins another request."""
    request: list[str] = []
    for word in [*words, "--next"]:
        if word in ("--next", "-:"):
            yield request
            request = []
        else:
            request.append(word)


_WGET = {"--post-data": "-d", "--body-data": "-d", "--method": "-X", "--header": "-H", "--user-agent": "-A", "-U": "-A",
         "--output-document": "-o", "-O": "-o", "--timeout": "-m", "-T": "-m", "--tries": "--retry", "-t": "--retry"}  # fmt: skip
"""An option of wget that has a value -> that of curl."""
_WGET_FILES = ("--post-file", "--body-file")


def _as_curl(script: _Script, name: str, command: _Command) -> Iterable[str]:
    """The words of a command as those of curl."""
    if name == "wget":
        return _of_wget(command.words)
    if name.startswith("curl"):
        return command.words
    return httpie.as_curl(name, command.words, partial(_file, script), piped=command.document is not None)


def _of_wget(words: list[str]) -> Iterator[str]:
    given = iter(words)
    for word in given:
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if name in _WGET_FILES or name in _WGET:
            value = value if equals else next(given, "")
            yield from ("-d", f"@{value}") if name in _WGET_FILES else (_WGET[name], value)
        elif re.fullmatch(r"-q?O-?", word):
            if not word.endswith("-"):
                next(given, "")
        else:
            yield word


_MOST_WORDS = 300


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Unreadable(f"a curl command that is not understood: {message}")


@cache
def _parser() -> _Parser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("-X", "--request", dest="method")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument(*_DATA, dest="data", action="append", default=[])
    parser.add_argument("--url", dest="urls", action="append", default=[])
    for flag in _FLAGS:
        parser.add_argument(flag, action="store_true")
    for name in _VALUES:
        parser.add_argument(name)
    parser.add_argument("-u", "--user", dest="user")
    parser.add_argument("--oauth2-bearer", dest="token")
    parser.add_argument("-T", "--upload-file")
    parser.add_argument("-G", "--get", action="store_true")
    return parser


def _options(command: list[str]) -> Namespace:
    if len(command) > _MOST_WORDS:
        raise _Unreadable(f"a curl command that is not understood: it has {len(command):,} words; is a quote missing?")
    options, rest = _parser().parse_known_args(command)
    options.data = [*options.data, *([f"@{options.upload_file}"] if options.upload_file else [])]
    options.urls = [*options.urls, *(word for word in rest if _ADDRESS.search(word))]
    return options


def _recorded(script: _Script, command: list[str], document: str | None, *, at_start: bool) -> Recorded | None:
    """The request; None if the text is prose that mentions curl. Raises ValueError for a command that is not supported."""
    if not any(word.startswith("-") or _ADDRESS.search(word) for word in command):
        return None
    options = _options(command)
    if len(options.urls) != 1:
        if not options.urls and not (at_start and any(word.startswith("-") for word in command)):
            return None
        raise _Unreadable(f"a curl command that is not understood: {len(options.urls)} addresses, write one")
    if re.search(r"\s", options.urls[0].strip()):
        raise _Unreadable("not a command line that can be read: its address holds a blank; is a quote missing?")
    url = options.urls[0].strip()
    if options.get and any(value.lstrip()[:1] in ("{", "@") for value in options.data):
        raise _Unreadable("curl -G sends its data in the address, not in a body; leave out -G")
    if options.get and options.data:
        url, options.data = f"{url}{'&' if '?' in url else '?'}{'&'.join(options.data)}", []
    headers = dict(line.split(":", 1) for line in options.headers if ":" in line)
    body = _json("&".join(_data(script, value, document) for value in options.data))
    raw = {
        "method": options.method or ("POST" if options.data else "GET"),
        "uri": _PLACEHOLDER.sub(f"models/{UNKNOWN_MODEL}:", _as_written(url)),
        "headers": {name.strip(): _as_written(value.strip()) for name, value in headers.items()},
        "body": body,
    }
    for what, text in (("address", without_secrets(url)), ("body", body)):
        if value := _UNKNOWN.search(text):
            raise _Unreadable(
                f"its {what} holds {value[1]}, whose value only a shell would know; write the value in its place"
            )
    return Recorded(read_request(raw), credentials=(*credentials(raw), *_secrets(options)))


def _secrets(options: Namespace) -> Iterator[tuple[str, str]]:
    """(where, value) of each secret that an option of its own holds. No request keeps it."""
    for where, value in (("curl -u", (options.user or "").partition(":")[2]), ("--oauth2-bearer", options.token)):
        if value and not _UNKNOWN.search(value):
            yield where, value


_PLACEHOLDER = re.compile(
    r"models/(?:[A-Z][A-Z0-9_]*|<[^<>/]+>|\{\{[^{}/]+\}\}|\$?\{[^{}/]+\}|\[[^\[\]/]+\]|your[-_][\w-]+):"
)
"""What documentation writes in the place of a model."""


def _as_written(text: str) -> str:
    return _UNKNOWN.sub(r"\1", text)


def _data(script: _Script, value: str, document: str | None) -> str:
    """The data of an option. ``@file`` is a document of the script, or a file beside it; ``@-`` is the command's own document."""
    if not value.startswith("@"):
        return value
    name = value[1:].strip()
    if name == "-" and document is not None:
        return document
    return _file(script, name)


def _file(script: _Script, name: str) -> str:
    """The text of a document of the script, or of a file beside it."""
    if name in script.documents:
        return script.documents[name]
    file = script.path.parent / name
    try:
        return project.read(file).decode("utf-8")
    except (project.Unreadable, UnicodeDecodeError) as fault:
        raise _Unreadable(f"curl sends {file}, which cannot be read: {fault}; put it there") from fault


_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])')


def _json(text: str) -> str:
    """The data, without commas before a closing bracket. They are not valid JSON, but the API accepts them."""
    try:
        json.loads(text)
    except ValueError:
        return _TRAILING_COMMA.sub(lambda found: found[1] or "", text)
    return text
