"""Counting: four UTF-8 bytes are a token. Crude, but additive enough for every identity that usage must keep."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

BYTES_PER_TOKEN = 4
MODALITIES = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "application": "DOCUMENT"}
FIXED = {"IMAGE": 258, "VIDEO": 2580, "DOCUMENT": 258}
"""Tokens of one image, ten seconds of video, one page."""
_AUDIO_BYTES_PER_TOKEN = 1000


def tokens(text: str) -> int:
    """Tokens of a text; 0 only for the empty one."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def clip(text: str, most: int) -> str:
    """The longest beginning of ``text`` that is at most ``most`` tokens long; never cut inside a character."""
    return text.encode("utf-8", "surrogatepass")[: most * BYTES_PER_TOKEN].decode("utf-8", "ignore")


def value_tokens(value: Any) -> int:
    """Tokens of a JSON value."""
    return tokens(json.dumps(value, ensure_ascii=False))


def part_tokens(part: Mapping[str, Any]) -> tuple[str, int]:
    """Modality and tokens of one part of a request or an answer."""
    text = part.get("text")
    if isinstance(text, str):
        return "TEXT", tokens(text)
    for kind in ("inlineData", "fileData"):
        if kind in part:
            return _media(part[kind])
    data = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
    return "TEXT", value_tokens(data) if data else 0


def _media(blob: Mapping[str, Any]) -> tuple[str, int]:
    mime = str(blob.get("mimeType") or "application/octet-stream")
    if mime.startswith("text/"):
        return "TEXT", 1 + len(str(blob.get("data") or "")) * 3 // 4 // BYTES_PER_TOKEN
    modality = MODALITIES.get(mime.partition("/")[0], "DOCUMENT")
    if modality == "AUDIO":
        return modality, 1 + len(str(blob.get("data") or "")) * 3 // 4 // _AUDIO_BYTES_PER_TOKEN
    return modality, FIXED[modality]


def tally(parts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Tokens by modality, zeros left out."""
    counts: dict[str, int] = {}
    for part in parts:
        modality, count = part_tokens(part)
        if count:
            counts[modality] = counts.get(modality, 0) + count
    return counts


def details(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """``...TokensDetails`` of a tally."""
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]
