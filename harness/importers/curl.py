"""curl and wget command lines, from documentation or "copy as cURL": requests without their answers.

A file may be a script, or a page of prose with commands in it. Only the commands are parsed, as a shell parses them. Variables
that the file sets, and documents in it (``cat <<EOF > body.json``), are filled in. A command that cannot be read is reported.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from itertools import islice, pairwise, product
from pathlib import Path
from typing import NamedTuple

from harness.importers import powershell
from harness.importers.filling import Room, Unreadable, bytes_beside, decoded, with_model
from harness.importers.shell_output import printed
from harness.text.code_blocks import code_blocks
from harness.transport.cassette import Recorded, Unread, credentials, read_request, without_secrets
from harness.transport.cassette.values import relaxed

_NAME = r"(?P<name>curl|curl\.exe|wget|curlie)(?![\w.-]|[ \t]+-(?:Uri|Method|Headers|Body)\b)"
_COMMAND = re.compile(
    rf"(?P<lead>^[ \t]*(?:(?:[$%#>]|PS[^>\n]*>)[ \t]+)?)?(?<![A-Za-z0-9_./-])(?P<path>(?:/?(?:[A-Za-z0-9_.-]+/)+)?){_NAME}(?=[ \t]+\S)",
    re.MULTILINE,
)
_FAR = 10_000
"""Characters from the head of a loop to its end."""
_DEFINED = re.compile(
    r"""(?:^[ \t]*(?:[$%#>][ \t]+|if[^\n]*;[ \t]*then[ \t]+|\[[^\n]*\][ \t]*(?:&&|\|\|)[ \t]+|["'\w|*-]+\)[ \t]+)?|;[ \t]*)(?:(?:(?:export|declare|local|readonly|typeset|set|ENV|ARG)[ \t]+(?:-\w+[ \t]+)*)?(?P<name>\w+)\+?="""
    r"""|(?=(?P<makes>cat|tee|echo|printf|jq|base64)[ \t])|read[ \t][^\n<]*?[ \t](?P<read>\w+)[ \t]*(?=<<))""",
    re.MULTILINE,
)
"""Where a script sets a variable, or writes a document."""
_END = re.compile(r"^[ \t]*(\w+)[ \t]*(?:$|(?=\)))", re.MULTILINE)
"""The line that ends a document."""
_ADDRESS = re.compile(r"^\s*\w+://|^\w[\w-]*(\.[\w-]+)+(:\d+)?(/|$)|^localhost\b|^\ue000")
_FILLED = re.compile(
    r"\$(?:\{(?P<name>\w+)(?::?[-=](?P<default>(?:[^{}\n]|\{[^{}\n]*\})*+))?\}|(?P<bare>[A-Za-z_]\w*|\d)|(?P<edited>\{\w+[^{}\n]*\}))"
    r"|\\(?P<escaped>[\\$`]|\n)|(?P<quote>\\\")|[^\"\\$`]++|.",
    re.DOTALL,
)
"""A variable, with its default or edited, an escaped character, an escaped quote, or text, between double quotes or in a document."""
_LOOP = re.compile(r"\bfor[ \t]+(\w+)[ \t]+in[ \t]+")
_DO = re.compile(r"(?:^|;)[ \t]*(do|done)\b", re.MULTILINE)
_FUNCTION = re.compile(
    r"^([ \t]*)(?P<is>function[ \t]+)?([\w-]+)[ \t]*(?(is)[^{\n]*(?:\n[ \t]*)?\{|\(\)[ \t]*\{)",
    re.MULTILINE | re.IGNORECASE,
)
_PARAMETER = re.compile(r"-[A-Za-z]{2}")
_PARAMETERS = re.compile(r"(?i)(?:[\s{]*+(?:\[\w+\(\)\]\s*)?(?:param\s*)?\((?:[^()]|\([^()]{0,99}\)){0,2000}+\))?")
"""The head of a function of a shell, or of PowerShell; the name of a parameter in a call, and the parameters that follow a head."""
_ARRAY = re.compile(r"(\"?)\$\{(\w+)\[[@*]\]\}\1")
_NEXT_OPTION = re.compile(r"\n[ \t]*(?=-[A-Za-z][ \t]|--[a-z][\w-]*[ \t=])")
"""The end of a line whose mark of continuation a page has lost: no command begins with a hyphen."""
_DEEPEST, _MOST_REPEATED = 3, 50
_PLAIN = re.compile(r"[^\s'\"\\$;|&<>()`]++")
"""A piece of a word in which a shell replaces nothing."""
_UNKNOWN = re.compile("\ue000(.*?)\ue001", re.DOTALL)
"""Marks a text whose value only the shell that runs the command would know."""
_SETS = {name: what for what, names in {
    "method": "-X --request --method", "header": "-H --header", "url": "--url", "user": "-u --user", "token": "--oauth2-bearer",
    "data": "-d --data --data-raw --data-binary --data-ascii --data-urlencode --json --post-data --body-data", "file": "-T --upload-file --post-file --body-file",
    "": "-m -o -A -e -b -x -w -D -c -E --max-time --connect-timeout --output --retry --user-agent --referer --cookie --proxy --write-out "
        "--dump-header --url-query --cookie-jar --aws-sigv4 --cacert --cert --resolve --retry-delay --noproxy --output-document --timeout --tries"}.items() for name in names.split()}  # fmt: skip
"""An option that takes a value -> what it sets; empty for what changes no request. Any other option is a switch."""
_TAKE = "".join(name[1] for name in _SETS if len(name) == 2)
_OPTION = re.compile(rf"(--[\w-]+)(?:=(.*))?|-([^{_TAKE}]*)([{_TAKE}])?(.+)?", re.DOTALL)
"""A long option with or without its value, or the letters of switches with one that takes a value at their end."""


def _unknown(text: str) -> str:
    return f"\ue000{text}\ue001"


class _Repeat(NamedTuple):
    """A loop, or a function: from where to where, and the variables that it sets each time."""

    begin: int
    end: int
    settings: Sequence[Mapping[str, str]]


@dataclass(slots=True)
class _Script:
    """A file with commands, the variables that it sets, and the documents that it writes."""

    path: Path
    text: str
    variables: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, list[str]] = field(default_factory=dict)
    piped: dict[int, str] = field(default_factory=dict)
    """Where a command begins -> what is piped into it."""
    documents: dict[str, str] = field(default_factory=dict)
    ends: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """A word -> where the lines begin, and end, that hold nothing else."""
    repeats: list[_Repeat] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    """Where substitutions begin that only a shell can make, so that none is tried twice."""
    room: Room = field(default_factory=Room)
    of_powershell: powershell.Reader = field(init=False)

    def __post_init__(self) -> None:
        self.of_powershell = powershell.Reader(self.text, self.bytes_of)
        for found in _END.finditer(self.text):
            self.ends.setdefault(found[1], []).append(found.span())
        self.define(0, len(self.text))  # a function may use what is set below it
        self.repeats += self._loops()
        self.repeats += list(self._functions())  # which are called in loops

    def line_of_end(self, begin: int, end: str) -> tuple[int, int] | None:
        """Where the line begins, and ends, that ends the document that begins at a line."""
        lines = self.ends.get(end, [])
        number = bisect_left(lines, (begin, begin))
        return lines[number] if number < len(lines) else None

    def value_of(self, name: str, default: str | None = None) -> str:
        otherwise = f"${name}" if name.isdigit() else _unknown(f"${name}")
        known = self.variables.get(name, self.of_powershell.variables.get(name.lower()))
        return self.room.filled(known if isinstance(known, str) else otherwise if default is None else default)

    def filled(self, text: str) -> str:
        """A text with the variables in it filled in."""
        return _FILLED.sub(self._filled, text)

    def _filled(self, one: re.Match[str]) -> str:
        name, default = one["name"] or one["bare"], one["default"]
        return self.value_of(name, default and self.filled(default)) if name else one[0]

    def bytes_of(self, name: str) -> bytes:
        """A document of the script, or a file of its project. Raises Unreadable."""
        if (document := self.documents.get(name, self.of_powershell.file(name))) is not None:
            return document.encode()
        return bytes_beside(self.path.parent, name)

    def define(self, begin: int, end: int) -> None:
        """Set the variables and write the documents of a part of the script."""
        powershell.assign(self.of_powershell, begin, end)
        at = begin
        for found in _DEFINED.finditer(self.text, begin, end):
            if found.start() >= at:
                with suppress(ValueError):
                    at = self._define(found)

    def _define(self, found: re.Match[str]) -> int:
        command, name = _Command(self, found.end()), found["name"] or ""
        if found["makes"]:
            text, command = _printed(self, found.end())
            if text is not None and command.output:
                self.documents[command.output] = text.removesuffix("\n")
        elif found["read"]:
            command.read()
            self.variables[found["read"]] = command.document or ""
        elif self.text.startswith("(", found.end()):
            return self._define_array(name, found.end() + 1, self.arrays.get(name, []) if "+=" in found[0] else [])
        elif (value := command.value()) is not None:
            self.variables[name] = self.variables.get(name, "") + value if "+=" in found[0] else value
        return command.at

    def _define_array(self, name: str, at: int, words: list[str]) -> int:
        self.arrays[name], end = words, at + _FAR
        while True:
            command = _Command(self, at)
            command.read()
            words += command.words
            if command.at >= end or not self.text.startswith("\n", command.at):
                return command.at
            at = command.at + 1

    def _loops(self) -> Iterator[_Repeat]:
        for found in islice(_LOOP.finditer(self.text), _MOST_REPEATED):
            deep = 0
            for border in _DO.finditer(self.text, found.end(), found.end() + _FAR):
                deep += 1 if border[1] == "do" else -1
                if deep <= 0:
                    values = self._words_at(found.end())
                    yield _Repeat(found.start(), border.end(), [{found[1]: value} for value in values])
                    break

    def _functions(self) -> Iterator[_Repeat]:
        for found in islice(_FUNCTION.finditer(self.text), _MOST_REPEATED):
            begin, end = found.span()
            if closed := re.compile(rf"(?:^{found[1]}|;[ \t]*)\}}", re.MULTILINE).search(self.text, end, end + _FAR):
                call = re.compile(
                    rf"(?:^|[;&|(`=]|\b(?:do|then|else))[ \t]*\b{re.escape(found[3])}(?=[ \t]+\S)", re.MULTILINE
                )
                places = (one.end() for one in call.finditer(self.text) if not begin <= one.start() < closed.end())
                words = (self._words_at(at) for at in islice(places, _MOST_REPEATED) for _ in self.repeated(at))
                head = _PARAMETERS.match(self.text, found.end(3)) if found["is"] else None
                names = re.findall(r"(?<!=)(?<!= )\$(\w+)", head[0].lower()) if head else []
                yield _Repeat(begin, closed.end(), [_setting(one, names) for one in words])

    def _words_at(self, at: int) -> list[str]:
        command = _Command(self, at)
        with suppress(ValueError):
            command.read()
        return command.words

    def repeated(self, at: int) -> Iterator[None]:
        """Set the variables of each time that what stands at a place is run."""
        around = [one for one in self.repeats if one.begin <= at < one.end and one.settings]
        for settings in islice(product(*(one.settings for one in around)), _MOST_REPEATED):
            for setting in settings:
                self.variables |= setting
            if around:
                self.define(around[0].begin, at)
            yield


def read(path: Path, text: str) -> list[Recorded | Unread]:
    """The requests of the commands in the text (see ``as_text``) of a script or a page; empty if it has none."""
    script = _Script(path, _NESTED.sub(_inner, _plain(text)))
    as_written = script if script.text == text or not powershell.CALL.search(text) else _Script(path, text)
    repeats = [(one.begin, one.end, one.settings) for one in as_written.repeats]
    return [*_commands(script), *powershell.read(text, script.bytes_of, repeats)]


def _setting(words: Sequence[str], names: Sequence[str]) -> Mapping[str, str]:
    """What the words of a call set: numbers in a shell, and the parameters of PowerShell, by name or in their order."""
    named = {word[1:].lower(): value for word, value in pairwise(words) if _PARAMETER.match(word)}
    bare = [word for before, word in pairwise(("", *words)) if not any(map(_PARAMETER.match, (before, word)))]
    placed = zip((name for name in names if name not in named), bare, strict=False)
    return {str(at): word for at, word in enumerate(words, 1)} | dict(placed) | named


_PRE = re.compile(r"<pre\b[^<>]*>(?:(?!<pre\b).)*?</pre>", re.DOTALL | re.IGNORECASE)


def blocks_without_commands(raw: bytes) -> list[str]:
    """The blocks of code of a page that hold no command."""
    text = raw.decode("utf-8", "replace")
    blocks = (*(block.text for block in code_blocks(text)), *map(as_text, _PRE.findall(text)))
    return [block for block in blocks if _COMMAND.search(block) is None]


_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")
_IS_HTML = re.compile(r"(?i)<(?:!doctype|html|pre|code)\b|\bcurl[^\n\"']{0,500}&(?:quot|#0?39|#x27);")
_DIFF = re.compile(r"(?<=```diff\n)(?:(?!```)[^\n]*\n)+|\Adiff --git .*", re.DOTALL)
"""The lines of a block, or of a file, that shows what changes. Those that are taken away are none of its text."""
_TAG = re.compile(r"<(?:br|/p|/div|/li|/pre)\b[^>]*>")
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})


