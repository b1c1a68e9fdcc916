"""Implicit caching: the beginning of a long prompt that was asked before costs less, and usage says how much of it."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.tokens import BYTES_PER_TOKEN, part_tokens

BLOCK = 1024
"""Tokens of text that are remembered together."""
KEPT = 4096
"""Beginnings that are remembered, the oldest forgotten first."""
LEAST = {"gemini-4-argon": 6144}


def least(ask: Ask) -> int:
    """Tokens that a beginning must have to be remembered."""
    return LEAST.get(ask.facts.name, 4096 if ask.generation >= (3, 0) else 2048)


class Prefixes:
    """The beginnings of prompts that came so far."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, None] = OrderedDict()

    def seen(self, ask: Ask) -> dict[str, int]:
        """Tokens by modality of the longest beginning that came before; empty where none did. Remembers this prompt's own."""
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
    """The digest of each beginning and its tokens by modality, shortest first; never of the whole prompt."""
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
        yield "TEXT", len(block) // BYTES_PER_TOKEN, block
