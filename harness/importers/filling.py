"""What the readers of commands share: the files that one sends, why it cannot be read, and how much its variables may add to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from harness.model import UNKNOWN_MODEL
from harness.text import project
from harness.text.jsontext import compact

MOST_FILLED = 50_000_000
ReadFile: TypeAlias = Callable[[str], bytes]
_Value = TypeVar("_Value")


class Unreadable(ValueError):
    """Why a request cannot be read, and what to do."""


class TooLong(Unreadable):
    """What is filled in is longer than any request."""


def bytes_beside(folder: Path, name: str) -> bytes:
    """The content of a file that a request sends. Raises Unreadable, also if it lies outside of the project of the folder."""
    try:
        return project.Project(folder).read(name)
    except project.Outside:
        raise Unreadable(f"it sends {name}, which lies outside of the project; copy it beside the request") from None
    except project.Unreadable as fault:
        raise Unreadable(f"it sends {folder / name}, which cannot be read: {fault}; put it there") from fault


def decoded(content: bytes, name: str) -> str:
    """The text of such a file. Raises Unreadable."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Unreadable(f"it sends {name}, which is no text: {fault}") from fault


_PLACEHOLDER = re.compile(
    r"models/(?:[A-Z][A-Z0-9_]*|<[^<>/]+>|\{\{[^{}/]+\}\}|\$?\{[^{}/]+\}|\[[^\[\]/]+\]|your[-_][\w-]+):"
)
"""What documentation writes in the place of a model."""


def with_model(url: str) -> str:
    """An address with the name of an unknown model in the place of what documentation writes there."""
    return _PLACEHOLDER.sub(f"models/{UNKNOWN_MODEL}:", url)


class Room:
    """The characters that the values of a file may still add to it: a few lines that double a value would make gigabytes."""

    def __init__(self, most: int = MOST_FILLED) -> None:
        self._left, self._most = most, most

    def filled(self, value: _Value) -> _Value:
        """The value. Raises TooLong if it is longer than the room that is left, or nested too deep."""
        try:
            self._left -= len(value if isinstance(value, str) else compact(value))
        except RecursionError:
            raise TooLong("a value of a variable is nested too deep; write the value in its place") from None
        if self._left < 0:
            message = f"the values of its variables make more than {self._most:,} characters of it"
            raise TooLong(f"{message}; write the values in their place")
        return value
