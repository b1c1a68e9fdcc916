"""Log probabilities of an answer: ``logprobsResult`` and ``avgLogprobs``, for the models that have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.tokens import BYTES_PER_TOKEN

GENERATION = (2, 0)
"""The model generation with log probabilities. Newer ones refuse ``responseLogprobs``."""


def supported(ask: Ask) -> bool:
    return ask.generation == GENERATION


def average(text: str, seed: Seed) -> float | None:
    """``avgLogprobs``: the mean over the tokens; None for an empty text."""
    chosen = [_log_probability(seed, place) for place, _ in enumerate(pieces(text))]
    return round(sum(chosen) / len(chosen), 6) if chosen else None


def result(text: str, top: int, seed: Seed) -> dict[str, Any]:
    """``logprobsResult``: each token with its log probability, and the ``top`` most likely tokens in its place, most likely first."""
    chosen, tops = [], []
    for place, token in enumerate(pieces(text)):
        first = _token_entry(token, _log_probability(seed, place))
        chosen.append(first)
        others = [_token_entry(f"{token[:1]}{n}", first["logProbability"] - 1.5 * n) for n in range(1, top)]
        tops.append({"candidates": [first, *others]})
    total = round(sum(token["logProbability"] for token in chosen), 6)
    found: dict[str, Any] = {"topCandidates": tops} if top else {}
    return {**found, "chosenCandidates": chosen, "logProbabilitySum": total}


def pieces(text: str) -> Iterator[str]:
    """The tokens of a text, four bytes each. No character is cut. Joined, they are the text again."""
    data = text.encode("utf-8", "surrogatepass")
    start = 0
    while start < len(data):
        end = start + BYTES_PER_TOKEN
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        yield data[start:end].decode("utf-8", "surrogatepass")
        start = end


def _log_probability(seed: Seed, place: int) -> float:
    return -round(seed.share(f"chance {place}") ** 3 * 2 + 1e-5, 6)


def _token_entry(token: str, log_probability: float) -> dict[str, Any]:
    return {
        "token": token,
        "tokenId": Seed.of(token).number("id") % 250_000,
        "logProbability": round(log_probability, 6),
    }
