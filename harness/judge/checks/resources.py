"""Answers of other calls than ``generateContent``: embeddings, and the list of models."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypedDict

from harness.judge.checks.parameters import Refuse
from harness.judge.predicates import NumberPredicate, describe, differs, is_number
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import a_list, objects_in
from harness.text.project import Project


def _similarity_complaint(value: Mapping[str, Any], _: Project) -> str | None:
    return None if value.keys() - {"to"} else "say how similar the vectors must be, as in {min: 0.8}"


class SimilarityWords(TypedDict, total=False):
    """The cosine of two vectors: from -1 to 1, and 1 for the same direction."""

    min: Annotated[float, "at least this cosine"]
    max: Annotated[float, "at most this cosine"]
    to: Annotated[
        list[float], "the other vector, such as one that an earlier turn captured; else the second of the answer"
    ]


class EmbeddingWords(TypedDict, total=False):
    """What the vectors must be."""

    count: Annotated[NumberPredicate, "how many vectors there are; at least one, if this is not given"]
    dimensions: Annotated[NumberPredicate, "how many numbers every vector has"]
    similarity: Annotated[
        SimilarityWords, "the cosine of the first vector and another one", Refuse(_similarity_complaint)
    ]


class ModelsWords(TypedDict, total=False):
    """Which models there are, and what they support. Names may be written with or without `models/`."""

    count: Annotated[NumberPredicate, "how many models there are; at least one, if this is not given"]
    contains: Annotated[list[str], "models that must be in the answer"]
    supports: Annotated[
        dict[str, str | list[str]], "model -> a method of its supportedGenerationMethods, or a list of them"
    ]


@check("embedding")
def embedding(evidence: Evidence, expected: EmbeddingWords) -> Iterator[Mismatch]:
    """The vectors of an ``embedContent`` or ``batchEmbedContents`` answer: their number, length and similarity.

    ``similarity`` compares the first vector with ``to``, or else with the second vector of the answer.

        embedding: {dimensions: 768}
        embedding: {count: 2, similarity: {min: 0.8}}
        embedding: {similarity: {to: [0.6, 0.8], min: 0.99}}
    """
    response = evidence.reply.response
    batch = "embeddings" in response
    objects = objects_in(response["embeddings"]) if batch else objects_in([response.get("embedding")])
    vectors: list[Json] = [found.get("values") for found in objects]
    yield from differs("embedding (count)", len(vectors), expected.get("count", {"min": 1}))
    for index, vector in enumerate(vectors):
        at = f"embeddings[{index}].values" if batch else "embedding.values"
        if not is_vector(vector):
            yield Mismatch(at, "a list of numbers", vector, f"expected a list of numbers, got {describe(vector)}")
        elif "dimensions" in expected:
            yield from differs(f"{at} (dimensions)", len(vector), expected["dimensions"])
    if "similarity" in expected and vectors and all(map(is_vector, vectors)):
        yield from _dissimilar(vectors, expected["similarity"])


def is_vector(value: Json) -> bool:
    """Whether it is a list of numbers that is not empty."""
    return isinstance(value, list) and bool(value) and all(map(is_number, value))


def _dissimilar(vectors: Sequence[Sequence[float]], expected: SimilarityWords) -> Iterator[Mismatch]:
    other = expected.get("to") or (vectors[1] if len(vectors) > 1 else [])
    if not is_vector(other):
        message = "expected two vectors to compare, got one: embed two texts, or name the other one with to"
        yield Mismatch("embedding (similarity)", dict(expected), None, message)
    elif len(other) != len(vectors[0]):
        message = f"expected vectors of one length, got {len(vectors[0])} and {len(other)} numbers"
        yield Mismatch("embedding (similarity)", len(other), len(vectors[0]), message)
    else:
        limits = {word: value for word, value in expected.items() if word != "to"}
        yield from differs("embedding (similarity)", round(cosine(vectors[0], other), 6), limits)


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """The cosine of two vectors of one length; 0 if one of them is zero."""
    lengths = math.hypot(*left) * math.hypot(*right)
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / lengths if lengths else 0.0


@check("models")
def models(evidence: Evidence, expected: ModelsWords) -> Iterator[Mismatch]:
    """The models of a ``GET models`` answer, or the one of a ``GET models/NAME`` answer: which there are, and what they support.

    models: {contains: [gemini-2.5-flash], supports: {gemini-2.5-flash: countTokens}}
    models: {count: {min: 10}, supports: {gemini-embedding-001: [embedContent]}}
    """
    response = evidence.reply.response
    found = {_bare(model.get("name")): model for model in objects_in(response.get("models", [response]))}
    names = [name for name in found if name]
    yield from differs("models (count)", len(names), expected.get("count", {"min": 1}))
    supports = expected.get("supports", {})
    for name in dict.fromkeys([*expected.get("contains", ()), *supports]):
        model = found.get(_bare(name))
        if model is None:
            yield _missing_model(name, names, response)
        elif name in supports:
            yield from _unsupported(name, model.get("supportedGenerationMethods"), supports[name])


def _missing_model(name: str, names: Sequence[str], response: Mapping[str, Json]) -> Mismatch:
    more = (
        "; there are more pages (nextPageToken): ask for models?pageSize=1000" if response.get("nextPageToken") else ""
    )
    got = f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else "no model"
    return Mismatch("models", name, list(names), f"expected the model {name}, got {got}{more}")


def _unsupported(name: str, methods: Json, wanted: str | list[str]) -> Iterator[Mismatch]:
    has = a_list(methods)
    for method in [wanted] if isinstance(wanted, str) else wanted:
        if method not in has:
            message = f"expected {name} to support {method}, got {', '.join(map(str, has)) or 'no method'}"
            yield Mismatch(f"models {name}.supportedGenerationMethods", method, methods, message)


def _bare(name: Json) -> str:
    return name.removeprefix("models/") if isinstance(name, str) else ""
