"""Splits the bytes of an answer into JSON values with arrival times: one JSON value, server-sent events, or a JSON array.

Invalid data raises no error: it becomes an :class:`~harness.model.AnswerFault`, and the data around it is still read. The form is
recognised by the bytes, because gateways and error answers often have a wrong content type. Positions are in bytes, so an event
has the time of the chunk with its last byte, however the network splits the stream.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct, field

from harness.answer.lazy_events import LONG, LazyEvents
from harness.answer.refusals import is_binary
from harness.model import AnswerFault, Chunk, Event, Exchange, Json
from harness.text.jsontext import DEEPEST, is_deeper, may_be_deeper

Form = Literal["json", "sse", "array", "empty", "text"]
Clock = Callable[[int], float | None]
"""Position in the body in bytes -> arrival time of the byte before it in seconds, None if unknown."""

MOST_FAULTS = 100
"""The maximum number of faults of one body. A large page with the wrong content type has a fault in every line."""

DONE = "done"
"""The rule of a fault that says where a ``[DONE]`` came. It is none in a chat completion, whose streams end with one."""

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry", b"")
_WHITE = b" \t\r\n"


class Framed(Struct):
    """The events and faults of a body. ``events`` are in order of arrival; ``chat``: see `Reply`."""

    form: Form
    events: list[Event] | LazyEvents = field(default_factory=list)
    faults: list[AnswerFault] = field(default_factory=list)
    chat: Sequence[Json] = ()

    def add_fault(self, rule: str, at: str, message: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(AnswerFault(rule, at, message))


class Parsed(NamedTuple):
    """A JSON value, its end (in characters), and a complaint if the text is not strict JSON."""

    value: Json
    end: int
    complaint: str | None = None


class NotJson(ValueError):
    """The text is not JSON. The message says why and where."""


def unframe(exchange: Exchange) -> Framed:
    """Split the body of an exchange into events. Never raises on invalid data."""
    content = exchange.content
    start = len(_BOM) if content.startswith(_BOM) else 0
    framed = _unframed(exchange, content, start)
    if start and framed.form != "empty":
        framed.add_fault("sse-framing" if framed.form == "sse" else "json-body", "body", _MARKED)
    return framed


_MARKED = (
    "a byte order mark comes before the answer: parsers of JSON refuse it, and Google's clients miss the first event"
)


def _unframed(exchange: Exchange, content: bytes, start: int) -> Framed:
    first = content[start : start + 64].lstrip(_WHITE)[:1] or content[start:].lstrip(_WHITE)[:1]
    clock = _clock(exchange)
    if not first:
        return Framed("empty")
    if exchange.fault and is_binary(content, encoded=True):
        return Framed("text", faults=[AnswerFault("json-body", "body", exchange.fault)])
    if first == b"{":
        return _document(content, start, clock)
    if first == b"[":
        return _array(content, start, clock)
    framed = _Sse(clock).read(content, start)
    return framed if framed.form == "sse" else _document(content, start, clock, otherwise="text")


def parse(text: str, start: int = 0) -> Parsed:
    """The JSON value that starts at ``start``. Bare NaN and raw control characters are accepted with a complaint.

    Raises NotJson for any other text, and for nesting beyond DEEPEST.
    """
    complaint = None
    try:
        try:
            value, end = _exact.raw_decode(text, start)
        except ValueError as error:
            value, end = _lenient.raw_decode(text, start)
            complaint = str(error)
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    if text.count("{", start, end) + text.count("[", start, end) > DEEPEST and is_deeper(value):
        raise NotJson(_TOO_DEEP)
    return Parsed(value, end, complaint)


_TOO_DEEP = f"nested deeper than {DEEPEST} levels"


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not a JSON value")


_exact = json.JSONDecoder(parse_constant=_refuse)
_lenient = json.JSONDecoder(strict=False)


def _clock(exchange: Exchange) -> Clock:
    chunks: Sequence[Chunk] = exchange.chunks
    if exchange.provenance.timing == "lost" or not chunks:
        return lambda _end: None
    ends = list(accumulate(len(chunk.data) for chunk in chunks))
    return lambda end: chunks[min(bisect_left(ends, end), len(chunks) - 1)].at


def _text(raw: bytes, framed: Framed, rule: str, at: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        framed.add_fault(rule, at, f"not UTF-8 at byte {error.start}: {error.reason}")
        return raw.decode(errors="replace")


def _skip_white(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


# --- one JSON value ---------------------------------------------------------------------------------------


def _document(content: bytes, start: int, clock: Clock, otherwise: Form = "json") -> Framed:
    """The whole body as one JSON value; ``otherwise`` is the form of a body that is not JSON."""
    framed = Framed("json")
    if (plain := _plain_object(content[start:])) is not None:
        framed.events.append(Event(plain, clock(len(content))))
        return framed
    text = _text(content[start:], framed, "json-body", "body")
    begin = _skip_white(text, 0)
    try:
        value, end, complaint = parse(text, begin)
    except NotJson as error:
        framed.form = otherwise
        framed.add_fault("json-body", "body", f"{error}; it begins {_excerpt(text[begin : begin + 80])}")
        return framed
    framed.events.append(Event(value, clock(len(content))))
    if complaint:
        framed.add_fault("json-body", "body", complaint)
    if end < len(text) and text[end:].strip():
        framed.add_fault(
            "json-body", "body", f"something follows the JSON value: {_excerpt(text[end : end + 200].strip())}"
        )
    return framed


# --- a JSON array, sent piece by piece ----------------------------------------------------------------------


def _array(content: bytes, start: int, clock: Clock) -> Framed:
    framed = Framed("array")
    text = _text(content[start:] if start else content, framed, "json-body", "body")
    position, bytes_before, counted = text.index("[") + 1, start, 0
    while True:
        position = _skip_white(text, position)
        if text[position : position + 1] == "," and framed.events:
            position = _skip_white(text, position + 1)
        elif framed.events and text[position : position + 1] not in ("", "]"):
            framed.add_fault("json-body", f"body[{len(framed.events)}]", "no comma before this value of the array")
        if position >= len(text) or text[position] == "]":
            break
        try:
            value, end, complaint = parse(text, position)
        except NotJson as error:
            framed.add_fault("json-body", f"body[{len(framed.events)}]", f"{error}; the rest of the array was not read")
            return framed
        bytes_before += len(text[counted:end].encode(errors="surrogatepass"))
        position = counted = end
        if complaint:
            framed.add_fault("json-body", f"body[{len(framed.events)}]", complaint)
        framed.events.append(Event(value, clock(bytes_before)))
    _close_array(framed, text, position)
    return framed


def _close_array(framed: Framed, text: str, position: int) -> None:
    if position >= len(text):
        framed.add_fault("json-body", "body", "the JSON array is cut off: no closing bracket")
    elif text[max(0, position - 10) : position].rstrip().endswith(","):
        framed.add_fault("json-body", "body", "the JSON array has a comma before its closing bracket")
    elif text[position + 1 :].strip():
        rest = text[position + 1 : position + 200].strip()
        framed.add_fault("json-body", "body", f"something follows the JSON array: {_excerpt(rest)}")


def _plain_object(payload: bytes) -> dict[str, Json] | None:
    """The JSON object in these bytes; None if they hold anything else, or need a complaint: ``parse`` says which."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) and not may_be_deeper(payload) else None