def as_text(text: str) -> str:
    """The text of a page as a person copies it: without markup, with plain blanks and quotes."""
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\u00a0", " "))
    text = _DIFF.sub(lambda block: re.sub(r"(?m)^(?:-[^\n]*\n|[+ ])", "", block[0]), text)
    if _IS_HTML.search(text[:1_000_000]):
        text = unescape(re.sub(r"<[^<>]*>", "", _TAG.sub("\n", text)))
    return text.translate(_QUOTES) if re.search(r"""(?:curl|-[HdX]|--\w+)[ \t]+[\u201c\u2018]""", text) else text


def _plain(text: str) -> str:
    """The text with the marks of cmd and PowerShell replaced by those of a shell, and commands out of comments."""
    text = _COMMENTED.sub(lambda found: re.sub(rf"(?m)^[ \t]*{re.escape(found[1])}", "", found[0]), text)
    text = _CONTINUED.sub(_without_prompts, text)
    text = re.sub(r"(?<=\\\n)(?:[ \t]*#(?![ \t]*curl)[^\n]*\n)+", "", text)  # a remark between the lines of a command
    text = re.sub(r"(?m)^([ \t]*):[ \t]+\"?\$\{(\w+):?=([^{}\n]*)\}\"?", r'\1\2="${\2:-\3}"', text)
    text = _SET_BY_CMD.sub(r'\1\2="\3"', text)
    # cmd takes no quotes away
    text = re.sub(r"(?m)^([ \t]*)@?\(?echo[ \t]+(\{\"[^'\n]*\})\)?[ \t]*>", r"\1echo '\2' >", text)
    text = _QUOTED_BY_POWERSHELL.sub(lambda found: re.sub(r"`([\"$`])", r"\\\1", found[0]), text)
    if '"{""' in text:
        text = text.replace('""', r"\"")
    if re.search(r'\^"|[ \t]\^\n', text):
        text = re.sub(r"\^\n", " \\\\\n", text)
        text = re.sub(r"\^(.)", r"\1", text)
    text = re.sub(r"\\[ \t]+\n", r"\\\n", _CALLOUT.sub("", text))
    text = re.sub(r"(?i)\$(?:\(\$env:(\w+)\)|env:(\w+))", r"${\1\2}", _OF_CMD.sub(r"${\1}", text))
    return re.sub(r"(?<=[ \t])`\n", "\\\\\n", text)


