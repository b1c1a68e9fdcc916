"""Finds values for a structured answer in the prompt and in known facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.knowledge import KnownFact
from harness.simulator.schema_resolution import Schema, first_type
from harness.simulator.seed import Seed

LARGEST = 20_000
"""The maximum of values, characters or keys that one schema may require."""
_LABEL = re.compile(r"^[\s*\-•>]*([A-Za-z][\w .#/()-]{0,40}?)\s*[:=]\s*(\S[^\n]*?)\s*$", re.MULTILINE)
_ONE_LINE = re.compile(r"[.;,]\s+(?=[A-Z][\w ]{0,30}[:=]\s)")
"""The separator between labels on one line: ``Name: Soup. Servings: 4``."""
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where values come from: the text, the known answer to the question, and the seed."""

    text: str
    seed: Seed
    known: KnownFact | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, seed: Seed, known: KnownFact | None = None) -> ValueSource:
        labels = {found[1].strip().lower(): found[2] for found in _LABEL.finditer(_ONE_LINE.sub("\n", text))}
        return cls(text, seed, known, labels)


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """A place in the value that is being made: its name, its description, its path (which seeds choices), its depth, the root schema."""

    root: Schema
    name: str = ""
    about: str = ""
    path: str = "$"
    depth: int = 0
    many: int = 1
    """How often this place occurs in the value: the product of the lengths of the lists around it."""

    def under(self, name: str, about: str = "") -> ValuePlace:
        return replace(self, name=name, about=about, path=f"{self.path}.{name}", depth=self.depth + 1)

    def times(self, count: int) -> ValuePlace:
        """This place, ``count`` times. Raises the API's 400 above ``LARGEST``."""
        if self.many * count > LARGEST:
            raise refusal("too_many_states")
        return replace(self, many=self.many * max(count, 1))


def hinted(schema: Schema, source: ValueSource, at: ValuePlace) -> Any:
    """The value for this place in the known facts or the text; None without one."""
    kind = first_type(schema)
    if kind == "null":
        return None
    fact = fact_of(source, at)
    if fact is not None:
        return fact
    labelled = labelled_as(source, at)
    if labelled is not None:
        return labelled
    if kind in ("integer", "number"):
        return _number_near(source, at)
    if (
        source.known
        and at.depth <= 1
        and words_of(at.name)
        and words_of(at.name)[-1] in ("answer", "response", "text", "output", "result")
    ):
        return source.known.short if kind != "string" or len(source.known.short) < 40 else source.known.long
    return _inline(source, at)


def fact_of(source: ValueSource, at: ValuePlace) -> Any:
    facts = source.known.facts if source.known else {}
    if at.name in facts:
        return facts[at.name]
    words = words_of(at.name)
    return next((facts[word] for word in reversed(words) if word in facts), None) if words else None


def labelled_as(source: ValueSource, at: ValuePlace) -> str | None:
    """The value after the label that shares the most words with the name of this place, then with its description."""
    wanted = set(words_of(at.name))
    if not wanted:
        return None
    best: tuple[float, str] | None = None
    about = set(words_of(at.about))
    for label, value in source.labels.items():
        words = set(words_of(label))
        shared = len(words & wanted)
        score = shared / len(wanted) + 0.5 * len(words & about) / max(len(words), 1) - 0.1 * len(words - wanted - about)
        if shared and score > 0.4 and (best is None or score > best[0]):
            best = (score, value)
    return best[1] if best else None


def _number_near(source: ValueSource, at: ValuePlace) -> str | None:
    """``quantity 4`` or ``4 items``: the number next to the last word of the name."""
    for word in reversed(words_of(at.name)):
        stem = re.escape(word.rstrip("s"))
        if found := re.search(
            rf"\b{stem}s?\b\W{{0,6}}(?:is |of |was |= )?[$€£]?({NUMBER.pattern})", source.text, re.IGNORECASE
        ):
            return found[1]
        if found := re.search(rf"({NUMBER.pattern})[ -]?(?:\w+ )?{stem}s?\b", source.text, re.IGNORECASE):
            return found[1]
    return None


def _inline(source: ValueSource, at: ValuePlace) -> str | None:
    """``sku ABC-1001`` or ``name is Ada``: the word after the name."""
    words = words_of(at.name)
    if not words:
        return None
    name = r"[\s_-]".join(re.escape(word) for word in words)
    found = re.search(
        rf"\b{name}\b(?: is| was|:)?\s+[\"'“]?([A-Z0-9][\w@.-]*(?: [A-Z][\w-]*)*)", source.text
    ) or re.search(rf"\b(?i:{name})\b(?: is| was|:) [\"'“]?([\w@-]+)", source.text)
    return found[1] if found else None


@lru_cache(maxsize=2048)
def words_of(name: str) -> tuple[str, ...]:
    spaced = _CAMEL.sub(" ", name).lower()
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced) if word and word not in ("the", "of", "a", "an"))


def requested_keys(prompt: str) -> list[str]:
    """The quoted keys of ``with the keys "a" and "b"``."""
    found = re.search(
        r"\b(?:keys?|fields?|properties)\b:?\s+((?:(?:and|,|or)?\s*[\"'`“]\w+[\"'`”]\s*)+)", prompt, re.IGNORECASE
    )
    return re.findall(r"[\"'`“](\w+)[\"'`”]", found[1]) if found else []
