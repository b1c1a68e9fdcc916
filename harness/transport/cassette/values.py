"""Values that stand in a text, decoded one at a time or as a whole: JSON, and objects as programs write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.text.jsontext import json_of, loads
from harness.text.lazy import Lazy


class Indivisible(Exception):
    """An element cannot be decoded on its own. The text must be decoded as a whole."""


class Elements(Lazy[Any]):
    """A sequence whose elements are decoded one at a time: ``read_one`` makes one of a part, and raises Indivisible if it cannot.

    ``name``: what the text is, if it is no document as a whole. ``broken``: (place, reason) of each line that is left out.
    """

    def __init__(
        self,
        parts: Sequence[Any],
        read_one: Callable[[Any], Any] = lambda part: part,
        name: str = "",
        broken: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(parts, lambda part: None if part is None else read_one(part))
        self._freed = 0
        self.name = name
        self.broken = list(broken)

    def free(self, end: int) -> None:
        """The elements before this one are not needed again. They are None from now on."""
        if isinstance(self.parts, list):
            self.parts[self._freed : end] = [None] * (end - self._freed)
            self._freed = end

    def changed(self, change: Callable[[Any], Any]) -> Elements:
        """The same sequence with every element changed as it is decoded."""
        return Elements(self.parts, lambda part: change(self.read_one(part)), self.name, self.broken)


def relaxed(text: str) -> str:
    """JSON as it is; an object or a list with remarks, with commas at its end or as a language writes it, as JSON. Raises ValueError."""
    from harness.transport.cassette import literals

    if text.lstrip()[:1] not in ("{", "[") or json_of(text) is not None:
        return text
    made = literals.as_json(text)
    return (
        made if "#" not in text or json_of(made) is not None else literals.as_json(re.sub(r"(?m)^[ \t]*#.*", "", text))
    )


def literal_value(text: str) -> Any:
    """The value of a text as JavaScript or Python writes it. Raises ValueError."""
    from harness.transport.cassette import literals

    return loads(literals.as_json(text))