_ARGUMENTS = re.compile(r"[ \t]+[-'\"$]|.*(://|[ \t]-|/\S*enerateContent)")
"""What follows the name of a command. Anything else is prose that mentions curl."""
_COMMENTED = re.compile(
    r"^[ \t]*+(#++|//++|\*|;++|--|>)[ \t]++(?=(?>[^\n]*?\bcurl\b)[^\n]*+\n[ \t]*\1)[^\n]*(?:\n[ \t]*\1[^\n]*)+",
    re.MULTILINE,
)
"""The lines of a comment, or of a quotation in Markdown, that begins with a command."""
_CONTINUED = re.compile(r"(?:\n[ \t]*+>[^\n]*+)++")


def _without_prompts(lines: re.Match[str]) -> str:
    """Lines without the prompts of a shell, where a command behind its prompt goes on in them."""
    before = lines.string[lines.string.rfind("\n", 0, lines.start()) + 1 : lines.start()]
    return re.sub(r"(?m)^[ \t]*> ?", "", lines[0]) if re.search(r"[$#%][ \t]curl[ \t]", before) else lines[0]


_SET_BY_CMD = re.compile(r"^([ \t]*)@?set[ \t]+\"?(\w+)=([^\"\n]*)\"?$", re.MULTILINE | re.IGNORECASE)
_QUOTED_BY_POWERSHELL = re.compile(r'"\s*\{\s*`"(?:[^"`]|`.)*"', re.DOTALL)
_CALLOUT = re.compile(r"(?<![ \t])[ \t]++<(?:\d{1,2}|\.)>$", re.MULTILINE)
"""The number of a remark on a line, in AsciiDoc."""
_OF_CMD = re.compile(r"%([A-Z_][A-Z0-9_]{2,})%")
"""A variable of cmd."""