# --- server-sent events -----------------------------------------------------------------------------------


_SLAB = 1_000_000


def _lines(content: bytes, start: int) -> Iterator[bytes]:
    """The lines with their ends. Those of a long body are not all made at once."""
    while start < len(content):
        end = content.find(b"\n", start + _SLAB) + 1 or len(content)
        yield from content[start:end].splitlines(keepends=True)
        start = end


class _Sse:
    """Reads an event stream line by line. Lines end with LF, CRLF or CR only."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.framed = Framed("text")
        self.data: list[bytes] = []
        self.stray: list[bytes] = []
        self.end = 0

    def read(self, content: bytes, start: int) -> Framed:
        """``form`` stays ``text`` if the body has no line of an event stream."""
        position = start
        if len(content) > LONG:
            self.framed.events = LazyEvents(content)
        for raw in _lines(content, start):
            line = raw.rstrip(b"\r\n")
            self.line(line, position + len(line))
            position += len(raw)
        if self.data:
            self.add_fault("the last event is not ended by a blank line")
        self.dispatch()
        return self.framed

    def line(self, line: bytes, end: int) -> None:
        if not line:
            self.dispatch()
            return
        name, _, value = line.partition(b":")
        if name not in _FIELDS:
            self.stray.append(line)
            self.end = end
            return
        self.flush_stray_lines()
        self.framed.form = "sse"
        if name == b"data":
            self.data.append(value[1:] if value[:1] == b" " else value)
            self.end = end

    def dispatch(self) -> None:
        """At a blank line or the end of the stream: the collected data lines become an event."""
        lines, self.data = self.data, []
        several = len(lines) > 1 and all(line.lstrip()[:1] == b"{" for line in lines)
        if lines and not self.read_payload(b"\n".join(lines), quiet=several):
            self.add_fault(
                f"{len(lines)} data lines are not one JSON value together: is a blank line missing between events?"
            )
            for line in lines:
                self.read_payload(line)
        self.flush_stray_lines()

    def read_payload(self, payload: bytes, *, quiet: bool = False) -> bool:
        """Read one payload as an event. If it is not JSON: False and no fault with ``quiet``, else True and a fault."""
        if payload.strip() == b"[DONE]":
            self.add_fault("'[DONE]' is not a Gemini event: the stream just ends", DONE)
            return True
        if (plain := _plain_object(payload)) is not None:
            self.add_event(plain, payload)
            return True
        text = _text(payload, self.framed, "sse-framing", self.at)
        try:
            begin = _skip_white(text, 0)
            value, end, complaint = parse(text, begin)
        except NotJson as error:
            if not quiet:
                self.add_fault(f"the payload is not JSON: {error}; it begins {_excerpt(text[:80])}")
            return not quiet
        if text[end:].strip():
            if quiet:
                return False
            complaint = f"something follows the JSON object: {_excerpt(text[end : end + 200].strip())}"
        if not isinstance(value, dict):
            complaint = f"the payload is not a JSON object: {_excerpt(text[:80])}"
        if complaint:
            self.add_fault(complaint)
        self.add_event(value)
        return True

    def add_event(self, value: Json, line: bytes = b"") -> None:
        """``line``: the line that it is, if it is one."""
        events = self.framed.events
        if isinstance(events, LazyEvents) and line and b"\n" not in line:
            events.place(self.end - len(line), self.end, self.clock(self.end))
        else:
            events.append(Event(value, self.clock(self.end)))

    def flush_stray_lines(self) -> None:
        """Handles lines that are not SSE. They are a fault; JSON in them is read as an event, since some errors come so."""
        lines, self.stray = self.stray, []
        if not lines:
            return
        text = b"\n".join(lines).decode(errors="replace")
        self.add_fault(f"not a line of an event stream: {_excerpt(text.strip())}")
        begin = _skip_white(text, 0)
        if text[begin : begin + 1] == "{":
            with suppress(NotJson):
                self.framed.events.append(Event(parse(text, begin).value, self.clock(self.end)))

    @property
    def at(self) -> str:
        return f"events[{len(self.framed.events)}]"

    def add_fault(self, message: str, rule: str = "sse-framing") -> None:
        self.framed.add_fault(rule, self.at, message)
