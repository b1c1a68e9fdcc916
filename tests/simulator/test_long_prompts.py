"""Long prompts: their two ends are read, all of their tokens count, and they do not keep others waiting."""

from __future__ import annotations

from typing import Any

import pytest

from harness.simulator.app import Simulator
from tests.growth import loops
from tests.simulator.client import FLASH3, call, prompt, text_of

FILLER = "The keeper wrote: Name: Soup. Servings: 4. He lit 12 lamps in the tower of Bergen. " * 5_500
"""About 450 kB."""
ASKED = "What is the capital of Peru? One word."
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}


def answer(text: str, **more: Any) -> Any:
    status, found, _ = call(Simulator(), "POST", f"/v1beta/models/{FLASH3}:generateContent", prompt(text, **more))
    assert status == 200
    return found


@pytest.mark.parametrize("text", [f"{FILLER}\n\n{ASKED}", f"{ASKED}\n\n{FILLER}"], ids=["end", "start"])
def test_a_question_at_either_end_is_answered(text: str) -> None:
    assert text_of(answer(text)) == "Lima"


def test_every_token_counts() -> None:
    counts = [answer(FILLER * times)["usageMetadata"]["promptTokenCount"] for times in (1, 2)]
    assert counts[0] > 100_000
    assert counts[1] == pytest.approx(2 * counts[0], rel=0.02)


@pytest.mark.parametrize(
    "more",
    [{}, {"tools": [{"functionDeclarations": [WEATHER]}]}, {"tools": [{"googleSearch": {}}]},
     {"generationConfig": {"responseMimeType": "application/json"}}, {"systemInstruction": {"parts": [{"text": FILLER}]}}],
    ids=["text", "functions", "search", "JSON", "system"],
)  # fmt: skip
def test_a_long_prompt_takes_little_time(more: Any) -> None:
    """It took a millisecond for each kilobyte when all of it was read."""
    answer(FILLER[:10_000], **more)
    assert loops(lambda: answer(FILLER, **more)) < 25
