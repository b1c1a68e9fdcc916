"""The checks of how an answer was served, and of the answers of other calls than ``generateContent``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.model import Evidence
from tests.judge.test_checks import answer, complaints_of, evidence, messages


def served(headers: dict[str, str] | None = None, body: Any = None, **fields: Any) -> Evidence:
    """An answer with these fields, and with these response headers."""
    found = evidence({**answer("x"), **fields}, body=body or {})
    return replace(found, exchange=replace(found.exchange, headers=headers or {}))


def test_the_id_of_an_answer() -> None:
    assert messages("responseId", {"present": True}, served(responseId="FyIhav7bJNyw4-EP6eCsqA0")) == []
    assert messages("responseId", {"matches": r"^[\w-]{20,23}$"}, served(responseId="resp_1")) != []
    assert messages("responseId", {"present": True}, served()) == ["responseId: expected present, got absent"]


def test_the_time_of_an_answer() -> None:
    assert messages("createTime", {"starts_with": "2026-"}, served(createTime="2026-11-20T09:40:00.123456Z")) == []
    assert messages("createTime", {"present": False}, served()) == []
    assert messages("createTime", {"present": True}, served()) == ["createTime: expected present, got absent"]


def test_the_kind_of_traffic() -> None:
    vertex = served(usageMetadata={"totalTokenCount": 3, "trafficType": "ON_DEMAND"})
    assert messages("trafficType", "ON_DEMAND", vertex) == []
    assert messages("trafficType", {"present": False}, served()) == []
    assert messages("trafficType", "PROVISIONED_THROUGHPUT", vertex) == [
        'trafficType: expected string "PROVISIONED_THROUGHPUT", got string "ON_DEMAND"'
    ]


HEADER = {"x-gemini-service-tier": "flex"}
FLEX = {"totalTokenCount": 3, "serviceTier": "flex"}


def test_the_service_tier_that_was_asked_for() -> None:
    flex = {"serviceTier": "FLEX"}
    assert messages("serviceTier", "asked", served(HEADER, flex, usageMetadata=FLEX)) == []
    assert messages("serviceTier", "asked", served(HEADER, flex)) == []
    assert messages("serviceTier", "asked", served(None, flex, usageMetadata=FLEX)) == []
    assert messages("serviceTier", "asked", served(HEADER, {}, usageMetadata=FLEX)) == [
        'usageMetadata.serviceTier: expected string "standard", got string "flex"',
        'header x-gemini-service-tier: expected string "standard", got string "flex"',
    ]
    downgraded = served({"x-gemini-service-tier": "standard"}, {"serviceTier": "priority"})
    assert messages("serviceTier", "asked", downgraded) == [
        'header x-gemini-service-tier: expected string "priority", got string "standard"'
    ]


def test_a_given_service_tier() -> None:
    assert messages("serviceTier", {"in": ["flex", "standard"]}, served(HEADER)) == []
    assert messages("serviceTier", {"present": False}, served()) == []
    assert messages("serviceTier", "flex", served()) == [
        'usageMetadata.serviceTier: expected string "flex", got absent'
    ]


def test_tokens_by_modality() -> None:
    usage = {
        "totalTokenCount": 300,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}, {"modality": "IMAGE", "tokenCount": 258}],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 35}],
    }
    found = served(usageMetadata=usage)
    assert messages("tokensDetails", {"prompt": {"TEXT": 7, "IMAGE": {"min": 258}, "AUDIO": 0}}, found) == []
    assert messages("tokensDetails", {"toolUse": {"TEXT": 35}, "cache": {"TEXT": 0}}, found) == []
    assert messages("tokensDetails", {"candidates": {"TEXT": {"min": 1}}, "prompt": {"TEXT": 8}}, found) == [
        "candidatesTokensDetails TEXT: expected at least 1, got integer 0",
        "promptTokensDetails TEXT: expected integer 8, got integer 7",
    ]
    assert complaints_of("tokensDetails", {"prompt": {"text": 1}}) != []


# --- other calls


def test_counted_tokens() -> None:
    counted = evidence({"totalTokens": 10, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}]})
    assert messages("totalTokens", {"min": 5, "max": 20}, counted) == []
    assert messages("tokensDetails", {"prompt": {"TEXT": 10}}, counted) == []
    assert messages("totalTokens", 11, counted) == ["totalTokens: expected integer 11, got integer 10"]
    assert messages("totalTokens", 11, evidence({})) == ["totalTokens: expected integer 11, got absent"]


def embedded(*vectors: Any) -> Evidence:
    """An answer of ``embedContent`` for one vector, of ``batchEmbedContents`` for several."""
    objects = [{"values": vector} for vector in vectors]
    return evidence({"embedding": objects[0]} if len(objects) == 1 else {"embeddings": objects})


def test_the_length_of_embeddings() -> None:
    assert messages("embedding", {"dimensions": 3}, embedded([0.1, 0.2, 0.3])) == []
    assert messages("embedding", {"count": 2, "dimensions": 3}, embedded([0.1, 0.2, 0.3], [1, 0])) == [
        "embeddings[1].values (dimensions): expected integer 3, got integer 2"
    ]
    assert messages("embedding", {}, evidence({"embeddings": []})) == [
        "embedding (count): expected at least 1, got integer 0"
    ]
    assert messages("embedding", {"dimensions": 2}, embedded(["a", "b"])) == [
        'embedding.values: expected a list of numbers, got array of 2 ["a", "b"]'
    ]


def test_the_similarity_of_embeddings() -> None:
    assert messages("embedding", {"similarity": {"min": 0.99}}, embedded([1, 2], [2, 4])) == []
    assert messages("embedding", {"similarity": {"max": 0.1}}, embedded([1, 0], [0, 1])) == []
    assert messages("embedding", {"similarity": {"to": [0.6, 0.8], "min": 0.95}}, embedded([0.8, 0.6])) == []
    assert messages("embedding", {"similarity": {"to": [0.6, 0.8], "min": 0.97}}, embedded([0.8, 0.6])) == [
        "embedding (similarity): expected at least 0.97, got number 0.96"
    ]
    assert messages("embedding", {"similarity": {"min": 0.5}}, embedded([1, 0])) == [
        "embedding (similarity): expected two vectors to compare, got one: embed two texts, or name the other one with to"
    ]
    assert messages("embedding", {"similarity": {"to": [1, 0, 0], "min": 0.5}}, embedded([1, 0])) == [
        "embedding (similarity): expected vectors of one length, got 2 and 3 numbers"
    ]
    assert complaints_of("embedding", {"similarity": {"to": [1]}}) == [
        "similarity: say how similar the vectors must be, as in {min: 0.8}"
    ]


@given(st.lists(st.floats(-1e3, 1e3).map(lambda number: round(number, 3)), min_size=1, max_size=8))
def test_a_vector_is_like_itself_and_unlike_its_opposite(vector: list[float]) -> None:
    opposite = [-number for number in vector]
    if any(vector):
        assert messages("embedding", {"similarity": {"min": 0.999999}}, embedded(vector, vector)) == []
        assert messages("embedding", {"similarity": {"max": -0.999999}}, embedded(vector, opposite)) == []
    else:
        assert messages("embedding", {"similarity": {"min": 0, "max": 0}}, embedded(vector, vector)) == []


FLASH = {"name": "models/gemini-2.5-flash", "supportedGenerationMethods": ["generateContent", "countTokens"]}
EMBED = {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]}


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "models/gemini-2.5-flash"])
def test_the_list_of_models(name: str) -> None:
    listed = evidence({"models": [FLASH, EMBED]})
    assert messages("models", {"count": 2, "contains": [name], "supports": {name: "countTokens"}}, listed) == []
    assert messages("models", {"supports": {name: ["generateContent", "embedContent"]}}, listed) == [
        f"models {name}.supportedGenerationMethods: expected {name} to support embedContent, got generateContent, countTokens"
    ]


def test_a_model_that_is_not_listed() -> None:
    assert messages("models", {"contains": ["gemini-9"]}, evidence({"models": [FLASH]})) == [
        "models: expected the model gemini-9, got gemini-2.5-flash"
    ]
    page = evidence({"models": [FLASH], "nextPageToken": "abc"})
    assert messages("models", {"supports": {"gemini-9": "countTokens"}}, page) == [
        "models: expected the model gemini-9, got gemini-2.5-flash; there are more pages (nextPageToken): ask for models?pageSize=1000"
    ]
    assert messages("models", {"contains": ["gemini-9"]}, evidence({})) == [
        "models (count): expected at least 1, got integer 0",
        "models: expected the model gemini-9, got no model",
    ]


def test_a_single_model() -> None:
    assert messages("models", {"contains": ["gemini-2.5-flash"]}, evidence(FLASH)) == []
    bare = evidence({"name": "models/gemini-2.5-flash", "supportedGenerationMethods": None})
    assert messages("models", {"supports": {"gemini-2.5-flash": "countTokens"}}, bare) == [
        "models gemini-2.5-flash.supportedGenerationMethods: expected gemini-2.5-flash to support countTokens, got no method"
    ]