_NESTED = re.compile(
    r"""(?:((?:\b(?:ba|da|z|k)?sh[ \t]+(?:-\w+[ \t]+){0,9}-\w*c|\beval|\bssh(?:[ \t]+[^\s"']+){1,12})[ \t]+)|(?<!\\)(?=["']{1,3}curl[ \t]))"""
    r"""(?:"{3}((?:[^"]|"(?!""))*+)"{3}|"((?:[^"\\]|\\.)*+)"|'((?:[^']|'\\?'')*+)')""",
    re.DOTALL,
)
"""A command as a text: for another shell, in a list, or as a value."""


def _inner(found: re.Match[str]) -> str:
    """The command in such a text, in its place. The prompt of another command may name curl too."""
    text = found[2] or re.sub(r'\\(["\\$`])', r"\1", found[3] or "") or re.sub(r"'\\?''", "'", found[4] or "")
    is_command = "curl " in text if found[1] else "enerateContent" in text
    return f"; {text} ;" if is_command else found[0]


def _commands(script: _Script) -> Iterator[Recorded | Unread]:
    text, line, counted, end, tried, reached, again = script.text, 1, 0, 0, 0, 0, 0
    for begin in _COMMAND.finditer(text):
        if begin.start() < end:
            continue
        if again > _MOST_AGAIN:
            yield Unread(
                f"line {line}", "too many commands up to here have no end: close their quotes, or import the rest alone"
            )
            return
        line, counted = line + text.count("\n", counted, begin.end()), begin.end()
        script.define(tried, begin.start())
        for _ in script.repeated(begin.start()):
            command = _Command(script, begin.end())
            try:
                command.document = script.piped.get(
                    begin.start("path"), script.of_powershell.piped_to(begin.start("path"))
                )
                command.read()
                end = command.at
                for words in _requests(_of_curl(command.words, begin["name"])):
                    if recorded := _recorded(script, words, command.document, line, begin["lead"] is not None):
                        yield recorded
            except ValueError as fault:
                again += max(0, reached - begin.end())
                reached = max(reached, command.at)
                if _ARGUMENTS.match(text, begin.end()):
                    yield Unread(f"line {line}", str(fault))
        tried = max(begin.end(), end)


