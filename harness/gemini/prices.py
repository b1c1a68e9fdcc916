"""The cost of an answer in US dollars, by list prices. Includes thoughts, cached tokens and searches.

The prices are those of the day of the request; free tiers are not considered. If anything that is billed has no known price, the
whole cost is unknown, with a reason: a cost is never guessed. Prices come from genai-prices (``price_library``) or from the
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Struct

from harness.gemini.grounding import chunks
from harness.gemini.models import bare, generation, service_tier
from harness.gemini.price_library import price_list
from harness.gemini.price_rates import BATCH, SEARCHES, Rates, Unpriced, dollars, in_batch
from harness.gemini.providers import Provider
from harness.model import Bill, Exchange, Json, Provenance, Reply
from harness.text.jsontext import a_list, an_object, objects_in
from harness.text.shape import AtLeast, TypeLabel

Dollars = Annotated[float, AtLeast(0), TypeLabel("dollars, 0 or more")]


class OwnPrice(Struct, frozen=True):
    """A row of ``[tool.gemini-harness.prices]``: dollars per million tokens, ``search`` per thousand searches.

    Without ``cached``, cached tokens cost as much as others. Without ``search``, the price of a search is unknown.
    """

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    search: Dollars | None = None

    def rates(self) -> Rates:
        rates = {
            "input_mtok": self.input,
            "output_mtok": self.output,
            "cache_read_mtok": self.cached,
            SEARCHES: self.search,
        }
        return {name: price for name, price in rates.items() if price is not None}


class Tariff(Struct, frozen=True):
    """The prices at one provider: from the configuration first, else from the price list times the provider's factor."""

    provider: Provider
    own: Mapping[str, OwnPrice]

    def rates(self, model: str, day: date, tier: str = "standard") -> Rates:
        """Price name -> dollars, or a tiered price. Raises Unpriced."""
        name = bare(model)
        own = self.own.get(f"{self.provider.name}/{name}") or self.own.get(name)
        if own is not None:
            if tier == BATCH:
                return in_batch(own.rates())
            if tier != "standard":
                raise Unpriced(f"the configured price of {name} does not cover service tier {tier!r}")
            return own.rates()
        if self.provider.prices is None:
            raise Unpriced(f"provider {self.provider.name!r} has no price for {name}", remedy(name, self.provider.name))
        found = price_list().rates(name, day, tier, self.provider.price_factor)
        if found is None:
            raise Unpriced(f"{price_list().source} has no price for {name}", remedy(name))
        return found

    def knows(self, model: str, day: date) -> bool:
        try:
            self.rates(model, day)
        except Unpriced:
            return False
        return True


def remedy(model: str, provider: str | None = None) -> str:
    """How a user can set a price."""
    key = f"{provider}/{model}" if provider else model
    list_too = f', or prices = "google" under [tool.gemini-harness.providers.{provider}]' if provider else ""
    return f'set its price: [tool.gemini-harness.prices."{key}"] with input and output, dollars per million{list_too}'


def bill(exchange: Exchange, reply: Reply, tariff: Tariff) -> Bill:
    """The cost of this answer, or why it is unknown."""
    if exchange.fault is not None:
        return Bill(None, "the answer broke off")
    try:
        return Bill(_cost(exchange, reply, tariff))
    except Unpriced as unknown:
        return Bill(None, str(unknown), unknown.remedy)


_BILLED_LATER = {
    "/cachedContents": "storage is billed by the hour, and its price is not known",
    ":batchGenerateContent": "a batch is billed by its answers, which come later",
}
_FREE_METHODS = ("countTokens", "cancel", "download")


@lru_cache(500)
def is_free(method: str, address: str) -> bool:
    """Whether a call of the API costs nothing: reading and deleting, counting tokens, and the Files API.

    Raises Unpriced for one that is not billed by tokens.
    """
    why = next((why for end, why in _BILLED_LATER.items() if address.endswith(end)), None)
    if why and method not in ("GET", "DELETE"):
        raise Unpriced(why)
    path = address.partition("?")[0]
    operation = path.rpartition("/")[2].partition(":")[2]
    return method in ("GET", "DELETE") or operation in _FREE_METHODS or path.rstrip("/").endswith("files")


