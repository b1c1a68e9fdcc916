"""Requests and answers in files of their own: ``x.request.json`` and ``x.response.json``, ``req/1.json`` and ``resp/1.json``.

Their names, or those of their folders, differ in one word, which one of them may lack. They are a pair if one holds just requests, and the
other just answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from harness.model import UNKNOWN_MODEL
from harness.text.grouping import gathered
from harness.transport.cassette.bodies import Body
from harness.transport.cassette.interaction import Interaction, Item, Recorded
from harness.transport.cassette.messages import UNKNOWN_HOST
from harness.transport.cassette.pieces import Piece

Half: TypeAlias = Literal["request", "answer"]
Alike: TypeAlias = Sequence[tuple[Path, Half]]
Entries: TypeAlias = Mapping[str, Sequence[tuple[Path, Half | Literal["about"] | None]]]
"""The entries of a folder, by their names without the word for their half."""
_WORDS: Sequence[Mapping[Half, str]] = (
    {"request": "request|req|prompt|input|question", "answer": "response|resp|res|answer|reply|output|result"},
    {"request": "in|sent|query|c", "answer": "out|received|expected|golden|s"},
)
"""Words for the halves. The second are looked for in names without any of the first."""
_BORDER = "(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_ABOUT = re.compile(r"(?i)(?:^|(?<=\.))meta(?:data)?(?=$|[._-]?\d+$)|(?<=[_-])meta$")
"""Says that a file is about the exchange whose halves are named like it, or about those of its folder."""
_PACKED = (".gz", ".zst", ".br")  # behind the suffix of a file
_WORD = [re.compile(rf"{_BORDER}(?i:{'|'.join(words.values())})s?(?![a-z])") for words in _WORDS]


def half(items: Sequence[Item]) -> Half | None:
    """Which half of exchanges these items are, if they are just that."""
    if items and all(isinstance(item, Recorded) and item.answer is None and item.request.content for item in items):
        return "request"
    are_bare = all(isinstance(item, Interaction) and not item.exchange.request.content for item in items)
    return "answer" if items and are_bare else None


def coupled(requests: Sequence[Recorded], answers: Sequence[Interaction]) -> Sequence[tuple[Recorded, Interaction]]:
    """Answers with their requests: those with the same id, or else all by their places where there are as many; empty if neither fits."""
    by_id = {one.id: one for one in requests if one.id}
    if found := [(by_id[answer.id], answer) for answer in answers if answer.id in by_id]:
        return found
    return list(zip(requests, answers, strict=True)) if len(requests) == len(answers) else []


def on_disk(folder: Path) -> Entries:
    """The entries of a folder; none of one that cannot be read."""
    try:
        return _entries(folder, folder.stat().st_mtime_ns)
    except OSError:
        return {}


def named_alike(path: Path, entries: Callable[[Path], Entries] = on_disk) -> Alike:
    """This file and those that are named like it but for the word for its half, each with that; empty without such a word.

    A file without a word is the half that no other has a word for.
    """
    _, name = _named(path.name)
    files = [(file, half) for file, half in entries(path.parent).get(name, ()) if half != "about"]
    if roles := {half for _, half in files if half}:
        other: Half | None = None if len(roles) > 1 else "answer" if "request" in roles else "request"
        return [(file, role) for file, half in files if (role := half or other)]
    own, folder = _named(path.parent.name)
    folders = entries(path.parent.parent).get(folder, ()) if own else ()
    sides = [(place, half) for place, half in folders if half and half != "about"]
    return [(file, half) for place, half in sides for file, word in entries(place).get(name, ()) if word is None]


def about(path: Path) -> Path | None:
    """The file about the exchange of the halves that are named like this one; None if there is none."""
    beside, (_, name) = on_disk(path.parent), _named(path.name)
    return next((file for key in (name, "*") for file, role in beside.get(key, ()) if role == "about"), None)


def is_about(path: Path) -> bool:
    """Whether a file is about an exchange in its folder."""
    role, name = _named(path.name)
    halves = {half for key, files in on_disk(path.parent).items() if name in ("*", key) for _, half in files}
    return role == "about" and not halves.isdisjoint(("request", "answer"))


def entries_of(names: Iterable[Path]) -> Callable[[Path], Entries]:
    """The entries of each folder in an archive with files of these names."""
    paths = {path for name in names for path in (name, *name.parents[:-1])}
    inside = gathered((path.parent, path) for path in sorted(paths))
    return lambda folder: _by_name(inside.get(folder, ()))


@lru_cache(1000)
def _named(name: str) -> tuple[Half | Literal["about"] | None, str]:
    """The half that the name of a file or folder says, and the name without that word."""
    path = PurePath(name)
    stem = path.with_suffix("").stem if path.suffix in _PACKED else path.stem
    for word, request in zip((*_WORD, _ABOUT), (*(words["request"] for words in _WORDS), ""), strict=True):
        if found := word.findall(stem):
            if len(found) > 1:
                break
            half: Half = "request" if re.fullmatch(f"(?i:{request})s?", found[0]) else "answer"
            return half if request else "about", re.sub(r"(?<=.)[._-]?\*$", "", word.sub("*", stem))
    return None, stem


@lru_cache(16)
def _entries(folder: Path, _changed: int) -> Entries:
    return _by_name(sorted(folder.iterdir(), key=lambda file: file.name))


def _by_name(paths: Iterable[Path]) -> Entries:
    named = ((path, *_named(path.name)) for path in paths)
    return gathered((name, (path, half)) for path, half, name in named)


def whole(request: Recorded, answer: Interaction, around: Piece) -> Piece:
    """The exchange of the two. What only the answer, or a file ``around`` it, shows is taken from there: its model, and that it is a stream."""
    asked, answered = request.request, answer.exchange
    model = (asked if asked.model != UNKNOWN_MODEL else answered.request).model
    is_kept_object = not answered.headers and answered.content[:1] == b"{"  # of a stream too, as a client returns it
    return Piece(
        url=asked.url if urlsplit(asked.url).hostname != UNKNOWN_HOST else around.url,
        model=around.model or model if model == UNKNOWN_MODEL else model,
        method=asked.method,
        headers=asked.headers,
        request=Body(asked.content),
        status=around.status or answered.status,
        answer_headers=answered.headers,
        answers=[Body(answered.content, exact=answered.verbatim and not is_kept_object)],
        streams=around.streams or "stream" in (asked.transport, answered.request.transport),
    )
