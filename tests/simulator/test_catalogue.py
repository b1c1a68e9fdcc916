"""Names of models: which model answers on which day, which names are unknown, and what the lists say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.simulator.app import Simulator
from tests.simulator.client import FLASH3, FLASH25, call, prompt

AFTER = date(2026, 12, 5)


def ask(model: str, body: Any = None, method: str = "generateContent", **options: Any) -> tuple[int, Any]:
    return call(Simulator(**options), "POST", f"/v1beta/models/{model}:{method}", body or prompt("hi"))[:2]


def thinking(**config: Any) -> dict[str, Any]:
    return prompt("hi", generationConfig={"thinkingConfig": config})


# --- routing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "day", "answers"),
    [
        (FLASH25, date(2026, 11, 30), FLASH25),
        (FLASH25, AFTER, "gemini-3.5-flash-lite"),
        ("gemini-2.5-pro", AFTER, "gemini-3.8-flash"),
        ("gemini-2.5-flash-lite", AFTER, "gemini-2.5-flash-lite"),
        ("gemini-3.5-flash", date(2026, 10, 7), "gemini-3.5-flash"),
        ("gemini-3.5-flash", date(2026, 10, 8), "gemini-3.6-flash"),
    ],
)
def test_a_name_is_routed_from_its_day_on(model: str, day: date, answers: str) -> None:
    assert ask(model, as_of=day)[1]["modelVersion"] == answers


def test_nothing_changes_with_the_calendar() -> None:
    assert ask(FLASH25)[1]["modelVersion"] == FLASH25
    assert ask(FLASH25, now=lambda: 1.9e9)[1]["modelVersion"] == FLASH25


def test_a_routed_name_has_the_rules_of_its_target() -> None:
    level = thinking(thinkingLevel="LOW")
    assert ask(FLASH25, level)[0] == 400
    assert ask(FLASH25, level, as_of=AFTER)[0] == 200
    assert ask("gemini-2.5-pro", thinking(thinkingLevel="MINIMAL"), as_of=AFTER)[0] == 400
    assert ask(FLASH25, thinking(thinkingBudget=0))[0] == 200
    assert ask(FLASH25, thinking(thinkingBudget=0), as_of=AFTER)[0] == 400


def test_a_routed_name_is_not_listed() -> None:
    def names(day: date) -> set[str]:
        models = call(Simulator(as_of=day), "GET", "/v1beta/models?pageSize=1000")[1]["models"]
        return {model["name"].removeprefix("models/") for model in models}

    assert names(date(2026, 11, 28)) - names(AFTER) >= {FLASH25, "gemini-2.5-pro"}


def test_strict_simulators_refuse_models_that_ended() -> None:
    status, error = ask("gemini-3-pro-preview", strict=True)
    assert (status, error["error"]["message"][:43]) == (404, "This model models/gemini-3-pro-preview is n")
    assert (
        ask("gemini-3-pro-preview", strict=True, as_of=date(2026, 5, 1))[1]["modelVersion"] == "gemini-3.1-pro-preview"
    )


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        "gemini-2.5-flash-preview-tts",
        "gemini-2.5-computer-use-preview-10-2025",
        "gemini-2.0-flash-preview-image-generation",
        "gemini-4-neon",
    ],
)
def test_names_that_clients_send_are_known(model: str) -> None:
    speaks = {"generationConfig": {"responseModalities": ["AUDIO"]}} if model.endswith("tts") else {}
    acts = {"tools": [{"computerUse": {"environment": "ENVIRONMENT_BROWSER"}}]} if "computer-use" in model else {}
    assert ask(model, {**prompt("hi"), **speaks, **acts})[0] == 200
    assert call(Simulator(), "GET", f"/v1beta/models/{model}")[0] == 200


@pytest.mark.parametrize("model", ["publishers/google/models/gemini-2.5-flash", "models/gemini-2.5-flash", "a/b"])
def test_a_name_with_slashes_is_not_found(model: str) -> None:
    assert ask(model)[0] == 404
    assert call(Simulator(), "GET", f"/v1beta/models/{model}")[0] == 404


@pytest.mark.parametrize(
    ("path", "method"),
    [("gemini-none:generateContent", "generateContent"), ("gemini-none:countTokens", "countTokens"),
     ("gemini-none:batchEmbedContents", "embedContent"), (f"{FLASH3}:predict", "predict"), (f"{FLASH3}:embedContent", "embedContent")],
)  # fmt: skip
def test_the_error_names_model_and_method(path: str, method: str) -> None:
    status, error, _ = call(Simulator(), "POST", f"/v1beta/models/{path}", prompt("hi"))
    model = path.partition(":")[0]
    assert status == 404
    assert error["error"]["message"].startswith(
        f"models/{model} is not found for API version v1beta, or is not supported for {method}."
    )


def test_a_prefixed_model_in_the_body_of_a_batch_is_the_same() -> None:
    body = {"generateContentRequest": {"model": f"models/{FLASH25}", **prompt("four")}}
    assert ask(FLASH25, body, "countTokens")[1]["totalTokens"] == 1
