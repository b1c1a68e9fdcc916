"""Log probabilities: ``logprobsResult`` and ``avgLogprobs`` of an answer, for the models that give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.seed import Seed
from harness.simulator.tokens import BYTES_PER_TOKEN

WITH_CHANCES = (2, 0)
"""The generation that gives them; newer ones refuse ``responseLogprobs``."""


def gives(ask: Ask) -> bool:
    return ask.generation == WITH_CHANCES


def average(text: str, seed: Seed) -> float | None:
    """``avgLogprobs``: the mean over the tokens; None where nothing was said."""
    chosen = [_chance(seed, place) for place, _ in enumerate(pieces(text))]
    return round(sum(chosen) / len(chosen), 6) if chosen else None


def result(text: str, top: int, seed: Seed) -> dict[str, Any]:
    """``logprobsResult``: each token of the text with its log probability, and with ``top`` likely ones beside it, likeliest first."""
    chosen, tops = [], []
    for place, token in enumerate(pieces(text)):
        first = _one(token, _chance(seed, place))
        chosen.append(first)
        others = [_one(f"{token[:1]}{n}", first["logProbability"] - 1.5 * n) for n in range(1, top)]
        tops.append({"candidates": [first, *others]})
    total = round(sum(token["logProbability"] for token in chosen), 6)
    found: dict[str, Any] = {"topCandidates": tops} if top else {}
    return {**found, "chosenCandidates": chosen, "logProbabilitySum": total}


def pieces(text: str) -> Iterator[str]:
    """The tokens of a text, which join to it again: as many bytes as a token counts, never cut inside a character."""
    data = text.encode("utf-8", "surrogatepass")
    start = 0
    while start < len(data):
        end = start + BYTES_PER_TOKEN
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        yield data[start:end].decode("utf-8", "surrogatepass")
        start = end


def _chance(seed: Seed, place: int) -> float:
    return -round(seed.share(f"chance {place}") ** 3 * 2 + 1e-5, 6)


def _one(token: str, chance: float) -> dict[str, Any]:
    return {"token": token, "tokenId": Seed.of(token).number("id") % 250_000, "logProbability": round(chance, 6)}
