"""Embeddings. Texts that share words have similar vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.request import normal
from harness.simulator.resources import camel_fields
from harness.simulator.seed import Seed
from harness.simulator.tokens import part_tokens, tokens

DIMENSIONS = 3072
_EMBED_FIELDS = frozenset(["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"])
_TOUCHED = 48
_WORD = re.compile(r"\w+")


def embed(body: Any) -> dict[str, Any]:
    """``embedContent``."""
    return {"embedding": {"values": _vector(body)}}


def embed_all(body: Any) -> dict[str, Any]:
    """``batchEmbedContents``."""
    requests = camel_fields(body, frozenset({"requests"})).get("requests")
    return {
        "embeddings": [{"values": _vector(request)} for request in (requests if isinstance(requests, list) else [])]
    }


def _vector(body: Any) -> list[float]:
    fields = camel_fields(body, _EMBED_FIELDS)
    content = normal({"contents": fields.get("content") or {}}, "content").get("contents", [{}])[0]
    size = fields.get("outputDimensionality") or DIMENSIONS
    if not isinstance(size, int) or not 1 <= size <= DIMENSIONS:
        raise refusal("invalid_argument")
    values = [0.0] * size
    for word in _WORD.findall(_embedded(content).lower()) or ["nothing"]:
        seed = Seed.of("embedding", word)
        for place in range(_TOUCHED // 8):
            for n, number in enumerate(seed.bytes(str(place), 32)[start : start + 4] for start in range(0, 32, 4)):
                value = int.from_bytes(number, "big")
                values[(value >> 1) % size] += (1 if value & 1 else -1) * (1 + n / 8)
    length = sum(value * value for value in values) ** 0.5 or 1.0
    return [round(value / length, 8) for value in values]


def _embedded(content: Mapping[str, Any]) -> str:
    parts = content.get("parts", ())
    return " ".join(part.get("text") or f"{part_tokens(part)[0]} {tokens(str(part))}" for part in parts)