_MOST_AGAIN = 500_000
"""Characters that are read again, after a command that could not be read went on over them."""


# --- one command, as a shell reads it -----------------------------------------------------------------


class _Command:
    """The words of one command, from its place in a script to its end. Redirections, pipes and what follows are left out."""

    def __init__(self, script: _Script, at: int, deep: int = 0) -> None:
        if deep > _DEEPEST:
            raise Unreadable(f"not a command line that can be read: more than {_DEEPEST} commands in each other")
        self.script, self.text, self.at, self._deep = script, script.text, at, deep
        self.words: list[str] = []
        self.document: str | None = None
        self.output = ""
        """The file that its output goes to."""
        self.stop = at
        """Where the command ends, before the document that it reads."""
        self._heredoc: tuple[str, str] | None = None
        self._word: str | None = None

    def read(self) -> None:
        while self.at < len(self.text) and self._step():
            pass
        self._end_word()
        self.stop = self.at
        if self._heredoc:
            self._read_document(*self._heredoc)
        if not self.output and self.words[:1] == ["tee"]:
            self.output = self.words[-1]

    def value(self) -> str | None:
        """The value of a variable that is set here."""
        while self.at < len(self.text) and self.text[self.at] not in " \t\n" and self._step():
            pass
        return self._word

    def _step(self) -> bool:
        """Read the next piece of the command; False at its end."""
        rest = self.text[self.at : self.at + 2]
        if rest == "\\\n":
            self.at += 2
            self._end_word()
        elif rest[0] in " \t":
            self.at += 1
            self._end_word()
        elif array := _ARRAY.match(self.text, self.at):
            self.at = array.end()
            self.words += self.script.room.filled([*self.script.arrays.get(array[2], ())])
        elif rest == "<(":
            name = f"/dev/fd/{len(self.script.documents)}"
            self.script.documents[name] = self._substituted()
            self._word = (self._word or "") + name
        elif rest[0] in "<>" or rest == "&>" or (rest[0].isdecimal() and rest[1:] in ("<", ">")):
            self._redirect()
        elif found := _NEXT_OPTION.match(self.text, self.at):
            self.at = found.end()
            self._end_word()
        elif rest[0] in "\n;|&)`" or (rest[0] == "#" and self._word is None):
            return False
        elif rest[0] == "'" and (self._word or "").isalpha():
            return False  # the apostrophe of prose behind the command
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
        if rest == "$'":
            text = self._until(r"\$'((?:[^'\\]|\\.)*)'")  # browsers quote texts with quotes or line breaks so
            return text.encode("latin-1", "backslashreplace").decode("unicode_escape")
        if rest[0] == "'":
            return self._until(r"'([^']*)'")
        if rest[0] == '"':
            return self._quoted()
        if rest[0] == "\\":
            self.at += 2
            return rest[1:]
        if rest == "$(":
            return self._substituted()
        if rest[0] == "$":
            return self._piece_filled(len(self.text), "")
        self.at += 1
        return rest[0]

    def _quoted(self) -> str:
        start = self.at
        self.at += 1
        text = self._filled(len(self.text), '"')
        if any(begin["lead"] is not None for begin in _COMMAND.finditer(self.text[start : self.at])):
            raise Unreadable('not a command line that can be read: " is opened and not closed')
        return text

    def _filled(self, end: int, closing: str) -> str:
        """The text up to a quote, or up to ``end``, with what a shell fills in."""
        found = list[str]()
        while self.at < end:
            if self.text[self.at] == closing:
                self.at += 1
                return "".join(found)
            found.append(self._piece_filled(end, closing))
        if closing:
            raise Unreadable(f"not a command line that can be read: {closing} is opened and not closed")
        return "".join(found)

    def _piece_filled(self, end: int, closing: str) -> str:
        if self.text.startswith(("$(", "`"), self.at):
            return self._substituted()
        found = _FILLED.match(self.text, self.at, end)
        if found is None:
            return ""
        self.at = found.end()
        if found["name"] or found["bare"]:
            return self.script.filled(found[0])
        if found["escaped"]:
            return found["escaped"].strip("\n")
        if found["edited"]:
            return _unknown(found[0])
        return '"' if found["quote"] and closing else found[0]

    def _substituted(self) -> str:
        """What the commands in ``$(...)`` print; else what stands there, as unknown."""
        begin, mark = self.at, "`" if self.text[self.at] == "`" else self.text[self.at : self.at + 2]
        text = closed = None
        if begin not in self.script.unknown:
            with suppress(ValueError):
                text, last = _printed(self.script, begin + len(mark), self._deep + 1)
                closed = re.compile(rf"\s*{'`' if mark == '`' else r'[)]'}").match(self.text, last.at)
        if text is not None and closed:
            self.at = closed.end()
            return text.rstrip("\n")
        self.script.unknown.add(begin)
        if self._deep:
            raise Unreadable("a command in another, whose output only a shell would know")
        unread = self._until(r"([$<]\([^()]*(?:\([^()]*\)[^()]*)*\)|`[^`]*`|[$`])")
        return _unknown(unread if len(unread) > 1 else self.text[begin : begin + 40].partition("\n")[0])

    def _until(self, pattern: str) -> str:
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found is None or any(begin["lead"] is not None for begin in _COMMAND.finditer(found[0])):
            raise Unreadable(f"not a command line that can be read: {self.text[self.at]} is opened and not closed")
        self.at = max(found.end(), self.at + 1)
        return found[1]

    def _redirect(self) -> None:
        """Skip a redirection of output, which does not change the request. ``<<EOF`` is the text that ``@-`` sends."""
        self._end_word()
        if found := re.compile(r"\d?<<-?[ \t]*([\"']?)(\w+)\1").match(self.text, self.at):
            self._heredoc = (found[2], found[1])
        elif found := re.compile(r"<<<[ \t]*").match(self.text, self.at):
            self.at = found.end()
            self.document = self._piece(self.text[self.at : self.at + 2]) if self.at < len(self.text) else ""
            return
        else:
            found = re.compile(r"(?:\d|&)?[<>]+&?[ \t]*(\"[^\"]*\"|'[^']*'|[^\s;|&<>()]*)").match(self.text, self.at)
            name = self.script.filled(found[1].strip("\"'")) if found else ""
            if found and found[0].lstrip("1").startswith(">") and not found[0].startswith(">&"):
                self.output = name
            if found and found[0][0] == "<" and name != "/dev/null":
                self.document = decoded(self.script.bytes_of(name), name)
        self.at = found.end() if found else self.at + 1

    def _read_document(self, end: str, quote: str) -> None:
        begins = self.text.find("\n", self.at) + 1
        line = self.script.line_of_end(begins, end)
        if not begins or line is None:
            raise Unreadable(f"not a command line that can be read: no line ends the document <<{end}")
        self.at = begins
        body = self.text[begins : line[0]] if quote else self._filled(line[0], "")
        self.document, self.at = body.removesuffix("\n"), line[1]


