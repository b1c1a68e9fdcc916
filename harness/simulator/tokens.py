"""Counts tokens: four UTF-8 bytes of text are one token. Crude, but consistent across all counts in usage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from harness.simulator.media import GEMINI_25, Scale

BYTES_PER_TOKEN = 4


def tokens(text: str) -> int:
    """Tokens of a text; 0 only for the empty text."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def clip(text: str, most: int) -> str:
    """The longest beginning of ``text`` with at most ``most`` tokens. No character is cut."""
    return text.encode("utf-8", "surrogatepass")[: most * BYTES_PER_TOKEN].decode("utf-8", "ignore")


def value_tokens(value: Any) -> int:
    """Tokens of a JSON value."""
    return tokens(json.dumps(value, ensure_ascii=False))


def part_tokens(part: Mapping[str, Any], scale: Scale = GEMINI_25) -> tuple[str, int]:
    """Modality and tokens of one part of a request or an answer."""
    text = part.get("text")
    if isinstance(text, str):
        return "TEXT", tokens(text)
    for kind in ("inlineData", "fileData"):
        if kind in part:
            return scale.tokens(part, part[kind])
    data = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
    return "TEXT", value_tokens(data) if data else 0


def tally(parts: Iterable[Mapping[str, Any]], scale: Scale = GEMINI_25) -> dict[str, int]:
    """Tokens by modality, without zeros."""
    counts: dict[str, int] = {}
    for part in parts:
        for modality, count in (part_tokens(part, scale), ("AUDIO", scale.sound(part))):
            if count:
                counts[modality] = counts.get(modality, 0) + count
    return counts


def details(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """``...TokensDetails`` of a tally."""
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]
