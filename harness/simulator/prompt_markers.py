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


def listing() -> str:
    """The markers, one per line, with what they do."""
    rows = [
        ("[simulate: fault NAME]", "a fault of this list"),
        *(
            (f"[simulate: block {reason}]", _BLOCKS.get(reason, "the prompt is blocked"))
            for reason in _known("PromptFeedback.BlockReason")
        ),
        *(
            (f"[simulate: finish {reason}]", _FINISHES.get(reason, "no content, this finish reason"))
            for reason in _known("Candidate.FinishReason")
        ),
    ]
    width = max(len(mark) for mark, _ in rows)
    return "\n".join(f"{mark:<{width}}  {effect}" for mark, effect in rows)


_BLOCKS = {"SAFETY": "the prompt is blocked for safety: no candidates, ratings"}
_FINISHES = {
    "STOP": "an empty answer",
    "SAFETY": "the answer is blocked for safety: no content, ratings",
    "RECITATION": "no content, a citation",
    "CONTINUATION": "half of the answer, on models that continue answers",
    **dict.fromkeys(MESSAGES, "no content, a finishMessage"),
}


def _known(enum: str) -> list[str]:
    return [value for value in definition.enum_values(enum) if not value.endswith("_UNSPECIFIED")]


def _marker(kind: str, prompt: str) -> str | None:
    if "[simulate:" not in prompt:
        return None
    return next((name for found, name, _ in _MARK.findall(prompt) if found.lower() == kind), None)


def output_for_finish(finish: str) -> ModelOutput:
    """An answer without content that ends with this finish reason."""
    if finish == "SAFETY":
        return ModelOutput((), finish, ratings=ratings())
    citations = [CITATION] if finish == "RECITATION" else ()
    return ModelOutput((), finish, MESSAGES.get(finish, ""), citations=citations)


CITATION = {"startIndex": 30, "endIndex": 179, "uri": "https://example.com/simulated", "license": ""}


def ratings() -> list[dict[str, Any]]:
    """Safety ratings of the four categories, the last one high and blocked."""
    low = [rating(category) for category in CATEGORIES[:-1]]
    return [*low, {**rating(CATEGORIES[-1], "HIGH"), "blocked": True}]


def rating(category: str, probability: str = "NEGLIGIBLE") -> dict[str, Any]:
    return {"category": category, "probability": probability}
