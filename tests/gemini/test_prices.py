"""The cost of an answer equals that of genai-prices. A part without a known price makes the whole cost unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from genai_prices import calc_price, extract_usage
from hypothesis import given
from hypothesis import strategies as st

from harness.answer.reply import read
from harness.config import Config, load
from harness.gemini.price_library import price_list
from harness.gemini.price_rates import Unpriced, dollars, in_batch
from harness.gemini.prices import OwnPrice, Tariff, bill, is_free
from harness.gemini.providers import ROWS
from harness.model import Bill
from tests import price_library
from tests.exchanges import exchange, request

SHIPPED = price_library.extracted()
DAY = "2026-11-20T10:00:00+00:00"


# --- the same cost as the library --------------------------------------------------------------------

counts = st.integers(0, 400_000)


def details(total: int, shares: list[int]) -> list[dict[str, Any]]:
    """The total split over the modalities, as in the API."""
    names = ["TEXT", "AUDIO", "IMAGE", "VIDEO"]
    whole = sum(shares) or 1
    parts = [total * share // whole for share in shares]
    parts[0] += total - sum(parts)
    return [{"modality": name, "tokenCount": part} for name, part in zip(names, parts, strict=True) if part]


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    """``usageMetadata`` of an answer, with all fields or some."""
    prompt, output = draw(counts), draw(counts)
    shares = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))
    cached = draw(st.integers(0, prompt))
    found: dict[str, Any] = {"promptTokenCount": prompt, "candidatesTokenCount": output}
    if draw(st.booleans()):
        found["promptTokensDetails"] = details(prompt, shares)
    if draw(st.booleans()):
        found["cachedContentTokenCount"] = cached
    if draw(st.booleans()):
        found["cacheTokensDetails"] = details(cached, shares)
    if draw(st.booleans()):
        found["candidatesTokensDetails"] = details(output, draw(st.permutations(shares)))
    if draw(st.booleans()):
        found["thoughtsTokenCount"] = draw(counts)
    if draw(st.booleans()):
        found["toolUsePromptTokenCount"] = draw(counts)
    return found


@given(
    model=st.sampled_from([row.name for row in SHIPPED.models]),
    usage=usages(),
    searches=st.integers(0, 9),
    day=st.dates(date(2024, 1, 1), date(2028, 1, 1)),
    tier=st.sampled_from(["standard", "flex", "priority", "batch"]),
)
def test_every_model_costs_what_the_library_says(
    model: str, usage: dict[str, Any], searches: int, day: date, tier: str
) -> None:
    prices = SHIPPED.find(model)
    assert prices is not None
    try:
        rates = prices.on(day, tier)
    except Unpriced:
        assert tier != "standard"
        return
    if tier == "batch" and rates == in_batch(prices.on(day)):
        return  # the library may have no price for it: half of the others
    reported = extract_usage({"usageMetadata": usage, "modelVersion": model}, provider_id="google").usage
    reported.web_searches = searches
    asked_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    context = None if tier == "standard" else {"processing" if tier == "batch" else "service_tier": tier}
    try:
        theirs = calc_price(
            reported, model, provider_id="google", genai_request_timestamp=asked_at, price_context=context
        )
    except ValueError:
        with pytest.raises(Unpriced):
            dollars(rates, SHIPPED.usage(usage), SHIPPED.units)
        return
    assert theirs.model.id == prices.name
    counted = {**SHIPPED.usage(usage), "web_searches": searches}
    if searches and rates and "web_searches_kcount" not in rates:
        with pytest.raises(Unpriced, match="search"):
            dollars(rates, counted, SHIPPED.units)
    else:
        assert dollars(rates, counted, SHIPPED.units) == pytest.approx(float(theirs.total_price), rel=1e-9, abs=1e-15)


def test_a_price_that_changes_holds_from_its_day_on() -> None:
    prices = SHIPPED.find("gemini-3.8-flash")
    assert prices is not None
    change = date(2027, 1, 1)
    assert prices.on(change - timedelta(days=1))["input_mtok"] == 0.75
    assert prices.on(change)["input_mtok"] == 1.5


@pytest.mark.parametrize(("day", "paid"), [("2026-11-30", 2), ("2026-12-01", 4)])
@pytest.mark.parametrize("model", ["gemini-4-argon", "gemini-4-carbon"])
def test_gemini_4_costs_double_from_december_on(model: str, day: str, paid: float) -> None:
    rates = price_list().rates(model, date.fromisoformat(day), "standard", 1)
    assert rates
    assert rates["input_mtok"] == paid


@pytest.mark.parametrize(
    ("model", "paid"),
    [("gemini-3.5-flash-lite", (0.15, 1.25, 0.02)), ("gemini-3.7-flash", None), ("gemini-4-carbon", None)],
    ids=["by its own prices", "half where the library has none", "half of a price of our own"],
)
def test_a_batch_costs_half(model: str, paid: tuple[float, ...] | None) -> None:
    """Where the library knows the price of cached tokens in a batch, that counts: it need not be half."""
    names = ("input_mtok", "output_mtok", "cache_read_mtok")
    dear, cheap = (price_list().rates(model, date(2026, 11, 20), tier, 1) for tier in ("standard", "batch"))
    assert dear
    assert cheap
    assert tuple(cheap[name] for name in names) == (paid or tuple(dear[name] / 2 for name in names))  # type: ignore[operator]
    assert cheap.get("web_searches_kcount") == dear.get("web_searches_kcount")


def test_a_configured_price_is_halved_in_a_batch() -> None:
    tariff = Tariff(ROWS["google"], {"own": OwnPrice(2, 4, search=14)})
    day = date(2026, 11, 20)
    assert tariff.rates("own", day, "batch") == {**tariff.rates("own", day), "input_mtok": 1, "output_mtok": 2}


def test_a_model_that_the_library_lacks_has_a_price_here() -> None:
    from harness.gemini.models import catalogue

    assert not {name for name in catalogue().prices if SHIPPED.find(name)}, (
        "the library has a price now: remove the row"
    )
    assert all(price_list().find(name) for name in catalogue().prices)


def test_the_prices_agree_with_the_reference(shared: Path) -> None:
    names = {"input": "input_mtok", "output_incl_thinking": "output_mtok", "cache_read": "cache_read_mtok"}
    reference = yaml.safe_load((shared / "reference" / "models.yaml").read_text())["models"]
    for model, row in ((model, row) for model, known in reference.items() for row in known["prices"] or ()):
        day = date.fromisoformat(row.get("from") or "2026-11-28")
        rates = price_list().rates(model, day, "standard", 1)
        assert rates is not None
        expected = {names[name]: row[name] for name in names if row[name]}
        assert {name: getattr(rates[name], "base", rates[name]) for name in expected} == expected, model


def test_the_shipped_prices_are_those_of_the_locked_library() -> None:
    assert price_list().source == SHIPPED.source


# --- what is billed -----------------------------------------------------------------------------------


def billed(
    usage: dict[str, Any] | None,
    model: str = "gemini-3-flash-preview",
    *,
    provider: str = "google",
    own: dict[str, OwnPrice] | None = None,
    grounding: dict[str, Any] | None = None,
    version: str | None = None,
    status: int = 200,
    fault: str | None = None,
) -> Bill:
    candidate = {"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}
    if grounding:
        candidate["groundingMetadata"] = grounding
    answer: dict[str, Any] = {"candidates": [candidate], "modelVersion": version or model}
    if usage is not None:
        answer["usageMetadata"] = {"totalTokenCount": 1, **usage}
    received = exchange(
        answer if status == 200 else {"error": {"code": status}}, request({}, model), status=status, fault=fault
    )
    return bill(received, read(received), Tariff(ROWS[provider], own or {}))


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "paid"),
    [
        ({"promptTokenCount": MILLION}, 0.5),
        ({"candidatesTokenCount": MILLION}, 3),
        ({"thoughtsTokenCount": MILLION}, 3),
        ({"toolUsePromptTokenCount": MILLION}, 0.5),
        ({"promptTokenCount": MILLION, "cachedContentTokenCount": MILLION}, 0.05),
        ({"promptTokenCount": MILLION, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": MILLION}]}, 1),
        ({}, 0),
    ],
)
def test_each_part_has_its_price(usage: dict[str, Any], paid: float) -> None:
    assert billed(usage).dollars == pytest.approx(paid)


COUNTS = {"promptTokenCount": 100, "candidatesTokenCount": 20, "toolUsePromptTokenCount": 30}


@pytest.mark.parametrize("shown", [{}, {"thoughtsTokenCount": 0}, {"thoughtsTokenCount": 10}])
def test_thoughts_that_only_the_total_counts_are_billed(shown: dict[str, Any]) -> None:
    whole = billed({**COUNTS, "thoughtsTokenCount": 850, "totalTokenCount": 1000})
    assert whole.dollars == pytest.approx(130 * 0.5e-6 + 870 * 3e-6)
    assert billed({**COUNTS, **shown, "totalTokenCount": 1000}) == whole


@pytest.mark.parametrize("total", [150, 120, None, "1000"])
def test_a_total_that_says_no_more_adds_nothing(total: Any) -> None:
    assert billed({**COUNTS, "totalTokenCount": total}) == billed(COUNTS)


def test_a_total_without_parts_says_nothing_of_thoughts() -> None:
    assert billed({"totalTokenCount": 1000}) == billed({})


def test_a_long_prompt_raises_the_price_of_every_token() -> None:
    long = {"promptTokenCount": 200_001, "candidatesTokenCount": 1000}
    assert billed(long, "gemini-3.1-pro-preview").dollars == pytest.approx(200_001 * 4e-6 + 1000 * 18e-6)


@pytest.mark.parametrize(
    ("model", "paid"),
    [("gemini-3-flash-preview", 3 * 0.014), ("gemini-2.5-flash", 0.035)],
    ids=["each query from Gemini 3 on", "each grounded prompt before"],
)
def test_searches_are_billed(model: str, paid: float) -> None:
    grounding = {"webSearchQueries": ["a", "b", "c", ""], "groundingChunks": [{"web": {"uri": "https://a.example"}}]}
    assert billed({}, model, grounding=grounding).dollars == pytest.approx(paid)


def test_the_model_that_answered_is_billed() -> None:
    usage = {"promptTokenCount": MILLION}
    assert billed(usage, "gemini-2.5-flash", version="gemini-3.5-flash-lite") == billed(usage, "gemini-3.5-flash-lite")
    assert billed(usage, "gemini-2.5-flash", version="gemini-2.5-flash-001") == billed(usage, "gemini-2.5-flash")
    assert "no price for gemini-9" in billed(usage, "gemini-2.5-flash", version="gemini-9").why


@pytest.mark.parametrize(
    ("why", "case"),
    [
        (f"{SHIPPED.source} has no price for gemini-9", {"usage": {}, "model": "gemini-9"}),
        ("no usageMetadata", {"usage": None}),
        ("broke off", {"usage": {}, "fault": "cut"}),
        ("Google Maps", {"usage": {}, "grounding": {"groundingChunks": [{"maps": {"uri": "https://maps.example"}}]}}),
        ("service tier 'flex'", {"usage": {"serviceTier": "flex"}}),
        ("provider 'cometapi' has no price", {"usage": {}, "provider": "cometapi"}),
        (
            "how many cache audio read tokens",
            {
                "usage": {
                    "promptTokenCount": 9,
                    "cachedContentTokenCount": 5,
                    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
                }
            },
        ),
        ("contradict each other", {"usage": {"promptTokenCount": 3, "cachedContentTokenCount": 5}}),
    ],
)
def test_without_a_price_the_cost_is_unknown_with_a_reason(why: str, case: dict[str, Any]) -> None:
    found = billed(**case)
    assert found.dollars is None
    assert why in found.why


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9**9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["modality", "tokenCount", "x"]), inner)
    ),
    max_leaves=6,
)


def test_a_tier_costs_the_same_in_either_spelling() -> None:
    usage = {"promptTokenCount": 1_000, "candidatesTokenCount": 10}
    plain, enum = (billed({**usage, "serviceTier": name}).dollars for name in ("standard", "SERVICE_TIER_STANDARD"))
    assert plain is not None
    assert plain == enum


FIELDS = ["promptTokenCount", "promptTokensDetails", "thoughtsTokenCount", "cachedContentTokenCount", "serviceTier"]
SOURCES = ["webSearchQueries", "groundingChunks", "imageSearchQueries"]


@given(
    usage=st.dictionaries(st.sampled_from(FIELDS), anything),
    grounding=st.dictionaries(st.sampled_from(SOURCES), anything),
)
def test_odd_answers_have_a_cost_or_none(usage: dict[str, Any], grounding: dict[str, Any]) -> None:
    found = billed(usage, grounding=grounding)
    assert (found.dollars is None) == bool(found.why)
    assert found.dollars is None or found.dollars >= 0


def test_a_refused_request_costs_nothing() -> None:
    assert billed(None, status=400).dollars == 0
    assert billed(None, "gemini-9", status=404).dollars == 0
    assert billed(None, provider="cometapi", status=400).dollars is None


# --- price sources ------------------------------------------------------------------------------------


def test_configured_prices_come_first() -> None:
    usage = {"promptTokenCount": MILLION, "candidatesTokenCount": MILLION, "cachedContentTokenCount": MILLION // 2}
    everywhere = {"gemini-9": OwnPrice(1, 2)}
    here = {**everywhere, "cometapi/gemini-9": OwnPrice(3, 4, cached=1)}
    assert billed(usage, "gemini-9", own=everywhere).dollars == pytest.approx(3)
    assert billed(usage, "gemini-9", own=here).dollars == pytest.approx(3)
    assert billed(usage, "gemini-9", own=here, provider="cometapi").dollars == pytest.approx(1.5 + 0.5 + 4)


def test_prices_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text("""
        max_cost = 2
        [providers.mine]
        base_url = "https://gateway.example"
        prices = "google"
        price_factor = 0.8
        [providers.google]
        base_url = "https://proxy.example"
        [prices."gemini-9"]
        input = 0
        output = 1.5
        search = 14
        """)
    config = load(tmp_path, {})
    assert config.max_cost == 2
    assert config.prices == {"gemini-9": OwnPrice(0, 1.5, None, 14)}
    assert config.tariff("mine").rates("gemini-2.5-flash", date(2026, 11, 1))["output_mtok"] == 2.0
    assert config.find("google").prices is None
    assert config.price_source.endswith(" and the configuration")
    assert Config().price_source == SHIPPED.source


def test_wrong_prices_in_the_configuration_are_reported(tmp_path: Path) -> None:
    from harness.errors import UsageError

    (tmp_path / "harness.toml").write_text("""
        max_cost = 0
        [providers.cometapi]
        prices = "goggle"
        [prices."gemini-9"]
        input = -1
        [prices."gemini-8"]
        ouput = 1
        [prices."gemini-7"]
        input = nan
        [prices."gemini-6"]
        input = 1
        [prices."gogle/gemini-5"]
        input = 1
        output = 1
        """)
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {})
    file = tmp_path / "harness.toml"
    assert str(refused.value).splitlines() == [
        f"{file}: max_cost: expected a number above 0, got the number 0",
        f'{file}: providers.cometapi.prices: expected "google", got the text "goggle", did you mean "google"?',
        f"{file}: prices.gemini-9.input: expected dollars, 0 or more, got the number -1",
        f'{file}: prices.gemini-8.ouput: unknown key, did you mean "output"?',
        f"{file}: prices.gemini-7.input: expected dollars, 0 or more, got the number nan",
        f"{file}: prices.gemini-6.output: missing",
        f"{file}: prices.gogle/gemini-5: no provider is called 'gogle'; did you mean \"google\"?",
    ]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("POST https://a.example/v1beta/cachedContents", "storage is billed by the hour"),
        (
            "POST https://a.example/v1beta/models/gemini-3.8-flash:batchGenerateContent",
            "a batch is billed by its answers",
        ),
    ],
)
def test_what_is_billed_later_has_no_price(call: str, why: str) -> None:
    method, _, address = call.partition(" ")
    with pytest.raises(Unpriced, match=why):
        is_free(method, address)
    assert is_free("DELETE", address)
