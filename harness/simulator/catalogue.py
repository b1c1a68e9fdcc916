"""The models that answer, their names, and the bodies of ``models.list`` and ``models.get``."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from harness.gemini.models import ModelFacts, bare, catalogue, facts, undated
from harness.simulator.errors import refusal

PAGE = 50
_EARLY = re.compile(r"(.+?)(?:-(?:exp|preview|thinking|latest|eap|\d{2,4}))+")
_METHODS = {
    "embed": ["embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"],
    "live": ["bidiGenerateContent"],
    "text": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"],
}


def answering(name: str, version: str, method: str, *, strict: bool = False) -> ModelFacts:
    """The model that answers for ``name``: itself, the target of an alias, or the replacement of a retired model.

    Raises the API's 404 for unknown names, and if ``strict`` also for models that were shut down.
    """
    if any(char.isspace() for char in name):
        raise refusal("model_name_bad")
    found = _known(name)
    if found is None or method not in methods(found):
        raise refusal("model_unknown", model=bare(name), version=version, method=method)
    if found.stage == "shutdown" and strict:
        raise refusal("model_gone", model=bare(name), replacement=found.replacement or "gemini-3.8-flash")
    if found.stage in ("retired", "shutdown") and found.routed_to:
        return catalogue().models[found.routed_to]
    return found


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


def listed(size: int, start: int) -> dict[str, Any]:
    """One page of ``models.list``, starting at model number ``start``. A page token is such a number."""
    models = _served()
    size = min(max(size, 1), 1000)
    page: dict[str, Any] = {"models": list(models[start : start + size])}
    if start + size < len(models):
        page["nextPageToken"] = str(start + size)
    return page


@cache
def _served() -> tuple[dict[str, Any], ...]:
    return tuple(
        _shown(model, model.name) for model in catalogue().models.values() if model.stage not in ("retired", "shutdown")
    )


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
