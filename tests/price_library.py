"""The document ``harness/gemini/google_prices.json``, made from the installed library genai-prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from harness.gemini.models import is_googles
from harness.gemini.price_library import ModelPrices, PriceRow, Prices
from harness.gemini.price_rates import Tiered, Unit
from harness.text.grouping import gathered

LIBRARY = "genai-prices"


def extracted() -> Prices:
    """The price list made from the installed library: Google's own models."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.data_units import unit_data

    google = next(provider for provider in get_snapshot().providers if provider.id == "google")
    native = next(extractor for extractor in google.extractors or () if extractor.api_flavor == "default")
    paths = [(path, mapping.dest) for mapping in native.mappings if (path := _path(mapping.path))]
    models = [_model(model) for model in google.models if is_googles(model.id)]
    named = {name for model in models for row in (*model.prices, *model.variants) for name in row.rates}
    units = tuple(
        Unit(
            unit["price_key"],
            usage,
            unit["per"],
            frozenset(f"{name}={value}" for name, value in unit["dimensions"].items()),
        )
        for usage, unit in unit_data.items()
        if unit["price_key"] in named or usage in {name for _, name in paths}
    )
    counts = gathered((field, (next(iter(modality), None), name)) for (field, *modality), name in paths)
    return Prices(LIBRARY, version(LIBRARY), units, counts, models)


def _path(path: Any) -> list[str]:
    """A field of ``usageMetadata``, or a field and a modality."""
    if isinstance(path, str):
        return [path]
    field, match, _ = path
    return [field, match.match.equals]


def _model(model: Any) -> ModelPrices:
    prices = model.prices if isinstance(model.prices, list) else None
    rows = [(price.constraint, price.prices) for price in prices] if prices is not None else [(None, model.prices)]
    variants = [
        _row(variant.constraint, variant.prices, dict(variant.when))
        for variant in model.price_variants or ()
        if _dated([(variant.constraint, variant.prices)])
    ]
    return ModelPrices(
        model.id,
        _pattern(model.match),
        [_row(constraint, rates) for constraint, rates in rows] if _dated(rows) else [],
        variants or (),
    )


def _dated(rows: Sequence[tuple[Any, Any]]) -> bool:
    """Whether the prices depend on nothing but the date."""
    return all(constraint is None or hasattr(constraint, "start_date") for constraint, _ in rows)


def _row(constraint: Any, rates: Any, when: dict[str, str] | None = None) -> PriceRow:
    known = {name: _plain(value) for name, value in vars(rates).items() if value is not None}
    return PriceRow(known, constraint and constraint.start_date.isoformat(), when or {})


def _plain(value: Any) -> float | Tiered:
    if hasattr(value, "tiers"):
        return Tiered(float(value.base), tuple((tier.start, float(tier.price)) for tier in value.tiers))
    return float(value)


def _pattern(clause: Any) -> str:
    """The names that a clause of the library matches, as a regular expression for their beginning."""
    from dataclasses import fields

    (field,) = fields(clause)
    kind, value = field.name.rstrip("_"), getattr(clause, field.name)
    if isinstance(value, list):
        parts = [_pattern(inner) for inner in value]
        return f"(?:{'|'.join(parts)})" if kind == "or" else "".join(f"(?={part})" for part in parts)
    before = "" if kind in ("equals", "starts_with") else ".*"
    text = value if kind == "regex" else re.escape(value.lower()).replace("\\-", "-")
    return f"{before}{text}" + (r"\Z" if kind in ("equals", "ends_with") else "")
