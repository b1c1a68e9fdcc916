"""Implicit caching: if a long prompt starts like an earlier one, usage reports the tokens of the shared beginning as cached."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.tokens import BYTES_PER_TOKEN, part_tokens, tokens

BLOCK = 1024
"""Tokens of one block. Beginnings are compared in whole blocks of text."""
KEPT = 4096
"""How many beginnings are stored. The oldest are dropped first."""
LEAST = {"gemini-4-argon": 6144}


def least(ask: Ask) -> int:
    """The minimum length of a cached beginning, in tokens."""
    return LEAST.get(ask.facts.name, 4096 if ask.generation >= (3, 0) else 2048)


class Prefixes:
    """The beginnings of earlier prompts."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, None] = OrderedDict()

    def seen(self, ask: Ask) -> dict[str, int]:
        """Tokens by modality of the longest beginning that was seen before; empty without one. Stores the beginnings of this prompt."""
        wanted = least(ask)
        if sum(ask.prompt_tokens().values()) <= wanted:
            return {}
        found: dict[str, int] = {}
        for digest, counts in _beginnings(ask):
            if sum(counts.values()) >= wanted:
                found = counts if digest in self._kept else found
                self._kept[digest] = None
                self._kept.move_to_end(digest)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _beginnings(ask: Ask) -> Iterator[tuple[bytes, dict[str, int]]]:
    """The digest of each beginning and its tokens by modality, shortest first. The whole prompt is not one of them."""
    digest, counts = hashlib.blake2b(ask.facts.name.encode(), digest_size=16), {"TEXT": 0}
    held: tuple[bytes, dict[str, int]] | None = None
    for modality, count, data in _pieces(ask):
        if held:
            yield held
        digest.update(data)
        counts[modality] = counts.get(modality, 0) + count
        held = digest.digest(), {name: tokens for name, tokens in counts.items() if tokens}


def _pieces(ask: Ask) -> Iterator[tuple[str, int, bytes]]:
    """The prompt in order, text in blocks."""
    yield "TEXT", 0, json.dumps([ask.body.get(name) for name in ("tools", "toolConfig")]).encode()
    for content in (ask.body.get("systemInstruction", {}), *ask.contents):
        for part in content.get("parts", ()):
            yield from _part(part, ask)


def _part(part: Mapping[str, Any], ask: Ask) -> Iterator[tuple[str, int, bytes]]:
    if isinstance(part.get("text"), str):
        yield from _blocks(part["text"])
    else:
        modality, count = part_tokens(part, ask.scale)
        yield modality, count, json.dumps(part).encode()


def _blocks(text: str) -> Iterator[tuple[str, int, bytes]]:
    data = text.encode("utf-8", "surrogatepass")
    size = BLOCK * BYTES_PER_TOKEN
    for start in range(0, len(data), size):
        block = data[start : start + size]
        yield "TEXT", len(block) // BYTES_PER_TOKEN if start else tokens(block.decode("utf-8", "ignore")), block
