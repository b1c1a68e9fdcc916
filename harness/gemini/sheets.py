"""What is known of a model on one sheet: facts, prices with their changes, aliases, routes and restrictions, as of a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from msgspec.structs import asdict

from harness.gemini.models import ModelFacts, bare, catalogue, facts, lifecycle
from harness.gemini.price_library import price_list
from harness.gemini.price_rates import SEARCHES, Rates, Tiered, Unpriced
from harness.gemini.prices import Tariff


class Sheet(NamedTuple):
    """A model as of a day. ``name``: as asked, an alias perhaps; ``prices``: (ISO date from which they hold, rates), the current
    ones first; empty if not known. ``life``: what `lifecycle` says of the name."""

    name: str
    facts: ModelFacts
    day: date
    prices: Sequence[tuple[str, Rates]]
    life: str

    @property
    def aliases(self) -> list[str]:
        return [alias.name for alias in catalogue().aliases.values() if alias.target == self.facts.name]

    @property
    def answers_for(self) -> list[str]:
        """The retired names that Google routes to this model on that day."""
        routes = (route for route in catalogue().routing if route.to == self.facts.name)
        return [route.origin for route in routes if route.holds(self.day.isoformat())]

    @property
    def restrictions(self) -> dict[str, str]:
        """Feature that takes something away -> what it takes away."""
        return {name: text for name, text in catalogue().restrictions.items() if name in self.facts.features}

    @property
    def features(self) -> list[str]:
        """The features that give something."""
        return sorted(self.facts.features - self.restrictions.keys())

    def to_json(self) -> dict[str, Any]:
        """``prices``: dollars per million tokens, or per thousand searches, by the names of units of genai-prices."""
        known = self.facts
        return {
            "name": self.name,
            "model": known.name,
            "stage": known.stage,
            **{name: getattr(known, name) for name in ("since", "ends", "vertex_ends", "routed_to", "replacement")},
            "closed_to_new_keys": known.closed_to_new_keys,
            "life": self.life or None,
            "version": known.version,
            "thinking": asdict(known.thinking),
            "limits": {
                "input": known.input_tokens,
                "output": known.output_tokens,
                "output_unary": known.output_unary or known.output_tokens,
            },
            "prices": [{"from": since, "rates": _plain(rates)} for since, rates in self.prices],
            "aliases": self.aliases,
            "answers_for": self.answers_for,
            "features": self.features,
            "all_features_known": not known.partial,
            "restrictions": self.restrictions,
        }


def _plain(rates: Rates) -> dict[str, Any]:
    return {name: asdict(rate) if isinstance(rate, Tiered) else rate for name, rate in rates.items()}


class Sheets(NamedTuple):
    """The document of the command ``models``. ``detailed``: whether one model was named, which is then shown in full."""

    sheets: Sequence[Sheet]
    detailed: bool

    def to_json(self) -> dict[str, Any]:
        """``models``: a sheet each."""
        return {"version": 1, "models": [sheet.to_json() for sheet in self.sheets]}


def sheet(name: str, day: date, tariff: Tariff) -> Sheet | None:
    """The sheet of a model, by any name that is known; None for an unknown one."""
    known = facts(name)
    if known is None:
        return None
    life = lifecycle(name, day)
    message = life.message.removeprefix(f"{bare(name)}: ") if life else ""
    return Sheet(bare(name), known, day, list(_prices(known.name, day, tariff)), message)


def _prices(model: str, day: date, tariff: Tariff) -> Iterator[tuple[str, Rates]]:
    """The prices of that day, then those of every later change."""
    listed = price_list().find(model)
    later = [row.since for row in (listed.prices if listed else ()) if row.since and not row.began(day)]
    before: Rates | None = None
    for since in (day.isoformat(), *later):
        try:
            rates = tariff.rates(model, date.fromisoformat(since))
        except Unpriced:
            return
        if rates != before:
            yield since, rates
        before = rates


def matching(globs: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """(glob, the names that it matches): names of the catalogue, or the glob itself where it is a known form of one."""
    for glob in globs:
        found = [name for name in catalogue().names if fnmatchcase(name, bare(glob))]
        yield glob, found or ([glob] if facts(glob) else [])


# --- in words -----------------------------------------------------------------------------------------

_UNITS: Mapping[str, str] = {"input_mtok": "in", "output_mtok": "out", "cache_read_mtok": "cached"}


def rates_in_words(rates: Rates) -> str:
    """``0.5 in, 3 out, 0.05 cached; 14 per 1,000 searches``: dollars per million tokens."""
    if not rates:
        return "free"
    tokens = [f"{_rate(rate)} {_unit(name)}" for name, rate in rates.items() if name != SEARCHES]
    searches = rates.get(SEARCHES)
    return ", ".join(tokens) + (f"; {_rate(searches)} per 1,000 searches" if searches is not None else "")


def _unit(name: str) -> str:
    """``input_audio_mtok`` -> ``audio in``."""
    if name in _UNITS:
        return _UNITS[name]
    direction, _, rest = name.removesuffix("_mtok").partition("_")
    words = rest.removesuffix("_read").replace("_", " ")
    return f"{words} {({'input': 'in', 'output': 'out', 'cache': 'cached'}).get(direction, direction)}"


def _rate(rate: float | Tiered) -> str:
    if not isinstance(rate, Tiered):
        return f"{rate:g}"
    above = ", ".join(f"{price:g} above {start:,} tokens" for start, price in rate.tiers)
    return f"{rate.base:g} ({above})"


def price_in_short(rates: Rates) -> str:
    """``0.5/3``: dollars per million tokens in and out; ``+`` marks a price that rises with a long prompt."""
    if not rates:
        return "free"
    both = [rates.get(name) for name in ("input_mtok", "output_mtok")]
    return "/".join(
        "-" if rate is None else f"{rate.base:g}+" if isinstance(rate, Tiered) else f"{rate:g}" for rate in both
    )
