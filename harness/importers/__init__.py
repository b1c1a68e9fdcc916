"""Reads recordings of other tools as requests and exchanges: vcrpy cassettes, HAR files, curl command lines.

In: the bytes of a file. Out: the requests in it, and their answers; ``to_suite`` makes a suite and its cassettes from them.
May import: ``run``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``text``, ``extensions``.

A new format is one file here with one decorated function. It takes the path and the bytes of a file. It returns the requests
in the file, or None if the file has another format::

    @source
    def har(path, raw) -> Iterable[Recorded | Unread] | None: ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import extensions
from harness.errors import BadCassette
from harness.model import Exchange, Request


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that was sent, and its answer; None if the answer was not recorded.

    ``credentials`` are (place, value) pairs: the keys that were recorded with the request.
    """

    request: Request
    answer: Exchange | None = None
    credentials: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A request in a file that cannot be read. ``reason`` says why, and what to do."""

    line: int
    reason: str


Source = Callable[[Path, bytes], Iterable[Recorded | Unread] | None]

_sources: list[Source] = []


def source(function: Source) -> Source:
    """Register a recording format."""
    _sources.append(function)
    return function


def read(path: Path) -> list[Recorded | Unread]:
    """The requests in a file, in their order. Raises BadCassette, which names the format if it is a known one."""
    _load()
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise BadCassette(f"{path}: cannot be read: {fault.strerror}") from fault
    for function in _sources:
        found = function(path, raw)
        if found is not None:
            return list(found)
    raise BadCassette(f"{path}: no vcrpy cassette, HAR file or curl command")


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    extensions.load("sources")
