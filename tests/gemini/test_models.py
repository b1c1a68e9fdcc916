from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from harness.gemini.models import answers_for, catalogue, ends_by, facts, generation, lifecycle


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("publishers/google/models/gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ("gemini-2.5-pro-exp-03-25", "gemini-2.5-pro"),
        ("gemini-embedding-001", "gemini-embedding-001"),
        ("gemini-pro-latest", "gemini-3.1-pro-preview"),
    ],
)
def test_a_model_is_known_by_its_name_a_dated_form_or_an_alias(model: str, name: str) -> None:
    known = facts(model)
    assert known is not None
    assert known.name == name


def test_an_unknown_model_has_no_facts() -> None:
    assert facts("gemini-99-ultra") is None
    assert generation("gemma-4-31b-it") is None


@pytest.mark.parametrize(
    ("model", "config", "reason"),
    [
        ("gemini-3-flash-preview", {"thinkingLevel": "low"}, None),
        ("gemini-3.1-pro-preview", {"thinkingLevel": "MINIMAL"}, "it has no level MINIMAL: LOW, MEDIUM, HIGH"),
        ("gemini-3.1-pro-preview", {"thinkingBudget": 512}, None),
        (
            "gemini-3.1-pro-preview",
            {"thinkingBudget": 0},
            "its thinking cannot be switched off: a budget of 0 is refused",
        ),
        (
            "gemini-2.5-flash",
            {"thinkingLevel": "LOW"},
            "it takes thinking budgets, not levels: 0 (off), 1 to 24576, or -1 (dynamic)",
        ),
        (
            "gemini-2.5-flash-lite",
            {"thinkingBudget": 511},
            "budget 511 is out of range: 0 (off), 512 to 24576, or -1 (dynamic)",
        ),
        ("gemini-2.5-pro", {"thinkingBudget": 0}, "budget 0 is out of range: 128 to 32768, or -1 (dynamic)"),
        ("gemini-2.5-pro", {"thinkingBudget": -1, "includeThoughts": True}, None),
        (
            "gemini-3.5-flash-lite",
            {"thinkingBudget": 0},
            "its thinking cannot be switched off: a budget of 0 is refused",
        ),
        ("gemini-4-neon", {"thinkingLevel": "XHIGH"}, None),
        ("gemini-4-carbon", {"thinkingBudget": 512}, "it takes thinking levels, not budgets: LOW, MEDIUM, HIGH"),
        (
            "gemini-3-flash-preview",
            {"thinkingLevel": "LOW", "thinkingBudget": 1},
            "thinkingLevel and thinkingBudget cannot be sent together",
        ),
        ("gemini-2.5-flash-image", {"thinkingBudget": 0}, "it takes no thinkingConfig"),
        ("gemini-nano-banana-2.1", {"thinkingLevel": "LOW"}, None),
    ],
)
def test_what_a_model_refuses(model: str, config: dict[str, object], reason: str | None) -> None:
    known = facts(model)
    assert known is not None
    assert known.thinking.refuses(config) == reason


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-2.5-flash", "models/gemini-2.5-flash-preview-05-20"),
        ("gemini-2.5-pro-preview-03-25", "models/gemini-2.5-pro"),
        ("gemini-flash-latest", "gemini-3.8-flash"),
        ("gemini-flash-latest", "gemini-3-flash-preview"),
        ("gemini-pro-latest", "gemini-3.1-pro-preview"),
        ("gemini-3-pro-preview", "gemini-3.1-pro-preview"),
        ("gemini-2.5-flash", "gemini-3.5-flash-lite"),
        ("gemini-2.0-flash-thinking-exp-01-21", "models/gemini-2.5-flash-preview-05-20"),
        ("someones-model", "someones-model-001"),
    ],
)
def test_model_versions_that_answer_for_a_model(model: str, version: str) -> None:
    assert answers_for(model, version)


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-2.5-pro", "gemini-2.5-flash"),
        ("gemini-3.1-pro-preview", "gemini-3-pro-preview"),
        ("gemini-3.8-flash", "gemini-flash-latest"),
        ("someones-model", "someones-other-model"),
    ],
)
def test_model_versions_of_another_model(model: str, version: str) -> None:
    assert not answers_for(model, version)


def test_generation_comes_from_the_name() -> None:
    assert generation("gemini-2.5-pro") == (2, 5)
    assert generation("models/gemini-3-flash-preview") == (3, 0)
    assert generation("gemini-flash-latest") == (3, 8)


