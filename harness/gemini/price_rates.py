"""Computes a cost from rates and usage, in US dollars, as genai-prices does.

A unit is a kind of token (or a search), given by its dimensions: ``input``, ``input`` + ``audio``, ``input`` + ``cache_read`` ...
A unit with its own price is billed at that price. The rest of a wider unit is billed at the price of the wider one. A tiered price
applies to all tokens of an answer whose input is longer than the start of the tier.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class Unit(Struct, frozen=True):
    """A unit of usage. ``usage`` is the name of its count, ``dimensions`` are ``name=value``. A price is for ``per`` units."""

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


def dollars(rates: Rates, usage: Mapping[str, int], units: Mapping[str, Unit]) -> float:
    """The cost of this usage. Raises Unpriced if counts are missing or contradict each other, and for searches without a price."""
    if usage.get("web_searches") and rates and SEARCHES not in rates:
        raise Unpriced("a Google search is billed, and the price of one is not known")
    of_unit = {units[name].usage: price for name, price in rates.items()}
    reported = tuple([unit.dimensions for unit in units.values() if usage.get(unit.usage)])
    own: list[tuple[Unit, int]] = []
    for unit in sorted([units[name] for name in rates], key=lambda unit: -len(unit.dimensions)):
        narrower = sum([count for narrow, count in own if unit.dimensions < narrow.dimensions])
        count = _counted(unit, usage, reported) - narrower
        if count < 0:
            raise Unpriced(f"the counts of usageMetadata contradict each other ({unit.usage})")
        if count:
            own.append((unit, count))
    total = usage.get("input_tokens", 0)
    return sum(_rate(of_unit[unit.usage], total) * count / unit.per for unit, count in own)


def _rate(price: float | Tiered, total: int) -> float:
    if not isinstance(price, Tiered):
        return price
    return next((rate for start, rate in reversed(price.tiers) if total > start), price.base)


def _counted(unit: Unit, usage: Mapping[str, int], reported: tuple[frozenset[str], ...]) -> int:
    """The count of a unit; 0 if it is not reported. Raises Unpriced if it is not reported but a narrower unit is."""
    if unit.usage in usage:
        return usage[unit.usage]
    if _is_hidden(unit.dimensions, reported):
        raise Unpriced(f"usageMetadata does not say how many {unit.usage.replace('_', ' ')} there were")
    return 0


@lru_cache(maxsize=1024)
def _is_hidden(dimensions: frozenset[str], reported: tuple[frozenset[str], ...]) -> bool:
    """Whether a narrower unit is reported, or two units whose overlap this one is: cached audio where only cached and audio are
    reported."""
    return any(dimensions < unit for unit in reported) or any(
        first | second == dimensions and not (first <= second or second <= first)
        for first, second in combinations(reported, 2)
    )
