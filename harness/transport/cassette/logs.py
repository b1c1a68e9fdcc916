"""Logs, pages and programs -> the objects, texts and addresses in their lines, behind anything else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise, takewhile
from typing import Any

from msgspec import Struct

from harness.text.jsontext import is_deeper, json_of, loads
from harness.transport.cassette.bodies import MODEL
from harness.transport.cassette.values import Elements, literal_value

_HINTS = ("candidates", "contents", "usageMetadata", '"error"', 'error\\"', "'error'", "Candidates: []", "Contents: []")
COMMANDS = re.compile(rb"\b(?:curl|wget|Invoke-\w+|iwr|irm)(?:\.exe)?[ \t]")
"""Commands that send requests. They hold no answers."""
_ADDRESS = re.compile(
    r"""(?:https?://|/v1|\$\{[\w.]+\}/|\{[\w.]+\}/)[^\s"'`<>]{1,300}enerateContent[^\s"'`{}]{0,200}"""
)
_HOLE = re.compile(r"\$?\{+(?:self\.|this\.)?(?P<in>\w+)\}+|\$(?P<bare>[A-Za-z_]\w*)")
_ADDED = re.compile(r"""["'`][ \t]*[+.][ \t]*\$?(\w+)[ \t]*[+.][ \t]*["'`](?=/|:(?:g|streamG)enerateContent)""")
"""A variable in an address, and one that is added to it."""
_RAW_BORDER = re.compile(
    r"`[ \t]*\+\s*`|\"(?<=[{\[\]},:\w]\")[ \t]*(?:\+[ \t\r]*\n|\r?\n[ \t]*\+)[ \t]*\"(?=[ \t]*+(?:\\\"|[{\[\]}]))"
)
"""Where a text ends and goes on in the next: in backquotes in Go and JavaScript, in a line of its own in Java.
A set of characters first is found faster."""
_MARGIN = re.compile(r"^[ \t]*\|", re.MULTILINE)
_ANSWERED = re.compile(rb"[\"']candidates[\"']\s*:")
_OBJECT = re.compile(
    r"""[({\[aldmGc](?:(?:(?<=[{\[])|(?:(?<=\ba)rray|(?<=\bl)ist|(?<=\bd)ict|(?<=\bm)apOf)[ ]?\()(?=(?:\s|\\[nrt])*+(?:\\?(?:<<)?["'][\w$-][^"'\n]{0,100}["'](?:>>)?|:?[A-Za-z_$][\w$]*+)\s*+(?::|=>|to\b|=\s*+(?:(?:new|list|dict)\b|["{\[])))"""
    r"|(?<=\()(?=\s*+contents\s*+[:=]\s*+(?:\[|\w++\())|(?<=\{)(?=[ \t\r]*+\n(?!\s*+\{))|(?<=\bG)enerateContentResponse\((?=\s*+\w+=)|(?<=(?<![\w(])c)andidates=(?=\[))"
)
"""Where an object with a key begins, also inside a text in quotes, and where a printed answer does."""
_BEFORE = ('"', "'", "[", "data:", r"\n", r"\r", r"\t")
"""What may stand before an object, and blanks between, if not only the object is read."""
_OPENED = re.compile(r"""(?:\bb)?+(["'])(?:\\[nrt]|\s|\[|data: ?|event: ?\w+\\n)*+$""")
"""Before an object: the beginning of the text in quotes that holds it."""
_QUOTED = re.compile(r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'""")
_DIGIT, _CLOSED = re.compile(r"\d"), re.compile(r"[}\])]")
_SHORT, _NEAR, _WIDEST, _SOON, _FAR = 10, 60, 200, 2_000, 20_000
_LONGEST, _LONGEST_LITERAL, _ROOM, _BLOCK = 4_000_000, 200_000, 20_000, 4_000_000
"""Characters of an object over several lines of a log, of most of them, and of the part of a log that is read at a time."""
_MOST_ATTEMPTS, _PER_ATTEMPT = 30, 50_000
"""How many objects may turn out to be none, and one more for each so many characters of a long log."""


def logged(raw: bytes, *, is_program: bool = False) -> Sequence[Any]:
    """The objects and the texts in quotes in the lines of a log, behind anything else, and the addresses before them.

    Empty if none is a request or answer of Gemini, and for pages with commands but no answer, which ``import`` reads;
    ``is_program``: it holds none.
    """
    raw = raw.replace(rb"'\''", rb"\u0027")  # how a shell writes it between single quotes
    holds_commands = not is_program and COMMANDS.search(raw) and not _ANSWERED.search(raw)
    if holds_commands or not any(hint.encode() in raw for hint in _HINTS):
        return []
    parts = list(_candidates(raw))
    if not any(b"{" in one.content if isinstance(one.content, bytes) else "{" in one.content for one in parts):
        return []
    tags = [part.tag for part in parts if part.tag]
    are_mixed = 1 + sum(one != other for one, other in pairwise(tags)) > len(set(tags))
    is_tagged, is_addressed = are_mixed and 2 * len(set(tags)) <= len(tags), b"enerateContent" in raw
    return Elements(parts, partial(_value_of, is_tagged=is_tagged, is_addressed=is_addressed), "log")


class _Part(Struct):
    """An object in a log as JSON, or a text. ``tag``, ``model``: the id of its call, and a model, before it in its line."""

    content: str | bytes
    tag: str = ""
    model: str = ""


def _value_of(part: _Part, *, is_tagged: bool, is_addressed: bool) -> Any:
    value = loads(part.content) if isinstance(part.content, bytes) else part.content
    about = {"id": part.tag} if is_tagged and part.tag else {}
    about |= {"model": part.model} if part.model and not is_addressed else {}
    return {**about, "logged": value} if about else value


_TAGS = (
    ("[", re.compile(r"\[(?!\d{4}-\d\d-\d\d)([0-9a-f][0-9a-f-]{5,35})\]")),
    ("-", re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")),
    ("id", re.compile(r"""(?:request|req|trace|correlation|call)_?id[ "']*[=:][ "']*([\w-]{2,64})""")),
    ("-", re.compile(r"(?:\[|\b(?=(?:req|request|call|job|task)-))([a-z][\w.#-]{0,60}-\d{1,9})\b(?!-)")),
)
"""The forms of an id of a call, or of a thread, in a line of a log, each behind a text without which it is not there."""


def _in_front(text: str, begin: int) -> str:
    """The line before a place."""
    return text[max(0, begin - _WIDEST) : begin].rpartition("\n")[2]


def _tag(text: str, begin: int) -> str:
    near = _in_front(text, begin).lower()
    return next((found[1] for mark, tag in _TAGS if mark in near and (found := tag.search(near))), "")


def _part(value: str | bytes, text: str, begin: int) -> _Part:
    """The value at a place of a text."""
    models = MODEL.findall(_in_front(text, begin))
    return _Part(value, _tag(text, begin), models[-1] if models else "")


def _candidates(raw: bytes) -> Iterator[_Part]:
    """The objects in a log as JSON, and the texts and addresses as text, in their order. A part of the log is read at a time."""
    blocks, text, at = _blocks(raw), "", 0
    vain, calls, hints, settings = _Vain(), _Ahead(""), _Ahead(""), Settings("")
    while True:
        match = _OBJECT.search(text, at)
        begin = match.start() if match else len(text)
        if calls.is_any(at, begin):
            yield from addresses(text, at, begin, settings)
        at = begin
        if begin + _LONGEST > len(text) and (more := next(blocks, "")):
            gone = max(0, begin - _FAR)
            text, at = text[gone:] + more, begin - gone
            vain = _Vain(vain.spare + len(more) // _PER_ATTEMPT, vain.events - gone, vain.joined - gone)
            calls, hints, settings = _Ahead(text, "enerateContent"), _Ahead(text, *_HINTS), Settings(text)
            continue
        if match is None:
            return
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        value, length = _around(text, begin, vain)
        if not length and _CLOSED.search(text, begin, end):
            near = text[begin : min(end, begin + _ROOM)]  # most are short: a long line is not copied for each
            value, length = _object(near)
            if not length and len(near) < end - begin:
                value, length = _object(text[begin:end])
        may_follow = not length and vain.spare > 0 and hints.is_any(begin, begin + _SOON)
        if may_follow and _is_open(text[begin:end]):
            value, length = _over_lines(text, begin)
        if length:
            yield _part(value, text, begin)
        if not (length or may_follow) and calls.is_any(begin, end):
            yield from addresses(text, begin, end, settings)
        at = begin + (length or (1 if may_follow else end - begin))
        vain.spare -= may_follow and not length


class _Vain(Struct):
    """What was looked for in vain in a text, so that nothing long is read again and again.

    ``spare``: how many more objects may turn out to be none. ``events``, ``joined``: the places before which no event stream begins, and
    no texts are joined.
    """

    spare: int = _MOST_ATTEMPTS
    events: int = 0
    joined: int = 0


def _around(text: str, begin: int, vain: _Vain) -> tuple[Any, int]:
    """The text in quotes, the event stream or the list that begins before an object, and where it ends, counted from there; 0 if there is none."""
    if not text[max(0, begin - _NEAR) : begin].rstrip().endswith(_BEFORE):
        return None, 0
    ways = (_quoted, _events, _array)
    return next((found for way in ways if (found := way(text, begin, vain))[1]), (None, 0))


def _blocks(raw: bytes) -> Iterator[str]:
    """The text of whole lines, a few megabytes at a time: as characters, a long text takes up to four times its bytes."""
    at = 0
    while at < len(raw):
        end = raw.find(b"\n", at + _BLOCK) + 1 or len(raw)
        text = _without_doubles(raw[at:end].decode("utf-8", "replace"))
        text = _MARGIN.sub("", text) if ".stripMargin" in text or ".trimMargin" in text else text
        yield _RAW_BORDER.sub("", _ADDED.sub(r"{\1}", text))
        at = end


class _Ahead:
    """The next of some words in a text, for a reader who never goes back: each is looked for once."""

    def __init__(self, text: str, *words: str) -> None:
        self._text, self._places = text, dict.fromkeys(words, -1)
        self._begin, self._end = -1, sys.maxsize

    def is_any(self, begin: int, end: int) -> bool:
        """Whether the next word from a place ends before another."""
        if self._begin < begin and self._places:
            for word, place in self._places.items():
                if place < begin:
                    found = self._text.find(word, begin)
                    self._places[word] = found if found >= 0 else sys.maxsize
            self._begin, self._end = min((place, place + len(word)) for word, place in self._places.items())
        return self._end <= end


def addresses(text: str, at: int, end: int, settings: Settings) -> Iterator[_Part]:
    """The addresses in a part of a text, with the variables in them that the text sets before."""
    for found in _ADDRESS.finditer(text, at, end):
        yield _Part(_HOLE.sub(partial(settings.filled, found.start()), found[0]), _tag(text, found.start()))


_SETTING = re.compile(r"""\b(\w+)\b(?=[ \t]*(?::[ \t]*\w+[ \t]*)?(?::?=|:)[ \t]*["'`]([^\s"'`{}]+)["'`])""")


class Settings:
    """The texts that a program sets its variables to, for a reader who never goes back."""

    def __init__(self, text: str) -> None:
        self._found = _SETTING.finditer(text)
        self._next = re.match("", text)
        self._last = dict[str, re.Match[str]]()

    def filled(self, at: int, hole: re.Match[str]) -> str:
        """The text that a variable in an address is set to not far before it, at last."""
        while self._next and self._next.start() < at:
            self._last[self._next[0]] = self._next
            self._next = next(self._found, None)
        setting = self._last.get(hole["in"] or hole["bare"])
        return setting[2] if setting and setting.start() >= at - _FAR else hole[0]


_VERBATIM = re.compile(r'(\$?)(?:@|(?=\$?"\{+""))(\$?)"((?:[^"]|"")*+)"')


def _without_doubles(text: str) -> str:
    """The text without the quotes that are doubled within quotes, in the verbatim strings of C#, in Visual Basic and in SQL."""
    if "INSERT INTO" in text:
        text = text.replace("''", "'")
    if not any(mark in text for mark in ('@"', '@$"', '"{""')):
        return text
    return _VERBATIM.sub(_as_json, text)


def _as_json(found: re.Match[str]) -> str:
    """A verbatim string as JSON. One with ``$`` doubles its brackets too."""
    text = found[3].replace('""', '"')
    text = re.sub(r"\{\{|\}\}", lambda two: two[0][0], text) if found[1] or found[2] else text
    return json.dumps(text, ensure_ascii=False)


def _quoted(text: str, begin: int, vain: _Vain) -> tuple[Any, int]:
    """The text in quotes. Logs with ``key="value"`` write bodies so, and Python. An event stream and a list begin with more than the object."""
    opened = _OPENED.search(text, max(0, begin - _NEAR), begin)
    found = _QUOTED.match(text, opened.start(1)) if opened else None
    if not opened or not found or found.end() <= begin:
        return None, 0
    end = found.end()
    try:
        inside, end = _joined(text, opened.start(), end, _MOST_STRINGS if begin >= vain.joined else 0)
        if inside.lstrip()[:1] in ("{", "["):
            loads(inside)
        if any(hint in inside for hint in _HINTS):
            return f"{inside}\n\n" if inside[:5] == "data:" and inside[-1:] == "}" else inside, end - begin
    except ValueError:  # a shell's quotes, in which nothing is escaped
        pass
    vain.joined = max(vain.joined, end)
    return None, 0


_NEXT = re.compile(r"""\s*+(?:[+.]\s*+)?(?=["'])""")
_MOST_STRINGS = 500


def _joined(text: str, start: int, end: int, most: int) -> tuple[str, int]:
    """The text of the string there and of those that follow it at once, as long as its JSON is not whole; and their end."""
    inside: str = literal_value(text[start:end])
    for _ in range(most):
        following = _NEXT.match(text, end)
        more = _QUOTED.match(text, following.end()) if following else None
        if more is None or (inside.rstrip()[-1:] in ("}", "]") and _is_whole(inside)):
            break
        with suppress(ValueError):
            inside += literal_value(more[0])
        end = more.end()
    return inside, end


def _is_whole(text: str) -> bool:
    """Whether the last event, or the value, in a text is whole JSON."""
    return json_of(text.rpartition("data:")[2].strip()) is not None


_DATA = re.compile(r"(?:^|[`\"']|(?P<prefix>: ))data: ?$", re.MULTILINE)
_EVENTS = re.compile(r"(?:(?:data: ?\{[^\n]*+|event: ?\w+[ \t\r]*+|[ \t\r]*+)(?:\n|\Z))++")
_IDENTITY = re.compile(r"""responseId["']\s*:\s*["']([^"']+)""")


def _events(text: str, begin: int, vain: _Vain) -> tuple[Any, int]:
    """The lines of one event stream that stand as they are in a page or a program. Long lines of events are not read again from every event."""
    near = text[max(0, begin - 10) : begin]
    head = _DATA.search(near) if begin >= vain.events and near.endswith(("data:", "data: ")) else None
    found = _EVENTS.match(text, text.rindex("data:", 0, begin)) if head else None
    if head is None or found is None or (head["prefix"] and found[0].count("\n") < 2):  # each line has a prefix
        return None, 0
    whole = found[0][: found[0].rfind("}") + 1]
    if not _is_whole(whole) or not any(hint in whole for hint in _HINTS):
        vain.events = found.end()
        return None, 0
    ids = [(one[1], found.start() + one.start()) for one in _IDENTITY.finditer(whole)]
    if others := [place for one, place in ids if one != ids[-1][0]]:
        vain.events = others[-1]
        return None, 0
    return f"{whole}\n\n", found.start() + len(whole) - begin


_LIST = re.compile(r"\[\s*$")


def _array(text: str, begin: int, vain: _Vain) -> tuple[Any, int]:
    """The JSON array of answers, as text: the body of a stream that was not asked for as events."""
    is_answer = vain.spare > 0 and '"candidates"' in text[begin : begin + _NEAR]
    head = _LIST.search(text, max(0, begin - _NEAR), begin) if is_answer else None
    if head is None:
        return None, 0
    value, whole = _long_object(lambda room: text[head.start() : head.start() + room])
    answers = loads(value) if whole else None
    if isinstance(answers, list) and all(isinstance(one, dict) and "candidates" in one for one in answers):
        return whole, head.start() + len(whole) - begin
    vain.spare -= 1
    return None, 0


def _is_open(line: str) -> bool:
    """Whether an object that begins in a line ends in another."""
    return line.rstrip()[-1] in "{[(,>" or sum(map(line.count, "{[(")) > sum(map(line.count, "}])"))


def _over_lines(text: str, begin: int) -> tuple[bytes, int]:
    """An object over several lines of a log, which may all begin with the same prefix but for its digits."""
    start, end = text.rfind("\n", 0, begin) + 1, text.find("\n", begin) + 1
    here, below = _DIGIT.sub("0", text[start:begin]), _DIGIT.sub("0", text[end : end + begin - start])
    width = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here[:_WIDEST], below, strict=False)))
    prefix = here[:width] if end else ""
    mark = "".join(r"\d" if one == "0" else re.escape(one) for one in prefix)

    def bare(room: int) -> str:
        alike = re.compile(rf"(?:{mark}[^\n]*+\n?)*+").match(text, start, start + room)
        return re.sub(f"^{mark}", "", alike[0], flags=re.MULTILINE)[begin - start - width :] if alike else ""

    def with_prefix() -> tuple[bytes, int]:
        value, whole = _long_object(bare) if prefix else (b"", "")
        return value, len(whole) + width * whole.count("\n")

    def as_it_is() -> tuple[bytes, int]:
        value, whole = _long_object(lambda room: text[begin : begin + room])
        return value, len(whole)

    ways = (with_prefix, as_it_is) if prefix.strip() else (as_it_is, with_prefix)
    return next((found for way in ways if (found := way())[1]), (b"", 0))


