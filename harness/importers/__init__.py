"""Makes a suite and its cassettes of recordings of any tool, of curl command lines, and of files of requests; suites of those of promptfoo.

In: files. Out: the requests in them, and their answers; ``to_suite`` makes a suite and its cassettes from them.
May import: ``run``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``gemini``, ``text``.

Recordings are read by ``transport.cassette``, which the audit and a suite's ``cassette:`` use too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import BadCassette
from harness.importers import curl, http_files, programs, sdk
from harness.model import UNKNOWN_MODEL, Json
from harness.text.jsontext import is_utf8, loads
from harness.transport.cassette import Interaction, Item, Recorded, Unread, documents, from_shape, pairs, sources
from harness.transport.cassette.logs import logged
from harness.transport.cassette.messages import UNKNOWN_HOST
from harness.transport.cassette.spelling import camel


def read(path: Path) -> list[Recorded | Unread]:
    """The requests in a file, in their order; a command with the answer beside it. Raises BadCassette, with the reason, if it holds none."""
    found = sources.Reading("", _alone(path), {})
    return list(map(_recorded, sources.paired(path, found, pairs.named_alike(path), _beside).items))


def _beside(path: Path) -> Sequence[Item]:
    try:
        return _alone(path)
    except BadCassette:
        return ()


def _alone(path: Path) -> Sequence[Item]:
    suffix = path.suffix.lower()
    if suffix in http_files.SUFFIXES and (asked := http_files.read(path, sources.bytes_of(path))):
        return asked
    found, reason = list[Item](), None
    try:
        found += sources.read(path).items
    except BadCassette as fault:
        if not path.is_file():
            raise
        reason = fault
    answered = [item for item in found if isinstance(item, Interaction)]
    is_page, is_data, is_notebook = suffix in _HTML, suffix in sources.DATA, suffix == ".ipynb"
    is_recording = any(item.exchange.request.content for item in answered) or (answered and not is_page)
    if is_recording and is_data:
        return found
    raw = _in_utf8(sources.bytes_of(path))
    raw = _in_blocks(raw) if is_notebook else raw
    text = curl.as_text(raw.decode("utf-8", "replace"))
    commands = curl.read(path, text) if not is_recording or len(text) < _LONGEST_PAGE else []
    if is_recording:
        return [*(item for item in answered if not _is_mixed(item, commands)), *commands] if commands else found
    is_short_text = len(text) < _LONGEST_PAGE and not is_data
    requests = list(map(_asked, commands))
    if is_short_text:
        blocks = curl.blocks_without_commands(raw) if commands or is_notebook else [text]
        for item in (*(one for block in blocks for one in _in_program(block)), *sdk.read(programs.inlined(text))):
            _add(_asked(item), requests)
    found = [one.item for one in requests] or found  # a program says more than the bodies in it
    found += _unread(programs.gathered(text)) if is_short_text else ()
    if reason and not found:
        raise reason
    return found


_HTML = (".html", ".htm")
"""Pages whose answers may be read before their commands, which are escaped."""


def _in_utf8(raw: bytes) -> bytes:
    """The text of a file, where it says its encoding."""
    charset = None if is_utf8(raw) else re.search(rb"(?i)charset=[\"']?([\w-]+)", raw[:10_000])
    with suppress(documents.NoDocument, LookupError, UnicodeError):
        return raw.decode(charset[1].decode()).encode() if charset else documents.plain(raw)
    return raw


_LONGEST_PAGE = 1_000_000


def _is_mixed(item: Interaction, commands: Sequence[Recorded | Unread]) -> bool:
    """Whether it has the body of one command, and the address of another: a page shows no answer of it."""
    asked, requests = item.exchange.request, [one.request for one in commands if isinstance(one, Recorded)]
    models = [one.model for one in requests if one.body == asked.body]
    return bool(models) and asked.model not in models


class _Asked(NamedTuple):
    """An item; of a request also its body in a form to be compared."""

    item: Any
    form: Json = None


def _asked(item: Item) -> _Asked:
    return _Asked(item, _comparable(camel(item.request.body)) if isinstance(item, Recorded) else None)


def _add(new: _Asked, known: list[_Asked]) -> None:
    """Add what is not there, or is there without its host or its model."""
    for place, one in enumerate(known):
        if one.item == new.item:
            return
        if isinstance(one.item, Recorded) and isinstance(new.item, Recorded) and one.form == new.form:
            before = one.item.request
            if is_vague := UNKNOWN_HOST in before.url or before.model == UNKNOWN_MODEL:
                known[place] = new
            if is_vague or before.model == new.item.request.model:
                return
    known.append(new)


def _comparable(value: Json) -> Json:
    """A body without the roles of users, and with what is alone in a list in its place: SDKs write both, pages neither."""
    if isinstance(value, list):
        return _comparable(value[0]) if len(value) == 1 else [_comparable(item) for item in value]
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items() if (key, item) != ("role", "user")}
    return value


def _in_blocks(notebook: bytes) -> bytes:
    """The cells of a notebook of Jupyter as the blocks of a page."""
    try:
        texts = ("".join(cell["source"]) for cell in loads(notebook)["cells"])
        page = _OF_PYTHON.sub(r"\1=", "\n".join(f"```\n{text}\n```" for text in texts))
        names = "|".join({*re.findall(r"(?m)^(\w+)=[\"']", page)})
        return re.sub(rf"(?<=models/)\{{({names})\}}(?=:)", r"${\1}", page).encode()
    except (ValueError, LookupError, TypeError):
        return notebook


_OF_PYTHON = re.compile(r"^(\w+) = (?=[\"'])", re.MULTILINE)
"""A text that a cell of a notebook sets. The commands in other cells may use it."""


def _in_program(block: str) -> Iterator[Recorded]:
    """The requests of a program, in a page or alone: those with an address."""
    if not any(path in block for path in ("enerateContent", "/completions")):
        return
    program = programs.inlined(block).encode("utf-8", "replace")
    pieces = from_shape.exchanges(logged(program, is_program=True))
    items = sources.by_pieces(piece for piece in pieces if piece.url and piece.has_request)
    yield from (item for item in items if isinstance(item, Recorded))


_OF_LIBRARY = re.compile(
    r"""\bChat(?:GoogleGenerativeAI|VertexAI)\(|\b(?:Google|Gemini)Model\(|\b(?:google|vertex)\(\s*["'](?=gemini-)"""
    r"""|["'](?:gemini/|vertex_ai/|google[-_](?:genai|gla|vertex|vertexai):)gemini-"""
)
"""Where a program names a model to LangChain, Pydantic AI, LiteLLM or the AI SDK."""


_OF_BODY = r"(?:contents|generation_?[cC]onfig|system_?[iI]nstruction|safety_?[sS]ettings|tools)"
_CHANGED = re.compile(
    rf"^[ \t]*+(?:if\b[^\n]{{0,80}}[ \t)])?(?!self|this)\$?\w++(?:\[[\"']{_OF_BODY}[\"']\]|\.{_OF_BODY}\b)[^\n=(]{{0,80}}?(?:[ \t]*=(?!=)|\.(?:append|push|extend)\()",
    re.MULTILINE,
)
"""Where a program changes a body that it has."""


def _unread(text: str) -> Iterator[Unread]:
    """The first call of each kind of another library, whose request only the library makes; and the changes of bodies."""
    libraries = {one[0]: one for one in reversed(list(_OF_LIBRARY.finditer(text)))}.values()
    own, changed = "a call of a library with requests of its own", "it changes a body, which is read without it"
    for reason, places in ((own, libraries), (changed, _CHANGED.finditer(text))):
        for found in places:
            line = text.count("\n", 0, found.start()) + 1
            yield Unread(f"line {line}", f"{found[0].strip()}...: {reason}; record what it sends")


def _recorded(item: Item) -> Recorded | Unread:
    if isinstance(item, Interaction):
        return Recorded(item.exchange.request, item.exchange, item.credentials)
    return item
