"""The models that answer, their names, and the bodies of ``models.list`` and ``models.get``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Any

from harness.gemini.models import ModelFacts, bare, catalogue, facts, undated
from harness.simulator.errors import refusal

PAGE = 50
AS_OF = date(2026, 11, 28)
"""The day whose routing counts unless another one is asked for. It is fixed, so that answers do not change with the calendar."""
_EARLY = re.compile(r"(.{1,100}?)(?:-(?:exp|preview|thinking|latest|eap|\d{2,4}))+")
_METHODS = {
    "embed": ["embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"],
    "live": ["bidiGenerateContent"],
    "text": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"],
}


@lru_cache(maxsize=1024)
def answering(name: str, version: str, method: str, *, strict: bool = False, day: date = AS_OF) -> ModelFacts:
    """The model that answers for ``name`` on ``day``: itself, the target of an alias, or the model to which its name is routed.

    Raises the API's 404 for unknown names, and if ``strict`` also for models that were shut down by that day.
    """
    if any(char.isspace() for char in name):
        raise refusal("model_name_bad")
    found = _known(name)
    if found is None or method not in methods(found):
        raise refusal("model_unknown", model=bare(name), version=version, method=method)
    today = day.isoformat()
    routes = [route for route in catalogue().routing if route.origin == found.name and route.since <= today]
    routed = any(route.until is None or today < route.until for route in routes)
    if strict and not routed and (found.stage == "shutdown" or has_ended(found, today)):
        raise refusal("model_gone", model=bare(name), replacement=found.replacement or "gemini-3.8-flash")
    return answering(routes[-1].to, version, method, strict=strict, day=day) if routes else found


def has_ended(model: ModelFacts, today: str) -> bool:
    """Whether a model was shut down or retired by an ISO date."""
    return model.ends is not None and model.ends <= today


def _known(name: str) -> ModelFacts | None:
    """Facts by name, dated form or alias; also for early forms of a known model (``...-exp``, ``...-preview-tts``)."""
    found = facts(name)
    if found is not None:
        return found
    early = _EARLY.fullmatch(bare(name))
    return facts(early[1]) if early else None


def methods(model: ModelFacts) -> list[str]:
    """``supportedGenerationMethods``, and the supported methods that the API does not list."""
    if "embed" in model.features:
        return [*_METHODS["embed"], "batchEmbedContents"]
    if "live" in model.features:
        return _METHODS["live"]
    keeps = "explicit_cache" in model.features or "text_out" not in model.features
    text = [method for method in _METHODS["text"] if keeps or method != "createCachedContent"]
    return [*text, "streamGenerateContent"]


def described(name: str, version: str) -> dict[str, Any]:
    """One model as ``models.get`` shows it. Raises the API's 404."""
    found = _known(name)
    if found is None:
        raise refusal("model_unknown", model=bare(name), version=version, method="getModel")
    return _shown(found, undated(name) if name not in catalogue().models else name)


def listed(size: int, token: str, day: date = AS_OF) -> dict[str, Any]:
    """One page of ``models.list`` on a day. A page token is the number of its first model. Raises the API's 400 for an invalid one."""
    if not re.fullmatch(r"[0-9]{0,9}", token):
        raise refusal("invalid_argument")
    models, start = _served(day.isoformat()), int(token or 0)
    page: dict[str, Any] = {"models": list(models[start : start + size])}
    return {**page, "nextPageToken": str(start + size)} if start + size < len(models) else page


def thin(page: Mapping[str, Any]) -> dict[str, Any]:
    """A page as new-api shows it: bare names, and nothing that is known of the models."""
    names = [str(model["name"]).removeprefix("models/") for model in page["models"]]
    models = [{"name": name, "displayName": name, "supportedGenerationMethods": None} for name in names]
    return {**page, "models": models}


@cache
def _served(today: str) -> tuple[dict[str, Any], ...]:
    return tuple(_shown(model, model.name) for model in catalogue().models.values() if is_served(model, today))


def is_served(model: ModelFacts, today: str) -> bool:
    """Whether the list of models has this one on an ISO date."""
    return model.stage != "shutdown" and not has_ended(model, today)


def _shown(model: ModelFacts, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": f"models/{name}",
        "version": model.version or name.removeprefix("gemini-"),
        "displayName": name.replace("-", " ").title(),
        "description": f"Simulated {name}.",
        "inputTokenLimit": model.input_tokens,
        "outputTokenLimit": model.output_tokens,
        "supportedGenerationMethods": [
            method for method in methods(model) if not method.startswith(("stream", "batchEmbed"))
        ],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    }
    return {**shown, "thinking": True} if model.thinking.control in ("level", "budget") else shown
