"""The price list: the rows of genai-prices for Google's models, and those of ``models.yaml`` for models that it lacks.

The library is not needed to run: its rows are in ``google_prices.json`` in this folder, written by ``python -m tests.generated``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct, field

from harness.gemini.models import catalogue
from harness.gemini.price_rates import BATCH, Rates, Tiered, Unit, Unpriced, in_batch
from harness.model import Json
from harness.text.jsontext import objects_in

FILE = Path(__file__).with_name("google_prices.json")


class PriceRow(Struct, frozen=True, omit_defaults=True):
    """Prices from an ISO date on (None: always), or (``when``) those of a batch or of a service tier."""

    rates: Mapping[str, float | Tiered]
    since: str | None = field(name="from", default=None)
    when: Mapping[str, str] = {}

    def began(self, day: date) -> bool:
        return self.since is None or day.isoformat() >= self.since


class ModelPrices(Struct, frozen=True, omit_defaults=True):
    """The prices of one model. ``match``: a regular expression for the beginning of its names, in lower case."""

    name: str
    match: str
    prices: Sequence[PriceRow]
    variants: Sequence[PriceRow] = ()

    def on(self, day: date, tier: str = "standard", factor: float = 1.0) -> Rates:
        """The prices on that day: of the last row that applies, else of the first. A batch without its own prices costs half. Raises
        Unpriced for a service tier without prices."""
        if not self.prices:
            raise Unpriced(f"the price of {self.name} depends on more than the date")
        rates = next((row.rates for row in reversed(self.prices) if row.began(day)), self.prices[0].rates)
        variant = {} if tier == "standard" else self._variant(day, tier)
        priced = {name: value * factor for name, value in {**rates, **variant}.items()}
        return in_batch(priced) if tier == BATCH and not variant else priced

    def _variant(self, day: date, tier: str) -> Mapping[str, float | Tiered]:
        found: dict[str, float | Tiered] = {}
        wanted = {"processing": BATCH} if tier == BATCH else {"service_tier": tier}
        for row in self.variants:
            if row.when == wanted and row.began(day):
                found = {**row.rates, **found}
        if not found and tier != BATCH:
            raise Unpriced(f"service tier {tier!r} of {self.name} has no known price")
        return found


class Prices(Struct, omit_defaults=True):
    """A price list. ``counts``: field of usageMetadata -> (modality, or None if the field itself is the count; name of the count)."""

    library: str
    version: str
    units: tuple[Unit, ...]
    counts: Mapping[str, Sequence[tuple[str | None, str]]]
    models: list[ModelPrices]
    known: dict[tuple[object, ...], Rates | None] = {}
    """What ``rates`` returned."""

    @property
    def source(self) -> str:
        return f"{self.library} {self.version}"

    def find(self, model: str) -> ModelPrices | None:
        """The prices of a model by any name that the library knows; None for an unknown name."""
        return next((row for row in self.models if re.match(row.match, model.lower())), None)

    def rates(self, model: str, day: date, tier: str, factor: float) -> Rates | None:
        """The prices of a model on that day; None if it is not in the list. Raises Unpriced as ``ModelPrices.on`` does."""
        key = (model, day, tier, factor)
        if key not in self.known:
            found = self.find(model)
            self.known[key] = found.on(day, tier, factor) if found else None
        return self.known[key]

    def usage(self, metadata: Mapping[str, Json]) -> dict[str, int]:
        """``usageMetadata`` as counts of units. Thoughts count as output, the results of tools in the prompt as input."""
        counts: dict[str, int] = {}
        for name in self.counts.keys() & metadata.keys():
            found: dict[str | None, Json] = {None: metadata[name]}
            for row in reversed(objects_in(metadata[name])):  # of several of one modality, the first counts
                found[str(row.get("modality"))] = row.get("tokenCount")
            for modality, unit in self.counts[name]:
                if type(count := found.get(modality)) is int:
                    counts[unit] = counts.get(unit, 0) + count
        return counts


@cache
def price_list() -> Prices:
    """The prices that ship with this version."""
    found = msgspec.json.decode(FILE.read_bytes(), type=Prices)
    for name, rows in catalogue().prices.items():
        prices = [
            PriceRow({unit: price for unit, price in row.items() if unit != "from"}, row.get("from")) for row in rows
        ]
        found.models.append(ModelPrices(name, rf"{re.escape(name)}\Z", prices))
    return found
