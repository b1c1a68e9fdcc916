"""Faults of ``countTokens``, of embeddings, and of the calls about caches, files and the like."""

from __future__ import annotations

from copy import deepcopy

from harness.gemini.definition import COLLECTIONS
from harness.judge.recorded import other_call
from harness.text.names import snake
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault, lawful


def _called(d: Draft, *operations: str) -> Object:
    found = other_call(d.exchange)
    need(found and found[1] in operations and d.status == 200)
    return d.events[0]


def _vectors(d: Draft) -> list[Object]:
    answer = _called(d, "embedContent", "batchEmbedContents")
    found: list[Object] = answer.get("embeddings") or [answer["embedding"]]
    return found


@fault("token-count")
def total_as_text(d: Draft) -> None:
    answer = _called(d, "countTokens")
    answer["totalTokens"] = str(answer["totalTokens"])


@fault("token-count")
def total_of_another_dialect(d: Draft) -> None:
    answer = _called(d, "countTokens")
    d.events[0] = {"total_tokens": answer["totalTokens"]}


@fault("token-count")
def generated_instead_of_counted(d: Draft) -> None:
    count = _called(d, "countTokens")["totalTokens"]
    d.events[0] = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": count}}


@fault("token-count")
def details_of_another_count(d: Draft) -> None:
    _called(d, "countTokens")["promptTokensDetails"][0]["tokenCount"] += 3


@fault("embedding")
def vector_lost(d: Draft) -> None:
    need(len(_vectors(d)) > 1)
    _vectors(d).pop()


@fault("embedding")
def vector_of_zeros(d: Draft) -> None:
    one = d.random.choice(_vectors(d))
    one["values"] = [0.0] * len(one["values"])


@fault("embedding")
def hole_in_a_vector(d: Draft) -> None:
    d.random.choice(_vectors(d))["values"][3] = d.random.choice([None, "NaN", "0.1"])


@fault("embedding")
def vector_as_base64(d: Draft) -> None:
    d.random.choice(_vectors(d))["values"] = "AACAPwAAAEA="


@fault("embedding")
def vectors_of_openai(d: Draft) -> None:
    d.events[0] = {"object": "list", "data": [{"index": 0, "embedding": one["values"]} for one in _vectors(d)]}


@fault("embedding")
def size_ignored(d: Draft) -> None:
    need(len(_vectors(d)[0]["values"]) > 64)
    for one in d.get("requests") or [d.body]:
        one["outputDimensionality"] = 64


@lawful()
def text_embedded_twice(d: Draft) -> None:
    vectors = _vectors(d)
    d.get("requests").append(deepcopy(d.get("requests")[0]))
    vectors.append(deepcopy(vectors[0]))


@lawful()
def tokens_counted_from_the_cache(d: Draft) -> None:
    answer = _called(d, "countTokens")
    answer["cachedContentTokenCount"] = answer["totalTokens"] - 1


@fault("embedding")
def vector_of_one_number(d: Draft) -> None:
    one = d.random.choice(_vectors(d))
    need(len(one["values"]) >= 100)
    one["values"] = [0.02] * len(one["values"])


@fault("embedding")
def vector_filled_with_zeros(d: Draft) -> None:
    need(not d.exchange.provenance.simulated)
    for one in _vectors(d):
        size = len(one["values"])
        one["values"] = one["values"][: size // 3] + [0.0] * (size - size // 3)
        need(size >= 100)


@fault("embedding")
def vector_on_another_scale(d: Draft) -> None:
    for one in _vectors(d):
        need(len(one["values"]) >= 100)
        one["values"] = [value / 1000 for value in one["values"]]


def _made(d: Draft) -> Object:
    """What a call about a resource made."""
    return _called(d, *COLLECTIONS)


@fault("resource")
def resource_without_its_collection(d: Draft) -> None:
    made = _made(d)
    made["name"] = d.random.choice([made["name"].rpartition("/")[2], ""])


@fault("resource")
def resource_wrapped(d: Draft) -> None:
    d.events[0] = {d.random.choice(["data", "result"]): _made(d)}


@fault("resource")
def resource_of_another_dialect(d: Draft) -> None:
    d.events[0] = {"id": _made(d)["name"], "object": "cache", "created": 1764500000}


@fault("resource")
def lifetime_ignored(d: Draft) -> None:
    made = _made(d)
    need(made.get("expireTime"))
    d.body.pop("expireTime", None)
    d.body["ttl"] = "777777s"


@fault("wire-type")
def time_of_a_resource_as_a_number(d: Draft) -> None:
    made = _made(d)
    made[d.random.choice([name for name in made if name.endswith("Time")])] = 1764500000


@fault("wire-known")
def resource_in_snake_case(d: Draft) -> None:
    made = _made(d)
    d.events[0] = {snake(name): value for name, value in made.items()}


@fault("token-count")
def tokens_of_an_empty_prompt(d: Draft) -> None:
    need(_called(d, "countTokens")["totalTokens"] > 20 and d.get("contents"))
    need(len(d.get("contents")[0]["parts"][0]["text"]) > 40)
    d.events[0] = {"totalTokens": 1}
