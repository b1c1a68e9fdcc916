"""The document ``harness/gemini/google_prices.json``, made from the installed library genai-prices."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

LIBRARY = "genai-prices"


def extracted() -> dict[str, Any]:
    """The document made from the installed library."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.data_units import unit_data

    google = next(provider for provider in get_snapshot().providers if provider.id == "google")
    native = next(extractor for extractor in google.extractors or () if extractor.api_flavor == "default")
    counts = [(path, mapping.dest) for mapping in native.mappings if (path := _path(mapping.path))]
    models = [_model(model) for model in google.models]
    named = {name for model in models for row in (*model["prices"], *model["variants"]) for name in row["rates"]}
    units = {
        unit["price_key"]: {
            "usage": usage,
            "per": unit["per"],
            "dimensions": sorted(f"{name}={value}" for name, value in unit["dimensions"].items()),
        }
        for usage, unit in unit_data.items()
        if unit["price_key"] in named or usage in {name for _, name in counts}
    }
    about = {"library": LIBRARY, "version": version(LIBRARY)}
    return {**about, "units": units, "counts": counts, "models": models}


def _path(path: Any) -> list[str]:
    """A field of ``usageMetadata``, or a field and a modality."""
    if isinstance(path, str):
        return [path]
    field, match, _ = path
    return [field, match.match.equals]


def _model(model: Any) -> dict[str, Any]:
    prices = model.prices if isinstance(model.prices, list) else None
    rows = [(price.constraint, price.prices) for price in prices] if prices is not None else [(None, model.prices)]
    return {
        "id": model.id,
        "match": _clause(model.match),
        "prices": [_row(constraint, rates) for constraint, rates in rows] if _dated(rows) else [],
        "variants": [
            {"when": dict(variant.when), **_row(variant.constraint, variant.prices)}
            for variant in model.price_variants or ()
            if _dated([(variant.constraint, variant.prices)])
        ],
    }


def _dated(rows: Sequence[tuple[Any, Any]]) -> bool:
    """Whether the prices depend on nothing but the date."""
    return all(constraint is None or hasattr(constraint, "start_date") for constraint, _ in rows)


def _row(constraint: Any, rates: Any) -> dict[str, Any]:
    known = {name: _plain(value) for name, value in vars(rates).items() if value is not None}
    return {"from": constraint and constraint.start_date.isoformat(), "rates": known}


def _plain(value: Any) -> Any:
    if hasattr(value, "tiers"):
        return {"base": float(value.base), "tiers": [[tier.start, float(tier.price)] for tier in value.tiers]}
    return float(value)


def _clause(clause: Any) -> dict[str, Any]:
    from dataclasses import fields

    (field,) = fields(clause)
    value = getattr(clause, field.name)
    plain = [_clause(clause) for clause in value] if isinstance(value, list) else value
    return {field.name.rstrip("_"): plain}
