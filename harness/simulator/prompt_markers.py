"""Markers in a prompt that steer the answer: ``[simulate: block SAFETY]``, ``[simulate: finish RECITATION]``,
``[simulate: fault 429]`` (any fault of ``faults``)."""

from __future__ import annotations

import re
from typing import Any

from harness.gemini import definition
from harness.simulator.answer_types import ModelOutput

_MARK = re.compile(r"\[simulate:\s*(block|finish|fault)\s+([\w.-]+)(?:\s+([^\]]*))?\]", re.IGNORECASE)

MESSAGES = {
    "MALFORMED_FUNCTION_CALL": "Malformed function call: print(default_api.simulated(",
    "UNEXPECTED_TOOL_CALL": "Unexpected tool call: Model tried to call an undeclared function: simulated",
}
"""``finishMessage`` of the finish reasons that have one."""
CATEGORIES = (
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
)


def block(prompt: str) -> str | None:
    """The ``blockReason`` that the prompt asks for."""
    reason = _marker("block", prompt)
    return reason.upper() if reason and reason.upper() in definition.enum_values("PromptFeedback.BlockReason") else None


def finish(prompt: str) -> str | None:
    """The ``finishReason`` that the prompt asks for instead of an answer."""
    reason = _marker("finish", prompt)
    return reason.upper() if reason and reason.upper() in definition.enum_values("Candidate.FinishReason") else None


def fault(prompt: str) -> str | None:
    """The fault that the prompt asks for."""
    return _marker("fault", prompt)


def _marker(kind: str, prompt: str) -> str | None:
    if "[simulate:" not in prompt:
        return None
    return next((name for found, name, _ in _MARK.findall(prompt) if found.lower() == kind), None)


def output_for_finish(finish: str) -> ModelOutput:
    """An answer without content that ends with this finish reason."""
    if finish == "SAFETY":
        return ModelOutput((), finish, ratings=ratings("HIGH"))
    citations = [CITATION] if finish == "RECITATION" else ()
    return ModelOutput((), finish, MESSAGES.get(finish, ""), citations=citations)


CITATION = {"startIndex": 30, "endIndex": 179, "uri": "https://example.com/simulated", "license": ""}


def ratings(probability: str) -> list[dict[str, Any]]:
    """Safety ratings of the four categories, the last one at ``probability`` and blocked."""
    low = [rating(category) for category in CATEGORIES[:-1]]
    return [*low, {**rating(CATEGORIES[-1], probability), "blocked": True}]


def rating(category: str, probability: str = "NEGLIGIBLE") -> dict[str, Any]:
    return {"category": category, "probability": probability}
