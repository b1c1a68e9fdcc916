"""What other tools keep of a conversation with Gemini, read as exchanges: vcrpy cassettes, HAR files, curl command lines.

In: the bytes of a file. Out: what was asked there; ``to_suite`` makes a suite and its cassettes of it.
May import: ``run``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``text``.

A new kind is one file here with one decorated function, which gets a file's bytes and gives what was asked there, or None
where the file is of another kind::

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

from harness.errors import BadCassette
from harness.model import Exchange, Request


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that was sent once, and its answer; None where that was not kept. ``credentials``: (where, value) of those that
    stood beside it."""

    request: Request
    answer: Exchange | None = None
    credentials: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A request in a file that cannot be read, and why, with what to do."""

    line: int
    reason: str


Source = Callable[[Path, bytes], Iterable[Recorded | Unread] | None]

_sources: list[Source] = []


def source(function: Source) -> Source:
    """Register a kind of recording."""
    _sources.append(function)
    return function


def read(path: Path) -> list[Recorded | Unread]:
    """What was asked in a file, in its order. Raises BadCassette, which names the format where that is a known one."""
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
