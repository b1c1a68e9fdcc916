"""What a gateway drops of the request. The answer is a healthy one to the remaining request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.simulator.faults.registry import forgets, loses

forgets("forgets-system", "the system instruction is dropped", "systemInstruction")
forgets("forgets-config", "the generationConfig is dropped", "generationConfig", rule="json-parses")
forgets("forgets-tools", "the tools are dropped", "tools", "toolConfig")
forgets("forgets-cache", "the cachedContent is dropped", "cachedContent")
forgets("forgets-dimensions", "the outputDimensionality of an embedding is dropped", "outputDimensionality")


@loses
def forgets_history(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """All turns but the last are dropped."""
    return {**body, "contents": body.get("contents", [])[-1:]}


@loses
def forgets_media(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Images, documents, sound and video are dropped."""
    turns = [
        {**turn, "parts": [part for part in turn.get("parts", ()) if not {"inlineData", "fileData"} & set(part)]}
        for turn in body.get("contents", ())
    ]
    return {**body, "contents": turns}
