"""What is printed, and what reports hold: in the last place through which it goes, secrets give way to their names."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from harness.transport.redaction import Leaks

_AT_ONCE = 1 << 18
"""Characters that are looked through together."""


def leaks() -> Leaks:
    """The secrets of the environment, those among them that only a provider of the configuration names."""
    from harness.config import load
    from harness.errors import HarnessError
    from harness.transport.redaction import Leaks, known

    rows = None
    with suppress(HarnessError):
        rows = load(Path()).providers
    return Leaks(known(os.environ, rows))


def text(message: str) -> str:
    """A message as it may be shown."""
    return str(leaks().hidden(message))


@contextmanager
def streams() -> Iterator[None]:
    """In its block nothing that goes to stdout or stderr holds a secret."""
    with redirect_stdout(_discreet(sys.stdout)), redirect_stderr(_discreet(sys.stderr)):
        yield


@contextmanager
def writing(out: TextIO) -> Iterator[TextIO]:
    """The stream for a long text, which is looked through in large pieces that end with a line."""
    gathering = _Gathering(out.out if isinstance(out, _Discreet) else out)
    yield cast("TextIO", gathering)
    gathering.let_go()


def _discreet(out: TextIO) -> TextIO:
    return out if isinstance(out, _Discreet) else cast("TextIO", _Discreet(out))


class _Discreet:
    """Writes to a stream at once."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    @cached_property
    def _leaks(self) -> Leaks:
        return leaks()

    def write(self, written: str) -> int:
        self.out.write(str(self._leaks.hidden(written)))
        return len(written)

    def writelines(self, lines: Iterable[str]) -> None:
        with writing(self.out) as out:
            for line in lines:
                out.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)


class _Gathering(io.TextIOBase):
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._held: list[str] = []
        self._size = 0
        self._leaks = leaks()

    def write(self, written: str) -> int:
        self._held.append(written)
        self._size += len(written)
        if self._size > _AT_ONCE:
            self._held = ["".join(self._held)]
            self.let_go(self._held[0].rfind("\n") + 1 or self._size)
        return len(written)

    def let_go(self, end: int | None = None) -> None:
        """Write on what is held, up to there."""
        held = "".join(self._held)
        self._out.write(str(self._leaks.hidden(held[:end])))
        self._held = [] if end is None else [held[end:]]
        self._size = sum(map(len, self._held))