def _cost(exchange: Exchange, reply: Reply, tariff: Tariff) -> float:
    if is_free(exchange.request.method, exchange.request.url):
        return 0.0
    asked = bare(exchange.request.model)
    day = day_of(exchange.provenance)
    if exchange.status >= 400 and (tariff.provider.prices or tariff.knows(asked, day)):
        return 0.0  # "If your request fails with a 400 or 500 error, you won't be charged": Google's billing questions
    tier = _tier(reply, batched=exchange.request.transport == "batch")
    rates = tariff.rates(_billed_model(asked, reply, tariff, day), day, tier)
    return round(_parts(reply, rates, searches_of(reply, asked)).whole, 12)


class Parts(Struct, frozen=True):
    """US dollars of an answer: the whole, the part of it that is for searches, and the number of those."""

    whole: Dollars = 0.0
    fees: Dollars = 0.0
    searches: int = 0


def cost_as(model: str, response: Mapping[str, Json], tariff: Tariff, day: date, *, batched: bool = False) -> Parts:
    """What the usage of an answer costs on another model on that day, with its searches as that model counts them.

    Raises Unpriced.
    """
    first = next(iter(objects_in(response.get("candidates"))), {})
    usage, grounding = an_object(response.get("usageMetadata")), an_object(first.get("groundingMetadata"))
    reply = Reply("json", [], response, None, [], usage=usage, grounding=grounding)
    rates = tariff.rates(model, day, _tier(reply, batched=batched))
    return _parts(reply, rates, searches_of(reply, model))


def _tier(reply: Reply, *, batched: bool) -> str:
    return BATCH if batched else service_tier(reply.usage.get("serviceTier")) or "standard"


def _parts(reply: Reply, rates: Rates, searches: int) -> Parts:
    if not reply.usage:
        raise Unpriced("the answer has no usageMetadata")
    if any(chunk.kind == "maps" for chunk in chunks(reply)):
        raise Unpriced("grounding with Google Maps is billed, and its price is not known")
    usage, units = price_list().usage(_with_hidden_thoughts(reply.usage)), price_list().units
    fees = dollars(rates, {"web_searches": searches}, units) if searches else 0.0
    return Parts(dollars(rates, {**usage, "web_searches": searches}, units), fees, searches)


_ADDENDS = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")
"""What ``totalTokenCount`` is the sum of."""


def _with_hidden_thoughts(usage: Mapping[str, Json]) -> Mapping[str, Json]:
    """The usage; what only its total counts are thoughts, which a gateway may hide. Of 1,369 recorded answers of Google with a prompt
    count, none has a larger total than the sum of its parts."""
    counts = {name: count for name in _ADDENDS if isinstance(count := usage.get(name), int)}
    total = usage.get("totalTokenCount")
    hidden = total - sum(counts.values()) if isinstance(total, int) else 0
    if hidden <= 0 or "promptTokenCount" not in counts:
        return usage
    return {**usage, "thoughtsTokenCount": counts.get("thoughtsTokenCount", 0) + hidden}


def _billed_model(asked: str, reply: Reply, tariff: Tariff, day: date) -> str:
    """The model to bill: the ``modelVersion`` of the answer, or the requested model if the version is an unpriced form of it."""
    answered = bare(reply.model_version or asked)
    is_form = answered != asked and answered.startswith(asked)
    return asked if is_form and not tariff.knows(answered, day) else answered


def searches_of(reply: Reply, model: str) -> int:
    """The number of billed Google searches. From Gemini 3 on each query is one; before, a prompt with a web source is one."""
    if (generation(reply.model_version or model) or generation(model) or (3, 0)) < (3, 0):
        return int(any(chunk.kind == "web" for chunk in chunks(reply)))
    queries = (a_list(reply.grounding.get(name)) for name in ("webSearchQueries", "imageSearchQueries"))
    return sum(1 for names in queries for query in names if query)


def day_of(provenance: Provenance) -> date:
    """The UTC day of the request; today for a recording without a date."""
    try:
        return date.fromisoformat(provenance.day)
    except ValueError:
        return datetime.now(UTC).date()
