"""Requests that PowerShell sends: ``Invoke-RestMethod`` and ``Invoke-WebRequest``, as browsers copy them and documentation shows them.

Texts, here-strings, hash tables, arrays, ``ConvertTo-Json`` and variables that the script sets are read. Nothing is run.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from harness.importers.filling import ReadFile, Room, TooLong, Unreadable, with_model
from harness.text.jsontext import compact
from harness.transport.cassette import Recorded, Unread, credentials, read_request, without_secrets

CALL = re.compile(
    r"(?<![\w-])(Invoke-(?:WebRequest|RestMethod)|iwr|irm|curl(?=[ \t]+-(?:Uri|Method|Headers|Body)\b))(?=[ \t]+[-$\"'@h`(])",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(
    r"(?:^[ \t]*(?:param[ \t]*\()?|(?<=[,(])[ \t]*)(?:\[[^\[\]\n]{1,60}\][ \t]*)*+\$(?:global:|script:|env:)?(\w+)[ \t]*=[ \t]*"
    r"|^[ \t]*(?:(?=\$\w+[ \t]*[|>]|@['\"][ \t]*\r?\n)|(?P<writes>Set-Content|Out-File)(?=[ \t])|(?P<method>\[(?:System\.)?IO\.File\]::WriteAllText)(?=\())",
    re.MULTILINE | re.IGNORECASE,
)
"""Where a variable is set, or a value may be written to a file."""
_WRITTEN = re.compile(
    r"[ \t]*(?:\|[ \t]*(?:Out-File|Set-Content)\b[^\n|;]*?[ \t]|>)[ \t]*[\"']?([\w./\\-]+\.\w+)", re.IGNORECASE
)
_BLANK = re.compile(r"(?:[ \t]|`\r?\n)*")
_BLANKS = re.compile(r"(?:[\s;,]|`\r?\n|#[^\n]*)*")
_HERE = re.compile(r"@(['\"])[ \t]*\r?\n(.*?)\r?\n\1@", re.DOTALL)
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"`]|`.|\"\")*)\"", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(?:env:)?(\w+)\}|(?:env:)?(\w+))", re.IGNORECASE)
_UNSET = re.compile(rf"{_VARIABLE.pattern}|\$\([^()]*\)", re.IGNORECASE)
_CHARACTER = re.compile(r"\$\(\[char\]\(?(0x[0-9a-f]{1,4}|[1-9]\d{0,4})\)?\)", re.IGNORECASE)
_USED = re.compile(rf"(?<!`)(?:\$\({_VARIABLE.pattern}\)|{_VARIABLE.pattern})", re.IGNORECASE)
_WORD = re.compile(r"[^\s;|,(){}@'\"$`]+")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_AFTER_SWITCH = re.compile(r"-[A-Za-z]|[\r\n;|)]|\Z")
_DEEPEST = 60
_FORMAT, _NEXT_VALUE = re.compile(r"\s*-f\b", re.IGNORECASE), re.compile(r"\s*,\s*")
_CAST = re.compile(r"(?:\[[\w.]+(?:\[\])?\][ \t]*)+(?=[@$'\"(\[])")
_METHOD = re.compile(r"\[[\w.]+\]::(?:\w+\.)?(GetBytes|ToBase64String|ReadAllBytes|ReadAllText)(?=\()", re.IGNORECASE)
_OPTIONS = r"(?:[ \t]+-(?:Depth[ \t]+\d+|Compress|InputObject))*"
_AS_JSON = re.compile(rf"ConvertTo-Json\b{_OPTIONS}", re.IGNORECASE)
_INTO_JSON = re.compile(rf"[ \t]*\|[ \t]*ConvertTo-Json\b{_OPTIONS}", re.IGNORECASE)

_MOST_CALLS = 200
"""Calls of functions that are read. Each reads its function again."""


def _file_name(text: str) -> str:
    """The name of a file of this folder, without ``./``."""
    return re.sub(r"(?i)^(?:\.|\$PWD|\$PSScriptRoot|\$\(Get-Location\))[\\/]", "", text)


class Reader:
    """Reads values of PowerShell from a place in a text, sets variables, and writes files."""

    def __init__(self, text: str, read_file: ReadFile) -> None:
        self.text, self.at, self._read_file = text, 0, read_file
        self.variables: dict[str, Any] = {"true": True, "false": False, "null": None}
        self._files: dict[str, str] = {}
        self._room = Room()
        self.given: Mapping[str, Any] = {}
        """The parameters that a call of a function sets."""
        self.calls_left = _MOST_CALLS
        self.last: tuple[int, Any] = (0, None)
        """Where the last statement ends, and its value."""
        self._last = {mark: text.rfind(mark) for mark in ("'@", '"@', "#>")}
        """Where a here-string or a comment ends at the latest. Nothing is looked for behind it."""

    def skip(self, pattern: re.Pattern[str] = _BLANK) -> None:
        self.take(pattern)
        while self.text.startswith("<#", self.at) and self.at < self._last["#>"]:
            self.at = self.text.index("#>", self.at) + 2
            self.take(pattern)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def write(self, name: str, text: str) -> None:
        self._files[_file_name(name)] = text

    def file(self, name: str) -> str | None:
        """The text of a file that the script writes; None for any other."""
        return self._files.get(_file_name(name))

    def piped_to(self, at: int) -> Any:
        """What is piped into the command at a place."""
        return self.last[1] if self.text[self.last[0] : at].strip() == "|" else None

    def value(self, deep: int = 0) -> Any:
        """The value here, with ``| ConvertTo-Json`` applied. Raises Unreadable."""
        if deep > _DEEPEST:
            raise Unreadable("a value that is nested too deep")
        self.skip()
        before = self.take(_AS_JSON)
        found = self._plain(deep)
        while isinstance(found, str) and self.take(re.compile(r"\s*\+(?=[ \t\r\n$'\"(])")):
            found = self._room.filled(f"{found}{self._plain(deep + 1)}")
        if isinstance(found, str) and self.take(_FORMAT):
            values = [self._plain(deep + 1)]
            while self.take(_NEXT_VALUE):
                values.append(self._plain(deep + 1))
            known = {str(number): str(value) for number, value in enumerate(values)}
            filled = self._room.filled  # piece by piece: the whole may be too long for the memory
            found = re.sub(r"\{(\d+)\}|([{}])\2", lambda one: filled(known.get(one[1], one[2] or one[0])), found)
        if self.take(re.compile(_OPTIONS, re.IGNORECASE)) if before else self.take(_INTO_JSON):
            return compact(found).decode("utf-8", "replace")
        return found

    def _plain(self, deep: int) -> Any:
        self.skip()
        self.take(_CAST)
        if self.take(re.compile(r",(?=[ \t]*[@$('\"])")):  # a list of one
            return [self._plain(deep + 1)]
        if method := self.take(_METHOD):
            return self._called(method[1].lower(), self._plain(deep + 1))
        is_here = self.at < self._last.get(self.text[self.at : self.at + 2][::-1], 0)
        if here := self.take(_HERE) if is_here else None:
            return here[2] if here[1] == "'" else self.expand(here[2])
        if text := self.take(_TEXT):
            return text[1].replace("''", "'") if text[1] is not None else self.expand(text[2])
        for opening, closing, make in (("@{", "}", dict), ("@(", ")", list), ("(", ")", None)):
            if self.text.startswith(opening, self.at):
                self.at += len(opening)
                return self._inside(closing, make, deep)
        if self.text.startswith("$", self.at):
            name = self.take(_VARIABLE)
            return self.named(name[1] or name[2]) if name else self._fail()
        word = self.take(_WORD)
        return _scalar(word[0]) if word else self._fail()

    def _called(self, method: str, value: Any) -> str:
        """What a method returns. Bytes are only read to be sent in base64."""
        if method.startswith("readall"):
            content = self._read_file(str(value))
            return b64encode(content).decode() if method == "readallbytes" else content.decode("utf-8", "replace")
        return str(value)

    def _inside(self, closing: str, make: Callable[[Any], Any] | None, deep: int) -> Any:
        pairs: list[Any] = []
        self.skip(_BLANKS)
        while not self.text.startswith(closing, self.at):
            if make is dict:
                word = self.take(re.compile(r"[\w-]+"))
                key = word[0] if word else self._plain(deep + 1)
                if not self.take(re.compile(r"\s*=\s*")):
                    self._fail()
                pairs.append((str(key), self.value(deep + 1)))
            else:
                pairs.append(self.value(deep + 1))
            self.skip(_BLANKS)
        self.at += len(closing)
        if make is None:
            return pairs[0] if len(pairs) == 1 else pairs
        return make(pairs)

    def named(self, name: str) -> Any:
        value = self.variables.get(name.lower(), f"${name}")
        if isinstance(value, TooLong):
            raise value
        return self._room.filled(value)

    def expand(self, text: str) -> str:
        """A text in double quotes: its variables filled in, its escapes replaced."""
        text = _CHARACTER.sub(lambda found: chr(int(found[1], 0)), text)
        text = _USED.sub(self._filled, text).replace('""', '"')
        return re.sub(r"`(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)

    def _filled(self, found: re.Match[str]) -> str:
        name: str = next(filter(None, found.groups()))
        value = self.variables.get(name.lower())
        return self._room.filled(value) if isinstance(value, str) else found[0]

    def _fail(self) -> Any:
        raise Unreadable(f"a value that is not understood: {self.text[self.at : self.at + 40].splitlines()[:1]}")


def _scalar(word: str) -> Any:
    if re.fullmatch(r"-?\d{1,18}", word):
        return int(word)
    return float(word) if re.fullmatch(r"-?\d{1,18}\.\d{1,18}", word) else word


Repeats: TypeAlias = Sequence[tuple[int, int, Sequence[Mapping[str, str]]]]
"""Where each function begins and ends, and what its calls set."""


def read(text: str, read_file: ReadFile, repeats: Repeats) -> Iterator[Recorded | Unread]:
    """The requests of the commands in a text. One that cannot be read is named, and the next begins where it could not be read further."""
    reader, line, counted, assigned = Reader(text, read_file), 1, 0, 0
    while call := CALL.search(text, reader.at):
        begin = call.start()
        assigned = assign(reader, assigned, begin)
        line, counted = line + text.count("\n", counted, begin), begin
        around = next((one for one in repeats if one[0] < begin < one[1]), (begin, begin, ()))
        for given in around[2][: max(0, reader.calls_left)] or [{}]:
            reader.given, reader.calls_left = {key: _scalar(one) for key, one in given.items()}, reader.calls_left - 1
            reader.variables |= reader.given
            assign(reader, around[0], begin)
            reader.at = call.end()
            try:
                body = reader.piped_to(begin)
                yield _recorded(({} if body is None else {"body": body}) | _parameters(reader), line)
            except ValueError as fault:
                reason = f"{call[1]} of PowerShell is not read: {fault}; copy the request as cURL (bash)"
                yield Unread(f"line {line}", reason)


def assign(reader: Reader, at: int, end: int) -> int:
    """Set the variables, and write the files, of a part of a text. Returns how far it was read."""
    while found := _ASSIGNMENT.search(reader.text, at, end):
        reader.at = found.end()
        try:
            given = _parameters(reader, ("path", "value")) if found["writes"] else {}
            value: Any = given.get("value") if given else reader.value()
            if found["method"]:
                given, value = {"path": value[0]}, value[1]
            reader.last = (reader.at, value)
            if found[1] and found[1].lower() not in reader.given:
                reader.variables[found[1].lower()] = value
            elif name := written[1] if (written := reader.take(_WRITTEN)) else given.get("path", given.get("filepath")):
                reader.write(str(name), str(value))
        except TooLong as fault:  # whatever holds it is too long as well, which takes long to find again
            reader.variables[(found[1] or "").lower()] = fault
        except (ValueError, LookupError, TypeError):
            pass
        at = max(reader.at, found.start() + 1)
    return max(at, end)


def _parameters(reader: Reader, unnamed: Sequence[str] = ("uri",)) -> dict[str, Any]:
    """Name (lower case, without its hyphen) -> value of each parameter of a command. ``unnamed``: those that may have no name, in their order."""
    found: dict[str, Any] = {}
    while True:
        reader.skip()
        if (splatted := reader.take(re.compile(r"@(\w+)"))) and isinstance(table := reader.named(splatted[1]), dict):
            found |= {key.lower(): value for key, value in table.items()}
            continue
        name = reader.take(re.compile(r"-(\w+):?(?![\w-])"))
        if name is None:
            left = [key for key in unnamed if key not in found]
            if reader.at >= len(reader.text) or reader.text[reader.at] in "\r\n;|)}" or not left:
                return found
            found[left[0]] = reader.value()
            continue
        reader.skip()
        found[name[1].lower()] = True if _AFTER_SWITCH.match(reader.text, reader.at) else reader.value()


def _recorded(parameters: Mapping[str, Any], line: int) -> Recorded:
    url = str(parameters.get("uri", ""))
    if "://" not in url:
        raise Unreadable("its address is not in the script" if not url else f"its address is {url[:80]}")
    headers = parameters.get("headers")
    body = parameters.get("body", "")
    text = body if isinstance(body, str) else compact(body).decode("utf-8", "replace")
    if unknown := _UNSET.match(without_secrets(url)) or re.search(r'(?:^|(?<="))\$[A-Za-z_]\w*(?="|$)', text):
        raise Unreadable(f"{unknown[0]} is not set in the script")
    raw = {
        "method": str(parameters.get("method", "POST" if text else "GET")).upper(),
        "uri": with_model(url),
        "headers": {str(name): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {},
        "body": text,
    }
    return Recorded(read_request(raw), credentials=credentials(raw), line=line)