def test_every_referenced_model_is_known() -> None:
    known = catalogue()
    pointed_at = [route.to for route in known.routing] + [alias.target for alias in known.aliases.values()]
    assert set(pointed_at) <= set(known.models)


def test_every_restriction_is_one_of_a_model() -> None:
    known = catalogue()
    assert known.restrictions.keys() <= {feature for model in known.models.values() for feature in model.features}


@pytest.mark.parametrize(
    ("model", "restrictions"),
    [
        ("gemini-4-neon", {"candidate_count_one", "no_penalties", "no_prefill", "paid_only", "sampling_ignored"}),
        ("gemini-3.8-flash", {"no_logprobs", "no_penalties", "no_prefill", "sampling_ignored"}),
        ("gemini-2.5-flash", {"no_logprobs", "no_penalties"}),
        ("gemini-2.0-flash", set()),
    ],
)
def test_what_is_taken_away_is_a_feature_too(model: str, restrictions: set[str]) -> None:
    known = facts(model)
    assert known is not None
    assert known.features & catalogue().restrictions.keys() == restrictions


def test_the_facts_agree_with_the_reference(shared: Path) -> None:
    reference = yaml.safe_load((shared / "reference" / "models.yaml").read_text())["models"]
    assert set(reference) <= set(catalogue().models)
    for name in reference:
        known = catalogue().models[name]
        thinking, limits = reference[name]["thinking"], reference[name]["limits"]
        assert (known.input_tokens, known.output_tokens) == (limits["input_tokens"], limits["output_tokens"])
        assert list(known.thinking.levels) == (thinking.get("levels") or [])
        assert (known.thinking.lowest, known.thinking.highest) == (thinking.get("min"), thinking.get("max"))
        status = reference[name]["status"]
        assert known.stage == status["stage"]
        assert known.thinking.default == thinking.get("default")
        if ends := status.get("shutdown") or status.get("retired"):
            assert known.ends == ends
        assert (known.vertex_ends, known.routed_to) == (status.get("vertex_shutdown"), status.get("routed_to"))
        assert known.closed_to_new_keys == ("new_keys" in status)
        features = {name for name, has in reference[name]["features"].items() if has is True}
        assert features <= known.features


@pytest.mark.parametrize(
    ("model", "day", "message"),
    [
        (
            "gemini-2.5-pro",
            "2026-11-30",
            "gemini-2.5-pro: deprecated, ends 2026-12-01, from then on gemini-3.8-flash answers for it; closed to new keys",
        ),
        (
            "gemini-2.5-pro",
            "2026-12-01",
            "gemini-2.5-pro: retired 2026-12-01, since then gemini-3.8-flash answers for it; closed to new keys",
        ),
        (
            "models/gemini-3.7-flash",
            "2026-11-20",
            "gemini-3.7-flash: retired 2026-10-08, since then gemini-3.8-flash answers for it",
        ),
        (
            "gemini-3-pro-preview",
            "2026-11-20",
            "gemini-3-pro-preview: shut down 2026-03-09; gemini-3.1-pro-preview answered for it until 2026-09-06",
        ),
        (
            "gemini-3.1-flash-image",
            "2026-11-20",
            "gemini-3.1-flash-image: deprecated, its end is not known; its replacement is gemini-nano-banana-2.1",
        ),
        ("gemini-2.5-flash-lite", "2026-11-20", "gemini-2.5-flash-lite: closed to new keys"),
        ("gemini-2.5-flash-preview-tts", "2026-11-20", "gemini-2.5-flash-preview-tts: shut down 2026-11-17"),
        ("gemini-2.0-flash-001", "2026-11-20", "gemini-2.0-flash-001: shut down 2026-06-01"),
        (
            "gemini-pro-latest",
            "2026-11-20",
            "gemini-pro-latest moves without notice: it points to gemini-3.1-pro-preview (before: gemini-3-pro-preview)",
        ),
        ("gemini-2.5-flash-preview-05-20", "2026-11-20", None),
        ("gemini-3-flash-preview", "2026-11-20", None),
        ("gemini-99-ultra", "2026-11-20", None),
    ],
)
def test_the_lifecycle_message_of_a_model_has_dates(model: str, day: str, message: str | None) -> None:
    found = lifecycle(model, date.fromisoformat(day))
    assert (found.message if found else None) == message


def test_a_model_has_ended_on_its_last_day_and_not_before() -> None:
    assert not ends_by("gemini-2.5-pro", date(2026, 11, 30))
    assert ends_by("gemini-2.5-pro", date(2026, 12, 1))
    assert not ends_by("gemini-3-flash-preview", date(2099, 1, 1))