def _printed(script: _Script, at: int, deep: int = 0) -> tuple[str | None, _Command]:
    """What the commands that are piped into each other from a place print, and the last of them; None if only a shell would know."""
    given: str | None = None
    while True:
        command = _Command(script, at, deep)
        begin = command.at = _START.match(script.text, at).end()  # type: ignore[union-attr]
        command.document = given
        command.read()
        made = printed(command.words, given if command.document is None else command.document, script.bytes_of)
        if command.words[:1] == ["mktemp"]:
            made = f"mktemp.{begin}"
        if made is None or script.text[command.stop : command.stop + 1] != "|":
            if given is not None:
                script.piped[begin] = given.removesuffix("\n")
            return made, command
        given, at = made, command.stop + 1


_START = re.compile(r"(?:\s|\\\n)*")


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


def _of_curl(words: Sequence[str], name: str) -> Iterator[str]:
    """The words of a command as those of one of curl."""
    return (_OF_WGET.sub("-m", word) if name == "wget" else word for word in words)


_OF_WGET = re.compile(r"^-(?:[TtU](?=\d|$)|q?O$)")
"""Options of wget whose value changes no request, and which curl has for something else."""


_CONFIG = re.compile(r"--config\b|-[sSfLki]*K")
_MOST_WORDS = 300


