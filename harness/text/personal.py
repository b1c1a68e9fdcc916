"""Replaces personal data in texts and JSON values by what the configuration says (``redact:``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness.model import Json

_ENCODED = frozenset({"thoughtSignature", "thought_signature"})
_KEPT = frozenset({"id", "group", "suite", "case", "target", "cassette", "file", "place", "tags", "axes"})
"""The members of a saved row that name a trial. Runs are resumed and compared by them."""


class PersonalPattern(Struct, frozen=True):
    """What is replaced: every match of ``pattern``, a regular expression of Python, by the text ``replacement``."""

    name: str
    pattern: str
    replacement: str

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of every match. Raises TooSlow."""
        from harness.text import patterns

        return patterns.spans(self.pattern, text)

    @property
    def complaint(self) -> str | None:
        """Why it cannot be used; None if it can."""
        from harness.text import patterns

        if fault := patterns.complaint(self.pattern):
            return f"{self.pattern!r} is not a regular expression: {fault}"
        if patterns.search(self.pattern, ""):
            return f"{self.pattern!r} matches an empty text, so it would match everywhere"
        if patterns.search(self.pattern, self.replacement):
            return f"its replacement {self.replacement!r} matches the pattern itself, so it would be replaced again"
        return None


class Redaction(Struct, frozen=True):
    """The patterns of a folder. False if there are none. Methods raise TooSlow; nothing may be written then."""

    patterns: Sequence[PersonalPattern] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def text(self, text: str) -> str:
        """The text with every match replaced."""
        return self.pieces([text])[0]

    def pieces(self, texts: Sequence[str]) -> list[str]:
        """The pieces of one text. A match over several pieces is replaced in the first one and removed from the others."""
        found = list(texts)
        for one in self.patterns:
            spans = one.spans("".join(found))
            found = list(_cut(found, spans, one.replacement)) if spans else found
        return found

    def value(self, value: Json) -> Json:
        """A JSON value with every text and member name redacted. Data in base64 and signatures stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(key): item if _is_encoded(key, value) else self.value(item) for key, item in value.items()
            }
        return [self.value(item) for item in value] if isinstance(value, list | tuple) else value

    def row(self, row: Any) -> Any:
        """A row of a run, for the disk. A text whose search takes too long is left out."""
        return {name: item if name in _KEPT else self._shown(item) for name, item in row.items()} if self else row

    def _shown(self, value: Json) -> Json:
        from harness.text.patterns import TooSlow, reset_time_limit

        reset_time_limit()
        try:
            return self.value(value)
        except TooSlow as fault:
            return f"[left out: {fault}]" if isinstance(value, str) else [] if isinstance(value, list) else None


NO_REDACTION = Redaction()


def _is_encoded(key: str, holder: Mapping[str, Any]) -> bool:
    return key in _ENCODED or (key == "data" and ("mimeType" in holder or "mime_type" in holder))


def _cut(texts: Sequence[str], spans: Sequence[tuple[int, int]], replacement: str) -> Iterator[str]:
    start = 0
    for text in texts:
        end = start + len(text)
        kept, at = [], start
        for first, last in spans:
            if first < end and last > start:
                kept += [text[at - start : max(first, at) - start], replacement if first >= start else ""]
                at = min(last, end)
        yield "".join([*kept, text[at - start :]])
        start = end
