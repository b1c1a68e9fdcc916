"""Reads a recording of any tool: finds its format, and turns it into requests and their answers.

A format is one file here, ``from_NAME.py``, with one decorated function. It takes the path and the bytes of a file, as UTF-8 and
unpacked, and returns what was asked, or None for a file of another format::

    @source("HTTP trace")
    def http_trace(path, raw) -> Iterable[Recorded | Unread] | None: ...

JSON, YAML and JSON lines need no file: they are read by shape. ``_LAYOUTS`` names the known ones.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import replace

from harness import extensions
from harness.errors import BadCassette
from harness.text.jsontext import an_object
from harness.transport.cassette import (
    archive,
    attachments,
    elements,
    from_shape,
    messages,
    packing,
    pairs,
)
from harness.transport.cassette.attachments import Beside
from harness.transport.cassette.bodies import ANSWER_FIELDS, Body, gist, is_answer
from harness.transport.cassette.documents import CASSETTE, NoDocument, documents, plain
from harness.transport.cassette.interaction import (
    UNREADABLE,
    Compact,
    Interaction,
    Item,
    Recorded,
    Unread,
    kept,
    read_interaction,
)
from harness.transport.cassette.logs import COMMANDS, logged
from harness.transport.cassette.pieces import Piece, fits, is_foreign_error, item_of
from harness.transport.cassette.texts import is_message
from harness.transport.cassette.values import Elements, Indivisible

__all__ = [
    "Item",
    "Reading",
    "Recorded",
    "Unread",
    "attempted",
    "by_pieces",
    "by_shape",
    "bytes_of",
    "paired",
    "read",
    "source",
]


class Reading(Struct, frozen=True):
    """What a file holds. ``format`` is the name of its format; ``recorded_with`` what the tool wrote about itself.

    ``bodies``: the files of their own that bodies of it are in.
    """

    format: str
    items: Sequence[Item]
    recorded_with: Mapping[str, Any]
    bodies: Collection[Path] = ()


Source = Callable[[Path, bytes], Iterable[Item] | None]

_sources: dict[str, Source] = {}


@overload
def source(name: Source) -> Source: ...
@overload
def source(name: str) -> Callable[[Source], Source]: ...
def source(name: str | Source) -> Source | Callable[[Source], Source]:
    """Register a recording format under a name for people; without one, that of the function."""
    if not isinstance(name, str):
        return source(name.__name__)(name)

    def register(function: Source) -> Source:
        _sources[name] = function
        return function

    return register


@cache
def _all_sources() -> Mapping[str, Source]:
    for module in extensions.modules_in([str(Path(__file__).parent)]):
        if module.startswith("from_"):
            importlib.import_module(f"harness.transport.cassette.{module}")
    extensions.load("sources")
    return _sources


def bytes_of(path: Path) -> bytes:
    """The bytes of a file. Raises BadCassette with the reason."""
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BadCassette(f"{path}: cannot be read: {fault.strerror}") from fault


def read(path: Path) -> Reading:
    """What the file holds; answers with the requests that are in a file of their own. A file of such requests holds nothing else, nor does
    a body that another recording names.

    Raises BadCassette, with the reason, if that is nothing, or nothing that can be read.
    """
    alike = pairs.named_alike(path)
    try:
        reading = _half(path) if alike else _alone(path)
    except BadCassette:
        if pairs.is_about(path):
            return Reading("about an exchange", [], {})
        raise
    if len(reading.items) == 1 and pairs.half(reading.items) and path in _bodies(attachments.naming(path)):
        return Reading("body of a recording", [], {})
    return paired(path, reading, alike, _items, _about(path) if alike else Piece())


def _bodies(recordings: Iterable[Path]) -> Iterator[Path]:
    for recording in recordings:
        with suppress(BadCassette):
            yield from _half(recording).bodies


def paired(
    path: Path, reading: Reading, alike: pairs.Alike, items_of: Callable[[Path], Any], around: Piece | None = None
) -> Reading:
    """A reading; that of halves of exchanges with their other halves and what is ``around``, if just one file is named and made like that."""
    if len(alike) < 2 or not pairs.half(reading.items):
        return reading
    halves = {file: list(items) for file, role in alike if pairs.half(items := items_of(file)) == role}
    requests = [items for items in halves.values() if isinstance(items[0], Recorded)]
    answers = [items for items in halves.values() if isinstance(items[0], Interaction)]
    if path not in halves or not requests or not answers:
        return reading
    if len(halves) > 2:
        names = ", ".join(file.name for file in halves)
        reason = f"{names} are named alike: leave one request and one answer, to read them as an exchange"
        return replace(reading, items=[*reading.items, Unread("its other half", reason)])
    couples = pairs.coupled(requests[0], answers[0])
    if not couples:
        return reading
    if isinstance(halves[path][0], Recorded):
        used = {id(asked) for asked, _ in couples}
        return Reading("request beside its answer", [one for one in halves[path] if id(one) not in used], {})
    asked = {id(answer): one.credentials for one, answer in couples}
    found = by_pieces(pairs.whole(*couple, around or Piece()) for couple in couples)
    keys = ((next(found), asked[id(one)]) if id(one) in asked else (one, ()) for one in halves[path])
    known = [replace(one, credentials=own) if own and isinstance(one, Interaction) else one for one, own in keys]
    return replace(reading, items=known)


def _about(path: Path) -> Piece:
    """What the file beside the halves of an exchange says of it."""
    with suppress(BadCassette, NoDocument, *UNREADABLE):
        beside = pairs.about(path)
        return next(iter(from_shape.scan(*documents(plain(bytes_of(beside)))) if beside else ()), Piece())
    return Piece()


def _items(path: Path) -> Sequence[Item]:
    with suppress(BadCassette):
        return _half(path).items
    return ()


def _half(path: Path) -> Reading:
    """A file that has another half by its name. A small one is read once, since the other half asks for it too."""
    with suppress(OSError):
        if (about := path.stat()).st_size < elements.LONG:
            return _read_last(path, about.st_mtime_ns)
    return _alone(path)


@lru_cache(32)
def _read_last(path: Path, _changed: int) -> Reading:
    return _alone(path)


def _alone(path: Path) -> Reading:
    """What a file holds; if that is no answer, with the bodies in the files that it names."""
    try:
        reading = _read_with(path, attachments.FilesBeside(path))
    except BadCassette:
        if whole := _with_bodies(path):
            return whole
        raise
    return reading if _is_answered(reading) else _with_bodies(path) or reading


def _with_bodies(path: Path) -> Reading | None:
    with suppress(BadCassette, OSError):
        is_short = path.suffix.lower() in attachments.NAMING and path.stat().st_size < elements.LONG
        if is_short and attachments.names_any(path):
            whole = _read_with(path, attachments.FilesBeside(path, anywhere=True))
            return whole if whole.bodies and _is_answered(whole) else None
    return None


def _is_answered(reading: Reading) -> bool:
    """Whether there is an answer, and not just the name of its file."""
    answers = (one.exchange.content for one in kept(reading.items) if isinstance(one, Interaction))
    return any(not attachments.is_name(answer) for answer in answers)


def _read_with(path: Path, beside: attachments.FilesBeside) -> Reading:
    try:
        with packing.one_file():
            # No name holds the bytes, so they are freed once they are decoded.
            try:
                reading = _read(path, plain(bytes_of(path)), beside, divided=True)
            except Indivisible:
                reading = _read(path, plain(bytes_of(path)), beside)
            return replace(reading, bodies=beside.used)
    except (NoDocument, archive.BadArchive) as fault:
        raise BadCassette(f"{path}: {fault}") from fault
    except UNREADABLE as fault:
        raise BadCassette(f"{path}: not readable: {type(fault).__name__}: {fault}") from fault


def _read(
    path: Path,
    content: bytes,
    beside: Beside,
    *,
    divided: bool = False,
    nested: bool = False,
) -> Reading:
    if archive.is_archive(content):
        return _checked(path, _of_archive(content, nested=nested))
    for name, function in () if content.startswith(CASSETTE) else _all_sources().items():
        found = function(path, content)
        if found is not None:
            reading = Reading(name, list(found), {})
            return _checked(path, reading, "" if reading.items else _missing(content))
    content = _TYPED.sub(rb"\1", attachments.included(_filled(content), beside))
    values = (elements.divided(content) if divided else None) or _documents(path, content)
    collected = list if len(content) < elements.LONG else Compact
    if attachments.are_named(content, beside):
        values = attachments.attached(values, beside)
    layout = _layout(values)
    if layout in ("bare JSON", "JSON array") and len({one.get("responseId") for one in _as_list(values[0])}) == 1:
        bare = Piece(answers=[Body(content, gist=gist(values[0]))], streams=layout == "JSON array")
        return _checked(path, Reading(layout, list(by_pieces([bare])), {}))
    may_be_normalised, short = b"parsed_body" in content, content if len(content) < elements.LONG else b""
    reason = "" if short else _missing(content)
    del content
    if layout in ("vcrpy", "HAR"):
        whole = values[0]
        is_har = layout == "HAR"
        found = of_messages("entry", whole["log"]["entries"]) if is_har else _of_vcrpy(whole, may_be_normalised)
        return _checked(path, Reading(layout, collected(found), an_object(whole.get("recorded_with"))))
    broken = values.broken if isinstance(values, Elements) else []
    layout, pieces = _pieces(path, layout, from_shape.exchanges(values), short)
    del values  # a long file is freed before its exchanges are there
    items = collected(_and_broken(by_pieces(pieces), broken))
    return _checked(path, Reading(layout, items, {}), reason if items else reason or _missing(short))


def _pieces(path: Path, layout: str, pieces: Iterator[Piece], short: bytes) -> tuple[str, Iterator[Piece]]:
    """The layout and the exchanges of a text: those of a log if its lines only happen to be YAML. ``short``: the text, if it is not long."""
    text = short if short.lstrip()[:1] not in (b"{", b"[") else b""
    if text and (first := next(pieces, None)) is not None:
        pieces = chain((first,), pieces)
    elif text and layout != "log" and not text.startswith(CASSETTE) and (values := logged(text)):
        layout, pieces = "log", from_shape.exchanges(values)
    is_program = path.suffix.lower() in _PROGRAMS
    if is_program or layout == "log":
        pieces = (piece for piece in pieces if not is_foreign_error(piece, of_google=not is_program))
        pieces = (piece if fits(piece) else replace(piece, request=None) for piece in pieces)
    return layout, pieces


_HOLE = re.compile(rb"(?:\{\{|<<)\s*(?:_\.)?([\w.-]+)\s*(?:\}\}|>>)|(?<=/):([\w.-]+)(?=[:/])")
"""A variable, or a part of a path that is one."""
_UNSET = re.compile(rb"(?<=[\"'])(?:%s)(?=/[^\s\"]{0,200}enerateContent)" % _HOLE.pattern)
"""A host that only an environment sets."""
_TYPED = re.compile(rb'\{\s*"\$number(?:Int|Long|Double)"\s*:\s*"(-?\d[\d.eE+-]*)"\s*\}')
"""A number as MongoDB writes it. Left so, a healthy answer would break rules."""
_FAR = 400
"""Bytes before a call in which a variable of its address begins."""
_SET = rb"""(?<![\w.-])([\w.-]++)["']?(?:[\s,]+["']?value["']?)?\s*[:=]\s*["']?((?:https?://|gemini-)[^\s"',]{1,200})"""
_PAIR = rb'"key"\s*:\s*"([^"\\]+)"[^{}]{0,200}?"(?:v|initialV)alue"\s*:\s*"((?:[^"\\]|\\.){0,2000}+)"'
"""A host or a model that a file sets, under its name; and any variable of a collection."""
_IN_EACH_OTHER, _MOST_HOLES = 3, 1_000
"""How often variables are filled in, and how many each time: a few lines that double a value would make gigabytes."""


def _filled(content: bytes) -> bytes:
    """The text of a collection of requests with its variables filled in: ``{{host}}``, ``{{ _.host }}``, ``<<host>>``, ``/:host``."""
    at = content.find(b"enerateContent") if len(content) <= elements.LONG else -1
    while at >= 0 and not any(mark in content[max(0, at - _FAR) : at] for mark in (b"{{", b"<<", b"/:")):
        at = content.find(b"enerateContent", at + 1)
    if at < 0:
        return content
    values = dict(re.findall(_SET, content)) | dict(re.findall(_PAIR, content))
    for _ in range(_IN_EACH_OTHER):
        content = _HOLE.sub(lambda found: values.get(found[1] or found[2], found[0]), content, _MOST_HOLES)
    return _UNSET.sub(b"", content)


def _documents(path: Path, content: bytes) -> Sequence[Any]:
    try:
        values = documents(content)
    except NoDocument as fault:
        reason = (
            _missing(content) if path.suffix.lower() not in DATA and content.lstrip()[:1] not in (b"{", b"[") else ""
        )
        raise (NoDocument(reason) if reason else fault) from fault
    ends = content[:99].lstrip()[:1] + content[-99:].rstrip()[-1:]
    is_cut = path.suffix.lower() in (".har", ".json") and ends not in (b"{}", b"[]")
    if is_cut and isinstance(values, Elements) and values.name == "log":
        values.broken.append(("its end", "the file is cut there; restore it, or record it again"))
    return values


_PROGRAMS = frozenset((".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".go", ".rs", ".rb", ".php", ".java", ".kt", ".scala", ".swift", ".cs", ".dart", ".ex", ".exs", ".cpp", ".el", ".lua"))  # fmt: skip
"""Of programs. Errors in them are mostly made up for a test."""


DATA = frozenset((".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".har", ".csv"))
"""Of files that are data. Others are prose, in which no mark is out of place."""


def _and_broken(items: Iterable[Item], broken: Sequence[tuple[str, str]]) -> Iterator[Item]:
    """The items, and if there are any, what is broken beside them."""
    last = None
    for last in items:
        yield last
    yield from (Unread(*place) for place in broken if last is not None)


def _checked(path: Path, reading: Reading, missing: str = "") -> Reading:
    unread = [item for item in kept(reading.items) if isinstance(item, Unread)]
    if not reading.items or len(unread) == len(reading.items):
        reason = f"{unread[0].where} is not readable: {unread[0].reason}" if unread else missing or _EMPTY
        raise BadCassette(f"{path}: {reading.format}: {reason}")
    return reading


_EMPTY = "no request or answer of Gemini is in it"
_OTHERS = {
    "Live": re.compile(rb"BidiGenerateContent|setupComplete"),
    "Interactions": re.compile(rb'"object":\s*"interaction"|"event_type":\s*"interaction\.'),
}
"""APIs for Gemini whose messages are not read -> what is in them."""
_CUT = "the file is cut before the end of its last answer; restore it, or record it again"
_NAMED = re.compile(rb"gemini-\d|gen_ai\.\w+|gemini-pro\b")


def _missing(content: bytes) -> str:
    """Why a file about Gemini holds nothing to judge; empty for a file about anything else."""
    if api := next((name for name, mark in _OTHERS.items() if mark.search(content)), None):
        return f"messages of the {api} API; only generateContent and streamGenerateContent are read"
    if b"enerateContent" in content and COMMANDS.search(content):
        return "it holds commands, which are requests without answers; `gemini-harness import` makes a suite of them"
    if content.startswith(CASSETTE) and not re.search(rb"\n[ -]+response:", content[content.rfind(b"request:") :]):
        return _CUT
    if _NAMED.search(content, 0, 10_000_000):
        return (
            "it names a Gemini model, but holds no request or answer in the form of the API; record the HTTP messages"
        )
    return ""


# --- archives ---------------------------------------------------------------------------------------------------


def _of_archive(content: bytes, *, nested: bool) -> Reading:
    """The recordings in an archive. HTTP messages in files of their own follow each other, as in one dump."""
    if nested:
        raise NoDocument("an archive in an archive; unpack it first")
    files, attached = archive.members(content), set[str]()

    def beside(name: str) -> bytes | None:
        name = name if name in files else f"resources/{name}"
        attached.add(name)
        return files.get(name)

    messages = [data for data in files.values() if is_message(data)]
    found = [("HTTP messages", b"\n".join(messages))] if messages else []
    found += sorted(files.items(), key=lambda file: not attachments.are_named(file[1], beside))
    readings = dict[Path, Reading]()
    for name, data in found:
        if name in attached or (is_message(data) and name in files):
            continue
        try:
            readings[Path(name)] = _read(Path(name), plain(data), beside, nested=True)
        except (BadCassette, NoDocument, *UNREADABLE) as fault:
            if b"enerateContent" in data or b'"candidates"' in data:
                readings[Path(name)] = Reading("", [Unread(name, str(fault).removeprefix(f"{name}: "))], {})
    entries, items_of = pairs.entries_of(readings), lambda file: readings[file].items
    whole = (paired(path, one, pairs.named_alike(path, entries), items_of) for path, one in readings.items())
    return Reading("archive", [item for one in whole for item in one.items], {})


# --- the known layouts ------------------------------------------------------------------------------------------


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | Elements) else [value]


def _has(value: Any, *keys: str) -> bool:
    return isinstance(value, dict) and all(key in value for key in keys)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | Elements) and value else None


def _is_vcrpy(whole: Any) -> bool:
    if not _has(whole, "interactions") or not isinstance(whole["interactions"], list | Elements) or "recordID" in whole:
        return False
    first = whole["interactions"][0] if whole["interactions"] else None
    if first is None:
        return True
    return (
        _has(first, "request", "response")
        and _has(first["request"], "uri")
        and not any(str(key).startswith("body_") for key in first["response"])
    )


_LAYOUTS: Mapping[str, Callable[[Any], bool]] = {
    "vcrpy": _is_vcrpy,
    "HAR": lambda whole: _has(whole, "log") and _has(whole["log"], "entries"),
    "R vcr": lambda whole: _has(whole, "http_interactions") and "VCR-vcr" in str(whole.get("recorded_with")),
    "Ruby VCR": lambda whole: _has(whole, "http_interactions"),
    "Google test-server": lambda whole: _has(whole, "recordID", "interactions"),
    "Google SDK replay": lambda whole: _has(whole, "replay_id") or _has(whole, "replayId"),
    "go-vcr": lambda whole: _has(whole, "interactions") and _has(_first(whole["interactions"]), "request", "response") and _has(_first(whole["interactions"])["request"], "url"),
    "Postman collection": lambda whole: _has(whole, "info", "item"),
    "Braintrust": lambda whole: _has(whole, "entries") and _has(_first(whole["entries"]), "matchKey"),
    "httpmock": lambda whole: _has(whole, "when", "then"),
    "nock": lambda whole: _has(_first(whole), "scope", "path"),
    "Datadog": lambda whole: _has(whole, "request", "response") and _has(whole["request"], "url", "method"),
    "bare JSON": lambda whole: is_answer(whole) and ANSWER_FIELDS.issuperset(whole),
    "JSON array": lambda whole: isinstance(whole, list | Elements) and bool(whole) and all(map(is_answer, whole)),
}  # fmt: skip
"""The name of a format -> whether a document has it. The first that fits counts."""


def _layout(values: Sequence[Any]) -> str:
    if not values:
        return "YAML"
    if isinstance(values, Elements) and values.name:
        return values.name
    if len(values) > 1 and not _LAYOUTS["httpmock"](values[0]):
        return "JSON lines"
    return next((name for name, fits in _LAYOUTS.items() if fits(values[0])), "by shape")


def attempted(kind: str, read_one: Callable[..., Item], index: int, *values: Any) -> Item:
    """What ``read_one`` makes of a part of a file. ``kind`` and ``index``, from 0, are the place of a part that it cannot read."""
    try:
        return read_one(index, *values)
    except UNREADABLE as fault:
        return Unread(f"{kind} {index}", f"{type(fault).__name__}: {fault}")


def _of_vcrpy(whole: Mapping[str, Any], may_be_normalised: bool) -> Iterator[Item]:
    items = whole["interactions"]
    normalised = may_be_normalised and any(
        "parsed_body" in item[side]
        for item in items
        if _has(item, "request", "response")
        for side in ("request", "response")
        if isinstance(item[side], dict)
    )
    read_one = partial(read_interaction, verbatim=not normalised)
    for index, item in enumerate(items):
        answer = an_object(an_object(item).get("response"))
        if _has(item, "request") and index == len(items) - 1 and _is_cut(answer):
            yield Unread(f"interaction {index}", _CUT)
            continue
        url = str(an_object(an_object(item).get("request")).get("uri"))
        if "enerateContent" in url and messages.address_in(url) is None:  # that of Code Assist, which wraps the bodies
            yield from by_shape([item], index)
        else:
            yield attempted("interaction", read_one, index, item)


def _is_cut(answer: Mapping[str, Any]) -> bool:
    """Whether the text of an answer ends before its body, or in its status."""
    status = answer.get("status", 0)
    return status is None or (bool(status) and answer.keys().isdisjoint(("body", "parsed_body", "content")))


def of_messages(kind: str, mappings: Iterable[Any]) -> Iterator[Item]:
    """The exchanges of mappings with a request and its answer each. ``kind``: what the tool calls such a mapping."""
    for index, mapping in enumerate(mappings):
        pieces = from_shape.scan(mapping)
        if not pieces and not (_has(mapping, "request") and isinstance(mapping["request"], dict)):
            yield Unread(f"{kind} {index}", "no request and answer of HTTP")
        yield from (attempted(kind, _of_piece, index, piece) for piece in pieces)


def by_pieces(pieces: Iterable[Piece], first: int = 0) -> Iterator[Item]:
    """Each piece as an interaction. ``first``: the number of the first."""
    return (attempted("exchange", _of_piece, index, piece) for index, piece in enumerate(pieces, first))


def by_shape(values: Iterable[Any], first: int = 0) -> Iterator[Item]:
    """The exchanges in these values. ``first``: the number of the first."""
    return by_pieces(from_shape.exchanges(values), first)


def _of_piece(index: int, piece: Piece) -> Item:
    if piece.failure and not piece.has_request:
        return Unread(f"exchange {index}", piece.failure)
    item, exact = item_of(piece)
    found = read_interaction(index, item, verbatim=exact)
    if not piece.has_answer or (found.exchange.status == 200 and not (found.exchange.content or found.exchange.fault)):
        return Recorded(found.exchange.request, None, found.credentials, piece.id or "")
    return replace(found, id=piece.id) if piece.id else found