def _options(command: list[str]) -> Mapping[str, Sequence[str]]:
    """What the options of a command set, and its addresses, each with its values in their order."""
    if len(command) > _MOST_WORDS:
        raise Unreadable(f"a curl command that is not understood: it has {len(command):,} words; is a quote missing?")
    found, words = defaultdict[str, list[str]](list), iter(command)
    for word in words:
        if word.startswith("--expand-"):
            raise Unreadable("curl puts the values of --variable into it; write them in their places")
        if _CONFIG.match(word):
            raise Unreadable("curl takes options from a file there; write them in the command")
        option = _OPTION.fullmatch(word)
        if option is None:
            found["url"] += [word] if _ADDRESS.search(word) else []
            continue
        name = option[1] or f"-{option[4]}"
        if name == "--get" or "G" in (option[3] or ""):
            found["get"].append(name)
        if name in _SETS:
            given = option[2] if option[1] else option[5]
            value = next(words, None) if given is None else given
            if value is None:
                raise Unreadable(f"a curl command that is not understood: {name} has no value")
            found[_SETS[name]].append(value)
    found["data"] += [f"@{file}" for file in found["file"]]
    return found


def _recorded(script: _Script, command: list[str], document: str | None, line: int, at_start: bool) -> Recorded | None:
    """The request; None if the text is prose that mentions curl. Raises ValueError for a command that is not supported."""
    if not any(word.startswith("-") or _ADDRESS.search(word) for word in command):
        return None
    options = _options(command)
    urls, data = options["url"], options["data"]
    if len(urls) != 1:
        if not urls and not (at_start and any(word.startswith("-") for word in command)):
            return None
        raise Unreadable(f"a curl command that is not understood: {len(urls)} addresses, write one")
    url = urls[0].strip()
    if re.search(r"\s", url) and not _UNKNOWN.search(url):
        raise Unreadable("not a command line that can be read: its address holds a blank; is a quote missing?")
    if options["get"] and any(value.lstrip()[:1] in ("{", "@") for value in data):
        raise Unreadable("curl -G sends its data in the address, not in a body; leave out -G")
    if options["get"] and data:
        url, data = f"{url}{'&' if '?' in url else '?'}{'&'.join(data)}", []
    headers = dict(line.split(":", 1) for line in options["header"] if ":" in line)
    body = "&".join(_data(script, value, document) for value in data)
    raw = {
        "method": options["method"][-1] if options["method"] else ("POST" if data else "GET"),
        "uri": with_model(_as_written(url)),
        "headers": {name.strip(): _as_written(value.strip()) for name, value in headers.items()},
        "body": _json(body),
    }
    for what, text in (("address", without_secrets(url)), ("body", body)):
        if value := _UNKNOWN.search(text) or re.search(r'"(\$\d)"', text):
            raise Unreadable(
                f"its {what} holds {value[1]}, whose value only a shell would know; write the value in its place"
            )
    return Recorded(read_request(raw), credentials=(*credentials(raw), *_secrets(options)), line=line)


def _secrets(options: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """(where, value) of each secret that an option of its own holds. No request keeps it."""
    users = [("curl -u", user.partition(":")[2]) for user in options["user"]]
    for where, value in (*users, *(("--oauth2-bearer", token) for token in options["token"])):
        if value and not _UNKNOWN.search(value):
            yield where, value


def _as_written(text: str) -> str:
    return _UNKNOWN.sub(r"\1", text)


def _data(script: _Script, value: str, document: str | None) -> str:
    """The data of an option. ``@file`` is a document of the script, or a file beside it; ``@-`` is the command's own document."""
    if not value.startswith("@"):
        return value
    name = value[1:].strip()
    if name == "-":
        if document is None:
            raise Unreadable("curl sends what is piped into it, which only a shell would know; write it after -d")
        return document
    return decoded(script.bytes_of(name), name)


_QUOTES_ESCAPED = re.compile(r'\s*[{\[]\s*\\"')


def _json(text: str) -> str:
    """The data as JSON, also with backslashes that PowerShell drops."""
    if _QUOTES_ESCAPED.match(text):
        text = re.sub(r'\\(["\\])', r"\1", text)
    return relaxed(text)