def _long_object(part: Callable[[int], str]) -> tuple[bytes, str]:
    """The object at the beginning of a text, as JSON and as it is; empty if there is none. ``part``: so much of the text."""
    from harness.transport.cassette import literals

    near = part(_ROOM)
    value, length = _object(near)
    if 0 < length < len(near) or literals.length(near):
        return value, near[:length]
    far = part(_LONGEST if _is_cut(near) else _LONGEST_LITERAL)
    if len(far) > len(near):
        value, length = _object(far)
    return value, far[:length]


def _is_cut(text: str) -> bool:
    """Whether a text is the beginning of JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as fault:
        return fault.pos > len(text) - _SHORT or fault.msg.startswith("Unterminated")
    except RecursionError:
        return False
    return True


def _object(text: str) -> tuple[bytes, int]:
    """The object at the beginning of a text, as JSON, and its length; 0 if there is none."""
    try:
        value, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return _object_literal(text)
    return (text[:length].encode("utf-8", "surrogatepass"), length) if not is_deeper(value) else (b"", 0)


def _object_literal(text: str) -> tuple[bytes, int]:
    """The object at the beginning of a text, as JavaScript, Python, Ruby or Elixir writes it."""
    from harness.transport.cassette import literals

    quoted = text[1:80].lstrip()[:1] == '"'
    if quoted and not any(hint in text[:_SOON] for hint in _HINTS):
        return b"", 0  # JSON that is broken
    end = literals.length(text[: _LONGEST_LITERAL // 4 if quoted else _LONGEST_LITERAL])
    if not end or not any(hint in text[:end] for hint in _HINTS):
        return b"", 0
    with suppress(ValueError):
        value = literals.as_json(text[:end]).encode("utf-8", "surrogatepass")
        loads(value)
        return value, end
    return b"", 0
