"""Embeddings. Texts that share words have similar vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.simulator.errors import refusal, rules
from harness.simulator.messages import camel_fields, invalid
from harness.simulator.request import normal
from harness.simulator.seed import Seed
from harness.simulator.tokens import part_tokens, tally, tokens

DIMENSIONS = 3072
MOST = 100
"""The maximum number of requests in one ``batchEmbedContents``."""
TASKS = frozenset(
    ["TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
     "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"]
)  # fmt: skip
_EMBED_FIELDS = frozenset(["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"])
_CONFIG = frozenset(
    ["taskType", "title", "outputDimensionality", "autoTruncate", "documentOcr", "audioTrackExtraction"]
)
_TOUCHED = 48
_WORD = re.compile(r"\w+")


def embed(body: Any) -> dict[str, Any]:
    """``embedContent``."""
    return {"embedding": {"values": _vector(body, "EmbedContentRequest")}}


def embed_all(body: Any) -> dict[str, Any]:
    """``batchEmbedContents``. Raises the API's 400 for more than ``MOST`` requests."""
    requests = camel_fields(body, frozenset({"requests"})).get("requests") or []
    requests = requests if isinstance(requests, list) else [requests]
    if len(requests) > MOST:
        raise rules([f"BatchEmbedContentsRequest.requests: at most {MOST} requests can be in one batch"])
    at = "BatchEmbedContentsRequest.requests"
    return {"embeddings": [{"values": _vector(request, f"{at}[{n}]")} for n, request in enumerate(requests)]}


def usage(body: Any) -> dict[str, Any]:
    """``usageMetadata`` of an answer, which ``gemini-embedding-2`` sends: tokens of all contents of a valid body, by modality."""
    requests = camel_fields(body, frozenset({"requests", *_EMBED_FIELDS})).get("requests") or [body]
    contents = [normal({"contents": one.get("content") or {}}, "content")["contents"] for one in requests]
    counts = tally(part for found in contents for content in found for part in content.get("parts", ()))
    details = [{"modality": modality, "tokenCount": count} for modality, count in counts.items()]
    return {"usageMetadata": {"promptTokenCount": sum(counts.values()), "promptTokenDetails": details}}


def counts_tokens(model: str) -> bool:
    """Whether the answers of a model have ``usageMetadata``: recorded for gemini-embedding-2, and not for the models before it."""
    return model.startswith("gemini-embedding-2") and not model.endswith("preview")


def _vector(body: Any, at: str) -> list[float]:
    fields = camel_fields(body, _EMBED_FIELDS)
    fields |= camel_fields(fields.get("embedContentConfig") or {}, _CONFIG, "embed_content_config")
    task = str(fields.get("taskType") or "TASK_TYPE_UNSPECIFIED")
    if task.upper() not in TASKS:
        raise invalid("task_type", "type.googleapis.com/google.ai.generativelanguage.v1beta.TaskType", task)
    content = normal({"contents": fields.get("content") or {}}, "content").get("contents", [{}])[0]
    if not content.get("parts"):
        raise rules([f"{at}.content: contents is not specified"])
    size = fields.get("outputDimensionality", DIMENSIONS)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= DIMENSIONS:
        raise refusal("invalid_argument")
    words = _WORD.findall(_embedded(content).lower()) or ["nothing"]
    return _of_words(words if task.upper() in _PLAIN else [*words, f"task {task.lower()}"], size)


_PLAIN = ("TASK_TYPE_UNSPECIFIED", "SEMANTIC_SIMILARITY")
"""Tasks whose vectors are those of the words alone."""


def _of_words(words: list[str], size: int) -> list[float]:
    """A vector of length 1. Each word adds to the same places of every vector."""
    values = [0.0] * size
    for word in words:
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
