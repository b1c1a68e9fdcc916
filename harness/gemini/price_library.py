"""The price list: the rows of genai-prices for Google, as plain data, and those of ``models.yaml`` for models that it lacks.

The library is not needed to run: its rows are in ``google_prices.json`` in this folder, written by ``python -m tests.generated``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.gemini.models import catalogue
from harness.gemini.price_rates import BATCH, Rates, Tiered, Unit, Unpriced, in_batch
from harness.model import Json
from harness.text.grouping import gathered
from harness.text.jsontext import objects_in

FILE = Path(__file__).with_name("google_prices.json")


class ModelPrices(Struct, frozen=True):
    """The prices of one model. Each row has ``from`` (ISO date or None) and ``rates``; each variant also has ``when``."""

    name: str
    prices: Sequence[Mapping[str, Any]]
    variants: Sequence[Mapping[str, Any]]

    def on(self, day: date, tier: str = "standard", factor: float = 1.0) -> Rates:
        """The prices on that day: of the last row that applies, else of the first. A batch without its own prices costs half. Raises
        Unpriced for a service tier without prices."""
        if not self.prices:
            raise Unpriced(f"the price of {self.name} depends on more than the date")
        rates = next((row["rates"] for row in reversed(self.prices) if _began(row, day)), self.prices[0]["rates"])
        variant = {} if tier == "standard" else self._variant(day, tier)
        priced = {name: _price(value) * factor for name, value in {**rates, **variant}.items()}
        return in_batch(priced) if tier == BATCH and not variant else priced

    def _variant(self, day: date, tier: str) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        wanted = {"processing": BATCH} if tier == BATCH else {"service_tier": tier}
        for row in self.variants:
            if row["when"] == wanted and _began(row, day):
                found = {**row["rates"], **found}
        if not found and tier != BATCH:
            raise Unpriced(f"service tier {tier!r} of {self.name} has no known price")
        return found


def _began(row: Mapping[str, Any], day: date) -> bool:
    return row["from"] is None or day.isoformat() >= row["from"]


def _price(value: Any) -> float | Tiered:
    return Tiered(value["base"], value["tiers"]) if isinstance(value, dict) else float(value)


class Prices:
    """A price list. ``document`` is the content of ``google_prices.json``."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.source = f"{document['library']} {document['version']}"
        self.units = tuple(
            Unit(name, unit["usage"], unit["per"], frozenset(unit["dimensions"]))
            for name, unit in document["units"].items()
        )
        self._counts: dict[str, list[tuple[str | None, str]]] = gathered(
            (field, (next(iter(modality), None), name)) for (field, *modality), name in document["counts"]
        )
        """Field of usageMetadata -> (modality, or None if the field itself is the count; name of the count)."""
        self._models: list[dict[str, Any]] = document["models"]
        self._found: dict[str, ModelPrices | None] = {}
        self._rates: dict[tuple[object, ...], Rates] = {}

    @property
    def names(self) -> list[str]:
        return [model["id"] for model in self._models]

    def find(self, model: str) -> ModelPrices | None:
        """The prices of a model by any name that the library knows; None for an unknown name."""
        name = model.lower()
        if name not in self._found:
            row = next((row for row in self._models if _matches(row["match"], name)), None)
            self._found[name] = ModelPrices(row["id"], row["prices"], row["variants"]) if row else None
        return self._found[name]

    def rates(self, model: str, day: date, tier: str, factor: float) -> Rates | None:
        """The prices of a model on that day; None if it is not in the list. Raises Unpriced as ``ModelPrices.on`` does."""
        key = (model, day, tier, factor)
        if key not in self._rates:
            found = self.find(model)
            if found is None:
                return None
            self._rates[key] = found.on(day, tier, factor)
        return self._rates[key]

    def usage(self, metadata: Mapping[str, Json]) -> dict[str, int]:
        """``usageMetadata`` as counts of units. Thoughts count as output, the results of tools in the prompt as input."""
        counts: dict[str, int] = {}
        for field in self._counts.keys() & metadata.keys():
            found: dict[str | None, Json] = {None: metadata[field]}
            for row in reversed(objects_in(metadata[field])):  # of several of one modality, the first counts
                found[str(row.get("modality"))] = row.get("tokenCount")
            for modality, name in self._counts[field]:
                if type(count := found.get(modality)) is int:
                    counts[name] = counts.get(name, 0) + count
        return counts


def _matches(clause: Mapping[str, Any], name: str) -> bool:
    ((kind, wanted),) = clause.items()
    if kind == "or":
        return any(_matches(clause, name) for clause in wanted)
    if kind == "and":
        return all(_matches(clause, name) for clause in wanted)
    return _TESTS[kind](name, wanted)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda name, wanted: name == wanted.lower(),
    "starts_with": lambda name, wanted: name.startswith(wanted.lower()),
    "ends_with": lambda name, wanted: name.endswith(wanted.lower()),
    "contains": lambda name, wanted: wanted.lower() in name,
    "regex": lambda name, wanted: re.search(wanted, name) is not None,
}


@cache
def price_list() -> Prices:
    """The prices that ship with this version."""
    document = json.loads(FILE.read_bytes())
    own = [
        {"id": name, "match": {"equals": name}, "prices": list(map(_own_row, rows)), "variants": []}
        for name, rows in catalogue().prices.items()
    ]
    return Prices({**document, "models": [*document["models"], *own]})


def _own_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"from": row.get("from"), "rates": {name: price for name, price in row.items() if name != "from"}}
