"""Computes a cost from rates and usage, in US dollars, as genai-prices does.

A unit is a kind of token (or a search), given by its dimensions: ``input``, ``input`` + ``audio``, ``input`` + ``cache_read`` ...
A unit with its own price is billed at that price. The rest of a wider unit is billed at the price of the wider one. A tiered price
applies to all tokens of an answer whose input is longer than the start of the tier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from msgspec import Struct

SEARCHES = "web_searches_kcount"


class Tiered(Struct, frozen=True):
    """A price that depends on the input: ``base``, and ``tiers`` of (start, price) for more than ``start`` input tokens, ascending."""

    base: float
    tiers: tuple[tuple[int, float], ...]

    def __mul__(self, factor: float) -> Tiered:
        return Tiered(self.base * factor, tuple((start, price * factor) for start, price in self.tiers))


Rates = Mapping[str, float | Tiered]
"""Price name (``input_mtok``) -> dollars per ``Unit.per``."""
BATCH = "batch"
"""The tier of requests in a batch."""


class Unit(Struct, frozen=True, cache_hash=True):
    """A unit of usage. ``price`` and ``usage`` name its price and its count, ``dimensions`` are ``name=value``. A price is for ``per`` units."""

    price: str
    usage: str
    per: int
    dimensions: frozenset[str]


class Unpriced(Exception):
    """Something that is billed has no known price. The message says what; ``remedy`` says how to set a price, if that is possible."""

    def __init__(self, message: str, remedy: str = "") -> None:
        self.remedy = remedy
        super().__init__(message)


def in_batch(rates: Rates) -> Rates:
    """The prices of tokens in a batch: half of the others (ai.google.dev, "Batch API"). Searches cost the same."""
    return {name: price * 0.5 if name.endswith("_mtok") else price for name, price in rates.items()}


def dollars(rates: Rates, usage: Mapping[str, int], units: tuple[Unit, ...]) -> float:
    """The cost of this usage. Raises Unpriced if counts are missing or contradict each other, and for searches without a price."""
    if usage.get("web_searches") and rates and SEARCHES not in rates:
        raise Unpriced("a Google search is billed, and the price of one is not known")
    total = usage.get("input_tokens", 0)
    cost: float = 0
    own: list[int] = []
    for unit, narrower in _billed(tuple(rates), tuple([(name, count != 0) for name, count in usage.items()]), units):
        count = usage[unit.usage] - sum([own[index] for index in narrower])
        if count < 0:
            raise Unpriced(f"the counts of usageMetadata contradict each other ({unit.usage})")
        own.append(count)
        if count:
            cost += _rate(rates[unit.price], total) * count / unit.per
    return cost


_Shares = list[tuple[Unit, list[int]]]


@lru_cache(maxsize=1024)
def _billed(prices: tuple[str, ...], counts: tuple[tuple[str, bool], ...], units: tuple[Unit, ...]) -> _Shares:
    """The units with a price that are counted, narrow ones first; with each, which of those before it are part of it. Raises Unpriced
    for one that is not counted, though a narrower one is. ``counts``: the name of each count, and whether it is not 0."""
    counted, known = dict(counts), {unit.price: unit for unit in units}
    reported = [unit.dimensions for unit in units if counted.get(unit.usage)]
    found: _Shares = []
    for unit in sorted([known[name] for name in prices], key=lambda unit: -len(unit.dimensions)):
        if unit.usage in counted:
            found.append((unit, [at for at, (one, _) in enumerate(found) if unit.dimensions < one.dimensions]))
        elif _is_hidden(unit.dimensions, reported):
            raise Unpriced(f"usageMetadata does not say how many {unit.usage.replace('_', ' ')} there were")
    return found


def _rate(price: float | Tiered, total: int) -> float:
    if not isinstance(price, Tiered):
        return price
    return next((rate for start, rate in reversed(price.tiers) if total > start), price.base)


def _is_hidden(dimensions: frozenset[str], reported: Sequence[frozenset[str]]) -> bool:
    """Whether a narrower unit is reported, or two units whose overlap this one is: cached audio where only cached and audio are
    reported."""
    return any(dimensions < unit for unit in reported) or any(
        first | second == dimensions and not (first <= second or second <= first)
        for first, second in combinations(reported, 2)
    )
